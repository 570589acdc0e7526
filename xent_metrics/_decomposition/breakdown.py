"""The terms of groups and classes: row terms averaged within cells."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from .._display.result import counted
from .._inputs.by import Source, find_keys
from .._inputs.groups import Keys
from .._inputs.labels import label_index
from .._inputs.messages import warn
from .._inputs.read_options import nats_per_unit
from .._kernels.sums import Cells
from .._kernels.table import FloatArray, IntArray
from .._pickling import public
from .._terms import TERMS
from .evidence import Data, Evidence
from .recalibration import Correction
from .row_terms import RowTerms

FEW_ROWS = 200  # below, terms are unreliable
_TOO_FEW_ALONE = 50  # below, a map of their own says nothing
TOO_FEW = 10  # below, nor do the rows under a map of all
_MANY_GROUPS = 50  # above, groups of hardly a row each are a mistake
_HARDLY_A_ROW = 2.0  # rows per group, below

_OF_THE_MAP = tuple(name for name, term in TERMS.items() if term.needs_map)


@public
class SmallSampleWarning(UserWarning):
    """The rows, or their votes, are too few for a decomposition to say much.

    See Also
    --------
    decompose : Warns of few rows.
    """


def breakdown(
    evidence: Evidence, values: Any, *, uncertainty: float, refit: bool
) -> pd.DataFrame:
    """Terms of the groups of rows that have the same values.

    Under the one map, or each group decomposed alone. ``uncertainty`` is that of all
    rows, in the unit of the result.
    """
    data = evidence.need("by")
    keys = values
    if not isinstance(values, Keys):
        rows = pd.DataFrame(index=range(data.inputs.proba.n_rows))
        source = Source(rows, "the rows")
        keys = find_keys(values, [source], what="values", unknown=_no_columns)
        warn_if_many(keys, "values")
    if refit:
        return _refitted(data, keys)
    per_unit = nats_per_unit(evidence.base)
    return _of_groups(data, keys, uncertainty=uncertainty * per_unit, per_unit=per_unit)


def _no_columns(_: Any, name: Any) -> ValueError:
    return ValueError(
        f"values must be one value per row: found {name!r}, and a decomposition has no "
        "columns; pass the values of that column."
    )


def warn_if_many(keys: Keys, what: str = "by") -> None:
    """Warn of groups that have hardly more than a row each."""
    codes, groups = keys
    if len(groups) <= _MANY_GROUPS or len(codes) >= _HARDLY_A_ROW * len(groups):
        return
    names = [name for name in groups.names if name is not None]
    shown = repr(names[0] if len(names) == 1 else names) if names else "..."
    finest = max(
        (groups.get_level_values(level) for level in range(groups.nlevels)),
        key=lambda values: values.nunique(),
    )
    column = f"df[{finest.name!r}]" if finest.name is not None else "values"
    mend = "group by a column with fewer values"
    kind = getattr(finest.dtype, "kind", "O")
    if kind in "iuf":
        mend = f"pass pd.cut({column}, 10), or pd.qcut({column}, 10) for equal counts"
    elif kind in "mM":
        key = "" if finest.name is None else f"key={finest.name!r}, "
        mend = f"pass pd.Grouper({key}freq=...) with a coarse freq, such as 'MS'"
    warn(
        f"{what}={shown} makes {len(groups):,} groups of {len(codes):,} rows, too few "
        f"rows per group for their terms to say much; {mend}.",
        SmallSampleWarning,
    )


def breakdown_of_classes(evidence: Evidence, *, uncertainty: float) -> pd.DataFrame:
    """Terms of each class that occurs: a row counts by its target's share of it."""
    data, per_unit = evidence.need("by_class"), nats_per_unit(evidence.base)
    inputs, uncertainty = data.inputs, uncertainty * per_unit
    index = label_index((*inputs.labels, *inputs.unseen), "class")
    if inputs.codes is not None:
        keys = Keys(inputs.codes, index)
        return _of_groups(data, keys, uncertainty=uncertainty, per_unit=per_unit)
    each = []
    for k in range(len(index)):
        share = _column(data, k)
        inside = np.flatnonzero(share)
        zeros = np.zeros(len(inside), dtype=np.int64)
        table = terms_of_cells(
            data,
            zeros,
            1,
            inside=inside,
            share=share,
            uncertainty=uncertainty,
            per_unit=per_unit,
        )
        table["n"] = float(share.sum())
        each.append(table)
    table = pd.concat(each)
    table.index = index
    return without_few(table[table["n"] > 0].copy())


def _of_groups(
    data: Data, keys: Keys, *, uncertainty: float, per_unit: float
) -> pd.DataFrame:
    """Terms of each group under the one map, with an equal share of the debiasing.

    Groups sum, by their weight, to the whole, where none is too small.
    """
    codes = data.inputs.counted(keys.codes)
    table = terms_of_cells(
        data, codes, len(keys.groups), uncertainty=uncertainty, per_unit=per_unit
    )
    table.index = keys.groups
    return without_few(table[table["n"] > 0].copy())


def terms_of_cells(
    data: Data,
    codes: IntArray,
    n_cells: int,
    *,
    uncertainty: float,
    per_unit: float,
    inside: IntArray | None = None,
    share: FloatArray | None = None,
    correction: Correction | None = None,
) -> pd.DataFrame:
    """The terms of cells and their standard errors; ``inside`` are the rows meant.

    ``uncertainty`` is that of all rows, in nats; its debiasing is shared by all. A
    ``share`` multiplies the weights, a ``correction`` takes the place of the whole's.
    """
    rows, soft = data.rows, data.inputs.target is not None
    of_frequencies = uncertainty - rows.mean(rows.frequencies)
    correction = correction or data.correction
    optimism, floor = math.nan, 0.0
    if correction is not None:
        optimism, floor = correction.optimism, math.sqrt(correction.variance)
    shifts = {"uncertainty": of_frequencies, "refinement": optimism}
    weights, clusters = rows.weights, rows.clusters
    if share is not None:
        weights = weights * share
    values = rows.values()
    if inside is not None:
        weights = weights[inside]
        clusters = None if clusters is None else clusters[inside]
        values = {name: own[inside] for name, own in values.items()}
    cells = Cells(codes, n_cells, weights, clusters)
    table: dict[str, Any] = {
        "n": cells.n,
        "weight": cells.weight / float(rows.weights.sum()),
    }
    for name in names_of_terms(soft=soft):
        mean, error = cells.means_and_errors(values[name])
        if "entropy" in TERMS[name].parts:
            with np.errstate(invalid="ignore"):  # of infinite costs
                apart = TERMS[name].parts["entropy"] * (values[name] - mean[codes])
            error = _with_concentration(error, apart, cells, rows, inside)
        if TERMS[name].has_floor:
            error = np.where(error < floor, floor, error)
        shift = TERMS[name].of(defaultdict(float, shifts))
        table[name] = (mean + shift) / per_unit
        table[f"{name}_se"] = error / per_unit
    table["n_independent"] = cells.n_independent
    return pd.DataFrame(table)


def _with_concentration(
    error: FloatArray,
    apart: FloatArray,
    cells: Cells,
    rows: RowTerms,
    inside: IntArray | None,
) -> FloatArray:
    """The errors of an entropy that uses a concentration fitted to all rows.

    ``apart`` is how far rows are from the mean of their cell. A row counts in its cell,
    and in every cell by what it moves the concentration.
    """
    if rows.slopes is None or rows.concentration is None:
        return error
    moved: FloatArray = rows.weights * rows.concentration
    moved = moved / float(rows.weights.sum())
    variance = float(moved @ moved)
    if rows.clusters is not None:
        of_clusters = np.bincount(rows.clusters, moved).astype(np.float64)
        moved, variance = of_clusters[rows.clusters], float(of_clusters @ of_clusters)
    slopes = rows.slopes
    if inside is not None:
        moved, slopes = moved[inside], slopes[inside]
    slope, _ = cells.means_and_errors(slopes)
    together, _ = cells.means_and_errors(apart * moved)
    with np.errstate(divide="ignore"):
        scale = cells.n_independent / (cells.n_independent - 1.0)
    added = scale * slope * (2.0 * together + slope * variance)
    return np.asarray(np.sqrt(np.maximum(error**2 + added, 0.0)))


def names_of_terms(*, soft: bool) -> list[str]:
    """The terms of a cell: with soft labels, also those that other labels have not."""
    given = [term for term in TERMS.values() if term.by_group]
    of_all = [term.name for term in given if "entropy" not in term.parts]
    of_soft = [term.name for term in given if "entropy" in term.parts]
    return of_all + of_soft if soft else of_all


def without_few(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a note, not terms of the map, where rows are too few for them."""
    n = np.minimum(table.pop("n_independent"), table["n"])
    few = np.asarray(n < TOO_FEW)
    if few.any():
        names = [name for name in _OF_THE_MAP if name in table]
        table.loc[few, [*names, *(f"{name}_se" for name in names)]] = math.nan
    table["note"] = [
        too_few(count) if is_few else "" for count, is_few in zip(n, few, strict=True)
    ]
    return table


def too_few(n: float) -> str:
    """Why terms of the map are NaN for so few independent rows."""
    return (
        f"{n:.4g} independent row{'s' * (n != 1)}: too few for terms of the map, which "
        f"require {TOO_FEW}"
    )


def _refitted(data: Data, keys: Keys) -> pd.DataFrame:
    """Each group decomposed alone, with a map of its own."""
    inputs, codes = data.inputs, keys.codes
    weights = np.ones(len(codes)) if inputs.weights is None else inputs.weights
    names = names_of_terms(soft=inputs.target is not None)
    table, groups = [], []
    for group in range(len(keys.groups)):
        inside = np.where(codes == group, weights, 0.0)
        if not inside.any():
            continue
        alone = data.again(inputs._replace(weights=inside, active=inside > 0))[0]
        row: dict[str, Any] = {
            "n": alone.n,
            "weight": float(inside.sum()) / float(weights.sum()),
        }
        n = alone.n if alone.n_groups is None else alone.n_groups
        for name in names:
            known = n >= _TOO_FEW_ALONE or name not in _OF_THE_MAP
            row[name] = getattr(alone, name) if known else math.nan
            row[f"{name}_se"] = alone.standard_errors[name] if known else math.nan
        row["note"] = _note_alone(n, alone.notes.get("refinement", ""))
        table.append(row)
        groups.append(group)
    return pd.DataFrame(table, index=keys.groups.take(groups))


def _note_alone(n: int, why: str) -> str:
    if n < _TOO_FEW_ALONE:
        wanted = f"too few for a map of their own, which requires {_TOO_FEW_ALONE}"
        return f"{counted(n, 'independent row')}: {wanted}"
    rough = f"{n} independent rows: unreliable below about {FEW_ROWS}"
    return "; ".join(filter(None, [why, rough * (n < FEW_ROWS)]))


def _column(data: Data, k: int) -> FloatArray:
    """The target's probability of a class, in the rows that count."""
    inputs = data.inputs
    return inputs.counted(inputs.target_column(k))
