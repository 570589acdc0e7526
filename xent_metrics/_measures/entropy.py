"""Information and entropy."""

from __future__ import annotations

from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike

from .._inputs.inputs import read_predictions
from .._inputs.read_options import FromLogits, ReadOptions, nats_per_unit
from .._inputs.weights import as_doubles
from .._kernels.sums import Reduction
from .._kernels.table import FloatArray
from .._pickling import public
from .options import PredictionOptions, reduced


@overload
def surprisal(p: float, *, base: float | None = None) -> float: ...
@overload
def surprisal(p: ArrayLike, *, base: float | None = None) -> FloatArray | float: ...
@public
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

    See Also
    --------
    entropy : Its mean.
    cross_entropy : Its mean under predictions.

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
    array = as_doubles(p, "p")
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
@public
def entropy(
    proba: Any,
    *,
    sample_weight: ArrayLike | None = None,
    base: float | None = None,
    rescale: bool = False,
    from_logits: FromLogits = False,
    n_jobs: int | None = 1,
    reduction: Reduction = "mean",
) -> float | FloatArray:
    """Entropy of each row of probabilities, and its mean.

    Parameters
    ----------
    proba : array-like or DataFrame of shape (N, K)
        Rows of probabilities that sum to one.
    sample_weight : array-like of shape (N,), optional
        Weights; a row of weight 0 is ignored.
    base : float, optional
        Base of the logarithm: None for nats, 2 for bits.
    rescale : bool, default False
        Divide each row by its sum first.
    from_logits : bool or "log_proba", default False
        ``proba`` holds logits, or log-probabilities, as in :func:`cross_entropy`.
    n_jobs : int or None, default 1
        Threads, -1 for all processors; None is 1. The result does not depend on it.
    reduction : {"mean", "sum"} or None, default "mean"
        None returns the N values.

    Returns
    -------
    float or ndarray of shape (N,)
        Between 0, for a sure event, and log K, for the uniform distribution: low means
        sharp, high means flat.

    Raises
    ------
    ValueError
        If a row is not a distribution; the message says which.

    See Also
    --------
    cross_entropy : What predictions cost.
    surprisal : The cost of one event.

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
    options = ReadOptions(
        sample_weight=sample_weight,
        base=base,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read_predictions(proba, options)
    return reduced(inputs, "predictive_entropy", options, n_jobs, reduction)
