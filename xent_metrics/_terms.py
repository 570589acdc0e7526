"""The terms of inputs that were read, with their standard errors."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ._assembly import Maps, assemble, note_undefined_entropy, reasons
from ._decomposition import Decomposition
from ._evidence import After, Data, maps_of
from ._frequencies import count_classes, frequency_costs
from ._inputs.groups import read_groups
from ._inputs.inputs import Inputs
from ._inputs.read_options import nats_per_unit
from ._kernels.table import FloatArray, IntArray
from ._ladder import ladder
from ._recalibration.custom import RecalibrationMap
from ._recalibration.sample import from_inputs
from ._recalibration.select import NAMES, MapName, recalibrate
from ._row_terms import RowTerms
from ._vote_entropy import VoteCorrection, check_correction, entropy_of_votes

Recalibration = MapName | RecalibrationMap

Scalar = TypeVar("Scalar", bound=np.generic)

COLUMNS = ("cross_entropy", "entropy", "kl_divergence", "predictive_entropy")


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
    check_recalibration(recalibration)
    check_correction(vote_correction, inputs)
    per_unit = nats_per_unit(base)
    clusters = read_groups(groups, inputs)
    inputs = with_scaled_weights(inputs)
    measured = inputs.measure([*COLUMNS, *columns], clip=clip)
    frequencies = count_classes(inputs, clusters)
    notes = reasons(
        len(inputs.labels),
        measured.at_zero,
        frequencies,
        clip,
        soft=inputs.target is not None,
    )
    after = None
    if "refinement" not in notes:
        after = _recalibrate(inputs, clusters, clip, recalibration)
        if not after.selection.chosen.converged:
            name = after.selection.chosen.name
            notes["refinement"] = f"the {name} map did not converge"
    of_row = {name: active(measured.columns[name], inputs) for name in COLUMNS}
    if vote_correction is not None:
        sample = None if after is None else after.sample
        chosen = None if after is None else after.selection.chosen.recalibrate
        of_row["entropy"] = entropy_of_votes(inputs, vote_correction, sample, chosen)
        note_undefined_entropy(notes, of_row["entropy"], vote_correction)
    n = len(of_row["cross_entropy"])
    rows = RowTerms(
        cross_entropy=of_row["cross_entropy"],
        recalibrated=np.full(n, np.nan) if after is None else after.costs,
        frequencies=active(frequency_costs(inputs, frequencies.shares), inputs),
        entropy=of_row["entropy"],
        predictive_entropy=of_row["predictive_entropy"],
        weights=np.ones(n)
        if inputs.weights is None
        else active(inputs.weights, inputs),
        clusters=None if clusters is None else active(clusters, inputs),
    )
    data = Data(
        inputs=inputs,
        rows=rows,
        clusters=clusters,
        recalibration=recalibration,
        vote_correction=vote_correction,
        after=after,
        correction=None if after is None else after.correction,
        again=functools.partial(
            _again,
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=groups,
            vote_correction=vote_correction,
        ),
    )
    result = assemble(
        data,
        frequencies,
        _maps(after, recalibration, rows.mean(rows.cross_entropy), per_unit),
        notes,
        base=base,
        clip=clip,
        at_zero=measured.at_zero,
        n_unseen=inputs.n_unseen,
    )
    return result, measured.columns


def with_scaled_weights(inputs: Inputs) -> Inputs:
    """Inputs with weights whose squares do not overflow.

    Scaled by a power of two they keep every bit.
    """
    if inputs.weights is None:
        return inputs
    exponent = math.frexp(float(inputs.weights.max()))[1]
    return inputs._replace(weights=np.ldexp(inputs.weights, -exponent))


def _again(inputs: Inputs, **options: Any) -> Decomposition:
    """The same decomposition of other inputs."""
    return decompose_inputs(inputs, **options)[0]


def check_recalibration(recalibration: Any) -> None:
    """A name, or an object that can be fitted."""
    if isinstance(recalibration, str):
        found = recalibration in NAMES
    else:
        found = isinstance(recalibration, RecalibrationMap) and not isinstance(
            recalibration, type
        )
    if not found:
        near: list[str] = []
        if isinstance(recalibration, str):
            near = difflib.get_close_matches(recalibration.lower(), NAMES, n=1)
        mend = f"did you mean {near[0]!r}?" if near else "pass the name of a map."
        msg = (
            f"recalibration must be one of {', '.join(map(repr, NAMES))}, or an object "
            f"with fit and predict: found {recalibration!r}; {mend}"
        )
        raise ValueError(msg)


def name_of(recalibration: Recalibration) -> str:
    """The name of a map that was asked for."""
    if isinstance(recalibration, str):
        return recalibration
    return type(recalibration).__name__


def _maps(
    after: After | None,
    recalibration: Recalibration,
    cross_entropy: float,
    per_unit: float,
) -> Maps:
    tried = ladder(after, cross_entropy, per_unit)
    if after is None:
        return Maps(name=name_of(recalibration), ladder=tried)
    chosen = after.selection.chosen
    return Maps(
        name=chosen.name,
        degrees_of_freedom=chosen.degrees_of_freedom,
        converged=chosen.converged,
        parameters=chosen.parameters,
        ladder=tried,
        fitted=maps_of(after.selection),
    )


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
    frequencies = count_classes(beside, clusters)
    costs = frequency_costs(beside, frequencies.shares)
    costs[known] += chosen.losses
    share = float(frequencies.shares[0])
    shift = frequencies.entropy(debiased=selection.debiased)
    optimism = share * chosen.optimism
    if selection.debiased:
        optimism += frequencies.correction()
    return After(sample, selection, active(costs, inputs), optimism, share, shift)


def active(values: NDArray[Scalar], inputs: Inputs) -> NDArray[Scalar]:
    """The values of the rows that count."""
    return values if inputs.active is None else values[inputs.active]
