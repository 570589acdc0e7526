"""What evaluated rows say of others: the map, and how sure all of it is.

Of the rows nothing is kept but a flexible recalibration map, the mean cost and the
class frequencies, their covariance, and the range of the predictions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._inputs.inputs import Inputs
from .._kernels.table import BoolArray, FloatArray, IntArray
from .._pickling import pickled
from .._recalibration.flexible import fit_flexible
from .._recalibration.sample import Sample, effective_number, from_inputs
from .._recalibration.softmax import LinearSoftmax, slopes


@pickled
@dataclass(frozen=True, kw_only=True, eq=False)
class ReferenceMap:
    """The estimates of a reference set, in nats.

    Estimates are the parameters of the map, the mean cost, the frequency of each class,
    what each class adds to the mean cost, and means ``beside`` these, in this order;
    ``covariance`` is that of all, and 0 of costs that are infinite. Frequencies sum to
    less than 1 where rows have a label that is no class. ``low`` and ``high`` bound the
    log q of each class that the rows had. ``dispersion`` is the variance of costs
    around their expectation as a multiple of that of one label per row,
    ``correlation`` that of two rows of a group, NaN where rows stood alone.
    """

    labels: tuple[Any, ...]
    clip: float
    family: LinearSoftmax
    parameters: FloatArray
    cross_entropy: float
    frequencies: FloatArray
    of_classes: FloatArray
    beside: FloatArray
    covariance: FloatArray
    low: FloatArray
    high: FloatArray
    n: int
    n_independent: float
    dispersion: float = 1.0
    correlation: float = math.nan

    @property
    def name(self) -> str:
        """The name of the map."""
        return self.family.name

    @property
    def n_parameters(self) -> int:
        """How many parameters the map has."""
        return len(self.parameters)

    @property
    def of_unseen(self) -> float:
        """What a label that is no class costs."""
        return -math.log(self.clip) if self.clip else math.inf

    def gradient(
        self,
        of_map: FloatArray | None = None,
        *,
        of_cost: float = 0.0,
        of_frequencies: FloatArray | float = 0.0,
        of_classes: FloatArray | float = 0.0,
        of_beside: FloatArray | float = 0.0,
    ) -> FloatArray:
        """Derivatives in all estimates, of what has these in each kind of them."""
        found = np.zeros(len(self.covariance))
        d, k = self.n_parameters, len(self.labels)
        if of_map is not None:
            found[:d] = of_map
        found[d] = of_cost
        found[d + 1 : d + 1 + k] = of_frequencies
        found[d + 1 + k : d + 1 + 2 * k] = of_classes
        found[d + 1 + 2 * k :] = of_beside
        return found

    def probabilities(self, log_q: FloatArray) -> FloatArray:
        """The class probabilities that the map gives, of shape (classes, rows)."""
        return self.family.probabilities(self.parameters, log_q)

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
    return reference_rows(inputs, clusters, costs, clip).estimated()


def reference_rows(
    inputs: Inputs, clusters: IntArray | None, costs: FloatArray, clip: float
) -> ReferenceRows:
    """The same, for estimates with others beside them."""
    known = from_inputs(inputs, inputs.known_rows(), clip=clip, clusters=clusters)
    rows = ReferenceRows(known, costs, inputs.labels, clip, soft=inputs.codes is None)
    if inputs.n_unseen and inputs.codes is not None:
        of_known = inputs.counted(inputs.codes) < len(inputs.labels)
        every = from_inputs(inputs, inputs.active, clip=clip, clusters=clusters)
        rows.sample, rows.fitted = every, np.flatnonzero(of_known)[rows.fitted]
    return rows


class ReferenceRows:
    """The rows that count, with the map fitted to some of them.

    ``known`` are those whose label is a class; ``soft`` says that targets are more than
    one label per row.
    """

    def __init__(
        self,
        known: Sample,
        costs: FloatArray,
        labels: tuple[Any, ...],
        clip: float,
        *,
        soft: bool,
    ) -> None:
        self.sample, self._labels, self._soft = known, labels, soft
        self._clip, self._costs = clip, costs
        self._family, optimum, some = fit_flexible(known)
        self.fitted = np.arange(known.n) if some is None else some
        self._parameters = optimum.parameters
        self._hessian = optimum.sweep.hessian
        self._n_independent = known.n_independent

    def estimated(self, beside: FloatArray | None = None) -> ReferenceMap:
        """The estimates, with the means ``beside`` them of values of the rows."""
        if beside is None:
            beside = np.zeros((0, self.sample.n))
        sample = self.sample
        total, k = float(sample.weights.sum()), sample.n_classes
        low, high = np.full(k, np.inf), np.full(k, -np.inf)
        frequencies, of_classes = np.zeros(k), np.zeros(k)
        for rows, log_q, target in sample.blocks():
            np.minimum(low, log_q.min(axis=1), out=low)
            np.maximum(high, log_q.max(axis=1), out=high)
            frequencies += target @ sample.weights[rows]
            of_classes -= (target * log_q) @ sample.weights[rows]
        dispersion, correlation = self._of_residuals()
        means = np.concatenate(
            [
                [sample.mean(self._costs)],
                frequencies / total,
                of_classes / total,
                beside @ sample.weights / total,
            ]
        )
        return ReferenceMap(
            labels=self._labels,
            clip=self._clip,
            family=self._family,
            parameters=self._parameters,
            cross_entropy=float(means[0]),
            frequencies=means[1 : 1 + k],
            of_classes=means[1 + k : 1 + 2 * k],
            beside=means[1 + 2 * k :],
            covariance=self._covariance(means, beside),
            low=low,
            high=high,
            n=sample.n,
            n_independent=self._n_independent,
            dispersion=dispersion,
            correlation=correlation,
        )

    def _of_residuals(self) -> tuple[float, float]:
        """How costs scatter around what is expected: in a row, and in two of a group.

        One label per row, and rows that stand alone, leave nothing to estimate.
        """
        sample, soft = self.sample, self._soft
        if not soft and sample.clusters is None:
            return 1.0, math.nan
        left, spread = np.zeros(sample.n), np.zeros(sample.n)
        for rows, log_q, target in sample.blocks():
            c, w = self._recalibrated(log_q), sample.weights[rows]
            known = target.any(axis=0)
            expected = -(c * log_q).sum(axis=0)
            left[rows] = known * w * (-(target * log_q).sum(axis=0) - expected)
            variance = (c * log_q * log_q).sum(axis=0) - expected**2
            spread[rows] = known * w * w * np.maximum(variance, 0.0)
        dispersion = 1.0
        if soft and spread.any():
            dispersion = float(left @ left) / float(spread.sum())
        deviations = np.sqrt(dispersion * spread)
        return dispersion, _correlation(left, deviations, sample.clusters)

    def _recalibrated(self, log_q: FloatArray) -> FloatArray:
        return self._family.probabilities(self._parameters, log_q)

    def _covariance(self, means: FloatArray, beside: FloatArray) -> FloatArray:
        """That of all estimates: the sandwich, and what the ridge leaves open."""
        scatter = self._scatter(means, beside)
        d = len(self._parameters)
        ridge, inverse = self._family.ridge, _inverse(self._hessian)
        # Rows fit themselves: what is left of them is too small, for each parameter
        # that the ridge leaves free.
        n_free = d - float(np.sum(inverse * ridge))
        n_fitted = self._number(self.fitted, self.sample.weights[self.fitted])
        n = self._number(np.arange(self.sample.n), None)
        stretch = np.full(len(scatter), np.sqrt(n / max(n - 1.0, 1.0)))
        stretch[:d] = np.sqrt(n_fitted / max(n_fitted - n_free, 1.0))
        turn = np.diag(stretch)
        turn[:d, :d] = -inverse * stretch[:d]
        found: FloatArray = turn @ scatter @ turn.T
        found[:d, :d] += inverse @ ridge @ inverse
        return (found + found.T) / 2.0

    def _scatter(self, means: FloatArray, beside: FloatArray) -> FloatArray:
        """Sums of products of what independent rows add to the estimates.

        First come the slopes of the map's cost, to which add the rows that were fitted.
        """
        sample, d = self.sample, len(self._parameters)
        total, size = float(sample.weights.sum()), d + len(means)
        of_fit = np.zeros(sample.n)
        of_fit[self.fitted] = scaled(sample.weights[self.fitted])
        costs, of_cost = self._costs, means[0]
        if not np.isfinite(of_cost):
            costs, of_cost = np.zeros(sample.n), 0.0
        others = np.append(of_cost, means[1:])[:, np.newaxis]
        found, sums, clusters = np.zeros((size, size)), None, sample.clusters
        if clusters is not None:
            sums = np.zeros((int(clusters.max()) + 1, size))
        for rows, log_q, target in sample.blocks():
            own = np.concatenate(
                [costs[np.newaxis, rows], target, -target * log_q, beside[:, rows]]
            )
            own -= others
            own *= sample.weights[rows] / total
            some = np.flatnonzero(of_fit[rows])
            part = log_q[:, some]
            away = (self._recalibrated(part) - target[:, some]) * of_fit[rows][some]
            fits = slopes(self._family, part, away)
            if sums is None or clusters is None:
                found[d:, d:] += own @ own.T
                found[:d, :d] += fits @ fits.T
                found[:d, d:] += fits @ own[:, some].T
            else:
                np.add.at(sums[:, d:], clusters[rows], own.T)
                np.add.at(sums[:, :d], clusters[rows][some], fits.T)
        if sums is not None:
            return sums.T @ sums
        found[d:, :d] = found[:d, d:].T
        return found

    def _number(self, rows: IntArray, weights: FloatArray | None) -> float:
        """Number of the rows, effective under weights, or that of their clusters."""
        n = float(len(rows)) if weights is None else effective_number(weights)
        if self.sample.clusters is None:
            return n
        return min(n, float(len(np.unique(self.sample.clusters[rows]))))


def scaled(weights: FloatArray) -> FloatArray:
    """Weights on the scale on which maps are fitted to their rows."""
    return np.asarray(weights * (effective_number(weights) / weights.sum()))


def _inverse(hessian: FloatArray) -> FloatArray:
    """The inverse of a symmetric matrix, also of one that is singular."""
    return np.asarray(np.linalg.pinv(hessian, hermitian=True))


def _correlation(
    left: FloatArray, deviations: FloatArray, clusters: IntArray | None
) -> float:
    """That of what is left of two rows of a group; NaN where rows stand alone."""
    if clusters is None:
        return math.nan
    sums = np.bincount(clusters, left)
    most = np.bincount(clusters, deviations)
    pairs = float(most @ most) - float(deviations @ deviations)
    together = float(sums @ sums) - float(left @ left)
    return min(max(together / pairs, 0.0), 1.0) if pairs > 0 else 0.0
