"""What a cross-entropy says of guesses: perplexity and expected accuracy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike

from .._inputs.inputs import EPS, read
from .._inputs.targets import Targets
from .._kernels.table import FloatArray
from .._pickling import public
from ._options import UnitlessOptions, reduced


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
@public
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
