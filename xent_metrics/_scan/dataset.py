"""Files and datasets of pyarrow as tasks."""

from __future__ import annotations

import copy
import functools
import operator
import os
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .._inputs.columns import choose, unknown_column
from .._recalibration.select import enough_rows
from .addresses import redacted
from .formats import JSON, PARQUET, one_format
from .keys import check_key
from .paths import (
    Files,
    UnreadableError,
    are_whole_numbers,
    files_of,
    folder_keys,
    identity,
    unreadable,
)
from .reading import Reading
from .streams import Stream, StreamTask, fields_of, header, one_schema, rows_at_once

_AHEAD = 1 << 18  # bytes of a column that are read at once
_ROWS_A_TASK = 1 << 20


class Opened(NamedTuple):
    """Files or batches whose columns are known.

    ``data`` is a dataset of pyarrow, where they are Parquet or were one; ``streams``
    are other files, those of JSON with their ``fields``. ``lost`` is what cannot be
    opened, of a list or with ``skip``.
    """

    names: list[str]
    data: Any
    streams: list[Stream]
    fields: Any
    lost: list[UnreadableError]

    @property
    def is_csv(self) -> bool:
        """Whether columns hold texts, whose types are to be found."""
        return bool(self.streams) and self.streams[0].format.kind == "csv"


def open_dataset(dataset: Any, *, skip: bool = False) -> Opened:
    """A pyarrow dataset as it is, or that of a path or of several.

    With ``skip``, files that are missing or corrupt are left out.
    """
    try:
        import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra
    except ImportError:
        msg = (
            "scan needs pyarrow: it is not installed; pip install "
            "'xent-metrics[arrow]'."
        )
        raise ImportError(msg) from None
    if isinstance(dataset, ds.Dataset):
        return Opened(list(dataset.schema.names), dataset, [], None, [])
    return open_files(files_of(_names(dataset), skip=skip), skip=skip)


def open_files(files: Files, *, skip: bool = False) -> Opened:
    """Files of one format."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    if files.lost and not skip:
        raise files.lost[0]
    if not files.paths:
        raise files.lost[0]
    if one_format(files.paths) != PARQUET:
        return _streamed(files, skip=skip)
    schema = _schema_of(files, skip=skip)
    schema, partitions = _keyed(files, schema)
    opened = ds.FileSystemDataset.from_paths(
        files.paths,
        schema=schema,
        format=ds.ParquetFileFormat(),
        filesystem=files.filesystem,
        partitions=partitions,
    )
    return Opened(list(schema.names), opened, [], None, files.lost)


def open_streams(streams: Sequence[Stream], *, skip: bool = False) -> Opened:
    """Files that are read from their start; of JSON the fields are looked for first."""
    lost: list[UnreadableError] = []
    held: list[Stream] = []
    found: list[Any] = []
    of_json = streams[0].format == JSON
    for stream in streams:
        try:
            if of_json:
                found.append(fields_of(stream))
            elif not held:
                found.append(header(stream))
        except UnreadableError as error:
            if not skip:
                raise
            lost.append(error)
            continue
        held.append(stream)
    if not held:
        raise lost[0]
    fields = one_schema(found) if of_json else None
    names = list(found[0]) if fields is None else list(fields.names)
    said = dict.fromkeys(name for stream in held for name in stream.keys)
    names += [name for name in said if name not in names]
    return Opened(names, None, held, fields, lost)


def _streamed(files: Files, *, skip: bool) -> Opened:
    """Files that are no Parquet, with what their folders say."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    format_ = one_format(files.paths)
    plain = [Stream(path, format_, files.filesystem) for path in files.paths]
    said = list(folder_keys(files))
    if any(said):
        own = set(open_streams(plain[:1], skip=skip).names)
        types = _types_of_keys(said, own)
        plain = [
            stream._replace(
                keys={
                    name: pa.scalar(_typed(key, types[name]), types[name])
                    for name, key in keys.items()
                }
            )
            for stream, keys in zip(plain, said, strict=True)
        ]
    opened = open_streams(plain, skip=skip)
    return opened._replace(lost=[*files.lost, *opened.lost])


def _names(dataset: Any) -> list[str]:
    """The paths that were passed, as texts."""
    several = isinstance(dataset, (list, tuple))
    paths = dataset if several else [dataset]
    wrong = [one for one in paths if not isinstance(one, (str, os.PathLike))]
    if paths and not wrong:
        return [os.fsdecode(one) for one in paths]
    found = type(dataset).__name__
    if several:
        found += f" with {type(wrong[0]).__name__}" if wrong else " without paths"
    msg = (
        "dataset must be a path, a list of files, a frame of polars, or a pyarrow "
        f"dataset: found {found}; pass a path, or call "
        "Evaluation.from_frame for a frame."
    )
    raise TypeError(msg)


def _schema_of(files: Files, *, skip: bool) -> Any:
    """The columns of the first file; with ``skip``, of the first that has a footer."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    lost = files.lost
    for path in files.paths:
        try:
            return ds.ParquetFileFormat().inspect(path, files.filesystem)
        except (OSError, pa.ArrowException) as error:
            lost = [*lost, unreadable(path, error)]
            if not skip:
                break
    raise lost[0]


def _keyed(files: Files, schema: Any) -> tuple[Any, list[Any]]:
    """The schema with the columns that folders give, and what they give each file."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    keys = list(folder_keys(files))
    own = set(schema.names)
    types = _types_of_keys(keys, own)
    for name, type_ in types.items():
        if name not in own:
            schema = schema.append(pa.field(name, type_))

    def expression(name: str, value: str | None) -> Any:
        if value is None:
            return ds.field(name).is_null()
        return ds.field(name) == pa.scalar(_typed(value, types[name]))

    partitions = []
    for one in keys:
        said = [expression(name, value) for name, value in one.items()]
        partitions.append(functools.reduce(operator.and_, said, ds.scalar(True)))
    return schema, partitions


def _types_of_keys(keys: list[dict[str, str | None]], own: set[str]) -> dict[str, Any]:
    """The types of what folders say, beside the columns that files have themselves.

    They are whole numbers only where all are written as such, so that ``site=01`` and
    ``site=1`` stay apart.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    types = {}
    for name in dict.fromkeys(name for one in keys for name in one):
        numbers = are_whole_numbers(one[name] for one in keys if name in one)
        types[name] = pa.int32() if numbers and name not in own else pa.string()
    return types


def _typed(value: str | None, type_: Any) -> Any:
    """What a folder says, as a number where all are."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    return value if value is None or type_ == pa.string() else int(value)


class Task(NamedTuple):
    """Some row groups of a file (all, where ``groups`` is None), to be read in turn.

    ``needed`` are the columns that the file must have, or its folder say. ``n_rows`` is
    how many rows there are, where the file says so.
    """

    fragment: Any
    groups: tuple[int, ...] | None
    schema: Any
    columns: tuple[str, ...]
    needed: tuple[str, ...]
    n_rows: int | None = None

    @property
    def pieces(self) -> tuple[int | None, ...]:
        """What is read as one: row groups, or a whole file."""
        return (None,) if self.groups is None else self.groups

    @property
    def file(self) -> tuple[Any, str]:
        """The file system and the path there, where it is a file."""
        fragment = self.fragment
        return getattr(fragment, "filesystem", None), getattr(fragment, "path", "")

    def place(self, piece: int | None) -> str:
        """The name of a piece for messages."""
        path = redacted(getattr(self.fragment, "path", "the table"))
        return path if piece is None else f"{path}, row group {piece}"

    def tables(self, *pieces: int | None) -> Iterator[Any]:
        """Tables of pieces, one after the other, so that few are in memory."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

        fragment, schema, columns = self.fragment, self.schema, self.columns
        rows = rows_at_once(columns)
        try:
            _check_columns(fragment, self.needed)
            if self.groups is not None and _streams(fragment):
                for table in _tables_of(fragment, pieces, schema, columns, rows):
                    table.validate(full=True)  # that texts can be decoded
                    yield table
                return
            options = None
            if self.groups is not None:
                fragment = fragment.subset(row_group_ids=list(pieces))
                options = _verifying(fragment.format.default_fragment_scan_options)
            for batch in fragment.to_batches(
                schema=schema,
                columns=list(columns),
                batch_size=rows,
                batch_readahead=1,
                fragment_readahead=1,
                fragment_scan_options=options,
                use_threads=False,
            ):
                if batch.num_rows:
                    batch.validate(full=True)
                    yield pa.Table.from_batches([batch])
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self.place(pieces[0]), error) from None


def tasks_of(
    opened: Opened, columns: tuple[str, ...], needed: tuple[str, ...]
) -> tuple[list[Task | StreamTask], list[UnreadableError]]:
    """The tasks, in the order of the data; and what cannot be read."""
    tasks: list[Task | StreamTask]
    if opened.data is None:
        tasks, lost = [], opened.lost
        for stream in opened.streams:
            task = StreamTask(stream, columns, needed, fields=opened.fields)
            tasks.append(task)
    else:
        tasks, lost = _of_dataset(opened.data, columns, needed)
        lost = [*opened.lost, *lost]
    _refuse_repeats(tasks)
    return tasks, lost


def _of_dataset(
    dataset: Any, columns: tuple[str, ...], needed: tuple[str, ...]
) -> tuple[list[Task | StreamTask], list[UnreadableError]]:
    """The tasks of a dataset of pyarrow."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    tasks: list[Task | StreamTask] = []
    lost: list[UnreadableError] = []
    for fragment in _fragments(dataset):
        if not isinstance(fragment, ds.ParquetFileFragment):
            tasks.append(Task(fragment, None, dataset.schema, columns, needed))
            continue
        try:
            groups = [(one.id, one.num_rows) for one in fragment.row_groups]
        except (OSError, pa.ArrowException) as error:
            lost.append(unreadable(fragment.path, error))
            continue
        tasks += [
            Task(fragment, some, dataset.schema, columns, needed, n_rows)
            for some, n_rows in _together(groups)
        ]
    return tasks, lost


def _fragments(dataset: Any) -> list[Any]:
    """The files of a dataset, or the batches of one in memory."""
    kind = type(dataset).__name__
    try:
        fragments = list(dataset.get_fragments())
    except ValueError:
        msg = (
            "dataset must have no filter, as its files are read one by one: found a "
            f"filtered {kind}; write what the filter keeps with "
            "pyarrow.dataset.write_dataset, and pass that folder."
        )
        raise ValueError(msg) from None
    if not fragments:
        msg = (
            f"dataset must hold rows: there are no files or batches in the {kind}; "
            "check its path."
        )
        raise ValueError(msg)
    return fragments


def _refuse_repeats(tasks: Sequence[Task | StreamTask]) -> None:
    """Refuse local files whose rows would count twice."""
    import pyarrow.fs as pafs  # noqa: PLC0415 - heavy, and an extra

    seen: dict[Any, str] = {}
    for task in tasks:
        filesystem, path = task.file
        if not isinstance(filesystem, pafs.LocalFileSystem):
            continue
        try:
            file = identity(path)
        except OSError:
            continue  # it is gone since, which reading it will tell
        for piece in task.pieces:
            if (file, piece) in seen:
                before = seen[file, piece]
                also = "" if before == path else f", also as {before}"
                msg = (
                    f"dataset must hold each file once: {path} occurs twice{also}; "
                    "leave one of them out."
                )
                raise ValueError(msg)
            seen[file, piece] = path


def share_kept(tasks: Sequence[Task | StreamTask], reading: Reading) -> float:
    """The share of the rows that a sample needs: of twice as many as it has.

    All where it is not known how many rows count.
    """
    rows = [task.n_rows for task in tasks]
    n_rows = sum(n for n in rows if n is not None)
    counted = reading.options.on_missing == "raise"
    counted &= reading.options.sample_weight is None
    if None in rows or reading.labels is None or not counted or not n_rows:
        return 1.0
    return min(2.0 * enough_rows(len(reading.labels)) / n_rows, 1.0)


class Chosen(NamedTuple):
    """Columns that are read, in the order of the data, and those each file needs.

    ``texts`` are those that hold labels or keys, not numbers.
    """

    read: tuple[str, ...]
    needed: tuple[str, ...]
    texts: tuple[str, ...]


def columns_read(opened: Opened, reading: Reading) -> Chosen:
    """The columns of a scan.

    Of a file without a column of keys all keys are missing, unless folders say them.
    """
    return columns_of(opened.names, _said_by_folders(opened), reading)


def columns_of(names: Sequence[str], said: set[str], reading: Reading) -> Chosen:
    """The same of columns with these names, of which folders say some."""
    weight = reading.options.sample_weight
    named = () if weight is None else (weight,)
    y_true = choose(names, reading.target, "target", taken=named)
    y_proba = choose(names, reading.proba, "proba", taken=[*y_true.names, *named])
    keys = choose(names, list(reading.by), "by").names if reading.by else ()
    weights = choose(names, list(named), "sample_weight").names if named else ()
    needed = {*y_true.names, *y_proba.names, *weights, *said.intersection(keys)}
    read = tuple(name for name in names if name in needed.union(keys))
    labels = y_true.classes is None or reading.options.target_type == "annotators"
    return Chosen(
        read=read,
        needed=tuple(name for name in read if name in needed),
        texts=tuple(dict.fromkeys([*keys, *(y_true.names if labels else ())])),
    )


def _said_by_folders(opened: Opened) -> set[str]:
    """The columns that folders say."""
    if opened.data is None:
        return {name for stream in opened.streams for name in stream.keys}
    fragments = _fragments(opened.data)
    return {name for one in fragments for name in _said_by_folder(one)}


def _together(groups: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, ...], int]]:
    """Consecutive row groups of about a million rows: a task of a few would be dear."""
    held: list[int] = []
    n = 0
    for group, n_rows in groups:
        if held and n + n_rows > _ROWS_A_TASK:
            yield tuple(held), n
            held, n = [], 0
        held.append(group)
        n += n_rows
    if held:
        yield tuple(held), n


def _streams(fragment: Any) -> bool:
    """Whether it is plain Parquet: not where a dataset has options of its own."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    return bool(fragment.format == ds.ParquetFileFormat())


def _verifying(options: Any) -> Any:
    """The same options of a dataset, with checksums of pages verified."""
    found = copy.copy(options)
    found.page_checksum_verification = True
    for name in ("decryption_properties", "parquet_decryption_config"):
        given = getattr(options, name, None)
        if given is not None:  # a copy has lost it
            setattr(found, name, given)
    return found


def _tables_of(
    fragment: Any,
    groups: Sequence[int | None],
    schema: Any,
    columns: tuple[str, ...],
    rows: int,
) -> Iterator[Any]:
    """Tables of at most so many rows, with the types that the dataset gives them."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and an extra

    keys = _said_by_folder(fragment)
    types = {name: schema.field(name).type for name in columns}
    with pq.ParquetFile(
        fragment.path,
        filesystem=fragment.filesystem,
        metadata=fragment.metadata,
        buffer_size=_AHEAD,
        pre_buffer=False,
        page_checksum_verification=True,
    ) as file:
        own = set(file.schema_arrow.names)
        held = [name for name in columns if name in own]
        # The memory of a batch is let go just before the next but one takes it: what is
        # free for long goes back to the system, and costs more to get again.
        before: deque[Any] = deque(maxlen=1)
        for batch in file.iter_batches(
            rows, row_groups=list(groups), columns=held, use_threads=False
        ):
            found = []
            for name, type_ in types.items():
                if name in own:
                    column = batch.column(name)
                    if name in keys:
                        check_key(name, column, keys[name])
                    # Single precision stays so: the tolerance of sums goes by it.
                    single = pa.types.is_float32(column.type)
                    same = column.type == type_
                    same |= single and pa.types.is_floating(type_)
                    found.append(column if same else column.cast(type_))
                else:
                    value = _scalar(keys.get(name), type_)
                    found.append(pa.repeat(value, batch.num_rows))
            yield pa.Table.from_arrays(found, names=list(columns))
            before.append(batch)


def _said_by_folder(fragment: Any) -> dict[str, Any]:
    """Columns of a file that its folder says, and their values."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    return dict(ds.get_partition_keys(fragment.partition_expression))


def _check_columns(fragment: Any, needed: tuple[str, ...]) -> None:
    """Refuse a file that lacks a column: all its values would be missing."""
    known = [*fragment.physical_schema.names, *_said_by_folder(fragment)]
    for name in needed:
        if name not in known:
            what = "a column of the file, nor a key of its folder"
            raise unknown_column(known, name, what)


def _scalar(value: Any, type_: Any) -> Any:
    """What a folder says as a value of a column's type."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    if isinstance(value, str) and not pa.types.is_dictionary(type_):
        return pa.scalar(value).cast(type_)
    return pa.scalar(value, type_)
