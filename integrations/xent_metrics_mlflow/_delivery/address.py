"""Addresses of tracking servers: without secrets, and from any current folder."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_CREDENTIALS = re.compile(r"(?<=://)[^\s'\"<>]*@")  # a password can hold another "@"
_QUERY = re.compile(r"(?<=\w)\?[^\s'\"]+")
_SQLITE = "sqlite:///"
_DATABRICKS = ("databricks", "databricks-uc")  # words, not paths


def without_secrets(text: str, uri: str = "") -> str:
    """Addresses in a text without ``user:password@`` and without a query.

    What stands before an "@" in the credentials of ``uri`` goes from all of the text:
    drivers of databases take a password's tail for a part of the host.
    """
    found = _QUERY.sub("", _CREDENTIALS.sub("", text))
    credentials = _CREDENTIALS.search(uri)
    if credentials is None:
        return found
    parts = credentials[0].split("@")
    for first in range(len(parts) - 1):
        found = found.replace("@".join(parts[first:]), "")
    return found


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
    if _has_cut_credentials(parts.netloc):
        parts = urlsplit(_CREDENTIALS.sub("", uri))
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def _has_cut_credentials(netloc: str) -> bool:
    """Whether a raw "/", "?" or "#" in a password ends what should name a host."""
    port = netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    return bool(port) and not port.isdigit()


def is_remote(uri: str) -> bool:
    """Whether the store is a server that is reached over HTTP."""
    return uri.startswith(("http://", "https://"))


def is_folder(uri: str) -> bool:
    """Whether the store is a folder of files, which takes the same number twice."""
    return (uri not in _DATABRICKS and len(urlsplit(uri).scheme) <= 1) or (
        uri.startswith("file:")
    )
