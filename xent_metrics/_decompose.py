"""Splitting a mean cross-entropy into its terms."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from . import _frequencies
from ._decomposition import Decomposition
from ._inputs import EPS, Inputs, read
from ._recalibration import MAPS, FittedMap, Sample, effective_number
from ._reduce import total, weighted_mean
from ._table import BoolArray, FloatArray
from ._targets import Targets
from ._units import nats_per_unit, unit_name

Recalibration = Literal["temperature"]

_FEW_ROWS = 200
_COLUMNS = ("cross_entropy", "entropy", "kl_divergence", "predictive_entropy")


class SmallSampleWarning(UserWarning):
    """The rows are too few for the terms of a decomposition to say much."""


def decompose(
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
    recalibration: Recalibration = "temperature",
) -> Decomposition:
    """Split a mean cross-entropy into what it is made of.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, targets, sample_weight, base, clip, rescale, from_logits
        As in :func:`cross_entropy`.
    recalibration : {"temperature"}, default "temperature"
        The map that estimates the law of the label given the prediction.

    Returns
    -------
    Decomposition
        The terms, in nats or in units of ``base``.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`.

    Warns
    -----
    SmallSampleWarning
        Below 200 rows.

    Notes
    -----
    Mean CE = uncertainty - resolution + miscalibration (Bröcker, 2009). The map is
    fitted on the evaluated rows; its optimism is removed by Takeuchi's correction
    (1976) and that of the class frequencies by Miller and Madow's (1955), so a
    debiased term can be slightly negative, and is never set to 0. A label that is
    not among ``labels`` is recalibrated to its frequency.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import decompose
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.05, 0.95, size=2000)
    >>> y = rng.uniform(size=2000) < p
    >>> sharpened = p**2 / (p**2 + (1 - p) ** 2)
    >>> result = decompose(y, sharpened)
    >>> round(result.miscalibration, 2), round(result.parameters["temperature"], 1)
    (0.08, 2.0)
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
    result, _ = decompose_inputs(
        inputs, base=base, clip=clip, recalibration=recalibration
    )
    warn_if_few(inputs.n)
    return result


def warn_if_few(n: int) -> None:
    """Warn the caller's caller that the rows are too few for a decomposition."""
    if n < _FEW_ROWS:
        warnings.warn(
            f"a decomposition wants {_FEW_ROWS} rows or more: found {n}; "
            "read its terms as rough.",
            SmallSampleWarning,
            stacklevel=3,
        )


def decompose_inputs(
    inputs: Inputs,
    *,
    base: float | None,
    clip: float,
    recalibration: Recalibration,
    columns: Iterable[str] = (),
) -> tuple[Decomposition, dict[str, FloatArray]]:
    """Decompose inputs that were read before.

    Also returns the columns of the pass, in nats: its own and those asked for.
    """
    if recalibration not in MAPS:
        msg = (
            f"recalibration must be one of {', '.join(map(repr, MAPS))}: found "
            f"{recalibration!r}; pass the name of a map."
        )
        raise ValueError(msg)
    per_unit = nats_per_unit(base)
    if inputs.weights is not None:
        # Their squares may overflow; scaled by a power of two they keep every bit.
        exponent = math.frexp(float(inputs.weights.max()))[1]
        inputs = inputs._replace(weights=np.ldexp(inputs.weights, -exponent))
    rows = inputs.measure([*_COLUMNS, *columns], clip=clip)
    weights = _of_active(inputs.weights, inputs)
    means = {
        name: weighted_mean(_of_active(rows.columns[name], inputs), weights) / per_unit
        for name in _COLUMNS
    }
    soft = inputs.target is not None
    frequencies = _frequencies.count(inputs)
    notes = _reasons(inputs, rows.at_zero, frequencies, clip)
    fitted, refinement, uncertainty = None, math.nan, frequencies.entropy()
    if "refinement" not in notes:
        fitted, refinement = _refinement(inputs, frequencies, clip, recalibration)
        if not fitted.converged:
            notes["refinement"] = f"the {fitted.name} map did not converge"
    refinement, uncertainty = refinement / per_unit, uncertainty / per_unit
    cross_entropy, entropy = means["cross_entropy"], means["entropy"]
    result = Decomposition(
        cross_entropy=cross_entropy,
        entropy=entropy,
        kl_divergence=means["kl_divergence"],
        uncertainty=uncertainty,
        resolution=uncertainty - refinement,
        miscalibration=cross_entropy - refinement,
        refinement=refinement,
        irreducible=entropy if soft else math.nan,
        grouping_loss=refinement - entropy if soft else math.nan,
        skill=1.0 - cross_entropy / uncertainty if fitted else math.nan,
        predictive_entropy=means["predictive_entropy"],
        calibration_gap=cross_entropy - means["predictive_entropy"],
        n=inputs.n,
        n_effective=float(inputs.n) if weights is None else effective_number(weights),
        n_classes=len(inputs.labels),
        n_clipped=rows.at_zero if clip else 0,
        n_infinite=0 if clip else rows.at_zero,
        n_unseen=inputs.n_unseen,
        unit=unit_name(base),
        clip=float(clip),
        recalibration=recalibration,
        degrees_of_freedom=fitted.degrees_of_freedom if fitted else 0,
        parameters=dict(fitted.parameters) if fitted else {},
        notes=notes,
    )
    return result, rows.columns


@overload
def _of_active(values: FloatArray, inputs: Inputs) -> FloatArray: ...
@overload
def _of_active(values: FloatArray | None, inputs: Inputs) -> FloatArray | None: ...
def _of_active(values: FloatArray | None, inputs: Inputs) -> FloatArray | None:
    """The values of the rows that count."""
    if values is None or inputs.active is None:
        return values
    kept: FloatArray = values[inputs.active]
    return kept


def _reasons(
    inputs: Inputs,
    at_zero: int,
    frequencies: _frequencies.Frequencies,
    clip: float,
) -> dict[str, str]:
    """Why terms are infinite or NaN, by the name of the term."""
    notes: dict[str, str] = {}
    if at_zero and not clip:
        infinite = f"infinite: {at_zero} rows give their target a probability of 0"
        notes.update(dict.fromkeys(("cross_entropy", "miscalibration"), infinite))
    if inputs.target is None:
        one_label = "undefined: one label per row"
        notes.update(dict.fromkeys(("irreducible", "grouping_loss"), one_label))
    undefined = ("refinement", "resolution", "miscalibration", "skill")
    if np.count_nonzero(frequencies.mass) <= 1:
        notes.update(dict.fromkeys(undefined, "undefined: y_true holds one class only"))
    elif not frequencies.mass[: len(inputs.labels)].any():
        notes.update(
            dict.fromkeys(
                undefined, "undefined: no label of y_true is among the classes"
            )
        )
    return notes


def _refinement(
    inputs: Inputs,
    frequencies: _frequencies.Frequencies,
    clip: float,
    recalibration: Recalibration,
) -> tuple[FittedMap, float]:
    """The fitted map and the debiased mean cost after it.

    A label that the predictions do not know is recalibrated to its frequency, and
    the law of the others is scaled by what is left: a multinomial beside the map.
    """
    known = _known_rows(inputs)
    sample = Sample(inputs, known, clip)
    fitted = MAPS[recalibration](sample)
    mean = total(sample.weights * fitted.losses) / total(sample.weights)
    refinement = mean + fitted.optimism
    if inputs.unseen:
        lumped = frequencies.split(len(inputs.labels))
        refinement = float(lumped.shares[0]) * refinement + lumped.entropy()
    return fitted, refinement


def _known_rows(inputs: Inputs) -> BoolArray | None:
    """Rows that count and whose label is known; None for all."""
    if inputs.codes is None or not inputs.unseen:
        return inputs.active
    known = inputs.codes < len(inputs.labels)
    return known if inputs.active is None else known & inputs.active
