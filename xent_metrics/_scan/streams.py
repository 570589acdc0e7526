"""Files that are read from their start: CSV, JSON Lines, and Arrow IPC."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import pandas as pd

from .._inputs.columns import unknown_column
from .addresses import redacted
from .formats import Format, is_packed
from .keys import check_key
from .paths import UnreadableError, unreadable

_MISSING_NUMBERS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>"]
_NO_NUMBERS = {"nan", "inf", "-inf"}
# Not a power of two: the allocator of pyarrow clears blocks of such a size each time.
_VALUES_AT_ONCE = 3_000_000
_LEAST_ROWS = 1024
_LINES_AT_ONCE = 1 << 16
_OF_FILES = b"ARROW1"

Reader = Callable[[str], float]
"""How texts that are numbers are read."""


class Stream(NamedTuple):
    """A file of rows that are read one after the other.

    ``keys`` are the values that its folders give to columns, as scalars of Arrow.
    ``content`` is what is read where it is no file, ``watch`` a wrapper of that for
    somebody who waits, given how many bytes there are, where this is known.
    """

    path: str
    format: Format
    filesystem: Any = None
    keys: Mapping[str, Any] = {}
    content: bytes | None = None
    watch: Callable[[BinaryIO, int | None], BinaryIO] | None = None

    @property
    def shown(self) -> str:
        """Its name in messages."""
        return redacted(self.path)

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Its bytes, unpacked; what is wrong with them is told as of this file."""
        try:
            with self._raw() as raw:
                packed = is_packed(self.path)
                yield gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[misc]
        except UnreadableError:
            raise
        except UnicodeDecodeError as error:
            raise unreadable(
                self.path, f"it must be text in UTF-8, and {error}"
            ) from None
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise unreadable(self.path, reason) from None

    def _raw(self) -> BinaryIO:
        raw: BinaryIO
        if self.content is not None:
            raw, size = io.BytesIO(self.content), len(self.content)
        elif self.format.kind == "arrow":
            raw = self.filesystem.open_input_file(self.path)
            size = None
        else:
            raw = self.filesystem.open_input_stream(self.path, compression=None)
            size = None
        if self.watch is None:
            return raw
        if size is None:
            size = self.filesystem.get_file_info(self.path).size
        return self.watch(raw, size)


class StreamTask(NamedTuple):
    """A file, to be read from its start.

    ``needed`` are the columns that it must have, or its folder say. ``readers`` are
    the columns of CSV that hold texts, and how these are read where all are numbers.
    ``fields`` are those of JSON, with their types.
    """

    stream: Stream
    columns: tuple[str, ...]
    needed: tuple[str, ...]
    readers: Mapping[str, Reader | None] = {}
    fields: Any = None
    n_rows: int | None = None

    @property
    def pieces(self) -> tuple[None]:
        """What is read as one."""
        return (None,)

    @property
    def file(self) -> tuple[Any, str]:
        """The file system and the path there."""
        return self.stream.filesystem, self.stream.path

    def place(self, piece: int | None) -> str:  # noqa: ARG002 - as of row groups
        """The name for messages."""
        return self.stream.shown

    def tables(self, *pieces: int | None) -> Iterator[Any]:  # noqa: ARG002 - as above
        """Frames of pandas or tables of Arrow, so that few rows are in memory."""
        rows = rows_at_once(self.columns)
        if self.stream.format.kind == "csv":
            for frame in self._of_csv(rows):
                yield self._keyed(frame)
            return
        read = self._of_json if self.stream.format.kind == "json" else self._of_arrow
        for table in read(rows):
            yield self._keyed_table(table)

    def _of_csv(self, rows: int) -> Iterator[pd.DataFrame]:
        names = header(self.stream)
        self._check(names)
        for frame in _frames(self.stream, names, self.readers, chunksize=rows):
            for name in self.readers.keys() & set(names):
                frame[name] = as_numbers(frame[name], self.readers[name])
            yield frame[[name for name in self.columns if name in names]]

    def _of_json(self, rows: int) -> Iterator[Any]:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

        self._check(self.fields.names)
        fields = [one for one in self.fields if one.name in self.columns]
        for _, batch in _objects(self.stream, rows):
            arrays = [
                pa.array([row.get(one.name) for row in batch], one.type)
                for one in fields
            ]
            yield pa.Table.from_arrays(arrays, schema=pa.schema(fields))

    def _of_arrow(self, rows: int) -> Iterator[Any]:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

        with _ipc(self.stream) as (schema, batches):
            self._check(schema.names)
            held = [name for name in self.columns if name in schema.names]
            for batch in batches:
                found = pa.Table.from_batches([batch.select(held)])
                found.validate(full=True)
                for start in range(0, len(found), rows):
                    yield found.slice(start, rows)

    def _check(self, own: Sequence[str]) -> None:
        """Refuse a file that lacks a column: all its values would be missing."""
        known = [*own, *self.stream.keys]
        for name in self.needed:
            if name not in known:
                what = "a column of the file, nor a key of its folder"
                raise unknown_column(known, name, what)

    def _keyed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """With the columns that folders say, or that are not there."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

        for name in self.columns:
            key = self.stream.keys.get(name)
            if name not in frame:
                value = None if key is None else key.as_py()
                kind = np.int64 if isinstance(value, int) else object
                values = np.full(len(frame), value, dtype=kind)
                frame = frame.assign(**{name: values})
            elif key is not None:
                column = pa.chunked_array([pa.Array.from_pandas(frame[name])])
                check_key(name, column, key.as_py())
        return frame[list(self.columns)]

    def _keyed_table(self, table: Any) -> Any:
        """The same of a table of Arrow."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

        for name in self.columns:
            key = self.stream.keys.get(name)
            if name not in table.column_names:
                value = pa.scalar(None, pa.string()) if key is None else key
                table = table.append_column(name, pa.repeat(value, len(table)))
            elif key is not None:
                check_key(name, table[name], key.as_py())
        return table.select(list(self.columns))


def rows_at_once(columns: Sequence[str]) -> int:
    """How many rows are in memory at once."""
    return max(_VALUES_AT_ONCE // len(columns), _LEAST_ROWS)


def header(stream: Stream) -> list[str]:
    """The names of the columns of CSV or Arrow, as they are written."""
    if stream.format.kind == "arrow":
        with _ipc(stream) as (schema, _):
            return list(schema.names)
    with stream._replace(watch=None).opened() as file:
        try:
            first = pd.read_csv(
                file,
                sep=stream.format.separator,
                header=None,
                nrows=1,
                dtype=str,
                keep_default_na=False,
            )
        except pd.errors.EmptyDataError:
            raise unreadable(stream.path, "it has no text") from None
    return [str(name) for name in first.iloc[0]]


def texts_of(stream: Stream, names: Iterable[str]) -> dict[str, set[str]]:
    """The different texts in columns of CSV, as far as these can be read."""
    found: dict[str, set[str]] = {name: set() for name in names}
    own = header(stream)
    held = dict.fromkeys(name for name in found if name in own)
    options = {"chunksize": _LINES_AT_ONCE, "usecols": list(held)}
    for frame in _frames(stream, own, held, **options) if held else ():
        for name in held:
            found[name].update(frame[name].dropna().unique().tolist())
    return found


def _frames(
    stream: Stream, names: list[str], text: Iterable[str], **options: Any
) -> Iterator[pd.DataFrame]:
    """Frames of CSV; the columns of ``text`` hold texts, the others numbers."""
    text = set(text)
    missing = {name: [""] if name in text else _MISSING_NUMBERS for name in names}
    with stream.opened() as file, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            yield from pd.read_csv(
                file,
                sep=stream.format.separator,
                names=names,
                header=0,
                index_col=False,
                dtype=dict.fromkeys(text.intersection(names), str),
                keep_default_na=False,
                na_values=missing,
                low_memory=False,
                **options,
            )
        except pd.errors.ParserWarning:
            msg = (
                f"{stream.shown} must have one field per column in every row: rows "
                "have more fields than the first line has names; name every column."
            )
            raise ValueError(msg) from None
        except pd.errors.ParserError as error:
            raise unreadable(stream.path, _last(error)) from None


def as_written(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers where all texts are numbers as Python writes them; else the texts."""
    return as_numbers(column, reader_of(map(str, column.dropna().unique())))


def as_numbers(column: pd.Series[Any], reader: Reader | None) -> pd.Series[Any]:
    """The numbers that texts are; without a reader the texts."""
    if reader is None:
        return column
    codes, distinct = pd.factorize(column)
    numbers = np.array([reader(str(text)) for text in distinct] or [reader("0")])
    absent = codes < 0
    values = pd.Series(numbers[np.maximum(codes, 0)], index=column.index)
    if not absent.any():
        return values
    if numbers.dtype.kind == "i":
        return values.astype("Int64").mask(absent)
    return values.mask(absent)


def reader_of(texts: Iterable[str]) -> Reader | None:
    """What reads these texts, if all are numbers as Python writes them."""
    known = list(texts)
    readers: tuple[Reader, ...] = (int, float)
    for reader in readers:
        try:
            numbers = [reader(text) for text in known]
        except ValueError:
            continue
        same = all(str(n) == text for n, text in zip(numbers, known, strict=True))
        if same and not _NO_NUMBERS & set(known):
            array = np.array(numbers)
            return reader if array.dtype.kind in "if" and array.size else None
    return None


def fields_of(stream: Stream) -> Any:
    """The fields of the objects of a file of JSON, in order, and their types."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    names: dict[str, None] = {}
    schema = pa.schema([])
    for line, batch in _objects(stream._replace(watch=None), _LINES_AT_ONCE):
        for row in batch:
            if not row.keys() <= names.keys():
                names.update(dict.fromkeys(row))
        fields = [
            pa.field(name, _type_of([row.get(name) for row in batch], name, line))
            for name in names
        ]
        schema = one_schema([schema, pa.schema(fields)])
    return schema


def one_schema(schemas: Sequence[Any]) -> Any:
    """A schema that holds the values of several: numbers are joined, texts are not."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    try:
        return pa.unify_schemas(list(schemas), promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        msg = (
            "the values of a field must be of one kind: "
            f"{_last(error)}; write all as numbers, or all as texts."
        )
        raise ValueError(msg) from None


def _type_of(values: list[Any], name: str, line: int) -> Any:
    """The type of values of a field, with nested fields in the order of the file."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    try:
        return _in_order(pa.array(values).type, values)
    except (pa.ArrowException, OverflowError) as error:
        msg = (
            f"the values of a field must be of one kind: {name!r} is not, from line "
            f"{line:,} ({_last(error)}); write all as numbers, or all as texts."
        )
        raise ValueError(msg) from None


def _in_order(kind: Any, values: list[Any]) -> Any:
    """A type whose nested fields are in the order of the file."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    if not pa.types.is_struct(kind):
        return kind
    present = [one for one in values if one is not None]
    names = dict.fromkeys(itertools.chain.from_iterable(present))
    nested = {name: [one.get(name) for one in present] for name in names}
    return pa.struct(
        [(name, _in_order(kind.field(name).type, nested[name])) for name in names]
    )


def _objects(stream: Stream, rows: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Objects of a file of JSON, one in each line, and the number of the first line."""
    with stream.opened() as file:
        lines = enumerate(file if is_packed(stream.path) else _buffered(file), start=1)
        while some := list(itertools.islice(lines, min(rows, _LINES_AT_ONCE))):
            held = [(number, text) for number, text in some if text.strip()]
            if held:
                yield some[0][0], _parsed(held, stream)


def _parsed(lines: list[tuple[int, bytes]], stream: Stream) -> list[dict[str, Any]]:
    """The object of each line: at once, or one by one to say which is none."""
    try:
        found = json.loads(b"[%b]" % b",".join(text for _, text in lines))
    except ValueError:
        found = []
    if len(found) == len(lines) and set(map(type, found)) == {dict}:
        return cast("list[dict[str, Any]]", found)
    return [_object(text, number, stream) for number, text in lines]


def _buffered(file: BinaryIO) -> BinaryIO:
    """A file that can be read line by line."""
    return io.BufferedReader(cast("io.RawIOBase", file))


def _object(text: bytes, number: int, stream: Stream) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise unreadable(stream.path, f"line {number:,} is not JSON, {error}") from None
    if not isinstance(found, dict):
        why = (
            f"line {number:,} holds no object, and each line must hold one, as "
            "df.to_json(orient='records', lines=True) writes them"
        )
        raise unreadable(stream.path, why)
    return found


@contextmanager
def _ipc(stream: Stream) -> Iterator[tuple[Any, Iterator[Any]]]:
    """The schema and the batches of Arrow IPC, a file or a stream."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    from pyarrow import ipc  # noqa: PLC0415 - heavy, and an extra

    with stream._replace(watch=None).opened() as raw:
        is_file = raw.read(len(_OF_FILES)) == _OF_FILES
        raw.seek(0)
        try:
            if is_file:
                found = ipc.open_file(raw)
                batches = map(found.get_batch, range(found.num_record_batches))
            else:
                found = ipc.open_stream(raw)
                batches = iter(found)
            yield found.schema, batches
        except pa.ArrowException as error:
            raise unreadable(stream.path, error) from None


def _last(error: Exception) -> str:
    """What a reader says itself; its own sentence stands last, then its advice."""
    return str(error).rstrip(". \n").rpartition(": ")[2].partition(". ")[0]
