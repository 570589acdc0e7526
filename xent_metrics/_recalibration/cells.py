"""Predictions of which few are distinct, such as those of a tree: a map of each."""

from __future__ import annotations

import numpy as np

from .._kernels.table import FloatArray, IntArray
from .._pickling import pickled
from .sample import Sample
from .softmax import LinearSoftmax

_BETA, _BIAS, _CELL = 0.01, 0.01, 0.5  # precisions, in units of one row
_MOST_CELLS = 100
_ROWS_A_PARAMETER = 5
_DECIMALS = 9  # of log q: rounding makes no cell of its own


@pickled
class Cells(LinearSoftmax):
    """Z_k = beta log q_k + b_k + a_jk, where j numbers the distinct prediction.

    Other predictions have no a.
    """

    name = "cells"
    of_folds = 9 / 8  # half of the difference, by simulation

    def __init__(self, sample: Sample) -> None:
        keys: set[bytes] = set()
        for block in sample.blocks():
            keys.update(_keys(block.log_q))
            if len(keys) > _MOST_CELLS:
                msg = (
                    "recalibration='cells' is for few distinct predictions, such as "
                    f"those of a tree: found more than {_MOST_CELLS}; pass 'auto'."
                )
                raise ValueError(msg)
        self.places = {key: place for place, key in enumerate(sorted(keys))}
        ridge = np.array([_BIAS, *[_CELL] * len(self.places)])
        super().__init__(sample.n_classes, np.ones(1), np.array([[_BETA]]), ridge)

    def own(self, log_q: FloatArray) -> FloatArray:
        """A constant, and whether the row is of each cell."""
        out = np.zeros((1, 1 + len(self.places), log_q.shape[1]))
        out[0, 0] = 1.0
        cell = self._cell(log_q)
        known = np.flatnonzero(cell >= 0)
        out[0, 1 + cell[known], known] = 1.0
        return out

    def _cell(self, log_q: FloatArray) -> IntArray:
        return np.array([self.places.get(key, -1) for key in _keys(log_q)])


def are_few(sample: Sample) -> bool:
    """Whether rows share so few predictions that each can have a map of its own."""
    by_rows = sample.n_independent / (_ROWS_A_PARAMETER * sample.n_classes)
    most = min(_MOST_CELLS, by_rows)
    found: set[bytes] = set()
    for block in sample.blocks():
        found.update(_keys(block.log_q))
        if len(found) > most:
            return False
    return len(found) > 1


def _keys(log_q: FloatArray) -> list[bytes]:
    rounded = np.ascontiguousarray(np.round(log_q, _DECIMALS).T) + 0.0  # no -0
    return [row.tobytes() for row in rounded]
