"""The map after a pass under it: mended by what the pass found, and debiased."""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from .._kernels.table import FloatArray
from .._recalibration.select import one_thread
from .._recalibration.softmax import (
    SoftmaxMap,
    debiased,
    losses_and_gradient,
    minimise,
    variability,
)
from ._first_map import tag_of
from ._first_pass import FirstPass
from ._rows_kept import RowsKept
from ._sources import known_moments
from ._state import ScanState

_NEAR = 0.05  # standard deviations of a class's mean over its rows
_MOST_PASSES = 5


class SecondMap(NamedTuple):
    """The map, and what its optimum wins of the mean cost under the one passed with."""

    passed: FirstPass
    won: float
    sampling: float


def second_map(state: ScanState, first: FirstPass) -> SecondMap:
    """Debias what a pass under a map has found."""
    fitted = first.under.recalibrate
    if first.complete and state.gradient is None:
        return SecondMap(first, 0.0, 0.0)
    if state.gradient is not None and isinstance(fitted, SoftmaxMap):
        return _improved(state, first, fitted, state.gradient)
    # In the sample the cost is too low by the optimism, elsewhere as much too high.
    outside = 1.0 - 2.0 * first.n_fitted / first.n_known
    known = first.share_known
    won = known * first.optimism * (1.0 + outside)
    return SecondMap(first, won, known**2 * first.variance)


def _improved(
    state: ScanState, first: FirstPass, fitted: SoftmaxMap, gradient: FloatArray
) -> SecondMap:
    """The map of all rows, by the slopes of their cost under that of a sample.

    The sample's cost, tilted so that its slopes at the first map are those of all
    rows, has its minimum near theirs: the distance shrinks by the square root of
    parameters over rows (Jordan, Lee & Yang, 2019).
    """
    known = known_moments(state)
    weight, weight2 = float(known.weight[0]), float(known.weight2[0])
    n_effective = weight * weight / weight2
    sample = first.kept.sample()
    copies = n_effective / sample.n_effective
    # The weight of all rows beside the ridge.
    sample.weights, sample.n_effective = sample.weights * copies, n_effective
    family, start = fitted.family, fitted.parameters
    before, own = losses_and_gradient(family, sample, sample.weights, start)
    tilt = gradient * (n_effective / weight) - own
    with one_thread():
        optimum = minimise(family, sample, start, tilt)
    parameters, after = optimum.parameters, optimum.sweep.losses
    won = sample.mean(before - after) + float(tilt @ (start - parameters)) / n_effective
    found = debiased(
        family,
        optimum,
        losses=after,
        scatter=variability(family, sample, parameters) / copies,
        total=n_effective,
        n_independent=n_effective,
    )
    # How far from the map of all rows this one is still, in the metric of the cost.
    step = start - parameters
    moved = math.sqrt(
        max(float(step @ optimum.sweep.hessian @ step), 0.0) / n_effective
    )
    left = moved * math.sqrt(len(step) / sample.n)
    near = left <= _NEAR * math.sqrt(len(state.labels) / n_effective)
    n_passes = first.n_passes + 1
    more = not near and n_passes < _MOST_PASSES
    tried = first.ladder.copy()
    chosen = tried["chosen"].astype(bool)
    tried.loc[chosen, "note"] = f"fitted to all rows, in {n_passes} passes"
    passed = dataclasses.replace(
        first,
        under=first.under._replace(
            name=tag_of(found),
            recalibrate=found.recalibrate,
            improve=more,
        ),
        n_fitted=first.n_known,
        optimism=found.optimism,
        variance=found.variance,
        converged=found.converged,
        parameters=found.parameters,
        ladder=tried,
        maps={**first.maps, found.name: found.recalibrate},
        kept=first.kept if more else RowsKept.empty(len(state.labels)),
        n_passes=n_passes,
    )
    return SecondMap(passed, first.share_known * won, 0.0)
