"""An evaluation as a document of plain types, written and read back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from .._decomposition.evidence import Evidence, evidence_of
from .._decomposition.ladder import COLUMNS
from .._decomposition.result import Decomposition
from .._display.checks import (
    COUNT,
    FLAG,
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    VALUE,
    MalformedError,
    check,
    check_each,
    object_schema,
    or_null,
    read_document,
    read_json,
    whole_schema,
)
from .._display.values import (
    decode_table,
    decode_value,
    encode_table,
    encode_value,
    table_schema,
    value_schemas,
)
from .._inputs.read_options import nats_per_unit
from .._measures.per_sample import PER_SAMPLE
from .._terms import TERMS
from .evaluate import Evaluated
from .reference_document import decode_reference, encode_reference, reference_schema

SCHEMA = 2  # of the document
_WITHOUT_REFERENCE = 1  # the schema of documents that say nothing of other rows
_ROUNDING = 1e-6  # more than sums of terms are away from the whole


def encode(
    decomposition: Decomposition, labels: tuple[Any, ...], **tables: pd.DataFrame | None
) -> dict[str, Any]:
    """The document of an evaluation; tables that it lacks are None there too."""
    reference = evidence_of(decomposition).reference_map
    return {
        "schema": SCHEMA,
        "decomposition": decomposition.to_dict(),
        "base": decomposition.base,
        "labels": [encode_value(label) for label in labels],
        "ladder": encode_table(decomposition.ladder),
        "reference": None if reference is None else encode_reference(reference),
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
    return read_document(text, lambda given: _decode(read_json(given)), _refusal)


def _refusal(why: str) -> ValueError:
    return ValueError(
        f"text must be the whole JSON of an evaluation, of schema {SCHEMA}: {why}; "
        "write it again with to_json, and pass what that gives."
    )


_OF_DECOMPOSITION = {
    **dict.fromkeys(TERMS, VALUE),
    **dict.fromkeys(("n", "n_classes", "n_clipped", "n_infinite", "n_unseen"), COUNT),
    **dict.fromkeys(("n_dropped", "n_skipped", "degrees_of_freedom"), COUNT),
    **dict.fromkeys(("n_groups", "n_folds"), COUNT.optional()),
    **dict.fromkeys(("n_effective", "clip"), NUMBER),
    **dict.fromkeys(("unit", "recalibration"), TEXT),
    "converged": FLAG,
    "vote_correction": TEXT.optional(),
    **dict.fromkeys(("standard_errors", "parameters", "notes"), OBJECT),
}
_OF_TABLES = {
    # Columns that every evaluation has had, and that its methods count on.
    "ladder": COLUMNS,
    "per_class": ("n", "weight", "cross_entropy", "cross_entropy_se", "note"),
    "folds": ("n", "weight", "cross_entropy", "cross_entropy_se", "recalibration"),
    "by_group": ("n", "weight", "cross_entropy", "cross_entropy_se", "note"),
    "per_sample": PER_SAMPLE,
}
_WHOLE = {
    "schema": COUNT,
    "decomposition": OBJECT,
    "base": NUMBER.optional(),
    "labels": LIST,
    **dict.fromkeys(("ladder", "per_class"), OBJECT),
    **dict.fromkeys(("folds", "by_group", "per_sample"), OBJECT.optional()),
    "reference": OBJECT.optional(),
}


def document_schema() -> dict[str, Any]:
    """The JSON Schema of the document, by the rules that it is read by."""
    later = _later()
    of_terms = object_schema(dict.fromkeys(TERMS, VALUE), may_lack=later)
    decomposition = object_schema(
        _OF_DECOMPOSITION,
        {
            "standard_errors": of_terms,
            "parameters": {"type": "object", "additionalProperties": VALUE.schema},
            "notes": {"type": "object", "additionalProperties": TEXT.schema},
        },
        may_lack=later,
    )
    tables = {name: table_schema(*columns) for name, columns in _OF_TABLES.items()}
    parts = {
        "schema": {"enum": [_WITHOUT_REFERENCE, SCHEMA]},
        "decomposition": decomposition,
        "labels": {"type": "array", "items": {"$ref": "#/$defs/value"}},
        "reference": or_null(reference_schema()),
        **{
            name: or_null(table) if _WHOLE[name].holds(None) else table
            for name, table in tables.items()
        },
    }
    whole = object_schema(_WHOLE, parts, may_lack=["reference"])
    newest = {
        "if": {"properties": {"schema": {"const": SCHEMA}}},
        "then": {"required": ["reference"]},
    }
    return whole_schema(
        "Evaluation", SCHEMA, whole | newest | {"$defs": value_schemas()}
    )


def _decode(found: Any) -> Evaluated:
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema not in (_WITHOUT_REFERENCE, SCHEMA) or isinstance(schema, bool):
        msg = f"found {schema!r}"
        raise MalformedError(msg)
    if schema == _WITHOUT_REFERENCE and "reference" not in found:
        found = {**found, "reference": None}
    check(found, _WHOLE, "the document")
    labels = tuple(decode_value(label) for label in found["labels"])
    scalars = _scalars(found["decomposition"])
    nats_per_unit(found["base"])
    if len(set(labels)) != scalars["n_classes"] or len(labels) != len(set(labels)):
        msg = (
            f"there must be {scalars['n_classes']} distinct labels, found {len(labels)}"
        )
        raise MalformedError(msg)
    decomposition = Decomposition(
        **scalars,
        ladder=_table(found, "ladder"),
        _evidence=Evidence(
            labels=labels,
            clip=scalars["clip"],
            base=found["base"],
            reference=decode_reference(found["reference"], labels, scalars["clip"]),
        ),
    )
    return Evaluated(
        decomposition,
        _table_if_any(found, "per_sample"),
        _table(found, "per_class"),
        labels,
        _table_if_any(found, "folds"),
        _table_if_any(found, "by_group"),
    )


def _later() -> list[str]:
    """Fields that old documents lack: what has a default came later than the rest."""
    return [
        one.name
        for one in dataclasses.fields(Decomposition)
        if one.default is not dataclasses.MISSING
    ]


def _scalars(found: Any) -> dict[str, Any]:
    """What a decomposition holds but for its table."""
    where, later = "the decomposition", _later()
    scalars = dict(check(found, _OF_DECOMPOSITION, where, may_lack=later))
    for name in scalars.keys() & {*TERMS, "n_effective", "clip"}:
        scalars[name] = float(scalars[name])
    of_terms = dict.fromkeys(TERMS, VALUE)
    errors = f"'standard_errors' of {where}"
    check(scalars["standard_errors"], of_terms, errors, may_lack=later)
    check_each(scalars["parameters"], VALUE, f"'parameters' of {where}")
    for name in ("standard_errors", "parameters"):
        scalars[name] = {key: float(value) for key, value in scalars[name].items()}
    check_each(scalars["notes"], TEXT, f"'notes' of {where}")
    _check_sums(scalars)
    return scalars


def _check_sums(terms: Mapping[str, float]) -> None:
    """Refuse terms that do not add up: one of them was changed."""
    whole = terms["cross_entropy"]
    for signs, parts in (
        ((1, 1), ("entropy", "kl_divergence")),
        ((1, -1, 1), ("uncertainty", "resolution", "miscalibration")),
    ):
        values = [sign * terms[name] for sign, name in zip(signs, parts, strict=True)]
        if not all(map(math.isfinite, (whole, *values))):
            continue
        away = abs(math.fsum((*values, -whole)))
        if away > _ROUNDING * max(map(abs, (whole, *values))):
            msg = f"the cross_entropy must be the sum of {', '.join(parts)}"
            raise MalformedError(msg)


def _table_if_any(whole: dict[str, Any], name: str) -> pd.DataFrame | None:
    return None if whole[name] is None else _table(whole, name)


def _table(whole: dict[str, Any], name: str) -> pd.DataFrame:
    """A table that has its columns, and numbers in all but those of text."""
    table = decode_table(whole[name], f"the table {name!r}")
    for column in _OF_TABLES[name]:
        if column not in table:
            msg = f"the table {name!r} lacks its column {column!r}"
            raise MalformedError(msg)
        text = column in ("note", "recalibration")
        if len(table) and text == (table[column].dtype.kind in "fiub"):
            msg = f"the column {column!r} of the table {name!r} is of another type"
            raise MalformedError(msg)
    return table
