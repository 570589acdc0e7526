"""What a document must be: rules, checked before its parts are used.

A document that was cut or edited is refused in one sentence.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

# What libraries raise for parts that the rules cannot foresee, such as a date that the
# calendar does not have.
UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)

Read = TypeVar("Read")

_COUNTS = range(2**53)
_LONGEST = 200  # of what a library says
_NOT_FINITE = ("nan", "inf", "-inf")


class MalformedError(ValueError):
    """A part of a document is not what it must be; the message says which."""


class Rule(NamedTuple):
    """What a part of a document must be, in words, and whether it is.

    ``schema`` says as much of it as JSON Schema can.
    """

    what: str
    holds: Callable[[Any], bool]
    schema: Mapping[str, Any] = MappingProxyType({})

    def optional(self) -> Rule:
        """The same, or null."""
        return Rule(
            f"{self.what}, or null",
            lambda one: one is None or self.holds(one),
            or_null(self.schema),
        )


def _is_integer(found: Any) -> bool:
    return isinstance(found, int) and not isinstance(found, bool)


def _is_number(found: Any) -> bool:
    if _is_integer(found):
        return bool(abs(found) < 2**1023)
    return isinstance(found, float) and math.isfinite(found)


def or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema allows, or null."""
    return {"anyOf": [dict(schema), {"type": "null"}]}


ANYTHING = Rule("anything", lambda _: True)
LIST = Rule("a list", lambda found: isinstance(found, list), {"type": "array"})
OBJECT = Rule("an object", lambda found: isinstance(found, dict), {"type": "object"})
TEXT = Rule("text", lambda found: isinstance(found, str), {"type": "string"})
FLAG = Rule("true or false", lambda found: isinstance(found, bool), {"type": "boolean"})
NUMBER = Rule("a finite number", _is_number, {"type": "number"})
INTEGER = Rule("a whole number", _is_integer, {"type": "integer"})
COUNT = Rule(
    "a whole number of 0 or more",
    lambda found: _is_integer(found) and found in _COUNTS,
    {"type": "integer", "minimum": 0, "maximum": _COUNTS[-1]},
)
VALUE = Rule(
    'a number, "nan", "inf" or "-inf"',
    lambda found: (
        _is_number(found) or (isinstance(found, str) and found in _NOT_FINITE)
    ),
    {"anyOf": [{"type": "number"}, {"enum": list(_NOT_FINITE)}]},
)


def object_schema(
    rules: Mapping[str, Rule],
    parts: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    *,
    may_lack: Sequence[str] = (),
) -> dict[str, Any]:
    """The JSON Schema of an object that passes :func:`check`.

    ``parts`` are schemas that say more of a part than its rule.
    """
    return {
        "type": "object",
        "properties": {
            name: dict(parts.get(name, rule.schema)) for name, rule in rules.items()
        },
        "required": [name for name in rules if name not in may_lack],
        "additionalProperties": False,
    }


def whole_schema(title: str, version: int, found: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a whole document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:xent-metrics:{title.lower().replace(' ', '-')}:{version}",
        "title": title,
        **found,
    }


def check(
    found: Any, rules: Mapping[str, Rule], where: str, *, may_lack: Sequence[str] = ()
) -> dict[str, Any]:
    """The object that was found, if it has the parts that the rules name, and no other.

    Raises
    ------
    MalformedError
        If it has not: the sentence lacks what to do.
    """
    check_one(found, OBJECT, where)
    for name in found:
        if name not in rules:
            msg = f"{where} has an unknown part {reprlib.repr(name)}"
            raise MalformedError(msg)
    for name, rule in rules.items():
        if name in found:
            check_one(found[name], rule, f"{name!r} of {where}")
        elif name not in may_lack:
            msg = f"{where} lacks its part {name!r}"
            raise MalformedError(msg)
    whole: dict[str, Any] = found
    return whole


def check_one(found: Any, rule: Rule, where: str) -> None:
    """Refuse a part that breaks its rule."""
    if not rule.holds(found):
        msg = f"{where} must be {rule.what}, found {reprlib.repr(found)}"
        raise MalformedError(msg)


def check_each(
    found: Mapping[str, Any] | Sequence[Any], rule: Rule, where: str
) -> None:
    """Refuse a mapping or list of which a value breaks the rule."""
    pairs = found.items() if isinstance(found, Mapping) else enumerate(found)
    for key, value in pairs:
        check_one(value, rule, f"{key!r} of {where}")


def read_document(
    found: Any,
    read: Callable[[Any], Read],
    refusal: Callable[[str], ValueError],
    *,
    unforeseen: str = "{}",
) -> Read:
    """What is read of a document; one sentence where that cannot be.

    ``refusal`` makes the error of a reason, ``unforeseen`` holds what a library said.
    """
    try:
        return read(found)
    except MalformedError as error:
        why = str(error)
    except UNREADABLE as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        why = unforeseen.format(said[:_LONGEST])
    raise refusal(why)


def read_json(text: str | bytes) -> Any:
    """Strict JSON: no NaN, and no key of an object twice."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"the key {reprlib.repr(twice)} occurs twice in an object"
        raise MalformedError(msg)
    return found


def _no_constant(word: str) -> Any:
    msg = f"{word} is no value of strict JSON"
    raise MalformedError(msg)
