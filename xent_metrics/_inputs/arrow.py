"""Columns of Arrow and of polars: every null is missing, whatever the type."""

from __future__ import annotations

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from .nested import Columns

_NULLABLE = (
    *(pd.Int8Dtype(), pd.Int16Dtype(), pd.Int32Dtype(), pd.Int64Dtype()),
    *(pd.UInt8Dtype(), pd.UInt16Dtype(), pd.UInt32Dtype(), pd.UInt64Dtype()),
)


def of_arrow(data: Any) -> Any:
    """An array of Arrow as numbers of numpy, or as what pandas or Python have.

    Structs become a table, lists rows or :class:`Columns`.
    """
    import pyarrow as pa  # noqa: PLC0415 - such an array has loaded it
    import pyarrow.types as is_type  # noqa: PLC0415 - such an array has loaded it

    data = _decoded(data)
    kind, complete = data.type, not data.null_count
    if is_type.is_struct(kind):
        return _table_of(data)
    if is_type.is_nested(kind):
        return _of_lists(data)
    if is_type.is_floating(kind) or (
        complete and (is_type.is_integer(kind) or is_type.is_boolean(kind))
    ):
        return data.to_numpy(zero_copy_only=False)
    if is_type.is_null(kind) or is_type.is_decimal(kind):
        return _objects(data.to_pylist())
    if not isinstance(data, pa.ChunkedArray):
        data = pa.chunked_array([data])
    nullable = {pa.bool_(): pd.BooleanDtype()} | {
        pa.type_for_alias(str(one).lower()): one for one in _NULLABLE
    }
    return data.to_pandas(types_mapper=nullable.get)


def readable(data: Any) -> Any:
    """A column as it is where pandas can read it; else its values, not encoded."""
    import pyarrow as pa  # noqa: PLC0415 - such a column has loaded it

    if not pa.types.is_dictionary(data.type):
        return _decoded(data)
    known = [chunk.dictionary for chunk in data.chunks]
    plain = all(not one.null_count and len(one) == len(one.unique()) for one in known)
    return data if plain else _decoded(data)


def of_polars(series: Any) -> Any:
    """A series of polars: the same."""
    kind = str(series.dtype).partition("(")[0]
    if kind == "Struct":
        return series.struct.unnest()
    if kind in ("List", "Array"):
        even = kind == "Array" or series.list.len().n_unique() == 1
        plain = series.dtype.inner.is_float() or series.dtype.inner.is_integer()
        if plain and even and len(series) and not series.null_count():
            return _rows(series.explode().to_numpy(), len(series))
        return _objects(series.to_list())
    return _of_values(series, kind)


def _of_values(series: Any, kind: str) -> Any:
    """One value per row: an array, or a column of pandas where numpy has no type."""
    if kind == "Enum":
        ordered = pd.CategoricalDtype(series.dtype.categories.to_list(), ordered=True)
        return pd.Series(series.to_numpy()).astype(ordered)
    zone = getattr(series.dtype, "time_zone", None)
    if zone is not None:
        times = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return pd.Series(times.to_numpy()).dt.tz_localize("UTC").dt.tz_convert(zone)
    if series.null_count() and (series.dtype.is_integer() or kind == "Boolean"):
        absent, filled = series.is_null().to_numpy(), series.fill_null(strategy="one")
        return pd.Series(pd.array(filled.to_numpy())).mask(absent)
    return series.to_numpy()


def _decoded(data: Any) -> Any:
    """Values without an encoding, and without a type of somebody's own."""
    import pyarrow as pa  # noqa: PLC0415 - such an array has loaded it
    import pyarrow.compute as pc  # noqa: PLC0415 - such an array has loaded it

    kind = data.type
    if isinstance(kind, pa.BaseExtensionType):
        return _decoded(data.cast(kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _decoded(data.cast(kind.value_type))
    if pa.types.is_run_end_encoded(kind):
        try:
            return _decoded(pc.run_end_decode(data))
        except pa.ArrowNotImplementedError:  # of half precision, in older versions
            return _decoded(pa.array(data.to_pylist(), kind.value_type))
    views = {"string_view": pa.large_string(), "binary_view": pa.large_binary()}
    return data.cast(views[str(kind)]) if str(kind) in views else data


def _table_of(data: Any) -> Any:
    """Structs as a table; a field is null where its struct is."""
    import pyarrow as pa  # noqa: PLC0415 - such an array has loaded it
    import pyarrow.compute as pc  # noqa: PLC0415 - such an array has loaded it

    places = range(data.type.num_fields)
    fields = [pc.struct_field(data, [place]) for place in places]
    return pa.table(fields, names=[data.type.field(place).name for place in places])


def _of_lists(data: Any) -> Any:
    """Lists of one length as rows of numbers; others as Python has them."""
    import pyarrow as pa  # noqa: PLC0415 - such an array has loaded it
    import pyarrow.compute as pc  # noqa: PLC0415 - such an array has loaded it

    plain = len(data) and not data.null_count and not pa.types.is_map(data.type)
    inner = getattr(data.type, "value_type", None)
    if plain and (pa.types.is_floating(inner) or pa.types.is_integer(inner)):
        sizes = pc.list_value_length(data)
        flat = pc.list_flatten(data)
        if pc.min(sizes) == pc.max(sizes) and not flat.null_count:
            return _rows(flat.to_numpy(), len(data))
    return _objects(data.to_pylist())


def _rows(flat: NDArray[Any], n_rows: int) -> Columns:
    return Columns(flat.reshape(n_rows, -1), None)


def _objects(values: list[Any]) -> NDArray[Any]:
    return pd.Series(values, dtype=object).to_numpy()
