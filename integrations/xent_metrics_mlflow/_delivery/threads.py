"""Sending entries from threads, so that callers need not wait for the server.

If a server does not answer, MLflow retries for minutes, by settings that belong to the
process. They are left alone: the threads wait, and callers only until their deadline.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import itertools
import logging
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable
from multiprocessing.util import Finalize
from pathlib import Path

from . import spool
from .address import lasting
from .send import Job, attempt, finish, job_again, send_files, send_numbers

_AT_EXIT = 30.0  # seconds that the end of the process waits for a server that answers
_EVERY = 0.01  # seconds between two looks whether all is sent
_MOST_NAMED = 5
_MOST_LEFT = 10  # entries of ended processes that a call sends
_MOST_READ = 100  # entries that it looks at for that
_MOST_ATTEMPTS = 3  # after which only a replay sends an entry
_logger = logging.getLogger("xent_metrics_mlflow")


class Sender:
    """Two threads for one address, which send entries in the order they came.

    One sends numbers, the other files: if a server does not accept files, which is
    tried for minutes, the numbers of later entries still reach their runs. Where there
    is nothing else to send, they send what ended processes have left in the spool.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.stalled = False
        self.stalled_files = False
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._with_files: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._left: collections.deque[Job] = collections.deque()
        self._unsent: set[Job] = set()
        for run, name in ((self._numbers, "sender"), (self._files, "uploads")):
            threading.Thread(
                target=run, daemon=True, name=f"xent-metrics-{name}"
            ).start()

    def submit(self, job: Job) -> None:
        """Send an entry after those before it."""
        self._unsent.add(job)
        self._jobs.put(job)

    def wait(self, job: Job, seconds: float) -> str | None:
        """Wait for an entry; return what the server did not do in time, or None.

        After a call that waited in vain, none waits until the server answers.
        """
        until = time.monotonic() + seconds
        if not job.numbers_done.wait(0 if self.stalled else seconds):
            before, self.stalled = self.stalled, True
            return (
                "the server does not answer an earlier call"
                if before
                else f"the server did not answer within {seconds:g} seconds"
            )
        left = 0 if self.stalled_files else max(0.0, until - time.monotonic())
        if not job.done.wait(left):
            before, self.stalled_files = self.stalled_files, True
            return (
                "the server does not take the files of an earlier call"
                if before
                else f"the server did not take {job.uploading or 'the files'} within "
                f"{seconds:g} seconds"
            )
        return None

    def drain(self, until: float) -> list[Path]:
        """Wait for all entries, if the server answers at all; those that still wait."""
        while self._is_sending() and time.monotonic() < until:
            time.sleep(_EVERY)
        folders = [job.folder for job in list(self._unsent)]
        return [each for each in folders if each is not None and each.exists()]

    def _is_sending(self) -> bool:
        """Whether something is still to be sent, and the server takes it."""
        if self.stalled:
            return False
        jobs = list(self._unsent)
        return any(
            not self.stalled_files or not job.numbers_done.is_set() for job in jobs
        )

    def _numbers(self) -> None:
        while True:
            job = self._next()
            sent = attempt(job, send_numbers)
            if job.error is None:
                self.stalled = False
            if sent and not job.again:
                self._look_for_left(job)
            job.numbers_done.set()
            if sent:
                self._with_files.put(job)
            else:
                self._finish(job)

    def _files(self) -> None:
        while True:
            job = self._with_files.get()
            if attempt(job, send_files) or job.error is None:
                self.stalled_files = False
            self._finish(job)

    def _finish(self, job: Job) -> None:
        finish(job)
        self._unsent.discard(job)
        job.done.set()
        if job.error is not None and not job.waited_for:
            _logger.warning(
                "run %s does not have all of %s: %s; python -m xent_metrics_mlflow "
                "replay sends it.",
                job.run_id,
                job.entry.folder,
                job.explain(),
            )

    def _next(self) -> Job:
        """The next entry: those of this process first."""
        with contextlib.suppress(queue.Empty):
            return self._jobs.get_nowait()
        return self._left.popleft() if self._left else self._jobs.get()

    def _look_for_left(self, job: Job) -> None:
        """Also send some of the entries that wait in the spool for the same server."""
        if self._left:
            return
        own = {each.entry.id for each in list(self._unsent)}
        for folder in itertools.islice(spool.entries(spool.root()), _MOST_READ):
            with contextlib.suppress(OSError, ValueError):  # sent, or not an entry
                entry = spool.read(folder)
                attempts = spool.state(folder).attempts
                failed = entry.maker == spool.maker() and attempts > 0
                if (
                    entry.address == lasting(job.uri)
                    and entry.id not in own
                    and (failed or spool.is_left(entry))
                    and attempts < _MOST_ATTEMPTS
                ):
                    found = job_again(folder, entry, job.uri, job.tracker)
                    self._unsent.add(found)
                    self._left.append(found)
            if len(self._left) == _MOST_LEFT:
                return


_senders: dict[str, Sender] = {}
_lock = threading.Lock()


def sender(uri: str) -> Sender:
    """The sender of this process for an address; a fork makes its own."""
    with _lock:
        found = _senders.get(uri)
        if found is None or found.pid != os.getpid():
            if not _senders:
                _drain_in_worker(_drain_all)
            found = _senders[uri] = Sender()
        return found


def _drain_in_worker(drain: Callable[[], None]) -> None:
    """Drain at the end of a worker of multiprocessing, which leaves without atexit."""
    if multiprocessing.parent_process() is not None:
        Finalize(None, drain, exitpriority=100)


@atexit.register
def _drain_all() -> None:
    until = time.monotonic() + _AT_EXIT
    waiting = [
        str(folder)
        for each in list(_senders.values())
        if each.pid == os.getpid()
        for folder in each.drain(until)
    ]
    if waiting:
        _logger.warning(
            "the process ends before all is logged: %d waiting in the spool; python -m "
            "xent_metrics_mlflow replay %s sends what waits.",
            len(waiting),
            " ".join(waiting[:_MOST_NAMED]),
        )


def _forget() -> None:
    global _lock  # noqa: PLW0603 - the parent's may be held by a thread that is not here
    _lock = threading.Lock()
    _senders.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
