"""Evaluating inputs: their decomposition, their rows and their folds."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ._decompose import warn_if_few
from ._decomposition import Decomposition
from ._fold_terms import decompose_folds, warn_if_untrained
from ._folds import Folds
from ._inputs import Inputs
from ._measures import PER_SAMPLE, per_sample_frame
from ._terms import decompose_inputs


class Evaluated(NamedTuple):
    """What an evaluation holds, by the names that it has there."""

    decomposition: Decomposition
    per_sample: pd.DataFrame
    labels: tuple[Any, ...]
    folds: pd.DataFrame | None


def evaluate(
    inputs: Inputs,
    folds: Folds | None,
    *,
    base: float | None,
    index: pd.Index[Any] | None,
    **options: Any,
) -> Evaluated:
    """Decompose with one map, or with one for each fold; say what is amiss."""
    options |= {"base": base, "columns": PER_SAMPLE}
    if folds is None:
        result, columns = decompose_inputs(inputs, **options)
        warn_if_few(result)
        rows = per_sample_frame(columns, base=base, index=index)
        return Evaluated(result, rows, inputs.labels, None)
    found = decompose_folds(inputs, folds, **options)
    warn_if_few(found.decomposition, found.parts)
    warn_if_untrained(inputs, found.parts)
    rows = per_sample_frame(found.columns, base=base, index=index)
    rows.insert(0, "fold", pd.Index(folds.names).take(folds.codes))
    return Evaluated(found.decomposition, rows, inputs.labels, found.table)
