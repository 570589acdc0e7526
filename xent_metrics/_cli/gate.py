"""Conditions of the command line: what must not be, and what must.

``--fail-if`` shuts the gate where its condition holds, whatever the interval; with
``--three-way`` where the whole interval says so. The language is that of
:mod:`xent_metrics.gates`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..gates._grammar import Condition, Expression, Names, read_expression
from ..gates._judge import Verdict
from ..gates._judge import judge as _judge
from ..gates._numbers import Number, is_of_map
from ..gates._outcome import EXIT_CODES, Status, worst_of
from .errors import UsageError

__all__ = ["Expression", "Number", "Outcome", "judge", "read_conditions", "tell"]

_STATUS: Mapping[Verdict, Status] = {
    "holds": "failed",
    "does not hold": "passed",
    "open": "insufficient",
    "undefined": "failed",
}


class Outcome(NamedTuple):
    """What came of a condition: the numbers found, and why the gate is shut.

    ``of`` says of which difference, where models are compared.
    """

    condition: Expression
    found: tuple[float, ...]
    status: Status
    why: str
    of: str = ""

    @property
    def failed(self) -> bool:
        """Whether it shuts the gate."""
        return self.status == "failed"

    def __str__(self) -> str:
        of = f" for {self.of}" if self.of else ""
        held = "" if any(map(math.isnan, self.found)) else " holds"
        said = {"passed": " does not hold", "failed": held, "insufficient": ""}
        return f"{self.status}: {self.condition}{said[self.status]}{of}: {self.why}"

    def to_dict(self) -> dict[str, Any]:
        """What a pipeline may want to know."""
        content = {
            "condition": str(self.condition),
            "found": self.found[0] if len(self.found) == 1 else list(self.found),
            "failed": self.failed,
            "why": self.why,
        }
        if self.status == "insufficient":
            content["insufficient"] = True
        return {"difference": self.of} | content if self.of else content


def read_conditions(
    texts: Iterable[str],
    terms: Sequence[str],
    counts: Sequence[str] = (),
    *,
    recalibration: Any = None,
    slices: bool = False,
) -> list[Expression]:
    """Read conditions before any work is done; only ``terms`` have intervals.

    Without a recalibration map miscalibration and its parts are 0, and a gate on them
    would never shut.
    """
    names = Names(terms, counts, slices)
    try:
        found = [read_expression(text, names, subject="--fail-if") for text in texts]
    except ValueError as error:
        raise UsageError(str(error)) from error
    named = [one.name for expression in found for one in expression.conditions]
    of_map = next(filter(is_of_map, named), None)
    if recalibration == "none" and of_map is not None:
        msg = (
            f"--fail-if {of_map} requires a recalibration map: found --recalibration "
            "none, under which it is 0; choose a map, or 'auto'."
        )
        raise UsageError(msg)
    return found


def judge(
    expression: Expression,
    numbers: Mapping[str, Number],
    of: str = "",
    *,
    of_slices: Callable[[Condition], Number] | None = None,
    three_way: bool = False,
) -> Outcome:
    """Whether all conditions hold; one that cannot be computed counts as if it did."""
    found, why = [], []
    statuses: list[Status] = []
    for condition in expression.conditions:
        if condition.slices and of_slices is not None:
            number = of_slices(condition)
        else:
            number = numbers[condition.name]
        judged = _judge(condition, number, by_interval=three_way)
        found.append(judged.found)
        why.append(judged.why)
        statuses.append(_STATUS[judged.verdict])
    return Outcome(expression, tuple(found), _of_all(statuses), "; ".join(why), of)


def _of_all(statuses: list[Status]) -> Status:
    """The gate is shut if all conditions hold: one that does not keeps it open."""
    for status in ("passed", "insufficient"):
        if status in statuses:
            return status
    return "failed"


def tell(outcomes: Sequence[Outcome]) -> int:
    """One line per condition on standard error, and the exit code."""
    for outcome in outcomes:
        sys.stderr.write(f"{outcome}\n")
    return EXIT_CODES[worst_of([outcome.status for outcome in outcomes])]
