"""What each row adds to the terms of a decomposition, and their standard errors."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._kernels.sums import standard_error, weighted_mean
from .._kernels.table import FloatArray, IntArray


class RowTerms(NamedTuple):
    """Costs and entropies, in nats, of the rows that count.

    ``recalibrated`` is the cost after the recalibration map, ``frequencies`` that of
    predicting the class frequencies; NaN where they are undefined. ``clusters``
    numbers the group of each row, or is None where rows stand alone.
    """

    cross_entropy: FloatArray
    recalibrated: FloatArray
    frequencies: FloatArray
    entropy: FloatArray
    predictive_entropy: FloatArray
    weights: FloatArray
    clusters: IntArray | None

    @property
    def n_clusters(self) -> int | None:
        """Number of groups of dependent rows; None where rows stand alone."""
        return None if self.clusters is None else len(np.unique(self.clusters))

    def mean(self, values: FloatArray) -> float:
        """Weighted mean."""
        return weighted_mean(values, self.weights)

    def standard_error(self, influence: FloatArray) -> float:
        """Standard error of a weighted mean."""
        return standard_error(influence, self.weights, self.clusters)

    def influences(
        self, cross_entropy: float, uncertainty: float
    ) -> dict[str, FloatArray]:
        """What each row moves a term by, but for a constant, by the term's name."""
        ce, after, u = self.cross_entropy, self.recalibrated, self.frequencies
        whole = uncertainty or math.nan
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "cross_entropy": ce,
                "entropy": self.entropy,
                "kl_divergence": ce - self.entropy,
                "uncertainty": u,
                "resolution": u - after,
                "miscalibration": ce - after,
                "refinement": after,
                "irreducible": self.entropy,
                "grouping_loss": after - self.entropy,
                "skill": -(ce - cross_entropy / whole * u) / whole,
                "predictive_entropy": self.predictive_entropy,
                "calibration_gap": ce - self.predictive_entropy,
            }
