"""A monitor as a document of plain types, written and read back."""

from __future__ import annotations

import base64
import dataclasses
import math
from typing import Any

import numpy as np

from .._display.checks import (
    ANYTHING,
    COUNT,
    FLAG,
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    VALUE,
    MalformedError,
    Rule,
    check,
    check_each,
    check_one,
    read_document,
    read_json,
)
from .._display.result import json_text
from .._display.values import decode_value, encode_value
from .._evaluation.reference_document import decode_reference, encode_reference
from .._inputs.read_options import check_clip, nats_per_unit
from .._kernels.table import FloatArray
from .alarm import Alarm
from .betting import Band, Capital, Clock
from .running import Period, Running, Setup
from .watched import STAKES, WATCHABLE, Sums, Watched, of_class

SCHEMA = 1
_COUNTS = ("year", "number", "n", "n_unseen", "n_outside", "n_units")
_BY_WATCHED = ("total", "squares", "width")
_WHOLE = {
    **dict.fromkeys(("schema", "periods", "period", "year", "n_units"), COUNT),
    **dict.fromkeys(("labels", "terms", "classes", "tolerances"), LIST),
    **dict.fromkeys(("history", "alarms"), LIST),
    **dict.fromkeys(("clip", "alpha", "along", "across"), NUMBER),
    "reference": OBJECT,
    "base": NUMBER.optional(),
    "grouped": FLAG,
    "numbers": TEXT,
}
_OF_PERIOD = {
    "when": ANYTHING,
    **dict.fromkeys(_COUNTS, COUNT),
    **dict.fromkeys(_BY_WATCHED, LIST),
    "log_evidence": NUMBER,
}
_FLOATS = ("change", "standard_error", "band", "evidence", "threshold")
_OF_ALARM = {
    **dict.fromkeys(("when", "since"), ANYTHING),
    **dict.fromkeys(("on", "unit"), TEXT),
    "direction": Rule("'higher' or 'lower'", lambda it: it in ("higher", "lower")),
    **dict.fromkeys(_FLOATS, VALUE),
    **dict.fromkeys(("period", "year"), COUNT),
}


def encode(setup: Setup, running: Running) -> str:
    """Strict JSON; arrays are bytes of little-endian doubles in base 64."""
    arrays = _arrays(setup, running)
    content = b"".join(np.ascontiguousarray(one, "<f8").tobytes() for one in arrays)
    reference = setup.reference
    document = {
        "schema": SCHEMA,
        "reference": encode_reference(reference),
        "labels": [encode_value(label) for label in reference.labels],
        "clip": reference.clip,
        "base": setup.base,
        "grouped": setup.grouped,
        "terms": [one.name for one in setup.watch if one.place is None],
        "classes": [one.place for one in setup.watch if one.place is not None],
        "tolerances": list(setup.tolerances),
        "alpha": setup.alpha,
        "along": setup.band.along,
        "across": setup.band.across,
        "periods": running.clock.periods,
        "period": running.clock.period,
        "year": running.year,
        "n_units": running.capital.block.n_units,
        "history": [_encode_period(one) for one in running.history],
        "alarms": [_encode_alarm(one) for one in running.alarms],
        "numbers": base64.b64encode(content).decode("ascii"),
    }
    return json_text(document)


def decode(text: str | bytes) -> tuple[Setup, Running]:
    """What was encoded."""
    if not isinstance(text, (str, bytes, bytearray)):
        msg = (
            "text must be the JSON of a monitor, as str or bytes: found "
            f"{type(text).__name__}; pass what to_json gave."
        )
        raise TypeError(msg)
    return read_document(text, lambda given: _decode(read_json(given)), _refusal)


def _refusal(why: str) -> ValueError:
    return ValueError(
        f"text must be the whole JSON of a monitor, of schema {SCHEMA}: {why}; write "
        "it again with to_json, and pass what that gives."
    )


def _arrays(setup: Setup, running: Running) -> tuple[FloatArray, ...]:
    """All arrays of a state, in their order."""
    block = running.capital.block
    of_block: tuple[FloatArray, ...] = block[1:]
    return (setup.band.directions, running.pull, running.capital.before, *of_block)


def _encode_period(one: Period) -> dict[str, Any]:
    found = one._asdict() | {"when": encode_value(one.when)}
    return found | {name: found[name].tolist() for name in _BY_WATCHED}


def _encode_alarm(one: Alarm) -> dict[str, Any]:
    found = {each.name: getattr(one, each.name) for each in dataclasses.fields(one)}
    return found | {name: encode_value(found[name]) for name in ("when", "since")}


def _decode(found: Any) -> tuple[Setup, Running]:
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA or isinstance(schema, bool):
        msg = f"found {schema!r}"
        raise MalformedError(msg)
    check(found, _WHOLE, "the document")
    nats_per_unit(found["base"])
    labels = tuple(decode_value(label) for label in found["labels"])
    if not labels or len(set(labels)) < len(labels):
        msg = f"its labels must be distinct, found {len(labels)}"
        raise MalformedError(msg)
    clip = check_clip(found["clip"])
    reference = decode_reference(found["reference"], labels, clip)
    assert reference is not None, "an object was found"
    watch = _watch(found, labels)
    tolerances = _numbers(found["tolerances"], len(watch), "'tolerances'")
    if not 0 < found["alpha"] < 1 or found["periods"] < 1:
        msg = "its alpha must be in (0, 1), and its periods 1 or more"
        raise MalformedError(msg)
    if min(found["along"], found["across"], *found["tolerances"]) < 0:
        msg = "its 'along', 'across' and tolerances must be 0 or more"
        raise MalformedError(msg)
    d = reference.n_parameters
    arrays = _read_arrays(found["numbers"], len(watch), d)
    directions, pull, before, *of_block = arrays
    band = Band(
        reference.covariance[:d, :d],
        directions,
        float(found["along"]),
        float(found["across"]),
    )
    with np.errstate(over="ignore", invalid="ignore"):
        widths = band.widths(directions)
    if not np.isfinite(widths).all():
        msg = "its covariance and directions must make a band that is finite"
        raise MalformedError(msg)
    setup = Setup(
        reference=reference,
        watch=watch,
        tolerances=tuple(tolerances.tolist()),
        band=band,
        alpha=float(found["alpha"]),
        base=found["base"],
        grouped=found["grouped"],
    )
    history = tuple(_decode_period(one, len(watch)) for one in found["history"])
    alarms = tuple(_decode_alarm(one) for one in found["alarms"])
    _check_place(found, history)
    return setup, Running(
        clock=Clock(found["periods"], found["period"]),
        year=found["year"],
        capital=Capital(before, Sums(found["n_units"], *of_block)),
        history=history,
        alarms=alarms,
        pull=pull,
    )


def _watch(found: dict[str, Any], labels: tuple[Any, ...]) -> tuple[Watched, ...]:
    """What is watched: some terms, and classes by their places."""
    terms, places = found["terms"], found["classes"]
    check_each(places, COUNT, "'classes' of the document")
    known = [name for name in terms if name in WATCHABLE]
    inside = [place for place in places if place < len(labels)]
    distinct = len({*known}) + len({*inside})
    if not terms or distinct < len(terms) + len(places):
        msg = "its terms and classes must be known ones, each once"
        raise MalformedError(msg)
    return (*map(Watched, terms), *(of_class(labels, place) for place in places))


def _read_arrays(text: str, n_watched: int, d: int) -> list[FloatArray]:
    """The arrays of a state by their shapes."""
    bets = (n_watched, 2, len(STAKES))
    shapes: list[tuple[int, ...]] = [(n_watched, d), (n_watched, d), bets]
    shapes += [one.shape for one in Sums.empty(n_watched, d)[1:]]
    content = np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8")
    sizes = [math.prod(shape) for shape in shapes]
    if content.size != sum(sizes):
        msg = f"its numbers must be {sum(sizes)}, found {content.size}"
        raise MalformedError(msg)
    values = content.astype(np.float64)
    finite = np.isfinite(values)
    first = sizes[0] + sizes[1]
    finite[first : first + sizes[2]] |= values[first : first + sizes[2]] == -np.inf
    if not finite.all():
        msg = "its numbers must be finite"
        raise MalformedError(msg)
    parts = np.split(values, np.cumsum(sizes)[:-1])
    return [one.reshape(shape) for one, shape in zip(parts, shapes, strict=True)]


def _numbers(found: Any, n: int, what: str) -> FloatArray:
    check_one(found, LIST, f"{what} of the document")
    check_each(found, NUMBER, f"{what} of the document")
    if len(found) != n:
        msg = f"{what} of the document must hold {n} numbers, found {len(found)}"
        raise MalformedError(msg)
    return np.array(found, dtype=np.float64)


def _decode_period(found: Any, n_watched: int) -> Period:
    check(found, _OF_PERIOD, "a period")
    arrays = {
        name: _numbers(found[name], n_watched, f"{name!r} of a period")
        for name in _BY_WATCHED
    }
    return Period(**{**found, "when": decode_value(found["when"]), **arrays})


def _decode_alarm(found: Any) -> Alarm:
    check(found, _OF_ALARM, "an alarm")
    values = dict(found)
    values |= {name: float(found[name]) for name in _FLOATS}
    values |= {name: decode_value(found[name]) for name in ("when", "since")}
    return Alarm(**values)


def _check_place(found: dict[str, Any], history: tuple[Period, ...]) -> None:
    """Refuse a place in the year that the history contradicts."""
    last = [(one.year, one.number) for one in history if one.year == found["year"]]
    period = last[-1][1] if last else 0
    if found["period"] != period or period > found["periods"]:
        msg = f"its period must be the last of its history, {period}"
        raise MalformedError(msg)
