"""Row groups of a Parquet file, page by page: a dataset would hold all of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

_AHEAD = 1 << 18  # bytes of a column that are read at once


def streams(fragment: Any) -> bool:
    """Whether it can be read so: not where a dataset has options of its own."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    return bool(fragment.format == ds.ParquetFileFormat())


def tables_of(
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
