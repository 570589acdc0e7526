"""What is computed from the columns that were read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._decomposition.cautions import warn_about
from .._decomposition.decompose import decompose_inputs
from .._decomposition.result import Decomposition
from .._evaluation.compare import compare
from .._evaluation.comparison import Comparison
from .._evaluation.evaluation import Evaluation
from .._evaluation.features import measured_columns
from .._evaluation.kept_frame import KeptFrame
from .._evaluation.listeners import without_listeners
from .._evaluation.tables import rows_of, summarise, worst
from .._inputs.by import is_label
from .._inputs.columns import unknown_column
from .._inputs.frames import FrameInputs
from .._inputs.groups import Keys, read_groups
from .._inputs.inputs import Inputs
from .._kernels.table import IntArray
from .._measures.per_sample import PER_SAMPLE, per_sample_frame
from .binding import Found, read


def per_sample_of(found: Found) -> pd.DataFrame:
    """The measures of each row."""
    columns = found.inputs.inputs.measure(PER_SAMPLE, clip=found.options.clip).columns
    return per_sample_frame(
        columns, base=found.options.base, index=found.inputs.row_index
    )


def summary_of(found: Found, keys: Keys | None) -> pd.DataFrame:
    """Counts and means of the measures, in all or by group."""
    inputs = found.inputs.inputs
    names = ["cross_entropy", "predictive_entropy"]
    if inputs.codes is None:
        names += ["entropy", "kl_divergence"]
    columns = inputs.measure(names, clip=found.options.clip).columns
    per_unit = found.options.per_unit
    if per_unit != 1:
        columns = {name: values / per_unit for name, values in columns.items()}
    table = summarise(
        columns,
        _kept(keys, found.inputs),
        weights=inputs.weights,
        clusters=read_groups(found.options.groups, inputs),
        hard=inputs.codes is not None,
    )
    return _with_dropped(table, keys, found)


def worst_of(
    found: Found, n: int, by: Any, *, columns: Any, frame: pd.DataFrame
) -> pd.DataFrame:
    """The rows that cost most, in all or of each group, with columns of the frame."""
    inputs = found.inputs.inputs
    measured = inputs.measure(
        [*PER_SAMPLE, "predicted"], clip=found.options.clip
    ).columns
    rows = rows_of(
        inputs, measured, base=found.options.base, index=found.inputs.row_index
    )
    held = KeptFrame(frame, found.inputs.kept, found.inputs.measured)
    return worst(rows, n, by, columns=columns, frame=held)


def with_features(
    frame: pd.DataFrame, bound: Mapping[str, Any], features: Any
) -> tuple[Evaluation, pd.DataFrame]:
    """What is evaluated, and these features, or all columns that it did not read."""
    with without_listeners():
        evaluation = Evaluation.from_frame(frame, **bound)
    names = list(frame.columns)
    if features is None:
        read_before = [*measured_columns(evaluation)]
        groups = bound.get("groups")
        if groups is not None and is_label(groups):
            read_before.append(groups)
        features = [name for name in names if name not in read_before]
        if not features:
            msg = (
                "features must be columns of the frame: it has none beside those of "
                "the target and the probabilities; pass features=."
            )
            raise ValueError(msg)
    several = isinstance(features, (list, pd.Index, np.ndarray))
    wanted = list(features) if several else [features]
    for name in wanted:
        if name not in names:
            raise unknown_column(names, name)
    return evaluation, frame[wanted]


def decompose_found(
    found: Found, keys: Keys | None, *, refit: bool
) -> Decomposition | pd.DataFrame:
    """The terms of all rows, or those of each group."""
    settings: dict[str, Any] = {"recalibration": "auto"} | found.decomposing
    result, _ = decompose_inputs(found.inputs.inputs, found.options, **settings)
    warn_about(result)
    result = dataclasses.replace(result, n_dropped=found.inputs.n_dropped)
    if keys is None:
        return result
    table = result.by(_kept(keys, found.inputs), refit=refit)
    return _with_dropped(table, keys, found)


def compare_with(
    frame: pd.DataFrame,
    bound: dict[str, Any],
    other: Any,
    *,
    names: tuple[str, str] | None,
    level: float,
) -> Comparison:
    """Compare with inputs, an evaluation, or other columns of the frame."""
    theirs: Any = other
    if isinstance(other, (Inputs, Evaluation, Decomposition)):
        mine = read(frame, bound)
    elif isinstance(other, tuple) and any(hasattr(one, "shape") for one in other):
        msg = (
            "other must be columns of the frame, an evaluation or a view: found a "
            "tuple of values; pass df2.xent(target=..., proba=...), or call "
            "compare({name: (y_true, y_proba)}) for arrays."
        )
        raise TypeError(msg)
    else:
        mine = read(frame, bound, beside=other)
        swapped = bound | {"proba": other}
        theirs = read(frame, swapped, beside=bound["proba"]).inputs.inputs
    first, second = _names(bound["proba"], other, names)
    settings: dict[str, Any] = {**mine.decomposing}
    settings.pop("vote_correction", None)
    return compare(
        {first: mine.inputs.inputs, second: theirs},
        groups=mine.options.groups,
        base=mine.options.base,
        clip=mine.options.clip,
        level=level,
        **settings,
    )


def _names(mine: Any, theirs: Any, given: Any) -> tuple[str, str]:
    """What two sets of predictions are called."""
    if given is not None:
        pair = isinstance(given, (tuple, list)) and len(given) == 2  # noqa: PLR2004
        if not pair or given[0] == given[1]:
            msg = (
                "names must be two that differ: found "
                f"{given!r}; pass a pair, such as ('old', 'new')."
            )
            raise ValueError(msg)
        return given[0], given[1]
    both = mine, theirs
    if all(isinstance(one, str) for one in both) and mine != theirs:
        return both
    return "this", "other"


def _kept(keys: Keys | None, found: FrameInputs) -> Keys | None:
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


def _with_dropped(table: pd.DataFrame, keys: Keys | None, found: Found) -> pd.DataFrame:
    """The table with the number of rows left out, where they may be."""
    if found.options.on_missing == "drop":
        table.insert(1, "n_dropped", _dropped(keys, found.inputs, table.index))
    return table
