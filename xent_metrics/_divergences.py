"""Divergences beside KL(p||q): the other way round, symmetric ones, from samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike

from ._blocks import FloatArray
from ._inputs import EPS, read, read_two
from ._measures import Options, reduced
from ._reduce import Reduction, total
from ._targets import Targets
from ._units import nats_per_unit


class _TwoTables(TypedDict, total=False):
    """Options of a divergence between two tables."""

    sample_weight: ArrayLike | None
    base: float | None
    rescale: bool
    n_jobs: int


class _TwoTablesClipped(_TwoTables, total=False):
    clip: float


def kl_contributions(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    targets: Targets = "auto",
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: bool = False,
    n_jobs: int = 1,
) -> FloatArray:
    """What each class adds to the KL divergence of each row.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, targets, base, clip, rescale, from_logits, n_jobs
        As in :func:`cross_entropy`.

    Returns
    -------
    ndarray of shape (N, K)
        Negative where the prediction gives a class too much, positive where too
        little. Rows sum to the divergence, but for a label that is not among the
        classes: it has no column.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`.

    Notes
    -----
    p log(p / q) for each class, with 0 log 0 = 0.

    Examples
    --------
    >>> from xent_metrics import kl_contributions
    >>> kl_contributions([[0.7, 0.2, 0.1]], [[0.5, 0.2, 0.3]]).round(6)
    array([[ 0.235531,  0.      , -0.109861]])
    """
    scale = nats_per_unit(base)
    inputs = read(
        y_true,
        y_proba,
        labels=labels,
        targets=targets,
        rescale=rescale,
        from_logits=from_logits,
    )
    rows = inputs.measure(["kl_contributions"], clip=clip, n_jobs=n_jobs)
    return rows.columns["kl_contributions"] / scale


@overload
def reverse_kl_divergence(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    **options: Unpack[Options],
) -> float: ...
@overload
def reverse_kl_divergence(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: None,
    **options: Unpack[Options],
) -> FloatArray: ...
def reverse_kl_divergence(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    targets: Targets = "auto",
    sample_weight: ArrayLike | None = None,
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: bool = False,
    n_jobs: int = 1,
    reduction: Reduction = "mean",
) -> float | FloatArray:
    """Kullback-Leibler divergence of the targets from the predictions, KL(q||p).

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, targets, sample_weight, base, rescale, from_logits, n_jobs, reduction
        As in :func:`cross_entropy`.
    clip : float, default 2.2e-16
        Floor of a *target's* probability inside the logarithm: of hard labels most
        are 0, and the value depends on the clip.

    Returns
    -------
    float or ndarray of shape (N,)
        Not negative; large where the prediction allows what the target excludes.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`.

    Notes
    -----
    KL(q||p) = sum q log(q / p) (Kullback and Leibler, 1951).

    Examples
    --------
    >>> from xent_metrics import reverse_kl_divergence
    >>> round(reverse_kl_divergence([[0.7, 0.2, 0.1]], [[0.5, 0.2, 0.3]]), 6)
    0.161348
    """
    inputs = read(
        y_true,
        y_proba,
        labels=labels,
        targets=targets,
        sample_weight=sample_weight,
        rescale=rescale,
        from_logits=from_logits,
    )
    return reduced(inputs, "reverse_kl_divergence", clip, base, n_jobs, reduction)


@overload
def jensen_shannon_divergence(
    p: Any,
    q: Any,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    **options: Unpack[_TwoTables],
) -> float: ...
@overload
def jensen_shannon_divergence(
    p: Any,
    q: Any,
    *,
    reduction: None,
    **options: Unpack[_TwoTables],
) -> FloatArray: ...
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
    **options: Unpack[_TwoTablesClipped],
) -> float: ...
@overload
def jeffreys_divergence(
    p: Any,
    q: Any,
    *,
    reduction: None,
    **options: Unpack[_TwoTablesClipped],
) -> FloatArray: ...
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
    ours = np.asarray(log_p, dtype=np.float64)
    theirs = np.asarray(log_q, dtype=np.float64)
    if ours.ndim != 1 or ours.shape != theirs.shape or not ours.size:
        msg = (
            "log_p and log_q must be of one length, one value a sample: their shapes "
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
    log_r = theirs - ours
    if estimator == "ratio":
        mean = -total(log_r) / log_r.size
    elif estimator == "nonnegative":
        mean = total(np.expm1(log_r) - log_r) / log_r.size + (1.0 - support_mass)
    else:
        msg = (
            "estimator must be 'ratio' or 'nonnegative': "
            f"found {estimator!r}; pass one of the two."
        )
        raise ValueError(msg)
    return mean / nats_per_unit(base)
