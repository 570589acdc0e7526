"""A test of calibration: scores at the identity, with the signs of units flipped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._kernels.sums import ROUNDING
from .._kernels.table import FloatArray, IntArray
from .sample import Sample
from .softmax import LinearSoftmax, scores_of_blocks, sweep

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
    each = [_standardised(_statistics(one, sample, units, signs)) for one in families]
    return np.asarray(np.max(each, axis=0))


def _statistics(
    family: LinearSoftmax, sample: Sample, units: IntArray, signs: FloatArray
) -> FloatArray:
    """The score statistic U' H^-1 U under each row of ``signs``.

    Divided by twice the weight it is the gain of one Newton step from the identity;
    what is less than rounding counts as 0.
    """
    n = len(family.identity)
    n = n if n <= _MANY_PARAMETERS else family.n_shared
    at_identity = sweep(family, sample, family.identity)
    scores = np.zeros((n, signs.shape[1]))
    for rows, of_rows in scores_of_blocks(family, sample, family.identity):
        for j, one in enumerate(of_rows[:n]):
            scores[j] += np.bincount(units[rows], one, scores.shape[1])
    sums = signs @ scores.T
    # The ridge leaves H positive definite.
    steps = np.linalg.solve(at_identity.hessian[:n, :n], sums.T).T
    found: FloatArray = (sums * steps).sum(axis=1)
    least = ROUNDING * float(sample.weights @ at_identity.losses)
    return np.where(found > least, found, 0.0)


def _standardised(values: FloatArray) -> FloatArray:
    """Distances from the mean in standard deviations; 0 where all values agree."""
    away: FloatArray = values - values.mean()
    # Flips of one unit agree but for rounding.
    spread = float(values.std())
    if spread <= ROUNDING * float(values.max()):
        return np.zeros_like(values)
    return away / spread
