"""States as text and as Arrow: plain types, numbers by name, a schema's version."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from .._display import (
    decode_label,
    decode_table,
    encode_label,
    encode_table,
    json_text,
)
from .._kernels.table import FloatArray

SCHEMA = 1
_TUPLES = ("labels", "unseen", "by")

Read = TypeVar("Read")


class Document(NamedTuple):
    """What a state is made of: plain values, the keys of its groups, and numbers."""

    header: Mapping[str, Any]
    keys: pd.DataFrame | None
    numbers: Mapping[str, FloatArray]


def to_json(document: Document) -> str:
    """Strict JSON: the numbers are bytes of little-endian doubles in base 64."""
    header, numbers = _split(document)
    text = base64.b64encode(numbers).decode("ascii")
    return json_text({"schema": SCHEMA, **header, "numbers": text})


def from_json(text: str | bytes) -> Document:
    """What was written."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError) as error:
        raise _no_state(str(error)) from None
    if not isinstance(found, dict):
        why = f"found a {type(found).__name__}"
        raise _no_state(why)
    _check_schema(found.get("schema"))
    return whole(found, lambda it: _joined(it, base64.b64decode(it["numbers"])))


def arrow_schema() -> Any:
    """Types that every engine knows."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    return pa.schema(
        [
            pa.field("schema_version", pa.int32(), nullable=False),
            pa.field("header", pa.string(), nullable=False),
            pa.field("numbers", pa.binary(), nullable=False),
        ]
    )


def to_arrow(document: Document) -> Any:
    """A batch of one row."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    header, numbers = _split(document)
    columns = [[SCHEMA], [json_text(header)], [numbers]]
    return pa.RecordBatch.from_pydict(
        dict(zip(arrow_schema().names, columns, strict=True)), schema=arrow_schema()
    )


def from_arrow(batch: Any) -> Iterator[Document]:
    """What was written in each row."""
    names = arrow_schema().names
    if not set(names) <= set(getattr(batch, "column_names", batch.schema.names)):
        why = f"found the columns {batch.schema.names}"
        raise _no_state(why)
    for row in batch.select(names).to_pylist():
        _check_schema(row["schema_version"])
        yield whole(row, lambda it: _joined(json.loads(it["header"]), it["numbers"]))


def whole(found: Any, read: Callable[[Any], Read]) -> Read:
    """What is read of a document; one sentence where a part of it is missing."""
    try:
        return read(found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = f"a part is missing or of another type ({error!r})"
        raise _no_state(why) from None


def _split(document: Document) -> tuple[dict[str, Any], bytes]:
    """A header that JSON knows, with the shapes of the numbers, and their bytes."""
    header = dict(document.header)
    for name in _TUPLES:
        header[name] = [encode_label(label) for label in header[name]]
    header["shapes"] = {name: list(v.shape) for name, v in document.numbers.items()}
    header["keys"] = header["times"] = None
    if document.keys is not None:
        keys = document.keys.copy()
        times = {
            name: str(dtype)
            for name, dtype in zip(keys.columns, keys.dtypes, strict=True)
            if getattr(dtype, "kind", "O") in "mM"
        }
        for name in times:
            keys[name] = keys[name].astype(np.int64)
        header["keys"], header["times"] = encode_table(keys), times
    parts = (np.ascontiguousarray(v, dtype="<f8") for v in document.numbers.values())
    return header, b"".join(part.tobytes() for part in parts)


def _joined(header: dict[str, Any], content: bytes) -> Document:
    """The document of a header and bytes."""
    found = dict(header)
    for name in _TUPLES:
        found[name] = tuple(decode_label(label) for label in found[name])
    keys, times = found["keys"], found["times"]
    if keys is not None:
        keys = decode_table(keys)
        for name, dtype in times.items():
            keys[name] = keys[name].astype(dtype)
    values = np.frombuffer(content, dtype="<f8")
    sizes = [int(np.prod(shape)) for shape in found["shapes"].values()]
    if sum(sizes) != len(values):
        msg = f"{len(values)} numbers for {sum(sizes)} places"
        raise ValueError(msg)
    parts = np.split(values, np.cumsum(sizes)[:-1])
    numbers = {
        name: part.astype(np.float64).reshape(shape)
        for (name, shape), part in zip(found["shapes"].items(), parts, strict=True)
    }
    return Document(found, keys, numbers)


def _check_schema(version: Any) -> None:
    if version != SCHEMA:
        why = f"its schema is {version!r}, here it is {SCHEMA}"
        raise _no_state(why)


def _no_state(why: str) -> ValueError:
    return ValueError(
        f"a state must be read from what to_json or to_arrow wrote: {why}; write it "
        "again with this version."
    )
