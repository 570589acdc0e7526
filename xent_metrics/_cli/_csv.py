"""CSV without guesses: labels stay as they were written.

A reader that guesses turns the label 01 into 1, and NA into a missing value. So the
columns that hold labels, groups or keys are read as text, where only an empty cell is
missing. They become numbers only where every one of them would be written back as it
was, so that 2 and 10 are sorted as numbers.
"""

from __future__ import annotations

import gzip
import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import pandas as pd

from ._progress import Stages
from ._usage import UsageError

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
                f"{source.shown} must have one field a column in every row: rows have "
                "more fields than the first line has names; name every column."
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
