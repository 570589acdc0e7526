"""Logging searches: the scores of each candidate on each split."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._calls import public
from .._delivery.deliver import OnError, Parcel, check, deliver
from .._delivery.result import LogResult
from .._items.artifacts import MOST_ROWS, Files
from .._items.items import Items, Point, folder_of, split_by_finiteness
from .._items.keys import names_for_keys
from .._items.tables import table_as_json

MOST_CANDIDATES = 20  # more keys make a run's page unreadable; the table holds all
TABLE = "cv_results.json"
UNIT = "scores"
_SCORE = re.compile(r"split(\d+)_test_(.+)", re.DOTALL)


class _Scores(NamedTuple):
    """Scores by name, of shape (candidates, splits), and the candidates' order."""

    by_name: dict[str, np.ndarray[Any, Any]]
    best: int
    order: list[int]


@public
def log_search(
    search: Any,
    *,
    name: str = "search",
    score: str | None = None,
    run_id: str | None = None,
    on_error: OnError = "spool",
    deadline: float = 10.0,
) -> LogResult:
    """Log a search to an MLflow run: the score of each candidate on each split.

    Autologging keeps the mean of a candidate over the splits. That is not enough to
    say whether the best is better than the next: the splits are the same for all.

    Parameters
    ----------
    search : fitted GridSearchCV, RandomizedSearchCV or the like
        With ``cv_results_``.
    name : str, default "search"
        Part of each key, ``xent/<name>/...``.
    score : str, optional
        The score that says which candidate is best, of several. Default: that of
        ``refit``.
    run_id, on_error, deadline
        As in :func:`log_evaluation`.

    Returns
    -------
    LogResult
        The run's id, and what was logged; ``metrics`` are those without splits.

    Raises
    ------
    LogError
        As in :func:`log_evaluation`.
    TypeError
        If ``search`` is not a fitted search.
    ValueError
        If it is not known which candidate is best, or as in :func:`log_evaluation`.

    Notes
    -----
    The best candidate's scores are ``xent/<name>/best/<score>``, with the number of the
    split as step, and ``best_mean/<score>`` and ``best_std/<score>`` as in
    ``cv_results_``. The 20 best have ``by_candidate/<score>_<number>``, with the same
    steps. The table of all of them, with their parameters, is the artifact
    ``xent/<name>/cv_results.json``, which ``pandas.read_json(..., orient="split")``
    reads. A score that is not finite, as where a fit failed, is there as text, and
    never a metric; ``n_not_finite`` counts them. The tag ``xent/<name>/info`` holds
    the best candidate's parameters, and the scores whose names keys cannot have.

    Examples
    --------
    >>> import mlflow
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from xent_metrics import scorers
    >>> from xent_metrics_mlflow import log_search
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> grid = {"var_smoothing": [1e-9, 1e-3]}
    >>> scoring = scorers.neg_cross_entropy
    >>> search = GridSearchCV(GaussianNB(), grid, cv=3, scoring=scoring).fit(X, y)
    >>> with mlflow.start_run():
    ...     result = log_search(search)
    >>> round(result.metrics["xent/search/best_mean/score"], 2)
    -0.47
    """
    from .. import _client  # noqa: PLC0415 - MLflow is loaded when first used

    check(on_error, deadline)
    results = _results(search)
    scores = _scores(search, results, score)
    table = _table(results)
    return deliver(
        Parcel(
            what=_items(scores, table, folder_of(name, "name")),
            unit=UNIT,
            files=lambda: Files(contents={TABLE: table_as_json(table)}),
            table=TABLE if len(table) <= MOST_ROWS else None,
            name="search",
            of_model=False,
        ),
        _client,
        run_id=run_id,
        on_error=on_error,
        deadline=deadline,
    )


def _results(search: Any) -> dict[str, Any]:
    results = getattr(search, "cv_results_", None)
    if results is None:
        msg = (
            "search must be a fitted one: "
            f"{type(search).__name__} has no cv_results_; call fit, and pass the "
            "GridSearchCV or RandomizedSearchCV itself."
        )
        raise TypeError(msg)
    return dict(results)


def _scores(search: Any, results: dict[str, Any], asked: str | None) -> _Scores:
    columns: dict[str, dict[int, Any]] = {}
    for key, values in results.items():
        if found := _SCORE.fullmatch(key):
            columns.setdefault(found[2], {})[int(found[1])] = values
    by_name = {
        name: np.column_stack([splits[k] for k in sorted(splits)]).astype(float)
        for name, splits in columns.items()
    }
    refit = getattr(search, "refit", None)
    name = asked if asked is not None else refit if isinstance(refit, str) else None
    if name is None and len(by_name) == 1:
        [name] = by_name
    best = getattr(search, "best_index_", None) if asked is None else None
    if name is None and best is not None:
        others = [k for k in range(len(results["params"])) if k != best]
        return _Scores(by_name, int(best), [int(best), *others])
    if name not in by_name:
        msg = (
            "score must say which candidate is best: found "
            f"{name!r} where the search has {', '.join(map(repr, by_name))}; pass one "
            "of these."
        )
        raise ValueError(msg)
    order = np.argsort(results[f"rank_test_{name}"], kind="stable").tolist()
    return _Scores(by_name, order[0] if best is None else int(best), order)


def _table(results: dict[str, Any]) -> pd.DataFrame:
    """One row per candidate, the best first; objects are text."""
    columns = {
        key: pd.Series(values.tolist(), dtype=object)  # None where it has no such
        if isinstance(values, np.ma.MaskedArray)
        else values
        for key, values in results.items()
        if key != "params"
    }
    table = pd.DataFrame({"candidate": range(len(results["params"])), **columns})
    ranks = [key for key in table.columns if key.startswith("rank_test_")]
    first = ["candidate", *ranks, *(key for key in columns if key.startswith("param_"))]
    others = [key for key in table.columns if key not in first]
    ordered = sorted(others, key=lambda key: key.endswith("_time"))
    return table[[*first, *ordered]].sort_values(ranks[0], kind="stable")


def _items(scores: _Scores, table: pd.DataFrame, folder: str) -> Items:
    keys = names_for_keys(scores.by_name)
    points: list[Point] = []
    metrics: dict[str, float] = {}
    left_out: dict[str, float] = {}
    for key, score in keys.items():
        values = scores.by_name[score]
        best = values[scores.best]
        rows = {f"{folder}/best/{key}": best}
        for kind, value in (("mean", best.mean()), ("std", best.std())):
            into = metrics if math.isfinite(value) else left_out
            into[f"{folder}/best_{kind}/{key}"] = float(value)
        for candidate in scores.order[:MOST_CANDIDATES]:
            rows[f"{folder}/by_candidate/{key}_{candidate}"] = values[candidate]
        for one, row in rows.items():
            steps, missing = split_by_finiteness(one, row.tolist())
            points += steps
            left_out |= missing
    counts = {
        "best_candidate": scores.best,
        "n_candidates": len(table),
        "n_splits": max(values.shape[1] for values in scores.by_name.values()),
        "n_not_finite": sum(
            int((~np.isfinite(values)).sum()) for values in scores.by_name.values()
        ),
    }
    metrics |= {f"{folder}/{name}": float(value) for name, value in counts.items()}
    return Items(
        folder=folder,
        unit=UNIT,
        metrics=metrics,
        settings={
            "best_params": _best_parameters(table, scores.best),
            "scores": keys,
        },
        left_out=left_out,
        points=tuple(points),
    )


def _best_parameters(table: pd.DataFrame, best: int) -> dict[str, str]:
    [row] = table[table["candidate"] == best].to_dict("records")
    return {
        name.removeprefix("param_"): str(value)
        for name, value in zip(map(str, row), row.values(), strict=True)
        if name.startswith("param_") and value is not None
    }
