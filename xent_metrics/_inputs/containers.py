"""What people pass: arrays, columns and frames of many libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .arrow import of_arrow, of_polars
from .nested import Columns, is_absent, is_row, spread

_BFLOAT16_EPS = 2.0**-7
_LIBRARY_ADVICE = {"dask": "compute()", "dask_expr": "compute()"}


def is_plain(data: Any) -> bool:
    """Whether it is an array of numbers that numpy computes with as it is."""
    return (
        type(data) is np.ndarray and data.dtype.kind in "fiub" and data.dtype.isnative
    )


def unpack(data: Any, name: str, *, tuples: bool = True) -> Any:
    """A container as an array of numpy, a column of pandas, a frame, or columns.

    Columns whose values are rows (lists, arrays, and ``tuples`` unless these are
    labels) become :class:`Columns`, structs a frame. A missing value stays one: NaN,
    NaT, None or NA. Lists of plain values stay lists.
    """
    if is_plain(data):
        return data
    data = _in_memory(data, name)
    if isinstance(data, pd.Series):
        data = _of_series(data)
    if isinstance(data, np.ndarray):
        data = _of_array(data)
    if _may_hold_rows(data):
        found = spread(data, name, tuples=tuples)
        return data if found is None else found
    if _refused(data):
        msg = (
            f"{name} must be an array, a list, or a column or table of a frame: found "
            f"{'None' if data is None else type(data).__name__}; pass a list or an "
            "array."
        )
        raise TypeError(msg)
    return data


def as_numpy(data: Any, name: str) -> Any:
    """A tensor, an array of the Array API or a buffer as a numpy array.

    All else stays as it is. A tensor that requires a gradient is detached, one of
    another device is copied, and a type that numpy lacks (bfloat16) becomes single
    precision: every value is kept.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return data
    try:
        if hasattr(data, "detach") and hasattr(data, "numpy"):  # a tensor of torch
            data = data.detach().cpu()
            return (
                data.float() if str(data.dtype).endswith("bfloat16") else data
            ).numpy()
        if isinstance(data, memoryview) or hasattr(data, "__array_namespace__"):
            return np.asarray(data)
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        found = f"{type(data).__name__} on {getattr(data, 'device', 'another device')}"
        msg = (
            f"{name} must be readable by numpy: found {found}; pass a dense copy on "
            "the CPU."
        )
        raise ValueError(msg) from None
    return data


def precision(data: Any) -> float | None:
    """The precision of a type that numpy lacks, which is read as another."""
    if isinstance(data, np.ndarray) and data.dtype.kind != "V":
        return None
    of_half = "bfloat16" in str(getattr(data, "dtype", ""))
    return _BFLOAT16_EPS if of_half else None


def as_frame(data: Any) -> Any:
    """A DataFrame of pandas as it is, one of polars or pyarrow wrapped, else None."""
    if isinstance(data, pd.DataFrame):
        return data
    if data is None or isinstance(data, (np.ndarray, list, tuple)):
        return None
    import narwhals.stable.v2 as nw  # noqa: PLC0415 - slow to import, seldom needed

    if type(data).__name__ == "RecordBatch":
        import pyarrow as pa  # noqa: PLC0415 - such a batch has loaded it

        data = pa.Table.from_batches([data])
    frame = nw.from_native(data, eager_only=True, pass_through=True)
    return frame if isinstance(frame, nw.DataFrame) else None


def as_series(column: Any, name: str) -> pd.Series[Any]:
    """A column of any library as one of pandas; rows that it holds stay lists."""
    found, title = unpack(native(column), name, tuples=False), column.name
    if isinstance(found, (Columns, pd.DataFrame)) or as_frame(found) is not None:
        return pd.Series(column.to_list(), dtype=object, name=title)
    return pd.Series(found).rename(title)


def is_default(index: Any) -> bool:
    """Whether an index of pandas counts from 0, as where nobody named anything."""
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def native(column: Any) -> Any:
    """A column as its own library has it."""
    return column.to_native() if hasattr(column, "to_native") else column


def refuse_lazy(data: Any, name: str) -> None:
    """Refuse a frame that is not in memory: one sentence says how to get it there."""
    if isinstance(data, pd.DataFrame):
        return
    import narwhals.stable.v2 as nw  # noqa: PLC0415 - slow to import, seldom needed

    if isinstance(nw.from_native(data, pass_through=True), nw.LazyFrame):
        root = type(data).__module__.partition(".")[0]
        msg = (
            f"{name} must be in memory: found a {type(data).__name__} of {root}; call "
            f"{_LIBRARY_ADVICE.get(root, 'collect()')} first."
        )
        raise TypeError(msg)


def collected(data: Any) -> Any:
    """A LazyFrame of polars, computed in batches; all else as it is."""
    root, kind = type(data).__module__.partition(".")[0], type(data).__name__
    if root != "polars" or kind != "LazyFrame":
        return data
    try:
        return data.collect(engine="streaming")
    except (TypeError, ValueError):  # older versions call it otherwise
        return data.collect(streaming=True)


def _in_memory(data: Any, name: str) -> Any:
    """An array, a column of pandas, a list, a frame, columns; all else as it is."""
    if isinstance(data, (pd.Series, pd.DataFrame)):
        return data
    if isinstance(data, (list, tuple)):
        scalars = hasattr(_first(data), "as_py")  # of Arrow
        return [one.as_py() for one in data] if scalars else data
    data = native(as_numpy(data, name))
    root, kind = type(data).__module__.partition(".")[0], type(data).__name__
    if isinstance(data, (pd.Index, pd.api.extensions.ExtensionArray)):
        return pd.Series(data)
    if root == "pyarrow" and hasattr(data, "type"):
        data = of_arrow(data)
    elif root == "polars" and kind == "Series":
        data = of_polars(data)
    elif hasattr(data, "toarray"):  # a sparse matrix
        return data.toarray()
    if isinstance(data, (np.ndarray, pd.Series, list, Columns)):
        return data
    frame = as_frame(data)
    if frame is None and not isinstance(data, (str, bytes)):
        refuse_lazy(data, name)
    return data if frame is None else frame


def _of_series(series: pd.Series[Any]) -> Any:
    """A column of pandas; an array where numpy or Arrow have its values."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        kept = dtype.isnative and dtype.kind != "O"
        return series if kept else series.to_numpy()
    if isinstance(dtype, pd.SparseDtype):
        return series.to_numpy()
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow as pa  # noqa: PLC0415 - such a column has loaded it

        kind = dtype.pyarrow_dtype
        if (
            pa.types.is_float16(kind)
            or pa.types.is_dictionary(kind)
            or pa.types.is_nested(kind)
        ):
            return of_arrow(pa.array(series))
    return series


def _of_array(data: NDArray[Any]) -> Any:
    """An array without a mask, in the byte order of the machine."""
    if isinstance(data, np.ma.MaskedArray):
        data = _filled(data)
    data = np.asarray(data)
    if data.dtype.names is not None and data.ndim == 1:
        return pd.DataFrame({field: data[field] for field in data.dtype.names})
    if not data.dtype.isnative:
        data = data.astype(data.dtype.newbyteorder("="))
    return data.astype(np.float32) if data.dtype.name == "bfloat16" else data


def _filled(data: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """The values, those that are masked missing."""
    values, mask = np.asarray(data.data), np.ma.getmaskarray(data)
    if not mask.any():
        return values
    if values.dtype.kind in "fcmM":
        values = values.copy()
        values[mask] = "NaT" if values.dtype.kind in "mM" else np.nan
        return values
    values = values.astype(object)
    values[mask] = None
    return values


def _may_hold_rows(data: Any) -> bool:
    """Whether values could be rows that are to be told from one value each."""
    if isinstance(data, np.ndarray):
        return data.dtype.kind == "O" and data.ndim == 1
    if isinstance(data, pd.Series):
        return data.dtype == object
    if not isinstance(data, (list, tuple)):
        return False
    first = _first(data)
    if isinstance(first, Mapping):
        return True
    # Numpy reads rows of these types, but neither masks nor rows that are missing.
    return is_row(first) and not {*map(type, data)} <= {list, tuple, np.ndarray}


def _first(data: Sequence[Any]) -> Any:
    return next((one for one in data if not is_absent(one)), None)


def _refused(data: Any) -> bool:
    """Whether it holds no values yet, or none in order."""
    unordered = (set, frozenset, Mapping, str, bytes, Iterator)
    return data is None or isinstance(data, unordered)
