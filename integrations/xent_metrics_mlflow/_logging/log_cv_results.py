"""Logging cross-validations: the whole, and each fold as a step."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xent_metrics import Evaluation, without_listeners

from .._calls import public
from .._delivery.deliver import OnError, check, deliver
from .._delivery.result import LogResult
from .._items.items import (
    Child,
    Items,
    Point,
    implied_by,
    items,
    split_by_finiteness,
)
from .._items.layout import SUFFIX, errors_that_tell, grouped
from .log_evaluation import parcel_of

if TYPE_CHECKING:
    import pandas as pd

_NOT_NUMBERS = ("weight", "recalibration", "degrees_of_freedom", "note")


@public
def log_cv_results(
    cv_results: Any,
    X: Any = None,  # noqa: N803 - scikit-learn's name
    y: Any = None,
    *,
    split: str = "cv",
    run_id: str | None = None,
    child_runs: bool = False,
    model_id: str | None = None,
    dataset: Any = None,
    per_sample: bool = True,
    page: bool = True,
    on_error: OnError = "spool",
    deadline: float = 10.0,
    **options: Any,
) -> LogResult:
    """Log a cross-validation to an MLflow run: the whole, and each fold as a step.

    The whole is logged as :func:`log_evaluation` does it. Beside it each term of a
    fold is a metric ``xent/<split>/by_fold/<term>`` whose step is the number of the
    fold, with its standard error as ``by_fold/se/<term>``; ``fold_std/<term>`` is the
    standard deviation over folds.

    Parameters
    ----------
    cv_results : dict or Evaluation
        What ``cross_validate(..., return_estimator=True, return_indices=True)``
        returned; or an evaluation with folds.
    X : array-like or DataFrame of N rows, optional
        What ``cross_validate`` was called with; None beside an evaluation.
    y : array-like of shape (N,) or (N, K), optional
        As in :meth:`xent_metrics.Evaluation.from_cv_results`; None beside an
        evaluation.
    split : str, default "cv"
        Part of each key, as in :func:`log_evaluation`.
    run_id, model_id, dataset, per_sample, page, on_error, deadline
        As in :func:`log_evaluation`.
    child_runs : bool, default False
        Whether each fold has a run of its own too, below this one, with its terms as
        ``xent/<split>/<term>``.
    **options
        Further options of :meth:`xent_metrics.Evaluation.from_cv_results`.

    Returns
    -------
    LogResult
        The run's id, and what was logged; ``metrics`` are those without folds.

    Raises
    ------
    LogError
        As in :func:`log_evaluation`.
    TypeError
        If the estimators have no ``predict_proba``.
    ValueError
        If an evaluation has no folds, or comes with data or options; or as in
        :meth:`xent_metrics.Evaluation.from_cv_results` and :func:`log_evaluation`.

    Notes
    -----
    ``xent/<split>/<term>`` is an average over folds by their weight, with a standard
    error; ``fold_std`` divides by the number of folds, as scikit-learn and numpy do
    it. A term that is not finite in a fold has no step there and no standard deviation;
    ``non_finite`` in the tag ``xent/<split>/info`` says where, and ``folds`` there
    names the folds.

    Examples
    --------
    >>> import mlflow
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from xent_metrics_mlflow import log_cv_results
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> results = cross_validate(
    ...     GaussianNB(), X, y, cv=2, return_estimator=True, return_indices=True
    ... )
    >>> key = "xent/cv/by_fold/miscalibration"
    >>> with mlflow.start_run() as run:
    ...     result = log_cv_results(results, X, y, page=False)
    ...     steps = mlflow.MlflowClient().get_metric_history(run.info.run_id, key)
    >>> [(metric.step, round(metric.value, 1)) for metric in steps]
    [(0, 0.9), (1, 0.2)]
    """
    from .. import _client  # noqa: PLC0415 - MLflow is loaded when first used

    check(on_error, deadline)
    name, described = _client.describe(dataset)
    evaluation = _evaluation(cv_results, X, y, options)
    assert evaluation.folds is not None
    what = items(evaluation, split, dataset=name)
    table = _numbers(evaluation.folds, implied_by(evaluation.decomposition))
    what = with_folds(what, table, child_runs=child_runs)
    return deliver(
        parcel_of(evaluation, split, what, per_sample=per_sample, page=page),
        _client,
        run_id=run_id,
        model_id=model_id,
        dataset=described,
        on_error=on_error,
        deadline=deadline,
    )


def _evaluation(cv_results: Any, data: Any, target: Any, options: Any) -> Evaluation:
    if not isinstance(cv_results, Evaluation):
        with without_listeners():  # autolog would log it once more
            return Evaluation.from_cv_results(cv_results, data, target, **options)
    if data is not None or target is not None or options:
        beside = ["X, y"] if data is not None or target is not None else []
        found = ", ".join([*beside, *options])
        msg = (
            f"an evaluation must come without data and options: found {found}; leave "
            "these out, or pass what cross_validate returned."
        )
        raise ValueError(msg)
    if cv_results.folds is None:
        msg = (
            "the evaluation must have folds: one model predicted all its rows; make it "
            "with Evaluation.from_cv_results, or call log_evaluation."
        )
        raise ValueError(msg)
    return cv_results


def _numbers(folds: pd.DataFrame, implied: Mapping[str, str | None]) -> pd.DataFrame:
    """The columns that are numbers, without errors that say nothing."""
    table = folds.drop(columns=list(_NOT_NUMBERS), errors="ignore").astype(float)
    errors = {
        name.removesuffix(SUFFIX): table[name]
        for name in table.columns
        if name.endswith(SUFFIX)
    }
    telling = errors_that_tell(errors, implied)
    return table.drop(columns=[f"{term}{SUFFIX}" for term in errors.keys() - telling])


def with_folds(what: Items, table: pd.DataFrame, *, child_runs: bool) -> Items:
    """Add to the items of the whole those of each fold."""
    points: list[Point] = []
    metrics, left_out = dict(what.metrics), dict(what.left_out)
    for term in table.columns:
        key = f"{what.folder}/by_fold/{grouped(term)}"
        steps, missing = split_by_finiteness(key, table[term].tolist())
        points += steps
        left_out |= missing
        if not (missing or term == "n" or term.endswith(SUFFIX)):
            metrics[f"{what.folder}/fold_std/{term}"] = float(table[term].std(ddof=0))
    return dataclasses.replace(
        what,
        metrics=metrics,
        settings={**what.settings, "folds": list(map(str, table.index))},
        left_out=left_out,
        points=tuple(points),
        children=_children(what, table) if child_runs else (),
    )


def _children(what: Items, table: pd.DataFrame) -> tuple[Child, ...]:
    """What the run of each fold holds; no schema tag, as it is a part of a split."""
    split = what.folder.rpartition("/")[2]
    return tuple(
        {
            "name": f"{split} fold {fold}",
            "metrics": {
                f"{what.folder}/{grouped(term)}": value
                for term, value in zip(table.columns, row, strict=True)
                if math.isfinite(value)
            },
            "tags": {
                f"{what.folder}/fold": str(fold),
                f"{what.folder}/unit": what.unit,
            },
        }
        for fold, row in zip(table.index, table.to_numpy().tolist(), strict=True)
    )
