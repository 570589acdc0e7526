"""Symmetric divergences of two tables."""

from __future__ import annotations

from typing import Any, Literal, Unpack, overload

from numpy.typing import ArrayLike

from .._inputs.inputs import EPS, read_two
from .._kernels.sums import Reduction
from .._kernels.table import FloatArray
from .._pickling import public
from ._options import TwoTables, TwoTablesClipped, reduced


@overload
def jensen_shannon_divergence(
    p: Any,
    q: Any,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    **options: Unpack[TwoTables],
) -> float: ...
@overload
def jensen_shannon_divergence(
    p: Any,
    q: Any,
    *,
    reduction: None,
    **options: Unpack[TwoTables],
) -> FloatArray: ...
@public
def jensen_shannon_divergence(
    p: Any,
    q: Any,
    *,
    sample_weight: ArrayLike | None = None,
    base: float | None = None,
    rescale: bool = False,
    n_jobs: int = 1,
    reduction: Reduction = "mean",
) -> float | FloatArray:
    """Jensen-Shannon divergence of two tables of distributions.

    Parameters
    ----------
    p, q : array-like or DataFrame of shape (N, K)
        Distributions; the columns of two frames are paired by name.
    sample_weight, base, n_jobs, reduction
        As in :func:`cross_entropy`.
    rescale : bool, default False
        Divide each row of both by its sum first.

    Returns
    -------
    float or ndarray of shape (N,)
        Symmetric in ``p`` and ``q``, between 0 and log 2. Its square root is a
        distance, which scipy.spatial.distance.jensenshannon returns.

    Raises
    ------
    ValueError
        If a row is not a distribution; the message says which.

    Notes
    -----
    (KL(p||m) + KL(q||m)) / 2 with m = (p + q) / 2 (Lin, 1991).

    Examples
    --------
    >>> from xent_metrics import jensen_shannon_divergence
    >>> jensen_shannon_divergence([[1.0, 0.0]], [[0.0, 1.0]], base=2)
    1.0
    """
    inputs = read_two(p, q, sample_weight=sample_weight, rescale=rescale)
    column = "jensen_shannon_divergence"
    return reduced(inputs, column, EPS, base, n_jobs, reduction)


@overload
def jeffreys_divergence(
    p: Any,
    q: Any,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    **options: Unpack[TwoTablesClipped],
) -> float: ...
@overload
def jeffreys_divergence(
    p: Any,
    q: Any,
    *,
    reduction: None,
    **options: Unpack[TwoTablesClipped],
) -> FloatArray: ...
@public
def jeffreys_divergence(
    p: Any,
    q: Any,
    *,
    sample_weight: ArrayLike | None = None,
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    n_jobs: int = 1,
    reduction: Reduction = "mean",
) -> float | FloatArray:
    """Jeffreys divergence of two tables of distributions: KL(p||q) + KL(q||p).

    Parameters
    ----------
    p, q : array-like or DataFrame of shape (N, K)
        Distributions; the columns of two frames are paired by name.
    sample_weight, base, n_jobs, reduction
        As in :func:`cross_entropy`.
    clip : float, default 2.2e-16
        Floor of a probability in the second place of either divergence.
    rescale : bool, default False
        Divide each row of both by its sum first.

    Returns
    -------
    float or ndarray of shape (N,)
        Symmetric in ``p`` and ``q``, and not negative.

    Raises
    ------
    ValueError
        If a row is not a distribution; the message says which.

    Notes
    -----
    Jeffreys (1946).

    Examples
    --------
    >>> from xent_metrics import jeffreys_divergence
    >>> round(jeffreys_divergence([[0.7, 0.2, 0.1]], [[0.5, 0.2, 0.3]]), 6)
    0.287017
    """
    inputs = read_two(p, q, sample_weight=sample_weight, rescale=rescale)
    return reduced(inputs, "jeffreys_divergence", clip, base, n_jobs, reduction)
