"""Whether two models were evaluated on the same rows."""

from __future__ import annotations

import numpy as np

from ._inputs.inputs import Inputs
from ._kernels.reader import Reader
from ._kernels.table import BoolArray, FloatArray

_TOLERANCE = 1e-9


def check_same_targets(first: Inputs, second: Inputs, names: tuple[str, str]) -> None:
    """Refuse other rows, targets or weights; the order of classes is free."""
    n = first.proba.n_rows, second.proba.n_rows
    if n[0] != n[1]:
        msg = (
            f"models must be evaluated on the same rows: {names[0]!r} has {n[0]}, "
            f"{names[1]!r} has {n[1]}; evaluate both on one test set."
        )
        raise ValueError(msg)
    weights = [_weights(one) for one in (first, second)]
    _refuse(np.abs(weights[0] - weights[1]) > _TOLERANCE, "weights", names)
    _refuse(_other_targets(first, second) & (weights[0] > 0), "targets", names)


def _weights(inputs: Inputs) -> FloatArray:
    """Weights on a scale of their own; that of the user is free."""
    if inputs.weights is None:
        return np.ones(inputs.proba.n_rows)
    return np.asarray(inputs.weights / inputs.weights.max())


def _other_targets(first: Inputs, second: Inputs) -> BoolArray:
    """Rows whose targets differ."""
    if (first.codes is None) != (second.codes is None):
        return np.ones(first.proba.n_rows, dtype=np.bool_)
    if first.codes is not None and second.codes is not None:
        labels = (*first.labels, *first.unseen)
        place = {label: code for code, label in enumerate(labels)}
        others = (*second.labels, *second.unseen)
        known = np.array([place.get(label, -1) for label in others])
        return np.asarray(known[second.codes] != first.codes)
    if set(first.labels) != set(second.labels):
        return np.ones(first.proba.n_rows, dtype=np.bool_)
    order = [second.labels.index(label) for label in first.labels]
    p, q = _laws(first), _laws(second)[order]
    return np.asarray((np.abs(p - q) > _TOLERANCE).any(axis=0))


def _laws(inputs: Inputs) -> FloatArray:
    """All targets, of shape (classes, rows)."""
    assert inputs.target is not None
    reader = Reader(inputs.target, row_major=False, active=inputs.active)
    out = np.empty((inputs.target.n_classes, inputs.target.n_rows))
    for start in range(0, inputs.target.n_rows, reader.rows):
        stop = min(start + reader.rows, inputs.target.n_rows)
        block = reader.read(start, stop)
        # A row that breaks a rule is named by the measures, in their own words.
        out[:, start:stop] = np.nan if block is None else block
    return out


def _refuse(differ: BoolArray, what: str, names: tuple[str, str]) -> None:
    rows = np.flatnonzero(differ)
    if rows.size:
        shown = ", ".join(map(str, rows[:5])) + (", ..." if rows.size > 5 else "")  # noqa: PLR2004
        msg = (
            f"models must be evaluated on the same {what}: {names[0]!r} and "
            f"{names[1]!r} differ in {rows.size} rows ({shown}); evaluate both on one "
            "test set, in one order."
        )
        raise ValueError(msg)
