"""Where a page may be written."""

from __future__ import annotations

import os
from pathlib import Path


def place_of(path: str | os.PathLike[str], name: str = "path") -> Path:
    """The file that a path leads to: a regular one, or one that is not there yet.

    ``name`` is what messages call the path. A device or a pipe is refused: a file put
    in its place would take it away from all others.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        msg = (
            f"{name} must be in a folder that exists: found no folder "
            f"{str(Path(path).parent)!r}; create it first."
        )
        raise FileNotFoundError(msg)
    if target.is_dir():
        msg = (
            f"{name} must be that of a file: {str(path)!r} is a folder; add a file's "
            "name, such as report.html."
        )
        raise IsADirectoryError(msg)
    # The path itself is asked too: that of a pipe, as /dev/stdout, leads nowhere.
    there = os.path.lexists(target) or Path(path).exists()
    if there and not Path(path).is_file():
        msg = (
            f"{name} must be that of a regular file, or of none yet: {str(path)!r} is "
            "a device, a pipe or a socket; pass a file's name, such as report.html."
        )
        raise OSError(msg)
    return target
