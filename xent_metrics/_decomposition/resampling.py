"""The test of calibration by consistency resampling."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._calls import form
from .._inputs.read_options import nats_per_unit
from .._kernels.table import FloatArray, IntArray
from .._pickling import public
from .._recalibration.sample import Sample
from .._recalibration.select import recalibrate
from .evidence import Data, Evidence
from .folds import refuse_folds

_PATIENCE = 2.0  # seconds before progress is shown


@public
@form("decompose(y_true, y_proba).miscalibration_test()")
@dataclass(frozen=True, kw_only=True)
class MiscalibrationTest:
    """The outcome of a test of "no miscalibration".

    Attributes
    ----------
    statistic : float
        The miscalibration found.
    pvalue : float
        How often labels drawn from the predictions give as much, or more.
    null_distribution : ndarray
        The miscalibration found in each draw.
    """

    statistic: float
    pvalue: float
    null_distribution: FloatArray = field(repr=False, compare=False)


def consistency_test(
    evidence: Evidence,
    statistic: float,
    *,
    n_folds: int | None,
    n_resamples: int,
    random_state: int | np.random.Generator | None,
) -> MiscalibrationTest:
    """Draw targets from the predictions and decompose again, many times."""
    refuse_folds(n_folds, "miscalibration_test")
    data = evidence.need("miscalibration_test")
    after, inputs, per_unit = data.after, data.inputs, nats_per_unit(evidence.base)
    if after is None or math.isnan(statistic):
        msg = (
            "miscalibration_test needs a miscalibration: it is undefined here; see "
            "notes for the reason."
        )
        raise ValueError(msg)
    whole = isinstance(n_resamples, numbers.Integral)
    if not whole or isinstance(n_resamples, bool) or n_resamples < 1:
        msg = (
            "n_resamples must be a whole number of 1 or more: found "
            f"{n_resamples!r}; pass 199."
        )
        raise ValueError(msg)
    if inputs.target is not None and inputs.target.kind != "proportions":
        msg = (
            "miscalibration_test needs labels or votes: y_true holds distributions, "
            "which have no sampling distribution; pass counts with target_type='votes'."
        )
        raise ValueError(msg)
    from tqdm import tqdm  # noqa: PLC0415 - loaded when used

    rng = _generator(random_state)
    votes = _votes(data)
    n_resamples = int(n_resamples)
    null = np.empty(n_resamples)
    bar = tqdm(
        range(n_resamples),
        desc="resampling",
        delay=_PATIENCE,
        disable=None,
        leave=False,
    )
    for i in bar:
        null[i] = _miscalibration(after.sample, votes, data, rng) / per_unit
    as_large = int(np.count_nonzero(null >= statistic))
    return MiscalibrationTest(
        statistic=statistic,
        pvalue=(1 + as_large) / (1 + n_resamples),
        null_distribution=null,
    )


def _generator(random_state: Any) -> np.random.Generator:
    """The source of the draws, checked."""
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError):
        msg = (
            "random_state must be a whole number of 0 or more, or a numpy Generator: "
            f"found {random_state!r}; pass 0."
        )
        raise ValueError(msg) from None


def _miscalibration(
    sample: Sample, votes: IntArray | None, data: Data, rng: np.random.Generator
) -> float:
    """What a decomposition finds where the predictions are true."""
    done = 0

    def draw(probabilities: FloatArray) -> FloatArray:
        nonlocal done
        n_rows = probabilities.shape[1]
        if votes is not None:
            n_votes = votes[done : done + n_rows]
            done += n_rows
            return (
                rng.multinomial(
                    n_votes, (probabilities / probabilities.sum(axis=0)).T
                ).T
                / n_votes
            )
        cumulative = probabilities.cumsum(axis=0)
        codes = (cumulative < rng.random(n_rows) * cumulative[-1]).sum(axis=0)
        target = np.zeros_like(probabilities)
        target[codes, np.arange(n_rows)] = 1.0
        return target

    redrawn = sample.redrawn(draw)
    chosen = recalibrate(redrawn, data.recalibration).chosen
    return redrawn.mean(redrawn.costs() - chosen.losses) - chosen.optimism


def _votes(data: Data) -> IntArray | None:
    """How many votes each row has; None where it has one label."""
    inputs = data.inputs
    if inputs.target is None:
        return None
    totals = np.concatenate(
        [counts.sum(axis=0) for _, counts in inputs.target.raw_blocks()]
    )
    return np.asarray(inputs.counted(totals), dtype=np.int64)
