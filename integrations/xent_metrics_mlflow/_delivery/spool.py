"""The spool: what is to be logged is written to disk before it is sent.

An entry is a folder with ``entry.json`` and the files to upload. It appears by one
rename, once all of it is on disk, and goes by one rename, once all of it was sent.
Names that start with a dot are not entries.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import stat
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .._items.items import Child, Point

SCHEMA = 1
VARIABLE = "XENT_METRICS_SPOOL"
TEMPORARY = "xent-metrics-unsent-"  # folders of entries that the spool could not hold
_ENTRY = "entry.json"
_STATE = "state.json"
_OWN = (_ENTRY, _STATE)
_ABANDONED = 3600.0  # seconds after which a half-written folder has no writer


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is written to a run, all of it fixed: sending it twice changes nothing.

    ``run_id`` is None if the server did not answer when asked for a run; then one is
    started in ``experiment``, an id or a name. ``points`` are metrics with steps of
    their own, ``children`` are runs below this one. ``table`` is the file that is shown
    as a table; ``later`` names files that are made from the others when they are sent.
    ``run_tags`` are those of a run that is started, ``maker`` is the process that made
    the entry: its host and its number.
    """

    id: str
    address: str
    run_id: str | None
    experiment: Mapping[str, str] = field(default_factory=dict)
    folder: str
    unit: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    timestamp: int
    step: int
    model_ids: tuple[str, ...] = ()
    dataset: Mapping[str, str] | None = None
    points: tuple[Point, ...] = ()
    children: tuple[Child, ...] = ()
    table: str | None = "per_sample.json"
    later: tuple[str, ...] = ()
    run_tags: Mapping[str, str] = field(default_factory=dict)
    maker: str = ""
    schema: int = SCHEMA


@dataclass(frozen=True, kw_only=True)
class State:
    """The outcome of sending an entry so far.

    ``address`` and ``run_id`` are where it was sent. The store there has confirmed the
    first ``metrics`` numbers, and the first ``children`` runs below the run.
    """

    attempts: int = 0
    error: str | None = None
    run_id: str | None = None
    address: str | None = None
    metrics: int = 0
    children: int = 0


def new_id() -> str:
    """A name that sorts by time."""
    return f"{time.time_ns() // 1_000_000:013d}-{uuid.uuid4().hex[:12]}"


def maker() -> str:
    """Name this process: its host and its number."""
    return f"{platform.node()} {os.getpid()}"


def is_left(entry: Entry) -> bool:
    """Whether the process that made an entry has ended, here, without sending it."""
    host, _, number = entry.maker.rpartition(" ")
    if host != platform.node() or sys.platform == "win32":
        return False  # there, asking for a process can end it
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except (OSError, ValueError):
        return False  # another user's
    return False


def root() -> Path:
    """The folder of all entries: ``XENT_METRICS_SPOOL``, or the user's state folder."""
    if given := os.environ.get(VARIABLE):
        return Path(given).expanduser().absolute()
    home = Path.home()
    if sys.platform == "win32":
        state = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        state = home / "Library" / "Application Support"
    else:
        state = Path(os.environ.get("XDG_STATE_HOME", home / ".local" / "state"))
    return state / "xent-metrics" / "spool"


def write(entry: Entry, contents: Mapping[str, bytes], where: Path) -> Path:
    """Write an entry to disk, all of it or nothing; return its folder."""
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    making = where / f".new-{entry.id}"
    try:
        making.mkdir(mode=0o700)
        for name, data in contents.items():
            _write_file(making / name, data)
        _write_file(making / _ENTRY, _json(asdict(entry)))
        _sync_folder(making)
        folder = making.rename(where / entry.id)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    _sync_folder(where)
    return folder


def add(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Add files that were made later."""
    for name, data in contents.items():
        _replace(folder / name, data)


def read(folder: Path) -> Entry:
    """Read the entry of a folder; an error if it is not one."""
    try:
        found = json.loads((folder / _ENTRY).read_bytes())
        found["model_ids"] = tuple(found["model_ids"])
        found["later"] = tuple(found["later"])
        found["points"] = tuple(map(tuple, found.get("points", ())))
        found["children"] = tuple(found.get("children", ()))
        entry = Entry(**found)
        assert entry.schema == SCHEMA, f"schema {entry.schema!r}"
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        msg = (
            f"an entry of the spool must be what this version wrote: {folder.name} is "
            f"not ({error}); replay it with the version that wrote it, or purge it."
        )
        raise ValueError(msg) from None
    return entry


def entries(where: Path) -> list[Path]:
    """The folders of all entries of this user, the oldest first."""
    if not where.is_dir():
        return []
    return sorted(
        each
        for each in where.iterdir()
        if not each.name.startswith(".") and is_entry(each)
    )


def is_entry(folder: Path) -> bool:
    """Whether a folder is an entry of this user; in a shared spool others have some."""
    return _is_own(folder, stat.S_ISDIR) and _is_own(folder / _ENTRY, stat.S_ISREG)


def files(folder: Path) -> list[Path]:
    """The files to upload: no links, whose targets could be anything."""
    return sorted(
        each
        for each in folder.iterdir()
        if each.name not in _OWN
        and not each.name.startswith(".")
        and _is_own(each, stat.S_ISREG)
    )


def _is_own(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Whether a path itself, not the target of a link, is this user's."""
    try:
        found = path.lstat()
    except OSError:
        return False
    own = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return own and is_kind(found.st_mode)


def state(folder: Path) -> State:
    """The outcome so far; empty if it cannot be read."""
    try:
        return State(**json.loads((folder / _STATE).read_bytes()))
    except (OSError, TypeError, ValueError):
        return State()


def note(folder: Path, found: State) -> None:
    """Write down the outcome of an attempt; a removed entry stays removed."""
    with contextlib.suppress(OSError):
        _replace(folder / _STATE, _json(asdict(found)))


def remove(folder: Path) -> None:
    """Remove an entry by one rename, so that half of one is never seen."""
    gone = folder.with_name(f".sent-{folder.name}")
    try:
        folder.rename(gone)
    except FileNotFoundError:
        return  # someone else has sent it
    shutil.rmtree(gone, ignore_errors=True)
    if folder.parent.name.startswith(TEMPORARY):
        with contextlib.suppress(OSError):  # it holds another one
            folder.parent.rmdir()


def sweep(where: Path) -> None:
    """Remove what killed processes have left."""
    if not where.is_dir():
        return
    for each in where.iterdir():
        left = each.name.startswith((".new-", ".sent-"))
        if left and _is_own(each, stat.S_ISDIR):
            with contextlib.suppress(OSError):
                sent = each.name.startswith(".sent-")
                if sent or time.time() - each.stat().st_mtime > _ABANDONED:
                    shutil.rmtree(each, ignore_errors=True)


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, indent=1).encode()


def _replace(path: Path, data: bytes) -> None:
    """Write a file in the place of another, all of it or nothing."""
    making = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    try:
        _write_file(making, data)
        making.replace(path)
    except BaseException:
        making.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _write_file(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Write the names in a folder to disk; Windows cannot, and need not."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
