"""Two classes and many rows: fits to a fine grid of the rows' logits."""

from __future__ import annotations

import numpy as np

from .._kernels.sums import sums_by_cell
from .._kernels.table import FloatArray, IntArray
from .cross_validation import costs
from .families import log_odds
from .fitted_map import FittedMap
from .sample import Sample, from_tables
from .softmax import LinearSoftmax, SoftmaxMap, debiased, minimise, slopes

_CELLS = 4096  # of equal width, and as many of equal mass


def sums_of_cells(
    cell: IntArray, n_cells: int, logit: FloatArray, p: FloatArray, w: FloatArray
) -> FloatArray:
    """Sums over the rows of each cell: of w, w x, w p, w^2, w^2 p and w^2 p^2."""
    w2 = w * w
    values = (w, w * logit, w * p, w2, w2 * p, w2 * p * p)
    return np.stack([sums_by_cell(cell, each, n_cells) for each in values])


class Grid:
    """Cells of rows whose logits are nearly the same.

    A cell stands for its rows by their mean logit and mean target: the same fit but
    for the width of a cell. The scatter of the scores is that of the rows.
    """

    def __init__(self, sums: FloatArray, n_effective: float) -> None:
        w, wx, wp, *self._squares = sums[:, sums[0] > 0]
        x, share = wx / w, wp / w
        normaliser = np.logaddexp(0.0, x)
        self._log_q = np.stack([-normaliser, x - normaliser])
        self._target = np.stack([1.0 - share, share])
        self.cells = from_tables(self._log_q, self._target, w)
        # Ridge and knots are as for the rows: their effective number, not the cells'.
        self.cells.weights, self.cells.n_effective = w, n_effective

    @classmethod
    def of_rows(cls, sample: Sample) -> Grid:
        """Cells of equal width, and of equal mass."""
        logit, p = np.empty(sample.n), np.empty(sample.n)
        for rows, log_q, target in sample.blocks():
            logit[rows], p[rows] = log_odds(log_q), target[1]
        cell, n_cells = _cells(logit)
        sums = sums_of_cells(cell, n_cells, logit, p, sample.weights)
        return cls(sums, sample.n_effective)

    def fit(self, family: LinearSoftmax, rows: Sample | None = None) -> FittedMap:
        """Fit a family to the cells, and debias it as a fit to the rows.

        Its losses are those of ``rows``, or of the cells where there are none.
        """
        optimum = minimise(family, self.cells)
        recalibrate = SoftmaxMap(family, optimum.parameters)
        second = np.full(self._log_q.shape, [[-1.0], [1.0]])
        of_logit = slopes(family, self._log_q, second)
        c = recalibrate(self._log_q)[1]
        w2, w2p, w2p2 = self._squares
        scatter = w2p2 - 2.0 * c * w2p + c * c * w2
        return debiased(
            family,
            optimum,
            losses=costs(recalibrate, self.cells if rows is None else rows),
            scatter=(of_logit * scatter) @ of_logit.T,
            total=float(self.cells.weights.sum()),
            n_independent=self.cells.n_effective,
        )

    @property
    def log_q(self) -> FloatArray:
        """Log-probabilities of the cells, of shape (2, cells)."""
        return self._log_q


def _cells(x: FloatArray) -> tuple[IntArray, int]:
    """The cell of each value, among cells of equal width and of equal mass."""
    quantiles = np.quantile(x, np.linspace(0.0, 1.0, _CELLS + 1))
    evenly = np.linspace(quantiles[0], quantiles[-1], _CELLS + 1)
    edges = np.unique(np.concatenate([quantiles, evenly]))
    return np.searchsorted(edges, x, side="right") - 1, len(edges)
