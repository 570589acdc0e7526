"""The terms of inputs that were read, with their standard errors."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import _frequencies
from ._decomposition import Decomposition
from ._evidence import After, Data, Evidence, maps_of
from ._groups import read_groups
from ._inputs import Inputs
from ._ladder import ladder
from ._recalibration import (
    NAMES,
    MapName,
    RecalibrationMap,
    effective_number,
    from_inputs,
    recalibrate,
)
from ._row_terms import RowTerms
from ._summary import TERMS
from ._table import FloatArray, IntArray
from ._units import nats_per_unit, unit_name
from ._vote_entropy import VoteCorrection, check_correction, entropy_of_votes

Recalibration = MapName | RecalibrationMap

Scalar = TypeVar("Scalar", bound=np.generic)

_COLUMNS = ("cross_entropy", "entropy", "kl_divergence", "predictive_entropy")
_OF_THE_COST = (
    "cross_entropy",
    "kl_divergence",
    "miscalibration",
    "skill",
    "calibration_gap",
)
_OF_THE_MAP = ("refinement", "resolution", "miscalibration", "skill")


def decompose_inputs(
    inputs: Inputs,
    *,
    base: float | None,
    clip: float,
    recalibration: Recalibration,
    groups: Any = None,
    vote_correction: VoteCorrection = None,
    columns: Iterable[str] = (),
) -> tuple[Decomposition, dict[str, FloatArray]]:
    """Decompose inputs that were read before.

    Also returns the columns of the pass, in nats: its own and those asked for.
    """
    _check_recalibration(recalibration)
    check_correction(vote_correction, inputs)
    per_unit = nats_per_unit(base)
    clusters = read_groups(groups, inputs)
    if inputs.weights is not None:
        # Their squares may overflow; scaled by a power of two they keep every bit.
        exponent = math.frexp(float(inputs.weights.max()))[1]
        inputs = inputs._replace(weights=np.ldexp(inputs.weights, -exponent))
    measured = inputs.measure([*_COLUMNS, *columns], clip=clip)
    frequencies = _frequencies.count(inputs, clusters)
    notes = _reasons(inputs, measured.at_zero, frequencies, clip)
    after = None
    if "refinement" not in notes:
        after = _recalibrate(inputs, clusters, clip, recalibration)
        if not after.selection.chosen.converged:
            name = after.selection.chosen.name
            notes["refinement"] = f"the {name} map did not converge"
    of_row = {name: active(measured.columns[name], inputs) for name in _COLUMNS}
    if vote_correction is not None:
        of_row["entropy"] = entropy_of_votes(
            inputs, vote_correction, None if after is None else after.selection.chosen
        )
        _note_undefined_entropy(notes, of_row["entropy"], vote_correction)
    n = len(of_row["cross_entropy"])
    rows = RowTerms(
        cross_entropy=of_row["cross_entropy"],
        recalibrated=np.full(n, np.nan) if after is None else after.costs,
        frequencies=active(_frequencies.costs(inputs, frequencies.shares), inputs),
        entropy=of_row["entropy"],
        predictive_entropy=of_row["predictive_entropy"],
        weights=np.ones(n)
        if inputs.weights is None
        else active(inputs.weights, inputs),
        clusters=None if clusters is None else active(clusters, inputs),
    )
    terms = _terms(rows, frequencies, after, soft=inputs.target is not None)
    errors = _standard_errors(rows, terms, frequencies, after)
    data = Data(
        inputs=inputs,
        rows=rows,
        clusters=clusters,
        recalibration=recalibration,
        vote_correction=vote_correction,
        after=after,
        again=functools.partial(
            _again,
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=groups,
            vote_correction=vote_correction,
        ),
    )
    chosen = None if after is None else after.selection.chosen
    in_unit = {name: 1.0 if name == "skill" else per_unit for name in TERMS}
    result = Decomposition(
        **{name: value / in_unit[name] for name, value in terms.items()},
        standard_errors={name: se / in_unit[name] for name, se in errors.items()},
        n=inputs.n,
        n_effective=effective_number(rows.weights),
        n_groups=rows.n_clusters,
        n_classes=len(inputs.labels),
        n_clipped=measured.at_zero if clip else 0,
        n_infinite=0 if clip else measured.at_zero,
        n_unseen=inputs.n_unseen,
        unit=unit_name(base),
        clip=float(clip),
        recalibration=chosen.name if chosen else _name(recalibration),
        degrees_of_freedom=chosen.degrees_of_freedom if chosen else 0,
        converged=chosen.converged if chosen else True,
        vote_correction=vote_correction,
        parameters=dict(chosen.parameters) if chosen else {},
        notes=notes,
        ladder=ladder(after, terms["cross_entropy"], per_unit),
        evidence=Evidence(
            labels=inputs.labels,
            clip=float(clip),
            base=base,
            maps={} if after is None else maps_of(after.selection),
            data=data,
        ),
    )
    return result, measured.columns


def _again(inputs: Inputs, **options: Any) -> Decomposition:
    """The same decomposition of other inputs."""
    return decompose_inputs(inputs, **options)[0]


def _check_recalibration(recalibration: Any) -> None:
    """A name, or an object that can be fitted."""
    if isinstance(recalibration, str):
        found = recalibration in NAMES
    else:
        found = isinstance(recalibration, RecalibrationMap) and not isinstance(
            recalibration, type
        )
    if not found:
        msg = (
            f"recalibration must be one of {', '.join(map(repr, NAMES))}, or an object "
            f"with fit and predict: found {recalibration!r}; pass the name of a map."
        )
        raise ValueError(msg)


def _name(recalibration: Recalibration) -> str:
    if isinstance(recalibration, str):
        return recalibration
    return type(recalibration).__name__


def _recalibrate(
    inputs: Inputs,
    clusters: IntArray | None,
    clip: float,
    recalibration: Recalibration,
) -> After:
    """Fit the map, and say what each row costs after it.

    A label that the predictions do not know is recalibrated to its frequency, and
    the law of the others is scaled by what is left: a multinomial beside the map.
    """
    known = inputs.active
    if inputs.unseen and inputs.codes is not None:
        of_known = inputs.codes < len(inputs.labels)
        known = of_known if known is None else known & of_known
    sample = from_inputs(inputs, known, clip=clip, clusters=clusters)
    selection = recalibrate(sample, recalibration)
    chosen = selection.chosen
    if not inputs.unseen or inputs.codes is None or known is None:
        return After(sample, selection, chosen.losses, chosen.optimism, 1.0, 0.0)
    # All known classes as one, then the unseen ones.
    lumped = np.maximum(inputs.codes - len(inputs.labels) + 1, 0)
    beside = inputs._replace(labels=("known",), codes=lumped)
    frequencies = _frequencies.count(beside, clusters)
    costs = _frequencies.costs(beside, frequencies.shares)
    costs[known] += chosen.losses
    share = float(frequencies.shares[0])
    shift = frequencies.entropy(debiased=selection.debiased)
    optimism = share * chosen.optimism
    if selection.debiased:
        optimism += frequencies.correction()
    return After(sample, selection, active(costs, inputs), optimism, share, shift)


def _terms(
    rows: RowTerms,
    frequencies: _frequencies.Frequencies,
    after: After | None,
    *,
    soft: bool,
) -> dict[str, float]:
    """The terms, in nats: sums and differences of means, so that they add up."""
    cross_entropy = rows.mean(rows.cross_entropy)
    entropy = rows.mean(rows.entropy)
    predictive_entropy = rows.mean(rows.predictive_entropy)
    debiased = after is None or after.selection.debiased
    uncertainty = frequencies.entropy(debiased=debiased)
    refinement = math.nan
    if after is not None:
        refinement = rows.mean(rows.recalibrated) + after.optimism
    return {
        "cross_entropy": cross_entropy,
        "entropy": entropy,
        "kl_divergence": cross_entropy - entropy,
        "uncertainty": uncertainty,
        "resolution": uncertainty - refinement,
        "miscalibration": cross_entropy - refinement,
        "refinement": refinement,
        "irreducible": entropy if soft else math.nan,
        "grouping_loss": refinement - entropy if soft else math.nan,
        "skill": math.nan if after is None else 1.0 - cross_entropy / uncertainty,
        "predictive_entropy": predictive_entropy,
        "calibration_gap": cross_entropy - predictive_entropy,
    }


def _standard_errors(
    rows: RowTerms,
    terms: dict[str, float],
    frequencies: _frequencies.Frequencies,
    after: After | None,
) -> dict[str, float]:
    """Standard errors in nats, with their floors where an influence vanishes.

    Near calibration the debiased miscalibration has the law of a weighted chi-square,
    whose variance does not fall with that of the rows' terms.
    """
    of_map = 0.0 if after is None else after.variance
    floors = dict.fromkeys(("miscalibration", "resolution", "grouping_loss"), of_map)
    floors["uncertainty"] = frequencies.variance()
    if terms["uncertainty"]:
        floors["skill"] = frequencies.variance() / terms["uncertainty"] ** 2
    errors = {}
    influences = rows.influences(terms["cross_entropy"], terms["uncertainty"])
    for name, influence in influences.items():
        if math.isnan(terms[name]):
            errors[name] = math.nan
            continue
        error = rows.standard_error(influence)
        floor = math.sqrt(floors.get(name, 0.0))
        errors[name] = error if error > floor or math.isnan(error) else floor
    return errors


def active(values: NDArray[Scalar], inputs: Inputs) -> NDArray[Scalar]:
    """The values of the rows that count."""
    return values if inputs.active is None else values[inputs.active]


def _note_undefined_entropy(
    notes: dict[str, str], entropy: FloatArray, correction: str
) -> None:
    """Say why the irreducible term is NaN.

    The jackknife wants two votes a row, and "dirichlet" a recalibration map.
    """
    n = int(np.count_nonzero(np.isnan(entropy)))
    if n:
        reason = f"undefined: {n} rows have one vote; leave them out by a weight of 0"
        if correction == "dirichlet":
            reason = notes["refinement"]
        for name in ("entropy", "kl_divergence", "irreducible", "grouping_loss"):
            notes[name] = reason


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
        notes.update(dict.fromkeys(_OF_THE_COST, infinite))
    if inputs.target is None:
        one_label = "undefined: one label per row"
        notes.update(dict.fromkeys(("irreducible", "grouping_loss"), one_label))
    if np.count_nonzero(frequencies.mass) <= 1:
        reason = "undefined: y_true holds one class only"
        notes.update(dict.fromkeys(_OF_THE_MAP, reason))
    elif not frequencies.mass[: len(inputs.labels)].any():
        reason = "undefined: no label of y_true is among the classes"
        notes.update(dict.fromkeys(_OF_THE_MAP, reason))
    return notes
