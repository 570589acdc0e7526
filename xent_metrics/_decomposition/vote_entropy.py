"""The entropy behind a few votes: corrections of the plug-in estimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from .._inputs.inputs import Inputs
from .._inputs.read_options import EPS
from .._kernels.table import BoolArray, FloatArray, Table
from .._recalibration.fitted_map import Recalibrate
from .._recalibration.sample import Sample

VoteCorrection = Literal["jackknife", "miller-madow", "dirichlet"] | None

CORRECTIONS = ("jackknife", "miller-madow", "dirichlet")
_LOG_CONCENTRATIONS = (-7.0, 14.0)
_NEAR = 1e-4  # of the optimum, in logs
_LAST_CURVED = 8.0  # beyond, digits of scores are lost, and their ratio is the same


class VoteEntropy(NamedTuple):
    """The entropy of rows, and how a fitted concentration carries over to it.

    ``slopes`` are the derivatives of each row's entropy in the log concentration, and
    ``concentration`` says what each row moves that by; None where nothing is fitted.
    """

    values: FloatArray
    slopes: FloatArray | None = None
    concentration: FloatArray | None = None


def check_correction(correction: Any, inputs: Inputs) -> None:
    """A correction has a known name, and requires votes."""
    if correction is None:
        return
    if correction not in CORRECTIONS:
        msg = (
            f"vote_correction must be one of {', '.join(map(repr, CORRECTIONS))} or "
            f"None: found {correction!r}; pass 'jackknife'."
        )
        raise ValueError(msg)
    if inputs.target is None or inputs.target.kind != "proportions":
        what = "one label per row" if inputs.target is None else "distributions"
        msg = (
            f"vote_correction requires vote counts: y_true holds {what}; pass counts "
            "with target_type='votes', or leave vote_correction out."
        )
        raise ValueError(msg)
    for start, counts in inputs.target.raw_blocks():
        broken = (np.floor(counts) < counts).any(axis=0)
        if inputs.active is not None:
            broken &= inputs.active[start : start + len(broken)]
        if broken.any():
            msg = (
                "vote_correction requires whole votes: row "
                f"{start + int(np.argmax(broken))} has a part of one; pass counts, or "
                "leave vote_correction out."
            )
            raise ValueError(msg)


def entropy_of_votes(
    inputs: Inputs,
    correction: str,
    sample: Sample | None,
    recalibrate: Recalibrate | None,
) -> VoteEntropy:
    """Corrected entropy of the votes of each row that counts.

    "dirichlet" requires these rows as a sample and their map, and is NaN without.
    """
    votes = inputs.target
    assert votes is not None, "checked before"
    if correction == "dirichlet":
        if sample is None or recalibrate is None:
            return VoteEntropy(np.full(inputs.n, np.nan))
        return _dirichlet_entropy(votes, inputs.active, sample, recalibrate)
    return VoteEntropy(inputs.counted(_corrected_entropy(votes, correction)))


def mean_votes(votes: Table, rows: BoolArray | None) -> float:
    """Votes per row, on average."""
    totals = np.empty(votes.n_rows)
    for start, counts in votes.raw_blocks():
        totals[start : start + counts.shape[1]] = counts.sum(axis=0)
    return float((totals if rows is None else totals[rows]).mean())


def _corrected_entropy(votes: Table, correction: str) -> FloatArray:
    """Entropy of each row, corrected by a formula of its counts alone."""
    entropy = np.empty(votes.n_rows)
    formula = _FORMULAS[correction]
    with np.errstate(divide="ignore", invalid="ignore"):
        for start, counts in votes.raw_blocks():
            part = slice(start, start + counts.shape[1])
            entropy[part] = formula(counts.astype(np.float64))
    return entropy


def _jackknife(counts: FloatArray) -> FloatArray:
    """The plug-in times n, less (n - 1) times the mean with one vote left out.

    One vote leaves nothing: NaN.

    Zahl (1977).
    """
    n = counts.sum(axis=0)
    kept = _x_log_x(counts)
    total = kept.sum(axis=0)
    without = total - kept + _x_log_x(np.maximum(counts - 1.0, 0.0))
    left_out = np.log(n - 1.0) - without / (n - 1.0)
    mean = (counts * left_out).sum(axis=0) / n
    corrected: FloatArray = n * (np.log(n) - total / n) - (n - 1.0) * mean
    return np.where(n > 1, corrected, np.nan)


def _miller_madow(counts: FloatArray) -> FloatArray:
    """The plug-in plus (m - 1) / (2 n), m the number of classes seen."""
    n = counts.sum(axis=0)
    plug_in = np.log(n) - _x_log_x(counts).sum(axis=0) / n
    seen = np.count_nonzero(counts, axis=0)
    return np.asarray(plug_in + (seen - 1) / (2.0 * n))


_FORMULAS: Mapping[str, Callable[[FloatArray], FloatArray]] = MappingProxyType(
    {"jackknife": _jackknife, "miller-madow": _miller_madow}
)


def _x_log_x(x: FloatArray) -> FloatArray:
    return np.asarray(x * np.log(np.maximum(x, 1.0)))  # of whole numbers


def _dirichlet_entropy(
    votes: Table, active: BoolArray | None, sample: Sample, recalibrate: Recalibrate
) -> VoteEntropy:
    """Posterior mean entropy where p ~ Dir(s c), c the recalibrated prediction.

    The concentration s maximises the Dirichlet-multinomial likelihood; the mean is
    that of Wolpert and Wolf (1995). A row moves log s by its score over the sum of
    squared scores.
    """
    from scipy import optimize, special  # noqa: PLC0415 - heavy

    counts = np.concatenate([block for _, block in votes.raw_blocks()], axis=1)
    counts = counts.astype(np.float64)
    if active is not None:
        counts = counts[:, active]
    blocks = [
        (rows, np.maximum(recalibrate(log_q), EPS))
        for rows, log_q, _ in sample.blocks()
    ]

    def cost(log_concentration: float) -> float:
        s, total = float(np.exp(log_concentration)), 0.0
        for rows, probabilities in blocks:
            seen = counts[:, rows]
            ratio: Any = special.gammaln(s * probabilities + seen) - special.gammaln(
                s * probabilities
            )
            row = special.gammaln(s) - special.gammaln(s + seen.sum(axis=0))
            total -= float((row + ratio.sum(axis=0)) @ sample.weights[rows])
        return total

    def scores(log_concentration: float) -> FloatArray:
        s, found = float(np.exp(log_concentration)), np.empty(sample.n)
        for rows, probabilities in blocks:
            seen = counts[:, rows]
            ratio: Any = special.digamma(s * probabilities + seen) - special.digamma(
                s * probabilities
            )
            row = special.digamma(s) - special.digamma(s + seen.sum(axis=0))
            found[rows] = s * (row + (probabilities * ratio).sum(axis=0))
        return found

    def slope(log_concentration: float) -> float:
        return -float(scores(log_concentration) @ sample.weights)

    best = optimize.minimize_scalar(
        cost, bounds=_LOG_CONCENTRATIONS, method="bounded", options={"xatol": 1e-6}
    ).x
    # Costs find an optimum to half their digits; where slopes change sign, to all.
    low, high = best - _NEAR, best + _NEAR
    if slope(low) < 0 < slope(high):
        best = optimize.brentq(slope, low, high, xtol=1e-13)
    concentration = float(np.exp(best))
    curved = min(float(best), _LAST_CURVED)
    at_curved = float(np.exp(curved))
    entropy, slopes = np.empty(sample.n), np.empty(sample.n)
    for rows, probabilities in blocks:
        a = concentration * probabilities + counts[:, rows]
        total = a.sum(axis=0)
        expected: Any = (a * special.digamma(a + 1.0)).sum(axis=0) / total
        entropy[rows] = special.digamma(total + 1.0) - expected
        change = at_curved * probabilities
        a = change + counts[:, rows]
        total = a.sum(axis=0)
        of_a: Any = special.digamma(a + 1.0) + a * special.polygamma(1, a + 1.0)
        expected = (a * special.digamma(a + 1.0)).sum(axis=0) / total
        slopes[rows] = (
            at_curved * special.polygamma(1, total + 1.0)
            - ((change * of_a).sum(axis=0) - at_curved * expected) / total
        )
    own = scores(curved)
    information = float(sample.weights @ own**2)
    moved = own * (float(sample.weights.sum()) / information if information else 0.0)
    return VoteEntropy(entropy, slopes, moved)
