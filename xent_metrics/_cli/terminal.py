"""Tables and progress on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import BinaryIO

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
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


class Stages:
    """Stages of work, one shown at a time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def start(self, what: str, total: float | None = None) -> None:
        """Begin a stage; without a total its end is not known."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total)

    def advance(self, by: float) -> None:
        """So much more of the stage is done."""
        assert self._task is not None, "a stage was started"
        self._progress.advance(self._task, by)

    def counted(self, file: BinaryIO, what: str, total: int | None) -> BinaryIO:
        """The file, as a stage that advances while it is read."""
        self.start(what, total)
        assert self._task is not None
        return self._progress.wrap_file(file, task_id=self._task)


@contextmanager
def stages() -> Iterator[Stages]:
    """Show stages on standard error while the work runs; leave nothing behind."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
    )
    shown = Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
    )
    # One that is never started writes nothing; one that is disabled may.
    with shown if sys.stderr.isatty() else nullcontext():
        yield Stages(shown)
