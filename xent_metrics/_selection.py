"""Choosing columns of a frame: by name, list, mapping, prefix, pattern or level."""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from ._labels import show

Selector: TypeAlias = (
    Hashable | Sequence[Hashable] | Mapping[Any, Hashable] | re.Pattern[str]
)


class Chosen(NamedTuple):
    """Columns of a frame.

    ``classes`` is what their names say (texts where ``cast`` is to give them the type
    of the labels), or None where one column was meant by its name.
    """

    names: tuple[Any, ...]
    classes: tuple[Any, ...] | None
    cast: bool = False


def choose(
    columns: Sequence[Any],
    selector: Selector,
    what: str,
    *,
    taken: Sequence[Any] = (),
) -> Chosen:
    """The columns that a selector means, in the order of the frame or of the list.

    ``taken`` are columns that a prefix or a pattern does not mean; ``what`` is the
    argument's name for messages.
    """
    if isinstance(selector, re.Pattern):
        return _by_pattern(columns, selector, what, taken)
    if isinstance(selector, Mapping):
        classes, names = tuple(selector), tuple(selector.values())
        return Chosen(_known(columns, names, what), classes)
    if isinstance(selector, Iterable) and not isinstance(selector, (str, tuple, bytes)):
        names = _listed(selector, what)
        return Chosen(_known(columns, names, what), _last_of(names))
    if _is_column(columns, selector):
        return Chosen((selector,), None)
    found = None
    if isinstance(columns, pd.MultiIndex):
        found = _under(columns, selector)
    elif isinstance(selector, tuple):
        found = Chosen(_known(columns, selector, what), selector)
    elif isinstance(selector, str):
        found = _with_prefix(columns, selector, taken)
    if found is None:
        raise unknown_column(
            columns, selector, "a column of the frame, nor the prefix of one"
        )
    return found


def unknown_column(
    columns: Sequence[Any], name: Any, what: str = "a column of the frame"
) -> KeyError:
    """The error of a name that the frame does not have."""
    names = [str(column) for column in columns]
    near = difflib.get_close_matches(str(name), names, n=3)
    hint = f"did you mean {show(near)}?" if near else f"columns are {show(names)}."
    return KeyError(f"{name!r} is not {what}; {hint}")


def _known(
    columns: Sequence[Any], names: tuple[Any, ...], what: str
) -> tuple[Any, ...]:
    if not names:
        msg = f"{what} must name columns: it is empty; pass a prefix or names."
        raise ValueError(msg)
    for name in names:
        if not _is_column(columns, name):
            raise unknown_column(columns, name)
    return names


def _listed(selector: Any, what: str) -> tuple[Any, ...]:
    """The names of a list; not of a set, which has no order, nor of values."""
    table = isinstance(selector, (pd.Series, pd.DataFrame))
    table |= isinstance(selector, np.ndarray) and selector.ndim > 1
    if table or isinstance(selector, (set, frozenset)):
        msg = (
            f"{what} must name columns of the frame, in order: found a "
            f"{type(selector).__name__}; pass a prefix or a list of names."
        )
        raise TypeError(msg)
    return tuple(selector)


def _is_column(columns: Sequence[Any], name: Any) -> bool:
    if isinstance(columns, pd.MultiIndex):
        return (
            isinstance(name, tuple)
            and len(name) == columns.nlevels
            and (name in columns)
        )
    return isinstance(name, Hashable) and name in columns


def _last_of(names: tuple[Any, ...]) -> tuple[Any, ...]:
    """The classes that listed columns are named after: the lowest level of each."""
    if all(isinstance(name, tuple) for name in names):
        return tuple(name[-1] for name in names)
    return names


def _under(columns: pd.MultiIndex, selector: Any) -> Chosen | None:
    """The columns below a name, or names, of the upper levels."""
    top = selector if isinstance(selector, tuple) else (selector,)
    names = tuple(name for name in columns if name[: len(top)] == top)
    rests = [tuple(one for one in name[len(top) :] if one != "") for name in names]
    if not names:
        return None
    if len(names) == 1 and not rests[0]:
        return Chosen(names, None)
    classes = tuple(rest[0] if len(rest) == 1 else rest for rest in rests)
    return Chosen(names, classes, cast=True)


def _with_prefix(
    columns: Sequence[Any], prefix: str, taken: Sequence[Any]
) -> Chosen | None:
    names = tuple(
        name
        for name in columns
        if isinstance(name, str) and name.startswith(prefix) and name not in set(taken)
    )
    texts = tuple(name.removeprefix(prefix) for name in names)
    return Chosen(names, texts, cast=True) if names else None


def _by_pattern(
    columns: Sequence[Any], pattern: re.Pattern[str], what: str, taken: Sequence[Any]
) -> Chosen:
    if "cls" not in pattern.groupindex:
        msg = (
            f"{what} must have a group named cls, which is the class: found "
            f"{pattern.pattern!r}; write it as in r'p\\((?P<cls>.+)\\)'."
        )
        raise ValueError(msg)
    found = {
        name: match["cls"]
        for name in columns
        if isinstance(name, str) and name not in set(taken)
        for match in [pattern.fullmatch(name)]
        if match
    }
    if not found:
        raise unknown_column(
            columns, pattern.pattern, "a pattern that fits a column of the frame"
        )
    return Chosen(tuple(found), tuple(found.values()), cast=True)
