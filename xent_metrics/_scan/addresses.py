"""Addresses such as ``s3://bucket/data``: their file systems, and what is shown."""

from __future__ import annotations

import re
from typing import Any

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SECRETS = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*://)"
    r"(?:[^\s'\"?#]*:[^\s'\"?#]*@|[^\s'\"?#/]*@)?"  # user, password
    r"([^\s'\"?#]*)"
    r"(?:[?#][^\s'\"]*)?"  # a signature, a token
)


def scheme_of(name: str) -> str:
    """The scheme of an address, as in ``s3``; empty for a path."""
    found = _SCHEME.match(name)
    return found[1].lower() if found else ""


def redacted(text: str) -> str:
    """A text without what addresses in it may hold of credentials."""
    return _SECRETS.sub(r"\1\2", text)


def file_system(name: str) -> tuple[Any, str]:
    """The file system of an address, of pyarrow or else of fsspec, and its path there.

    Raises
    ------
    ImportError
        If what reads such addresses is not installed.
    OSError
        If the file system does not answer.
    ValueError
        If the address is none.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.fs as pafs  # noqa: PLC0415 - heavy, and an extra

    try:
        filesystem, path = pafs.FileSystem.from_uri(name)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        if not _is_unknown(error):
            raise
    except ImportError:
        pass  # it would be read by fsspec, or is not in this build of pyarrow
    else:
        return filesystem, path
    return _of_fsspec(name)


def _is_unknown(error: Exception) -> bool:
    """Whether pyarrow has no file system for a scheme."""
    text = str(error)
    return "nrecognized filesystem" in text or "built without" in text


def _of_fsspec(name: str) -> tuple[Any, str]:
    import pyarrow.fs as pafs  # noqa: PLC0415 - heavy, and an extra

    scheme = scheme_of(name)
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - seldom needed
    except ImportError:
        extra = "[http]" if scheme in ("http", "https") else ""
        msg = (
            f"reading {scheme}:// needs fsspec: it is not installed; pip install "
            f"'fsspec{extra}'."
        )
        raise ImportError(msg) from None
    try:
        filesystem, path = url_to_fs(name)
    except ImportError as error:
        msg = f"reading {scheme}:// needs another library: {redacted(str(error))}."
        raise ImportError(msg) from None
    return pafs.PyFileSystem(pafs.FSSpecHandler(filesystem)), path
