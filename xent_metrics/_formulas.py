"""Formulas for columns of probabilities: costs of labels, terms that keep digits."""

from __future__ import annotations

import numpy as np

from ._table import BoolArray, FloatArray, IntArray, least

TINY = float(np.nextafter(0.0, 1.0))

# Where the ratio of two probabilities is this near 1, a series is more exact.
SERIES = 1e-3

# Rows whose costs are made at once, in the cache.
_CHUNK = 16_384


def never_negative(sums: FloatArray) -> FloatArray:
    """-sums, where rounding alone could make them negative."""
    return np.maximum(np.negative(sums, out=sums), 0.0, out=sums)


def take_labels(table: FloatArray, codes: IntArray, out: FloatArray) -> None:
    """Copy the value at each row's label; codes beyond the classes take any value."""
    n_classes, n_rows = table.shape
    if table.flags.f_contiguous:
        memory, by_class, by_row = table.T.reshape(-1), 1, n_classes
    else:
        whole = table if table.flags.c_contiguous else table.base
        assert whole is not None
        memory, by_class, by_row = whole.reshape(-1), whole.shape[1], 1
    where = np.arange(0, n_rows * by_row, by_row)
    where += codes if by_class == 1 else codes * by_class
    if memory.dtype == out.dtype:
        memory.take(where, out=out, mode="clip")
    else:
        out[...] = memory.take(where, mode="clip")


def cost_of_label(
    p: FloatArray, clip: float, active: BoolArray | None
) -> tuple[FloatArray, int]:
    """-log p in the place of p, and how many rows that count have p below the clip."""
    floor, small = max(clip, TINY), None
    if not least(p) >= floor:
        small = p < floor
        np.maximum(p, floor, out=p)
    parts = [p]
    if len(p) > _CHUNK:
        parts = [p[start : start + _CHUNK] for start in range(0, len(p), _CHUNK)]
    for part in parts:
        np.minimum(part, 1.0, out=part)
        np.log(part, out=part)
        np.subtract(0.0, part, out=part)
    if small is None:
        return p, 0
    if not clip:
        p[small] = np.inf
    return p, int(np.count_nonzero(small if active is None else small & active))


def small_divergence(p: FloatArray, q: FloatArray) -> FloatArray:
    """KL(p||q) of nearly equal columns, to full relative accuracy.

    With t = (p - q) / q the divergence is sum q h(t) + sum (p - q), where
    h(t) = (1 + t) log(1 + t) - t is never negative, so nothing cancels.
    """
    # In one memory order a row's sum does not depend on the rows beside it.
    p, q = np.asfortranarray(p), np.asfortranarray(q)
    possible = p > 0
    p, q = np.where(possible, p, 1.0), np.where(possible, q, 1.0)
    difference = p - q
    t = difference / q
    h = t_log_t(p / q, t) - t
    series = np.abs(t) < SERIES
    s = t[series]
    h[series] = s * s * (1 / 2 - s * (1 / 6 - s * (1 / 12 - s * (1 / 20 - s / 30))))
    divergence: FloatArray = np.add.reduce(q * h, axis=0)
    divergence += np.add.reduce(difference, axis=0)
    return divergence


def t_log_t(ratio: FloatArray, t: FloatArray) -> FloatArray:
    """Return r log r of ratios r = 1 + t, exact near 1 and 0 at 0."""
    exact = np.log1p(np.maximum(t, -0.5))
    value: FloatArray = np.where(ratio < 1 / 2, np.log(np.maximum(ratio, TINY)), exact)
    return ratio * value
