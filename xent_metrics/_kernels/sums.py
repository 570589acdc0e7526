"""Sums, means and standard errors of values of rows, exact to rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from .compiled.compiled_pass import total_of
from .table import BoolArray, FloatArray, IntArray, greatest

Reduction = Literal["mean", "sum"] | None
ROUNDING = 1e-12  # a share of a mean cost: what two ways to add it up may differ by
_CHUNK = 4096
_FEW = 128  # values: to add them without rounding takes less than a call of numpy
_LARGE, _SCALE = 2.0**512, 2.0**64  # weights whose products may overflow


def total(values: FloatArray) -> float:
    """Sum in float64: sums of short runs, added without further rounding."""
    found = total_of(values)
    if found is not None:
        return found
    if len(values) <= _FEW:
        return exact_sum(values.tolist())
    with np.errstate(over="ignore", invalid="ignore"):
        if len(values) <= _CHUNK:
            return float(np.add.reduce(values))
        whole = len(values) // _CHUNK * _CHUNK
        runs = np.add.reduce(values[:whole].reshape(-1, _CHUNK), axis=1)
        sums = [*runs.tolist(), float(np.add.reduce(values[whole:]))]
    return exact_sum(sums)


def exact_sum(values: Sequence[float]) -> float:
    """Sum rounded once; infinite where it overflows, NaN for both infinities."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return sum(values)


def weighted_mean(values: FloatArray, weights: FloatArray | None) -> float:
    """Sum w v / sum w."""
    if weights is None:
        return total(values) / len(values)
    scale = _SCALE if greatest(weights) > _LARGE else 1.0
    with np.errstate(over="ignore"):
        return total(values / scale * weights) / total(weights) * scale


def sums_by_cell(codes: IntArray, values: FloatArray, n_cells: int) -> FloatArray:
    """Sum of the values in each of the numbered cells; of one, as of all rows."""
    if n_cells == 1:
        return np.array([total(values)])
    return np.bincount(codes, values, n_cells).astype(np.float64)


def errors_of_means(
    n: FloatArray | IntArray, squares: FloatArray, weight: FloatArray
) -> FloatArray:
    """SE^2 = n / (n - 1) squares / W^2 of n independent rows; NaN where n < 2."""
    share = n / np.where(n > 1, n - 1, np.nan)
    return np.asarray(np.sqrt(share * squares) / weight)


def standard_error(
    influence: FloatArray,
    weights: FloatArray | None,
    clusters: IntArray | None = None,
) -> float:
    """Standard error of a weighted mean of rows, or of clusters of rows.

    SE^2 = G / (G - 1) sum over the G clusters of (sum of w psi)^2, over W^2; NaN where
    there is one.
    """
    if weights is None:
        weights = np.ones(len(influence))
    with np.errstate(invalid="ignore", over="ignore"):
        centred = weights * (influence - weighted_mean(influence, weights))
        n = int(np.count_nonzero(weights))
        if clusters is not None:
            centred = np.bincount(clusters, centred).astype(np.float64)
            n = len(np.unique(clusters[weights > 0]))
        if n < 2:  # noqa: PLR2004
            return math.nan
        return math.sqrt(n / (n - 1) * float(centred @ centred)) / float(weights.sum())


def reduce_rows(
    values: FloatArray,
    *,
    weights: FloatArray | None,
    active: BoolArray | None,
    reduction: Reduction,
) -> float | FloatArray:
    """Weighted mean or sum over the rows that count, or the values themselves."""
    if reduction is None:
        return values
    if reduction not in ("mean", "sum"):
        msg = (
            "reduction must be 'mean', 'sum' or None: "
            f"found {reduction!r}; pass None for one value per row."
        )
        raise ValueError(msg)
    if weights is not None and active is not None:
        values, weights = values[active], weights[active]
    if reduction == "mean":
        return weighted_mean(values, weights)
    if weights is None:
        return total(values)
    with np.errstate(over="ignore"):
        return total(values * weights)


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
            self.weight = sums_by_cell(codes, weights, n_cells)
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
            mean = sums_by_cell(codes, weighted, n_cells) / self.weight
            centred = mean.take(codes)
            np.subtract(values, centred, out=centred)
            if w is not None:
                centred *= w
            if self._pairs is not None:
                of_pair = sums_by_cell(self._pairs, centred, len(self._cell_of_pair))
                squares = sums_by_cell(self._cell_of_pair, of_pair**2, n_cells)
            else:
                np.multiply(centred, centred, out=centred)
                squares = sums_by_cell(codes, centred, n_cells)
            return mean, errors_of_means(self.n_independent, squares, self.weight)
