"""Tables and sections of text, before they are HTML."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# Headings of a row: "name" is a user's, "head" our own; "label" is a user's beside it.
Kind = Literal["name", "head", "label", "number", "text"]

AT_MOST = 20  # rows of a breakdown: more are not read


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column's title, and what its cells are."""

    title: str
    kind: Kind = "number"


@dataclass(frozen=True, kw_only=True)
class Row:
    """Cells in the order of the columns; ``strong`` where it stands out."""

    cells: tuple[str, ...]
    strong: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of text, and a line on what it leaves out."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    more: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, sentences, and tables below them; ``ident`` is its anchor."""

    ident: str
    heading: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def table(
    caption: str,
    columns: Iterable[Column],
    rows: Iterable[Row],
    *,
    more: str = "",
) -> Table:
    """A table without the columns that are empty in every row."""
    columns, rows = tuple(columns), tuple(rows)
    kept = [
        place
        for place, column in enumerate(columns)
        if column.kind != "text" or any(row.cells[place] for row in rows)
    ]
    return Table(
        caption=caption,
        columns=tuple(columns[place] for place in kept),
        rows=tuple(
            Row(cells=tuple(row.cells[place] for place in kept), strong=row.strong)
            for row in rows
        ),
        more=more,
    )
