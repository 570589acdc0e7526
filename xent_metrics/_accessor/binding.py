"""A frame with columns and options bound to it, and how they are read."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict, cast

import pandas as pd

from .._decomposition.breakdown import warn_if_many
from .._decomposition.recalibration import Recalibration
from .._decomposition.vote_entropy import VoteCorrection
from .._inputs.by import Source, find_keys
from .._inputs.columns import Selector
from .._inputs.frames import FrameInputs, read_frame
from .._inputs.groups import Keys
from .._inputs.read_options import FrameTargetType, FromLogits, OnMissing, ReadOptions


class ReadingOptions(TypedDict, total=False):
    """How columns are read, beside the target and the probabilities."""

    labels: Sequence[Any] | None
    target_type: FrameTargetType
    sample_weight: Any
    groups: Any
    base: float | None
    clip: float
    rescale: bool
    from_logits: FromLogits
    on_missing: OnMissing


class DecomposingOptions(ReadingOptions, total=False):
    """How they are read and decomposed."""

    recalibration: Recalibration
    vote_correction: VoteCorrection


class Found(NamedTuple):
    """What was read, and the options that are not about reading."""

    inputs: FrameInputs
    decomposing: dict[str, Any]

    @property
    def options(self) -> ReadOptions:
        """How it was read, with the values of weights and groups."""
        return self.inputs.options


def merge(
    bound: Mapping[str, Any],
    target: Selector | None,
    proba: Selector | None,
    options: Mapping[str, Any],
    known: type = DecomposingOptions,
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
    return {**bound, **given, **options}


def complete(merged: dict[str, Any]) -> dict[str, Any]:
    """The same, if it says which columns to read."""
    for name in ("target", "proba"):
        if name not in merged:
            msg = (
                f"{name} must say which columns to read: none is given or bound; "
                f"pass {name}=, here or as df.xent({name}=...)."
            )
            raise TypeError(msg)
    return merged


def read(
    frame: pd.DataFrame, bound: dict[str, Any], *, beside: Selector | None = None
) -> Found:
    """Read the columns that are bound; see :func:`read_frame`."""
    options, target, proba = reading_options(bound)
    inputs = read_frame(
        frame, target=target, proba=proba, options=options, beside=beside
    )
    known = [*ReadingOptions.__annotations__, "target", "proba"]
    others = {name: value for name, value in bound.items() if name not in known}
    return Found(inputs, decomposing=others)


def reading_options(bound: dict[str, Any]) -> tuple[ReadOptions, Selector, Selector]:
    """The options of reading, and the columns of the target and the probabilities."""
    names = [field.name for field in dataclasses.fields(ReadOptions)]
    reading = {name: value for name, value in complete(bound).items() if name in names}
    return ReadOptions(**reading), bound["target"], bound["proba"]


def read_by(frame: pd.DataFrame, by: Any) -> Keys | None:
    """The groups of all rows: by columns, levels of the index, or values."""
    if by is None:
        return None
    keys = find_keys(by, [Source(frame, "the frame")])
    warn_if_many(keys)
    return keys


def split_options(
    options: Mapping[str, Any],
) -> tuple[DecomposingOptions, dict[str, Any]]:
    """Options of reading and decomposing, and all others."""
    names = DecomposingOptions.__annotations__
    reading = {name: value for name, value in options.items() if name in names}
    others = {name: value for name, value in options.items() if name not in names}
    return cast("DecomposingOptions", reading), others
