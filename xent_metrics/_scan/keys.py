"""Keys by value: parts of the data may hold them in columns of different types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_object_dtype

_EXACT = 2**53  # whole numbers up to it are floats too
# Of these pandas makes a column of their own type, also where some are missing.
_WITH_A_TYPE = (str, pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval)


def plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """The same keys, without what other parts may not share or have no name for.

    These are the categories and dictionaries of a part, types of Arrow, and two ways
    of saying that a number is missing.
    """
    dtype = column.dtype
    if isinstance(dtype, (pd.CategoricalDtype, pd.ArrowDtype)):
        codes, distinct = pd.factorize(column)
        values = _values(pd.Series(distinct))
        if (codes < 0).any():
            values.append(None)
        return _of_values(values).take(codes % len(values))  # -1 is the last
    if getattr(dtype, "kind", "O") == "f" and not isinstance(dtype, np.dtype):
        return pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return column


def together(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The rows of both; columns of different types are joined by value."""
    columns = {}
    for name in first:
        one, two = first[name], second[name]
        if one.dtype == two.dtype:
            columns[name] = pd.concat([one, two], ignore_index=True)
        else:
            columns[name] = _of_values([*_values(one), *_values(two)])
    return pd.DataFrame(columns)


def settled(table: pd.DataFrame) -> pd.DataFrame:
    """The same keys, text in the type that this pandas gives it."""
    for name in table:
        column = table[name]
        if is_object_dtype(column.dtype) and infer_dtype(column) == "string":
            table[name] = _of_values(_values(column))
    return table


def check_key(name: str, column: Any, key: Any) -> None:
    """Refuse a file that says something else of a column than its folder does."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy, and an extra

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    same = column.is_null()
    if key is not None:
        try:
            same = pc.equal(column, pa.scalar(key).cast(column.type)).fill_null(False)
        except pa.ArrowException:
            same = pa.repeat(False, len(column))
    if not pc.all(same).as_py() and len(column):
        row = same.index(pa.scalar(False)).as_py()
        msg = (
            f"a column of the file must agree with its folder's name: {name!r} is "
            f"{column[row].as_py()!r} in row {row}, and the folder says {key!r}; "
            "rename one of the two."
        )
        raise ValueError(msg)


def _values(column: pd.Series[Any]) -> list[Any]:
    """Values of Python, and None where one is missing."""
    missing = column.isna()
    return [
        None if absent else (value.item() if _is_plain(value) else value)
        for value, absent in zip(column.tolist(), missing.tolist(), strict=True)
    ]


def _is_plain(value: Any) -> bool:
    """Whether a value of numpy has an equal one of Python."""
    times = (np.datetime64, np.timedelta64)
    return isinstance(value, np.generic) and not isinstance(value, times)


def _of_values(values: list[Any]) -> pd.Series[Any]:
    """A column of the narrowest type that holds the values as they are."""
    present = [value for value in values if value is not None]
    absent = len(present) < len(values)
    kinds = {type(value) for value in present}
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean" if absent else "bool")
    if kinds == {int}:
        low, high = min(present), max(present)
        for kind in ("Int64", "UInt64"):
            bounds = np.iinfo(kind.lower())
            if bounds.min <= low and high <= bounds.max:
                return pd.Series(values, dtype=kind if absent else kind.lower())
    if kinds in ({float}, {int, float}) and all(
        isinstance(value, float) or abs(value) <= _EXACT for value in present
    ):
        return pd.Series(values, dtype="float64")
    if len(kinds) == 1 and kinds <= set(_WITH_A_TYPE):
        try:
            return pd.Series(values)
        except UnicodeEncodeError:  # half characters, which Arrow cannot hold
            pass
    return pd.Series(values, dtype=object)
