"""Sentences for what breaks a rule in a table."""

from __future__ import annotations

from typing import Any

from ._blocks import Table, Violation


def violation_error(
    violation: Violation, name: str, table: Table, labels: tuple[Any, ...]
) -> ValueError:
    """The error of a violation: the rule, what was found and where, what to do."""
    rule, row, column, value = violation
    if table.one_column:
        where = f"row {row}"
        value = 1 - value if column == 0 else value
    else:
        where = f"row {row}, class {labels[column]!r}"
    votes = name == "y_true" and table.kind == "proportions"
    if rule == "missing":
        text = (
            f"{name} must not be missing: {where} is NaN; drop the row or give it "
            "weight 0."
        )
    elif rule == "row sum" and name == "y_true":
        text = (
            f"y_true rows must sum to 1: row {row} sums to {value:.6g}; pass "
            "targets='votes' where they are vote counts."
        )
    elif rule == "row sum":
        text = (
            f"y_proba rows must sum to 1: row {row} sums to {value:.6g}; pass "
            "rescale=True to divide by it."
        )
    elif rule == "empty row":
        what = "hold at least one vote" if votes else "have a positive sum"
        text = (
            f"{name} rows must {what}: row {row} sums to 0; drop the row or give it "
            "weight 0."
        )
    elif votes or table.kind == "proportions":
        text = (
            f"{name} must be finite and not negative: {where} is {value:.6g}; correct "
            "the row or give it weight 0."
        )
    else:
        text = (
            f"{name} must lie in [0, 1]: {where} is {value:.6g}; pass probabilities, "
            "not scores."
        )
    return ValueError(text)
