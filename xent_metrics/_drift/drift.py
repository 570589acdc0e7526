"""What moved between two sets of different rows, term by term."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from .._calls import form
from .._decomposition.result import Decomposition
from .._display.result import two_sided
from .._evaluation.comparison import Difference
from .._inputs.groups import Keys
from .._inputs.labels import show
from .._inputs.read_options import nats_per_unit
from .._kernels.table import FloatArray
from .._pickling import public
from .._recalibration.one_thread import one_thread
from .._recalibration.select import NAMES
from .._scan.sides import Side, map_of, read_side
from .._terms import TERMS
from .cause import CauseTests, cause_of
from .current import current_rows, split_of
from .groups import table_of_classes, table_of_groups, table_of_scanned_groups
from .keys import keys_of_sides
from .prior_shift import ConceptTests, test_shift
from .result import Drift
from .same_rows import refuse_same_rows
from .scanned import is_under
from .split import CurrentRows

_MOST_CLASSES = 50  # of which the shift of each is fitted
_PAIR = 2
_CLEAR = 0.01  # p-value


@public
@form("drift(reference, current)")
def drift(
    reference: Any, current: Any, *, by: Any = None, level: float = 0.95
) -> Drift:
    """Say what moved between two sets of different rows.

    Parameters
    ----------
    reference : Evaluation, Decomposition, ScanState, or JSON of an evaluation
        Labelled rows of before, such as those that a model was accepted on.
    current : Evaluation, Decomposition, or ScanState
        Labelled rows of now: of the same model, or of another one. Rows that were
        scanned with ``reference=`` of :func:`scan` or :func:`accumulate` tell ``mix``
        from ``concept`` by all of them; without it, by the random sample that a state
        keeps.
    by : column name, pd.Grouper, function, list of such, or pair of values, optional
        Groups whose part in the change is shown. A name is that of a column of both
        frames; arrays come as a pair ``(of_reference, of_current)``. Of rows that were
        scanned, columns of the ``by`` that they were scanned with.
    level : float, default 0.95
        The level of the intervals, in (0, 1).

    Returns
    -------
    Drift
        The difference of each term; that of the cross-entropy split into ``mix``
        (other predictions are made) and ``concept`` (labels behave otherwise under the
        same prediction), and into parts by class and by group; and the cause that
        shows, if one does.

    Raises
    ------
    KeyError
        If a frame has no column of that name.
    TypeError
        If one of the sets is none, or ``by`` is values of one set only.
    ValueError
        If both sets hold the same rows, which :func:`compare` pairs; if their classes
        or their ``clip`` differ; if the reference has no recalibration map; or if each
        fold of a cross-validation has a model of its own; or if the current rows are
        gone without a state, or ``by`` is asked of one without this reference.

    Notes
    -----
    Under the reference's recalibration map c, a prediction q is expected to cost
    -sum_k c_k(q) log q_k. With E the mean of that over the current rows, mix is
    E - CE of the reference and concept is CE of the current rows - E: they sum to the
    difference whatever the map. Both share the error of the map, and are correlated.
    The map is the most flexible one that the rows bear, also where a simpler one was
    chosen for the terms: one that cannot bend would take a shift of the predictions
    for a concept.

    Terms of the recalibration map are compared under one map where the data is there.
    Rows are taken as independent between the sets, and within each but for its
    ``groups``. The sets are refused where they have the same targets in the same order,
    or most rows in common; a smaller part in common is not found.

    Where the labels' change is a shift of the logits, which is tested, it is a *prior
    shift* (other classes are frequent, each as before) only if that shift is, within
    its error, the change of the log class frequencies, and the predictions moved with
    it; else a *constant shift*: an intercept that is off looks the same in the cost.
    These tests are for large sets: with fewer than about 300 current rows a cause is
    named too often where there is none (of 20 to 100 rows, in one set of six).

    References
    ----------
    Moreno-Torres, J. G., Raeder, T., Alaiz-Rodríguez, R., Chawla, N. V. & Herrera, F.
    (2012). A unifying view on dataset shift in classification. Pattern Recognition 45,
    521-530. doi:10.1016/j.patcog.2011.06.019

    Saerens, M., Latinne, P. & Decaestecker, C. (2002). Adjusting the outputs of a
    classifier to new a priori probabilities. Neural Computation 14, 21-41.
    doi:10.1162/089976602753284446

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import Evaluation, drift
    >>> rng = np.random.default_rng(0)
    >>> def month(slope):
    ...     logit = rng.normal(0.5, 1.5, size=4000)
    ...     y = rng.uniform(size=4000) < 1 / (1 + np.exp(-slope * logit))
    ...     return Evaluation.from_predictions(y, 1 / (1 + np.exp(-logit)))
    >>> result = drift(month(slope=1.0), month(slope=0.5))
    >>> result.cause
    'concept change'
    >>> round(result.concept.difference, 2), result.mix.pvalue > 0.05
    (0.17, True)
    """
    z = two_sided(level)
    before, now = read_side(reference, "reference"), read_side(current, "current")
    _check(before, now)
    refuse_same_rows(before, now)
    of_reference = map_of(before)
    per_unit = nats_per_unit(before.decomposition.base)
    with one_thread():
        rows = current_rows(of_reference, now)
        parts = split_of(rows, now)
        tests = None
        if len(of_reference.labels) <= _MOST_CLASSES:
            tests = test_shift(rows)
        by_class = table_of_classes(rows, tests, per_unit)
        by_group = None
        if by is not None:
            by_group = _by_group(by, before, now, rows, per_unit)
    mix, concept, expected = (
        difference(value / per_unit, _root(variance) / per_unit, z)
        for value, variance in zip(parts.means, np.diag(parts.covariance), strict=True)
    )
    pvalues = _pvalues(tests)
    alike = _alike(before, now)
    return Drift(
        cause=cause_of(CauseTests(mix.pvalue, concept.pvalue, *pvalues.values())),
        mix=mix,
        concept=concept,
        correlation=_correlation(parts.covariance),
        differences=_differences(*alike, z),
        reference=alike[0],
        current=alike[1],
        expected_loss=expected.difference,
        expected_loss_error=expected.standard_error,
        by_class=by_class,
        by_group=by_group,
        pvalues=pvalues,
        share_explained=_share_explained(tests, rows, concept, per_unit),
        share_outside=parts.share_outside,
        n_sampled=parts.n_sampled,
        recalibration=of_reference.name,
        level=level,
    )


def difference(value: float, error: float, z: float) -> Difference:
    """A difference with its interval and the p-value of "nothing differs"."""
    value = float(value)
    if not math.isfinite(value):
        error = math.nan
    pvalue = math.nan
    if error > 0:
        pvalue = math.erfc(abs(value) / error / math.sqrt(2.0))
    return Difference(value, error, value - z * error, value + z * error, pvalue)


def _check(before: Side, now: Side) -> None:
    """Refuse sets of other classes, or whose zeros cost otherwise."""
    first, second = before.evidence, now.evidence
    if set(first.labels) != set(second.labels):
        msg = (
            "reference and current must have the same classes: found "
            f"{show(first.labels)} and {show(second.labels)}; pass labels= to both."
        )
        raise ValueError(msg)
    if first.clip != second.clip:
        msg = (
            f"reference and current must have the same clip: found {first.clip:g} and "
            f"{second.clip:g}; evaluate both with one."
        )
        raise ValueError(msg)


def _alike(before: Side, now: Side) -> tuple[Decomposition, Decomposition]:
    """Both under one map, where their rows are there: the richer of the two."""
    sides = before.decomposition, now.decomposition
    if sides[0].recalibration == sides[1].recalibration:
        return sides
    data = before.data, now.data
    if any(one is None or one.after is None for one in data):
        return sides
    if sides[0].n_classes == _PAIR:
        name = "spline"
    else:
        name = max((one.degrees_of_freedom, one.recalibration) for one in sides)[1]
    if name not in NAMES:
        return sides
    found = [
        one
        if one.recalibration == name or data_of is None
        else data_of.again(data_of.inputs, recalibration=name)[0]
        for one, data_of in zip(sides, data, strict=True)
    ]
    return found[0], found[1]


def _differences(
    before: Decomposition, now: Decomposition, z: float
) -> dict[str, Difference]:
    """Of all terms, current minus reference, in the unit of the reference."""
    scale = nats_per_unit(now.base) / nats_per_unit(before.base)
    found = {}
    for name, term in TERMS.items():
        own = scale if term.has_unit else 1.0
        change = now.terms[name] * own - before.terms[name]
        error = math.hypot(
            now.standard_errors[name] * own, before.standard_errors[name]
        )
        found[name] = difference(change, error, z)
    return found


def _by_group(
    by: Any, before: Side, now: Side, rows: CurrentRows, per_unit: float
) -> pd.DataFrame:
    if now.state is not None and not is_under(rows.reference, now.state):
        msg = (
            "by needs the current rows, or a state that was accumulated with this "
            f"reference: found one with {now.state.contract.reference or 'none'}; pass "
            "reference= to accumulate or scan, beside by=."
        )
        raise ValueError(msg)
    of_before, of_now = keys_of_sides(by, before, now)
    assert of_now is not None, "the current rows are there"
    pair = None if of_before is None else (before, of_before)
    if now.state is not None:
        return table_of_scanned_groups(
            rows.reference, now.state, of_now, pair, per_unit
        )
    data = now.evidence.need("drift")
    keys = Keys(data.inputs.counted(of_now.codes), of_now.groups)
    return table_of_groups(rows, keys, pair, per_unit)


def _pvalues(tests: ConceptTests | None) -> dict[str, float]:
    values = [math.nan] * 4
    if tests is not None:
        values = [tests.none, tests.beyond, tests.prior, tests.moved]
    names = ("no shift", "nothing beyond the shift", "prior shift", "same predictions")
    return dict(zip(names, values, strict=True))


def _share_explained(
    tests: ConceptTests | None,
    rows: CurrentRows,
    concept: Difference,
    per_unit: float,
) -> float:
    """The part of a clear concept that a shift of the logits explains."""
    if tests is None or not concept.pvalue < _CLEAR:
        return math.nan
    shifted = tests.cost - float(rows.expected().means[0])
    return shifted / per_unit / concept.difference


def _correlation(covariance: FloatArray) -> float:
    scale = _root(covariance[0, 0]) * _root(covariance[1, 1])
    return float(covariance[0, 1]) / scale if scale else math.nan


def _root(variance: float) -> float:
    return math.sqrt(variance) if variance > 0 else 0.0 * float(variance)
