"""Divergence estimated from samples."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from .._inputs.read_options import nats_per_unit
from .._inputs.weights import as_doubles
from .._kernels.sums import total
from .._pickling import public

_LARGEST = float(np.finfo(np.float64).max)


@public
def kl_from_samples(
    log_p: ArrayLike,
    log_q: ArrayLike,
    *,
    estimator: Literal["ratio", "nonnegative"] = "ratio",
    support_mass: float = 1.0,
    base: float | None = None,
) -> float:
    """KL divergence estimated from log-probabilities of samples drawn from p.

    Parameters
    ----------
    log_p, log_q : array-like of shape (n,)
        Natural logarithms of the probabilities, or densities, that p and q give to
        samples x_1, ..., x_n drawn from p.
    estimator : {"ratio", "nonnegative"}, default "ratio"
        "ratio" averages log(p / q). "nonnegative" averages (r - 1) - log r with
        r = q / p: never negative, and of lower variance where q is near p.
    support_mass : float, default 1.0
        What q gives to all that p deems possible; "nonnegative" needs it where it is
        less than 1.
    base : float, optional
        Base of the logarithm of the result: None for nats, 2 for bits.

    Returns
    -------
    float
        Unbiased with either estimator; infinite if q excludes a sample.

    Raises
    ------
    ValueError
        If a logarithm is missing, p excludes a sample, or an option is unknown.

    See Also
    --------
    kl_divergence : Where all probabilities are known.

    Notes
    -----
    E (r - 1) = support_mass - 1 under p, so (r - 1) - log r overstates nothing once
    1 - support_mass is added.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import kl_from_samples
    >>> log_p, log_q = np.log([0.7, 0.7, 0.3]), np.log([0.5, 0.5, 0.5])
    >>> round(kl_from_samples(log_p, log_q), 4)
    0.054
    """
    ours, theirs = as_doubles(log_p, "log_p"), as_doubles(log_q, "log_q")
    if ours.ndim != 1 or ours.shape != theirs.shape or not ours.size:
        msg = (
            "log_p and log_q must be of one length, one value per sample: their shapes "
            f"are {ours.shape} and {theirs.shape}; pass 1-D arrays."
        )
        raise ValueError(msg)
    bad = ~np.isfinite(ours) | ~(theirs < np.inf)
    if bad.any():
        row = int(np.argmax(bad))
        msg = (
            "log_p must be finite and log_q not missing: sample "
            f"{row} has {ours[row]:g} and {theirs[row]:g}; pass samples drawn from p."
        )
        raise ValueError(msg)
    if not 0 <= support_mass <= 1:
        msg = (
            "support_mass must be in [0, 1]: "
            f"found {support_mass!r}; pass the probability that q gives to it."
        )
        raise ValueError(msg)
    with np.errstate(over="ignore"):
        log_r = theirs - ours
        excess = np.expm1(log_r) - np.minimum(log_r, _LARGEST)
    if estimator == "ratio":
        mean = -total(log_r) / log_r.size
    elif estimator == "nonnegative":
        mean = total(excess) / log_r.size + (1.0 - support_mass)
    else:
        msg = (
            "estimator must be 'ratio' or 'nonnegative': "
            f"found {estimator!r}; pass one of the two."
        )
        raise ValueError(msg)
    return mean / nats_per_unit(base)
