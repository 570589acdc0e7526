"""Names that stay when code moves: those of public objects, and those in pickles.

A pickle refers to the classes in it by module and name. Public classes and functions
name the public module; a private class that is part of a public result travels under
the name that it has here.
"""

from __future__ import annotations

import copyreg
import importlib
from itertools import takewhile
from typing import Any, TypeVar

from ._calls import answering

Public = TypeVar("Public")
Private = TypeVar("Private", bound=type)

_CLASSES: dict[str, type] = {}
_HOMES = (  # of private classes, with what they load; those of most pickles first
    "xent_metrics._evaluation.features",
    "xent_metrics._scan.state",
    "xent_metrics._scan.earlier_pass",
    "xent_metrics.scorers",
)


def public(it: Public) -> Public:
    """Decorate a class or a function: its module is the public one it is found in.

    Wrong calls of it, and attributes that it has not, are answered in one sentence.
    """
    parts = it.__module__.split(".")
    it.__module__ = ".".join(takewhile(lambda part: not part.startswith("_"), parts))
    answers: Public = answering(it)
    return answers


def pickled(cls: Private) -> Private:
    """Decorate a private class: pickles name it, not the module that it is in."""
    assert cls.__name__ not in _CLASSES, "pickles tell classes by their name"
    _CLASSES[cls.__name__] = cls
    copyreg.pickle(cls, _reduce)
    return cls


def restored(name: str, state: dict[str, Any]) -> Any:
    """The object that a pickle holds the state of.

    ``names_before`` of its class says which attributes were called otherwise once.
    """
    for home in _HOMES:
        if name in _CLASSES:
            break
        importlib.import_module(home)
    cls = _CLASSES[name]
    if issubclass(cls, tuple):
        return cls(**state)
    found = object.__new__(cls)
    before = getattr(cls, "names_before", {})
    vars(found).update({before.get(key, key): one for key, one in state.items()})
    return found


def _reduce(it: Any) -> tuple[Any, ...]:
    state = it._asdict() if issubclass(type(it), tuple) else it.__getstate__()
    return restored, (type(it).__name__, state)
