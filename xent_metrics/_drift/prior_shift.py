"""Whether the labels' change under the same prediction is a shift of their logits."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._kernels.table import FloatArray
from .estimates import Estimates
from .split import CurrentRows, together

_RIDGE = 0.01  # precision of a shift, in units of one row: classes may be missing
_STEPS, _DECREMENT = 60, 1e-14
_LEAST = 1e-8  # below, a probability is told no further apart


class ConceptTests(NamedTuple):
    """Shifts b of the logits, by class, with the p-values of what they mean.

    ``none``: b is 0. ``beyond``: nothing but b moves. ``prior``: b is the change of
    the logarithms of the class frequencies. ``moved``: the map expects of the current
    predictions the class frequencies of the reference. ``cost`` is the loss expected
    of the current rows under the map and b.
    """

    shifts: FloatArray
    errors: FloatArray
    none: float
    beyond: float
    prior: float
    moved: float
    cost: float


def test_shift(current: CurrentRows) -> ConceptTests:
    """Fit a shift of the logits to the current rows, and test what it is."""
    shifted = _Shifted(current)
    of_reference, rows = current.reference.covariance, current.rows
    k = current.sample.n_classes
    centre = np.eye(k) - 1.0 / k
    shifts = shifted.shifts().turned(centre)
    errors = np.sqrt(np.diag(shifts.covariance(of_reference, rows)))
    seen = _seen(current)
    contrasts = _contrasts(seen)
    moved = shifted.expected_frequencies().plus(_of_reference(current), -1.0)
    prior = shifts.plus(_log_ratios(current, seen), -1.0)

    def pvalue(one: Estimates, matrix: FloatArray) -> float:
        found = one.turned(matrix)
        return _chi_square(found.means, found.covariance(of_reference, rows))

    expected = -(shifted.c * current.log_q).sum(axis=0)
    share = current.share_known
    cost = share * float(current.rows.mean(expected))
    if share < 1.0:
        cost += (1.0 - share) * current.of_unseen
    return ConceptTests(
        shifts=shifts.means,
        errors=errors,
        none=pvalue(shifts, contrasts),
        beyond=pvalue(shifted.beyond(), np.eye(2)),
        prior=pvalue(prior, contrasts),
        moved=pvalue(moved, contrasts),
        cost=cost,
    )


class _Shifted:
    """The map c_b = softmax(log c + b), fitted to the current rows."""

    def __init__(self, current: CurrentRows) -> None:
        self.current = current
        self.known = current.target.any(axis=0)
        self.weights = current.sample.weights * self.known
        with np.errstate(divide="ignore"):
            self.log_c = np.maximum(np.log(current.c), math.log(_LEAST))
        self.b, self.c, self.hessian = self._fit()
        self._inverse = np.linalg.pinv(self.hessian, hermitian=True)

    def _fit(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Newton's method; the cost is convex, and the ridge makes it strictly so."""
        current, w = self.current, self.weights
        b = np.zeros(current.sample.n_classes)
        value = math.inf
        step = np.zeros_like(b)
        for _ in range(_STEPS):
            odds = current.c * np.exp(b)[:, np.newaxis]
            total = odds.sum(axis=0)
            c = odds / total
            cost = float(w @ (np.log(total) - b @ current.target))
            cost += 0.5 * _RIDGE * float(b @ b)
            if not cost <= value + 1e-12 * abs(value):
                step = step / 2.0
                b = b + step
                continue
            value = cost
            gradient = (c - current.target) @ w + _RIDGE * b
            hessian = np.diag(c @ w) - (c * w) @ c.T + _RIDGE * np.eye(len(b))
            step = np.linalg.solve(hessian, gradient)
            if float(step @ gradient) <= _DECREMENT * float(w.sum()):
                break
            b = b - step
        return b, c, hessian

    def shifts(self) -> Estimates:
        """b, with what moves it."""
        current, total = self.current, self.current.rows.total
        k = len(self.b)
        slopes = np.stack([self._slopes_of_share(self.c, each) for each in range(k)])
        gradients = np.zeros((k, len(current.reference.covariance)))
        gradients[:, : slopes.shape[1]] = -self._inverse @ slopes * total
        left = (current.target - self.c) * self.known
        return Estimates(self.b, gradients, self._inverse @ left * total)

    def _slopes_of_share(self, c: FloatArray, k: int) -> FloatArray:
        """Derivatives in the map's parameters of the mean of c_k."""

        def weigh(rows: slice, *_: FloatArray) -> FloatArray:
            here = c[:, rows]
            found: FloatArray = -here * here[k]
            found[k] += here[k]
            return found

        return self.current.mean_slopes(weigh, self.weights)

    def beyond(self) -> Estimates:
        """Slopes of the cost along what no shift is: a temperature, and a bend.

        What the slopes share with those of the shifts is taken out, so that these may
        be estimated.
        """
        current = self.current
        each = []
        for feature in (self.log_c, current.c):
            common = (self.c * feature).sum(axis=0)
            cross = (self.c * (feature - common)) @ self.weights
            free = feature - (self._inverse @ cross)[:, np.newaxis]
            free = free - (self.c * free).sum(axis=0)
            values = (free * (current.target - self.c)).sum(axis=0) * self.known
            gradient = -self._slopes_along(free)
            each.append(
                Estimates(
                    np.array([current.rows.mean(values)]),
                    current.reference.gradient(gradient)[np.newaxis],
                    values[np.newaxis],
                )
            )
        return together(*each)

    def _slopes_along(self, free: FloatArray) -> FloatArray:
        """Derivatives of the mean of the sum of free_k c_k, whose mean under c is 0."""

        def weigh(rows: slice, *_: FloatArray) -> FloatArray:
            return np.asarray(self.c[:, rows] * free[:, rows])

        return self.current.mean_slopes(weigh, self.weights)

    def expected_frequencies(self) -> Estimates:
        """The class frequencies that the reference's map expects of the rows."""
        current, share = self.current, self.current.share_known
        k = len(self.b)
        means = current.rows.mean(current.c)
        gradients = np.zeros((k, len(current.reference.covariance)))
        for each in range(k):
            slopes = self._slopes_of_share(current.c, each)
            gradients[each] = current.reference.gradient(
                share * slopes, of_frequencies=float(means[each])
            )
        return Estimates(share * means, gradients, share * current.c)


def _of_reference(current: CurrentRows) -> Estimates:
    """The class frequencies of the reference."""
    reference = current.reference
    k = len(reference.frequencies)
    gradients = np.zeros((k, len(reference.covariance)))
    first = reference.n_parameters + 1
    gradients[:, first : first + k] = np.eye(k)
    return Estimates(reference.frequencies, gradients, np.zeros((k, current.sample.n)))


def _log_ratios(current: CurrentRows, seen: FloatArray) -> Estimates:
    """Changes of the logarithms of the class frequencies, of classes in both sets."""
    ours, theirs = current.rows.mean(current.target), current.reference.frequencies
    ours, theirs = np.where(seen, ours, 1.0), np.where(seen, theirs, 1.0)
    before = _of_reference(current)
    return Estimates(
        np.log(ours / theirs),
        -before.gradients / theirs[:, np.newaxis],
        current.target / ours[:, np.newaxis],
    )


def _seen(current: CurrentRows) -> FloatArray:
    """Which classes occur in both sets."""
    ours = current.rows.mean(current.target)
    return np.asarray((ours > 0) & (current.reference.frequencies > 0))


def _contrasts(seen: FloatArray) -> FloatArray:
    """Differences of the classes that were seen from the last of them."""
    places = np.flatnonzero(seen)
    found = np.zeros((max(len(places) - 1, 0), len(seen)))
    for row, place in enumerate(places[:-1]):
        found[row, place], found[row, places[-1]] = 1.0, -1.0
    return found


def _chi_square(values: FloatArray, covariance: FloatArray) -> float:
    """The p-value of "all are 0"; NaN where that cannot be told."""
    from scipy.special import gammaincc  # noqa: PLC0415 - when needed

    if not len(values) or not np.isfinite(covariance).all():
        return math.nan
    scale = np.sqrt(np.diag(covariance))
    if not (scale > 0).all():
        return math.nan
    ratios = values / scale
    statistic = ratios @ np.linalg.pinv(
        covariance / np.outer(scale, scale), rcond=1e-9, hermitian=True
    )
    return float(gammaincc(len(values) / 2.0, float(statistic @ ratios) / 2.0))
