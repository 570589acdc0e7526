"""Splitting the mean cross-entropy of an ensemble's members."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import ArrayLike

from .._inputs.inputs import read
from .._inputs.read_options import EPS, FromLogits, ReadOptions, TargetType
from .._measures.per_sample import index_of
from .._pickling import public
from .averages import summarise
from .members import read_tables, separate
from .result import EnsembleDecomposition
from .row_pass import Part


@public
def decompose_ensemble(
    y_true: Any,
    member_proba: Any,
    *,
    member_weights: ArrayLike | None = None,
    labels: Iterable[Any] | None = None,
    target_type: TargetType = "auto",
    sample_weight: ArrayLike | None = None,
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
) -> EnsembleDecomposition:
    """Split the mean cross-entropy of an ensemble's members.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    member_proba : array of shape (M, N, K) or (M, N), sequence or mapping
        Predicted probabilities of M members; (M, N) holds those of the second of two
        classes. A sequence has one array-like or DataFrame of shape (N, K) or (N,) per
        member; a mapping has them by the name of the member. Columns of frames pair
        by name.
    member_weights : array-like of shape (M,), optional
        Weights of the members in all averages over them. Default: equal. A member of
        weight 0 is ignored.
    labels, target_type, sample_weight, base, clip, rescale, from_logits
        As in :func:`cross_entropy`; ``rescale`` and ``from_logits`` hold for every
        member.

    Returns
    -------
    EnsembleDecomposition
        The terms, their standard errors, and tables of rows, members and pairs.

    Raises
    ------
    TypeError
        If ``member_proba`` is a single frame.
    ValueError
        As in :func:`cross_entropy`; the message says which member.

    See Also
    --------
    decompose : The terms of one model.
    plotting.ensemble : Its picture.

    Notes
    -----
    The diversity is the ambiguity of Krogh and Vedelsby (1995) with the logarithm in
    place of the square, the Jensen gap of the loss (Abe et al., 2024). It depends on
    the targets. The geometric form is that of Heskes (1998), in which the diversity
    does not; Wood et al. (2023) give the like for other losses. The mutual
    information is that of Houlsby et al. (2011), Gal et al. (2017) and Depeweg et al.
    (2018), and the Jensen-Shannon divergence of all members (Lin, 1991).

    Zeros: costs take max(q, clip), of the members and of their arithmetic mean alike,
    and the diversity is their difference: where a probability is below the clip, it
    can be negative. Where members exclude classes, as trees do, the clip sets the
    size of their costs and of both diversities, but hardly the cost of the arithmetic
    mean; entropies and the mutual information need no clip at all.

    The geometric mean is that of the clipped members, max(q, clip), scaled to the sum
    of their arithmetic mean, which is 1 but for rounding and the clip. So it equals
    the members where they agree, its diversity is never negative, and the identity
    holds. ``pairwise_kl`` clips as :func:`kl_divergence` does. With ``clip=0``, and
    with logits, all values are exact, possibly infinite; the cross-entropy of the
    geometric mean is NaN if in some row each class is excluded by a member.

    Examples
    --------
    >>> from xent_metrics import decompose_ensemble
    >>> q = [[[0.9, 0.1], [0.4, 0.6]], [[0.5, 0.5], [0.2, 0.8]]]  # of two members
    >>> result = decompose_ensemble(["a", "b"], q)
    >>> result.to_frame()["value"].round(4)
    term
    member_cross_entropy       0.3831
    ensemble_cross_entropy     0.3567
    diversity                  0.0264
    geometric_cross_entropy    0.3150
    geometric_diversity        0.0681
    predictive_entropy         0.6109
    member_entropy             0.5479
    mutual_information         0.0630
    Name: value, dtype: float64
    """
    members = separate(member_proba, member_weights)
    options = ReadOptions(
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        base=base,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read(y_true, members.predictions[0], options, name=members.names[0])
    fields = summarise(
        inputs,
        [Part(0, read_tables(inputs, y_true, members))],
        members.keys,
        members.weights,
        options,
        index_of(*members.predictions, y_true),
    )
    return EnsembleDecomposition(**fields)
