"""What came of a gate: passed, failed, or too little evidence for either."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from .._calls import form
from .._display.result import Result, as_json, show_value
from .._pickling import public

Status = Literal["passed", "failed", "insufficient"]

EXIT_CODES = {"passed": 0, "failed": 1, "insufficient": 3}
_FORM = 'gates.check(evaluation, "miscalibration < 0.05")'


def worst_of(statuses: list[Status]) -> Status:
    """One status for several: one that failed fails all."""
    for status in ("failed", "insufficient"):
        if status in statuses:
            return status
    return "passed"


@public
@form(_FORM)
@dataclass(frozen=True, kw_only=True, eq=False)
class Finding:
    """What came of one condition, for one group of rows.

    Attributes
    ----------
    condition : str
        The condition, written out.
    group : str
        The group of rows or the difference that it was checked on; "" where that is
        all there is.
    value : float
        The number, whichever of its ends was compared.
    standard_error : float
        Its standard error; NaN for counts, and where there is none.
    low, high : float
        Its interval; NaN for counts, and where there is no standard error.
    status : {"passed", "failed", "insufficient"}
        What came of it.
    why : str
        What was found.

    See Also
    --------
    check : Makes them.

    Examples
    --------
    >>> from xent_metrics import Evaluation, gates
    >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
    >>> [finding] = gates.check(evaluation, "n > 500").findings
    >>> finding.status, finding.why
    ('failed', 'found 400')
    """

    condition: str
    group: str
    value: float
    standard_error: float
    low: float
    high: float
    status: Status
    why: str

    def __eq__(self, other: object) -> bool:
        """Whether all is the same; NaN is NaN."""
        if not isinstance(other, Finding):
            return NotImplemented
        ours, theirs = map(dataclasses.asdict, (self, other))
        return bool(as_json(ours) == as_json(theirs))

    def __hash__(self) -> int:
        return hash((self.condition, self.group, self.status, self.why))

    def __str__(self) -> str:
        of = f" ({self.group})" if self.group else ""
        return f"{self.status}: {self.condition}{of}: {self.why}"


@public
@form(_FORM)
@dataclass(frozen=True, kw_only=True, repr=False)
class Outcome(Result):
    """What came of a gate; made by :func:`check`.

    It is true where the gate passed, so that ``assert check(...)`` asks for evidence.

    Attributes
    ----------
    expression : str
        What was checked, written out.
    level : float
        The level of the intervals, of all groups together.
    findings : tuple of Finding
        One per condition and group.

    See Also
    --------
    check : Makes one.
    Finding : One of its conditions.
    """

    expression: str
    level: float
    findings: tuple[Finding, ...]

    @property
    def status(self) -> Status:
        """What came of it: "passed", "failed" or "insufficient".

        One condition that failed fails the whole; one that the interval does not
        decide leaves it insufficient.
        """
        return worst_of([one.status for one in self.findings])

    @property
    def exit_code(self) -> int:
        """What a command exits with: 0 passed, 1 failed, 3 insufficient.

        2 is left to wrong usage.
        """
        return EXIT_CODES[self.status]

    def __bool__(self) -> bool:
        return self.status == "passed"

    def to_dict(self) -> dict[str, Any]:
        """The status, the expression and each finding, by name."""
        return {
            "status": self.status,
            "expression": self.expression,
            "level": self.level,
            "findings": [dataclasses.asdict(one) for one in self.findings],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per condition and group: the number, its interval, what came of it.

        Returns
        -------
        DataFrame
            ``group``, ``value``, ``standard_error``, ``low``, ``high``, ``status``
            and ``why``, by ``condition``.
        """
        names = [each.name for each in dataclasses.fields(Finding)]
        rows = [dataclasses.astuple(one) for one in self.findings]
        return pd.DataFrame(rows, columns=names).set_index("condition")

    def _shown_rows(self) -> list[tuple[str, ...]]:
        grouped = any(one.group for one in self.findings)
        rows = []
        for one in self.findings:
            of = (one.group,) if grouped else ()
            numbers = map(show_value, (one.value, one.low, one.high))
            rows.append((one.condition, *of, *numbers, one.status))
        of = ("group",) if grouped else ()
        return [("condition", *of, "value", "low", "high", "outcome"), *rows]

    def _remarks(self) -> list[str]:
        return [str(one) for one in self.findings if one.status != "passed"]

    def __repr__(self) -> str:
        """The findings as a table, and what did not pass."""
        rows = self._shown_rows()
        n_texts = len(rows[0]) - 4
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            cells = [
                cell.ljust(width) if place < n_texts else cell.rjust(width)
                for place, (cell, width) in enumerate(
                    zip(row[:-1], widths[:-1], strict=True)
                )
            ]
            lines.append("  " + "  ".join([*cells, row[-1]]))
        head = f"Gate {self.status}: {self.expression} (level {self.level:g})"
        remarks = self._remarks()
        return "\n".join([head, "", *lines, *([""] * bool(remarks)), *remarks])
