"""Arrays and frames as columns of numbers."""

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

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and of columns."""
        if isinstance(self.source, tuple):
            return (len(self.source[0]) if self.source else 0, len(self.source))
        return self.source.shape


def read_columns(data: Any, what: str, *, logits: bool = False) -> Columns:
    """Read a table of numbers; ``what`` is the argument's name for messages.

    A one-dimensional argument is the probability (or the logit) of the second of two
    classes.
    """
    if isinstance(data, Columns):
        return data
    data = as_numpy(data, what)
    if isinstance(data, np.ndarray):
        array = _as_array(data, what)
    elif isinstance(data, pd.Series):
        array = numbers(data, what, "")
    else:
        frame = as_frame(data)
        if frame is not None:
            return _from_frame(frame, what)
        array = _as_array(data, what)
    if array.ndim == 1:
        first = np.zeros_like(array, dtype=float) if logits else 1 - array
        return Columns((first, array), None, one_dimensional=True)
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        msg = (
            f"{what} must have rows and columns: its shape is {array.shape}; "
            "pass one row per sample, one column per class."
        )
        raise ValueError(msg)
    return Columns(array, None)


def numbers(column: Any, what: str, where: str) -> NDArray[Any]:
    """The values of a column of numbers; missing ones are NaN."""
    if isinstance(column, np.ndarray):
        return _as_array(column, what)
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in _NUMBERS:
        values: NDArray[Any] = column.to_numpy()
        return values
    try:
        if isinstance(column, pd.Series):
            whole = getattr(dtype, "kind", "O") in "iu" and not column.hasnans
            if whole:
                return column.to_numpy(dtype=np.int64)
            # Single precision stays so: the tolerance of sums goes by it.
            single = getattr(dtype, "kind", "O") == "f" and dtype.itemsize == 4  # noqa: PLR2004 - bytes
            return column.to_numpy(
                dtype=np.float32 if single else np.float64, na_value=np.nan
            )
        return _as_array(column.to_numpy(), what)
    except (TypeError, ValueError):
        raise _not_numbers(what, where, dtype) from None


def as_numpy(data: Any, name: str) -> Any:
    """A tensor or an array of the Array API as a numpy array; all else as it is.

    A tensor that requires a gradient is detached, one of another device is copied, and
    a type that numpy lacks (bfloat16) becomes single precision: every value is kept.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return data
    try:
        if hasattr(data, "detach") and hasattr(data, "numpy"):  # a tensor of torch
            data = data.detach().cpu()
            return (
                data.float() if str(data.dtype).endswith("bfloat16") else data
            ).numpy()
        if hasattr(data, "__array_namespace__"):
            return np.asarray(data)
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        found = f"{type(data).__name__} on {getattr(data, 'device', 'another device')}"
        msg = (
            f"{name} must be readable by numpy: found {found}; pass a dense copy on "
            "the CPU."
        )
        raise ValueError(msg) from None
    return data


def as_frame(data: Any) -> Any:
    """A DataFrame of pandas as it is, one of polars or pyarrow wrapped, else None."""
    if isinstance(data, pd.DataFrame):
        return data
    if data is None or isinstance(data, (list, tuple)):
        return None
    import narwhals.stable.v2 as nw  # noqa: PLC0415 - slow to import, seldom needed

    frame = nw.from_native(data, eager_only=True, pass_through=True)
    return frame if isinstance(frame, nw.DataFrame) else None


def _from_frame(frame: Any, what: str) -> Columns:
    names = tuple(frame.columns)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        msg = (
            f"{what} must have distinct columns: {twice!r} occurs twice; pass each "
            "class once."
        )
        raise ValueError(msg)
    if isinstance(frame, pd.DataFrame):
        series = [frame.iloc[:, position] for position in range(len(names))]
    else:
        series = [frame[name] for name in names]
    columns = tuple(
        numbers(column, what, f" column {name!r}")
        for name, column in zip(names, series, strict=True)
    )
    unnamed = isinstance(frame.columns, pd.RangeIndex)
    return Columns(columns, None if unnamed else names)


def _as_array(data: Any, what: str) -> NDArray[Any]:
    if isinstance(data, np.ma.MaskedArray):
        data = np.ma.filled(data.astype(np.float64), np.nan)
    try:
        array = np.asarray(data)
    except ValueError:
        msg = (
            f"{what} must have rows of one length: its rows differ; pass one value per "
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
        "pass floats, one column per class."
    )
