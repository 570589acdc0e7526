"""Sending entries: threads wait for the server, so that callers need not.

MLflow tries again for minutes where a server does not answer, by settings that are the
process's own. They are left alone: the threads are what waits, the caller only until
its deadline.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import threading
import time

from .process import replay_apart
from .send import Job, attempt, send_files, send_numbers

_AT_EXIT = 30.0  # seconds that the end of the process waits for a server that answers


class Sender:
    """Two threads for one address: entries are sent in the order they came.

    One sends numbers, the other files: where a server does not take files, which it is
    asked for minutes, the numbers of later entries are in their runs all the same.

    ``apart``: another process sends them, and the threads what that could not.
    """

    def __init__(self, *, apart: bool = False) -> None:
        self.pid = os.getpid()
        self.stalled = False
        self.stalled_files = False
        self._apart = apart
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._with_files: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._unsent: set[Job] = set()
        for run, name in ((self._numbers, "sender"), (self._files, "uploads")):
            threading.Thread(
                target=run, daemon=True, name=f"xent-metrics-{name}"
            ).start()

    def submit(self, job: Job) -> None:
        """Send an entry when those before it are."""
        self._unsent.add(job)
        self._jobs.put(job)

    def wait(self, job: Job, seconds: float) -> str | None:
        """What the server did not do in time; None where the entry was dealt with.

        While the server keeps an earlier call waiting, no call waits again.
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

    def drain(self, until: float) -> None:
        """Wait for all entries, if the server answers at all."""
        for job in list(self._unsent):
            for done, stalled in (
                (job.numbers_done, self.stalled),
                (job.done, self.stalled or self.stalled_files),
            ):
                if not stalled:
                    done.wait(max(0.0, until - time.monotonic()))

    def _numbers(self) -> None:
        while True:
            jobs = self._waiting()
            if self._apart:
                _send_apart(jobs)
            for job in jobs:
                sent = job.done.is_set() or attempt(job, send_numbers)
                if job.error is None:
                    self.stalled = False
                job.numbers_done.set()
                if sent and not job.done.is_set():
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
