"""Estimates that rows of two sets enter: those of the reference, and others' own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._kernels.table import FloatArray, IntArray


class Rows(NamedTuple):
    """The weights of independent rows, or of rows of independent clusters."""

    weights: FloatArray
    clusters: IntArray | None

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return float(self.weights.sum())

    def mean(self, values: FloatArray) -> FloatArray:
        """Weighted means of values of shape (..., rows)."""
        return np.asarray(values @ self.weights / self.total)

    def covariance(self, values: FloatArray) -> FloatArray:
        """The covariance of the weighted means of values of shape (estimates, rows).

        G / (G - 1) times the sum over the G clusters of products of their sums; NaN
        where there is one cluster.
        """
        with np.errstate(invalid="ignore"):
            centred = values - self.mean(values)[:, np.newaxis]
            centred *= self.weights
        n = int(np.count_nonzero(self.weights))
        if self.clusters is not None:
            n = len(np.unique(self.clusters[self.weights > 0]))
            centred = np.stack([np.bincount(self.clusters, one) for one in centred])
        if n < 2:  # noqa: PLR2004
            return np.full((len(values),) * 2, np.nan)
        with np.errstate(invalid="ignore"):
            found: FloatArray = centred @ centred.T
        return found * (n / (n - 1) / self.total**2)


class Estimates(NamedTuple):
    """Values, and what moves them.

    ``gradients`` are their derivatives in the estimates of the reference, of shape
    (values, those estimates); ``influences`` say what each row of the other set moves
    them by, but for a constant: each value is, to first order, a mean over rows.
    """

    means: FloatArray
    gradients: FloatArray
    influences: FloatArray

    def covariance(self, of_reference: FloatArray, rows: Rows) -> FloatArray:
        """Their covariance, where the sets are independent."""
        moved: FloatArray = self.gradients @ of_reference @ self.gradients.T
        return moved + rows.covariance(self.influences)

    def turned(self, matrix: FloatArray) -> Estimates:
        """Linear combinations of the values."""
        return Estimates(
            matrix @ self.means, matrix @ self.gradients, matrix @ self.influences
        )

    def plus(self, other: Estimates, sign: float = 1.0) -> Estimates:
        """Sums, value by value, with those of another."""
        return Estimates(
            *(one + sign * two for one, two in zip(self, other, strict=True))
        )
