"""Tables of groups of rows and of the worst rows, from the measures of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._inputs.groups import Keys, read_keys
from .._inputs.inputs import check_index_order
from .._kernels.sums import Cells
from .._kernels.table import BoolArray, FloatArray, IntArray
from .._terms import TERMS

if TYPE_CHECKING:
    from .._decomposition.result import Decomposition

Scalar = TypeVar("Scalar", bound=np.generic)

_ALONE = "one independent row: no standard errors"

# What rows have without a recalibration map, and without class frequencies.
MEASURES = tuple(
    name
    for name, term in TERMS.items()
    if term.parts
    and not (term.needs_map or term.needs_frequencies or term.needs_soft_labels)
)


def summarise(
    columns: Mapping[str, FloatArray],
    keys: Keys | None,
    *,
    weights: FloatArray | None,
    clusters: IntArray | None,
    hard: bool,
) -> pd.DataFrame:
    """Counts and weighted means by group, with standard errors.

    ``hard`` says that targets are labels: their entropy is 0, so that the divergence
    is the cost.
    """
    active = None
    if weights is not None:
        if not weights.all():
            active = weights > 0
        weights = weights / weights.max()
    if keys is None:
        keys = _one_group(len(columns["cross_entropy"]))
    codes, index = keys
    cells = Cells(
        _of(codes, active),
        len(index),
        None if weights is None else _of(weights, active),
        None if clusters is None else _of(clusters, active),
    )
    total = float(cells.weight.sum())
    found: tuple[Any, Any]
    table: dict[str, Any] = {"n": cells.n, "weight": cells.weight / total}
    for name in MEASURES:
        if hard and name == "entropy":
            values = np.zeros(len(index))
            found = values, np.where(cells.n_independent > 1, values, np.nan)
        elif hard and name == "kl_divergence":
            found = table["cross_entropy"], table["cross_entropy_se"]
        else:
            found = cells.means_and_errors(_values(columns, name, active))
        table[name], table[f"{name}_se"] = found
    table["note"] = np.where(cells.n_independent > 1, "", _ALONE)
    frame = pd.DataFrame(table, index=index)
    return frame if cells.n.all() else frame[frame["n"] > 0]


def summary_of(result: Decomposition) -> pd.DataFrame:
    """The same of all rows, where they are gone: terms that a decomposition has."""
    table: dict[str, Any] = {"n": result.n, "weight": 1.0}
    for name in MEASURES:
        table[name] = getattr(result, name)
        table[f"{name}_se"] = result.standard_errors[name]
    alone = result.n == 1 or result.n_groups == 1
    table["note"] = _ALONE if alone else ""
    return pd.DataFrame(table, index=pd.Index(["all"]))


def worst(
    rows: pd.DataFrame, n: int, keys: Keys | None, weights: FloatArray | None
) -> pd.DataFrame:
    """The most costly rows of all, or of each group, the most costly first."""
    kinds: Any = (int, np.integer)
    whole = isinstance(n, kinds) and not isinstance(n, bool)
    if not whole or n < 1:
        msg = f"n must be a whole number above 0: found {n!r}; pass 10."
        raise ValueError(msg)
    order = np.argsort(-rows["cross_entropy"].to_numpy(), kind="stable")
    if weights is not None:
        order = order[weights[order] > 0]
    if keys is None:
        return rows.iloc[order[:n]]
    order = order[np.argsort(keys.codes[order], kind="stable")]
    codes = keys.codes[order]
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    place = np.arange(len(codes)) - np.repeat(
        starts, np.diff(np.r_[starts, len(codes)])
    )
    order = order[place < n]
    names = keys.groups.take(keys.codes[order]).to_frame(index=False)
    found = rows.iloc[order]
    names.index = found.index
    shown = [
        f"by_{position}" if name is None or name == 0 else name
        for position, name in enumerate(keys.groups.names)
    ]
    names.columns = pd.Index(shown)
    repeated = [name for name in shown if name in found.columns]
    return pd.concat([names, found.drop(columns=repeated)], axis=1)


def keys_of(rows: pd.DataFrame, by: Any) -> Keys | None:
    """The groups that ``by`` means: columns of the rows by name, or values."""
    if by is None:
        return None
    if isinstance(by, str):
        by = _column(rows, by)
    elif isinstance(by, list) and by and set(map(str, by)) <= set(rows.columns):
        by = {name: rows[name] for name in by}
    for values in by.values() if isinstance(by, Mapping) else [by]:
        check_index_order(rows, values, ("per_sample", "by"), strict=True)
    return read_keys(by, len(rows))


def _column(rows: pd.DataFrame, name: str) -> Any:
    if name not in rows.columns:
        msg = (
            f"by must be a column of per_sample or one value a row: found {name!r}, "
            f"columns are {', '.join(map(repr, rows.columns))}; pass the values."
        )
        raise ValueError(msg)
    return rows[name]


def _one_group(n_rows: int) -> Keys:
    return Keys(np.zeros(n_rows, dtype=np.int64), pd.Index(["all"]))


def _values(
    columns: Mapping[str, FloatArray], name: str, active: BoolArray | None
) -> FloatArray:
    if name in columns:
        return _of(columns[name], active)
    parts = {part: _of(columns[part], active) for part in TERMS[name].parts}
    with np.errstate(invalid="ignore"):
        values: FloatArray = TERMS[name].of(parts)
    return values


def _of(values: NDArray[Scalar], active: BoolArray | None) -> NDArray[Scalar]:
    return values if active is None else values[active]
