"""Class frequencies: the cost of always predicting them, debiased."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._inputs.inputs import Inputs
from .._kernels.table import FloatArray, IntArray
from .._pickling import pickled


@pickled
class Frequencies(NamedTuple):
    """Weighted sums over rows, per class (labels first, then unseen ones).

    ``mass`` is sum w p; ``scatter`` is the sum over clusters of the squared sums of
    w (p - share).
    """

    mass: FloatArray
    scatter: FloatArray

    @property
    def shares(self) -> FloatArray:
        """The frequency of each class."""
        shares: FloatArray = self.mass / self.mass.sum()
        return shares

    def entropy(self, *, debiased: bool = True) -> float:
        """Entropy of the frequencies, plus the correction of its bias."""
        share = self.shares[self.mass > 0]
        plug_in = float(-(share * np.log(share)).sum())
        return plug_in + self.correction() if debiased else plug_in

    def correction(self) -> float:
        """How much the plug-in entropy is too low.

        Miller and Madow's (1955) correction, (K - 1) / (2 n) for unweighted labels, in
        the form that holds for weights, clusters and distributions.
        """
        present = self.mass > 0
        total = float(self.mass.sum())
        ratios = self.scatter[present] / self.shares[present]
        return 0.5 * float(ratios.sum()) / total**2

    def variance(self) -> float:
        """Variance of the plug-in entropy of classes that are all as frequent."""
        n_free = int(np.count_nonzero(self.mass)) - 1
        return 2.0 * self.correction() ** 2 / max(n_free, 1)


def count_classes(inputs: Inputs, clusters: IntArray | None = None) -> Frequencies:
    """Sum targets over the rows that count; ``clusters`` numbers all rows."""
    n_classes = len(inputs.labels) + len(inputs.unseen)
    weights: FloatArray = np.ones(inputs.proba.n_rows)
    if inputs.weights is not None:
        weights = inputs.weights
    mass = np.zeros(n_classes)
    if inputs.codes is not None:
        mass += np.bincount(inputs.codes, weights, n_classes)
    else:
        for part, p in inputs.target_blocks():
            mass += (p * weights[part]).sum(axis=1)
    share = mass / mass.sum()
    if clusters is not None:
        return Frequencies(mass, _between(inputs, weights, share, clusters))
    if inputs.codes is not None:
        mass_w2 = np.bincount(inputs.codes, weights * weights, n_classes)
        total_w2 = float(weights @ weights)
        # The sum of w^2 (p - share)^2, where p^2 = p.
        scatter = mass_w2 * (1.0 - 2.0 * share) + share * share * total_w2
        return Frequencies(mass, scatter)
    scatter = np.zeros(n_classes)
    for part, p in inputs.target_blocks():
        scatter += ((weights[part] * (p - share[:, np.newaxis])) ** 2).sum(axis=1)
    return Frequencies(mass, scatter)


def frequency_costs(inputs: Inputs, shares: FloatArray) -> FloatArray:
    """Cross-entropy of each row where the frequencies are predicted."""
    with np.errstate(divide="ignore"):
        cost = -np.log(shares)
    if inputs.codes is not None:
        return np.asarray(cost[inputs.codes])
    cost = np.where(shares > 0, cost, 0.0)[:, np.newaxis]
    out = np.empty(inputs.proba.n_rows)
    for part, p in inputs.target_blocks():
        out[part] = (p * cost).sum(axis=0)
    return out


def _between(
    inputs: Inputs, weights: FloatArray, share: FloatArray, clusters: IntArray
) -> FloatArray:
    """Sums over clusters of squared sums of w (p - share), class by class."""
    n_clusters = int(clusters.max()) + 1
    scatter = np.empty(len(share))
    total = np.bincount(clusters, weights, n_clusters)
    if inputs.codes is not None:
        cell = clusters * len(share) + inputs.codes
        cells, place = np.unique(cell, return_inverse=True)
        mass = np.bincount(place, weights)
        of_cluster, of_class = np.divmod(cells, len(share))
        expected = share[of_class] * total[of_cluster]
        change = (mass - expected) ** 2 - expected**2
        scatter[:] = share**2 * float(total @ total)
        scatter += np.bincount(of_class, change, len(share))
        return scatter
    for k, own in enumerate(share):
        column = inputs.target_column(k)
        sums = np.bincount(clusters, weights * (column - own), n_clusters)
        scatter[k] = float(sums @ sums)
    return scatter
