"""The groups of both sets."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

from .._inputs.by import is_label
from .._inputs.groups import Keys
from .._scan.sides import Side
from .scanned import keys_of_state


def keys_of_sides(
    by: Any, reference: Side, current: Side
) -> tuple[Keys | None, Keys | None]:
    """The groups of both sets: by one name for both, or by a pair of values."""
    if isinstance(by, tuple) and len(by) == 2 and not all(map(is_label, by)):  # noqa: PLR2004
        return reference.keys(by[0]), _of_current(current, by[1])
    if isinstance(by, Sized) and not isinstance(by, (str, bytes, tuple, list, dict)):
        raise TypeError(_not_a_pair(type(by).__name__))
    found = reference.keys(by), _of_current(current, by)
    if isinstance(by, list) and all(map(is_label, by)):
        titles = [name for keys in found if keys for name in keys.groups.names]
        if None in titles:  # values, which have no name
            raise TypeError(_not_a_pair("a list of values"))
    return found


def _of_current(current: Side, by: Any) -> Keys | None:
    """The groups of the rows, or those that a state holds."""
    if current.state is not None:
        return keys_of_state(current.state, by)
    return current.keys(by)


def _not_a_pair(found: str) -> str:
    return (
        f"by must be a column of both sets, or a pair of values: found {found}; pass "
        "(values of the reference, values of the current rows)."
    )
