"""What evaluated rows say of others: the map, and how sure all of it is.

Of the rows nothing is kept but a flexible recalibration map, the mean cost and the
class frequencies, their covariance, and the range of the predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._inputs.inputs import Inputs
from .._kernels.table import BoolArray, FloatArray, IntArray
from .._pickling import pickled
from .._recalibration.flexible import fit_flexible
from .._recalibration.sample import Sample, from_inputs
from .._recalibration.softmax import LinearSoftmax, slopes, softmax


@pickled
@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceMap:
    """The estimates of a reference set, in nats.

    Estimates are the parameters of the map, the mean cost, and the frequency of each
    class, in this order; ``covariance`` is that of all. Frequencies sum to less than 1
    where rows have a label that is no class. ``low`` and ``high`` bound the log q of
    each class that the rows had. ``dispersion`` is the variance of costs around their
    expectation as a multiple of that of one label per row, ``correlation`` that of two
    rows of a group, NaN where rows stood alone.
    """

    labels: tuple[Any, ...]
    clip: float
    family: LinearSoftmax
    parameters: FloatArray
    cross_entropy: float
    frequencies: FloatArray
    covariance: FloatArray
    low: FloatArray
    high: FloatArray
    n: int
    n_independent: float
    dispersion: float = 1.0
    correlation: float = float("nan")

    @property
    def n_parameters(self) -> int:
        """How many parameters the map has."""
        return len(self.parameters)

    def gradient(
        self,
        of_map: FloatArray | None = None,
        *,
        of_cost: float = 0.0,
        of_frequencies: FloatArray | float = 0.0,
    ) -> FloatArray:
        """Derivatives in all estimates, of what has these in each kind of them."""
        found = np.zeros(len(self.covariance))
        d = self.n_parameters
        if of_map is not None:
            found[:d] = of_map
        found[d] = of_cost
        found[d + 1 :] = of_frequencies
        return found

    def outside(self, log_q: FloatArray) -> BoolArray:
        """Which predictions, of shape (classes, rows), lie beyond those of its rows."""
        low, high = self.low[:, np.newaxis], self.high[:, np.newaxis]
        return np.asarray(((log_q < low) | (log_q > high)).any(axis=0))


def fit_reference(
    inputs: Inputs, clusters: IntArray | None, costs: FloatArray, clip: float
) -> ReferenceMap:
    """Fit the map to the rows that count and have a known label.

    ``costs`` are those of the rows that count, ``clusters`` numbers all rows.
    """
    known = from_inputs(inputs, inputs.known_rows(), clip=clip, clusters=clusters)
    counted = known
    if inputs.n_unseen:
        counted = from_inputs(inputs, inputs.active, clip=clip, clusters=clusters)
    family, optimum = fit_flexible(known)
    soft = inputs.target is not None
    rows = _Rows(counted, family, optimum.parameters, costs, soft=soft)
    hessian = optimum.sweep.hessian
    scale = known.n_effective / float(counted.weights @ rows.known)
    return ReferenceMap(
        labels=inputs.labels,
        clip=clip,
        family=family,
        parameters=optimum.parameters,
        cross_entropy=rows.cost,
        frequencies=rows.frequencies,
        covariance=_covariance(rows, hessian, family.ridge, scale),
        low=rows.low,
        high=rows.high,
        n=inputs.n,
        n_independent=known.n_independent,
        dispersion=rows.dispersion,
        correlation=rows.correlation,
    )


class _Rows:
    """The rows behind the estimates, read block by block."""

    def __init__(
        self,
        sample: Sample,
        family: LinearSoftmax,
        parameters: FloatArray,
        costs: FloatArray,
        *,
        soft: bool,
    ) -> None:
        self.sample, self._family, self._parameters = sample, family, parameters
        self._costs = costs
        self.cost = sample.mean(costs)
        self.total = float(sample.weights.sum())
        k = sample.n_classes
        self.low, self.high = np.full(k, np.inf), np.full(k, -np.inf)
        self.frequencies = np.zeros(k)
        self.known: FloatArray = np.ones(sample.n)
        left, spread = np.zeros(sample.n), np.zeros(sample.n)
        for rows, log_q, target in sample.blocks():
            c = self._recalibrated(log_q)
            np.minimum(self.low, log_q.min(axis=1), out=self.low)
            np.maximum(self.high, log_q.max(axis=1), out=self.high)
            self.frequencies += target @ sample.weights[rows]
            self.known[rows] = target.any(axis=0)
            expected = -(c * log_q).sum(axis=0)
            left[rows] = (costs[rows] - expected) * self.known[rows]
            spread[rows] = (c * log_q * log_q).sum(axis=0) - expected**2
        self.frequencies /= self.total
        np.maximum(spread, 0.0, out=spread)
        spread *= self.known
        self.dispersion = 1.0
        left *= sample.weights
        of_labels = float(sample.weights**2 @ spread)
        if soft and of_labels > 0:
            self.dispersion = float(left @ left) / of_labels
        deviations = sample.weights * np.sqrt(self.dispersion * spread)
        self.correlation = _correlation(left, deviations, sample.clusters)

    def _recalibrated(self, log_q: FloatArray) -> FloatArray:
        family = self._family
        shared, own = family.shared(log_q), family.own(log_q)
        return softmax(family.logits(self._parameters, shared, own))[1]

    def scatter(self, scale: float) -> tuple[FloatArray, int]:
        """Sums of products of what independent rows add, and how many of these are.

        Rows add to the slopes of the map's cost, whose weights have this scale, to the
        mean cost, and to the class frequencies.
        """
        sample, k = self.sample, self.sample.n_classes
        size = len(self._parameters) + 1 + k
        found, sums, clusters = np.zeros((size, size)), None, sample.clusters
        if clusters is not None:
            sums = np.zeros((int(clusters.max()) + 1, size))
        for rows, log_q, target in sample.blocks():
            w = sample.weights[rows]
            away = (self._recalibrated(log_q) - target) * (scale * w * self.known[rows])
            own = w / self.total
            added = np.concatenate(
                [
                    slopes(self._family, log_q, away),
                    [own * (self._costs[rows] - self.cost)],
                    own * (target - self.frequencies[:, np.newaxis]),
                ]
            )
            if sums is None or clusters is None:
                found += added @ added.T
            else:
                np.add.at(sums, clusters[rows], added.T)
        if sums is None or clusters is None:
            return found, sample.n
        return sums.T @ sums, len(np.unique(clusters))


def _covariance(
    rows: _Rows, hessian: FloatArray, ridge: FloatArray, scale: float
) -> FloatArray:
    """The covariance of all estimates: the sandwich, and what the ridge leaves open."""
    scatter, n = rows.scatter(scale)
    d = len(hessian)
    inverse = _inverse(hessian)
    # Rows fit themselves: what is left of them is too small, for each parameter that
    # the ridge leaves free.
    n_free = d - float(np.sum(inverse * ridge))
    stretch = np.full(len(scatter), np.sqrt(n / max(n - 1.0, 1.0)))
    stretch[:d] = np.sqrt(n / max(n - n_free, 1.0))
    turn = np.diag(stretch)
    turn[:d, :d] = -inverse * stretch[:d]
    found: FloatArray = turn @ scatter @ turn.T
    found[:d, :d] += inverse @ ridge @ inverse
    return (found + found.T) / 2.0


def _inverse(hessian: FloatArray) -> FloatArray:
    """The inverse of a symmetric matrix, also of one that is singular."""
    return np.asarray(np.linalg.pinv(hessian, hermitian=True))


def _correlation(
    left: FloatArray, deviations: FloatArray, clusters: IntArray | None
) -> float:
    """That of what is left of two rows of a group; NaN where rows stand alone."""
    if clusters is None:
        return float("nan")
    sums = np.bincount(clusters, left)
    most = np.bincount(clusters, deviations)
    pairs = float(most @ most) - float(deviations @ deviations)
    together = float(sums @ sums) - float(left @ left)
    return min(max(together / pairs, 0.0), 1.0) if pairs > 0 else 0.0
