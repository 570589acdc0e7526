"""Features as they are given, as columns of numbers and of categories."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from .._inputs.containers import as_frame, as_series, refuse_lazy, unpack
from .._kernels.table import FloatArray, IntArray
from .._pickling import pickled

_MOST_CATEGORIES = 200  # that boosting splits on; the rarest share a place
_GREATEST = 1e300  # infinite values lie beyond all others, at a finite place
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean"}
_TIMES = {"datetime", "datetime64", "date", "timedelta", "timedelta64"}


@pickled
@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """A feature: its numbers, or those of its ``categories``; NaN is missing.

    ``time`` says that numbers are seconds of a "date" or a "duration".
    """

    name: Any
    numbers: FloatArray
    categories: tuple[Any, ...] | None = None
    time: str = ""

    def __getstate__(self) -> dict[str, Any]:
        return vars(self)

    @property
    def title(self) -> str:
        """The name in a text: columns without names go by their place."""
        return title_of(self.name)

    def take(self, rows: IntArray) -> Column:
        """The column of some rows."""
        return Column(
            name=self.name,
            numbers=self.numbers[rows],
            categories=self.categories,
            time=self.time,
        )


@pickled
@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """The features of rows: as columns, and as they were given, which may be gone."""

    columns: tuple[Column, ...]
    given: Any

    @property
    def names(self) -> tuple[Any, ...]:
        """The names of the columns, which are numbers where nobody named them."""
        return tuple(column.name for column in self.columns)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0].numbers)

    def take(self, rows: IntArray) -> Features:
        """The features of some rows, in this order."""
        given = self.given
        if given is not None:
            given = given.iloc[rows] if hasattr(given, "iloc") else given[rows]
        return Features(
            columns=tuple(column.take(rows) for column in self.columns), given=given
        )

    def __getstate__(self) -> dict[str, Any]:
        return vars(self)


def title_of(name: Any) -> str:
    """The name of a feature in a text, where a number alone would be no name."""
    return f"column {name}" if isinstance(name, numbers.Integral) else str(name)


def read_features(X: Any) -> Features:  # noqa: N803 - scikit-learn's name
    """Read a table with numbers, text, categories, times and missing values."""
    frame = _as_pandas(X)
    if frame.shape[1] == 0 or frame.shape[0] == 0:
        msg = (
            f"X must hold rows and columns: it has {frame.shape[0]} rows and "
            f"{frame.shape[1]} columns; pass one column or more of features."
        )
        raise ValueError(msg)
    columns = tuple(
        _read(frame.iloc[:, place], name) for place, name in enumerate(frame.columns)
    )
    plain = isinstance(X, np.ndarray) and X.ndim == 2  # noqa: PLR2004 - a table
    return Features(columns=columns, given=X if plain else frame)


def index_of_features(X: Any) -> pd.Index[Any] | None:  # noqa: N803 - as above
    """The index of a frame or a column of pandas."""
    return X.index if isinstance(X, (pd.DataFrame, pd.Series)) else None


def _as_pandas(X: Any) -> pd.DataFrame:  # noqa: N803 - as above
    """A frame of pandas with one column per feature."""
    refuse_lazy(X, "X")
    frame = as_frame(X)
    if frame is None:
        found = unpack(X, "X")
        if isinstance(found, pd.DataFrame):
            return found
        if isinstance(found, pd.Series):
            return found.to_frame(0 if found.name is None else found.name)
        try:
            values = np.asarray(found)
        except ValueError:
            shown = "its rows differ in length"
        else:
            if values.ndim in (1, 2):
                return pd.DataFrame(values)
            shown = f"its shape is {values.shape}"
        msg = (
            f"X must hold rows and columns: {shown}; pass a table of shape (rows, "
            "features)."
        )
        raise ValueError(msg)
    if isinstance(frame, pd.DataFrame):
        return frame
    return pd.DataFrame({name: as_series(frame[name], "X") for name in frame.columns})


def _read(series: pd.Series[Any], name: Any) -> Column:
    """A column as numbers or as numbered categories."""
    kind = series.dtype
    if isinstance(kind, pd.SparseDtype):
        series = pd.Series(series.to_numpy())
    if isinstance(kind, pd.CategoricalDtype):
        return _categories(series, name)
    if isinstance(kind, pd.PeriodDtype):
        return _times(series.dt.to_timestamp(), name)
    inferred = infer_dtype(series, skipna=True)
    if inferred in _TIMES:
        return _times(series, name)
    if inferred in _NUMBERS or inferred == "empty":
        values = pd.to_numeric(series).to_numpy(float, na_value=np.nan)
        return Column(name=name, numbers=np.clip(values, -_GREATEST, _GREATEST))
    if inferred in ("complex", "bytes"):
        msg = (
            "X must hold numbers, text, categories or times: column "
            f"{name!r} holds {inferred}; leave it out, or pass it as numbers or text."
        )
        raise TypeError(msg)
    return _categories(series, name)


def _times(series: pd.Series[Any], name: Any) -> Column:
    """Seconds since 1970, or of a duration; NaN where there is none."""
    if infer_dtype(series, skipna=True).startswith("timedelta"):
        spans, time = pd.to_timedelta(series).to_numpy(), "duration"
    else:
        moments = pd.to_datetime(series, utc=True).dt.tz_localize(None).to_numpy()
        spans, time = moments - np.datetime64(0, "s"), "date"
    return Column(name=name, numbers=spans / np.timedelta64(1, "s"), time=time)


def _categories(series: pd.Series[Any], name: Any) -> Column:
    """Numbers of distinct values, the most frequent first; the rarest share one."""
    try:
        codes, distinct = pd.factorize(series.astype(object).to_numpy())
    except TypeError:
        msg = (
            "X must hold values that can be told apart, such as numbers, text, "
            f"categories or times: column {name!r} holds values that cannot be "
            "hashed; pass them as text, or leave the column out."
        )
        raise TypeError(msg) from None
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    order = np.argsort(-counts, kind="stable")
    place = np.empty(len(distinct), dtype=np.int64)
    place[order] = np.minimum(np.arange(len(distinct)), _MOST_CATEGORIES - 1)
    values = np.where(codes < 0, np.nan, place[codes] if len(distinct) else np.nan)
    named = [distinct[at] for at in order[:_MOST_CATEGORIES]]
    if len(distinct) > _MOST_CATEGORIES:
        named[-1] = "others"
    return Column(name=name, numbers=values, categories=tuple(named))
