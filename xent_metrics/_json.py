"""Tables and labels as strict JSON, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd


def encode_label(label: Any) -> Any:
    """A label as JSON knows it; what it does not know becomes text."""
    if isinstance(label, np.generic):
        label = label.item()
    if isinstance(label, float) and not math.isfinite(label):
        return None if math.isnan(label) else str(label)
    if isinstance(label, tuple):
        return [encode_label(one) for one in label]
    if label is None or isinstance(label, (str, int, float, bool)):
        return label
    return None if pd.isna(label) else str(label)


def decode_label(label: Any) -> Any:
    """A label read from JSON."""
    return tuple(map(decode_label, label)) if isinstance(label, list) else label


def encode_table(table: pd.DataFrame) -> dict[str, Any]:
    """Columns as lists, with their kind; numbers that are not finite are text."""
    return {
        "index": [encode_label(label) for label in table.index.tolist()],
        "index_names": [encode_label(name) for name in table.index.names],
        "columns": [
            {
                "name": encode_label(name),
                "kind": _kind(column),
                "values": [_encode(value) for value in column.tolist()],
            }
            for name, column in table.items()
        ],
    }


def decode_table(found: dict[str, Any]) -> pd.DataFrame:
    """The table that was encoded."""
    labels = [decode_label(label) for label in found["index"]]
    names = [decode_label(name) for name in found["index_names"]]
    index: pd.Index[Any]
    if len(names) > 1:
        index = pd.MultiIndex.from_tuples(labels, names=names)
    else:
        index = pd.Index(labels, name=names[0], tupleize_cols=False)
    columns = {
        decode_label(column["name"]): _decode(column["values"], column["kind"])
        for column in found["columns"]
    }
    return pd.DataFrame(columns, index=index)


def _kind(column: pd.Series[Any]) -> str:
    kind = getattr(column.dtype, "kind", "O")
    return {"f": "number", "i": "integer", "u": "integer", "b": "boolean"}.get(
        kind, "label"
    )


def _encode(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return encode_label(value)


def _decode(values: list[Any], kind: str) -> Any:
    if kind == "number":
        return np.array([float(value) for value in values])
    if kind in ("integer", "boolean"):
        return np.array(values, dtype={"integer": np.int64, "boolean": np.bool_}[kind])
    return pd.Series([decode_label(value) for value in values], dtype=None).to_numpy()
