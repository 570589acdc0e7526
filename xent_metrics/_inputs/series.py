"""Values of rows, of any library, in which what is missing stays missing."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._kernels.table import BoolArray
from .arrays import as_numpy


def as_values(values: Any, name: str) -> NDArray[Any] | pd.Series[Any] | pd.Index[Any]:
    """A column of pandas as it is, any other as an array, or as a column of pandas.

    The latter holds what numpy lacks: missing integers, an order of texts, time zones.
    """
    if isinstance(values, (pd.Series, pd.Index)):
        return values
    if isinstance(values, pd.api.extensions.ExtensionArray):
        return pd.Series(values)
    if isinstance(values, np.ma.MaskedArray) and values.ndim == 1:
        return _without(np.ma.getdata(values), np.ma.getmaskarray(values))
    if isinstance(values, (np.ndarray, list, tuple, str, int, float)):
        return np.asarray(values)
    import narwhals.stable.v2 as nw  # noqa: PLC0415 - slow to import, seldom needed

    arrow = sys.modules.get("pyarrow")
    if arrow is not None and isinstance(values, arrow.Array):
        values = arrow.chunked_array([values])
    series = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return from_narwhals(series)
    return np.asarray(as_numpy(values, name))


def from_narwhals(series: Any) -> pd.Series[Any]:
    """A column of polars or pyarrow as one of pandas."""
    import narwhals.stable.v2 as nw  # noqa: PLC0415 - slow to import, seldom needed

    dtype, missing = series.dtype, series.is_null().to_numpy()
    if missing.any() and (dtype.is_integer() or dtype == nw.Boolean):
        series = series.fill_null(False if dtype == nw.Boolean else 0)
    column = _without(series.to_numpy(), missing)
    if dtype == nw.Enum:
        ordered = pd.CategoricalDtype(list(dtype.categories), ordered=True)
        column = column.astype(ordered)
    if dtype == nw.Datetime and dtype.time_zone is not None:
        column = column.dt.tz_localize("UTC").dt.tz_convert(dtype.time_zone)
    return column.rename(series.name or None)


def _without(values: NDArray[Any], missing: BoolArray) -> pd.Series[Any]:
    """A column that has no value where it is missing."""
    if values.dtype.kind in "US":
        values = values.astype(object)
    if not missing.any():
        return pd.Series(values)
    whole = values.dtype.kind in "iub"
    return pd.Series(pd.array(values) if whole else values).mask(missing)
