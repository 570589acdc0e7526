"""Matrix products on one thread, as long as anybody of the process asks for it."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

# The threads of most libraries are a setting of the process. All who limit them at once
# share one limit: each of its own would restore what another had set.
_lock = threading.RLock()
_inside: dict[object, int] = {}  # the thread of each that is inside
_before: list[tuple[Any, int]] = []  # what the last out restores


@contextmanager
def one_thread() -> Iterator[None]:
    """Matrix products of small fits on one thread: several are slower.

    The first in sets the limit; the last out restores what was there before.
    """
    libraries, entry = _libraries("scipy.linalg" in sys.modules), object()
    own = _limit(libraries.of_thread)
    try:
        with _lock:
            _inside[entry] = threading.get_ident()
            if not _before:
                _before.extend(_limit(libraries.of_process))
        yield
    finally:
        _restore(own)
        with _lock:
            _inside.pop(entry, None)
            _restore_if_empty()


class _Libraries(NamedTuple):
    """What multiplies matrices, by whose number of threads it is that can be set."""

    of_process: list[Any]
    of_thread: list[Any]


@functools.cache
def _libraries(with_scipy: bool) -> _Libraries:  # noqa: FBT001 - of this file alone
    """All that are loaded; scipy brings another, which was not there before."""
    del with_scipy
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - when needed

    found = _Libraries([], [])
    for library in ThreadpoolController().select(user_api="blas").lib_controllers:
        layer = getattr(library, "threading_layer", None)
        (found.of_thread if layer == "openmp" else found.of_process).append(library)
    return found


def _limit(libraries: list[Any]) -> list[tuple[Any, int]]:
    """Limit libraries to one thread; return how many each had."""
    before = [(library, library.num_threads) for library in libraries]
    _restore((library, 1) for library in libraries)
    return before


def _restore(numbers: Iterable[tuple[Any, int]]) -> None:
    for library, number in numbers:
        # Since threadpoolctl 3.8 one thread keeps the others from setting it.
        free = getattr(library, "clear_controlling_thread", lambda **_: None)
        free(force=True)
        library.set_num_threads(number)
        free(force=True)


def _restore_if_empty() -> None:
    if not _inside:
        _restore(_before)
        _before.clear()


def _leave_others() -> None:
    """In a forked process: only the thread that forked is still there."""
    for entry, thread in list(_inside.items()):
        if thread != threading.get_ident():
            del _inside[entry]
    _restore_if_empty()
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire,
        after_in_parent=_lock.release,
        after_in_child=_leave_others,
    )
