"""Divergences of predictions from targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Unpack, overload

from numpy.typing import ArrayLike

from .._inputs.inputs import read, read_two
from .._inputs.read_options import EPS, FromLogits, ReadOptions, TargetType
from .._kernels.sums import Reduction
from .._kernels.table import FloatArray
from .._pickling import public
from .options import Options, TwoTables, TwoTablesClipped, in_units, reduced


@overload
def kl_divergence(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    **options: Unpack[Options],
) -> float: ...
@overload
def kl_divergence(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: None,
    **options: Unpack[Options],
) -> FloatArray: ...
@public
def kl_divergence(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    target_type: TargetType = "auto",
    sample_weight: ArrayLike | None = None,
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
    n_jobs: int | None = 1,
    reduction: Reduction = "mean",
) -> float | FloatArray:
    """Kullback-Leibler divergence of predictions from their targets.

    The part of the cross-entropy that a better model could remove:
    cross-entropy = entropy of the target + divergence. For hard labels the entropy
    is 0 and the divergence equals the cross-entropy.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, target_type, sample_weight, base, clip, rescale, from_logits
        As in :func:`cross_entropy`.
    n_jobs, reduction
        As in :func:`cross_entropy`.

    Returns
    -------
    float or ndarray of shape (N,)
        Not negative; 0 only where prediction and target are equal.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`.

    See Also
    --------
    cross_entropy : The divergence plus the targets' entropy.
    kl_contributions : The part of each class.
    reverse_kl_divergence : The other direction.
    jensen_shannon_divergence : A symmetric and bounded one.

    Notes
    -----
    KL(p||q) = sum p log(p / q) (Kullback and Leibler, 1951), computed so that rows
    that are nearly equal keep their digits. Rows of distributions are divided by their
    sums first, which may differ from one by what single precision leaves. So the
    divergence is not negative, while cross-entropy and entropy take rows as given:
    cross-entropy = entropy + divergence then holds but for these differences. That of
    a label, also one given as a row of 0 and 1, is its cross-entropy in any case.

    Examples
    --------
    >>> from xent_metrics import kl_divergence
    >>> round(kl_divergence([[0.7, 0.2, 0.1]], [[0.5, 0.2, 0.3]]), 6)
    0.125669
    """
    options = ReadOptions(
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        base=base,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read(y_true, y_proba, options)
    return reduced(inputs, "kl_divergence", options, n_jobs, reduction)


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
@public
def reverse_kl_divergence(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    target_type: TargetType = "auto",
    sample_weight: ArrayLike | None = None,
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
    n_jobs: int | None = 1,
    reduction: Reduction = "mean",
) -> float | FloatArray:
    """Kullback-Leibler divergence of the targets from the predictions, KL(q||p).

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, target_type, sample_weight, base, rescale, from_logits, n_jobs, reduction
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

    See Also
    --------
    kl_divergence : The other direction.
    jeffreys_divergence : The sum of both.

    Notes
    -----
    KL(q||p) = sum q log(q / p) (Kullback and Leibler, 1951), of rows divided by their
    sums.

    Examples
    --------
    >>> from xent_metrics import reverse_kl_divergence
    >>> round(reverse_kl_divergence([[0.7, 0.2, 0.1]], [[0.5, 0.2, 0.3]]), 6)
    0.161348
    """
    options = ReadOptions(
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        base=base,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read(y_true, y_proba, options)
    return reduced(inputs, "reverse_kl_divergence", options, n_jobs, reduction)


@public
def kl_contributions(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    target_type: TargetType = "auto",
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
    n_jobs: int | None = 1,
) -> FloatArray:
    """What each class adds to the KL divergence of each row.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, target_type, base, clip, rescale, from_logits, n_jobs
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

    See Also
    --------
    kl_divergence : Their sum.
    plotting.kl_contributions : Where the contributions lie.

    Notes
    -----
    p log(p / q) for each class, with 0 log 0 = 0, of rows divided by their sums; for
    a label its cross-entropy.

    Examples
    --------
    >>> from xent_metrics import kl_contributions
    >>> kl_contributions([[0.7, 0.2, 0.1]], [[0.5, 0.2, 0.3]]).round(6)
    array([[ 0.235531,  0.      , -0.109861]])
    """
    options = ReadOptions(
        labels=labels,
        target_type=target_type,
        base=base,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read(y_true, y_proba, options)
    rows = inputs.measure(["kl_contributions"], clip=options.clip, n_jobs=n_jobs)
    values: FloatArray = in_units(rows.columns["kl_contributions"], options.per_unit)
    return values


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
    n_jobs: int | None = 1,
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

    See Also
    --------
    kl_divergence : One that is neither symmetric nor bounded.
    jeffreys_divergence : A symmetric one without bound.

    Notes
    -----
    (KL(p||m) + KL(q||m)) / 2 with m = (p + q) / 2 (Lin, 1991), of rows divided by
    their sums.

    Examples
    --------
    >>> from xent_metrics import jensen_shannon_divergence
    >>> jensen_shannon_divergence([[1.0, 0.0]], [[0.0, 1.0]], base=2)
    1.0
    """
    options = ReadOptions(sample_weight=sample_weight, base=base, rescale=rescale)
    column = "jensen_shannon_divergence"
    return reduced(read_two(p, q, options), column, options, n_jobs, reduction)


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
    n_jobs: int | None = 1,
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

    See Also
    --------
    kl_divergence : One direction of it.
    jensen_shannon_divergence : A symmetric one that is bounded.

    Notes
    -----
    Jeffreys (1946). Rows are divided by their sums.

    Examples
    --------
    >>> from xent_metrics import jeffreys_divergence
    >>> round(jeffreys_divergence([[0.7, 0.2, 0.1]], [[0.5, 0.2, 0.3]]), 6)
    0.287017
    """
    options = ReadOptions(
        sample_weight=sample_weight, base=base, clip=clip, rescale=rescale
    )
    column = "jeffreys_divergence"
    return reduced(read_two(p, q, options), column, options, n_jobs, reduction)
