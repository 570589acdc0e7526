"""Co-moments of what a row adds: its cost and the probabilities of its target."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from .._kernels.table import FloatArray


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
        return inside + float(self.weight2[0]) * away**2
