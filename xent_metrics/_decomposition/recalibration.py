"""The recalibration of rows: the map that is asked for, and their costs after it."""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

import numpy as np

from .._inputs.inputs import Inputs
from .._kernels.table import BoolArray, FloatArray, IntArray
from .._recalibration.custom import RecalibrationMap
from .._recalibration.sample import Sample, from_inputs
from .._recalibration.select import NAMES, MapName, Selection, recalibrate
from .frequencies import count_classes, frequency_costs

Recalibration = MapName | RecalibrationMap


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


class Correction(NamedTuple):
    """How much costs after recalibration flatter it, and what comes of that.

    ``variance`` is that of the corrected optimum where there is nothing to gain;
    ``debiased`` says whether terms are freed of bias: not so for CORP's plug-in.
    """

    optimism: float
    variance: float
    debiased: bool


class After(NamedTuple):
    """What recalibration leaves: costs of the rows that count, and their optimism.

    ``sample`` are the rows with a known label: ``share_known`` is their weight, and
    ``shift`` is what the others, and telling them apart, add to the refinement.
    """

    sample: Sample
    selection: Selection
    costs: FloatArray
    optimism: float
    share_known: float
    shift: float

    @property
    def variance(self) -> float:
        """Variance of the refinement where the map has nothing to gain."""
        return self.share_known**2 * self.selection.chosen.variance

    @property
    def correction(self) -> Correction:
        """What corrects the mean of the costs."""
        return Correction(self.optimism, self.variance, self.selection.debiased)


def lowered(inputs: Inputs, after: After) -> BoolArray:
    """Whether the map lowers the greatest probability of each row that counts.

    It does where the label is not among the classes, which share less than 1.
    """
    sample, recalibrate = after.sample, after.selection.chosen.recalibrate
    of_known = np.empty(sample.n, dtype=np.bool_)
    for rows, log_q, _ in sample.blocks():
        top = log_q.argmax(axis=0)[np.newaxis]
        before = np.exp(np.take_along_axis(log_q, top, axis=0)[0])
        later = np.take_along_axis(recalibrate(log_q), top, axis=0)[0]
        of_known[rows] = after.share_known * later < before
    if inputs.unseen and inputs.codes is not None:
        found = np.ones(inputs.n, dtype=np.bool_)
        found[inputs.counted(inputs.codes) < len(inputs.labels)] = of_known
        return found
    return of_known


def recalibrated(
    inputs: Inputs,
    clusters: IntArray | None,
    clip: float,
    recalibration: Recalibration,
) -> After:
    """Fit the map, and say what each row costs after it.

    A label that the predictions do not know is recalibrated to its frequency, and
    the probabilities of the others are scaled by what is left: a multinomial beside
    the map.
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
    return After(sample, selection, inputs.counted(costs), optimism, share, shift)
