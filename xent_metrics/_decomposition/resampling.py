"""The test of calibration by sign flips."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._calls import form
from .._kernels.sums import ROUNDING
from .._kernels.table import FloatArray, IntArray
from .._pickling import public
from .._recalibration.one_thread import one_thread
from .._recalibration.sample import Sample
from .._recalibration.select import LINEAR
from .._recalibration.softmax import LinearSoftmax, slopes, softmax, sweep
from .evidence import Evidence
from .folds import refuse_folds

_FAMILIES = ("temperature", "temperature-bias")
_FLEXIBLE = {True: "spline", False: "shared-spline"}  # of two classes, or of more
_MOST_UNITS = 4096  # units whose signs are flipped; more rows than that share them


@public
@form("decompose(y_true, y_proba).miscalibration_test()")
@dataclass(frozen=True, kw_only=True)
class MiscalibrationTest:
    """The outcome of a test of "no miscalibration".

    Attributes
    ----------
    statistic : float
        How far the score statistic lies above its mean under sign flips, in their
        standard deviations, for the family of maps where it is farthest.
    pvalue : float
        How often sign flips give as much, or more.
    null_distribution : ndarray
        The statistic under each of the flips.
    """

    statistic: float
    pvalue: float
    null_distribution: FloatArray = field(repr=False, compare=False)


def flip_test(
    evidence: Evidence,
    miscalibration: float,
    *,
    n_folds: int | None,
    n_resamples: int,
    random_state: int | np.random.Generator | None,
) -> MiscalibrationTest:
    """Flip the signs of scores at the identity map, many times.

    Where predictions are calibrated, the scores of each independent row (or group)
    have mean zero, so that their sum behaves like one with random signs.
    """
    refuse_folds(n_folds, "miscalibration_test")
    after = evidence.need("miscalibration_test").after
    if after is None or math.isnan(miscalibration):
        msg = (
            "miscalibration_test needs a miscalibration: it is undefined here; see "
            "notes for the reason."
        )
        raise ValueError(msg)
    whole = isinstance(n_resamples, numbers.Integral)
    if not whole or isinstance(n_resamples, bool) or n_resamples < 1:
        msg = (
            "n_resamples must be a whole number of 1 or more: found "
            f"{n_resamples!r}; pass 999."
        )
        raise ValueError(msg)
    rng, sample = _generator(random_state), after.sample
    units = np.arange(sample.n) if sample.clusters is None else sample.clusters
    units = units % _MOST_UNITS
    n_units = int(units.max()) + 1
    signs = np.ones((1 + int(n_resamples), n_units))
    signs[1:] -= 2.0 * rng.integers(0, 2, (int(n_resamples), n_units), dtype=np.int8)
    names = (*_FAMILIES, _FLEXIBLE[sample.n_classes == 2])  # noqa: PLR2004
    with one_thread():
        each = [
            _standardised(_statistics(LINEAR[name](sample), sample, units, signs))
            for name in names
        ]
    found: FloatArray = np.max(each, axis=0)
    # What was given a probability of 0 has happened: no calibrated model does that.
    statistic = math.inf if math.isinf(miscalibration) else float(found[0])
    null = found[1:]
    as_large = int(np.count_nonzero(null >= statistic))
    return MiscalibrationTest(
        statistic=statistic,
        pvalue=(1 + as_large) / len(found),
        null_distribution=null,
    )


def _generator(random_state: Any) -> np.random.Generator:
    """The source of the signs, checked."""
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError):
        msg = (
            "random_state must be a whole number of 0 or more, or a numpy Generator: "
            f"found {random_state!r}; pass 0."
        )
        raise ValueError(msg) from None


def _statistics(
    family: LinearSoftmax, sample: Sample, units: IntArray, signs: FloatArray
) -> FloatArray:
    """The score statistic U' H^-1 U under each row of ``signs``.

    Divided by twice the weight it is the gain of one Newton step from the identity;
    what is less than rounding counts as 0.
    """
    at_identity = sweep(family, sample, family.identity)
    scores = np.zeros((len(family.identity), signs.shape[1]))
    for rows, log_q, target in sample.blocks():
        off = (softmax(log_q)[1] - target) * sample.weights[rows]
        for j, of_rows in enumerate(slopes(family, log_q, off)):
            scores[j] += np.bincount(units[rows], of_rows, scores.shape[1])
    sums = signs @ scores.T
    # The ridge leaves H positive definite.
    steps = np.linalg.solve(at_identity.hessian, sums.T).T
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
