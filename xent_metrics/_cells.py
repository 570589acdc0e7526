"""Weighted means of the rows of each cell, with their standard errors."""

from __future__ import annotations

import numpy as np

from ._table import FloatArray, IntArray


class Cells:
    """Rows in numbered cells; ``clusters`` numbers the group of dependent rows.

    Every row has a weight above 0. ``n`` counts the rows of each cell, ``weight`` is
    the sum of their weights, ``n_independent`` counts rows, or groups of them.
    """

    def __init__(
        self,
        codes: IntArray,
        n_cells: int,
        weights: FloatArray | None,
        clusters: IntArray | None,
    ) -> None:
        self._codes = codes
        self._n_cells = n_cells
        self._weights = weights
        self.n = np.bincount(codes, minlength=n_cells)
        self.weight: FloatArray = self.n.astype(np.float64)
        if weights is not None:
            self.weight = self._sum(codes, weights, n_cells)
        self._pairs: IntArray | None = None
        self.n_independent = self.n
        if clusters is not None:
            pairs = codes * (int(clusters.max(initial=0)) + 1) + clusters
            first, self._pairs = np.unique(pairs, return_inverse=True)
            self._cell_of_pair = first // (int(clusters.max(initial=0)) + 1)
            self.n_independent = np.bincount(self._cell_of_pair, minlength=n_cells)

    def means_and_errors(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The mean of each cell, and SE^2 = G / (G - 1) sum_g (sum w psi)^2 / W^2.

        An infinite value stays in its cell; the error of fewer than two independent
        rows is NaN.
        """
        codes, n_cells, w = self._codes, self._n_cells, self._weights
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            weighted = values if w is None else values * w
            mean = self._sum(codes, weighted, n_cells) / self.weight
            centred = mean.take(codes)
            np.subtract(values, centred, out=centred)
            if w is not None:
                centred *= w
            if self._pairs is not None:
                of_pair = self._sum(self._pairs, centred, len(self._cell_of_pair))
                squares = self._sum(self._cell_of_pair, of_pair**2, n_cells)
            else:
                np.multiply(centred, centred, out=centred)
                squares = self._sum(codes, centred, n_cells)
            n = self.n_independent
            share = n / np.where(n > 1, n - 1, np.nan)
            return mean, np.sqrt(share * squares) / self.weight

    @staticmethod
    def _sum(codes: IntArray, values: FloatArray, n_cells: int) -> FloatArray:
        return np.bincount(codes, values, minlength=n_cells).astype(np.float64)
