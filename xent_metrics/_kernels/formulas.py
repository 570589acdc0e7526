"""Formulas for columns of probabilities: costs of labels, terms that keep digits."""

from __future__ import annotations

import numpy as np

from .sums import total
from .table import BoolArray, FloatArray, greatest, least

TINY = float(np.nextafter(0.0, 1.0))
LEAST_NORMAL = float(np.finfo(np.float64).smallest_normal)

# Where the ratio of two probabilities is this near 1, a series is more exact.
SERIES = 1e-3

# Coefficients of z = s^2 in (log((1 + s) / (1 - s)) - 2 s) / s^3, nearest in the
# largest error (Chebyshev, 2^-55) where s is within 1/3 of 0; beyond, numbers are so
# far apart that their logarithm does.
_SERIES = (
    *(0.6666666666666666, 0.40000000000014724, 0.28571428567071666),
    *(0.22222222721178223, 0.18181789247591537, 0.15385575355515838),
    *(0.13314057480122862, 0.12001897520703772, 0.08796527026674057),
    0.16172973765164872,
)
_FAR = 1 / 9

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

    Its terms p log(p/q) - p + q are never negative, so nothing cancels. With
    s = (p - q) / (p + q) and z = s^2 they are (p + q) / 2 z (2 + (1 + s) s f(z)), where
    f(z) = 2/3 + 2/5 z + ... is a polynomial if p and q are within a factor of 2.
    """
    # In one memory order a row's sum does not depend on the rows beside it; that of
    # two values does not in any.
    arrange = np.ascontiguousarray if len(p) == _PAIR else np.asfortranarray
    p, q = arrange(p), arrange(q)
    possible = p > 0
    if not possible.all():
        p, q = np.where(possible, p, 1.0), np.where(possible, q, 1.0)
    difference, terms = p - q, p + q
    s = difference / terms
    z = s * s
    series = np.full_like(z, _SERIES[-1])
    for coefficient in _SERIES[-2::-1]:
        series *= z
        series += coefficient
    series *= s
    series *= 1.0 + s
    series += 2.0
    terms *= z
    terms *= series
    terms *= 0.5
    far = z > _FAR
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
