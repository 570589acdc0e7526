"""Cross-entropy of predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Unpack, overload

from numpy.typing import ArrayLike

from .._inputs.inputs import EPS, read
from .._inputs.targets import Targets
from .._kernels.sums import Reduction
from .._kernels.table import FloatArray
from .._pickling import public
from ._options import Options, reduced


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
