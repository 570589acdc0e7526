"""Sums and means of per-sample values, exact to rounding."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from ._table import BoolArray, FloatArray, IntArray

Reduction = Literal["mean", "sum"] | None
ROUNDING = 1e-12  # a share of a mean cost: what two ways to add it up may differ by
_CHUNK = 4096


def total(values: FloatArray) -> float:
    """Sum in float64: sums of short runs, added without further rounding."""
    if len(values) <= _CHUNK:
        return float(np.add.reduce(values))
    whole = len(values) // _CHUNK * _CHUNK
    runs = np.add.reduce(values[:whole].reshape(-1, _CHUNK), axis=1)
    return math.fsum([*runs.tolist(), float(np.add.reduce(values[whole:]))])


def weighted_mean(values: FloatArray, weights: FloatArray | None) -> float:
    """Sum w v / sum w."""
    if weights is None:
        return total(values) / len(values)
    return total(values * weights) / total(weights)


def standard_error(
    influence: FloatArray, weights: FloatArray, clusters: IntArray | None
) -> float:
    """Standard error of a weighted mean of rows, or of clusters of rows.

    SE^2 = G / (G - 1) sum over the G clusters of (sum of w psi)^2, over W^2.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        centred = weights * (influence - weighted_mean(influence, weights))
        n = int(np.count_nonzero(weights))
        if clusters is not None:
            centred = np.bincount(clusters, centred).astype(np.float64)
            n = len(np.unique(clusters[weights > 0]))
        if n < 2:  # noqa: PLR2004
            return math.nan
        return math.sqrt(n / (n - 1) * float(centred @ centred)) / float(weights.sum())


def reduce_rows(
    values: FloatArray,
    *,
    weights: FloatArray | None,
    active: BoolArray | None,
    reduction: Reduction,
) -> float | FloatArray:
    """Weighted mean or sum over the rows that count, or the values themselves."""
    if reduction is None:
        return values
    if reduction not in ("mean", "sum"):
        msg = (
            "reduction must be 'mean', 'sum' or None: "
            f"found {reduction!r}; pass None for one value a row."
        )
        raise ValueError(msg)
    if weights is not None and active is not None:
        values, weights = values[active], weights[active]
    if reduction == "mean":
        return weighted_mean(values, weights)
    return total(values if weights is None else values * weights)
