"""Classes and groups of a state as tables, like those of data in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._decomposition.breakdown import names_of_terms, without_few
from .._evaluation.tables import MEASURES
from .._inputs.groups import read_keys
from .._kernels.table import FloatArray
from ._moments import Moments
from ._state import ScanState

_FLOORED = ("miscalibration", "resolution", "grouping_loss")


def of_classes(
    state: ScanState, shifts: Mapping[str, float], per_unit: float, *, soft: bool
) -> pd.DataFrame:
    """The terms of each class that occurs."""
    moments = state.classes
    table = _terms(state, moments, shifts, per_unit, soft=soft)
    if state.contract.soft:
        table["n"] = state.shares
    else:
        table["n"] = moments.n.astype(np.int64)
    table["n_independent"] = moments.n
    table.index = pd.Index(
        (*state.labels, *state.unseen), name="class", tupleize_cols=False
    )
    return _noted(table[table["n"] > 0].copy(), shifts)


def of_groups(
    state: ScanState, shifts: Mapping[str, float], per_unit: float, *, soft: bool
) -> pd.DataFrame | None:
    """Means of measures of each group, then the terms of the map."""
    if state.groups is None:
        return None
    keys, moments = state.groups
    measures = _measures(state, moments, per_unit, soft=soft)
    terms = _terms(state, moments, shifts, per_unit, soft=soft)
    more = [name for name in terms if name not in measures]
    table = pd.concat([measures, terms[more]], axis=1)
    table["n_independent"] = moments.n
    found = read_keys(keys, len(keys))
    order = np.argsort(found.codes)
    table = table.iloc[order]
    table.index = found.groups
    return _noted(table[table["n"] > 0].copy(), shifts)


def _measures(
    state: ScanState, moments: Moments, per_unit: float, *, soft: bool
) -> pd.DataFrame:
    """Counts and means as :meth:`Evaluation.summary` has them."""
    table: dict[str, Any] = {
        "n": moments.n.astype(np.int64),
        "weight": moments.weight / moments.weight.sum(),
    }
    errors = moments.errors() / per_unit
    place = {name: k for k, name in enumerate(state.contract.measures)}
    for name in MEASURES:
        if not soft and name == "entropy":
            zeros = np.zeros(len(moments.n))
            mean, error = zeros, np.where(moments.n > 1, zeros, np.nan)
        else:
            own = place.get(name, place["cross_entropy"])
            mean, error = moments.mean[own] / per_unit, errors[own]
        table[name], table[f"{name}_se"] = mean, error
    return pd.DataFrame(table)


def _terms(
    state: ScanState,
    moments: Moments,
    shifts: Mapping[str, float],
    per_unit: float,
    *,
    soft: bool,
) -> pd.DataFrame:
    """The terms that :meth:`Decomposition.by` has; NaN where they are not known."""
    table: dict[str, Any] = {
        "n": moments.n.astype(np.int64),
        "weight": moments.weight / float(state.whole.weight[0]),
    }
    place = {name: k for k, name in enumerate(state.contract.measures)}
    place["irreducible"] = place.get("entropy", -1)
    errors = moments.errors()
    nothing: FloatArray = np.full(len(moments.n), np.nan)
    for name in names_of_terms(soft=soft):
        mean, error = nothing, nothing
        if name in place:
            mean = moments.mean[place[name]] + shifts.get(name, 0.0)
            error = errors[place[name]]
        if name in _FLOORED:
            floor = shifts.get("floor", 0.0)
            error = np.where(error < floor, floor, error)
        table[name], table[f"{name}_se"] = mean / per_unit, error / per_unit
    return pd.DataFrame(table)


def _noted(table: pd.DataFrame, shifts: Mapping[str, float]) -> pd.DataFrame:
    """Why terms are missing: too few rows, or a pass too few."""
    found = without_few(table)
    if not shifts:
        found["note"] = "terms of the map want a second pass, under the first"
    return found
