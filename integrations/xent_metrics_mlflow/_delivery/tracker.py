"""What the delivery of entries asks of a tracking backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from .spool import Entry


class UnknownError(ValueError):
    """The store answered that it has no run, or no model, with that id.

    ``to_caller`` is what a call is told that named it.
    """

    def __init__(self, message: str, to_caller: str) -> None:
        super().__init__(message)
        self.to_caller = to_caller


class Where(NamedTuple):
    """The run to log to, or None if no server answers, and the models beside it.

    ``is_active`` says whether it is the active run of the caller.
    """

    run_id: str | None
    model_ids: tuple[str, ...] = ()
    error: BaseException | None = None
    is_active: bool = False


class Tracker(Protocol):
    """A backend: a module with these functions, or an object with these methods.

    Only :meth:`find_run` and what tells of new runs are called in the user's own
    thread. The others name the store by its address, ``uri``, and can be called again
    with the same entry: what an earlier call has written is never there twice.
    ``again`` says that there may have been one. ``note`` is called with the number of
    metrics or runs that the store has confirmed so far; ``sent`` is the number that an
    earlier call has noted.

    An entry is older than another of its split if its step is lower, or else its
    timestamp: its numbers are logged, but no tags, and its files go aside.
    """

    def tracking_uri(self) -> str:
        """The address of the store that new entries go to."""

    def find_run(
        self, run_id: str | None, model_id: str | None, step: int, limit: float
    ) -> Where:
        """The run that was named, else the active one, else a new one.

        ``limit`` is about how many seconds the server may take to start a run.
        """

    def experiment_of_new_runs(self) -> Mapping[str, str]:
        """The "id" or the "name" of where a run would start; asks no server."""

    def tags_of_new_runs(self) -> Mapping[str, str]:
        """The user and the source of a run that would start; asks no server."""

    def ask(
        self,
        uri: str,
        entry: Entry,
        run_id: str | None,
        *,
        table: str | None,
        again: bool,
    ) -> None:
        """Ask for the run, or whether the server answers; nothing is written.

        A run that this process knows is not asked for, unless ``again``. A run or a
        model that the store does not have is an :class:`UnknownError`.
        """

    def start_run_of(self, uri: str, entry: Entry) -> str:
        """The run of an entry that names none: started once, and found afterwards."""

    def log_numbers(
        self,
        uri: str,
        entry: Entry,
        run_id: str,
        *,
        table: str | None,
        again: bool,
        sent: int,
        note: Callable[[int], None],
    ) -> str | None:
        """Log metrics and tags; return the address of the run's page, if it has one.

        ``table`` is the path of the file that the page shows as a table.
        """

    def log_children(
        self,
        uri: str,
        entry: Entry,
        run_id: str,
        *,
        again: bool,
        sent: int,
        note: Callable[[int], None],
    ) -> None:
        """Log the runs below a run."""

    def folder_for_files(self, uri: str, entry: Entry, run_id: str) -> str:
        """The folder of the run for an entry's files."""

    def log_file(self, uri: str, run_id: str, folder: str, path: Path) -> None:
        """Upload a file to a folder of the run."""

    def settle_tables(self, uri: str, run_id: str) -> None:
        """Let the run's page list all tables, whoever else is adding some."""

    def advice(self, text: str) -> str | None:
        """What helps against an error, by its text; None if that is not known."""
