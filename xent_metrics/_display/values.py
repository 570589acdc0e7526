"""Values and tables as JSON that is read back: each comes back as it was.

What JSON knows is written as it is, and a tuple as a list. Any other value is an object
of its type and its parts, as ``{"type": "date", "value": "2026-03-01"}``.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
import re
import reprlib
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_object_dtype, pandas_dtype

from .checks import (
    ANYTHING,
    FLAG,
    INTEGER,
    LIST,
    UNREADABLE,
    VALUE,
    MalformedError,
    Rule,
    check,
    check_each,
    check_one,
    object_schema,
    or_null,
)

_DEFAULTS = {"number": "float64", "integer": "int64", "boolean": "bool"}
_DTYPE = re.compile(
    r"object|str|string(\[\w+\])?|bool(ean)?|[uU]?[iI]nt(8|16|32|64)"
    r"|[fF]loat(16|32|64)|complex(64|128)|(datetime|timedelta)64\[[^\]]+\]"
    r"|period\[[^\]]+\]|interval\[.+\]|\w+(\[[^\]]+\])?\[pyarrow\]"
)


def _read_float(text: Any) -> float:
    check_one(text, VALUE, "a float")
    return float(text)


class _Type(NamedTuple):
    """How values of one class are written, and read."""

    cls: type
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


@lru_cache(maxsize=256)
def _zone_name(zone: dt.tzinfo) -> str:
    """The name that pandas reads the zone by."""
    name = str(zone)
    try:
        found = str(pd.DatetimeTZDtype(unit="ns", tz=name).tz)
    except UNREADABLE:
        found = ""
    if found != name:
        raise _unwritable(zone)
    return name


def _write_datetime(value: dt.datetime) -> list[Any]:
    zone = value.tzinfo
    of_zone: Any = None
    if isinstance(zone, dt.timezone):
        of_zone = value.utcoffset().total_seconds()  # type: ignore[union-attr] # it has one
    elif isinstance(zone, ZoneInfo) and zone.key is not None:
        of_zone = zone.key
    elif zone is not None:
        raise _unwritable(value)
    return [value.replace(tzinfo=None).isoformat(), value.fold, of_zone]


def _read_datetime(found: Any) -> dt.datetime:
    text, fold, of_zone = found
    zone: dt.tzinfo | None = None
    if isinstance(of_zone, str):
        zone = ZoneInfo(of_zone)
    elif of_zone is not None:
        zone = dt.timezone(dt.timedelta(seconds=of_zone))
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def _write_timestamp(value: pd.Timestamp) -> list[Any]:
    zone = None if value.tzinfo is None else _zone_name(value.tzinfo)
    return [int(value.asm8.astype(np.int64)), value.unit, zone]


def _read_timestamp(found: Any) -> pd.Timestamp:
    number, unit, zone = found
    naive = pd.Timestamp(np.datetime64(number, unit))
    return naive if zone is None else naive.tz_localize("UTC").tz_convert(zone)


def _write_time(value: dt.time) -> str:
    if not isinstance(value.tzinfo, dt.timezone | None):
        raise _unwritable(value)
    return value.isoformat()


def _write_numpy_time(value: Any) -> list[Any]:
    return [int(value.astype(np.int64)), value.dtype.str]


def _read_numpy_time(found: Any) -> Any:
    number, dtype = found
    if np.dtype(dtype).kind not in "mM":
        msg = f"{dtype!r} is no type of times"
        raise MalformedError(msg)
    return np.array([number], dtype=np.int64).view(dtype)[0]


_TYPES = {
    "float": _Type(float, str, _read_float),
    "text": _Type(
        str,
        lambda it: it.encode("utf-8", "surrogatepass").hex(),
        lambda it: bytes.fromhex(it).decode("utf-8", "surrogatepass"),
    ),
    "bytes": _Type(
        bytes,
        lambda it: base64.b64encode(it).decode("ascii"),
        lambda it: base64.b64decode(it, validate=True),
    ),
    "complex": _Type(
        complex,
        lambda it: [encode_value(it.real), encode_value(it.imag)],
        lambda it: complex(*map(decode_value, it)),
    ),
    "decimal": _Type(Decimal, str, Decimal),
    "uuid": _Type(uuid.UUID, str, uuid.UUID),
    "date": _Type(dt.date, dt.date.isoformat, dt.date.fromisoformat),
    "time": _Type(dt.time, _write_time, dt.time.fromisoformat),
    "datetime": _Type(dt.datetime, _write_datetime, _read_datetime),
    "timedelta": _Type(
        dt.timedelta,
        lambda it: [it.days, it.seconds, it.microseconds],
        lambda it: dt.timedelta(*it),
    ),
    "NaT": _Type(type(pd.NaT), lambda _: None, lambda _: pd.NaT),
    "NA": _Type(type(pd.NA), lambda _: None, lambda _: pd.NA),
    "Timestamp": _Type(pd.Timestamp, _write_timestamp, _read_timestamp),
    "Timedelta": _Type(
        pd.Timedelta,
        lambda it: [int(it.asm8.astype(np.int64)), it.unit],
        lambda it: pd.Timedelta(np.timedelta64(*it)),
    ),
    "Period": _Type(
        pd.Period,
        lambda it: [it.ordinal, it.freqstr],
        lambda it: pd.Period(ordinal=it[0], freq=it[1]),
    ),
    "Interval": _Type(
        pd.Interval,
        lambda it: [encode_value(it.left), encode_value(it.right), it.closed],
        lambda it: pd.Interval(decode_value(it[0]), decode_value(it[1]), it[2]),
    ),
    "datetime64": _Type(np.datetime64, _write_numpy_time, _read_numpy_time),
    "timedelta64": _Type(np.timedelta64, _write_numpy_time, _read_numpy_time),
}
_NAMES = {one.cls: name for name, one in _TYPES.items()}


def encode_value(value: Any) -> Any:
    """A label or key as JSON knows it, from which :func:`decode_value` makes it again.

    Raises
    ------
    TypeError
        If values of its type cannot be read back.
    """
    if isinstance(value, np.generic) and type(value) not in _NAMES:
        value = value.item()
    if isinstance(value, tuple):
        return [encode_value(one) for one in value]
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _tagged("float", value)
    if isinstance(value, str):
        return _tagged("text", value) if _has_surrogates(value) else value
    if type(value) not in _NAMES:
        raise _unwritable(value)
    return _tagged(_NAMES[type(value)], value)


def decode_value(found: Any) -> Any:
    """A label or key that was encoded."""
    if isinstance(found, list):
        return tuple(map(decode_value, found))
    if isinstance(found, dict):
        check(found, _TAGGED, "a value")
        return _TYPES[found["type"]].read(found["value"])
    return found


_TYPE = Rule(
    "the name of a type",
    lambda found: isinstance(found, str) and found in _TYPES,
    {"enum": list(_TYPES)},
)
_TAGGED = {"type": _TYPE, "value": ANYTHING}


def _tagged(name: str, value: Any) -> dict[str, Any]:
    return {"type": name, "value": _TYPES[name].write(value)}


def _has_surrogates(text: str) -> bool:
    """Whether there are halves of characters, which JSON would join."""
    return not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text)


def _unwritable(value: Any) -> TypeError:
    return TypeError(
        "labels, groups and row names that are written must be text, numbers, "
        f"booleans, times, bytes or missing: found {reprlib.repr(value)} of type "
        f"{type(value).__name__}; convert them to text first."
    )


def encode_table(table: pd.DataFrame) -> dict[str, Any]:
    """Columns as lists, with their kind; numbers that are not finite are text.

    A type is named where the values alone would come back as another one; those of
    categories come back as values.
    """
    index = table.index
    levels = [index]
    if isinstance(index, pd.MultiIndex):
        unnamed = index.set_names([None] * index.nlevels)  # whose names may be numbers
        levels = [unnamed.get_level_values(k) for k in range(index.nlevels)]
    found: dict[str, Any] = {
        "index": [encode_value(label) for label in index.tolist()],
        "index_names": [encode_value(name) for name in index.names],
        "columns": [_encode_column(name, column) for name, column in table.items()],
    }
    dtypes = [_named_unless(level, _inferred(level.tolist())) for level in levels]
    return found | ({"index_dtypes": dtypes} if any(dtypes) else {})


def _encode_column(name: Any, column: pd.Series[Any]) -> dict[str, Any]:
    kind, values = _kind(column), column.tolist()
    if kind == "label":
        default = _inferred(values)
    else:
        default = np.dtype(_DEFAULTS[kind])
        values = [None if _is_absent(value) else value for value in values]
    dtype = _named_unless(column, default)
    return {
        "name": encode_value(name),
        "kind": kind,
        "values": [
            str(value)
            if kind == "number" and value is not None and not math.isfinite(value)
            else encode_value(value)
            for value in values
        ],
        **({} if dtype is None else {"dtype": dtype}),
    }


def _is_absent(value: Any) -> bool:
    return value is None or value is pd.NA


def _kind(column: pd.Series[Any]) -> str:
    kind = getattr(column.dtype, "kind", "O")
    return {"f": "number", "i": "integer", "u": "integer", "b": "boolean"}.get(
        kind, "label"
    )


def _inferred(values: list[Any]) -> Any:
    """The type that values are read back with where none is named."""
    try:
        return pd.Index(values, tupleize_cols=False).dtype
    except UNREADABLE:  # such as half characters
        return None


def _named_unless(values: pd.Series[Any] | pd.Index[Any], default: Any) -> str | None:
    """The name of the type of values, or of any; None if it is the default."""
    dtype = values.dtype
    if dtype == default:
        return None
    if is_object_dtype(dtype) and infer_dtype(values, skipna=False) == "string":
        # What type text has depends on the version of pandas.
        return None if isinstance(default, pd.StringDtype) else "object"
    for name in (str(dtype), f"string[{getattr(dtype, 'storage', '')}]"):
        try:
            if _DTYPE.fullmatch(name) and pandas_dtype(name) == dtype:
                return name
        except UNREADABLE:
            continue
    return "object"


def decode_table(found: Any, where: str) -> pd.DataFrame:
    """The table that was encoded.

    Raises
    ------
    MalformedError
        If it is none.
    """
    check(found, _OF_TABLE, where, may_lack=["index_dtypes"])
    names = [decode_value(name) for name in found["index_names"]]
    dtypes = found.get("index_dtypes", [None] * len(names))
    check_each(dtypes, _DTYPE_NAME, f"'index_dtypes' of {where}")
    if not names or len(dtypes) != len(names):
        msg = f"{where} must have a name and a type for each level of its index"
        raise MalformedError(msg)
    labels = [decode_value(label) for label in found["index"]]
    index = _index(labels, names, dtypes, where)
    columns: dict[Any, Any] = {}
    for place, column in enumerate(found["columns"]):
        name, values = _decode_column(column, f"column {place} of {where}")
        if name in columns or len(values) != len(labels):
            msg = (
                f"{where} must have columns of {len(labels)} values, of other names: "
                f"{reprlib.repr(name)} has {len(values)}, or occurs twice"
            )
            raise MalformedError(msg)
        columns[name] = values
    return pd.DataFrame(columns, index=index)


_DTYPE_NAME = Rule(
    "the name of a type",
    lambda found: isinstance(found, str) and _is_dtype(found),
    {"type": "string"},
).optional()
_KIND = Rule(
    "a kind of values",
    lambda found: isinstance(found, str) and found in (*_DEFAULTS, "label"),
    {"enum": [*_DEFAULTS, "label"]},
)
_OF_KIND = {"number": VALUE, "integer": INTEGER, "boolean": FLAG}
_OF_TABLE = dict.fromkeys(("index", "index_names", "columns", "index_dtypes"), LIST)
_OF_COLUMN = {
    "name": ANYTHING,
    "kind": _KIND,
    "values": LIST,
    "dtype": _DTYPE_NAME,
}
_ANY_VALUE = {"$ref": "#/$defs/value"}


def value_schemas() -> dict[str, Any]:
    """The JSON Schemas of values and tables, which others refer to in ``$defs``."""
    plain = ("null", "boolean", "number", "string")
    values = {"type": "array", "items": _ANY_VALUE}
    of_kinds = {kind: or_null(rule.schema) for kind, rule in _OF_KIND.items()}
    column = object_schema(_OF_COLUMN, {"name": _ANY_VALUE}, may_lack=["dtype"])
    return {
        "value": {
            "anyOf": [{"type": list(plain)}, values, object_schema(_TAGGED)],
            "description": "null, a plain value, a tuple, or an object of its type "
            "and its parts",
        },
        "column": column
        | {
            "oneOf": [
                {
                    "properties": {
                        "kind": {"const": kind},
                        "values": {"type": "array", "items": items},
                    }
                }
                for kind, items in (of_kinds | {"label": _ANY_VALUE}).items()
            ]
        },
        "table": object_schema(
            _OF_TABLE,
            {
                "index": values,
                "index_names": {**values, "minItems": 1},
                "columns": {"type": "array", "items": {"$ref": "#/$defs/column"}},
                "index_dtypes": {"type": "array", "items": _DTYPE_NAME.schema},
            },
            may_lack=["index_dtypes"],
        ),
    }


def table_schema(*columns: str) -> dict[str, Any]:
    """The JSON Schema of a table that has these columns, and perhaps others."""
    contains = [
        {"contains": {"properties": {"name": {"const": name}}, "required": ["name"]}}
        for name in columns
    ]
    table: dict[str, Any] = {"$ref": "#/$defs/table"}
    return table | ({"properties": {"columns": {"allOf": contains}}} if columns else {})


def _is_dtype(name: str) -> bool:
    return _DTYPE.fullmatch(name) is not None


def _index(
    labels: list[Any], names: list[Any], dtypes: list[Any], where: str
) -> pd.Index[Any]:
    if len(names) == 1:
        (dtype,) = dtypes
        index: pd.Index[Any] = pd.Index(labels, dtype=dtype, tupleize_cols=False)
        return index.set_names(names)
    for label in labels:
        if not isinstance(label, tuple) or len(label) != len(names):
            msg = f"{where} must have {len(names)} labels per row, found {label!r}"
            raise MalformedError(msg)
    levels = [
        pd.Index([label[k] for label in labels], dtype=dtype, tupleize_cols=False)
        for k, dtype in enumerate(dtypes)
    ]
    return pd.MultiIndex.from_arrays(levels, names=names)


def _decode_column(column: Any, where: str) -> tuple[Any, Any]:
    check(column, _OF_COLUMN, where, may_lack=["dtype"])
    kind, values, dtype = column["kind"], column["values"], column.get("dtype")
    name = decode_value(column["name"])
    if kind == "label":
        found = [decode_value(value) for value in values]
        return name, pd.Index(found, dtype=dtype, tupleize_cols=False)
    rule = _OF_KIND[kind]
    check_each(
        values, rule if dtype is None else rule.optional(), f"'values' of {where}"
    )
    if kind == "number":
        values = [None if value is None else float(value) for value in values]
    return name, pd.Series(values, dtype=dtype or _DEFAULTS[kind]).array
