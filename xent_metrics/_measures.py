"""Measures of predictions: inputs, then the kernel, then the reduction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike

from ._blocks import FloatArray
from ._inputs import EPS, Inputs, read, read_predictions
from ._reduce import Reduction, reduce_rows
from ._targets import Targets
from ._units import nats_per_unit


class _Reading(TypedDict, total=False):
    """How predictions are read."""

    sample_weight: ArrayLike | None
    rescale: bool
    from_logits: bool
    n_jobs: int


class PredictionOptions(_Reading, total=False):
    """Options of a measure of predictions alone."""

    base: float | None


class UnitlessOptions(_Reading, total=False):
    """Options of a measure without unit, of predictions against targets."""

    labels: Iterable[Any] | None
    targets: Targets
    clip: float


class Options(UnitlessOptions, total=False):
    """Options of a measure of predictions against targets."""

    base: float | None


@overload
def surprisal(p: float, *, base: float | None = None) -> float: ...
@overload
def surprisal(p: ArrayLike, *, base: float | None = None) -> FloatArray | float: ...
def surprisal(p: ArrayLike, *, base: float | None = None) -> FloatArray | float:
    """Information of an event of probability ``p``: -log p.

    Parameters
    ----------
    p : float or array-like of floats in [0, 1]
        Probabilities, of any shape.
    base : float, optional
        Base of the logarithm: None for nats, 2 for bits.

    Returns
    -------
    float or ndarray
        The surprisals, in the shape of ``p``; infinite where ``p`` is 0.

    Raises
    ------
    ValueError
        If a probability is missing or outside [0, 1].

    Notes
    -----
    Information of a sure event is 0, and that of independent events adds up
    (Shannon, 1948).

    Examples
    --------
    >>> from xent_metrics import surprisal
    >>> surprisal(0.5, base=2)
    1.0
    """
    array = np.asarray(p, dtype=np.float64)
    bad = ~((array >= 0) & (array <= 1))
    if bad.any():
        where = np.unravel_index(int(np.argmax(bad)), array.shape)
        place = f"the value at {tuple(map(int, where))}" if where else "the value"
        msg = f"p must lie in [0, 1]: {place} is {array[where]:g}; pass probabilities."
        raise ValueError(msg)
    with np.errstate(divide="ignore"):
        information: FloatArray = (0.0 - np.log(array)) / nats_per_unit(base)
    return float(information) if information.ndim == 0 else information


@overload
def entropy(
    proba: Any,
    *,
    reduction: Literal["mean", "sum"] = "mean",
    **options: Unpack[PredictionOptions],
) -> float: ...
@overload
def entropy(
    proba: Any,
    *,
    reduction: None,
    **options: Unpack[PredictionOptions],
) -> FloatArray: ...
def entropy(
    proba: Any,
    *,
    sample_weight: ArrayLike | None = None,
    base: float | None = None,
    rescale: bool = False,
    from_logits: bool = False,
    n_jobs: int = 1,
    reduction: Reduction = "mean",
) -> float | FloatArray:
    """Entropy of each row of probabilities, and its mean.

    Parameters
    ----------
    proba : array-like or DataFrame of shape (N, K)
        Rows of probabilities that sum to one.
    sample_weight : array-like of shape (N,), optional
        Weights; a row of weight 0 is as if removed.
    base : float, optional
        Base of the logarithm: None for nats, 2 for bits.
    rescale : bool, default False
        Divide each row by its sum first.
    from_logits : bool, default False
        ``proba`` holds logits or log-probabilities.
    n_jobs : int, default 1
        Threads, -1 for all processors; the result does not depend on it.
    reduction : {"mean", "sum"} or None, default "mean"
        None returns the N values.

    Returns
    -------
    float or ndarray of shape (N,)
        Between 0, for a sure event, and log K, for the uniform law: low means
        sharp, high means flat.

    Raises
    ------
    ValueError
        If a row is not a distribution; the message says which.

    Notes
    -----
    H(p) = -sum p log p, with 0 log 0 = 0 (Shannon, 1948).

    Examples
    --------
    >>> from xent_metrics import entropy
    >>> entropy([[0.5, 0.5], [1.0, 0.0]], base=2, reduction=None)
    array([1., 0.])
    """
    if np.ndim(proba) == 1:
        msg = (
            "proba must have rows and columns: it has one dimension; pass [p] for one "
            "distribution, or np.column_stack([1 - p, p]) for two classes."
        )
        raise ValueError(msg)
    inputs = read_predictions(
        proba, sample_weight=sample_weight, rescale=rescale, from_logits=from_logits
    )
    return reduced(inputs, "predictive_entropy", EPS, base, n_jobs, reduction)


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
def cross_entropy(
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
    targets : {"auto", "labels", "distribution", "votes"}, default "auto"
        What ``y_true`` holds. "auto" takes one dimension as labels, rows of floats
        as distributions and rows of integers as votes.
    sample_weight : array-like of shape (N,), optional
        Weights; a row of weight 0 is as if removed.
    base : float, optional
        Base of the logarithm: None for nats, 2 for bits.
    clip : float, default 2.2e-16
        Floor of a probability inside the logarithm, the same for every type of
        float; 0 gives the exact, possibly infinite value.
    rescale : bool, default False
        Divide each row of ``y_proba`` by its sum first.
    from_logits : bool, default False
        ``y_proba`` holds logits or log-probabilities. They are never clipped, so a
        cost beyond -log(clip) is exact.
    n_jobs : int, default 1
        Threads, -1 for all processors; the result does not depend on it.
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
    inputs = read(
        y_true,
        y_proba,
        labels=labels,
        targets=targets,
        sample_weight=sample_weight,
        rescale=rescale,
        from_logits=from_logits,
    )
    return reduced(inputs, "cross_entropy", clip, base, n_jobs, reduction)


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
def kl_divergence(
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
    labels, targets, sample_weight, base, clip, rescale, from_logits, n_jobs, reduction
        As in :func:`cross_entropy`.

    Returns
    -------
    float or ndarray of shape (N,)
        Not negative; 0 only where prediction and target are equal.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`.

    Notes
    -----
    KL(p||q) = sum p log(p / q) (Kullback and Leibler, 1951), computed so that rows
    that are nearly equal keep their digits.

    Examples
    --------
    >>> from xent_metrics import kl_divergence
    >>> round(kl_divergence([[0.7, 0.2, 0.1]], [[0.5, 0.2, 0.3]]), 6)
    0.125669
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
    return reduced(inputs, "kl_divergence", clip, base, n_jobs, reduction)


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
def perplexity(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    targets: Targets = "auto",
    sample_weight: ArrayLike | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: bool = False,
    n_jobs: int = 1,
    reduction: Literal["mean"] | None = "mean",
) -> float | FloatArray:
    """Perplexity: the number of equally likely classes with the same cross-entropy.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, targets, sample_weight, clip, rescale, from_logits, n_jobs
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
    inputs = read(
        y_true,
        y_proba,
        labels=labels,
        targets=targets,
        sample_weight=sample_weight,
        rescale=rescale,
        from_logits=from_logits,
    )
    return _exp(reduced(inputs, "cross_entropy", clip, None, n_jobs, reduction))


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
def expected_accuracy_bound(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    targets: Targets = "auto",
    sample_weight: ArrayLike | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: bool = False,
    n_jobs: int = 1,
    reduction: Literal["mean"] | None = "mean",
) -> float | FloatArray:
    """Accuracy that a guess drawn from the prediction has at least: exp(-CE).

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, targets, sample_weight, clip, rescale, from_logits, n_jobs
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
    inputs = read(
        y_true,
        y_proba,
        labels=labels,
        targets=targets,
        sample_weight=sample_weight,
        rescale=rescale,
        from_logits=from_logits,
    )
    return _exp(-reduced(inputs, "cross_entropy", clip, None, n_jobs, reduction))


def _exp(values: float | FloatArray) -> float | FloatArray:
    exponentials: float | FloatArray = np.exp(values)
    return float(exponentials) if np.ndim(exponentials) == 0 else exponentials


def _check_mean(reduction: object, reason: str) -> None:
    if reduction not in {"mean", None}:
        msg = f"reduction must be 'mean' or None: found {reduction!r}; {reason}."
        raise ValueError(msg)


def reduced(
    inputs: Inputs,
    column: str,
    clip: float,
    base: float | None,
    n_jobs: int,
    reduction: Reduction,
) -> float | FloatArray:
    """One column of a pass in units of ``base``, reduced."""
    scale = nats_per_unit(base)
    values = inputs.measure([column], clip=clip, n_jobs=n_jobs).columns[column]
    result = reduce_rows(
        values, weights=inputs.weights, active=inputs.active, reduction=reduction
    )
    return result if scale == 1.0 else result / scale
