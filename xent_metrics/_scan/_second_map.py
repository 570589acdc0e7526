"""The map after a pass under it: a step of Newton's method, and its debiasing."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from .._recalibration import Optimum, SoftmaxMap, Sweep, debiased, solve
from ._derivatives import Derivatives
from ._first_map import tag_of
from ._first_pass import FirstPass
from ._sources import known_moments
from ._state import ScanState

_NEAR = 0.05  # standard errors: what the last step may win; it leaves classes far less


class SecondMap(NamedTuple):
    """The map, and what its optimum wins of the mean cost under the one passed with."""

    passed: FirstPass
    won: float
    sampling: float


def second_map(state: ScanState, first: FirstPass) -> SecondMap:
    """Debias what a pass under a map has found."""
    if first.complete:
        return SecondMap(first, 0.0, 0.0)
    if state.derivatives is not None and isinstance(
        first.under.recalibrate, SoftmaxMap
    ):
        return _improved(state, first, first.under.recalibrate, state.derivatives)
    # In the sample the cost is too low by the optimism, elsewhere as much too high.
    outside = 1.0 - 2.0 * first.n_fitted / first.n_known
    known = first.share_known
    won = known * first.optimism * (1.0 + outside)
    return SecondMap(first, won, known**2 * first.variance)


def _improved(
    state: ScanState, first: FirstPass, fitted: SoftmaxMap, sums: Derivatives
) -> SecondMap:
    """One step of Newton's method, from a map that was fitted to a sample."""
    known = known_moments(state)
    weight, weight2 = float(known.weight[0]), float(known.weight2[0])
    n_effective = weight * weight / weight2
    scale = n_effective / weight
    family, start = fitted.family, fitted.parameters
    of_cost, hessian_of_cost = scale * sums.gradient, scale * sums.hessian
    gradient = of_cost + family.ridge @ (start - family.identity)
    hessian = hessian_of_cost + family.ridge
    step = solve(hessian, gradient)
    parameters = start - step
    won = (of_cost @ step - 0.5 * step @ hessian_of_cost @ step) / n_effective
    decrement = 0.5 * float(step @ gradient) / n_effective
    error = float(known.errors()[state.contract.measures.index("miscalibration"), 0])
    near = decrement <= _NEAR * error
    sweep = Sweep(sums.gradient[:0], 0.0, gradient, hessian)
    found = debiased(
        family,
        Optimum(parameters, sweep, converged=near),
        losses=sums.gradient[:0],
        scatter=scale**2 * sums.scatter,
        total=n_effective,
        n_independent=n_effective,
    )
    n_passes = first.n_passes + 1
    tried = first.ladder.copy()
    tried.loc[tried["chosen"].astype(bool), "note"] = (
        f"fitted to all rows, in {n_passes} passes"
    )
    passed = dataclasses.replace(
        first,
        under=first.under._replace(
            name=tag_of(found), recalibrate=found.recalibrate, improve=not near
        ),
        n_fitted=first.n_known if near else first.n_fitted,
        optimism=found.optimism,
        variance=found.variance,
        converged=near,
        parameters=found.parameters,
        ladder=tried,
        maps={**first.maps, found.name: found.recalibrate},
        n_passes=n_passes,
    )
    return SecondMap(passed, first.share_known * float(won), 0.0)
