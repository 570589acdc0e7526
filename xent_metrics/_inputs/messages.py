"""Warnings, and errors of one sentence for what the kernels found."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from .._kernels.reader import Violation
from .._kernels.table import Table

_HOME = __name__.partition(".")[0]


def violation_error(
    violation: Violation, table: Table, labels: tuple[Any, ...]
) -> ValueError:
    """The error of a violation: the rule, what was found and where, what to do."""
    rule, row, column, value = violation
    if table.given == 1 - column and table.kind != "logits":
        value = 1 - value
    where = f"row {row}"
    if table.given is None:
        where += f", class {labels[column]!r}"
    target = table.name == "y_true"
    leave_out = "drop the row, or give it a sample_weight of 0"
    if rule == "missing":
        must, found, mend = "not be missing", f"{where} is NaN", leave_out
    elif rule == "row sum":
        must, found, mend = _of_sum(table, row, value)
    elif table.kind == "logits":
        must = "have a finite logit in each row, and none of +inf"
        found = f"{where} is {value:g}" if column >= 0 else f"row {row} has only -inf"
        mend = leave_out
    elif rule == "empty row":
        must = "have rows with a vote" if target else "have rows with a positive sum"
        found, mend = f"row {row} sums to 0", leave_out
    elif table.kind == "proportions":
        must, found = "be finite and not negative", f"{where} is {value:.6g}"
        mend = leave_out
    else:
        must, found = "lie in [0, 1]", f"{where} is {value:.6g}"
        mend = "pass probabilities, or logits with from_logits=True"
        if target:
            mend = "pass target_type='votes' where they are vote counts"
    return ValueError(f"{table.name} must {must}: {found}; {mend}.")


def _of_sum(table: Table, row: int, value: float) -> tuple[str, str, str]:
    """What a row whose sum is not 1 must be, is, and may become."""
    if table.normalised:
        must = "be logarithms of probabilities that sum to 1"
        mend = "pass those of all classes, or from_logits=True to divide by the sum"
        return must, f"those of row {row} sum to {_sum(value)}", mend
    mend = "pass rescale=True to divide by it"
    if table.name == "y_true":
        mend = "pass target_type='votes' where they are vote counts"
    return "have rows that sum to 1", f"row {row} sums to {_sum(value)}", mend


def _sum(value: float) -> str:
    """A sum of probabilities, with its difference from 1 where digits hide it."""
    shown, rest = f"{value:.6g}", value - 1.0
    if shown != "1":
        return shown
    return f"1 {'-' if rest < 0 else '+'} {abs(rest):.2g}"


def warn(message: str, category: type[Warning]) -> None:
    """Warn the first caller that is not of this package, nor of its integrations."""
    level, frame = 1, sys._getframe()  # noqa: SLF001 - as warnings itself does
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith(_HOME):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
