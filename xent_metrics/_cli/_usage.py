"""What the command line refuses: one sentence each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

_SHOWN = 20


class UsageError(ValueError):
    """A wrong use of the command line: the rule, what was found, what to do."""


def hint(name: str, known: Iterable[str], what: str) -> str:
    """What may have been meant, or what there is."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3)
    return f"did you mean {quoted(near)}?" if near else f"{what} {quoted(names)}."


def quoted(names: Sequence[str]) -> str:
    """A few names as text."""
    text = ", ".join(map(repr, names[:_SHOWN]))
    return text + (", ..." if len(names) > _SHOWN else "")
