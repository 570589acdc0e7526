"""Arrays and frames as columns of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .containers import as_frame, is_default, is_plain, native, precision, unpack
from .nested import Columns, Single
from .read_options import FromLogits

_NUMBERS = "fiub"
_SINGLE = 4  # bytes


def read_columns(data: Any, what: str, *, logits: FromLogits = False) -> Columns:
    """Read a table of numbers; ``what`` is the argument's name for messages.

    A one-dimensional argument is the probability (or the logit) of the second of two
    classes.
    """
    eps = name = None
    if not is_plain(data):
        if isinstance(data, Columns):
            return data
        found = unpack(data, what)
        if isinstance(found, Columns):
            return found
        frame = None if isinstance(found, pd.Series) else as_frame(found)
        if frame is not None:
            return _from_frame(frame, what)
        eps, name = precision(data), getattr(data, "name", None)
        data = numbers(found, what, "")
    array: NDArray[Any] = data
    if array.ndim == 1:
        return one_column(array, what, Single(name), logits=logits, eps=eps)
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        msg = (
            f"{what} must have rows and columns: its shape is {array.shape}; "
            "pass one row per sample, one column per class."
        )
        raise ValueError(msg)
    return Columns(array, None, eps)


def one_column(
    values: NDArray[Any],
    what: str,
    single: Single,
    *,
    logits: FromLogits = False,
    eps: float | None = None,
) -> Columns:
    """Two columns of one, the probability of the second class."""
    if values.dtype.kind in "iub" and not logits:
        msg = (
            f"{what} must hold probabilities: found whole numbers such as "
            f"{values[:3].tolist()}, as predict returns; pass floats, as predict_proba "
            "returns them."
        )
        raise ValueError(msg)
    if eps is None and values.dtype.kind == "f" and values.dtype.itemsize <= _SINGLE:
        eps = float(np.finfo(values.dtype).eps)
    # In double, as the rest of a small probability is 1 in half precision.
    values = values.astype(np.float64, copy=False)
    rest = np.zeros_like(values) if logits else 1.0 - values
    if logits == "log_proba":
        with np.errstate(divide="ignore"):
            np.log(-np.expm1(np.minimum(values, 0.0)), out=rest)
    return Columns((rest, values), None, eps, single)


def numbers(column: Any, what: str, where: str) -> NDArray[Any]:
    """The values of a column of numbers; missing ones are NaN."""
    if not isinstance(column, pd.Series):
        return _as_array(column, what, where)
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return _as_array(column.to_numpy(), what, where)
    kind = getattr(dtype, "kind", "O")
    try:
        if kind in "iu" and not column.hasnans:
            return column.to_numpy(dtype=np.int64)
        # Low precision stays so: the tolerance of sums goes by it.
        single = kind == "f" and getattr(dtype, "itemsize", 8) == _SINGLE
        return column.to_numpy(
            dtype=np.float32 if single else np.float64, na_value=np.nan
        )
    except (TypeError, ValueError):
        raise _not_numbers(what, where, dtype) from None


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
        series = [column for _, column in frame.items()]
    else:
        series = [native(frame[name]) for name in names]
    each = [unpack(column, what) for column in series]
    if len(each) == 1 and isinstance(each[0], Columns):
        return each[0]
    columns = tuple(
        numbers(column, what, f"column {name!r}")
        for name, column in zip(names, each, strict=True)
    )
    return Columns(columns, None if is_default(frame.columns) else names)


def _as_array(data: Any, what: str, where: str = "") -> NDArray[Any]:
    if isinstance(data, Columns):
        msg = (
            f"{what} must hold numbers: {where} holds a row in each value; pass one "
            "number per value, or that column alone."
        )
        raise ValueError(msg)  # noqa: TRY004 - the values are at fault
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
        raise _not_numbers(what, where, array.dtype)
    return array


def _not_numbers(what: str, where: str, dtype: object) -> ValueError:
    source = "" if what in ("y_true", "p", "q") else ", as predict_proba returns them"
    found = f"{where} is of type" if where else "its type is"
    return ValueError(
        f"{what} must hold numbers: {found} {dtype}; "
        f"pass floats, one column per class{source}."
    )
