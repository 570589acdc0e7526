"""Two classes and many rows: fits to a fine grid of the rows' logits."""

from __future__ import annotations

import numpy as np

from .._table import FloatArray, IntArray
from ._cross_validation import costs
from ._families import log_odds
from ._map import FittedMap
from ._sample import Sample, from_tables
from ._softmax import LinearSoftmax, SoftmaxMap, debiased, minimise, slopes

_CELLS = 4096  # of equal width, and as many of equal mass


class Grid:
    """Cells of rows whose logits are nearly the same.

    A cell stands for its rows by their mean logit and mean target: the same fit but
    for the width of a cell. The scatter of the scores is that of the rows.
    """

    def __init__(self, sample: Sample) -> None:
        logit, p = np.empty(sample.n), np.empty(sample.n)
        for rows, log_q, target in sample.blocks():
            logit[rows], p[rows] = log_odds(log_q), target[1]
        cell, n_cells = _cells(logit)
        full = np.bincount(cell, minlength=n_cells) > 0

        def total(values: FloatArray) -> FloatArray:
            return np.bincount(cell, values, n_cells).astype(np.float64)[full]

        w = sample.weights
        mass = total(w)
        x, share = total(w * logit) / mass, total(w * p) / mass
        self._w2, self._w2p, self._w2p2 = map(total, (w * w, w * w * p, w * w * p * p))
        normaliser = np.logaddexp(0.0, x)
        self._log_q = np.stack([-normaliser, x - normaliser])
        self._rows = sample
        self.cells = from_tables(self._log_q, np.stack([1.0 - share, share]), mass)
        # Ridge and knots are as for the rows: their effective number, not the cells'.
        self.cells.weights, self.cells.n_effective = mass, sample.n_effective

    def fit(self, family: LinearSoftmax) -> FittedMap:
        """Fit a family to the cells, and debias it as a fit to the rows."""
        optimum = minimise(family, self.cells)
        recalibrate = SoftmaxMap(family, optimum.parameters)
        second = np.full(self._log_q.shape, [[-1.0], [1.0]])
        of_logit = slopes(family, self._log_q, second)
        c = recalibrate(self._log_q)[1]
        scatter = self._w2p2 - 2.0 * c * self._w2p + c * c * self._w2
        return debiased(
            family,
            self._rows,
            optimum,
            losses=costs(recalibrate, self._rows),
            scatter=(of_logit * scatter) @ of_logit.T,
        )


def _cells(x: FloatArray) -> tuple[IntArray, int]:
    """The cell of each value, among cells of equal width and of equal mass."""
    quantiles = np.quantile(x, np.linspace(0.0, 1.0, _CELLS + 1))
    evenly = np.linspace(quantiles[0], quantiles[-1], _CELLS + 1)
    edges = np.unique(np.concatenate([quantiles, evenly]))
    return np.searchsorted(edges, x, side="right") - 1, len(edges)
