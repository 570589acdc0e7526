"""Results as tables and text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from .._decomposition.result import Decomposition
from .._decomposition.text import parts_shown
from .._evaluation.comparison import Comparison
from .._evaluation.excess import shares_of
from .._inputs.labels import label_text
from .._terms import BESIDE, IDENTITY, SOFT_IDENTITY, TERMS, title
from .terminal import Page

_OF_CELLS = ("cross_entropy", "refinement", "miscalibration")
_OF_ROWS = ("fold", "label", "predicted", "cross_entropy", "p_true", "confidence")


def show_decomposition(page: Page, result: Decomposition, level: float) -> None:
    """The terms of the whole, with their intervals on a terminal."""
    text = repr(result)
    if not page.is_terminal:
        page.line(text)
        return
    ends = result.ci(level)
    rows = [
        (
            f"{sign:<1} {title(name)}",
            number(result.terms[name]),
            _interval(*ends[name]),
            result.notes.get(name, TERMS[name].meaning),
        )
        for sign, name in _signed(result)
    ]
    columns = ("term", result.unit, f"{level:.0%} interval", "")
    first, _, zeros = text.partition("\n\n")[0].partition("\n")
    if zeros:
        page.line(zeros + "\n")
    page.table(first, columns, rows, texts=(0, 3))
    page.line(text.rpartition("\n\n")[2])


def _signed(result: Decomposition) -> list[tuple[str, str]]:
    soft = SOFT_IDENTITY if not math.isnan(result.irreducible) else ()
    beside = [("", name) for name in (*parts_shown(result), *BESIDE)]
    return [("", "cross_entropy"), *soft, *IDENTITY, *beside]


def show_cells(page: Page, table: pd.DataFrame, what: str, unit: str) -> None:
    """The terms of groups or classes, those of most excess loss first.

    A star marks those that have a note.
    """
    keys = [what if name is None else str(name) for name in table.index.names]
    held = shares_of(table)
    excess = [
        f"{100 * one:+.1f}%" if math.isfinite(one) else ""
        for one in held.excess[held.order]
    ]
    cells = [(_key(key), cell) for key, cell in table.iloc[held.order].iterrows()]
    noted = [(key, cell["note"]) for key, cell in cells if cell["note"]]
    rows = [
        [
            *key,
            _count(cell["n"]) + ("*" if cell["note"] else " " if noted else ""),
            more,
            *(_with_error(cell[name], cell[f"{name}_se"]) for name in _OF_CELLS),
        ]
        for (key, cell), more in zip(cells, excess, strict=True)
    ]
    columns = [*keys, "n", "excess", *map(title, _OF_CELLS)]
    page.table(f"By {what}, in {unit}", columns, rows, texts=range(len(keys)))
    page.line("\n  excess: the share of the loss less the share of the rows")
    if noted:
        key, note = noted[0]
        others = f" (and {len(noted) - 1:,} more)" if len(noted) > 1 else ""
        page.line(f"\n  * {', '.join(key)}{others}: {note}")


def show_worst(page: Page, rows: pd.DataFrame, unit: str) -> None:
    """The most costly rows."""
    names = [name for name in _OF_ROWS if name in rows.columns]
    labels = {"fold", "label", "predicted"}
    table = [
        [
            label_text(key),
            *(
                label_text(value) if name in labels else _cell(value)
                for name, value in zip(names, row, strict=True)
            ),
        ]
        for key, row in zip(
            rows.index, rows[names].itertuples(index=False, name=None), strict=True
        )
    ]
    key = "row" if rows.index.name is None else str(rows.index.name)
    page.table(f"The most costly rows, in {unit}", [key, *map(title, names)], table)


def show_comparison(page: Page, result: Comparison) -> None:
    """Models from best to worst, with their differences from the baseline."""
    text = repr(result)
    if not page.is_terminal:
        page.line(text)
        return
    rows = []
    for name, one in result.decompositions.items():
        rows.append([name, *(number(one.terms[term]) for term in _OF_CELLS), ""])
        if name != result.baseline:
            found = result.differences[name]
            changes = (
                _with_error(found[t].difference, found[t].standard_error, sign="+")
                for t in _OF_CELLS
            )
            rows.append(["", *changes, _pvalue(found["cross_entropy"].pvalue)])
    columns = ("model", *map(title, _OF_CELLS), "p-value")
    page.table(text.partition("\n")[0], columns, rows)
    page.line(text.rpartition("\n\n")[2])


def number(value: float, sign: str = "") -> str:
    """A number with four decimals, never -0.0000."""
    return f"{round(float(value), 4) + 0.0:{sign}.4f}"


def _with_error(value: float, error: float, sign: str = "") -> str:
    shown = number(value, sign)
    return f"{shown} ± {error:.4f}" if math.isfinite(error) else shown


def _interval(low: float, high: float) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"{number(low)} to {number(high)}"


def _pvalue(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"  # noqa: PLR2004


def _count(n: float) -> str:
    """How many rows; votes and distributions may be a part of a row."""
    return f"{n:,.0f}" if float(n).is_integer() else f"{n:,.1f}"


def _cell(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return number(float(value))
    return str(value)


def _key(key: Any) -> list[str]:
    parts: list[Any] = list(key) if isinstance(key, tuple) else [key]
    return ["(missing)" if pd.isna(part) else label_text(part) for part in parts]
