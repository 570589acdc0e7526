"""The normal distribution; the library that knows it is loaded when it is asked."""

from __future__ import annotations


def normal_quantile(p: float) -> float:
    """The z that a standard normal value is below with probability p."""
    from statistics import NormalDist  # noqa: PLC0415 - not when the package is imported

    return NormalDist().inv_cdf(p)


def normal_cdf(z: float) -> float:
    """The probability that a standard normal value is below z."""
    from statistics import NormalDist  # noqa: PLC0415 - not when the package is imported

    return NormalDist().cdf(z)
