"""What a worker does: the row groups of a task to a state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from ._accumulate import add
from ._part import Reading
from ._parts import Task, UnreadableError
from ._state import ScanState
from ._under import Under

OnBad = Literal["raise", "skip"]


class Outcome(NamedTuple):
    """What a task leaves: a state, how many pieces it could not read, or an error.

    An error is a value, as engines lose the text of what a worker raises.
    """

    state: ScanState | None
    skipped: tuple[UnreadableError, ...] = ()
    error: Exception | None = None


def read_task(
    task: Task, reading: Reading, under: Under | None, on_bad: OnBad
) -> Outcome:
    """Read the row groups of a task: each wholly or not at all."""
    if len(task.pieces) > 1:
        # Together, as small ones cost their overhead. Which of them is bad is then
        # looked for one by one.
        with contextlib.suppress(UnreadableError, KeyError, TypeError, ValueError):
            return Outcome(read_rows(task.tables(*task.pieces), reading, under))
    state: ScanState | None = None
    skipped: list[UnreadableError] = []
    for piece in task.pieces:
        try:
            own = read_rows(task.tables(piece), reading, under)
        except UnreadableError as error:
            if on_bad == "raise":
                return Outcome(None, error=error)
            skipped.append(error)
        except (KeyError, TypeError, ValueError) as error:
            return Outcome(None, error=placed(error, task.place(piece)))
        else:
            state = own if state is None or own is None else state + own
    return Outcome(state, tuple(skipped))


def read_rows(
    tables: Iterator[Any], reading: Reading, under: Under | None
) -> ScanState | None:
    """The state of all rows of tables."""
    state, n_before = None, 0
    for table in tables:
        try:
            state = add(state, table, reading, under)
        except ValueError as error:
            if not n_before:
                raise
            msg = f"(counting from row {n_before:,}) {error}"
            raise type(error)(msg) from None
        n_before += len(table)
    return state


def placed(error: Exception, place: str) -> Exception:
    """The error with the name of what was read."""
    return type(error)(f"in {place}: {error.args[0] if error.args else error}")
