"""Groups and keys of rows, numbered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._kernels.table import IntArray, greatest, least
from .containers import unpack
from .inputs import Inputs
from .labels import label_index

_LITTLE = 4096  # numbers in a table that is no work


class Keys(NamedTuple):
    """The number of each row's group, and the groups, sorted."""

    codes: IntArray
    groups: pd.Index[Any]


def read_keys(values: Any, n_rows: int, name: str = "by") -> Keys:
    """Number the values; a DataFrame or a mapping holds several keys."""
    if isinstance(values, Keys):
        return values
    if isinstance(values, (pd.DataFrame, Mapping)):
        each = [_one(values[key], n_rows, name, key) for key in values]
        return together(each, name)
    return _one(values, n_rows, name, getattr(values, "name", None))


def read_groups(groups: Any, inputs: Inputs) -> IntArray | None:
    """The number of each row's group, of two groups or more."""
    if groups is None:
        return None
    codes, distinct = number(groups, inputs, "groups")
    if len(distinct) < 2:  # noqa: PLR2004
        msg = (
            "groups must hold two groups or more: found one; leave groups out where "
            "rows are independent."
        )
        raise ValueError(msg)
    return codes


def number(values: Any, inputs: Inputs, name: str) -> tuple[IntArray, pd.Index[Any]]:
    """The number of each row's value, and the values, sorted."""
    if isinstance(values, (pd.DataFrame, Mapping)):
        values = np.asarray(values)  # one key, not several
    codes, distinct = read_keys(values, inputs.proba.n_rows, name)
    absent = np.flatnonzero(pd.isna(distinct))
    if not absent.size:
        return codes, distinct
    missing = np.isin(codes, absent)
    if inputs.active is not None:
        missing &= inputs.active
    if missing.any():
        msg = (
            f"{name} must not be missing: row {int(np.argmax(missing))} has none; give "
            "it a value of its own."
        )
        raise ValueError(msg)
    # A missing value is the last one; its rows have a weight of 0.
    return np.minimum(codes, len(distinct) - 1 - absent.size), distinct[: absent[0]]


def _one(values: Any, n_rows: int, name: str, title: Any) -> Keys:
    column = values
    if not isinstance(values, (pd.Series, pd.Index, str)):
        column = unpack(values, name, tuples=False)
    if not isinstance(column, (pd.Series, pd.Index)):
        column = np.asarray(column)
    if column.shape != (n_rows,):
        found = f"its shape is {column.shape} for {n_rows} rows; pass a 1-D array"
        if isinstance(values, str):
            found = f"found {values!r}; pass the column, such as df[{values!r}]"
        msg = f"{name} must hold one value per row: {found}."
        raise ValueError(msg)
    if isinstance(column, np.ndarray) and column.dtype.kind in "US":
        column = column.astype(object)
    codes, distinct = _number(column, name)
    return Keys(codes.astype(np.int64, copy=False), label_index(distinct, title))


def _number(column: Any, name: str) -> tuple[IntArray, pd.Index[Any]]:
    """The number of each value, and the values, sorted."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu" and len(column):
        found = _number_integers(np.asarray(column))
        if found is not None:
            return found
    plain = isinstance(column, np.ndarray)
    values = pd.Series(label_index(column) if plain else column)
    try:
        if values.dtype == object:
            return _number_objects(values)
        return pd.factorize(values, sort=True, use_na_sentinel=False)
    except TypeError as error:
        msg = (
            f"{name} must hold values that can be sorted, such as text or numbers: "
            f"{error}; pass them as text."
        )
        if "unhashable" in str(error):
            msg = (
                f"{name} must hold values that can be told apart, such as text or "
                f"numbers: found an {error}; pass one value per row."
            )
        raise TypeError(msg) from None


def _number_objects(values: pd.Series[Any]) -> tuple[IntArray, pd.Index[Any]]:
    """The same of objects, which are not in order if sorted with what is missing."""
    distinct: Any
    try:
        codes, distinct = pd.factorize(values, sort=True)
    except UnicodeEncodeError:  # text with a lone surrogate
        codes, distinct = pd.factorize(values.to_numpy(), sort=True)
        distinct = pd.Index(distinct, dtype=object)
    if not (codes < 0).any():
        return codes, distinct
    # Not appended: pandas would look for a type of text.
    known = pd.Index(np.array([*distinct, np.nan], dtype=object), dtype=object)
    return np.where(codes < 0, len(distinct), codes), known


def _number_integers(
    column: NDArray[np.integer[Any]],
) -> tuple[IntArray, pd.Index[Any]] | None:
    """Numbers of integers that lie close together, without a search."""
    low = least(column)
    span = greatest(column) - low + 1
    if span > max(len(column), _LITTLE):
        return None
    wide = column if column.dtype == np.uint64 else column.astype(np.int64, copy=False)
    first = wide.dtype.type(low)
    codes = (wide - first if low else wide).astype(np.int64, copy=False)
    present = np.bincount(codes, minlength=span) > 0
    values = (np.flatnonzero(present).astype(wide.dtype) + first).astype(column.dtype)
    if len(values) < span:
        codes = (np.cumsum(present) - 1)[codes]
    return codes, pd.Index(values)


def together(each: list[Keys], name: str) -> Keys:
    """The combinations that occur, of one key or several."""
    if not each:
        msg = f"{name} must hold one key or more: it is empty; pass a column."
        raise ValueError(msg)
    if len(each) == 1:
        return each[0]
    codes, places = each[0].codes, [np.arange(len(each[0].groups))]
    # Renumbered after each key: the product of many numbers would overflow.
    for one in each[1:]:
        cells, codes = np.unique(
            codes * len(one.groups) + one.codes, return_inverse=True
        )
        before, own = np.divmod(cells, len(one.groups))
        places = [*(place[before] for place in places), own]
    columns = [one.groups.take(at) for one, at in zip(each, places, strict=True)]
    index = pd.MultiIndex.from_arrays(columns, names=[one.groups.name for one in each])
    return Keys(codes.astype(np.int64, copy=False), index)
