"""Frames of polars as data that is read in parts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .dataset import columns_of
from .reading import Reading
from .streams import rows_at_once


@contextmanager
def as_dataset(dataset: Any, reading: Reading) -> Iterator[Any]:
    """A frame of polars as a dataset of pyarrow; all else as it is.

    A LazyFrame is computed once, in batches, into a file that is there for as long as
    it is read: passes over the data see the same rows, however many these are.
    """
    root, kind = type(dataset).__module__.partition(".")[0], type(dataset).__name__
    if root != "polars" or kind not in ("DataFrame", "LazyFrame"):
        yield dataset
        return
    import pyarrow.dataset as ds  # noqa: PLC0415 - heavy, and an extra

    if kind == "DataFrame":
        read = columns_of(dataset.columns, set(), reading).read
        yield ds.InMemoryDataset(dataset.select(read).to_arrow())
        return
    names = dataset.collect_schema().names()
    read = columns_of(names, set(), reading).read
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "LazyFrame.parquet"
        _write(dataset.select(read), path, rows_at_once(read))
        yield ds.dataset(path)


def _write(frame: Any, path: Path, n_rows: int) -> None:
    import polars.exceptions as known  # noqa: PLC0415 - such a frame has loaded it

    try:
        frame.sink_parquet(path, row_group_size=n_rows)
    except known.InvalidOperationError as error:
        if "standard engine" not in str(error):  # as older versions say it
            raise
        msg = (
            "a LazyFrame must be one that polars can compute in batches: this version "
            "cannot for this query; install a newer one, or pass frame.collect()."
        )
        raise ValueError(msg) from None
