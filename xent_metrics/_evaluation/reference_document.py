"""What evaluated rows say of others, as a part of a document."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from .._decomposition.reference_map import ReferenceMap
from .._display.checks import (
    COUNT,
    LIST,
    NUMBER,
    TEXT,
    VALUE,
    MalformedError,
    check,
    check_each,
    object_schema,
)
from .._kernels.table import FloatArray
from .._recalibration.flexible import Described, describe, described

_LISTS = ("parameters", "frequencies", "of_classes", "low", "high")
_NUMBERS = ("cross_entropy", "dispersion", "correlation")
_RULES = {
    **dict.fromkeys(("map", "own", "covariance"), TEXT),
    **dict.fromkeys(("knots", *_LISTS), LIST),
    **dict.fromkeys(_NUMBERS, VALUE),
    "n": COUNT,
    "n_independent": NUMBER,
}
_WHERE = "the reference"


def reference_schema() -> dict[str, Any]:
    """The JSON Schema of what is encoded."""
    numbers = {"type": "array", "items": NUMBER.schema}
    parts = {
        **dict.fromkeys(_LISTS, numbers),
        "knots": {"type": "array", "items": {**numbers, "minItems": 2}},
        "covariance": {**TEXT.schema, "contentEncoding": "base64"},
    }
    return object_schema(_RULES, parts)


def encode_reference(found: ReferenceMap) -> dict[str, Any]:
    """The map and the covariance: the lower triangle, as doubles in base 64."""
    of_map = describe(found.family)
    size = len(found.covariance) - len(found.beside)
    lower = found.covariance[:size, :size][np.tril_indices(size)]
    content = np.ascontiguousarray(lower, dtype="<f8").tobytes()
    return {
        "map": of_map.name,
        "own": of_map.own,
        "knots": [knots.tolist() for knots in of_map.knots],
        **{name: getattr(found, name).tolist() for name in _LISTS},
        **{name: getattr(found, name) for name in _NUMBERS},
        "n": found.n,
        "n_independent": found.n_independent,
        "covariance": base64.b64encode(content).decode("ascii"),
    }


def decode_reference(
    found: Any, labels: tuple[Any, ...], clip: float
) -> ReferenceMap | None:
    """What was encoded; None where there was no map."""
    if found is None:
        return None
    check(found, _RULES, _WHERE)
    knots = tuple(_numbers(each, "'knots'") for each in found["knots"])
    for each in knots:
        if len(each) < 2 or not (np.diff(each) > 0).all():  # noqa: PLR2004
            msg = f"'knots' of {_WHERE} must rise"
            raise MalformedError(msg)
    k = len(labels)
    family = described(Described(found["map"], found["own"], knots), k)
    lists = {name: _numbers(found[name], f"{name!r}") for name in _LISTS}
    for name, values in lists.items():
        n = len(family.identity) if name == "parameters" else k
        if len(values) != n:
            msg = f"{name!r} of {_WHERE} must hold {n} numbers, found {len(values)}"
            raise MalformedError(msg)
    shares = lists["frequencies"]
    if (shares < 0).any() or shares.sum() > 1 + _ROUNDING:
        msg = f"'frequencies' of {_WHERE} must be shares"
        raise MalformedError(msg)
    size = len(family.identity) + 1 + 2 * k
    return ReferenceMap(
        labels=labels,
        clip=clip,
        family=family,
        beside=np.zeros(0),
        covariance=_covariance(found["covariance"], size),
        n=found["n"],
        n_independent=float(found["n_independent"]),
        parameters=lists["parameters"],
        frequencies=lists["frequencies"],
        of_classes=lists["of_classes"],
        low=lists["low"],
        high=lists["high"],
        cross_entropy=float(found["cross_entropy"]),
        dispersion=float(found["dispersion"]),
        correlation=float(found["correlation"]),
    )


_ROUNDING = 1e-9


def _numbers(found: Any, what: str) -> FloatArray:
    if not isinstance(found, list):
        msg = f"{what} of {_WHERE} must be a list of numbers"
        raise MalformedError(msg)
    check_each(found, NUMBER, f"{what} of {_WHERE}")
    return np.array(found, dtype=np.float64)


def _covariance(text: str, size: int) -> FloatArray:
    """The matrix of its lower triangle."""
    content = base64.b64decode(text, validate=True)
    n = size * (size + 1) // 2
    if len(content) != 8 * n:
        msg = f"'covariance' of {_WHERE} must hold {n} numbers"
        raise MalformedError(msg)
    lower = np.frombuffer(content, dtype="<f8").astype(np.float64)
    found = np.zeros((size, size))
    found[np.tril_indices(size)] = lower
    found += np.tril(found, -1).T
    if not np.isfinite(found).all() or (np.diag(found) < 0).any():
        msg = f"'covariance' of {_WHERE} must hold finite variances of 0 or more"
        raise MalformedError(msg)
    return found
