"""Whether two sets hold the same rows, which would have to be paired."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._decomposition.evidence import Data
from .._kernels.table import FloatArray
from .._scan.sides import Side

_FEW = 20  # rows: so many can be alike by chance
_MOST = 0.5  # of the smaller set: distinct values that chance cannot share


def refuse_same_rows(reference: Side, current: Side) -> None:
    """Refuse sets with the same targets in the same order, or most rows in common."""
    first, second = reference.data, current.data
    why = ""
    if reference.decomposition is current.decomposition:
        why = "both are one"
    elif first is not None and second is not None:
        if _have_same_targets(first, second):
            why = "both have the same targets in the same order"
        else:
            n_both = _n_in_common(first, second)
            least = min(first.inputs.n, second.inputs.n)
            if n_both > max(_MOST * least, 1):
                why = f"{n_both:,} of {least:,} rows are in both"
    elif first is None and reference.decomposition == current.decomposition:
        why = "all terms are the same"
    if why:
        msg = (
            f"reference and current must be sets of different rows: {why}; pass "
            "compare({'reference': reference, 'current': current}), which pairs them."
        )
        raise ValueError(msg)


def _have_same_targets(first: Data, second: Data) -> bool:
    """Whether all targets are the same, in an order that is no sorted one."""
    numbers = _numbers(first, second)
    one, two = _codes(first, numbers), _codes(second, numbers)
    if len(one) != len(two) or len(one) < _FEW or not np.array_equal(one, two):
        return False
    n_changes = int(np.count_nonzero(one[1:] != one[:-1]))
    return n_changes > len(np.unique(one))


def _numbers(*each: Data) -> dict[Any, float]:
    """A number of each label of all sets."""
    labels = [(*data.inputs.labels, *data.inputs.unseen) for data in each]
    distinct = dict.fromkeys(label for some in labels for label in some)
    return {label: float(number) for number, label in enumerate(distinct, start=1)}


def _codes(data: Data, numbers: dict[Any, float]) -> FloatArray:
    """One number per row that counts, the same for equal targets."""
    inputs = data.inputs
    if inputs.codes is None:
        return _mixed(inputs.counted(inputs.target_table().T).T)
    labels = (*inputs.labels, *inputs.unseen)
    of_label = np.array([numbers[label] for label in labels])
    return np.asarray(of_label[inputs.counted(inputs.codes)])


def _n_in_common(first: Data, second: Data) -> int:
    """How many rows that occur once in each set are in both."""
    if first.inputs.labels != second.inputs.labels:
        return 0
    numbers = _numbers(first, second)
    one, two = (
        _once(_codes(data, numbers) + _mixed(_predictions(data)))
        for data in (first, second)
    )
    return len(np.intersect1d(one, two, assume_unique=True))


def _predictions(data: Data) -> FloatArray:
    parts = [block.predicted.copy() for block in data.inputs.blocks(data.inputs.active)]
    return np.concatenate(parts, axis=1)


def _mixed(table: FloatArray) -> FloatArray:
    """One number per column of a table, the same for equal columns."""
    found = np.zeros(table.shape[1])
    for place, row in enumerate(table, start=1):
        found += row * np.sqrt(place + 1.0 / np.pi)
    return found


def _once(values: FloatArray) -> FloatArray:
    distinct, counts = np.unique(values, return_counts=True)
    return np.asarray(distinct[counts == 1])
