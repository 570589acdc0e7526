"""The map fitted to what a pass kept, and improved by another pass."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._decomposition.evidence import maps_of
from .._decomposition.frequencies import Frequencies
from .._decomposition.ladder import frame_of, row, untried
from .._kernels.table import FloatArray
from .._recalibration.fitted_map import FittedMap
from .._recalibration.one_thread import one_thread
from .._recalibration.select import Selection
from .._recalibration.softmax import (
    SoftmaxMap,
    debiased,
    losses_and_gradient,
    minimise,
    variability,
)
from .earlier_pass import FirstPass, Under
from .moments import Moments
from .sample import RowsKept
from .sources import Source, known_moments, source_of
from .state import ScanState

INFLUENCES = ("refinement", "miscalibration", "resolution", "grouping_loss")
_NEAR = 0.05  # standard deviations of a class's mean over its rows
_MOST_PASSES = 5


class FirstMap(NamedTuple):
    """A fitted map, and the moments of what it makes of a row's terms.

    ``influences`` are those of all rows, as if each had been evaluated; that they are
    known from a sample adds ``sampling`` to the variances.
    """

    passed: FirstPass
    influences: Moments
    sampling: float


class SecondMap(NamedTuple):
    """The map, and what its optimum wins of the mean cost under the one passed with."""

    passed: FirstPass
    won: float
    sampling: float


def first_map(
    state: ScanState, frequencies: Frequencies, recalibration: Any
) -> FirstMap:
    """Fit a map to what a first pass kept."""
    beside = _beside_of(state, frequencies)
    share_known = float(beside.shares[0])
    source = source_of(state, recalibration)
    selection = source.fit(recalibration)
    under = _under_of(selection.chosen, state, frequencies, beside)
    n_known = int(known_moments(state).n[0])
    chosen = selection.chosen
    passed = FirstPass(
        name=chosen.name,
        under=under._replace(improve=source.n < n_known),
        n_fitted=source.n,
        n_known=n_known,
        optimism=chosen.optimism,
        variance=chosen.variance,
        debiased=selection.debiased,
        degrees_of_freedom=chosen.degrees_of_freedom,
        converged=chosen.converged,
        parameters=chosen.parameters,
        ladder=pd.DataFrame(),
        maps=maps_of(selection),
        beside=beside,
        kept=state.kept if source.n < n_known else RowsKept.empty(len(state.labels)),
    )
    tried = _ladder(source, selection, state, passed)
    known = source.influences(chosen, under.of_class, under.of_knowing)
    sampling = 0.0
    if source.n < n_known:
        of_gain = share_known * source.gain(chosen)[1]
        sampling = of_gain**2 * (1.0 - source.n / n_known)
    return FirstMap(
        passed.with_ladder(tried), _with_unseen(known, state, under), sampling
    )


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


def costs_of(frequencies: Frequencies) -> np.ndarray[Any, Any]:
    """What predicting class frequencies costs each class; 0 where it never occurs."""
    shares = frequencies.shares
    return np.asarray(-np.log(np.where(shares > 0, shares, 1.0)))


def _beside_of(state: ScanState, frequencies: Frequencies) -> Frequencies:
    """Frequencies of all known labels as one, and of each unseen one."""
    n = len(state.labels)
    mass = np.append(frequencies.mass[:n].sum(), frequencies.mass[n:])
    if len(mass) == 1:
        return Frequencies(mass, np.zeros(1))
    share = mass / mass.sum()
    w2 = np.append(state.classes.weight2[:n].sum(), state.classes.weight2[n:])
    scatter = w2 * (1.0 - 2.0 * share) + share * share * w2.sum()
    return Frequencies(mass, scatter)


def _under_of(
    fitted: FittedMap,
    state: ScanState,
    frequencies: Frequencies,
    beside: Frequencies,
) -> Under:
    """The map for a second pass, with the costs of predicting class frequencies."""
    cost = costs_of(frequencies)
    n = len(state.labels)
    return Under(
        name=_tag_of(fitted),
        recalibrate=fitted.recalibrate,
        of_class=cost[:n],
        of_unseen=dict(zip(state.unseen, cost[n:].tolist(), strict=True)),
        of_knowing=float(-np.log(beside.shares[0])),
        improve=False,
    )


def _tag_of(fitted: FittedMap) -> str:
    """A name that tells one fitted map from another."""
    if not isinstance(fitted.recalibrate, SoftmaxMap):
        return fitted.name
    bits = fitted.recalibrate.parameters.tobytes()
    return f"{fitted.name} {hashlib.sha256(bits).hexdigest()[:12]}"


def _ladder(
    source: Source, selection: Selection, state: ScanState, passed: FirstPass
) -> pd.DataFrame:
    """One row per map that was tried, in nats."""
    cross_entropy = float(state.whole.mean[0, 0])
    known, shift = passed.share_known, passed.shift
    beyond = math.inf
    if math.isfinite(cross_entropy):
        of_known = float(known_moments(state).mean[0, 0])
        beyond = cross_entropy - known * of_known - shift
    rows: dict[str, tuple[Any, ...]] = {}
    for trial in selection.trials:
        gain, error = source.gain(trial)
        won = beyond + known * (gain - trial.optimism)
        is_chosen = trial.name == selection.chosen.name
        rows[trial.name] = row(
            trial,
            cross_entropy,
            won,
            known * max(error, math.sqrt(trial.variance)),
            n=source.n,
            chosen=is_chosen,
            note=source.note * is_chosen,
        )
    return frame_of(rows | untried(selection), 1.0)


def _with_unseen(known: Moments, state: ScanState, under: Under) -> Moments:
    """With the rows of unseen labels, which are recalibrated to their frequency."""
    n = len(state.labels)
    for place, cost in enumerate(under.of_unseen.values(), start=n):
        own = Moments(*(one[..., [place]] for one in state.classes))
        before = own.mean[0, 0]
        mean = np.array([[cost], [before - cost], [0.0], [cost]])
        known = known.plus(
            Moments(own.n, own.weight, own.weight2, mean, mean, np.zeros((4, 1)))
        )
    return known


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
            name=_tag_of(found),
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
