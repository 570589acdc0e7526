"""Decompose a mean cross-entropy: from inputs to the result."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from numpy.typing import ArrayLike

from .._inputs.inputs import Inputs, read
from .._inputs.read_options import EPS, FromLogits, ReadOptions, TargetType
from .._kernels.table import FloatArray
from .._pickling import public
from .assemble import Maps
from .cautions import warn_about
from .ladder import ladder
from .recalibration import After, Recalibration, lowered, name_of, recalibrated
from .result import Decomposition
from .steps import Measured, Options, measure, result_of, terms_of_each_row
from .vote_entropy import VoteCorrection, VoteEntropy, entropy_of_votes


@public
def decompose(
    y_true: Any,
    y_proba: Any,
    *,
    labels: Iterable[Any] | None = None,
    target_type: TargetType = "auto",
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
    recalibration: Recalibration = "auto",
    vote_correction: VoteCorrection = None,
) -> Decomposition:
    """Split a mean cross-entropy into what it is made of.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, target_type, sample_weight, base, clip, rescale, from_logits
        As in :func:`cross_entropy`.
    groups : array-like of shape (N,), optional
        The group of each row, such as the patient or the user that rows share: rows
        of a group are not independent, and every standard error and correction says
        so. Default: rows stand alone.
    recalibration : str or object, default "auto"
        The map that estimates the class probabilities given the prediction. "auto": a
        natural cubic spline ("spline") for two classes; for more, the simplest that is
        within a standard error of the best of "temperature", "temperature-bias",
        "slope-bias", "shared-spline", "adaptive-temperature" (by the sharpness of the
        prediction), "class-temperature" (by the predicted class), "hierarchy" (of
        classes that predictions mix up), "dirichlet", "dirichlet-spline", "kernel"
        (any smooth shape), "cells" (for few distinct predictions, also of two classes)
        and "confusion"; or "none", the predictions as they are, where a test of
        calibration finds nothing that any of them would mend. Each goes by name too.
        "learned" adds boosted trees to what "auto" chooses (at most 50 classes): they
        take seconds, find patterns without a smooth shape, and predict each row, with
        its group, out of fold. "isotonic" (two classes) is not debiased and equals the
        CORP decomposition. An object has ``fit(log_q, p, sample_weight)`` and
        ``predict(log_q)``, on tables of shape (N, K), and is debiased by
        cross-validation of copies.
    vote_correction : {"jackknife", "miller-madow", "dirichlet"}, optional
        With votes: the correction of the entropy of a few votes, which is biased low.

    Returns
    -------
    Decomposition
        The terms, in nats or in units of ``base``, with their standard errors.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`, or if an option does not fit the data.

    Warns
    -----
    SmallSampleWarning
        Below 200 rows (or groups), if one row holds much of the weight, or if votes
        per row are too few for the classes and the ``vote_correction``.
    SwappedColumnsWarning
        If the map of two classes falls where the prediction rises.
    UnseenLabelWarning
        If rows have a label that is not among the classes.

    See Also
    --------
    Evaluation : The same with rows, classes, plots and a page.
    compare : Several models on the same rows.
    decompose_ensemble : What averaging gains.
    drift : Sets of different rows.

    Notes
    -----
    Mean CE = uncertainty - resolution + miscalibration (Bröcker, 2009). The map is
    fitted on the evaluated rows; its optimism is removed by Takeuchi's correction
    (1976), or by cross-validation where it has bounds or more than one parameter for
    100 rows, and that of the class frequencies by Miller and Madow's (1955). So a
    debiased term can be slightly negative, and is never set to 0. A label that is not
    among ``labels`` is recalibrated to its frequency. The result is deterministic.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import decompose
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.05, 0.95, size=2000)
    >>> y = rng.uniform(size=2000) < p
    >>> sharpened = p**2 / (p**2 + (1 - p) ** 2)
    >>> result = decompose(y, sharpened)
    >>> low, high = result.ci()["miscalibration"]
    >>> round(result.miscalibration, 2), round(low, 2), round(high, 2)
    (0.08, 0.06, 0.11)
    """
    options = ReadOptions(
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        groups=groups,
        base=base,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
    )
    inputs = read(y_true, y_proba, options)
    result, _ = decompose_inputs(
        inputs, options, recalibration=recalibration, vote_correction=vote_correction
    )
    warn_about(result)
    return result


def decompose_inputs(
    inputs: Inputs,
    read_options: ReadOptions,
    *,
    recalibration: Recalibration,
    vote_correction: VoteCorrection = None,
    columns: Iterable[str] = (),
) -> tuple[Decomposition, dict[str, FloatArray]]:
    """Decompose inputs that were read before.

    Also returns the columns of the pass, in nats: its own and those asked for.
    """
    options = Options(read_options, recalibration, vote_correction)
    measured = measure(inputs, options, columns)
    after = _recalibrate(measured)
    rows = terms_of_each_row(
        measured,
        None if after is None else after.costs,
        _corrected_entropy(measured, after),
        None if after is None else lowered(measured.inputs, after),
    )
    result = result_of(
        measured,
        rows,
        _maps(measured, after, rows.mean(rows.cross_entropy)),
        correction=None if after is None else after.correction,
        after=after,
        n_unseen=inputs.n_unseen,
        again=functools.partial(
            decompose_inputs,
            read_options=read_options,
            recalibration=recalibration,
            vote_correction=vote_correction,
        ),
    )
    return result, measured.columns


def _recalibrate(measured: Measured) -> After | None:
    """Fit the map, where one is defined; note whether its fit converged."""
    inputs, options, notes = measured.inputs, measured.options, measured.notes
    if "refinement" in notes:
        return None
    after = recalibrated(
        inputs, measured.clusters, options.read.clip, options.recalibration
    )
    chosen = after.selection.chosen
    if not chosen.converged:
        notes["refinement"] = f"the {chosen.name} map did not converge"
    return after


def _corrected_entropy(measured: Measured, after: After | None) -> VoteEntropy | None:
    """The entropy of few votes, where its correction is asked for."""
    correction = measured.options.vote_correction
    if correction is None:
        return None
    if after is None:
        return entropy_of_votes(measured.inputs, correction, None, None)
    chosen = after.selection.chosen
    return entropy_of_votes(
        measured.inputs, correction, after.sample, chosen.recalibrate
    )


def _maps(measured: Measured, after: After | None, cross_entropy: float) -> Maps:
    tried = ladder(after, cross_entropy, measured.options.read.per_unit)
    if after is None:
        return Maps(name=name_of(measured.options.recalibration), ladder=tried)
    chosen = after.selection.chosen
    return Maps(
        name=chosen.name,
        degrees_of_freedom=chosen.degrees_of_freedom,
        converged=chosen.converged,
        parameters=chosen.parameters,
        ladder=tried,
    )
