"""The format of a file, as its name tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .addresses import redacted


class Format(NamedTuple):
    """How rows are written; ``separator`` is that of CSV."""

    kind: str
    separator: str = ""


PARQUET, ARROW, JSON = Format("parquet"), Format("arrow"), Format("json")
CSV = Format("csv", ",")
_TEXTS = {
    ".csv": CSV,
    ".tsv": Format("csv", "\t"),
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".json": JSON,
}
SUFFIXES = {
    **_TEXTS,
    **{f"{suffix}.gz": found for suffix, found in _TEXTS.items()},
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".parq": PARQUET,
    ".feather": ARROW,
    ".arrow": ARROW,
    ".arrows": ARROW,
    ".ipc": ARROW,
}


def format_of(path: str) -> Format:
    """The format of a file; one without a suffix is Parquet, as engines write it."""
    name = path.rstrip("/").rpartition("/")[2].partition("?")[0].lower()
    for suffix, found in SUFFIXES.items():
        if name.endswith(suffix):
            return found
    if "." not in name:
        return PARQUET
    plain = [suffix for suffix in SUFFIXES if not suffix.endswith(".gz")]
    msg = (
        f"the name of a file must end in one of {', '.join(plain)}, or in .gz after "
        f"that of a text: found {_named(path)!r}; rename it, or pass a glob of the "
        "others."
    )
    raise ValueError(msg)


def one_format(paths: Sequence[str]) -> Format:
    """The format of files that are read as one."""
    first = format_of(paths[0])
    for path in paths[1:]:
        if format_of(path) != first:
            msg = (
                "the files of a dataset must have one format: found "
                f"{_named(paths[0])!r} and {_named(path)!r}; pass those of one "
                "format, as a glob such as 'data/*.parquet'."
            )
            raise ValueError(msg)
    return first


def is_packed(path: str) -> bool:
    """Whether a file is compressed as a whole, by gzip."""
    return path.partition("?")[0].lower().endswith(".gz")


def _named(path: str) -> str:
    """A path as messages show it."""
    return redacted(path.removeprefix("./"))
