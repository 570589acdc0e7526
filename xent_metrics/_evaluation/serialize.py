"""An evaluation as a document of plain types, written and read back."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from .._decomposition.evidence import Evidence
from .._decomposition.result import Decomposition
from .._display import decode_label, decode_table, encode_label, encode_table
from .._terms import TERMS
from .evaluate import Evaluated

SCHEMA = 1  # of the document


def encode(
    decomposition: Decomposition, labels: tuple[Any, ...], **tables: pd.DataFrame | None
) -> dict[str, Any]:
    """The document of an evaluation; tables that it lacks are None there too."""
    return {
        "schema": SCHEMA,
        "decomposition": decomposition.to_dict(),
        "base": decomposition.base,
        "labels": [encode_label(label) for label in labels],
        "ladder": encode_table(decomposition.ladder),
        **{
            name: None if table is None else encode_table(table)
            for name, table in tables.items()
        },
    }


def decode(text: str | bytes) -> Evaluated:
    """What an evaluation held when it was written, but for the data behind it."""
    if not isinstance(text, (str, bytes, bytearray)):
        msg = (
            "text must be the JSON of an evaluation, as str or bytes: found "
            f"{type(text).__name__}; pass what to_json gave."
        )
        raise TypeError(msg)
    try:
        found = json.loads(text)
    except ValueError as error:
        msg = (
            f"text must be the JSON of an evaluation: {error}; pass what to_json gave."
        )
        raise ValueError(msg) from None
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        msg = (
            f"text must be the JSON of an evaluation, of schema {SCHEMA}: found "
            f"{schema!r}; pass what to_json gave, of "
            "this version."
        )
        raise ValueError(msg)
    try:
        return _decode(found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        msg = (
            "text must be the whole JSON of an evaluation: a part of it is missing or "
            f"of another type ({error!r}); pass what to_json gave."
        )
        raise ValueError(msg) from None


def _decode(found: dict[str, Any]) -> Evaluated:
    labels = tuple(decode_label(label) for label in found["labels"])
    scalars = dict(found["decomposition"])
    for name in (*TERMS, "n_effective", "clip"):
        scalars[name] = float(scalars[name])
    for name in ("standard_errors", "parameters"):
        scalars[name] = {key: float(value) for key, value in scalars[name].items()}
    decomposition = Decomposition(
        **scalars,
        ladder=decode_table(found["ladder"]),
        _evidence=Evidence(labels=labels, clip=scalars["clip"], base=found["base"]),
    )
    return Evaluated(
        decomposition,
        _table_if_any(found["per_sample"]),
        decode_table(found["per_class"]),
        labels,
        _table_if_any(found["folds"]),
        _table_if_any(found["by_group"]),
    )


def _table_if_any(found: dict[str, Any] | None) -> pd.DataFrame | None:
    return None if found is None else decode_table(found)
