"""Sending entries: a thread waits for the server, so that callers need not.

MLflow tries again for minutes where a server does not answer, by settings that are the
process's own. They are left alone: the thread is what waits, the caller only until its
deadline.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import _spool
from ._address import without_secrets
from ._apart import replay_apart
from ._items import paths

Later = Callable[[], Mapping[str, bytes]]

_AT_EXIT = 30.0  # seconds that the end of the process waits for a server that answers


@dataclass(kw_only=True, eq=False)
class Job:
    """An entry to send, and what came of it once ``done`` is set.

    ``folder`` is None where no disk could take the entry: then only numbers are sent.
    """

    uri: str
    entry: _spool.Entry
    folder: Path | None
    later: Later | None = None
    temporary: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    run_id: str | None = None
    artifacts: tuple[str, ...] = ()
    url: str | None = None
    error: Exception | None = None


def send(job: Job) -> None:
    """Send an entry and take it away, or note in it why that failed."""
    folder = job.folder
    before = _spool.State() if folder is None else _spool.state(folder)
    job.run_id = job.entry.run_id or before.run_id
    try:
        _send(job)
    except Exception as error:  # noqa: BLE001 - whatever it is, the entry is kept
        if folder is not None and not folder.exists():
            return  # another process has sent it meanwhile
        job.error = error
        if folder is not None:
            _spool.note(
                folder,
                _spool.State(
                    attempts=before.attempts + 1,
                    error=told(error),
                    run_id=job.run_id,
                ),
            )
        return
    if folder is not None and job.temporary:
        shutil.rmtree(folder.parent, ignore_errors=True)
    elif folder is not None:
        _spool.remove(folder)


def _send(job: Job) -> None:
    from . import _client  # noqa: PLC0415 - MLflow is loaded when first used

    entry, folder = job.entry, job.folder
    if job.run_id is None:
        job.run_id = _client.start_run_of(job.uri, entry)
    names = [] if folder is None else [path.name for path in _spool.files(folder)]
    looked_at = entry.table in (*names, *entry.later)
    table = f"{entry.folder}/{entry.table}" if looked_at else None
    job.url = _client.log_numbers(job.uri, entry, job.run_id, table=table)
    _client.log_children(job.uri, entry, job.run_id)
    if folder is None:
        return
    if job.later is not None and not set(entry.later) <= set(names):
        with contextlib.suppress(Exception):  # the exact files are what is needed
            _spool.add(folder, job.later())
    files = _spool.files(folder)
    _client.log_files(job.uri, job.run_id, entry.folder, files)
    job.artifacts = paths(entry.folder, [path.name for path in files])
    if table is not None:
        _client.settle_tables(job.uri, job.run_id)


def told(error: BaseException) -> str:
    """An error in one line, without secrets."""
    text = " ".join(str(error).split()) or type(error).__name__
    return without_secrets(text)[:500]


class Sender:
    """One thread for one address: entries are sent in the order they came.

    ``apart``: another process sends them, and the thread what that could not.
    """

    def __init__(self, *, apart: bool = False) -> None:
        self.pid = os.getpid()
        self.stalled = False
        self._apart = apart
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._unsent: set[Job] = set()
        self._thread = threading.Thread(
            target=self._run, daemon=True, name="xent-metrics-sender"
        )
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Send an entry when those before it are."""
        self._unsent.add(job)
        self._jobs.put(job)

    def wait(self, job: Job, seconds: float) -> bool:
        """Whether an entry was dealt with in time.

        While the server keeps an earlier call waiting, no call waits again.
        """
        if self.stalled and not job.done.is_set():
            return False
        self.stalled = not job.done.wait(seconds) or self.stalled
        return job.done.is_set()

    def drain(self, until: float) -> None:
        """Wait for all entries, if the server answers at all."""
        for job in list(self._unsent):
            if self.stalled or not job.done.wait(max(0.0, until - time.monotonic())):
                return

    def _run(self) -> None:
        while True:
            jobs = self._waiting()
            if self._apart:
                _send_apart(jobs)
            for job in jobs:
                if not job.done.is_set():
                    send(job)
                if job.error is None:
                    self.stalled = False
                self._unsent.discard(job)
                job.done.set()

    def _waiting(self) -> list[Job]:
        """The next entry, and all that wait behind it."""
        jobs = [self._jobs.get()]
        with contextlib.suppress(queue.Empty):
            while True:
                jobs.append(self._jobs.get_nowait())
        return jobs


def _send_apart(jobs: list[Job]) -> None:
    """Have entries sent by another process; those that it sent are done."""
    on_disk = [(job, job.folder) for job in jobs if job.folder and not job.temporary]
    if not on_disk:
        return
    replay_apart(on_disk[0][0].uri, [folder for _, folder in on_disk])
    for job, folder in on_disk:
        if not folder.exists():
            job.done.set()


_senders: dict[tuple[str, bool], Sender] = {}
_lock = threading.Lock()


def sender(uri: str, *, apart: bool = False) -> Sender:
    """The process's own thread for an address; a fork has none of its parent's."""
    with _lock:
        found = _senders.get((uri, apart))
        if found is None or found.pid != os.getpid():
            found = _senders[uri, apart] = Sender(apart=apart)
        return found


@atexit.register
def _drain_all() -> None:
    until = time.monotonic() + _AT_EXIT
    for each in list(_senders.values()):
        if each.pid == os.getpid():
            each.drain(until)


def _forget() -> None:
    global _lock  # noqa: PLW0603 - the parent's may be held by a thread that is not here
    _lock = threading.Lock()
    _senders.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
