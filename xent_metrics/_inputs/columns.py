"""Which columns a user meant, and the class that a column's name tells."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from .labels import Column, distinct, places_of, show
from .nested import Single

Selector: TypeAlias = (
    Hashable | Sequence[Hashable] | Mapping[Any, Hashable] | re.Pattern[str]
)
_READERS: Mapping[str, Callable[[str], Any]] = {
    "i": int,
    "u": int,
    "f": float,
    "b": {"True": True, "False": False}.__getitem__,
}


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


def twin_columns(name: Any, n_columns: int, where: str = "") -> ValueError:
    """The error of a name that several columns have."""
    return ValueError(
        f"names of columns must be distinct: {name!r} occurs {n_columns} times{where}; "
        "rename them."
    )


def cast_classes(texts: Sequence[Any], columns: Sequence[Column]) -> tuple[Any, ...]:
    """Texts as the labels that they spell, in columns of labels.

    A class that no row has takes the type of the labels where it can.
    """
    if any(not isinstance(text, str) for text in texts):
        return tuple(texts)
    dtype = columns[0].dtype
    kind = getattr(dtype, "kind", "O")
    if isinstance(dtype, pd.CategoricalDtype):
        return _spelled(texts, dtype.categories)
    if isinstance(dtype, pd.StringDtype) or kind in "US":
        return tuple(texts)
    if kind in _READERS:
        try:
            return tuple(_READERS[kind](text) for text in texts)
        except (KeyError, ValueError):
            return tuple(texts)
    return _spelled(texts, [label for one in columns for label in distinct(one)])


def place_of_single(single: Single, classes: tuple[Any, ...]) -> int:
    """Which of two classes one column is the probability of: by default the second.

    A user says it, or the column has just the name of a class. A name that holds that
    of the first in some other way is refused, as nobody knows which of them is meant.
    """
    if single.of_class:
        place = places_of(single.of_class, classes)[0]
        if place is None:
            msg = (
                f"{single.option} must name a class of the labels: found "
                f"{single.of_class[0]!r}, the classes are {show(classes)}; pass "
                "{class: column}."
            )
            raise ValueError(msg)
        return place
    if single.name is None:
        return 1
    place = places_of((single.name,), classes)[0]
    if isinstance(single.name, str) and place is not None:
        return place
    if place == 0 or _tells_first(str(single.name), classes):
        first, second = classes
        mend = (
            f"pass {single.option}={{{first!r}: {single.name!r}}} or "
            f"{{{second!r}: {single.name!r}}}"
        )
        if single.option == "y_proba":
            mend = (
                f"pass labels=[{second!r}, {first!r}] if it is that of {first!r}, else "
                "y_proba without a name"
            )
        msg = (
            f"{single.option} must say which class one column is the probability of: "
            f"{single.name!r} holds the name of the first, and would be read as that "
            f"of the second; {mend}."
        )
        raise ValueError(msg)
    return 1


def _tells_first(name: str, classes: tuple[Any, ...]) -> bool:
    """Whether the words of a name end with those of the first of two classes.

    Where they hold those of both, the last counts, and the longer if one holds the
    other. A number names a class only at the end.
    """
    words = _words(name)
    ends = []
    for cls in classes:
        own = _words(str(cls))
        places = [
            stop
            for stop in range(len(own), len(words) + 1)
            if own
            and words[stop - len(own) : stop] == own
            and (stop == len(words) or not own[-1].isdigit())
        ]
        ends.append((max(places, default=0), len(own)))
    return ends[0][0] > 0 and ends[0] > ends[1]


def _words(name: str) -> list[str]:
    """The words and numbers of a name, in lower case; 'pFraud_1' has three."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.casefold() for word in re.findall(r"[^\W\d_]+|\d+", split)]


def pair_classes(
    targets: tuple[Any, ...],
    of_target: tuple[Any, ...],
    probas: tuple[Any, ...],
    of_proba: tuple[Any, ...],
) -> tuple[Any, ...] | None:
    """Target columns in the order of the probability columns; None if names differ.

    They pair by class where both are named after the classes, and by what their names
    say after a common prefix where these agree (v_cat with p_cat).
    """
    for ours, theirs in (
        (of_target, of_proba),
        (_texts(of_target), _texts(of_proba)),
        (_after_common_prefix(targets), _after_common_prefix(probas)),
    ):
        if set(ours) == set(theirs) and len(set(ours)) == len(targets):
            return tuple(targets[ours.index(one)] for one in theirs)
    return None


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


def _is_column(columns: Sequence[Any], name: Any) -> bool:
    if isinstance(columns, pd.MultiIndex):
        return (
            isinstance(name, tuple)
            and len(name) == columns.nlevels
            and (name in columns)
        )
    return isinstance(name, Hashable) and name in columns


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


def _spelled(texts: Sequence[str], labels: Iterable[Any]) -> tuple[Any, ...]:
    by_text = {str(label): label for label in labels}
    found = {type(label) for label in by_text.values()}
    read: Callable[[str], Any] = str
    if len(found) == 1 and found <= {int, float, np.int64, np.float64}:
        read = found.pop()
    return tuple(
        by_text[text] if text in by_text else _try(read, text) for text in texts
    )


def _try(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return text


def _texts(names: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(map(str, names))


def _after_common_prefix(names: tuple[Any, ...]) -> tuple[str, ...]:
    texts = _texts(names)
    common = os.path.commonprefix(texts)  # noqa: RUF071 - names, not paths
    return tuple(text.removeprefix(common) for text in texts)
