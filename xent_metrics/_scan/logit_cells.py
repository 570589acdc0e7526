"""Fixed cells of the logit of two classes, so that parts of the data agree on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._kernels.table import FloatArray, IntArray
from .._recalibration.families import log_odds
from .._recalibration.grid import sums_of_cells
from .._recalibration.sample import Sample

_REACH, _A_UNIT = 40, 250  # logits of either sign, and cells a logit
N_CELLS = 2 * _REACH * _A_UNIT
SHAPE = (6, N_CELLS)


def cell_of(logit: FloatArray) -> IntArray:
    """The cell of each logit; the outermost hold what lies beyond."""
    place = np.floor((logit + _REACH) * _A_UNIT)
    return np.clip(place, 0, N_CELLS - 1).astype(np.int64)


def sums_of_rows(sample: Sample, weights: FloatArray) -> FloatArray:
    """What the rows of a sample, with these weights, leave in the cells."""
    out = np.zeros(SHAPE)
    for rows, log_q, target in sample.blocks():
        x = log_odds(log_q)
        out += sums_of_cells(cell_of(x), N_CELLS, x, target[1], weights[rows])
    return out


@dataclass(frozen=True, eq=False)
class Levels:
    """A step function of the logit, one level a cell."""

    levels: FloatArray

    def __call__(self, log_q: FloatArray) -> FloatArray:
        """The class probabilities of each row."""
        second = self.levels[cell_of(log_odds(log_q))]
        return np.stack([1.0 - second, second])
