"""Sending one entry: its numbers, then its files; it is removed when all is sent."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .._items import artifacts
from . import lock, spool
from .address import lasting, without_secrets
from .tracker import Tracker

Later = Callable[[], Mapping[str, bytes]]
_LONGEST = 60.0  # seconds to wait for another sender of the same entry


class UploadError(Exception):
    """The run has the metrics, but not all of the files."""


@dataclass(kw_only=True, eq=False)
class Job:
    """An entry to send, and the outcome, once ``numbers_done`` or ``done`` is set.

    ``folder`` is None if no disk could hold the entry: then only numbers are sent.
    ``again`` says that an earlier attempt may have sent some of it, ``is_active`` that
    the run is the caller's active one, ``waited_for`` that a call waits for it.
    ``uploading`` is the file that is being uploaded, ``into`` the run's folder for it.
    """

    uri: str
    tracker: Tracker
    entry: spool.Entry
    folder: Path | None
    later: Later | None = None
    again: bool = False
    is_active: bool = False
    temporary: bool = False
    waited_for: bool = True
    numbers_done: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    lock: int | None = None
    run_id: str | None = None
    artifacts: tuple[str, ...] = ()
    uploading: str | None = None
    into: str = ""
    url: str | None = None
    error: Exception | None = None

    def explain(self) -> str:
        """Why it was not sent, and what helps."""
        assert self.error is not None, "only what failed is explained"
        text = told(self.error, self.uri)
        advice = self.tracker.advice(text)
        return text if advice is None else f"{text.rstrip('.')}; {advice}"


def job_again(folder: Path, entry: spool.Entry, uri: str, tracker: Tracker) -> Job:
    """A job for an entry that another call has left in a spool."""
    return Job(
        uri=uri,
        tracker=tracker,
        entry=entry,
        folder=folder,
        again=True,
        later=lambda: artifacts.to_show_again(
            folder, entry.folder.rpartition("/")[2], entry.later
        ),
    )


def send(job: Job) -> None:
    """Send an entry and remove it, or note in it why that failed."""
    if attempt(job, send_numbers):
        attempt(job, send_files)
    finish(job)


def finish(job: Job) -> None:
    """Release the lock of an entry, so that others can send what is left."""
    if job.lock is not None:
        lock.release(job.lock)
        job.lock = None


def attempt(job: Job, part: Callable[[Job], None]) -> bool:
    """Send a part of an entry; return whether that worked, and note in it if not."""
    folder = job.folder
    try:
        part(job)
    except Exception as error:  # noqa: BLE001 - whatever it is, the entry is kept
        if folder is not None and not folder.exists():
            return False  # another process has sent it meanwhile
        job.error = error
        if folder is not None and not isinstance(error, lock.LockedError):
            found = spool.state(folder)
            # Without the lock, what was sent is for another sender to say.
            before = found if job.lock is None else _noted(job)
            attempts = found.attempts + 1
            error_told = job.explain()
            spool.note(folder, replace(before, attempts=attempts, error=error_told))
        return False
    return True


def send_numbers(job: Job) -> None:
    """Send metrics and tags, to the run or to one that is started.

    The server is asked first: while it does not answer, others can have the entry.
    """
    entry, tracker = job.entry, job.tracker
    job.run_id = entry.run_id or _before(job).run_id
    table = _table(job)
    tracker.ask(job.uri, entry, job.run_id, table=table, again=job.again)
    if job.folder is not None:
        job.lock = lock.take(job.folder, _LONGEST)
    before = _before(job)
    job.run_id = entry.run_id or before.run_id
    if job.run_id is None:
        job.run_id = tracker.start_run_of(job.uri, entry)
        tracker.ask(job.uri, entry, job.run_id, table=table, again=True)
    job.url = tracker.log_numbers(
        job.uri,
        entry,
        job.run_id,
        table=table,
        again=job.again,
        sent=before.metrics,
        note=lambda count: _note(job, metrics=count),
    )
    # Now, as files are uploaded in this order, and later numbers may be ahead of them.
    job.into = tracker.folder_for_files(job.uri, entry, job.run_id)
    tracker.log_children(
        job.uri,
        entry,
        job.run_id,
        again=job.again,
        sent=before.children,
        note=lambda count: _note(job, children=count),
    )


def _before(job: Job) -> spool.State:
    """What earlier attempts have sent to the same run."""
    if job.folder is None:
        return spool.State()
    found = spool.state(job.folder)
    same = found.address == lasting(job.uri) and (
        job.entry.run_id in (None, found.run_id)
    )
    return found if same else replace(found, run_id=None, metrics=0, children=0)


def _note(job: Job, **changes: Any) -> None:
    """Write down what came of an entry, if a disk holds it."""
    if job.folder is not None:
        spool.note(job.folder, replace(_noted(job), **changes))


def _noted(job: Job) -> spool.State:
    """What was sent so far, and where."""
    return replace(_before(job), address=lasting(job.uri), run_id=job.run_id)


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
    if table is not None and (job.again or not job.is_active):
        job.tracker.settle_tables(job.uri, run_id)
    spool.remove(folder)


def _upload(job: Job, run_id: str, files: Sequence[Path]) -> None:
    """Upload files; one that fails does not keep the others from going."""
    failed: dict[str, Exception] = {}
    for path in files:
        job.uploading = path.name
        try:
            job.tracker.log_file(job.uri, run_id, job.into, path)
        except Exception as error:  # noqa: BLE001 - raised below
            failed[path.name] = error
        else:
            job.artifacts += (f"{job.into}/{path.name}",)
    if failed:
        first = told(next(iter(failed.values())), job.uri)
        msg = f"could not upload {', '.join(failed)}: {first}"
        raise UploadError(msg)


def told(error: BaseException, uri: str = "") -> str:
    """An error in one line, without secrets and database statements."""
    text = " ".join(str(error).partition("[SQL:")[0].split()) or type(error).__name__
    return without_secrets(text, uri)[:500]
