"""Conditions under which a pipeline stops: ``--fail-if "miscalibration.low>0.05"``."""

from __future__ import annotations

import math
import operator
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .errors import UsageError, hint

FAILED = 1

_GRAMMAR = re.compile(
    r"\s*(?P<name>[A-Za-z][A-Za-z_-]*)"
    r"(?:\.(?P<side>[A-Za-z]+))?"
    r"\s*(?P<sign>>=|<=|>|<)"
    r"\s*(?P<limit>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
)
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_SIDES = ("low", "high")
_OF_MAP = "miscalibration"


class Condition(NamedTuple):
    """A comparison of a number, or of an end of its interval, with a limit."""

    name: str
    side: str | None
    sign: str
    limit: float

    def __str__(self) -> str:
        return f"{self.quantity} {self.sign} {self.limit:g}"

    @property
    def quantity(self) -> str:
        """What is compared, as it is written."""
        return self.name if self.side is None else f"{self.name}.{self.side}"


class Number(NamedTuple):
    """A number that a condition may name; ``ends`` of its interval where it has one."""

    value: float
    ends: tuple[float, float] | None
    unit: str
    note: str = ""


class Outcome(NamedTuple):
    """What came of a condition: the number found, and why the gate is shut.

    ``of`` says of which difference, where models are compared.
    """

    condition: Condition
    found: float
    failed: bool
    why: str
    of: str = ""

    def __str__(self) -> str:
        word = "failed" if self.failed else "passed"
        of = f" of {self.of}" if self.of else ""
        return f"{word}: {self.condition}{of}: {self.why}"

    def to_dict(self) -> dict[str, Any]:
        """What a pipeline may want to know."""
        content = {
            "condition": str(self.condition),
            "found": self.found,
            "failed": self.failed,
            "why": self.why,
        }
        return {"difference": self.of} | content if self.of else content


def read_conditions(
    texts: Iterable[str],
    terms: Sequence[str],
    counts: Sequence[str] = (),
    *,
    recalibration: Any = None,
) -> list[Condition]:
    """Read conditions before any work is done; only ``terms`` have intervals.

    Without a recalibration map miscalibration is 0, and a gate on it would never shut.
    """
    conditions = [_read(text, terms, counts) for text in texts]
    if recalibration == "none" and any(one.name == _OF_MAP for one in conditions):
        msg = (
            f"--fail-if {_OF_MAP} requires a recalibration map: found --recalibration "
            "none, under which it is 0; choose a map, or 'auto'."
        )
        raise UsageError(msg)
    return conditions


def _read(text: str, terms: Sequence[str], counts: Sequence[str]) -> Condition:
    found = _GRAMMAR.fullmatch(text)
    if found is None:
        msg = (
            "--fail-if must be '<term> <sign> <number>' with one of > >= < <=: found "
            f"{text!r}; write 'miscalibration>0.05', or 'miscalibration.low>0.05' for "
            "the lower end of its interval."
        )
        raise UsageError(msg)
    name, side = found["name"].replace("-", "_"), found["side"]
    if name not in (*terms, *counts):
        what = "a term or a count" if counts else "a term"
        msg = f"--fail-if must name {what}: {found['name']!r} is none; "
        raise UsageError(msg + hint(name, (*terms, *counts), "there are"))
    if side is not None and side not in _SIDES:
        msg = (
            f"--fail-if takes .low or .high of an interval: found '.{side}' in "
            f"{text!r}; write '{name}.low'."
        )
        raise UsageError(msg)
    if side is not None and name in counts:
        msg = (
            f"--fail-if takes .{side} of terms: {name} is a count, which has no "
            f"interval; write '{name}{found['sign']}{found['limit']}'."
        )
        raise UsageError(msg)
    return Condition(name, side, found["sign"], float(found["limit"]))


def judge(condition: Condition, numbers: Mapping[str, Number], of: str = "") -> Outcome:
    """Whether a condition holds; one that cannot be computed shuts the gate."""
    number = numbers[condition.name]
    found, why = number.value, number.note or "it is not a number"
    if condition.side is not None:
        assert number.ends is not None, "read_conditions refused it"
        found = number.ends[_SIDES.index(condition.side)]
        why = number.note or "there is no standard error"
    if math.isnan(found):
        why = f"cannot be computed ({why})"
        return Outcome(condition, found, failed=True, why=why, of=of)
    failed = _SIGNS[condition.sign](found, condition.limit)
    why = f"found {found:.6g} {number.unit}".rstrip()
    return Outcome(condition, found, failed=failed, why=why, of=of)


def tell(outcomes: Sequence[Outcome]) -> int:
    """One line per condition on standard error, and the exit code."""
    for outcome in outcomes:
        sys.stderr.write(f"{outcome}\n")
    return FAILED if any(outcome.failed for outcome in outcomes) else 0
