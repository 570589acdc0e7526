"""Evaluating inputs: their decomposition, their rows, classes and folds."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import pandas as pd

from .._decomposition.cautions import warn_about
from .._decomposition.decompose import decompose_inputs
from .._decomposition.decompose_folds import decompose_folds, warn_if_untrained
from .._decomposition.evidence import evidence_of
from .._decomposition.folds import Folds
from .._decomposition.result import Decomposition
from .._inputs.inputs import Inputs
from .._inputs.read_options import ReadOptions
from .._measures.per_sample import PER_SAMPLE
from .tables import rows_of


class Evaluated(NamedTuple):
    """What an evaluation holds, by the names that it has there."""

    decomposition: Decomposition
    per_sample: pd.DataFrame | None
    by_class: pd.DataFrame
    labels: tuple[Any, ...]
    folds: pd.DataFrame | None
    by_group: pd.DataFrame | None = None


def evaluate(
    inputs: Inputs,
    folds: Folds | None,
    read_options: ReadOptions,
    *,
    index: pd.Index[Any] | None,
    n_dropped: int = 0,
    warn: bool = True,
    **options: Any,
) -> Evaluated:
    """Decompose with one map, or with one for each fold; say what is amiss."""
    options["columns"] = (*PER_SAMPLE, "predicted")
    table = None
    if folds is None:
        result, columns = decompose_inputs(inputs, read_options, **options)
        if warn:
            warn_about(result)
    else:
        found = decompose_folds(inputs, folds, read_options, **options)
        result, columns, table = found.decomposition, found.columns, found.table
        warn_about(result, found.parts)
        warn_if_untrained(inputs, found.parts)
    rows = rows_of(inputs, columns, base=read_options.base, index=index)
    clusters = evidence_of(result).need("evaluate").clusters
    if clusters is not None:
        rows["group"] = clusters
    if folds is not None:
        rows.insert(0, "fold", pd.Index(folds.names).take(folds.codes))
    result = dataclasses.replace(result, n_dropped=n_dropped)
    return Evaluated(result, rows, result.by_class(), inputs.labels, table)
