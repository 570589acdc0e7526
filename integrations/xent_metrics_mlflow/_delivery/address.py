"""Addresses of tracking servers: without secrets, and from any current folder."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]*@")
_QUERY = re.compile(r"(?<=\w)\?[^\s'\"]+")
_SQLITE = "sqlite:///"
_DATABRICKS = ("databricks", "databricks-uc")  # words, not paths


def without_secrets(text: str) -> str:
    """Addresses in a text without ``user:password@`` and without a query."""
    return _QUERY.sub("", _CREDENTIALS.sub("", text))


def lasting(uri: str) -> str:
    """An address to write down: without secrets, and with absolute paths."""
    if uri in _DATABRICKS:
        return uri
    if uri.startswith(_SQLITE):
        path = uri.removeprefix(_SQLITE).partition("?")[0]
        return f"{_SQLITE}{Path(path).absolute()}"
    parts = urlsplit(uri)
    if len(parts.scheme) <= 1:  # a path; one letter is a drive of Windows
        return Path(uri).absolute().as_uri()
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def is_remote(uri: str) -> bool:
    """Whether the store is a server that is reached over HTTP."""
    return uri.startswith(("http://", "https://"))
