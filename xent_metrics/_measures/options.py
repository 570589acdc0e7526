"""Options that measures share, and the last step of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from .._inputs.inputs import Inputs
from .._inputs.read_options import FromLogits, ReadOptions, TargetType
from .._kernels.sums import Reduction, reduce_rows
from .._kernels.table import FloatArray


class _Reading(TypedDict, total=False):
    """How predictions are read."""

    sample_weight: ArrayLike | None
    rescale: bool
    from_logits: FromLogits
    n_jobs: int | None


class PredictionOptions(_Reading, total=False):
    """Options of a measure of predictions alone."""

    base: float | None


class UnitlessOptions(_Reading, total=False):
    """Options of a measure without unit, of predictions against targets."""

    labels: Iterable[Any] | None
    target_type: TargetType
    clip: float


class Options(UnitlessOptions, total=False):
    """Options of a measure of predictions against targets."""

    base: float | None


class TwoTables(TypedDict, total=False):
    """Options of a divergence between two tables."""

    sample_weight: ArrayLike | None
    base: float | None
    rescale: bool
    n_jobs: int | None


class TwoTablesClipped(TwoTables, total=False):
    """The same with a clip."""

    clip: float


def reduced(
    inputs: Inputs,
    column: str,
    options: ReadOptions,
    n_jobs: int | None,
    reduction: Reduction,
) -> float | FloatArray:
    """One column of a pass in the unit of the options, reduced."""
    scale, clip = options.per_unit, options.clip
    if (
        column == "cross_entropy"
        and reduction in ("mean", "sum")
        and inputs.codes is not None
        and inputs.weights is None
        and inputs.proba.kind != "logits"
    ):
        cost = inputs.sum_of_label_costs(clip=clip, n_jobs=n_jobs) / scale
        return cost / inputs.n if reduction == "mean" else cost
    values = inputs.measure([column], clip=clip, n_jobs=n_jobs).columns[column]
    result = reduce_rows(
        values, weights=inputs.weights, active=inputs.active, reduction=reduction
    )
    in_unit: float | FloatArray = in_units(result, scale)
    return in_unit


def in_units(values: Any, scale: float) -> Any:
    """Values in nats as values in units of so many nats; infinite past the largest."""
    if scale == 1.0:
        return values
    with np.errstate(over="ignore"):
        return values / scale
