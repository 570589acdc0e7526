"""The test of calibration by sign flips."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._calls import form
from .._kernels.table import FloatArray
from .._pickling import public
from .._recalibration.flips import flipped
from .._recalibration.one_thread import one_thread
from .._recalibration.select import LINEAR
from .evidence import Evidence
from .folds import refuse_folds

_FAMILIES = ("temperature", "temperature-bias")
_FLEXIBLE = {True: "spline", False: "shared-spline"}  # of two classes, or of more


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

    See Also
    --------
    Decomposition.miscalibration_test : Makes one.
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
    names = (*_FAMILIES, _FLEXIBLE[sample.n_classes == 2])  # noqa: PLR2004
    with one_thread():
        families = [LINEAR[name](sample) for name in names]
        found = flipped(sample, families, int(n_resamples), rng)
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
