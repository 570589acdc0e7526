"""Groups of rows by their keys, which merge."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from .._inputs.groups import Keys, read_keys
from .._pickling import pickled
from ._moments import Moments


@pickled
class Groups(NamedTuple):
    """Distinct keys, one row each, and the moments of their rows."""

    keys: pd.DataFrame
    moments: Moments


def keyed(keys: Keys, moments: Moments) -> Groups:
    """Groups of numbered keys."""
    names = [f"by_{i}" if n is None else n for i, n in enumerate(keys.groups.names)]
    table = keys.groups.to_frame(index=False)
    table.columns = pd.Index(names)
    return Groups(table, moments)


def both(first: Groups | None, second: Groups | None) -> Groups | None:
    if first is None or second is None:  # of no rows, and so of no keys
        return first or second
    if first.keys.equals(second.keys):
        return Groups(first.keys, first.moments.plus(second.moments))
    together = pd.concat([first.keys, second.keys], ignore_index=True)
    keys = read_keys(together, len(together))
    n = len(first.keys)
    one = first.moments.placed(keys.codes[:n], len(keys.groups))
    two = second.moments.placed(keys.codes[n:], len(keys.groups))
    return keyed(keys, one.plus(two))
