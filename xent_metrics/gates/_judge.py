"""Whether a condition holds of a number: yes, no, or the interval does not tell."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from ._grammar import SIGNS, Condition
from ._numbers import Number

Verdict = Literal["holds", "does not hold", "open", "undefined"]


class Judgement(NamedTuple):
    """What came of a condition: the number that was compared, and why."""

    verdict: Verdict
    found: float
    why: str


def judge(condition: Condition, number: Number, *, by_interval: bool) -> Judgement:
    """Compare a number with the limit of a condition.

    ``by_interval``: a term without a side holds if its whole interval does, does not if
    none of it does, and is open otherwise. Else, and for .low, .high, .value and
    counts, one number decides.
    """
    value, ends = number.value, number.ends
    if condition.side in ("low", "high"):
        assert ends is not None, "the grammar refuses ends of counts"
        end = ends[0] if condition.side == "low" else ends[1]
        return _of_one(condition, end, number, "there is no standard error")
    if by_interval and condition.side is None and ends is not None:
        if math.isnan(value) and number.few:
            return Judgement("open", value, f"cannot be computed ({number.note})")
        if math.isfinite(value):
            return _of_interval(condition, value, ends, number.unit)
    return _of_one(condition, value, number, "it is not a number")


def _of_interval(
    condition: Condition, value: float, ends: tuple[float, float], unit: str
) -> Judgement:
    if math.isnan(ends[0]):
        why = f"found {_shown(value, unit)}, without a standard error"
        return Judgement("open", value, why)
    compare, limit = SIGNS[condition.sign], condition.limit
    low, high = (compare(end, limit) for end in ends)
    why = f"found {value:.4g}, interval {ends[0]:.4g} to {ends[1]:.4g} {unit}".rstrip()
    if low != high:
        return Judgement("open", value, f"{why} has both sides of {limit:.15g}")
    return Judgement("holds" if low else "does not hold", value, why)


def _of_one(
    condition: Condition, found: float, number: Number, without: str
) -> Judgement:
    if math.isnan(found):
        why = f"cannot be computed ({number.note or without})"
        return Judgement("undefined", found, why)
    holds = SIGNS[condition.sign](found, condition.limit)
    why = f"found {_shown(found, number.unit)}"
    return Judgement("holds" if holds else "does not hold", found, why)


def _shown(value: float, unit: str) -> str:
    digits = 15 if float(value).is_integer() else 6  # counts are shown whole
    return f"{value:.{digits}g} {unit}".rstrip()
