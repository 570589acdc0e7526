"""States as text and as Arrow: plain types, numbers by name, a schema's version."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._display.checks import (
    COUNT,
    FLAG,
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    MalformedError,
    Read,
    Rule,
    check,
    check_each,
    object_schema,
    or_null,
    read_document,
    read_json,
    whole_schema,
)
from .._display.result import json_text
from .._display.values import (
    decode_table,
    decode_value,
    encode_table,
    encode_value,
    table_schema,
    value_schemas,
)
from .._kernels.table import FloatArray

SCHEMA = 2
_TUPLES = ("labels", "unseen", "by")
_FIRST = {
    "labels": LIST,
    "soft": FLAG,
    "clip": NUMBER,
    "by": LIST,
    "under": TEXT,
    "counts": OBJECT,
    "unseen": LIST,
    "shapes": OBJECT,
    "keys": OBJECT.optional(),
    "times": OBJECT.optional(),
}
# What a header of each schema holds: the first was without a reference.
_HEADERS: Mapping[int, Mapping[str, Rule]] = {
    1: _FIRST,
    2: {**_FIRST, "reference": TEXT},
}


def _whole(header: Mapping[str, Rule]) -> dict[str, Rule]:
    return {"schema": COUNT, **header, "numbers": TEXT}


_UNFORESEEN = "it cannot be read ({})"


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


def document_schema() -> dict[str, Any]:
    """The JSON Schema of a state, by the rules that it is read by."""
    values = {"type": "array", "items": {"$ref": "#/$defs/value"}}
    shape = {"type": "array", "items": COUNT.schema}
    parts: dict[str, Any] = {
        **dict.fromkeys(_TUPLES, values),
        "counts": {"type": "object", "additionalProperties": COUNT.schema},
        "shapes": {"type": "object", "additionalProperties": shape},
        "keys": or_null(table_schema()),
        "numbers": {**TEXT.schema, "contentEncoding": "base64"},
    }
    versions = [
        object_schema(_whole(header), {**parts, "schema": {"const": version}})
        for version, header in _HEADERS.items()
    ]
    whole = {"anyOf": versions, "$defs": value_schemas()}
    return whole_schema("Scan state", SCHEMA, whole)


def from_json(text: str | bytes, read: Callable[[Document], Read]) -> Read:
    """What was written, read further."""

    def whole(text: str | bytes) -> Read:
        found = read_json(text)
        if not isinstance(found, dict):
            msg = f"found a {type(found).__name__}"
            raise MalformedError(msg)
        header = _header_of(found.get("schema"))
        check(found, _whole(header), "the state")
        content = base64.b64decode(found["numbers"], validate=True)
        return read(_joined(found, content))

    return read_document(text, whole, _no_state, unforeseen=_UNFORESEEN)


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


def from_arrow(batch: Any, read: Callable[[Document], Read]) -> Iterator[Read]:
    """What was written in each row, read further."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    if not isinstance(batch, (pa.RecordBatch, pa.Table)):
        msg = (
            "states must be read from a RecordBatch or Table of pyarrow: found a "
            f"{type(batch).__name__}; pass what to_arrow gave."
        )
        raise TypeError(msg)
    names = arrow_schema().names
    if sorted(set(names) & set(batch.schema.names)) != sorted(names):
        why = f"found the columns {batch.schema.names}"
        raise _no_state(why)

    def whole(row: Any) -> Read:
        rules = _header_of(row["schema_version"])
        header = check(read_json(row["header"]), rules, "the header of a state")
        return read(_joined(header, bytes(row["numbers"])))

    for row in batch.select(names).to_pylist():
        yield read_document(row, whole, _no_state, unforeseen=_UNFORESEEN)


def _split(document: Document) -> tuple[dict[str, Any], bytes]:
    """A header that JSON knows, with the shapes of the numbers, and their bytes."""
    header = dict(document.header)
    for name in _TUPLES:
        header[name] = [encode_value(label) for label in header[name]]
    header["shapes"] = {name: list(v.shape) for name, v in document.numbers.items()}
    header["keys"] = header["times"] = None
    if document.keys is not None:
        header["keys"], header["times"] = encode_table(document.keys), {}
    parts = (np.ascontiguousarray(v, dtype="<f8") for v in document.numbers.values())
    return header, b"".join(part.tobytes() for part in parts)


def _joined(header: dict[str, Any], content: bytes) -> Document:
    """The document of a header and bytes."""
    found = dict(header)
    for name in _TUPLES:
        found[name] = tuple(decode_value(label) for label in found[name])
    keys = None
    if found["keys"] is not None:
        keys = decode_table(found["keys"], "the table of keys")
        # Times were once written as numbers, with their type here.
        for name, dtype in (found["times"] or {}).items():
            keys[name] = keys[name].astype(dtype)
    values = np.frombuffer(content, dtype="<f8")
    sizes = []
    for name, shape in found["shapes"].items():
        check_each(shape, COUNT, f"the shape of {name!r}")
        sizes.append(math.prod(shape))
    if sum(sizes) != len(values):
        msg = f"{len(values)} numbers for {sum(sizes)} places"
        raise MalformedError(msg)
    parts = np.split(values, np.cumsum(sizes)[:-1])
    numbers = {
        name: part.astype(np.float64).reshape(shape)
        for (name, shape), part in zip(found["shapes"].items(), parts, strict=True)
    }
    return Document(found, keys, numbers)


def _header_of(version: Any) -> Mapping[str, Rule]:
    """The rules of a schema's header."""
    if isinstance(version, bool) or version not in _HEADERS:
        why = f"its schema is {version!r}, here it is {SCHEMA}"
        raise MalformedError(why)
    return _HEADERS[version]


def _no_state(why: str) -> ValueError:
    return ValueError(
        f"a state must be read from what to_json or to_arrow wrote: {why}; write it "
        "again with this version."
    )
