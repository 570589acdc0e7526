"""Least standard errors where costly events are possible, but were hardly seen."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from .._inputs.inputs import Inputs
from .._kernels.table import FloatArray, IntArray
from .._recalibration.sample import from_inputs
from .._terms import TERMS
from .frequencies import Frequencies
from .recalibration import After
from .row_terms import RowTerms

# Of events that n rows never showed, up to 3 / n may happen: half a 95 % interval.
_RULE_OF_THREE = 3.0
_HALF_WIDTH = 1.959964
_HALF_A_COUNT = 0.5


def variances_of_unseen(
    inputs: Inputs,
    after: After | None,
    frequencies: Frequencies,
    rows: RowTerms,
    clip: float,
) -> dict[str, float]:
    """Variances of terms in nats that the rule of three leaves them, by name.

    An event is a class other than the likeliest one. The classes' probabilities after
    the map, smoothed by half a count, say where events may happen and which; what they
    change costs by is what an interval must allow for. Empty where events were seen.
    """
    soft = inputs.target is not None and inputs.target.kind != "proportions"
    if soft or inputs.unseen or _events_were_seen(rows, len(inputs.labels)):
        return {}
    sample = None if after is None else after.sample
    if sample is None:
        sample = from_inputs(inputs, inputs.active, clip=clip, clusters=None)
    n = sample.n_effective
    if rows.n_clusters is not None:
        n = min(n, float(rows.n_clusters))

    def smoothed(probabilities: FloatArray) -> FloatArray:
        total = n + _HALF_A_COUNT * len(probabilities)
        found: FloatArray = (n * probabilities + _HALF_A_COUNT) / total
        return found

    of_frequencies = -np.log(smoothed(frequencies.shares))[:, np.newaxis]
    cost, whole = rows.mean(rows.cross_entropy), frequencies.entropy() or math.nan
    if not math.isfinite(cost):
        return {}
    squares: dict[str, float] = defaultdict(float)
    mass = 0.0
    for part, log_q, _ in sample.blocks():
        c = np.exp(log_q)
        if after is not None:
            c = after.selection.chosen.recalibrate(log_q)
        c = smoothed(c)
        top = c.argmax(axis=0)[np.newaxis]
        events = c * sample.weights[part]
        np.put_along_axis(events, top, 0.0, axis=0)
        mass += float(events.sum())
        with np.errstate(invalid="ignore", over="ignore"):  # of infinite costs
            changes = _changes(log_q, c, of_frequencies, top)
            of_rows = {
                name: (events * change**2).sum(axis=0)
                for name, change in _of_terms(changes, cost, whole).items()
            }
        for name, each in of_rows.items():
            squares[name] += float(each.sum())
        if rows.lowered is not None:
            lowered, won = rows.lowered[part], of_rows["miscalibration"]
            squares["overconfidence"] += float(won[lowered].sum())
            squares["underconfidence"] += float(won[~lowered].sum())
    scale = (_RULE_OF_THREE / _HALF_WIDTH / n) ** 2 / mass
    return {
        name: scale * square
        for name, square in squares.items()
        if math.isfinite(square)
    }


def _changes(
    log_q: FloatArray, c: FloatArray, of_frequencies: FloatArray, top: IntArray
) -> dict[str, FloatArray]:
    """What each class costs more than the likeliest one, by the name of the cost."""
    costs = {
        "cross_entropy": -log_q,
        "uncertainty": np.broadcast_to(of_frequencies, log_q.shape),
        "refinement": -np.log(c),
    }
    changes = {
        name: cost - np.take_along_axis(cost, top, axis=0)
        for name, cost in costs.items()
    }
    nothing = np.zeros_like(c)
    return {**changes, "entropy": nothing, "predictive_entropy": nothing}


def _of_terms(
    changes: dict[str, FloatArray], cost: float, whole: float
) -> dict[str, FloatArray]:
    """What each class changes a term by, where changes of its costs are known."""
    of_skill = changes["cross_entropy"] - cost / whole * changes["uncertainty"]
    of_sums = {name: term.of(changes) for name, term in TERMS.items() if term.parts}
    return of_sums | {"skill": of_skill / whole}


def _events_were_seen(rows: RowTerms, n_classes: int) -> bool:
    """Whether three independent rows cost more than knowing nothing, with each map."""
    costs = [rows.cross_entropy]
    if not np.isnan(rows.recalibrated).any():
        costs.append(rows.recalibrated)
    for cost in costs:
        where = np.flatnonzero(cost > math.log(n_classes))
        if rows.clusters is not None:
            where = np.unique(rows.clusters[where])
        if len(where) < _RULE_OF_THREE:
            return False
    return True
