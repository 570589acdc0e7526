"""A frame with columns and options bound to it, and how they are read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self, TypedDict, Unpack

import numpy as np
import pandas as pd

from .._decomposition.decompose import Recalibration
from .._decomposition.vote_entropy import VoteCorrection
from .._inputs.columns import Selector, unknown_column
from .._inputs.frames import FrameInputs, FrameTargets, OnMissing, read_frame
from .._inputs.groups import Keys, read_keys
from .._inputs.inputs import check_index_order
from .._inputs.read_options import EPS
from .._kernels.table import IntArray


class Reading(TypedDict, total=False):
    """How columns are read, beside the target and the probabilities."""

    labels: Sequence[Any] | None
    targets: FrameTargets
    sample_weight: Any
    groups: Any
    base: float | None
    clip: float
    rescale: bool
    from_logits: bool
    on_missing: OnMissing


class Decomposing(Reading, total=False):
    """How they are read and decomposed."""

    recalibration: Recalibration
    vote_correction: VoteCorrection


DEFAULTS: Mapping[str, Any] = {
    "labels": None,
    "targets": "auto",
    "sample_weight": None,
    "groups": None,
    "rescale": False,
    "from_logits": False,
    "on_missing": "raise",
}


class Found(NamedTuple):
    """What was read, and the options that are not about reading."""

    inputs: FrameInputs
    base: float | None
    clip: float
    counts_dropped: bool
    decomposing: dict[str, Any]


class BoundFrame:
    """A frame, and the columns and options that its methods fall back on."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._bound: dict[str, Any] = {}

    def __call__(
        self,
        target: Selector | None = None,
        proba: Selector | None = None,
        **options: Unpack[Decomposing],
    ) -> Self:
        """A view with columns and options bound, over those of this one."""
        view = type(self)(self._frame)
        view._bound = self._merged(target, proba, options)  # noqa: SLF001 - of its class
        return view

    def __repr__(self) -> str:
        """What is bound."""
        rows, columns = self._frame.shape
        bound = ", ".join(f"{name}={value!r}" for name, value in self._bound.items())
        return f"df.xent({bound}) of {rows:,} rows and {columns} columns"

    def _merged(
        self,
        target: Selector | None,
        proba: Selector | None,
        options: Mapping[str, Any],
        known: type = Decomposing,
    ) -> dict[str, Any]:
        """What is bound, under what is given."""
        names = {"target": None, "proba": None} | known.__annotations__
        for name in options:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                msg = (
                    f"{name!r} is not an option here; "
                    f"{f'did you mean {near[0]!r}?' if near else 'options are '}"
                    f"{'' if near else ', '.join(names) + '.'}"
                )
                raise TypeError(msg)
        given = {"target": target, "proba": proba}
        given = {name: value for name, value in given.items() if value is not None}
        return self._bound | given | dict(options)

    def _read(
        self,
        target: Selector | None,
        proba: Selector | None,
        options: Mapping[str, Any],
        known: type = Decomposing,
        *,
        beside: Selector | None = None,
    ) -> Found:
        """Read the columns that are bound or given; see :func:`read_frame`."""
        merged = self._complete(self._merged(target, proba, options, known))
        reading = {name: merged.pop(name, value) for name, value in DEFAULTS.items()}
        return Found(
            inputs=read_frame(
                self._frame,
                target=merged.pop("target"),
                proba=merged.pop("proba"),
                beside=beside,
                **reading,
            ),
            base=merged.pop("base", None),
            clip=merged.pop("clip", EPS),
            counts_dropped=reading["on_missing"] == "drop",
            decomposing=merged,
        )

    @staticmethod
    def _complete(merged: dict[str, Any]) -> dict[str, Any]:
        """The same, if it says which columns to read."""
        for name in ("target", "proba"):
            if name not in merged:
                msg = (
                    f"{name} must say which columns to read: none is given or bound; "
                    f"pass {name}=, here or as df.xent({name}=...)."
                )
                raise TypeError(msg)
        return merged

    def _keys(self, by: Any) -> Keys | None:
        """The groups of all rows: columns by name, or values."""
        if by is None:
            return None
        columns: Any = self._frame.columns
        if isinstance(by, list) and by and all(_is_name(one, columns) for one in by):
            by = {name: self._frame[name] for name in by}
        elif isinstance(by, (str, int, tuple)):
            if by not in columns:
                raise unknown_column(columns, by)
            by = self._frame[by]
        elif isinstance(by, list) and len(by) != len(self._frame):
            for one in by:
                if isinstance(one, str) and one not in columns:
                    raise unknown_column(columns, one)
        for values in by.values() if isinstance(by, Mapping) else [by]:
            check_index_order(self._frame, values, ("the frame", "by"), strict=True)
        return read_keys(by, len(self._frame))


def _is_name(value: Any, columns: Any) -> bool:
    return isinstance(value, (str, int, tuple)) and value in columns


def of_rows(keys: Keys | None, found: FrameInputs) -> Keys | None:
    """The groups of the rows that were kept."""
    if keys is None or found.kept is None:
        return keys
    return Keys(keys.codes[found.kept], keys.groups)


def _dropped(
    keys: Keys | None, found: FrameInputs, groups: pd.Index[Any]
) -> int | IntArray:
    """How many rows were left out, in all or of each group."""
    if keys is None or found.kept is None:
        return found.n_dropped
    counts = np.bincount(keys.codes[~found.kept], minlength=len(keys.groups))
    return np.asarray(counts[keys.groups.get_indexer(groups)], dtype=np.int64)


def with_dropped(table: pd.DataFrame, keys: Keys | None, found: Found) -> pd.DataFrame:
    """The table with the number of rows left out, where they may be."""
    if found.counts_dropped:
        table.insert(1, "n_dropped", _dropped(keys, found.inputs, table.index))
    return table
