"""A dataset of Parquet files or of pyarrow as tasks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .._inputs.columns import choose
from .._recalibration.select import enough_rows
from .reading import Reading, key_names

_AHEAD = 1 << 18  # bytes of a column that are read at once
_ROWS_A_TASK = 1 << 20
_VALUES_AT_ONCE = 1 << 21
_LEAST_ROWS = 1024


class UnreadableError(OSError):
    """A part of a dataset is missing or corrupt."""


def open_dataset(
    dataset: Any, *, skip: bool = False
) -> tuple[Any, list[UnreadableError]]:
    """A pyarrow dataset as it is, or that of a path or of several.

    With ``skip``, also the files that are left out, where the first is one of them.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
        import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra
    except ImportError:
        msg = (
            "scan needs pyarrow: it is not installed; pip install "
            "'xent-metrics[arrow]'."
        )
        raise ImportError(msg) from None
    if isinstance(dataset, ds.Dataset):
        return dataset, []
    paths = dataset if isinstance(dataset, (list, tuple)) else [dataset]
    if not paths or not all(isinstance(one, (str, os.PathLike)) for one in paths):
        msg = (
            "dataset must be the path of a Parquet file or folder, a list of files, or "
            f"a pyarrow dataset: found {type(dataset).__name__}; pass a path, or call "
            "Evaluation.from_frame for a frame."
        )
        raise TypeError(msg)
    names = [os.fspath(one) for one in paths]
    source = names if len(names) > 1 else names[0]
    try:
        return ds.dataset(source, partitioning="hive"), []
    except FileNotFoundError:
        msg = f"dataset must exist: there is no {names}; check the path."
        raise FileNotFoundError(msg) from None
    except (OSError, pa.ArrowInvalid) as error:
        found = _readable(source, error) if skip else None
        if found is None:
            raise UnreadableError(_unreadable(", ".join(names), error)) from None
        return found


class Task(NamedTuple):
    """Some row groups of a file (all, where ``groups`` is None), to be read in turn.

    ``n_rows`` is how many rows they have, where the file says so.
    """

    fragment: Any
    groups: tuple[int, ...] | None
    schema: Any
    columns: tuple[str, ...]
    n_rows: int | None = None

    @property
    def pieces(self) -> tuple[int | None, ...]:
        """What is read as one: row groups, or a whole file."""
        return (None,) if self.groups is None else self.groups

    def place(self, piece: int | None) -> str:
        """The name of a piece for messages."""
        path = getattr(self.fragment, "path", "the table")
        return path if piece is None else f"{path}, row group {piece}"

    def tables(self, *pieces: int | None) -> Iterator[Any]:
        """Tables of pieces, one after the other, so that few are in memory."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

        fragment, schema, columns = self.fragment, self.schema, self.columns
        rows = max(_VALUES_AT_ONCE // len(columns), _LEAST_ROWS)
        try:
            if self.groups is not None and _streams(fragment):
                yield from _tables_of(fragment, pieces, schema, columns, rows)
                return
            if self.groups is not None:
                fragment = fragment.subset(row_group_ids=list(pieces))
            for batch in fragment.to_batches(
                schema=schema,
                columns=list(columns),
                batch_size=rows,
                batch_readahead=1,
                fragment_readahead=1,
                use_threads=False,
            ):
                if batch.num_rows:
                    yield pa.Table.from_batches([batch])
        except (OSError, pa.ArrowException) as error:
            raise UnreadableError(_unreadable(self.place(pieces[0]), error)) from None


def tasks_of(
    dataset: Any, reading: Reading
) -> tuple[list[Task], list[UnreadableError]]:
    """The tasks, in the order of the data; and what cannot even be opened."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    columns = _columns_read(dataset.schema.names, reading)
    tasks: list[Task] = []
    lost: list[UnreadableError] = []
    for fragment in dataset.get_fragments():
        if not isinstance(fragment, ds.ParquetFileFragment):
            tasks.append(Task(fragment, None, dataset.schema, columns))
            continue
        try:
            groups = [(one.id, one.num_rows) for one in fragment.row_groups]
        except (OSError, pa.ArrowInvalid) as error:
            lost.append(UnreadableError(_unreadable(fragment.path, error)))
            continue
        tasks += [
            Task(fragment, some, dataset.schema, columns, n_rows)
            for some, n_rows in _together(groups)
        ]
    return tasks, lost


def share_kept(tasks: list[Task], reading: Reading) -> float:
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


def _readable(
    source: Any, error: Exception
) -> tuple[Any, list[UnreadableError]] | None:
    """The dataset of the files that can be opened, and the others; None has none."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    found = ds.dataset(source, partitioning="hive", exclude_invalid_files=True)
    if not found.files:
        return None
    files = [Path(one) for one in source] if isinstance(source, list) else []
    if not files:
        within = (one for one in Path(source).rglob("*") if one.is_file())
        files = [one for one in sorted(within) if one.name[0] not in "._"]
    known = {Path(one).resolve() for one in found.files}
    torn = [one for one in files if one.resolve() not in known]
    return found, [UnreadableError(_unreadable(str(one), error)) for one in torn]


def _columns_read(names: list[str], reading: Reading) -> tuple[str, ...]:
    """The columns that are read, in the order of the data."""
    weight = reading.options.sample_weight
    named = () if weight is None else (weight,)
    y_true = choose(names, reading.target, "target", taken=named)
    y_proba = choose(names, reading.proba, "proba", taken=[*y_true.names, *named])
    keys = choose(names, list(key_names(reading.by)), "by").names if reading.by else ()
    weights = choose(names, list(named), "sample_weight").names if named else ()
    wanted = {*y_true.names, *y_proba.names, *keys, *weights}
    return tuple(name for name in names if name in wanted)


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


def _tables_of(
    fragment: Any,
    groups: Sequence[int | None],
    schema: Any,
    columns: tuple[str, ...],
    rows: int,
) -> Iterator[Any]:
    """Tables of at most so many rows, with the types that the dataset gives them."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and an extra

    keys = ds.get_partition_keys(fragment.partition_expression)
    types = {name: schema.field(name).type for name in columns}
    with pq.ParquetFile(
        fragment.path,
        filesystem=fragment.filesystem,
        metadata=fragment.metadata,
        buffer_size=_AHEAD,
        pre_buffer=False,
    ) as file:
        own = set(file.schema_arrow.names) - keys.keys()
        held = [name for name in columns if name in own]
        for batch in file.iter_batches(
            rows, row_groups=list(groups), columns=held, use_threads=False
        ):
            found = []
            for name, type_ in types.items():
                if name in own:
                    column = batch.column(name)
                    # Single precision stays so: the tolerance of sums goes by it.
                    single = pa.types.is_float32(column.type)
                    is_real = pa.types.is_floating(type_)
                    found.append(column if single and is_real else column.cast(type_))
                else:
                    value = pa.scalar(keys.get(name), type_)
                    found.append(pa.repeat(value, batch.num_rows))
            yield pa.Table.from_arrays(found, names=list(columns))


def _unreadable(place: str, error: Exception) -> str:
    why = " ".join(str(error).split())
    return (
        f"every part of a dataset must be readable: {place} is not ({why}); mend it, "
        "or pass on_bad='skip' to leave it out."
    )
