"""Cross-entropy, perplexity and the bound on the accuracy of a guess."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike

from .._inputs.inputs import read
from .._inputs.read_options import EPS, FromLogits, ReadOptions, TargetType
from .._kernels.sums import Reduction
from .._kernels.table import FloatArray
from .._pickling import public
from .options import Options, UnitlessOptions, reduced


@overload
def cross_entropy(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    **options: Unpack[Options],
) -> float: ...
@overload
def cross_entropy(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: None,
    **options: Unpack[Options],
) -> FloatArray: ...
@public
def cross_entropy(
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
    """Cross-entropy of predictions: the log loss, for labels and distributions.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels : iterable of K classes, optional
        The class of each column, in column order as given. Default: the column
        names of a DataFrame, else the sorted distinct labels if their number is K.
    target_type : {"auto", "labels", "distribution", "votes"}, default "auto"
        What ``y_true`` holds. "auto" takes one dimension as labels, rows of floats
        as distributions and rows of integers as votes.
    sample_weight : array-like of shape (N,), optional
        Weights; a row of weight 0 is ignored.
    base : float, optional
        Base of the logarithm: None for nats, 2 for bits.
    clip : float, default 2.2e-16
        Floor of a probability inside the logarithm, the same for every type of
        float; 0 gives the exact, possibly infinite value.
    rescale : bool, default False
        Divide each row of ``y_proba`` by its sum first.
    from_logits : bool or "log_proba", default False
        True: ``y_proba`` holds logits, whose softmax is taken. "log_proba": it holds
        logarithms of probabilities, which must sum to 1. Neither is clipped, so a
        cost beyond -log(clip) is exact.
    n_jobs : int or None, default 1
        Threads, -1 for all processors; None is 1. The result does not depend on it.
    reduction : {"mean", "sum"} or None, default "mean"
        None returns the N values, unweighted.

    Returns
    -------
    float or ndarray of shape (N,)
        In nats, or in units of ``base``.

    Raises
    ------
    ValueError
        If an argument breaks a rule; the message says which rule, where, and what
        to do.

    See Also
    --------
    decompose : What a mean cross-entropy is made of.
    kl_divergence : The part above the targets' own entropy.
    per_sample : All measures of each row at once.
    perplexity : Its exponential.

    Notes
    -----
    CE(p, q) = -sum p log q; for a hard label y it is -log q_y. A label that is not
    among ``labels`` has probability 0 and costs -log(clip).

    Examples
    --------
    >>> from xent_metrics import cross_entropy
    >>> q = [[0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6]]
    >>> round(cross_entropy([1, 2, 3], q), 6)
    0.520216
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
    return reduced(inputs, "cross_entropy", options, n_jobs, reduction)


@overload
def perplexity(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: Literal["mean"] = "mean",
    **options: Unpack[UnitlessOptions],
) -> float: ...
@overload
def perplexity(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: None,
    **options: Unpack[UnitlessOptions],
) -> FloatArray: ...
@public
def perplexity(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    target_type: TargetType = "auto",
    sample_weight: ArrayLike | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
    n_jobs: int | None = 1,
    reduction: Literal["mean"] | None = "mean",
) -> float | FloatArray:
    """Perplexity: the number of equally likely classes with the same cross-entropy.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, target_type, sample_weight, clip, rescale, from_logits, n_jobs
        As in :func:`cross_entropy`.
    reduction : {"mean"} or None, default "mean"
        "mean" is the exponential of the mean cross-entropy, None the N values.

    Returns
    -------
    float or ndarray of shape (N,)
        At least 1, whatever the unit of the cross-entropy.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`.

    See Also
    --------
    cross_entropy : Its logarithm.

    Notes
    -----
    exp(CE), which equals 2 to the CE in bits.

    Examples
    --------
    >>> from xent_metrics import perplexity
    >>> round(perplexity([0, 1], [[0.5, 0.5], [0.5, 0.5]]), 12)
    2.0
    """
    _check_mean(reduction, "perplexities do not add up")
    options = ReadOptions(
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read(y_true, y_proba, options)
    return _exp(reduced(inputs, "cross_entropy", options, n_jobs, reduction))


@overload
def expected_accuracy_bound(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: Literal["mean"] = "mean",
    **options: Unpack[UnitlessOptions],
) -> float: ...
@overload
def expected_accuracy_bound(
    y_true: Any,
    y_proba: Any,
    *,
    reduction: None,
    **options: Unpack[UnitlessOptions],
) -> FloatArray: ...
@public
def expected_accuracy_bound(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    target_type: TargetType = "auto",
    sample_weight: ArrayLike | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
    n_jobs: int | None = 1,
    reduction: Literal["mean"] | None = "mean",
) -> float | FloatArray:
    """Accuracy that a guess drawn from the prediction has at least: exp(-CE).

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, target_type, sample_weight, clip, rescale, from_logits, n_jobs
        As in :func:`cross_entropy`.
    reduction : {"mean"} or None, default "mean"
        "mean" is the bound of the mean accuracy, None gives the N bounds.

    Returns
    -------
    float or ndarray of shape (N,)
        Between 0 and 1; at most sum p q, the probability that a class drawn from
        the prediction q equals one drawn from the target p.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`.

    See Also
    --------
    cross_entropy : What it is made of.
    perplexity : Its inverse.

    Notes
    -----
    Jensen's inequality for -log. The guess is *drawn* from the prediction: the most
    probable class is right more often.

    Examples
    --------
    >>> from xent_metrics import expected_accuracy_bound
    >>> round(expected_accuracy_bound([[0.7, 0.3]], [[0.6, 0.4]]), 4)
    0.5313
    """
    _check_mean(reduction, "bounds do not add up")
    options = ReadOptions(
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read(y_true, y_proba, options)
    return _exp(-reduced(inputs, "cross_entropy", options, n_jobs, reduction))


def _exp(values: float | FloatArray) -> float | FloatArray:
    with np.errstate(over="ignore"):
        exponentials: float | FloatArray = np.exp(values)
    return float(exponentials) if np.ndim(exponentials) == 0 else exponentials


def _check_mean(reduction: object, reason: str) -> None:
    if reduction not in {"mean", None}:
        msg = f"reduction must be 'mean' or None: found {reduction!r}; {reason}."
        raise ValueError(msg)
