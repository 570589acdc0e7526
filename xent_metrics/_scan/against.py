"""A reference that parts of the data are measured against."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._decomposition.expected_costs import expected_costs
from .._decomposition.reference_map import ReferenceMap
from .._inputs.inputs import Inputs
from .._inputs.labels import show
from .._kernels.table import FloatArray, IntArray
from .._recalibration.flexible import describe


def name_of_map(reference: ReferenceMap) -> str:
    """What tells a reference's map from others: its kind, its rows, and a digest."""
    of_map = describe(reference.family)
    digest = hashlib.sha256(of_map.own.encode())
    for numbers in (*of_map.knots, reference.parameters):
        digest.update(np.ascontiguousarray(numbers, dtype="<f8").tobytes())
    return f"{of_map.name} map of {reference.n:,} rows, {digest.hexdigest()[:12]}"


def check_reference(
    reference: ReferenceMap, labels: Sequence[Any], clip: float
) -> None:
    """Refuse a reference of other classes, or whose zeros cost otherwise."""
    if set(labels) != set(reference.labels):
        msg = (
            "reference must have the classes of the data: found "
            f"{show(reference.labels)} and {show(labels)}; pass labels= to both."
        )
        raise ValueError(msg)
    if clip != reference.clip:
        msg = (
            f"clip must be that of the reference, {reference.clip:g}: found {clip:g}; "
            "evaluate both with one."
        )
        raise ValueError(msg)


def measured_against(
    reference: ReferenceMap, inputs: Inputs, codes: IntArray | None, n_groups: int
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Columns of rows that all count, and slopes of their sum, one row per group."""
    weights = inputs.weights
    if weights is None:
        weights = np.ones(inputs.proba.n_rows)
    columns = None
    if inputs.labels != reference.labels:
        columns = [inputs.labels.index(label) for label in reference.labels]
    found = expected_costs(reference, inputs, weights, codes, n_groups, columns=columns)
    outside = found.outside.astype(np.float64)
    return {"expected_loss": found.costs, "share_outside": outside}, found.slopes
