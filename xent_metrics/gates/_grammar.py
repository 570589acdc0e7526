"""The language of gates: ``cross_entropy[site=west].high < 0.4 and n > 500``.

    expression  =  condition ("and" condition)*
    condition   =  name [ "[" column "=" value ("," column "=" value)* "]" ]
                   [ "." ("low" | "high" | "value") ]  sign  number
    sign        =  ">" | ">=" | "<" | "<="

Columns and values are words, or text in quotes. Nothing is computed here: a mistake is
found before any work is done, and its error names its place.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, NoReturn

SIDES = ("low", "high", "value")
SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_WORD = re.compile(r"[^\s\[\]=,'\"]+(?:[ ]+[^\s\[\]=,'\"]+)*")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_SIGN = re.compile(r">=|<=|>|<(?!>)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
_REST = re.compile(r"[^\s\w]?=?[\w.]*")
_SHOWN = 20


class Names(NamedTuple):
    """What a condition may name: terms have intervals, counts have none."""

    terms: Sequence[str]
    counts: Sequence[str] = ()
    slices: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """All names."""
        return (*self.terms, *self.counts)


class Place(NamedTuple):
    """Where something stands in an expression; characters are counted from 1."""

    start: int
    text: str

    def __str__(self) -> str:
        return f"at character {self.start + 1} of {self.text!r}"


class Slice(NamedTuple):
    """The rows that have a value in a column."""

    column: str
    value: str
    place: Place
    value_place: Place

    def __str__(self) -> str:
        return f"{_written(self.column)}={_written(self.value)}"


class Condition(NamedTuple):
    """A comparison of a number, or of its interval, with a limit."""

    name: str
    side: str | None
    sign: str
    limit: float
    slices: tuple[Slice, ...]
    place: Place

    def __str__(self) -> str:
        return f"{self.quantity} {self.sign} {self.limit:.15g}"

    @property
    def quantity(self) -> str:
        """What is compared, as it is written."""
        inside = ", ".join(map(str, self.slices))
        rows = f"[{inside}]" if inside else ""
        return f"{self.name}{rows}" + (f".{self.side}" if self.side else "")


class Expression(NamedTuple):
    """Conditions that must all hold."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))

    @property
    def columns(self) -> list[str]:
        """The columns that its slices name."""
        each = [s.column for condition in self.conditions for s in condition.slices]
        return list(dict.fromkeys(each))


def read_expression(
    text: str, names: Names, *, subject: str = "a condition"
) -> Expression:
    """Read an expression; ``subject`` is what errors call it.

    Raises
    ------
    TypeError
        If it is no text.
    ValueError
        If it is none, or names what there is not: one sentence, with the place.
    """
    if not isinstance(text, str):
        msg = (
            f"{subject} must be text: found {text!r:.80}; pass "
            "'miscalibration < 0.05', and join several by 'and'."
        )
        raise TypeError(msg)
    reader = _Reader(text, names, subject)
    conditions = [reader.condition()]
    while not reader.at_end():
        reader.conjunction()
        conditions.append(reader.condition())
    return Expression(tuple(conditions))


class _Reader:
    """An expression, and how far it was read."""

    def __init__(self, text: str, names: Names, subject: str) -> None:
        self.text, self.names, self.subject = text, names, subject
        self.at = 0

    def condition(self) -> Condition:
        """A name, its slices and its side, a sign and a number."""
        found, start = self._need(_NAME, "a name")
        name = found.replace("-", "_")
        if name not in self.names.all:
            self._refuse_name(found, name, start)
        slices = self._slices(name)
        side = self._side(name)
        sign, _ = self._need(_SIGN, "a sign")
        number, _ = self._need(_NUMBER, "a number")
        place = Place(start, self.text)
        return Condition(name, side, sign, float(number), slices, place)

    def conjunction(self) -> None:
        """The word between two conditions."""
        word, start = self._need(_NAME, "'and' or the end")
        if word == "or":
            msg = (
                f"{self.subject} joins by 'and' only: found 'or' "
                f"{Place(start, self.text)}; write two conditions."
            )
            raise ValueError(msg)
        if word != "and":
            self._refuse("'and' or the end", start)

    def at_end(self) -> bool:
        """Whether nothing but space is left."""
        self._skip()
        return self.at == len(self.text)

    def _slices(self, name: str) -> tuple[Slice, ...]:
        opened = self._opened()
        if opened is None:
            return ()
        if not self.names.slices:
            msg = (
                f"{self.subject} takes no slice here: found '[' "
                f"{Place(opened, self.text)}; name the number of all rows, {name!r}."
            )
            raise ValueError(msg)
        slices = [self._slice()]
        while self._take(","):
            slices.append(self._slice())
        if not self._take("]"):
            self._refuse("']' or ','", self.at)
        return tuple(slices)

    def _opened(self) -> int | None:
        self._skip()
        start = self.at
        return start if self._take("[") else None

    def _slice(self) -> Slice:
        column, start = self._label("a column")
        if not self._take("="):
            self._refuse("'='", self.at)
        value, of_value = self._label("a value")
        places = Place(start, self.text), Place(of_value, self.text)
        return Slice(column, value, *places)

    def _label(self, what: str) -> tuple[str, int]:
        """A word, or text in quotes, in which a backslash keeps what follows it."""
        self._skip()
        quoted = _QUOTED.match(self.text, self.at)
        if quoted is None:
            return self._need(_WORD, what)
        start, self.at = self.at, quoted.end()
        return re.sub(r"\\(.)", r"\1", quoted[0][1:-1]), start

    def _side(self, name: str) -> str | None:
        self._skip()
        start = self.at
        if not self._take("."):
            return None
        word = _NAME.match(self.text, self.at)
        side = word[0] if word else ""
        if side not in SIDES:
            msg = (
                f"{self.subject} takes .low or .high of an interval, or .value: found "
                f"'.{side}' {Place(start, self.text)}; write '{name}.low'."
            )
            raise ValueError(msg)
        if name in self.names.counts and side != "value":
            what = "share" if name.startswith("share_") else "count"
            msg = (
                f"{self.subject} takes .{side} of terms: {name} "
                f"{Place(start, self.text)} is a {what}, which has no interval; write "
                f"'{name}' alone."
            )
            raise ValueError(msg)
        self.at += len(side)
        return side

    def _need(self, pattern: re.Pattern[str], what: str) -> tuple[str, int]:
        self._skip()
        found = pattern.match(self.text, self.at)
        if found is None:
            self._refuse(what, self.at)
        start, self.at = self.at, found.end()
        return found[0], start

    def _take(self, mark: str) -> bool:
        self._skip()
        taken = self.text.startswith(mark, self.at)
        self.at += len(mark) * taken
        return taken

    def _skip(self) -> None:
        space = _SPACE.match(self.text, self.at)
        assert space is not None, "it matches nothing too"
        self.at = space.end()

    def _refuse_name(self, found: str, name: str, start: int) -> NoReturn:
        what = "a term or a count" if self.names.counts else "a term"
        msg = f"{self.subject} must name {what}: {found!r} is none, "
        msg += f"{Place(start, self.text)}; "
        raise ValueError(msg + _hint(name, self.names.all))

    def _refuse(self, expected: str, start: int) -> NoReturn:
        rest = _REST.match(self.text, start)
        found = (rest[0] if rest else "") or self.text[start : start + 1]
        if start == len(self.text):
            here = f"which ends at character {start + 1}"
        else:
            here = f"with {found!r} at character {start + 1}"
        msg = (
            f"{self.subject} must be '<term> <sign> <number>' with one of > >= < <=: "
            f"found {self.text!r}, {here} where {expected} belongs; write "
            "'miscalibration>0.05', or 'miscalibration.low>0.05' for the lower end of "
            "its interval."
        )
        raise ValueError(msg)


def _hint(name: str, known: Iterable[str]) -> str:
    """What may have been meant, or what there is."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3)
    shown = ", ".join(map(repr, near or names[:_SHOWN]))
    if near:
        return f"did you mean {shown}?"
    return f"there are {shown}{', ...' * (len(names) > _SHOWN)}."


def _written(word: str) -> str:
    """A column or a value as it is read back."""
    if _WORD.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
