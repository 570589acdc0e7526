"""Rows in bins of equal mass, with intervals of what was observed there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._kernels.sums import standard_error, weighted_mean
from .._kernels.table import FloatArray, IntArray
from .._recalibration.sample import effective_number
from ._rows import ClassRows


class Bins(NamedTuple):
    """Means of what was predicted and observed, with an interval of the latter.

    ``codes`` numbers the bin of each row.
    """

    codes: IntArray
    predicted: FloatArray
    observed: FloatArray
    low: FloatArray
    high: FloatArray


def check_bins(bins: Any) -> int:
    """A number of bins."""
    whole = isinstance(bins, (int, np.integer)) and not isinstance(bins, bool)
    if not whole or bins < 1:
        msg = f"bins must be a whole number above 0: found {bins!r}; pass 15."
        raise ValueError(msg)
    return int(bins)


def in_bins(rows: ClassRows, n_bins: int, z: float) -> Bins:
    """Put rows into bins by what was predicted, and say what came."""
    codes = equal_mass(rows.predicted, rows.weights, n_bins)
    found = []
    for code in range(int(codes.max()) + 1):
        inside = np.flatnonzero(codes == code)
        w, observed = rows.weights[inside], rows.observed[inside]
        clusters = None if rows.clusters is None else rows.clusters[inside]
        mean = weighted_mean(observed, w)
        n = _worth(observed, mean, w, clusters, binary=rows.binary)
        found.append(
            (weighted_mean(rows.predicted[inside], w), mean, *wilson(mean, n, z))
        )
    predicted, observed, low, high = np.array(found).T
    return Bins(codes, predicted, observed, low, high)


def equal_mass(values: FloatArray, weights: FloatArray, n_bins: int) -> IntArray:
    """The bin of each value; equal values share one, so there may be fewer."""
    distinct, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weights, len(distinct))
    middle = (np.cumsum(mass) - mass / 2.0) / mass.sum()
    codes = np.minimum((middle * n_bins).astype(np.int64), n_bins - 1)
    codes = np.unique(codes, return_inverse=True)[1]
    return np.asarray(codes[place])


def _worth(
    observed: FloatArray,
    mean: float,
    weights: FloatArray,
    clusters: IntArray | None,
    *,
    binary: bool,
) -> float:
    """How many independent labels a frequency is worth.

    Weights lower it (Kish, 1965), clusters and soft targets change it by the variance
    that they give the frequency (Korn & Graubard, 1998).
    """
    n = effective_number(weights)
    if clusters is not None:
        n = min(n, float(len(np.unique(clusters))))
    elif binary:
        return n
    error = standard_error(observed, weights, clusters)
    variance = mean * (1.0 - mean)
    return variance / error**2 if error > 0 and variance > 0 else n


def wilson(share: float, n: float, z: float) -> tuple[float, float]:
    """The interval of a share of n (Wilson, 1927)."""
    shrink = 1.0 + z**2 / n
    middle = (share + z**2 / (2.0 * n)) / shrink
    reach = z * np.sqrt(share * (1.0 - share) / n + (z / (2.0 * n)) ** 2) / shrink
    # Rounding must not take the share out of its interval.
    return min(float(middle - reach), share), max(float(middle + reach), share)
