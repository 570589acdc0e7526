"""The terms of a state, in nats, and their standard errors."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._decomposition.frequencies import Frequencies
from .._decomposition.recalibration import Recalibration
from .._decomposition.terms import least_variances, terms, undefined
from .._kernels.table import FloatArray
from .._terms import PARTS, TERMS
from .earlier_pass import FirstPass, first_pass
from .fit import INFLUENCES, costs_of, first_map, second_map
from .state import ScanState

if TYPE_CHECKING:
    from .._evaluation.evaluation import Evaluation


class AfterMap(NamedTuple):
    """What is known of the map's terms, in nats.

    ``refinement`` is debiased; ``errors`` are those of :data:`INFLUENCES`. ``shift`` is
    what was added to the mean cost after the map.
    """

    passed: FirstPass
    refinement: float
    errors: FloatArray
    shift: float


def is_soft(state: ScanState) -> bool:
    """Whether targets are more than one label per row."""
    if not state.contract.soft:
        return False
    entropy = state.contract.measures.index("entropy")
    return bool(state.whole.mean[entropy, 0] > 0)


def frequencies_of(state: ScanState) -> Frequencies:
    """Class frequencies, labels first, then unseen ones."""
    mass = state.classes.weight
    share = mass / mass.sum()
    total = float(state.whole.weight2[0])
    if state.covariance is None:
        scatter = state.classes.weight2 * (1.0 - 2.0 * share) + share * share * total
    else:
        n = len(share)
        away = state.covariance.mean2[:n] - share
        scatter = np.diag(state.covariance.products)[:n] + total * away * away
    return Frequencies(mass, scatter)


def after_map(
    state: ScanState,
    frequencies: Frequencies,
    recalibration: Recalibration,
    under: Evaluation | None,
) -> AfterMap:
    """The map's terms, of a first pass or of one under a map."""
    cost = float(state.whole.mean[0, 0])
    if under is None:
        first = first_map(state, frequencies, recalibration)
        passed, influences = first.passed, first.influences
        won, sampling = 0.0, first.sampling
        raw = float(influences.mean[0, 0])
        if math.isfinite(cost):
            raw = cost - float(influences.mean[1, 0])
        errors = influences.errors()[:, 0]
    else:
        passed, won, sampling = second_map(state, first_pass(under))
        measures = state.contract.measures
        raw = float(state.whole.mean[measures.index("refinement"), 0])
        each = state.whole.errors()[:, 0]
        errors = np.array(
            [
                each[measures.index(name)] if name in measures else math.nan
                for name in INFLUENCES
            ]
        )
    if not math.isfinite(cost):
        errors[INFLUENCES.index("miscalibration")] = math.nan
    shift = passed.share_known * passed.optimism + passed.beside_optimism - won
    return AfterMap(passed, raw + shift, np.sqrt(errors**2 + sampling), shift)


def terms_of(
    state: ScanState, frequencies: Frequencies, after: AfterMap | None, *, soft: bool
) -> dict[str, float]:
    """The terms, in nats: sums and differences of means, so that they add up."""
    means = dict(
        zip(state.contract.measures, state.whole.mean[:, 0].tolist(), strict=True)
    )
    debiased = after is None or after.passed.debiased
    return terms(
        cross_entropy=means["cross_entropy"],
        entropy=means["entropy"] if soft else 0.0,
        predictive_entropy=means["predictive_entropy"],
        uncertainty=frequencies.entropy(debiased=debiased),
        refinement=math.nan if after is None else after.refinement,
        parts=dict.fromkeys(PARTS, math.nan),
        soft=soft,
        with_skill=not undefined(len(state.labels), frequencies),
    )


def errors_of(
    state: ScanState,
    values: dict[str, float],
    frequencies: Frequencies,
    after: AfterMap | None,
) -> dict[str, float]:
    """Standard errors in nats, with their floors where an influence vanishes."""
    of_map = 0.0
    found = dict.fromkeys(values, math.nan)
    each = zip(state.contract.measures, state.whole.errors()[:, 0], strict=True)
    found |= {name: float(error) for name, error in each if name in values}
    if not state.contract.soft:
        found["entropy"] = 0.0 if state.n > 1 else math.nan
        found["kl_divergence"] = found["cross_entropy"]
    found["irreducible"] = found["entropy"]
    if after is not None:
        passed = after.passed
        of_map = passed.share_known**2 * passed.variance
        found |= dict(zip(INFLUENCES, after.errors.tolist(), strict=True))
    found["uncertainty"], found["skill"] = _of_frequencies(state, values, frequencies)
    least = least_variances(values["uncertainty"], frequencies, of_map)
    for name, error in found.items():
        floor = math.sqrt(least.get(name, 0.0))
        found[name] = max(error, floor)
        if math.isnan(values[name]):
            found[name] = math.nan
    return found


def shifts_of(
    state: ScanState, values: dict[str, float], after: AfterMap
) -> dict[str, float]:
    """What is added to the means of classes and groups, so that they sum to the whole.

    Empty after a first pass, which knows nothing of the map's costs there.
    """
    measures = state.contract.measures
    if "refinement" not in measures:
        return {}
    mean = float(state.whole.mean[measures.index("uncertainty"), 0])
    of_frequencies = values["uncertainty"] - mean
    costs = {"uncertainty": of_frequencies, "refinement": after.shift}
    shifts = {name: TERMS[name].of(defaultdict(float, costs)) for name in measures}
    floor = math.sqrt(after.passed.share_known**2 * after.passed.variance)
    return shifts | {"floor": floor}


def _of_frequencies(
    state: ScanState, values: dict[str, float], frequencies: Frequencies
) -> tuple[float, float]:
    """Standard errors of the uncertainty and of the skill."""
    n, weight = state.n, float(state.whole.weight[0])
    cost, whole = values["cross_entropy"], values["uncertainty"] or math.nan
    u = costs_of(frequencies)
    mean = float(frequencies.shares @ u)
    ratio = cost / whole
    with np.errstate(invalid="ignore", over="ignore"):
        if state.covariance is not None:
            of_u = state.covariance.squares(np.append(u, 0.0), mean)
            of_skill = state.covariance.squares(
                np.append(-ratio * u, 1.0), cost - ratio * mean
            )
        else:
            classes = state.classes
            of_u = float(classes.weight2 @ (u - mean) ** 2)
            away = classes.mean2[0] - ratio * u - (cost - ratio * mean)
            inside = classes.scatter[0] + classes.weight2 * away * away
            of_skill = float(inside[classes.n > 0].sum())
    if n < 2:  # noqa: PLR2004
        return math.nan, math.nan
    scale = n / (n - 1)
    return (
        math.sqrt(scale * of_u) / weight,
        math.sqrt(scale * of_skill) / weight / whole,
    )
