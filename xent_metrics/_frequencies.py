"""Class frequencies: the cost of always predicting them, debiased."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._inputs import Inputs
from ._reader import Reader
from ._table import FloatArray


class Frequencies(NamedTuple):
    """Weighted sums over rows, per class (labels first, then unseen ones).

    ``mass`` is sum w p, ``mass_w2`` is sum w^2 p, ``square`` is sum w^2 p^2, and
    ``total_w2`` is sum w^2.
    """

    mass: FloatArray
    mass_w2: FloatArray
    square: FloatArray
    total_w2: float

    @property
    def shares(self) -> FloatArray:
        """The frequency of each class."""
        shares: FloatArray = self.mass / self.mass.sum()
        return shares

    def entropy(self) -> float:
        """Entropy of the frequencies plus the correction of its bias.

        The correction is Miller and Madow's (1955), (K - 1) / (2 n) for unweighted
        labels, in the form that holds for weights and distributions.
        """
        share = self.shares
        present = share > 0
        share = share[present]
        scatter = (
            self.square[present]
            - 2.0 * share * self.mass_w2[present]
            + share * share * self.total_w2
        )
        total = float(self.mass.sum())
        correction = 0.5 * float((scatter / share).sum()) / total**2
        return float(-(share * np.log(share)).sum()) + correction

    def split(self, n_known: int) -> Frequencies:
        """The first ``n_known`` classes lumped into one, then the others."""
        known = slice(0, n_known)
        mass, mass_w2 = self.mass[known].sum(), self.mass_w2[known].sum()
        return Frequencies(
            np.concatenate([[mass], self.mass[n_known:]]),
            np.concatenate([[mass_w2], self.mass_w2[n_known:]]),
            np.concatenate([[mass_w2], self.square[n_known:]]),
            self.total_w2,
        )


def count(inputs: Inputs) -> Frequencies:
    """Sum targets over the rows that count."""
    n_classes = len(inputs.labels) + len(inputs.unseen)
    weights: FloatArray = np.ones(inputs.proba.n_rows)
    if inputs.weights is not None:
        weights = inputs.weights
    total_w2 = float(weights @ weights)
    if inputs.codes is not None:
        mass, mass_w2 = (
            np.bincount(inputs.codes, w, n_classes).astype(np.float64)
            for w in (weights, weights * weights)
        )
        return Frequencies(mass, mass_w2, mass_w2, total_w2)
    assert inputs.target is not None
    reader = Reader(inputs.target, row_major=False, active=inputs.active)
    sums = np.zeros((3, n_classes))
    for start in range(0, inputs.target.n_rows, reader.rows):
        stop = min(start + reader.rows, inputs.target.n_rows)
        p = reader.read(start, stop)
        assert p is not None, "the measures checked every row before"
        w = weights[start:stop]
        sums[0] += (p * w).sum(axis=1)
        sums[1] += (p * (w * w)).sum(axis=1)
        sums[2] += (p * p * (w * w)).sum(axis=1)
    return Frequencies(sums[0], sums[1], sums[2], total_w2)
