"""Which cause of a change shows, by tests that are rarely wrong."""

from __future__ import annotations

from typing import Literal, NamedTuple

Cause = Literal[
    "nothing clear",
    "mix",
    "concept change",
    "constant shift",
    "prior shift",
    "mix and concept change",
    "mix and constant shift",
]
_NAMED = 0.01  # p-value below which a cause is named
_MOVED = 0.05  # p-value below which predictions moved


class CauseTests(NamedTuple):
    """P-values of "the loss did not change by this", and of what the labels did."""

    mix: float
    concept: float
    no_shift: float
    beyond_shift: float
    prior_shift: float
    same_predictions: float


def cause_of(found: CauseTests) -> Cause:
    """The cause that shows.

    A shift of the logits that the data agrees with is a prior shift if it is that of
    the class frequencies and the predictions moved too; an intercept that is off leaves
    them where they were.
    """
    is_shift = found.no_shift < _NAMED and not found.beyond_shift < _NAMED
    moved = found.same_predictions < _MOVED
    if is_shift and moved and found.prior_shift >= _NAMED:
        return "prior shift"
    mix = found.mix < _NAMED
    if is_shift:
        return "mix and constant shift" if mix else "constant shift"
    if found.concept < _NAMED or found.beyond_shift < _NAMED:
        return "mix and concept change" if mix else "concept change"
    return "mix" if mix else "nothing clear"
