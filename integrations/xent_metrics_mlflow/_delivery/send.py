"""Sending one entry: its numbers, then its files; it is removed when all is sent."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .._items.items import paths
from . import spool
from .address import without_secrets
from .tracker import Tracker

Later = Callable[[], Mapping[str, bytes]]


class UploadError(Exception):
    """The run has the metrics, but not all of the files."""


@dataclass(kw_only=True, eq=False)
class Job:
    """An entry to send, and the outcome, once ``numbers_done`` or ``done`` is set.

    ``folder`` is None if no disk could hold the entry: then only numbers are sent.
    ``uploading`` is the file that is being uploaded.
    """

    uri: str
    tracker: Tracker
    entry: spool.Entry
    folder: Path | None
    later: Later | None = None
    temporary: bool = False
    numbers_done: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    run_id: str | None = None
    artifacts: tuple[str, ...] = ()
    uploading: str | None = None
    url: str | None = None
    error: Exception | None = None


def send(job: Job) -> None:
    """Send an entry and remove it, or note in it why that failed."""
    if attempt(job, send_numbers):
        attempt(job, send_files)


def attempt(job: Job, part: Callable[[Job], None]) -> bool:
    """Send a part of an entry; return whether that worked, and note in it if not."""
    folder = job.folder
    try:
        part(job)
    except Exception as error:  # noqa: BLE001 - whatever it is, the entry is kept
        if folder is not None and not folder.exists():
            return False  # another process has sent it meanwhile
        job.error = error
        if folder is not None:
            before = spool.state(folder)
            spool.note(
                folder,
                spool.State(
                    attempts=before.attempts + 1,
                    error=told(error),
                    run_id=job.run_id,
                ),
            )
        return False
    return True


def send_numbers(job: Job) -> None:
    """Send metrics and tags, to the run or to one that is started."""
    entry, folder = job.entry, job.folder
    before = spool.State() if folder is None else spool.state(folder)
    job.run_id = entry.run_id or before.run_id
    if job.run_id is None:
        job.run_id = job.tracker.start_run_of(job.uri, entry)
    job.url = job.tracker.log_numbers(job.uri, entry, job.run_id, table=_table(job))
    job.tracker.log_children(job.uri, entry, job.run_id)


def _table(job: Job) -> str | None:
    """The path of the file that is shown as a table, if there is or will be one."""
    entry, folder = job.entry, job.folder
    names = [] if folder is None else [path.name for path in spool.files(folder)]
    if entry.table in (*names, *entry.later):
        return f"{entry.folder}/{entry.table}"
    return None


def send_files(job: Job) -> None:
    """Send all files, of which some are made now; then remove the entry."""
    entry, folder, run_id = job.entry, job.folder, job.run_id
    if folder is None:
        return
    assert run_id is not None, "files are sent after numbers"
    table = _table(job)
    names = {path.name for path in spool.files(folder)}
    if job.later is not None and not set(entry.later) <= names:
        with contextlib.suppress(Exception):  # the exact files are what is needed
            spool.add(folder, job.later())
    _upload(job, run_id, spool.files(folder))
    if table is not None:
        job.tracker.settle_tables(job.uri, run_id)
    if job.temporary:
        shutil.rmtree(folder.parent, ignore_errors=True)
    else:
        spool.remove(folder)


def _upload(job: Job, run_id: str, files: Sequence[Path]) -> None:
    """Upload files; one that fails does not keep the others from going."""
    failed: dict[str, Exception] = {}
    for path in files:
        job.uploading = path.name
        try:
            job.tracker.log_file(job.uri, run_id, job.entry.folder, path)
        except Exception as error:  # noqa: BLE001 - raised below
            failed[path.name] = error
        else:
            job.artifacts += paths(job.entry.folder, [path.name])
    if failed:
        first = told(next(iter(failed.values())))
        msg = f"could not upload {', '.join(failed)}: {first}"
        raise UploadError(msg)


def told(error: BaseException) -> str:
    """An error in one line, without secrets and database statements."""
    text = " ".join(str(error).partition("[SQL:")[0].split()) or type(error).__name__
    return without_secrets(text)[:500]
