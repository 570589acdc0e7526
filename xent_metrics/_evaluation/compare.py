"""Compare models on the same rows, term by term."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._calls import form
from .._decomposition.evidence import Data, evidence_of
from .._decomposition.folds import Folds
from .._decomposition.recalibration import Recalibration
from .._decomposition.result import Decomposition
from .._decomposition.row_terms import RowTerms
from .._display.result import counted, two_sided
from .._inputs.inputs import Inputs, read
from .._inputs.read_options import EPS, ReadOptions, TargetType, nats_per_unit
from .._kernels.table import BoolArray, FloatArray
from .._pickling import public
from .._terms import TERMS
from .comparison import Comparison, Difference
from .evaluation import Evaluation
from .one_map import Side, decompose_alike

_TOLERANCE = 1e-9


def check_same_targets(first: Inputs, second: Inputs, names: tuple[str, str]) -> None:
    """Refuse other rows, targets or weights; the order of classes is free."""
    n = first.proba.n_rows, second.proba.n_rows
    if n[0] != n[1]:
        msg = (
            f"models must be evaluated on the same rows: {names[0]!r} has {n[0]}, "
            f"{names[1]!r} has {n[1]}; evaluate both on one test set."
        )
        raise ValueError(msg)
    weights = [_weights(one) for one in (first, second)]
    _refuse(np.abs(weights[0] - weights[1]) > _TOLERANCE, "weights", names)
    _refuse(_other_targets(first, second) & (weights[0] > 0), "targets", names)


def _weights(inputs: Inputs) -> FloatArray:
    """Weights on a scale of their own; that of the user is free."""
    if inputs.weights is None:
        return np.ones(inputs.proba.n_rows)
    return np.asarray(inputs.weights / inputs.weights.max())


def _other_targets(first: Inputs, second: Inputs) -> BoolArray:
    """Rows whose targets differ."""
    if (first.codes is None) != (second.codes is None):
        return np.ones(first.proba.n_rows, dtype=np.bool_)
    if first.codes is not None and second.codes is not None:
        labels = (*first.labels, *first.unseen)
        place = {label: code for code, label in enumerate(labels)}
        others = (*second.labels, *second.unseen)
        known = np.array([place.get(label, -1) for label in others])
        return np.asarray(known[second.codes] != first.codes)
    if set(first.labels) != set(second.labels):
        return np.ones(first.proba.n_rows, dtype=np.bool_)
    order = [second.labels.index(label) for label in first.labels]
    # A row that breaks a rule is named by the measures, in their own words.
    p, q = first.target_table(), second.target_table()[order]
    return np.asarray((np.abs(p - q) > _TOLERANCE).any(axis=0))


def _refuse(differ: BoolArray, what: str, names: tuple[str, str]) -> None:
    rows = np.flatnonzero(differ)
    if rows.size:
        shown = ", ".join(map(str, rows[:5])) + (", ..." if rows.size > 5 else "")  # noqa: PLR2004
        msg = (
            f"models must be evaluated on the same {what}: {names[0]!r} and "
            f"{names[1]!r} differ in {counted(rows.size, 'row')} ({shown}); evaluate "
            "both on one test set, in one order."
        )
        raise ValueError(msg)


@public
@form("compare({'a': first, 'b': second})")
def compare(
    models: Mapping[str, Any],
    *,
    baseline: str | None = None,
    labels: Iterable[Any] | None = None,
    target_type: TargetType = "auto",
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    base: float | None = None,
    clip: float = EPS,
    recalibration: Recalibration = "auto",
    level: float = 0.95,
) -> Comparison:
    """Compare models on the same rows, term by term.

    Parameters
    ----------
    models : mapping of str to Evaluation, Decomposition or (y_true, y_proba)
        The models by name. Evaluations are decomposed again, with the options given
        here, as differences of terms require one map for all; those of a
        cross-validation with one for each fold.
    baseline : str, optional
        The model that the others are compared with. Default: the first.
    labels, target_type, sample_weight
        As in :func:`cross_entropy`, for models given as arrays.
    groups : array-like of shape (N,), optional
        The group of each row, as in :func:`decompose`. Default: that of the baseline.
    base, clip
        As in :func:`cross_entropy`.
    recalibration : str or object, default "auto"
        The map of every model, as in :func:`decompose`. "auto": the spline for two
        classes; for more, the richest map, by its degrees of freedom, that
        :func:`decompose` chooses for any of the models.
    level : float, default 0.95
        The level of the confidence intervals.

    Returns
    -------
    Comparison
        The models from the smallest cross-entropy to the largest, with the paired
        difference of each term, its standard error, interval and p-value.

    Raises
    ------
    TypeError
        If ``models`` is no mapping, or a name is not text.
    ValueError
        If targets or weights differ, saying in which rows; or as in
        :func:`decompose`.

    See Also
    --------
    decompose : The terms of one model.
    drift : The same model on different rows.
    plotting.models : A picture of the models.

    Notes
    -----
    The difference of two means over the same rows is the mean of the rows'
    differences, and its standard error is theirs: far smaller than the two models'
    own where they find the same rows hard. The p-value is two-sided, of a normal
    distribution. A map poorer than the models need, such as one temperature where
    class frequencies are off, shows miscalibration as a loss of resolution.

    Examples
    --------
    >>> from xent_metrics import compare
    >>> y = [0, 1, 1, 0] * 100
    >>> sharp, dull = [0.2, 0.7, 0.9, 0.4] * 100, [0.4, 0.6, 0.6, 0.5] * 100
    >>> comparison = compare({"dull": (y, dull), "sharp": (y, sharp)})
    >>> comparison.differences["sharp"]["cross_entropy"].pvalue < 0.001
    True
    """
    baseline = _check(models, baseline, level)
    folds = {name: _folds_of(model) for name, model in models.items()}
    for name, theirs in folds.items():
        _check_same_rows(folds[baseline], theirs, (baseline, name))
    options = ReadOptions(
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        groups=_groups_of(models[baseline]) if groups is None else groups,
        base=base,
        clip=clip,
    )
    inputs = {name: _inputs_of(model, options) for name, model in models.items()}
    for name, other in inputs.items():
        check_same_targets(inputs[baseline], other, (baseline, name))
    sides = {
        name: Side(one, folds[name], _known(models[name]))
        for name, one in inputs.items()
    }
    results, own = decompose_alike(sides, options, recalibration)
    ranked = dict(sorted(results.items(), key=lambda item: item[1].cross_entropy))
    return Comparison(
        baseline=baseline,
        decompositions=ranked,
        differences={
            name: _differences(result, results[baseline], level)
            for name, result in ranked.items()
        },
        level=level,
        own_recalibrations={name: own[name] for name in ranked if name in own},
    )


def _check(models: Mapping[str, Any], baseline: str | None, level: float) -> str:
    if not isinstance(models, Mapping):
        msg = (
            "models must be a mapping from name to model: found "
            f"{type(models).__name__}; pass {{name: evaluation}}."
        )
        raise TypeError(msg)
    if not models:
        msg = "models must not be empty: found none; pass {name: (y_true, y_proba)}."
        raise ValueError(msg)
    for name in models:
        if not isinstance(name, str):
            msg = (
                f"models must have names that are text: found {name!r}; pass "
                f"{{{str(name)!r}: evaluation}}."
            )
            raise TypeError(msg)
    baseline = next(iter(models)) if baseline is None else baseline
    if baseline not in list(models):
        msg = (
            f"baseline must be one of the models, {', '.join(map(repr, models))}: "
            f"found {baseline!r}; pass one of these names."
        )
        raise ValueError(msg)
    two_sided(level)
    return baseline


def _inputs_of(model: Any, options: ReadOptions) -> Inputs:
    if isinstance(model, Inputs):
        return model
    data = _data_of(model)
    if data is not None:
        return data.inputs
    if not isinstance(model, tuple) or len(model) != 2:  # noqa: PLR2004
        msg = (
            "models must be evaluations or pairs (y_true, y_proba): found "
            f"{type(model).__name__}; pass Evaluation.from_estimator(estimator, X, y)."
        )
        raise ValueError(msg)
    return read(*model, options)


def _groups_of(model: Any) -> Any:
    data = _data_of(model)
    return None if data is None else data.clusters


def _folds_of(model: Any) -> Folds | None:
    data = _data_of(model)
    return None if data is None else data.folds


def _known(model: Any) -> Decomposition | None:
    """The decomposition of an evaluation."""
    if isinstance(model, Evaluation):
        model = model.decomposition
    return model if isinstance(model, Decomposition) else None


def _data_of(model: Any) -> Data | None:
    known = _known(model)
    return None if known is None else evidence_of(known).need("compare")


def _check_same_rows(
    first: Folds | None, second: Folds | None, names: tuple[str, str]
) -> None:
    """Refuse folds that tested other rows of the data, or each another time."""
    if first is None or second is None:
        return
    if not np.array_equal(first.rows, second.rows):
        msg = (
            f"models must be evaluated on the same rows: the folds of {names[0]!r} and "
            f"{names[1]!r} test different ones; pass one cv with a fixed random_state "
            "to both."
        )
        raise ValueError(msg)


def _differences(
    model: Decomposition, baseline: Decomposition, level: float
) -> dict[str, Difference]:
    """Paired differences of all terms."""
    ours, theirs = (evidence_of(one).need("compare") for one in (model, baseline))
    per_unit = nats_per_unit(model.base)
    floor = 0.0
    for data in (ours, theirs):
        if data.correction is not None:
            floor += data.correction.variance
    influences = (_influences(ours.rows, model), _influences(theirs.rows, baseline))
    z = two_sided(level)
    differences = {}
    for name in TERMS:
        change = model.terms[name] - baseline.terms[name]
        with np.errstate(invalid="ignore"):  # of rows that both deem impossible
            apart = influences[0][name] - influences[1][name]
        error = ours.rows.standard_error(apart)
        # Refinements have one too: models may be alike once both are recalibrated.
        if model is not baseline and TERMS[name].needs_map:
            error = max(error, math.sqrt(floor))
        error = math.nan if math.isnan(change) else error
        error /= 1.0 if name == "skill" else per_unit
        low, high = change - z * error, change + z * error
        differences[name] = Difference(change, error, low, high, _pvalue(change, error))
    return differences


def _influences(rows: RowTerms, result: Decomposition) -> dict[str, Any]:
    per_unit = nats_per_unit(result.base)
    return rows.influences(
        result.cross_entropy * per_unit, result.uncertainty * per_unit
    )


def _pvalue(change: float, error: float) -> float:
    """Two-sided, of a normal distribution; 1 where nothing differs."""
    if change == 0:
        return 1.0
    if math.isnan(change) or not error > 0:
        return math.nan
    return math.erfc(abs(change) / error / math.sqrt(2.0))
