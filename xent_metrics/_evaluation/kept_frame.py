"""The frame behind an evaluation: groups by its columns, and features of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._inputs.by import Source
from .._inputs.columns import unknown_column
from .._inputs.containers import as_frame, as_series
from .._inputs.frames import FrameInputs
from .._kernels.table import BoolArray, IntArray

_SUFFIX = "_frame"  # of a column whose name a measure has
_ALWAYS_COPIES_ON_WRITE = 3  # the version of pandas


class KeptFrame(NamedTuple):
    """A frame of pandas, or of narwhals; ``kept`` says which rows were evaluated.

    ``measured`` are the columns that were read as targets, probabilities or weights.
    """

    frame: Any
    kept: BoolArray | None
    measured: tuple[Any, ...]

    @property
    def source(self) -> Source:
        """Where keys of groups are looked up."""
        return Source(self.frame, "the frame", self.kept)

    def features(self, places: IntArray, columns: Any) -> pd.DataFrame:
        """Columns of some of the evaluated rows: all but the measured ones, or these.

        ``places`` are positions among the rows that were evaluated.
        """
        rows = places if self.kept is None else np.flatnonzero(self.kept)[places]
        names = list(self.frame.columns)
        if columns is None:
            measured = set(self.measured)
            chosen = [at for at, name in enumerate(names) if name not in measured]
        else:
            chosen = [
                at
                for one in _as_names(columns, names)
                for at, name in enumerate(names)
                if name == one
            ]
        if isinstance(self.frame, pd.DataFrame):
            return self.frame.iloc[rows, chosen]
        found = {
            names[at]: as_series(self.frame[names[at]][rows.tolist()], "frame")
            for at in chosen
        }
        return pd.DataFrame(found, index=range(len(rows)))


def keep(frame: Any, found: FrameInputs) -> KeptFrame:
    """Hold a frame as it is now: what is done to it later changes nothing here."""
    held = as_frame(frame)
    if not isinstance(held, pd.DataFrame):
        held = held.clone()
    else:
        held = held.copy(deep=not _copies_on_write())
    return KeptFrame(held, found.kept, found.measured)


def with_features(
    measures: pd.DataFrame, features: pd.DataFrame, without: Sequence[Any]
) -> pd.DataFrame:
    """Features beside the measures of the same rows, and not those ``without``.

    Measures keep their names: a feature that is called as one of them has a suffix.
    """
    features = features.loc[:, [name not in without for name in features.columns]]
    taken = {*measures.columns, *features.columns}
    names = []
    for name in features.columns:
        own = name
        while own in measures.columns or (own != name and own in taken):
            own = f"{own}{_SUFFIX}"
        taken.add(own)
        names.append(own)
    features = features.set_axis(pd.Index(names, tupleize_cols=False), axis=1)
    return pd.concat([measures, features.set_axis(measures.index)], axis=1)


def _as_names(columns: Any, names: Sequence[Any]) -> list[Any]:
    """The columns that are asked for, all of which there must be."""
    several = isinstance(columns, (list, pd.Index))
    wanted = list(dict.fromkeys(columns)) if several else [columns]
    for name in wanted:
        if name not in names:
            raise unknown_column(names, name)
    return wanted


def _copies_on_write() -> bool:
    """Whether a shallow copy of pandas is left as it is by writes to the frame."""
    version = int(pd.__version__.partition(".")[0])
    return version >= _ALWAYS_COPIES_ON_WRITE or pd.options.mode.copy_on_write is True
