"""What ``by=`` means: the keys that ``DataFrame.groupby`` takes, read from rows."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._kernels.table import BoolArray
from .columns import twin_columns, unknown_column
from .containers import as_frame, as_series
from .groups import Keys, read_keys, together
from .inputs import check_index_order

Unknown = Callable[["Sequence[Source]", Any], Exception]


@dataclass(frozen=True, eq=False)
class Source:
    """Rows that have columns and an index; ``kept`` says which of them are grouped.

    ``frame`` is a DataFrame of pandas, or one of narwhals; ``name`` is for messages.
    """

    frame: Any
    name: str
    kept: BoolArray | None = None

    @property
    def index(self) -> pd.Index[Any]:
        """The index of the rows; their numbers where a frame has none."""
        if isinstance(self.frame, pd.DataFrame):
            return self.frame.index
        return pd.RangeIndex(len(self.frame))

    @property
    def names(self) -> list[Any]:
        """What a key can be called by: columns, and named levels of the index."""
        levels = [name for name in self.index.names if name is not None]
        return [*self.frame.columns, *levels]

    def find(self, name: Any) -> pd.Series[Any] | pd.Index[Any] | None:
        """The column of this name, or else the level of the index; None without it."""
        if name in self.frame.columns:
            column = self.frame[name]
            if isinstance(column, pd.DataFrame):
                raise twin_columns(name, column.shape[1])
            return (
                column
                if isinstance(column, pd.Series)
                else as_series(column, self.name)
            )
        if name is not None and name in self.index.names:
            return self.index.get_level_values(name)
        return None


def unknown_key(sources: Sequence[Source], name: Any) -> Exception:
    """The error of a name that is neither a column nor a level of the index."""
    names = dict.fromkeys(one for source in sources for one in source.names)
    return unknown_column(
        list(names), name, "a column of the frame, nor a level of its index"
    )


def find_keys(
    by: Any,
    sources: Sequence[Source],
    *,
    what: str = "by",
    unknown: Unknown = unknown_key,
) -> Keys:
    """Number the groups that ``by`` means, sorted; a missing value is one of its own.

    A name is looked up in the sources in their order, in columns before levels; values
    are one per row of any of them. ``unknown`` makes the error of an unknown name.
    """
    if isinstance(by, Keys):
        return by
    if hasattr(by, "ngroup"):
        msg = (
            f"{what} must be keys, as groupby takes them: found a {type(by).__name__}; "
            "pass the names or values that it was made from."
        )
        raise TypeError(msg)
    return together(_Reading(sources, what, unknown).keys(by), what)


class _Reading(NamedTuple):
    sources: Sequence[Source]
    what: str
    unknown: Unknown

    def keys(self, by: Any) -> list[Keys]:
        """The keys of a list, of a frame or a mapping, or the only one."""
        if isinstance(by, list) and not self._is_values(by):
            return [key for one in by for key in self._keys_in_list(one)]
        if isinstance(by, (list, pd.Grouper)) or is_label(by) or callable(by):
            return [self._key(by)]
        frame = None if isinstance(by, Mapping) else as_frame(by)
        if isinstance(by, Mapping):
            named = list(by.items())
        elif frame is None:
            return [self._key(by)]
        elif isinstance(frame, pd.DataFrame):
            named = list(frame.items())
        else:
            named = [(name, frame[name].to_native()) for name in frame.columns]
        each = [(title, self._key(one)) for title, one in named]
        return [Keys(key.codes, key.groups.rename(title)) for title, key in each]

    def _keys_in_list(self, one: Any) -> list[Keys]:
        return [self._key(one)] if isinstance(one, list) else self.keys(one)

    def _key(self, one: Any) -> Keys:
        if isinstance(one, pd.Grouper):
            return self._of_grouper(one)
        if is_label(one):
            return self._named(one)
        if callable(one):
            source = self.sources[0]
            return _kept(source.index.map(one), source, self.what)
        return self._of_values(one)

    def _is_values(self, by: list[Any]) -> bool:
        """Whether a list is one value per row rather than one key or several."""
        if not by or not all(map(is_label, by)):
            return False
        if self._is_one_per_row(by):
            return not all(map(self._is_known, by))
        return not any(isinstance(one, str) or self._is_known(one) for one in by)

    def _is_one_per_row(self, by: list[Any] | tuple[Any, ...]) -> bool:
        """Whether there are as many values as rows; or no names, but values alone."""
        lengths = {len(source.frame) for source in self.sources}
        return len(by) in lengths or not any(source.names for source in self.sources)

    def _is_known(self, name: Any) -> bool:
        return any(
            name in source.frame.columns
            or (name is not None and name in source.index.names)
            for source in self.sources
        )

    def _find(self, name: Any) -> tuple[pd.Series[Any] | pd.Index[Any], Source]:
        for source in self.sources:
            found = source.find(name)
            if found is not None:
                return found, source
        raise self.unknown(self.sources, name)

    def _named(self, name: Any) -> Keys:
        known = self._is_known(name)
        if isinstance(name, tuple) and not known and self._is_one_per_row(name):
            return self._of_values(name)
        return _kept(*self._find(name), self.what)

    def _of_values(self, values: Any) -> Keys:
        n_rows = len(values) if isinstance(values, Sized) else -1
        source = self.sources[-1]
        for one in reversed(self.sources):
            if len(one.frame) == n_rows:
                source = one
                break
        if isinstance(values, list):
            values = pd.Index(pd.Series(values))  # of several types, each stays
        check_index_order(source.frame, values, (source.name, self.what), strict=True)
        return _kept(values, source, self.what)

    def _of_grouper(self, grouper: pd.Grouper) -> Keys:
        column: pd.Series[Any] | pd.Index[Any]
        source = self.sources[0]
        freq = getattr(grouper, "freq", None)
        if grouper.key is not None:
            column, source = self._find(grouper.key)
        elif grouper.level is not None:
            column = _level(source.index, grouper.level)
        elif freq is not None:
            column = source.index
        else:
            msg = (
                f"{self.what} must say what to group: pd.Grouper() has neither key nor "
                "level nor freq; pass pd.Grouper(key=...)."
            )
            raise ValueError(msg)
        if freq is not None:
            column = _bins(column, grouper, self.what)
        return _kept(column, source, self.what)


def _kept(values: Any, source: Source, what: str) -> Keys:
    """The keys of the rows that are grouped."""
    keys = read_keys(values, len(source.frame), what)
    return keys if source.kept is None else Keys(keys.codes[source.kept], keys.groups)


def is_label(one: Any) -> bool:
    """Whether it can be the name of a column, and is no array."""
    if isinstance(one, (str, bytes, tuple, frozenset, np.generic)):
        return True
    if callable(one) or isinstance(one, Sized) or hasattr(one, "__array__"):
        return False
    return isinstance(one, Hashable)


def _level(index: pd.Index[Any], level: Any) -> pd.Index[Any]:
    try:
        return index.get_level_values(level)
    except (IndexError, KeyError, ValueError):
        msg = (
            f"{level!r} is not a level of the index; levels are "
            f"{', '.join(map(repr, index.names))}."
        )
        raise KeyError(msg) from None


def _bins(
    column: pd.Series[Any] | pd.Index[Any], grouper: pd.Grouper, what: str
) -> pd.Series[Any]:
    """The label of each row's bin, as ``groupby`` gives it; missing where time is."""
    title, dtype = column.name, column.dtype
    if getattr(dtype, "kind", "O") not in "mM":
        msg = (
            f"{what} must group times where it has a freq: {title!r} holds {dtype}; "
            "convert it with pd.to_datetime."
        )
        raise TypeError(msg)
    times = pd.DataFrame({"key": column.array}).dropna()
    of_key = copy.copy(grouper)
    of_key.key, of_key.level = "key", None  # the index is the number of the row
    groups = times.groupby(of_key)
    number = groups.ngroup()
    labels = groups.size().index.take(number.to_numpy())
    found = pd.Series(labels, index=number.index, name=title)
    return found.reindex(range(len(column)))
