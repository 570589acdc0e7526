"""Where a page may be written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_PRINTED_TO = (1, 2)  # descriptors


def place_of(path: str | os.PathLike[str], name: str = "path") -> Path:
    """The file that a path leads to: a regular one, or one that is not there yet.

    ``name`` is what messages call the path. A device or a pipe is refused: a file put
    in its place would take it away from all others.
    """
    if not _is_path(path):
        msg = (
            f"{name} must be a path, as str or pathlib.Path: found {path!r}; pass a "
            "file's name, such as report.html."
        )
        raise TypeError(msg)
    target = Path(os.path.realpath(path))
    try:
        target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # such as a name that is too long
        raise unwritable(path, error, name) from error
    if not target.parent.is_dir():
        msg = (
            f"{name} must be in a folder that exists: found no folder "
            f"{str(Path(path).parent)!r}; create it first."
        )
        raise FileNotFoundError(msg)
    if target.is_dir():
        msg = (
            f"{name} must name a file: {str(path)!r} is a folder; add a file's "
            "name, such as report.html."
        )
        raise IsADirectoryError(msg)
    # The path itself is asked too: that of a pipe, as /dev/stdout, leads nowhere.
    there = os.path.lexists(target) or Path(path).exists()
    if there and not Path(path).is_file():
        msg = (
            f"{name} must name a regular file, or none yet: {str(path)!r} is "
            "a device, a pipe or a socket; pass a file's name, such as report.html."
        )
        raise OSError(msg)
    if there and any(_is_open_as(target, one) for one in _PRINTED_TO):
        msg = (
            f"{name} must name another file than the one that is printed to: "
            f"{str(path)!r} is standard output or error; pass a file's name, such as "
            "report.html."
        )
        raise OSError(msg)
    return target


def unwritable(
    path: str | os.PathLike[str], error: OSError, name: str = "path"
) -> OSError:
    """One sentence where the disk refuses a file."""
    msg = (
        f"{name} must name a file that can be written: {str(path)!r} is not "
        f"({error.strerror or error}); pass another path."
    )
    return type(error)(msg)


def _is_path(path: Any) -> bool:
    """Whether it is text, or tells its text, without the byte that ends names."""
    given = path.__fspath__() if isinstance(path, os.PathLike) else path
    return isinstance(given, str) and "\0" not in given


def _is_open_as(target: Path, descriptor: int) -> bool:
    """Whether a file is the one behind a descriptor: replaced, it would be lost."""
    try:
        return os.path.samestat(target.stat(), os.fstat(descriptor))
    except OSError:  # nothing is open
        return False
