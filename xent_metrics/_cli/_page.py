"""Where results are shown: tables of rich on a terminal, plain text elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

Row = Sequence[str]


class Page:
    """Standard output, where headings, lines and tables are put one below another."""

    def __init__(self) -> None:
        self._rich = sys.stdout.isatty()
        self._console = Console(highlight=False, markup=False, emoji=False)

    @property
    def is_terminal(self) -> bool:
        """Whether a person is watching."""
        return self._rich

    def line(self, text: str = "", style: str | None = None) -> None:
        """One line, or a text of several."""
        if self._rich:
            self._console.print(text, style=style)
        else:
            sys.stdout.write(text + "\n")

    def table(
        self,
        heading: str,
        columns: Row,
        rows: Iterable[Row],
        *,
        texts: Sequence[int] = (0,),
    ) -> None:
        """A table under its heading; ``texts`` stand to the left."""
        self.line()
        self.line(heading, style="bold")
        if self._rich:
            shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
            for place, name in enumerate(columns):
                if place in texts:
                    shown.add_column(name, overflow="fold")
                else:
                    shown.add_column(name, justify="right", no_wrap=True)
            for row in rows:
                shown.add_row(*row)
            self._console.print(shown)
            return
        self.line()
        for text in aligned(columns, rows, texts):
            self.line("  " + text)


def aligned(columns: Row, rows: Iterable[Row], texts: Sequence[int]) -> list[str]:
    """Rows of text below each other."""
    table = [tuple(columns), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            text.ljust(width) if place in texts else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
