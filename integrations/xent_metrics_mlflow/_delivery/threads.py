"""Sending entries from threads, so that callers need not wait for the server.

If a server does not answer, MLflow retries for minutes, by settings that belong to the
process. They are left alone: the threads wait, and callers only until their deadline.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import threading
import time

from .process import replay_in_other_process
from .send import Job, attempt, send_files, send_numbers

_AT_EXIT = 30.0  # seconds that the end of the process waits for a server that answers


class Sender:
    """Two threads for one address, which send entries in the order they came.

    One sends numbers, the other files: if a server does not accept files, which is
    tried for minutes, the numbers of later entries still reach their runs.

    With ``other_process`` another process sends entries, and the threads what it could
    not.
    """

    def __init__(self, *, other_process: bool = False) -> None:
        self.pid = os.getpid()
        self.stalled = False
        self.stalled_files = False
        self._other_process = other_process
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._with_files: queue.SimpleQueue[Job] = queue.SimpleQueue()
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
            if self._other_process:
                _send_from_other_process(jobs)
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
        """The next entry, and all that are queued behind it."""
        jobs = [self._jobs.get()]
        with contextlib.suppress(queue.Empty):
            while True:
                jobs.append(self._jobs.get_nowait())
        return jobs


def _send_from_other_process(jobs: list[Job]) -> None:
    """Have another process send entries; those that it sent are done."""
    on_disk = [(job, job.folder) for job in jobs if job.folder and not job.temporary]
    if not on_disk:
        return
    replay_in_other_process(on_disk[0][0].uri, [folder for _, folder in on_disk])
    for job, folder in on_disk:
        if not folder.exists():
            job.done.set()


_senders: dict[tuple[str, bool], Sender] = {}
_lock = threading.Lock()


def sender(uri: str, *, other_process: bool = False) -> Sender:
    """The sender of this process for an address; a fork makes its own."""
    key = uri, other_process
    with _lock:
        found = _senders.get(key)
        if found is None or found.pid != os.getpid():
            found = _senders[key] = Sender(other_process=other_process)
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
