"""A state as an evaluation: terms, standard errors, classes and groups."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from .._assembly import in_unit, least_variances, reasons, undefined
from .._decompose import warn_if_few
from .._decomposition import Decomposition
from .._evaluation import Evaluation
from .._evidence import Evidence
from .._frequencies import Frequencies
from .._inputs import warn_of_unseen
from .._labels import show
from .._ladder import frame_of
from .._listeners import tell
from .._table import FloatArray
from .._terms import Recalibration, check_recalibration, name_of
from .._units import nats_per_unit, unit_name
from . import _tables
from ._first_map import INFLUENCES, costs_of, first_map
from ._first_pass import FirstPass, first_pass
from ._second_map import second_map
from ._state import ScanState


class AfterMap(NamedTuple):
    """What is known of the map's terms, in nats.

    ``refinement`` is debiased; ``errors`` are those of :data:`INFLUENCES`. ``shift`` is
    what was added to the mean cost after the map.
    """

    passed: FirstPass
    refinement: float
    errors: FloatArray
    shift: float


def finish(
    state: ScanState,
    *,
    base: float | None = None,
    recalibration: Recalibration = "auto",
    under: Evaluation | None = None,
) -> Evaluation:
    """Read an evaluation off the state of all rows.

    Parameters
    ----------
    state : ScanState
        That of all parts, merged.
    base : float, optional
        Base of the logarithm. Default: nats.
    recalibration : str or object, default "auto"
        The map, as in :func:`decompose`; after a second pass that of ``under``.
    under : Evaluation, optional
        What the parts of a second pass were accumulated under.

    Returns
    -------
    Evaluation
        Without rows: ``per_sample`` is None. ``summary(by)`` has the groups that
        :func:`accumulate` was asked for. ``decomposition.ladder`` says in its ``note``
        what the map was fitted to.

    Raises
    ------
    TypeError
        If ``state`` is no state.
    ValueError
        If the state holds no rows, if no map has that name, or if ``under`` is not
        what the state was accumulated under.

    Warns
    -----
    SmallSampleWarning
        As in :func:`decompose`.
    UnseenLabelWarning
        If rows have a label that is not among the classes.

    Notes
    -----
    Means and standard errors of cross-entropy, entropies and uncertainty are those of
    all rows, to rounding. The map is fitted to all rows while these are at most
    500,000 probabilities (and beyond 10,000 rows), and for two classes to all rows in
    cells of the logit; otherwise to a random sample, and the standard errors of its
    terms are those of the sample. A second pass under the evaluation of the first one
    gives these terms for all rows, and by class and group, as :func:`scan` does:

        first = finish(merge(accumulate(part, ...) for part in parts))
        second = merge(accumulate(part, ..., under=first) for part in parts)
        evaluation = finish(second, under=first)

    Examples
    --------
    >>> import pandas as pd
    >>> from xent_metrics import accumulate, finish
    >>> df = pd.DataFrame({"y": [0, 1] * 200, "p": [0.2, 0.7] * 200})
    >>> finish(accumulate(df, target="y", proba="p"), base=2).decomposition.unit
    'bits'
    """
    found = evaluation_of(state, base=base, recalibration=recalibration, under=under)
    warn_about(state, found.decomposition)
    return tell(found)


def evaluation_of(
    state: ScanState,
    *,
    base: float | None,
    recalibration: Recalibration,
    under: Evaluation | None,
) -> Evaluation:
    """What :func:`finish` returns, of which nobody is told."""
    _check(state, under)
    check_recalibration(recalibration)
    per_unit = nats_per_unit(base)
    soft = is_soft(state)
    frequencies = frequencies_of(state)
    counts, clip = state.counts, state.contract.clip
    notes = reasons(len(state.labels), counts.at_zero, frequencies, clip, soft=soft)
    after = None
    if "refinement" not in notes:
        after = _after(state, frequencies, recalibration, under)
        if not after.passed.converged:
            notes["refinement"] = f"the {after.passed.name} map did not converge"
    values = _terms(state, frequencies, after, soft=soft)
    errors = _errors(state, values, frequencies, after)
    passed = None if after is None else after.passed
    whole = state.whole
    weight, weight2 = float(whole.weight[0]), float(whole.weight2[0])
    decomposition = Decomposition(
        **in_unit(values, base),
        standard_errors=in_unit(errors, base),
        n=state.n,
        n_effective=weight * weight / weight2,
        n_groups=None,
        n_folds=None,
        n_classes=len(state.labels),
        n_clipped=counts.at_zero if clip else 0,
        n_infinite=0 if clip else counts.at_zero,
        n_unseen=counts.n_unseen,
        n_dropped=counts.n_dropped,
        n_skipped=counts.n_skipped,
        unit=unit_name(base),
        clip=clip,
        recalibration=name_of(recalibration) if passed is None else passed.name,
        degrees_of_freedom=0 if passed is None else passed.degrees_of_freedom,
        converged=passed is None or passed.converged,
        vote_correction=None,
        parameters={} if passed is None else dict(passed.parameters),
        notes=notes,
        ladder=_ladder(passed, per_unit),
        evidence=Evidence(
            labels=state.labels,
            clip=clip,
            base=base,
            maps={} if passed is None else passed.maps,
            data=None,
            passed=passed,
        ),
    )
    shifts = {} if after is None else _shifts(state, values, after)
    return Evaluation(
        decomposition=decomposition,
        per_sample=None,
        per_class=_tables.of_classes(state, shifts, per_unit, soft=soft),
        labels=state.labels,
        by_group=_tables.of_groups(state, shifts, per_unit, soft=soft),
    )


def _check(state: ScanState, under: Evaluation | None) -> None:
    """Refuse what is no state, is empty, or was accumulated under another map."""
    if not isinstance(state, ScanState):
        msg = (
            "state must be one that accumulate or merge returned: found "
            f"{type(state).__name__}; merge several first."
        )
        raise TypeError(msg)
    if not state.n:
        msg = (
            "state must hold a row of positive weight: it holds none, and "
            f"{state.counts.n_dropped:,} were left out; look for a column that is "
            "empty."
        )
        raise ValueError(msg)
    _check_labels(state)
    made_under = state.contract.under
    given = "" if under is None else first_pass(under).under.name
    if made_under != given:
        msg = (
            "under must be what the state was accumulated under: that was "
            f"{made_under or 'nothing'}, found {given or 'nothing'}; pass the same "
            "evaluation to accumulate and to finish."
        )
        raise ValueError(msg)


def warn_about(state: ScanState, result: Decomposition) -> None:
    """Warn of few rows, and of unseen labels."""
    warn_if_few(result)
    if state.counts.n_unseen:
        warn_of_unseen(state.counts.n_unseen, state.n, state.unseen, state.labels)


def _check_labels(state: ScanState) -> None:
    """Refuse columns of which none is named after a label."""
    if state.counts.n_unseen == state.n:
        msg = (
            "the class of each probability column must be known: none of "
            f"{show(state.labels)} is a label of the target, which holds "
            f"{show(state.unseen)}; pass labels= in the order of the columns, or "
            "proba={class: column}."
        )
        raise ValueError(msg)


def is_soft(state: ScanState) -> bool:
    """Whether targets are more than one label a row."""
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


def _after(
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


def _terms(
    state: ScanState, frequencies: Frequencies, after: AfterMap | None, *, soft: bool
) -> dict[str, float]:
    """The terms, in nats: sums and differences of means, so that they add up."""
    means = dict(
        zip(state.contract.measures, state.whole.mean[:, 0].tolist(), strict=True)
    )
    cost, expected = means["cross_entropy"], means["predictive_entropy"]
    entropy = means["entropy"] if soft else 0.0
    uncertainty = frequencies.entropy(debiased=after is None or after.passed.debiased)
    refinement = math.nan if after is None else after.refinement
    return {
        "cross_entropy": cost,
        "entropy": entropy,
        "kl_divergence": cost - entropy,
        "uncertainty": uncertainty,
        "resolution": uncertainty - refinement,
        "miscalibration": cost - refinement,
        "refinement": refinement,
        "irreducible": entropy if soft else math.nan,
        "grouping_loss": refinement - entropy if soft else math.nan,
        "skill": math.nan
        if undefined(len(state.labels), frequencies)
        else 1.0 - cost / uncertainty,
        "predictive_entropy": expected,
        "calibration_gap": cost - expected,
    }


def _errors(
    state: ScanState,
    terms: dict[str, float],
    frequencies: Frequencies,
    after: AfterMap | None,
) -> dict[str, float]:
    """Standard errors in nats, with their floors where an influence vanishes."""
    of_map = 0.0
    found = dict.fromkeys(terms, math.nan)
    each = zip(state.contract.measures, state.whole.errors()[:, 0], strict=True)
    found |= {name: float(error) for name, error in each if name in terms}
    if not state.contract.soft:
        found["entropy"] = 0.0 if state.n > 1 else math.nan
        found["kl_divergence"] = found["cross_entropy"]
    found["irreducible"] = found["entropy"]
    if after is not None:
        passed = after.passed
        of_map = passed.share_known**2 * passed.variance
        found |= dict(zip(INFLUENCES, after.errors.tolist(), strict=True))
    found["uncertainty"], found["skill"] = _of_frequencies(state, terms, frequencies)
    least = least_variances(terms["uncertainty"], frequencies, of_map)
    for name, error in found.items():
        floor = math.sqrt(least.get(name, 0.0))
        found[name] = max(error, floor)
        if math.isnan(terms[name]):
            found[name] = math.nan
    return found


def _of_frequencies(
    state: ScanState, terms: dict[str, float], frequencies: Frequencies
) -> tuple[float, float]:
    """Standard errors of the uncertainty and of the skill."""
    n, weight = state.n, float(state.whole.weight[0])
    cost, whole = terms["cross_entropy"], terms["uncertainty"] or math.nan
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


def _shifts(
    state: ScanState, terms: dict[str, float], after: AfterMap
) -> dict[str, float]:
    """What is added to the means of classes and groups, so that they sum to the whole.

    Empty after a first pass, which knows nothing of the map's costs there.
    """
    measures = state.contract.measures
    if "refinement" not in measures:
        return {}
    mean = float(state.whole.mean[measures.index("uncertainty"), 0])
    of_frequencies = terms["uncertainty"] - mean
    return {
        "uncertainty": of_frequencies,
        "resolution": of_frequencies - after.shift,
        "miscalibration": -after.shift,
        "refinement": after.shift,
        "grouping_loss": after.shift,
        "floor": math.sqrt(after.passed.share_known**2 * after.passed.variance),
    }


def _ladder(passed: FirstPass | None, per_unit: float) -> pd.DataFrame:
    """The maps that were tried, in the unit asked for."""
    if passed is None:
        return frame_of({}, per_unit)
    tried = passed.ladder.copy()
    for name in ("refinement", "miscalibration", "standard_error"):
        tried[name] = tried[name] / per_unit
    return tried
