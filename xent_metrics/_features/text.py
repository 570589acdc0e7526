"""What is left to win, and where, as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import pandas as pd

from .._display.result import counted
from .columns import title_of

MEANINGS: Mapping[str, str] = {
    "entropy_at_most": "at most this is noise, or takes features not given",
    "grouping_loss_at_least": "at least this a model of these features would remove",
    "missed_miscalibration": "miscalibration that the map missed",
    "miscalibration": "what recalibration removes",
    "cross_entropy": "the loss that was evaluated",
    "kl_divergence_at_least": "at least this separates predictions from the truth",
}
TITLES: Mapping[str, str] = {
    "entropy_at_most": "entropy, at most",
    "grouping_loss_at_least": "grouping loss, at least",
    "missed_miscalibration": "missed miscalibration",
    "miscalibration": "miscalibration",
    "cross_entropy": "cross-entropy",
    "kl_divergence_at_least": "KL divergence, at least",
}
# The sum: the sign before each term.
SUM = (
    (" ", "entropy_at_most"),
    ("+", "grouping_loss_at_least"),
    ("+", "missed_miscalibration"),
    ("+", "miscalibration"),
    ("=", "cross_entropy"),
)
_MOST_NAMED, _LEAST_NAMED = 3, 0.1  # features; of the most important one
_LITTLE = 0.02  # of what recalibration leaves: less suggests that X tells the label


class Bounded(Protocol):
    """What the text tells; :class:`ReducibleLoss` has it all."""

    @property
    def terms(self) -> dict[str, float]: ...
    @property
    def cross_entropy(self) -> float: ...
    @property
    def grouping_loss_at_least(self) -> float: ...
    @property
    def entropy_at_most(self) -> float: ...
    @property
    def standard_errors(self) -> Mapping[str, float]: ...
    @property
    def standard_error(self) -> float: ...
    @property
    def n(self) -> int: ...
    @property
    def n_classes(self) -> int: ...
    @property
    def n_groups(self) -> int | None: ...
    @property
    def unit(self) -> str: ...
    @property
    def learner(self) -> str: ...
    @property
    def recalibration(self) -> str: ...
    @property
    def importances(self) -> pd.Series[float]: ...
    def lower(self, level: float = 0.95) -> float: ...


def summary_of_bound(result: Bounded) -> str:
    """The whole text: the sum, one term per line, and the remarks."""
    groups = "" if result.n_groups is None else f", {counted(result.n_groups, 'group')}"
    head = (
        f"What the features could still win, in {result.unit} "
        f"({counted(result.n, 'row')}{groups}, "
        f"{counted(result.n_classes, 'class', 'classes')})"
    )
    terms, errors = result.terms, result.standard_errors
    lines = []
    for sign, name in SUM:
        error = f"± {errors[name]:.4f}" if name in errors else ""
        value = round(terms[name], 4) + 0.0  # never -0.0000
        lines.append(
            f"  {sign} {TITLES[name]:<24} {value:>8.4f} {error:<9} {MEANINGS[name]}"
        )
    return "\n".join([head, "", *lines, "", *remarks_of_bound(result)])


def carrying(importances: pd.Series[float]) -> pd.Series[float]:
    """The few features that carry most of a bound, the most important first."""
    largest = importances.sort_values(ascending=False, kind="stable")
    least = _LEAST_NAMED * max(float(largest.iloc[0]), 0.0)
    found: pd.Series[float] = largest[(largest > 0) & (largest >= least)]
    return found.iloc[:_MOST_NAMED]


def remarks_of_bound(result: Bounded) -> list[str]:
    """What the text says of the bound, of the features that carry it, and how."""
    lines, low = [], result.lower()
    if low > 0:
        won = f"{result.grouping_loss_at_least:.4f} {result.unit}"
        if math.isfinite(result.cross_entropy):
            share = result.grouping_loss_at_least / result.cross_entropy
            won = f"{share:.0%} of the loss"
        lines.append(
            f"a better model of these features would remove {won} or more: over "
            f"{low:.4f} with 95% confidence"
        )
        named = [
            f"{title_of(name)} ({value:.4f})"
            for name, value in carrying(result.importances).items()
        ]
        if named:
            lines.append(f"the features that carry it: {', '.join(named)}")
    else:
        lines.append(
            "nothing found that these features would win beyond chance: the rest is "
            "noise, or takes other features, more rows or another learner"
        )
    left = result.grouping_loss_at_least + result.entropy_at_most
    if low > 0 and result.entropy_at_most < _LITTLE * left:
        lines.append(
            "the features tell the label almost surely: does one of them hold it?"
        )
    lines.append(
        f"learner: {result.learner}, cross-fitted; recalibration map: "
        f"{result.recalibration}"
    )
    return lines
