"""A test of calibration: scores at the identity, with the signs of units flipped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._kernels.softmax import softmax
from .._kernels.sums import ROUNDING
from .._kernels.table import FloatArray, IntArray
from .sample import Sample
from .softmax import LinearSoftmax, add_curvature, expected

_MOST_UNITS = 4096  # units whose signs are flipped; more rows than that share them
_MANY_PARAMETERS = 1000  # of a family: beyond, those of each class are left out


def flipped(
    sample: Sample,
    families: Sequence[LinearSoftmax],
    n_flips: int,
    rng: np.random.Generator,
) -> FloatArray:
    """The statistic of calibration as it is, then under flips of the signs of scores.

    Where predictions are calibrated, the scores of each independent row (or group)
    have mean zero, so that their sum behaves like one with random signs. The statistic
    is that of the family where it lies farthest above its mean.
    """
    units = np.arange(sample.n) if sample.clusters is None else sample.clusters
    units = units % _MOST_UNITS
    n_units = int(units.max()) + 1
    signs = np.ones((1 + n_flips, n_units))
    signs[1:] -= 2.0 * rng.integers(0, 2, (n_flips, n_units), dtype=np.int8)
    found = _statistics([_lean(one) for one in families], sample, units, signs)
    return np.asarray(np.max([_standardised(one) for one in found], axis=0))


class _Shared(LinearSoftmax):
    """A family without the parameters that each class has for itself."""

    name = "shared"

    def __init__(self, family: LinearSoftmax) -> None:
        n = family.n_shared
        super().__init__(family.n_classes, family.identity[:n], family.ridge[:n, :n])
        self.shared = family.shared  # type: ignore[method-assign]


def _lean(family: LinearSoftmax) -> LinearSoftmax:
    return family if len(family.identity) <= _MANY_PARAMETERS else _Shared(family)


def _statistics(
    families: Sequence[LinearSoftmax],
    sample: Sample,
    units: IntArray,
    signs: FloatArray,
) -> list[FloatArray]:
    """The score statistic U' H^-1 U of each family under each row of ``signs``.

    Divided by twice the weight it is the gain of one Newton step from the identity,
    where all families predict the same; what is less than rounding counts as 0.
    """
    hessians = [one.ridge.copy() for one in families]
    scores = [np.zeros((len(one.identity), signs.shape[1])) for one in families]
    cost = 0.0
    for rows, log_q, target in sample.blocks():
        w = sample.weights[rows]
        log_sum, c = softmax(log_q)
        cost += float(w @ (log_sum - (target * log_q).sum(axis=0)))
        for family, hessian, of_units in zip(families, hessians, scores, strict=True):
            shared, own = family.shared(log_q), family.own(log_q)
            add_curvature(hessian, shared, own, c, w)
            of_rows = expected(shared, own, c - target) * w
            for sums, each in zip(of_units, of_rows, strict=True):
                np.add(sums, np.bincount(units[rows], each, len(sums)), out=sums)
    found = []
    for hessian, of_units in zip(hessians, scores, strict=True):
        sums = signs @ of_units.T
        # The ridge leaves H positive definite.
        steps = np.linalg.solve(hessian, sums.T).T
        statistic: FloatArray = (sums * steps).sum(axis=1)
        found.append(np.where(statistic > ROUNDING * cost, statistic, 0.0))
    return found


def _standardised(values: FloatArray) -> FloatArray:
    """Distances from the mean in standard deviations; 0 where all values agree."""
    away: FloatArray = values - values.mean()
    # Flips of one unit agree but for rounding.
    spread = float(values.std())
    if spread <= ROUNDING * float(values.max()):
        return np.zeros_like(values)
    return away / spread
