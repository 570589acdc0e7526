"""Whether two runs were evaluated on the same rows, and what differs if not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._items.rows import Rows

_TOLERANCE = 1e-9
_SHOWN = 5


def in_one_order(first: Rows, second: Rows, names: tuple[str, str]) -> Rows:
    """The second in the order of the first; an error if their data differ."""
    unique = first.table.index.is_unique and second.table.index.is_unique
    told = _rows_that_lack(first, second, names)
    if unique:
        common = first.table.index.intersection(second.table.index, sort=False)
        ours, theirs = (_taken(rows, common) for rows in (first, second))
    elif not told and first.table.index.equals(second.table.index):
        ours, theirs = first, second
    else:
        told = told or ["row ids occur several times, and in another order"]
        ours = theirs = _taken(first, first.table.index[:0])
    told += _other_values(ours, theirs)
    if told:
        msg = (
            f"runs must be evaluated on the same data: of {names[0]} and "
            f"{names[1]} {' and '.join(told)}; evaluate both on one test set."
        )
        raise ValueError(msg)
    return theirs


def _rows_that_lack(first: Rows, second: Rows, names: tuple[str, str]) -> list[str]:
    """What is said of rows that one of them does not have."""
    told = []
    n = len(first.table), len(second.table)
    if n[0] != n[1]:
        told.append(f"one has {n[0]:,} rows, the other {n[1]:,}")
    for one, other, name in ((first, second, names[1]), (second, first, names[0])):
        missing = one.table.index.difference(other.table.index, sort=False)
        if len(missing):
            told.append(f"{name} lacks {_named(missing)}")
    return told


def _other_values(first: Rows, second: Rows) -> list[str]:
    """What is said of rows that both have, with other weights or targets."""
    told = []
    weights = [_weights(rows.table) for rows in (first, second)]
    for what, differ in (
        ("weights", np.abs(weights[0] - weights[1]) > _TOLERANCE),
        ("targets", _other_targets(first, second) & (weights[0] > 0)),
    ):
        if differ.any():
            told.append(f"the {what} differ in {_named(first.table.index[differ])}")
    return told


def _taken(rows: Rows, index: pd.Index[Any]) -> Rows:
    if not len(index):
        return rows._replace(table=rows.table.iloc[:0])
    return rows._replace(table=rows.table.iloc[rows.table.index.get_indexer(index)])


def _weights(table: pd.DataFrame) -> NDArray[np.float64]:
    """Relative to the largest: the scale of weights means nothing."""
    if "weight" not in table or not len(table):
        return np.ones(len(table))
    weight = table["weight"].to_numpy(np.float64)
    return np.asarray(weight / weight.max())


def _other_targets(first: Rows, second: Rows) -> NDArray[np.bool_]:
    p, q = first.targets, second.targets
    if p is None and q is None:
        labels = [rows.table["label"].map(str).to_numpy() for rows in (first, second)]
        return np.asarray(labels[0] != labels[1])
    if p is None or q is None or set(p.columns) != set(q.columns):
        return np.ones(len(first.table), dtype=np.bool_)
    apart = p.to_numpy(np.float64) - q[list(p.columns)].to_numpy(np.float64)
    return np.asarray((np.abs(apart) > _TOLERANCE).any(axis=1))


def _named(rows: pd.Index[Any]) -> str:
    shown = ", ".join(map(str, rows[:_SHOWN])) + ", ..." * (len(rows) > _SHOWN)
    return f"{len(rows):,} row{'s' * (len(rows) > 1)} ({shown})"
