"""Progress of long work, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import BinaryIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


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

    def counted(self, file: BinaryIO, what: str, total: int) -> BinaryIO:
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
