"""Names that every tracking store accepts: of metrics, of tags, of classes."""

from __future__ import annotations

import difflib
import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

LONGEST_KEY = 250
LONGEST_TAG = 5000
_LONGEST_CLASS = 80
_MOST_BYTES = 200  # a store on disk makes keys files, whose names have 255 at most
_MOST_NAMES = 10  # that an error lists
_KEY = re.compile(r"[/\w.\- ]+")  # colons are refused on Windows
_NOT_OF_A_CLASS = re.compile(r"[^\w.\- ]")


def keys_of_classes(
    labels: Iterable[Any], keys: Callable[[str], Iterable[str]] = lambda name: (name,)
) -> dict[str, Any]:
    """Labels, by a name that can be part of a key.

    ``keys`` makes the finished keys of a name. They differ by more than case and
    accents, which some databases ignore. If labels would share one, the second gets
    "-2" at the end of its name; labels that keep their own name come first.
    """
    wanted = [(_of_class(label), label) for label in labels]
    order = sorted(
        range(len(wanted)), key=lambda place: wanted[place][0] != str(wanted[place][1])
    )
    names: dict[int, str] = {}
    taken: set[str] = set()
    for place in order:
        first, count = wanted[place][0], 1
        name = first
        while not taken.isdisjoint(made := {_folded(key) for key in keys(name)}):
            count += 1
            name = f"{first}-{count}"
        taken |= made
        names[place] = name
    return {names[place]: label for place, (_, label) in enumerate(wanted)}


def names_for_keys(names: Iterable[Any]) -> dict[str, Any]:
    """The same for names that become folders, which dots alone cannot be."""
    given = list(names)
    found = keys_of_classes(
        "_" * len(str(name)) if set(str(name).strip()) == {"."} else name
        for name in given
    )
    return dict(zip(found, given, strict=True))


def _of_class(label: Any) -> str:
    text = unicodedata.normalize("NFC", str(label))
    text = _NOT_OF_A_CLASS.sub("_", text)[:_LONGEST_CLASS]
    whole = text.encode()[:_MOST_BYTES].decode(errors="ignore")
    return whole.strip() or "_"


def _folded(key: str) -> str:
    """A key as databases see it that ignore case and accents."""
    apart = unicodedata.normalize("NFKD", key.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c)).casefold()


def check_id(option: str, value: Any) -> None:
    """Refuse a run or a model itself in place of its id, and an empty text."""
    if isinstance(value, str) and value:
        return
    whose = "model.model_id" if option == "model_id" else "run.info.run_id"
    is_text = isinstance(value, str)
    found = "an empty text" if is_text else type(value).__name__
    msg = f"{option} must be an id as text: found {found}; pass {whose}."
    kind: type[Exception] = ValueError if is_text else TypeError
    raise kind(msg)


def no_such_run(run_id: str, given: str = "") -> str:
    """The message for a run that the store does not have."""
    return (
        f"a run must be given by its id{given}: the store has none with {run_id!r}; "
        "pass run.info.run_id, and set the tracking URI of its store."
    )


def no_such_model(model_id: str) -> str:
    """The message for a LoggedModel that the store does not have."""
    return (
        f"model_id must be the id of a LoggedModel: the store has none with "
        f"{model_id!r}; pass model.model_id, and set the tracking URI of its store."
    )


def unknown(rule: str, given: Any, known: Iterable[str]) -> str:
    """What is said of a name that is not known, with the nearest of those that are."""
    found = list(known)
    if near := difflib.get_close_matches(str(given), found, n=1):
        return f"{rule}: found {given!r}; did you mean {near[0]!r}?"
    shown = ", ".join(map(repr, found[:_MOST_NAMES]))
    more = ", ..." * (len(found) > _MOST_NAMES)
    return f"{rule}, {shown}{more}: found {given!r}; pass one of these."


def check_keys(metrics: Iterable[str], tags: Mapping[str, str]) -> None:
    """Refuse what a store would refuse, or would mix up, before anything is sent."""
    keys = list(metrics)
    for key in (*keys, *tags):
        if not _KEY.fullmatch(key) or posixpath.normpath(key) != key:
            msg = (
                "keys must be letters, digits, '_', '-', '.' and spaces between single "
                f"slashes: found {key!r}; rename the split or the class."
            )
            raise ValueError(msg)
        if len(key) > LONGEST_KEY:
            msg = (
                f"keys must have at most {LONGEST_KEY} characters: {key[:40]!r}... has "
                f"{len(key)}; pass a shorter split."
            )
            raise ValueError(msg)
    seen: dict[str, str] = {}
    for key in keys:
        if seen.setdefault(_folded(key), key) != key:
            msg = (
                "keys must differ by more than case and accents, which some stores "
                f"ignore: found {seen[_folded(key)]!r} and {key!r}; rename one."
            )
            raise ValueError(msg)
    parents = {key[:end] for key in keys for end in _slashes(key)}
    for key in keys:
        if key in parents:
            msg = (
                "no key may be the folder of another, which stores on disk refuse: "
                f"{key!r} is both; rename the split or the class."
            )
            raise ValueError(msg)
    for key, value in tags.items():
        if len(value) > LONGEST_TAG:
            msg = (
                f"tags must have at most {LONGEST_TAG} characters: {key!r} has "
                f"{len(value)}; shorten it."
            )
            raise ValueError(msg)


def _slashes(key: str) -> Iterable[int]:
    return (match.start() for match in re.finditer("/", key))
