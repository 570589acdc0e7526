"""Files as frames: CSV, Parquet and Feather."""

from __future__ import annotations

import difflib
import gzip
import io
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import pandas as pd

from .._inputs.arrow import readable
from .columns import Columns, Wanted, find
from .errors import UsageError
from .terminal import Stages

_MISSING_NUMBERS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>"]
_NO_NUMBERS = {"nan", "inf", "-inf"}


class Source(NamedTuple):
    """Where the text is: a file, or what came on standard input."""

    shown: str
    separator: str
    path: Path | None = None
    content: bytes = b""

    def open(self) -> BinaryIO:
        """The bytes, from the start."""
        return io.BytesIO(self.content) if self.path is None else self.path.open("rb")

    @property
    def size(self) -> int:
        """How many bytes there are, before they are unpacked."""
        return len(self.content) if self.path is None else self.path.stat().st_size


def header(source: Source) -> list[str]:
    """The names of the columns, as they are written."""
    with source.open() as raw, _unpacked(source, raw) as file:
        try:
            first = pd.read_csv(
                file,
                sep=source.separator,
                header=None,
                nrows=1,
                dtype=str,
                keep_default_na=False,
            )
        except pd.errors.EmptyDataError:
            msg = f"{source.shown} must not be empty: it has no text; write it again."
            raise UsageError(msg) from None
    return [str(name) for name in first.iloc[0]]


def read_csv(
    source: Source, names: Sequence[str], text: set[str], stages: Stages
) -> pd.DataFrame:
    """The columns of these names; those of ``text`` hold labels, the others numbers."""
    missing = {name: [""] if name in text else _MISSING_NUMBERS for name in names}
    with source.open() as raw, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        counted = stages.counted(raw, f"reading {source.shown}", source.size)
        try:
            with _unpacked(source, counted) as file:
                frame = pd.read_csv(
                    file,
                    sep=source.separator,
                    names=header(source),
                    header=0,
                    index_col=False,
                    dtype=dict.fromkeys(text, str),
                    keep_default_na=False,
                    na_values=missing,
                    low_memory=False,
                )
        except pd.errors.ParserWarning:
            msg = (
                f"{source.shown} must have one field per column in every row: rows "
                "have more fields than the first line has names; name every column."
            )
            raise UsageError(msg) from None
    for name in text:
        frame[name] = as_written(frame[name])
    return frame[list(names)]


def _unpacked(source: Source, raw: BinaryIO) -> BinaryIO:
    if source.path is not None and source.path.name.lower().endswith(".gz"):
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    return raw


def as_written(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers where all texts are numbers as Python writes them; else the texts."""
    codes, distinct = pd.factorize(column)
    numbers = _numbers([str(text) for text in distinct])
    if numbers is None:
        return column
    absent = codes < 0
    values = pd.Series(numbers[np.maximum(codes, 0)], index=column.index)
    if not absent.any():
        return values
    if numbers.dtype.kind == "i":
        return values.astype("Int64").mask(absent)
    return values.mask(absent)


def _numbers(texts: list[str]) -> np.ndarray[Any, np.dtype[Any]] | None:
    readers: tuple[Callable[[str], float], ...] = (int, float)
    for reader in readers:
        try:
            numbers = [reader(text) for text in texts]
        except ValueError:
            continue
        same = all(str(n) == text for n, text in zip(numbers, texts, strict=True))
        if same and not _NO_NUMBERS & set(texts):
            array = np.array(numbers)
            return array if array.dtype.kind in "if" and array.size else None
    return None


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


def read_text(file: str) -> str:
    """The text of a file that is no table, such as a document."""
    path = Path(file)
    with _readable(file):
        _check(path)
        return path.read_text(encoding="utf-8")


def _suffix(file: str) -> str:
    known = [*_SEPARATORS, *_FORMATS]
    if not file:
        msg = "FILE must be the path of a file: it is empty; pass one, or '-'."
        raise UsageError(msg)
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
    """What a reader says of a file; its own sentence stands last, then its advice."""
    text = str(error).rstrip(". \n")
    foreign = type(error).__module__.startswith(("pyarrow", "pandas"))
    return text.rpartition(": ")[2].partition(". ")[0] if foreign else text


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
    read = pa.Table.from_batches(batches, schema)
    table = pa.table(list(map(readable, read.columns)), names=columns.read)
    return Table(table.to_pandas(ignore_metadata=True), columns)


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
