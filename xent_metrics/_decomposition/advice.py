"""Which recalibration map to use, and how it is written in code."""

from __future__ import annotations

from typing import Protocol

import pandas as pd

from .._recalibration.select import NAMES

_MOST = 0.9  # of what the chosen map removes: a simpler map may do


class Recalibrated(Protocol):
    """What the advice is read from; :class:`Decomposition` has it all."""

    @property
    def recalibration(self) -> str: ...
    @property
    def degrees_of_freedom(self) -> int: ...
    @property
    def ladder(self) -> pd.DataFrame: ...


def map_to_use(result: Recalibrated) -> str:
    """The map of fewest degrees of freedom that wins most of what the chosen one does.

    A simpler map has less to learn from the rows that it will be fitted to.
    """
    tried = result.ladder
    if not len(tried):
        return result.recalibration
    few = tried["degrees_of_freedom"] < result.degrees_of_freedom
    good = tried[few & (tried["share"] >= _MOST)]
    if not len(good):
        return result.recalibration
    return str(good["degrees_of_freedom"].idxmin())


def share_of(result: Recalibrated, name: str) -> float:
    """What a map would remove, of what the chosen one does, in [0, 1]."""
    share = float(result.ladder["share"].to_dict()[name])
    return min(max(share, 0.0), 1.0)


def in_code(name: str) -> str:
    """A map as an argument: its name, or an object of the user's class."""
    return repr(name) if name in NAMES else f"{name}()"
