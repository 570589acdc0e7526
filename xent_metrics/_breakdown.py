"""The terms of groups and classes: row terms averaged within cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ._evidence import Correction, Data
from ._groups import number
from ._reader import Reader
from ._reduce import standard_error, weighted_mean
from ._row_terms import RowTerms
from ._table import FloatArray

_SOFT = ("kl_divergence", "irreducible", "grouping_loss")
_TERMS = (
    "cross_entropy",
    "uncertainty",
    "resolution",
    "miscalibration",
    "refinement",
    *_SOFT,
)


class Cell(NamedTuple):
    """A group of rows: its name, how many they are, and their weights (0 outside)."""

    value: Any
    n: float
    weights: FloatArray


def cells_of_values(data: Data, values: Any) -> Iterator[Cell]:
    """Each distinct value, with the weights of its rows (0 for others)."""
    codes, distinct = number(values, data.inputs, "values")
    if data.inputs.active is not None:
        codes = codes[data.inputs.active]
    for code, value in enumerate(distinct):
        inside = codes == code
        if inside.any():
            n = int(np.count_nonzero(inside))
            yield Cell(value, n, np.where(inside, data.rows.weights, 0.0))


def cells_of_classes(data: Data) -> Iterator[Cell]:
    """Each class, with the weights of its rows: w times the target's share of it."""
    inputs, rows = data.inputs, data.rows
    labels = (*inputs.labels, *inputs.unseen)
    if inputs.codes is not None:
        codes = inputs.codes if inputs.active is None else inputs.codes[inputs.active]
        for code, label in enumerate(labels):
            inside = codes == code
            if inside.any():
                n = int(np.count_nonzero(inside))
                yield Cell(label, n, np.where(inside, rows.weights, 0.0))
        return
    for k, label in enumerate(labels):
        share = _column(data, k)
        if share.any():
            yield Cell(label, float(share.sum()), rows.weights * share)


def _column(data: Data, k: int) -> FloatArray:
    """The target's probability of a class, in the rows that count."""
    inputs = data.inputs
    assert inputs.target is not None
    reader = Reader(inputs.target, row_major=False, active=inputs.active)
    parts = []
    for start in range(0, inputs.target.n_rows, reader.rows):
        p = reader.read(start, min(start + reader.rows, inputs.target.n_rows))
        assert p is not None, "the measures checked every row before"
        parts.append(p[k].copy())
    column = np.concatenate(parts)
    return column if inputs.active is None else column[inputs.active]


def breakdown(
    data: Data,
    cells: Iterable[Cell],
    *,
    uncertainty: float,
    per_unit: float,
) -> pd.DataFrame:
    """Terms of each cell under the one map, with an equal share of the debiasing.

    Cells that share the rows among them sum, by their weight, to the whole.
    """
    of_frequencies = uncertainty - data.rows.mean(data.rows.frequencies)
    soft = data.inputs.target is not None
    table, index = [], []
    for cell in cells:
        terms = terms_of_cell(
            data.rows, cell, data.correction, of_frequencies, soft=soft
        )
        table.append(
            shares_of_cell(data.rows, cell)
            | {name: value / per_unit for name, value in terms.items()}
        )
        index.append(cell.value)
    return pd.DataFrame(table, index=pd.Index(index))


def terms_of_cell(
    rows: RowTerms,
    cell: Cell,
    correction: Correction | None,
    of_frequencies: float,
    *,
    soft: bool,
) -> dict[str, float]:
    """The terms of a cell and their standard errors, in nats.

    ``of_frequencies`` corrects the cost of predicting the frequencies of all rows.
    """
    optimism, floor = math.nan, 0.0
    if correction is not None:
        optimism, floor = correction.optimism, math.sqrt(correction.variance)
    shifts = {
        "uncertainty": of_frequencies,
        "resolution": of_frequencies - optimism,
        "miscalibration": -optimism,
        "refinement": optimism,
        "grouping_loss": optimism,
    }
    influences = rows.influences(math.nan, math.nan)
    # Rows of other cells have a weight of 0, but may cost infinity or NaN.
    inside = cell.weights > 0
    w = cell.weights[inside]
    clusters = None if rows.clusters is None else rows.clusters[inside]
    terms: dict[str, float] = {}
    for name in _names(soft=soft):
        influence = influences[name][inside]
        mean = weighted_mean(influence, w) + shifts.get(name, 0.0)
        error = standard_error(influence, w, clusters)
        if name in ("miscalibration", "resolution", "grouping_loss"):
            error = max(error, floor)
        terms |= {name: mean, f"{name}_se": error}
    return terms


def _names(*, soft: bool) -> list[str]:
    return [name for name in _TERMS if soft or name not in _SOFT]


def shares_of_cell(rows: RowTerms, cell: Cell) -> dict[str, Any]:
    """How many rows a cell has, and its share of the weight."""
    return {
        "n": cell.n,
        "weight": float(cell.weights.sum()) / float(rows.weights.sum()),
    }


def refitted(data: Data, cells: Iterable[Cell]) -> pd.DataFrame:
    """Each cell decomposed alone, with a map of its own."""
    inputs, table, index = data.inputs, [], []
    names = _names(soft=inputs.target is not None)
    for value, _, weights in cells:
        of_all = weights
        if inputs.active is not None:
            of_all = np.zeros(len(inputs.active))
            of_all[inputs.active] = weights
        alone = data.again(inputs._replace(weights=of_all, active=of_all > 0))
        row = {
            "n": alone.n,
            "weight": float(weights.sum()) / float(data.rows.weights.sum()),
        }
        for name in names:
            row[name] = getattr(alone, name)
            row[f"{name}_se"] = alone.standard_errors[name]
        table.append(row)
        index.append(value)
    return pd.DataFrame(table, index=pd.Index(index))
