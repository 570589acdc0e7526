"""Arrays, frames and lists as columns of numbers, without needless copies."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_NUMBERS = "fiub"


class Columns(NamedTuple):
    """An (N, K) array or K arrays of N values, and the columns' names if any."""

    source: NDArray[Any] | tuple[NDArray[Any], ...]
    names: tuple[Any, ...] | None
    one_dimensional: bool = False


def read_columns(data: Any, what: str) -> Columns:
    """Read a table of numbers; ``what`` is the argument's name for messages.

    A one-dimensional argument is the probability of the second of two classes.
    """
    if isinstance(data, pd.DataFrame):
        return _from_frame(data, what)
    if isinstance(data, pd.Series):
        array = _numbers(data, what, "")
    else:
        array = _as_array(data, what)
    if array.ndim == 1:
        return Columns((1 - array, array), None, one_dimensional=True)
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        msg = (
            f"{what} must have rows and columns: its shape is {array.shape}; "
            "pass one row a sample, one column a class."
        )
        raise ValueError(msg)
    return Columns(array, None)


def _from_frame(frame: pd.DataFrame, what: str) -> Columns:
    columns = tuple(
        _numbers(frame.iloc[:, position], what, f" column {name!r}")
        for position, name in enumerate(frame.columns)
    )
    unnamed = isinstance(frame.columns, pd.RangeIndex)
    return Columns(columns, None if unnamed else tuple(frame.columns))


def _numbers(column: pd.Series[Any], what: str, where: str) -> NDArray[Any]:
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in _NUMBERS:
        return column.to_numpy()
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise _not_numbers(what, where, dtype) from None


def _as_array(data: Any, what: str) -> NDArray[Any]:
    try:
        array = np.asarray(data)
    except ValueError:
        msg = (
            f"{what} must have rows of one length: its rows differ; pass one value a "
            "class in every row."
        )
        raise ValueError(msg) from None
    if array.dtype.kind == "O":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError):
            pass
    if array.dtype.kind not in _NUMBERS:
        raise _not_numbers(what, "", array.dtype)
    return array


def _not_numbers(what: str, where: str, dtype: object) -> ValueError:
    return ValueError(
        f"{what} must hold numbers: its{where} type is {dtype}; "
        "pass floats, one column a class."
    )
