"""Fixed cells of the logit of two classes, so that parts of the data agree on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._inputs.inputs import Inputs
from .._inputs.read_options import log_floored
from .._kernels.reader import checked_blocks
from .._kernels.table import FloatArray, IntArray
from .._recalibration.families import log_odds
from .moments import Moments

_REACH, _A_UNIT = 40, 250  # logits of either sign, and cells a logit
N_CELLS = 2 * _REACH * _A_UNIT
SHAPE = (6, N_CELLS)


def cell_of(logit: FloatArray) -> IntArray:
    """The cell of each logit; the outermost hold what lies beyond."""
    place = np.floor((logit + _REACH) * _A_UNIT)
    return np.clip(place, 0, N_CELLS - 1).astype(np.int64)


def sums_of_labels(inputs: Inputs, clip: float) -> FloatArray:
    """What rows with labels, which were measured before, leave in the cells.

    These are the sums that :func:`sums_of_cells` names, of a label's p of 0 or 1.
    """
    assert inputs.codes is not None, "rows have labels"
    x, logits = np.empty(inputs.proba.n_rows), inputs.proba.kind == "logits"
    for rows, table in checked_blocks(inputs.proba, None):
        assert table is not None, "the measures checked every row before"
        x[rows] = log_odds(log_floored(table, clip, logits=logits))
    both = inputs.codes * N_CELLS + cell_of(x)
    found = Moments.of_rows(both, 2 * N_CELLS, inputs.weights, [x])
    sums = np.stack([found.weight, found.weight * found.mean[0], found.weight2])
    (w0, x0, v0), (w1, x1, v1) = sums[:, :N_CELLS], sums[:, N_CELLS:]
    return np.stack([w0 + w1, x0 + x1, w1, v0 + v1, v1, v1])


@dataclass(frozen=True, eq=False)
class Levels:
    """A step function of the logit, one level a cell."""

    levels: FloatArray

    def __call__(self, log_q: FloatArray) -> FloatArray:
        """The class probabilities of each row."""
        second = self.levels[cell_of(log_odds(log_q))]
        return np.stack([1.0 - second, second])
