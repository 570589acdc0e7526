"""From a state to an evaluation."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._decomposition.assemble import Maps, assemble
from .._decomposition.breakdown import names_of_terms, without_few
from .._decomposition.cautions import warn_about as warn_about_result
from .._decomposition.evidence import Evidence, evidence_of
from .._decomposition.ladder import frame_of
from .._decomposition.recalibration import Recalibration, name_of
from .._decomposition.reference_map import ReferenceMap
from .._decomposition.result import Decomposition
from .._decomposition.terms import reasons
from .._decomposition.zeros import KEY, zeros_note
from .._evaluation.evaluation import Evaluation
from .._evaluation.listeners import tell
from .._evaluation.tables import MEASURES
from .._inputs.groups import read_keys
from .._inputs.inputs import unknown_labels, warn_of_unseen
from .._inputs.labels import label_index
from .._inputs.read_options import nats_per_unit
from .._kernels.table import FloatArray
from .._pickling import public
from .._terms import PARTS, TERMS
from .earlier_pass import FirstPass, first_pass
from .moments import Moments
from .reference import reference_of
from .sources import check_map
from .state import ScanState
from .terms import (
    AfterMap,
    after_map,
    errors_of,
    frequencies_of,
    is_soft,
    shifts_of,
    terms_of,
)


@public
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
        The map, as in :func:`decompose`, but for "learned"; after a second pass that of
        ``under``.
    under : Evaluation, optional
        What the parts of a second pass were accumulated under.

    Returns
    -------
    Evaluation
        Without rows: ``per_sample`` is None. ``summary(by)`` has the groups that
        :func:`accumulate` was asked for. ``decomposition.ladder`` says in its ``note``
        what the map was fitted to. ``overconfidence`` and ``underconfidence`` are NaN,
        as ``decomposition.notes`` says: they are summed over rows, of which none are
        kept.

    Raises
    ------
    TypeError
        If ``state`` is no state.
    ValueError
        If the state holds no rows, if no map has that name, or if ``under`` is not
        what the state was accumulated under.

    Warns
    -----
    SmallSampleWarning, SwappedColumnsWarning
        As in :func:`decompose`.
    UnseenLabelWarning
        If rows have a label that is not among the classes.

    See Also
    --------
    accumulate : Makes a state of rows.
    merge : Makes one state of several.
    scan : Does all of it for files.

    Notes
    -----
    Means and standard errors of cross-entropy, entropies and uncertainty are those of
    all rows, to rounding. The map is fitted to all rows while these are at most
    500,000 probabilities (and beyond 10,000 rows), and for two classes to all rows in
    cells of the logit; otherwise to a random sample, and the standard errors of its
    terms are those of the sample. A second pass under the evaluation of the first one
    gives these terms for all rows, and by class and group; ``ladder`` says when the
    map is that of all rows, and :func:`scan` goes on until it is::

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
    """What :func:`finish` returns, without notifying listeners."""
    _check(state, under)
    check_map(recalibration)
    per_unit = nats_per_unit(base)
    soft = is_soft(state)
    frequencies = frequencies_of(state)
    counts, clip = state.counts, state.contract.clip
    notes = reasons(
        len(state.labels),
        counts.at_zero,
        frequencies,
        clip,
        n_independent=state.n,
        soft=soft,
    )
    after = None
    notes |= dict.fromkeys(PARTS, "undefined: a scan keeps no rows")
    if "refinement" not in notes:
        after = after_map(state, frequencies, recalibration, under)
        if not after.passed.converged:
            notes["refinement"] = f"the {after.passed.name} map did not converge"
    values = terms_of(state, frequencies, after, soft=soft)
    errors = errors_of(state, values, frequencies, after)
    passed = None if after is None else after.passed
    whole = state.whole
    weight, weight2 = float(whole.weight[0]), float(whole.weight2[0])
    alike = weight == weight2 == state.n  # else the weight of these rows is not known
    if counts.at_zero and clip and alike and not soft:
        share = counts.at_zero / state.n
        notes[KEY] = zeros_note(
            counts.at_zero,
            soft=False,
            zero=False,
            share=share * -math.log(clip) / values["cross_entropy"],
            slope=share * math.log(10.0),
            clip=clip,
            base=base,
        )
    decomposition = assemble(
        values,
        errors,
        notes,
        _maps(passed, recalibration, per_unit),
        Evidence(
            labels=state.labels,
            clip=clip,
            base=base,
            maps={} if passed is None else passed.maps,
            passed=passed,
            scanned=state
            if under is None
            else evidence_of(under.decomposition).scanned,
            later=_later(state, after, under),
        ),
        n=state.n,
        n_effective=weight * weight / weight2,
        n_unseen=counts.n_unseen,
        at_zero=counts.at_zero,
        n_dropped=counts.n_dropped,
        n_skipped=counts.n_skipped,
    )
    shifts = {} if after is None else shifts_of(state, values, after)
    return Evaluation(
        decomposition=decomposition,
        per_sample=None,
        by_class=_of_classes(state, shifts, per_unit, soft=soft),
        labels=state.labels,
        by_group=_of_groups(state, shifts, per_unit, soft=soft),
    )


def _later(
    state: ScanState, after: AfterMap | None, under: Evaluation | None
) -> Callable[[], ReferenceMap] | None:
    """What fits the map that other rows are compared with; a first pass keeps rows."""
    if after is None:
        return None
    if under is not None:
        return evidence_of(under.decomposition).later
    return functools.partial(reference_of, state)


def warn_about(state: ScanState, result: Decomposition) -> None:
    """Warn of few rows, and of unseen labels."""
    warn_about_result(result)
    if state.counts.n_unseen:
        warn_of_unseen(state.counts.n_unseen, state.n, state.unseen, state.labels)


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
    if state.counts.n_unseen == state.n:
        raise unknown_labels(state.unseen, state.labels, "the columns")
    made_under = state.contract.under
    given = "" if under is None else first_pass(under).under.name
    if made_under != given:
        msg = (
            "under must be what the state was accumulated under: that was "
            f"{made_under or 'nothing'}, found {given or 'nothing'}; pass the same "
            "evaluation to accumulate and to finish."
        )
        raise ValueError(msg)


def _maps(
    passed: FirstPass | None, recalibration: Recalibration, per_unit: float
) -> Maps:
    """What the result says of its map; the maps tried are in the unit asked for."""
    if passed is None:
        return Maps(name=name_of(recalibration), ladder=frame_of({}, per_unit))
    tried = passed.ladder.copy()
    for name in ("refinement", "miscalibration", "standard_error"):
        tried[name] = tried[name] / per_unit
    return Maps(
        name=passed.name,
        degrees_of_freedom=passed.degrees_of_freedom,
        converged=passed.converged,
        parameters=passed.parameters,
        ladder=tried,
    )


def _of_classes(
    state: ScanState, shifts: Mapping[str, float], per_unit: float, *, soft: bool
) -> pd.DataFrame:
    """The terms of each class that occurs."""
    moments = state.classes
    table = _terms(state, moments, shifts, per_unit, soft=soft)
    if state.contract.soft:
        table["n"] = state.shares
    else:
        table["n"] = moments.n.astype(np.int64)
    table["n_independent"] = moments.n
    table.index = label_index((*state.labels, *state.unseen), "class")
    return _noted(table[table["n"] > 0].copy(), shifts)


def _of_groups(
    state: ScanState, shifts: Mapping[str, float], per_unit: float, *, soft: bool
) -> pd.DataFrame | None:
    """Means of measures of each group, then the terms of the map."""
    if state.groups is None:
        return None
    keys, moments = state.groups.keys, state.groups.moments
    measures = _measures(state, moments, per_unit, soft=soft)
    terms = _terms(state, moments, shifts, per_unit, soft=soft)
    more = [name for name in terms if name not in measures]
    table = pd.concat([measures, terms[more]], axis=1)
    table["n_independent"] = moments.n
    found = read_keys(keys, len(keys))
    order = np.argsort(found.codes)
    table = table.iloc[order]
    table.index = found.groups
    return _noted(table[table["n"] > 0].copy(), shifts)


def _measures(
    state: ScanState, moments: Moments, per_unit: float, *, soft: bool
) -> pd.DataFrame:
    """Counts and means as :meth:`Evaluation.summary` has them."""
    table: dict[str, Any] = {
        "n": moments.n.astype(np.int64),
        "weight": moments.weight / moments.weight.sum(),
    }
    errors = moments.errors() / per_unit
    place = {name: k for k, name in enumerate(state.contract.measures)}
    for name in MEASURES:
        if not soft and name == "entropy":
            zeros = np.zeros(len(moments.n))
            mean, error = zeros, np.where(moments.n > 1, zeros, np.nan)
        else:
            own = place.get(name, place["cross_entropy"])
            mean, error = moments.mean[own] / per_unit, errors[own]
        table[name], table[f"{name}_se"] = mean, error
    return pd.DataFrame(table)


def _terms(
    state: ScanState,
    moments: Moments,
    shifts: Mapping[str, float],
    per_unit: float,
    *,
    soft: bool,
) -> pd.DataFrame:
    """The terms that :meth:`Decomposition.by` has; NaN where they are not known."""
    table: dict[str, Any] = {
        "n": moments.n.astype(np.int64),
        "weight": moments.weight / float(state.whole.weight[0]),
    }
    place = {name: k for k, name in enumerate(state.contract.measures)}
    place["irreducible"] = place.get("entropy", -1)
    errors = moments.errors()
    nothing: FloatArray = np.full(len(moments.n), np.nan)
    for name in names_of_terms(soft=soft):
        mean, error = nothing, nothing
        if name in place:
            mean = moments.mean[place[name]] + shifts.get(name, 0.0)
            error = errors[place[name]]
        if TERMS[name].has_floor:
            floor = shifts.get("floor", 0.0)
            error = np.where(error < floor, floor, error)
        table[name], table[f"{name}_se"] = mean / per_unit, error / per_unit
    return pd.DataFrame(table)


def _noted(table: pd.DataFrame, shifts: Mapping[str, float]) -> pd.DataFrame:
    """Why terms are missing: too few rows, or a pass too few."""
    found = without_few(table)
    if not shifts:
        found["note"] = "terms of the map require a second pass, under the first"
    return found
