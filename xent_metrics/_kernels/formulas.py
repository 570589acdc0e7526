"""Formulas for columns of probabilities: costs of labels, terms that keep digits."""

from __future__ import annotations

import numpy as np

from .sums import total
from .table import BoolArray, FloatArray, greatest, least

TINY = float(np.nextafter(0.0, 1.0))
LEAST_NORMAL = float(np.finfo(np.float64).smallest_normal)

# Where the ratio of two probabilities is this near 1, a series is more exact.
SERIES = 1e-3

# From this ratio of two probabilities on, r log r may overflow.
_FAR = 2.0**1000

# Rows whose costs are made at once, in the cache.
_CHUNK = 16_384

# Factors of one product, and the least of them: the product is a normal number.
_FACTORS, _LEAST_FACTOR = 16, 2.0**-60
_PAIR = 2  # classes
_LEAST_COST = 0.01  # a mean of costs beside which the rounding of products is nothing


def never_negative(sums: FloatArray) -> FloatArray:
    """-sums, where rounding alone could make them negative."""
    return np.maximum(np.negative(sums, out=sums), 0.0, out=sums)


def cost_of_label(
    p: FloatArray, clip: float, active: BoolArray | None
) -> tuple[FloatArray, int]:
    """-log p in the place of p, and how many rows that count have p below the clip."""
    floor, small = max(clip, TINY), None
    if p.size and not least(p) >= floor:
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


def sum_of_costs(p: FloatArray, clip: float) -> float:
    """Sum of -log p, by one logarithm for several rows where that is as exact.

    Rounding a product adds 1e-16 at most to the cost of each of its rows. Where costs
    are not large beside that, they are summed one by one, in the memory of p.
    """
    n = len(p) // _FACTORS
    if n >= _FACTORS and least(p) >= max(clip, _LEAST_FACTOR) and greatest(p) <= 1:
        factors, rest = p[: n * _FACTORS].reshape(_FACTORS, n), p[n * _FACTORS :]
        products = np.multiply.reduce(factors, axis=0)
        cost = -total(np.log(products)) - total(np.log(rest))
        if cost >= _LEAST_COST * len(p):
            return cost
    return total(cost_of_label(p, clip, None)[0])


def small_divergence(p: FloatArray, q: FloatArray) -> FloatArray:
    """KL(p||q) of nearly equal columns, to full relative accuracy.

    With t = (p - q) / q the divergence is sum q h(t) + sum (p - q), where
    h(t) = (1 + t) log(1 + t) - t is never negative, so nothing cancels.
    """
    # In one memory order a row's sum does not depend on the rows beside it; that of
    # two values does not in any.
    arrange = np.ascontiguousarray if len(p) == _PAIR else np.asfortranarray
    p, q = arrange(p), arrange(q)
    possible = p > 0
    p, q = np.where(possible, p, 1.0), np.where(possible, q, 1.0)
    difference = p - q
    t = difference / q
    h = t_log_t(p / q, t) - t
    series = np.abs(t) < SERIES
    s = t[series]
    h[series] = s * s * (1 / 2 - s * (1 / 6 - s * (1 / 12 - s * (1 / 20 - s / 30))))
    terms = q * h
    far = t > _FAR
    if far.any():
        terms[far] = p[far] * log_ratio(p[far], q[far]) - difference[far]
    divergence: FloatArray = np.add.reduce(terms, axis=0)
    divergence += np.add.reduce(difference, axis=0)
    return divergence


def log_ratio(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return log(p / q), 0 where p is 0, also where the quotient would overflow."""
    possible = p > 0
    ratio: FloatArray = np.log(np.where(possible, p / q, 1.0))
    tiny = possible & (q < LEAST_NORMAL)
    ratio[tiny] = np.log(p[tiny]) - np.log(q[tiny])
    return ratio


def t_log_t(ratio: FloatArray, t: FloatArray) -> FloatArray:
    """Return r log r of ratios r = 1 + t, exact near 1 and 0 at 0."""
    exact = np.log1p(np.maximum(t, -0.5))
    value: FloatArray = np.where(ratio < 1 / 2, np.log(np.maximum(ratio, TINY)), exact)
    return ratio * value
