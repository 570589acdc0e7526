"""Files of predictions as frames: CSV, Parquet and Feather, and no column too many."""

from __future__ import annotations

import difflib
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ._columns import Columns, Wanted, find
from ._csv import Source, header, read_csv
from ._progress import Stages
from ._usage import UsageError

STANDARD_INPUT = "standard input"

_SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
_FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "feather",
    ".arrow": "feather",
}
_BATCH = 65_536  # rows


class Table(NamedTuple):
    """The columns of a file that a command needs, and what they are."""

    frame: pd.DataFrame
    columns: Columns


def read(file: str, wanted: Wanted, stages: Stages) -> Table:
    """Read what is wanted of a file; ``-`` is CSV on standard input."""
    if file == "-":
        source = Source(STANDARD_INPUT, ",", content=sys.stdin.buffer.read())
        with _readable(STANDARD_INPUT):
            return _with_rows(_from_csv(source, wanted, stages), STANDARD_INPUT)
    path, suffix = Path(file), _suffix(file)
    with _readable(file):
        _check(path)
        if suffix in _FORMATS:
            return _with_rows(_from_arrow(file, _FORMATS[suffix], wanted, stages), file)
        source = Source(file, _SEPARATORS[suffix], path=path)
        return _with_rows(_from_csv(source, wanted, stages), file)


def _suffix(file: str) -> str:
    known = [*_SEPARATORS, *_FORMATS]
    for suffix in known:
        if file.lower().endswith(suffix):
            return suffix
    if Path(file).is_dir():
        _check(Path(file))
    msg = (
        f"the name of a file must end in one of {', '.join(known)}: found "
        f"{file!r}; rename it, or pass CSV on standard input as '-'."
    )
    raise UsageError(msg)


def _check(path: Path) -> None:
    """Refuse what is no file, or has nothing in it."""
    shown = str(path)
    if path.is_dir():
        msg = f"FILE must be a file: {shown!r} is a folder; pass one file of it."
        raise UsageError(msg)
    if not path.exists():
        msg = f"FILE must exist: there is no {shown!r}; {_near(path)}"
        raise UsageError(msg)
    if not path.stat().st_size:
        msg = f"FILE must not be empty: {shown!r} has no bytes; write it again."
        raise UsageError(msg)


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r} either; check the path."
    names = [each.name for each in folder.iterdir() if each.is_file()]
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {str(folder / near[0])!r}?" if near else "check the path."


@contextmanager
def _readable(shown: str) -> Iterator[None]:
    """One sentence where a file's bytes are not what its name says."""
    try:
        yield
    except UsageError:
        raise
    except UnicodeDecodeError as error:
        msg = f"{shown} must be text in UTF-8: {error}; save it in that encoding."
        raise UsageError(msg) from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = getattr(error, "strerror", None) or _innermost(error)
        msg = f"{shown} cannot be read: {reason}; check what wrote it, and its name."
        raise UsageError(msg) from error


def _innermost(error: Exception) -> str:
    """What a reader says of a file; pyarrow's own sentence stands last."""
    text = str(error).rstrip(". \n")
    arrow = type(error).__module__.startswith("pyarrow")
    return text.rpartition(": ")[2] if arrow else text


def _with_rows(table: Table, shown: str) -> Table:
    if table.frame.empty:
        msg = f"{shown} must have rows: it has names of columns alone; write it again."
        raise UsageError(msg)
    return table


def _from_csv(source: Source, wanted: Wanted, stages: Stages) -> Table:
    columns = find(wanted, header(source), source.shown)
    return Table(read_csv(source, columns.read, columns.text, stages), columns)


def _from_arrow(file: str, kind: str, wanted: Wanted, stages: Stages) -> Table:
    import pyarrow as pa  # noqa: PLC0415 - not needed for CSV
    import pyarrow.dataset as ds  # noqa: PLC0415

    data = ds.dataset(file, format=kind)
    columns = find(wanted, data.schema.names, file)
    stages.start(f"reading {file}", data.count_rows())
    batches = []
    for batch in data.to_batches(columns=columns.read, batch_size=_BATCH):
        batches.append(batch)
        stages.advance(batch.num_rows)
    schema = pa.schema([data.schema.field(name) for name in columns.read])
    frame = pa.Table.from_batches(batches, schema).to_pandas(ignore_metadata=True)
    return Table(frame, columns)


def keyed(table: Table, key: str | None, file: str) -> Table:
    """The rows under their names."""
    if key is None:
        return table
    shown = STANDARD_INPUT if file == "-" else file
    column = table.frame[key]
    if column.isna().any():
        msg = (
            f"--key must name each row: {key!r} is missing in row "
            f"{int(column.isna().to_numpy().argmax())} of {shown}; fill it."
        )
        raise UsageError(msg)
    twice = column.duplicated()
    if twice.any():
        value = column[twice].tolist()[0]
        msg = (
            f"--key must name each row once: {value!r} occurs twice in column {key!r} "
            f"of {shown}; choose a column without repeats."
        )
        raise UsageError(msg)
    return table._replace(frame=table.frame.set_index(key, drop=False))
