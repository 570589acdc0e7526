"""Evaluating inputs: their decomposition, their rows, classes and folds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._decomposition.decompose import decompose_inputs, warn_if_few
from .._decomposition.decompose_folds import decompose_folds, warn_if_untrained
from .._decomposition.evidence import evidence_of
from .._decomposition.folds import Folds
from .._decomposition.result import Decomposition
from .._inputs.inputs import Inputs
from .._kernels.table import BoolArray, FloatArray
from .._measures.per_sample import PER_SAMPLE, per_sample_frame


class Evaluated(NamedTuple):
    """What an evaluation holds, by the names that it has there."""

    decomposition: Decomposition
    per_sample: pd.DataFrame | None
    per_class: pd.DataFrame
    labels: tuple[Any, ...]
    folds: pd.DataFrame | None
    by_group: pd.DataFrame | None = None


def evaluate(
    inputs: Inputs,
    folds: Folds | None,
    *,
    base: float | None,
    index: pd.Index[Any] | None,
    n_dropped: int = 0,
    warn: bool = True,
    **options: Any,
) -> Evaluated:
    """Decompose with one map, or with one for each fold; say what is amiss."""
    options |= {"base": base, "columns": (*PER_SAMPLE, "predicted")}
    table = None
    if folds is None:
        result, columns = decompose_inputs(inputs, **options)
        if warn:
            warn_if_few(result)
    else:
        found = decompose_folds(inputs, folds, **options)
        result, columns, table = found.decomposition, found.columns, found.table
        warn_if_few(result, found.parts)
        warn_if_untrained(inputs, found.parts)
    rows = rows_of(inputs, columns, base=base, index=index)
    clusters = evidence_of(result).need("evaluate").clusters
    if clusters is not None:
        rows["group"] = clusters
    if folds is not None:
        rows.insert(0, "fold", pd.Index(folds.names).take(folds.codes))
    result = dataclasses.replace(result, n_dropped=n_dropped)
    return Evaluated(result, rows, result.by_class(), inputs.labels, table)


def rows_of(
    inputs: Inputs,
    columns: Mapping[str, FloatArray],
    *,
    base: float | None,
    index: pd.Index[Any] | None,
) -> pd.DataFrame:
    """The measures of each row after its label and predicted class, before its weight.

    ``columns`` are those of a pass, in nats. A row of weight 0 that breaks a rule has
    neither label nor predicted class.
    """
    rows = per_sample_frame(columns, base=base, index=index)
    predicted = columns["predicted"]
    broken = np.isnan(predicted)
    codes = np.where(broken, 0, predicted).astype(np.int64)
    names = pd.Index(inputs.labels, tupleize_cols=False)
    rows.insert(0, "predicted", _named(names, codes, broken))
    if inputs.codes is not None:
        names = pd.Index((*inputs.labels, *inputs.unseen), tupleize_cols=False)
        inactive = None if inputs.active is None else ~inputs.active
        rows.insert(0, "label", _named(names, inputs.codes, inactive))
    if inputs.weights is not None:
        rows["weight"] = inputs.weights
    return rows


def _named(names: pd.Index[Any], codes: Any, absent: BoolArray | None) -> Any:
    found = names.take(codes)
    if absent is None or not absent.any():
        return found
    return found.where(~absent)
