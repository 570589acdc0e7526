"""The map of a first pass, and the moments of what it makes of a row's terms."""

from __future__ import annotations

import hashlib
import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._decomposition.evidence import maps_of
from .._decomposition.frequencies import Frequencies
from .._decomposition.ladder import frame_of, row, untried
from .._recalibration.fitted_map import FittedMap
from .._recalibration.select import Selection
from .._recalibration.softmax import SoftmaxMap
from ._first_pass import FirstPass
from ._moments import Moments
from ._rows_kept import RowsKept
from ._sources import Source, known_moments, source_of
from ._state import ScanState
from ._under import Under

INFLUENCES = ("refinement", "miscalibration", "resolution", "grouping_loss")


class FirstMap(NamedTuple):
    """A fitted map, and the moments of what it makes of a row's terms.

    ``influences`` are those of all rows, as if each had been evaluated; that they are
    known from a sample adds ``sampling`` to the variances.
    """

    passed: FirstPass
    influences: Moments
    sampling: float


def first_map(
    state: ScanState, frequencies: Frequencies, recalibration: Any
) -> FirstMap:
    """Fit a map to what a first pass kept."""
    beside = beside_of(state, frequencies)
    share_known = float(beside.shares[0])
    source = source_of(state, recalibration)
    selection = source.fit(recalibration)
    under = under_of(selection.chosen, state, frequencies, beside)
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


def beside_of(state: ScanState, frequencies: Frequencies) -> Frequencies:
    """Frequencies of all known labels as one, and of each unseen one."""
    n = len(state.labels)
    mass = np.append(frequencies.mass[:n].sum(), frequencies.mass[n:])
    if len(mass) == 1:
        return Frequencies(mass, np.zeros(1))
    share = mass / mass.sum()
    w2 = np.append(state.classes.weight2[:n].sum(), state.classes.weight2[n:])
    scatter = w2 * (1.0 - 2.0 * share) + share * share * w2.sum()
    return Frequencies(mass, scatter)


def under_of(
    fitted: FittedMap,
    state: ScanState,
    frequencies: Frequencies,
    beside: Frequencies,
) -> Under:
    """The map for a second pass, with the costs of predicting class frequencies."""
    cost = costs_of(frequencies)
    n = len(state.labels)
    return Under(
        name=tag_of(fitted),
        recalibrate=fitted.recalibrate,
        of_class=cost[:n],
        of_unseen=dict(zip(state.unseen, cost[n:].tolist(), strict=True)),
        of_knowing=float(-np.log(beside.shares[0])),
        improve=False,
    )


def costs_of(frequencies: Frequencies) -> np.ndarray[Any, Any]:
    """What predicting class frequencies costs each class; 0 where it never occurs."""
    shares = frequencies.shares
    return np.asarray(-np.log(np.where(shares > 0, shares, 1.0)))


def tag_of(fitted: FittedMap) -> str:
    """A name that tells one fitted map from another."""
    if not isinstance(fitted.recalibrate, SoftmaxMap):
        return fitted.name
    bits = fitted.recalibrate.parameters.tobytes()
    return f"{fitted.name} {hashlib.sha256(bits).hexdigest()[:12]}"


def _ladder(
    source: Source, selection: Selection, state: ScanState, passed: FirstPass
) -> pd.DataFrame:
    """One row a map that was tried, in nats."""
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
