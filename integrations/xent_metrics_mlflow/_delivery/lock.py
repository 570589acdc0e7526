"""A lock on an entry, held across threads and processes until it is sent.

The system releases it when its holder dies, so a killed sender never blocks another.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NAME = ".lock"
_EVERY = 0.02  # seconds between two tries
_held: set[int] = set()


class LockedError(OSError):
    """Another sender has the entry."""


def take(folder: Path, seconds: float) -> int:
    """Lock an entry, or wait for that; FileNotFoundError once the entry is gone."""
    until = time.monotonic() + seconds
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(folder / _NAME, flags, 0o600)
        if _lock(descriptor):
            if _is_of(descriptor, folder):
                _held.add(descriptor)
                return descriptor
            os.close(descriptor)  # of an entry that was sent and removed meanwhile
            continue
        os.close(descriptor)
        if time.monotonic() > until:
            msg = (
                "only one process may send an entry at a time: another is sending "
                f"{folder.name}; wait for it, or end it and replay."
            )
            raise LockedError(msg)
        time.sleep(_EVERY)


def release(descriptor: int) -> None:
    """Release a lock, so that others can send the entry."""
    _held.discard(descriptor)
    os.close(descriptor)


def forget() -> None:
    """Close what a fork has inherited: the parent's death must release its locks."""
    for descriptor in list(_held):
        release(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_of(descriptor: int, folder: Path) -> bool:
    """Whether the locked file still is the one of the entry."""
    try:
        return os.path.samestat(os.fstat(descriptor), (folder / _NAME).stat())
    except FileNotFoundError:
        return False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
