"""Means, variances and covariances that merge."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from .._kernels.compiled.compiled_pass import fill_cells
from .._kernels.sums import errors_of_means, sums_by_cell
from .._kernels.table import FloatArray, IntArray
from .._pickling import pickled


@pickled
class Moments(NamedTuple):
    """What the rows of each cell leave of their measures.

    ``n``, ``weight`` and ``weight2`` hold a cell's rows, the sum of their weights w and
    that of w^2. Of each measure (first axis) and cell, ``mean`` is the mean under w,
    ``mean2`` that under w^2, and ``scatter`` the sum of w^2 (v - mean2)^2. Sums of
    squares are never formed, as differences of them lose digits (Chan, Golub &
    LeVeque, 1983).
    """

    n: FloatArray
    weight: FloatArray
    weight2: FloatArray
    mean: FloatArray
    mean2: FloatArray
    scatter: FloatArray

    @classmethod
    def empty(cls, n_measures: int, n_cells: int) -> Self:
        """Cells without rows."""
        return cls(*np.zeros((3, n_cells)), *np.zeros((3, n_measures, n_cells)))

    @classmethod
    def of_rows(
        cls,
        codes: IntArray | None,
        n_cells: int,
        weights: FloatArray | None,
        values: list[FloatArray],
    ) -> Self:
        """Moments of rows; ``codes`` are their cells, None where there is one cell."""
        found = cls.empty(len(values), n_cells)
        if codes is not None and fill_cells(codes, weights, values, found):
            return found
        total = _Sums(codes, n_cells, len(values[0]))
        found.n[:] = total.rows
        w, w2 = weights, None if weights is None else weights * weights
        found.weight[:] = found.n if w is None else total(w)
        found.weight2[:] = found.n if w2 is None else total(w2)
        with np.errstate(invalid="ignore", over="ignore"):
            for k, v in enumerate(values):
                found.mean[k] = _ratio(total(v if w is None else v * w), found.weight)
                found.mean2[k] = found.mean[k]
                if w2 is not None:
                    found.mean2[k] = _ratio(total(v * w2), found.weight2)
                away = v - (
                    found.mean2[k, 0] if codes is None else found.mean2[k][codes]
                )
                away *= away
                found.scatter[k] = total(away if w2 is None else away * w2)
        return found

    def plus(self, other: Self) -> Self:
        """These cells with the rows of others, cell by cell."""
        if not self.n.any():
            return other
        weight, weight2 = self.weight + other.weight, self.weight2 + other.weight2
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.where(
                other.weight2 * self.weight2 > 0, other.mean2 - self.mean2, 0
            )
            between = apart * apart * self.weight2 * _ratio(other.weight2, weight2)
            return type(self)(
                self.n + other.n,
                weight,
                weight2,
                _average(self.mean, self.weight, other.mean, other.weight),
                _average(self.mean2, self.weight2, other.mean2, other.weight2),
                self.scatter + other.scatter + between,
            )

    def placed(self, at: IntArray, n_cells: int) -> Self:
        """The same cells among ``n_cells``, each at its place."""
        if len(self.n) == n_cells and np.array_equal(at, np.arange(n_cells)):
            return self
        found = self.empty(len(self.mean), n_cells)
        for mine, theirs in zip(self, found, strict=True):
            theirs[..., at] = mine
        return found

    def together(self, codes: IntArray, n_cells: int) -> Self:
        """Cells joined: ``codes`` names the cell that each becomes a part of."""
        found = self.empty(len(self.mean), n_cells)
        for mine, theirs in zip(self[:3], found[:3], strict=True):
            theirs[:] = sums_by_cell(codes, mine, n_cells)
        with np.errstate(invalid="ignore", over="ignore"):
            for k in range(len(self.mean)):
                for name, weight in (("mean", "weight"), ("mean2", "weight2")):
                    share = getattr(self, weight)
                    sums = np.where(share > 0, getattr(self, name)[k] * share, 0.0)
                    total = sums_by_cell(codes, sums, n_cells)
                    getattr(found, name)[k] = _ratio(total, getattr(found, weight))
                apart = np.where(
                    self.weight2 > 0, self.mean2[k] - found.mean2[k][codes], 0
                )
                inside = self.scatter[k] + self.weight2 * apart * apart
                found.scatter[k] = sums_by_cell(codes, inside, n_cells)
        return found

    def errors(self) -> FloatArray:
        """Standard errors: SE^2 = n / (n - 1) sum w^2 (v - mean)^2 / W^2.

        NaN where there are fewer than two rows, or where a value is infinite.
        """
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            squares = self.scatter + self.weight2 * (self.mean2 - self.mean) ** 2
            return errors_of_means(self.n, squares, self.weight)


class Covariance(NamedTuple):
    """Weighted by w^2: the sum of weights, means, and sums of products around them."""

    weight2: FloatArray
    mean2: FloatArray
    products: FloatArray

    @classmethod
    def empty(cls, size: int) -> Self:
        """No rows."""
        return cls(np.zeros(1), np.zeros(size), np.zeros((size, size)))

    @classmethod
    def of_rows(cls, table: FloatArray, weights: FloatArray | None) -> Self:
        """Of a table of shape (values, rows)."""
        w = np.ones(table.shape[1]) if weights is None else weights
        weight2 = float(w @ w)
        with np.errstate(invalid="ignore", over="ignore"):  # of infinite costs
            mean2 = table @ (w * w) / weight2
            away = (table - mean2[:, np.newaxis]) * w
            return cls(np.array([weight2]), mean2, away @ away.T)

    def plus(self, other: Self) -> Self:
        """Merged with that of other rows."""
        if not self.weight2[0] or not other.weight2[0]:
            return self if self.weight2[0] else other
        total = self.weight2 + other.weight2
        share = other.weight2 / total
        with np.errstate(invalid="ignore"):
            apart = other.mean2 - self.mean2
            mean2 = self.mean2 + apart * share
            between = np.outer(apart, apart) * self.weight2 * share
        return type(self)(total, mean2, self.products + other.products + between)

    def squares(self, direction: FloatArray, centre: float) -> float:
        """The sum of w^2 (direction @ row - centre)^2."""
        away = float(direction @ self.mean2) - centre
        inside = float(direction @ self.products @ direction)
        # Rounding may leave less than nothing where all rows are alike.
        return max(inside + float(self.weight2[0]) * away**2, 0.0)


class _Sums:
    """Sums of values by cell."""

    def __init__(self, codes: IntArray | None, n_cells: int, n_rows: int) -> None:
        self._codes, self._n_cells = codes, n_cells
        self.rows: FloatArray = np.array([float(n_rows)])
        if codes is not None:
            self.rows = np.bincount(codes, minlength=n_cells).astype(np.float64)

    def __call__(self, values: FloatArray) -> FloatArray:
        if self._codes is None:
            return np.array([np.add.reduce(values)])
        return sums_by_cell(self._codes, values, self._n_cells)


def _ratio(sums: FloatArray, weight: FloatArray) -> FloatArray:
    """Sums over weights; 0 where there is no weight."""
    return np.asarray(sums / np.where(weight > 0, weight, 1.0))


def _average(
    first: FloatArray, own: FloatArray, second: FloatArray, others: FloatArray
) -> FloatArray:
    """The weighted average; a cell without rows counts for nothing."""
    one = np.where(own > 0, first * own, 0.0)
    two = np.where(others > 0, second * others, 0.0)
    return _ratio(one + two, own + others)
