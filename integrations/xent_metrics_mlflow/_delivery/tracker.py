"""What the delivery of entries asks of a tracking backend."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from .spool import Entry


class Where(NamedTuple):
    """The run to log to, or None if no server answers, and the models beside it."""

    run_id: str | None
    model_ids: tuple[str, ...] = ()
    error: BaseException | None = None


class Tracker(Protocol):
    """A backend: a module with these functions, or an object with these methods.

    Only :meth:`find_run` is called in the user's own thread. The others name the store
    by its address, ``uri``, and can be called again with the same entry: what an
    earlier call has written is written again, never twice.
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

    def start_run_of(self, uri: str, entry: Entry) -> str:
        """The run of an entry that names none: started once, and found afterwards."""

    def log_numbers(
        self, uri: str, entry: Entry, run_id: str, *, table: str | None
    ) -> str | None:
        """Log metrics and tags; return the address of the run's page, if it has one.

        ``table`` is the path of the file that the page shows as a table.
        """

    def log_children(self, uri: str, entry: Entry, run_id: str) -> None:
        """Log the runs below a run."""

    def log_file(self, uri: str, run_id: str, folder: str, path: Path) -> None:
        """Upload a file to a folder of the run."""

    def settle_tables(self, uri: str, run_id: str) -> None:
        """Let the run's page list all tables, whoever else is adding some."""
