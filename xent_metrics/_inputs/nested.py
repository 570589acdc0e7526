"""Columns whose values are rows: lists, arrays, or fields by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_TWO = 2  # rows and columns


class Single(NamedTuple):
    """How the one column of two classes was meant.

    ``name`` is what it is called; ``of_class``, in a tuple, the class that a user says
    it is of, as such or as text; ``option`` the argument to mend.
    """

    name: Any = None
    of_class: tuple[Any, ...] = ()
    option: str = "y_proba"


class Columns(NamedTuple):
    """An (N, K) array or K arrays of N values, and the columns' names if any.

    ``eps`` is the precision that the values had, where it is not that of their type;
    ``single`` says how one column of two classes was meant.
    """

    source: NDArray[Any] | tuple[NDArray[Any], ...]
    names: tuple[Any, ...] | None
    eps: float | None = None
    single: Single | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and of columns."""
        if isinstance(self.source, tuple):
            return (len(self.source[0]) if self.source else 0, len(self.source))
        return self.source.shape

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """The columns, one by one."""
        return self.source if isinstance(self.source, tuple) else tuple(self.source.T)

    def rows(self, kept: Any) -> Columns:
        """Some of the rows."""
        if isinstance(self.source, tuple):
            return self._replace(source=tuple(column[kept] for column in self.source))
        return self._replace(source=self.source[kept])

    def missing(self) -> NDArray[np.bool_]:
        """The rows that miss a value."""
        absent: NDArray[np.bool_] = np.logical_or.reduce(
            [np.asarray(pd.isna(column), dtype=np.bool_) for column in self.columns]
        )
        return absent


def spread(values: Sequence[Any], name: str, *, tuples: bool) -> Any:
    """The rows that values hold as columns or a frame; None where each is one value.

    Tuples are labels unless they are said to be rows.
    """
    first = next((one for one in values if not is_absent(one)), None)
    if isinstance(first, Mapping):
        return _by_field(values, tuple(first), name)
    if not is_row(first) or (isinstance(first, tuple) and not tuples):
        return None
    rows = [None if is_absent(one) else _as_list(one, name) for one in values]
    if any(isinstance(one, str) for row in rows for one in row or ()):
        return _of_annotators(rows)
    return _of_numbers(rows, getattr(first, "dtype", None), name)


def is_absent(value: Any) -> bool:
    """Whether a value of an object column is missing."""
    if value is None or value is pd.NA:
        return True
    return isinstance(value, float) and math.isnan(value)


def is_row(value: Any) -> bool:
    """Whether a value is several: a list, an array, a column."""
    if isinstance(value, (list, tuple)):
        return True
    return getattr(value, "ndim", 0) == 1 or type(value).__name__ == "Series"


def _as_list(value: Any, name: str) -> list[Any]:
    if is_row(value):
        values: list[Any] = value.tolist() if hasattr(value, "tolist") else list(value)
        return values
    msg = (
        f"{name} must hold a row in every value, as it does in some: found {value!r}; "
        "pass one list per row."
    )
    raise ValueError(msg)


def _of_annotators(rows: list[list[Any] | None]) -> Columns:
    """Labels of annotators, of whom some may say nothing."""
    width = max(len(row) for row in rows if row is not None)
    table = np.full((len(rows), width), None, dtype=object)
    for place, row in enumerate(rows):
        table[place, : len(row or ())] = row or ()
    return Columns(tuple(table.T), None)


def _of_numbers(
    rows: list[list[Any] | None], dtype: np.dtype[Any] | None, name: str
) -> Columns:
    """Rows of numbers, in single precision if that is what they had."""
    place = next(place for place, row in enumerate(rows) if row is not None)
    width = len(rows[place] or ())
    for other, row in enumerate(rows):
        if row is not None and len(row) != width:
            msg = (
                f"{name} must have rows of one length: row {other} has {len(row)} "
                f"values, row {place} has {width}; pass one value per class in every "
                "row."
            )
            raise ValueError(msg)
    filled = [[np.nan] * width if row is None else row for row in rows]
    try:
        table = np.asarray(filled)
        if table.dtype.kind not in "fiub" or table.ndim != _TWO:
            table = np.asarray(filled, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.ndim != _TWO:
        msg = (
            f"{name} must hold one number per class in each row: found "
            f"{rows[place]!r}; pass flat rows of numbers."
        )
        raise ValueError(msg)
    if isinstance(dtype, np.dtype) and {dtype.kind, table.dtype.kind} == {"f"}:
        table = table.astype(dtype, copy=False)
    return Columns(table, None)


def _by_field(values: Sequence[Any], names: tuple[Any, ...], name: str) -> pd.DataFrame:
    """Rows that name their columns as a frame."""
    for row, value in enumerate(values):
        if not is_absent(value) and (
            not isinstance(value, Mapping) or set(value) != set(names)
        ):
            msg = (
                f"{name} must have the same fields in every row: row {row} is "
                f"{value!r}, the first has {', '.join(map(repr, names))}; pass one "
                "value per class in every row."
            )
            raise ValueError(msg)
    columns = [
        [None if is_absent(value) else value[field] for value in values]
        for field in names
    ]
    frame = pd.DataFrame(dict(enumerate(columns)))
    # Of objects, as whole numbers in order would be no names.
    frame.columns = pd.Index(names, dtype=object, tupleize_cols=False)
    return frame
