"""The columns of a frame that are read, and which of its rows have them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from ._frames import as_frame
from ._kernels.table import BoolArray
from ._labels import Column, as_column
from ._selection import unknown_column
from ._targets import Targets
from ._weights import NoRowsError

FrameTargets: TypeAlias = Targets | Literal["annotators"]
OnMissing = Literal["raise", "drop"]


class FrameTable:
    """A frame's columns by name."""

    def __init__(self, frame: Any) -> None:
        self._frame = as_frame(frame)
        if self._frame is None:
            msg = (
                "frame must be a DataFrame of pandas or polars, or a table of pyarrow: "
                f"found {type(frame).__name__}; collect or convert it."
            )
            raise TypeError(msg)
        if not len(self._frame):
            msg = "the frame must not be empty: it has no rows; pass at least one."
            raise ValueError(msg)
        pandas = isinstance(self._frame, pd.DataFrame)
        self.columns: Sequence[Any] = self._frame.columns
        self.index: pd.Index[Any] | None = self._frame.index if pandas else None

    def column(self, name: Any) -> Column:
        """The column of that name, without a copy where numpy knows its type."""
        if name not in self.columns:
            raise unknown_column(self.columns, name)
        column = self._frame[name]
        if isinstance(column, pd.DataFrame):
            msg = (
                f"names of columns must be distinct: {name!r} occurs "
                f"{column.shape[1]} times; rename them."
            )
            raise ValueError(msg)  # noqa: TRY004 - the frame is at fault, not its type
        if isinstance(column, pd.Series):
            return column
        return as_column(column.to_numpy())


class UsedColumns(NamedTuple):
    """The columns that are read, and the values beside them."""

    target: list[Column]
    proba: list[Column]
    beside: dict[str, Any]

    def rows(self, kept: BoolArray) -> UsedColumns:
        """Some of the rows."""
        return UsedColumns(
            [column[kept] for column in self.target],
            [column[kept] for column in self.proba],
            {
                name: None if values is None else as_values(values)[kept]
                for name, values in self.beside.items()
            },
        )


def rows_kept(
    used: UsedColumns,
    others: Sequence[Column],
    on_missing: OnMissing,
    targets: FrameTargets,
) -> BoolArray | None:
    """Which rows have all that is read; None where all have, or must have."""
    if on_missing not in ("raise", "drop"):
        msg = (
            f"on_missing must be 'raise' or 'drop': found {on_missing!r}; pass 'drop' "
            "to leave out rows that miss a label or a probability."
        )
        raise ValueError(msg)
    if on_missing == "raise":
        return None
    of_target = [_missing(column) for column in used.target]
    # Of several annotators, some may say nothing.
    some = annotated(used.target, targets)
    absent = (
        np.logical_and.reduce(of_target) if some else np.logical_or.reduce(of_target)
    )
    beside = {
        name: as_values(one) for name, one in used.beside.items() if one is not None
    }
    for name, values in beside.items():
        if values.shape != absent.shape:
            msg = (
                f"{name} must hold one value a row: its shape is {values.shape} for "
                f"{len(absent)} rows; pass the name of a column, or a 1-D array."
            )
            raise ValueError(msg)
    for column in (*used.proba, *beside.values(), *others):
        absent |= _missing(column)
    if not absent.any():
        return None
    if absent.all():
        msg = (
            "a row must have a label and all probabilities: none of "
            f"{len(absent)} rows has; look for a column that is empty."
        )
        error = NoRowsError(msg)
        error.n_missing = len(absent)
        raise error
    kept: BoolArray = np.logical_not(absent)
    return kept


def annotated(columns: Sequence[Column], targets: FrameTargets) -> bool:
    """Whether each column has the labels that one annotator gave."""
    if targets == "auto":
        return not all(map(_is_number, columns))
    return targets == "annotators"


def _is_number(column: Column) -> bool:
    return getattr(column.dtype, "kind", "O") in "fiub"


def _missing(column: Any) -> BoolArray:
    return np.asarray(pd.isna(column), dtype=np.bool_)


def as_values(values: Any) -> Column:
    return values if isinstance(values, pd.Series) else np.asarray(values)
