"""What each row adds to the terms of a decomposition, and their standard errors."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._kernels.sums import standard_error, weighted_mean
from .._kernels.table import BoolArray, FloatArray, IntArray
from .._terms import TERMS


class RowTerms(NamedTuple):
    """Costs and entropies, in nats, of the rows that count.

    ``recalibrated`` is the cost after the recalibration map, ``frequencies`` that of
    predicting the class frequencies; NaN where they are undefined. ``clusters``
    numbers the group of each row, or is None where rows stand alone. Where the entropy
    of votes uses a concentration that was fitted to all rows, ``slopes`` are its
    derivatives in the log of that, which each row moves by ``concentration``.
    ``lowered`` says whether the map lowers the confidence of a row; None without a map.
    """

    cross_entropy: FloatArray
    recalibrated: FloatArray
    frequencies: FloatArray
    entropy: FloatArray
    predictive_entropy: FloatArray
    weights: FloatArray
    clusters: IntArray | None
    slopes: FloatArray | None = None
    concentration: FloatArray | None = None
    lowered: BoolArray | None = None

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

    def parts_of_miscalibration(self) -> dict[str, FloatArray]:
        """What each row adds to the parts of the miscalibration, before debiasing."""
        won = self.cross_entropy - self.recalibrated
        if self.lowered is None:
            unknown = np.full(len(won), np.nan)
            return {"overconfidence": unknown, "underconfidence": unknown}
        return {
            "overconfidence": np.where(self.lowered, won, 0.0),
            "underconfidence": np.where(self.lowered, 0.0, won),
        }

    def influences(
        self, cross_entropy: float, uncertainty: float
    ) -> dict[str, FloatArray]:
        """What each row moves a term by, but for a constant, by the term's name."""
        entropy = self.entropy
        if self.slopes is not None and self.concentration is not None:
            entropy = entropy + self.mean(self.slopes) * self.concentration
        return self._terms(entropy, cross_entropy, uncertainty)

    def values(self) -> dict[str, FloatArray]:
        """What each row adds to the mean that a term is, by the term's name."""
        return self._terms(self.entropy, math.nan, math.nan)

    def _terms(
        self, entropy: FloatArray, cross_entropy: float, uncertainty: float
    ) -> dict[str, FloatArray]:
        costs = {
            "cross_entropy": self.cross_entropy,
            "entropy": entropy,
            "predictive_entropy": self.predictive_entropy,
            "uncertainty": self.frequencies,
            "refinement": self.recalibrated,
        }
        whole = uncertainty or math.nan
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = cross_entropy / whole * self.frequencies
            others = {
                "skill": -(self.cross_entropy - expected) / whole,
                **self.parts_of_miscalibration(),
            }
            return {
                name: term.of(costs) if term.parts else others[name]
                for name, term in TERMS.items()
            }
