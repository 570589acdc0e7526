"""Writing a page: the whole file, or none."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write text as UTF-8: a reader sees the old file or the new one, never a part.

    It is written beside its place first, so a full disk, or an interruption, leaves
    what was there.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        msg = (
            f"path must be in a folder that exists: found no folder "
            f"{str(Path(path).parent)!r}; create it first."
        )
        raise FileNotFoundError(msg)
    if target.is_dir():
        msg = (
            f"path must be that of a file: {str(path)!r} is a folder; add a file's "
            "name, such as report.html."
        )
        raise IsADirectoryError(msg)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
