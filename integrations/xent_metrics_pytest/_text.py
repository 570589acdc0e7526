"""What a test that fails prints: tables, and the decomposition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._ledger import Record
    from ._worse import Change, Changes


def table(rows: Sequence[Sequence[str]], n_texts: int = 1) -> list[str]:
    """Aligned lines: the first columns to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if place < n_texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def plus_minus(value: float, error: float, sign: str = "") -> str:
    """A value with its standard error."""
    return f"{round(value, 4) + 0.0:{sign}.4f} ± {error:.4f}"


def text_of_changes(
    name: str, found: Changes, statuses: Sequence[str], level: str, unit: str
) -> str:
    """Why a test against a baseline fails, or does not tell."""
    pairs = list(zip(found.terms, statuses, strict=True))
    failed = [one for one, status in pairs if status == "failed"]
    if not failed:
        head = f"the rows do not tell whether {name!r} is worse than its baseline"
    elif all(math.isnan(one.pvalue) for one in failed):
        head = f"whether {name!r} is worse than its baseline cannot be computed"
    else:
        head = f"{name!r} is worse than its baseline by more than the margin"
    rows: list[tuple[str, ...]] = [
        ("term", "baseline", "now", "worse by", "margin", "p-value", "outcome")
    ]
    rows += [_row(one, status) for one, status in pairs]
    remarks = [found.how, level, *([found.cause] if found.cause else [])]
    return "\n".join([f"{head} ({unit})", "", *table(rows), "", *remarks])


def _row(one: Change, status: str) -> tuple[str, ...]:
    return (
        one.title,
        plus_minus(one.before, one.before_error),
        plus_minus(one.now, one.now_error),
        plus_minus(one.worse, one.error, "+"),
        f"{one.margin:.4g}",
        "< 0.0001" if one.pvalue < 0.0001 else f"{one.pvalue:.4f}",  # noqa: PLR2004
        status,
    )


def markdown(records: Sequence[Record]) -> str:
    """The checks of a session as a table in Markdown."""
    lines = [
        "### Model checks",
        "",
        "| outcome | test | check | value | error | found |",
        "| --- | --- | --- | ---: | ---: | --- |",
    ]
    for one in records:
        cells = (
            one.outcome,
            one.test.rpartition("/")[2],
            one.of,
            *("" if math.isnan(x) else f"{x:.4f}" for x in (one.value, one.error)),
            one.why,
        )
        lines.append("| " + " | ".join(map(_in_cell, cells)) + " |")
    return "\n".join([*lines, ""])


def _in_cell(text: str) -> str:
    line = " ".join(text.replace("&", "&amp;").replace("<", "&lt;").split())
    return line.replace("|", "\\|")
