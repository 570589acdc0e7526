"""The bound of what features could still win: from rows to the result."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from .._kernels.sums import standard_error, weighted_mean
from .._kernels.table import FloatArray
from .._recalibration.fitted_map import Recalibrate
from .bound import Predicted, measure_bound
from .columns import Features
from .learner import check_learner
from .result import ReducibleLoss

FEWEST_ROWS, _FEWEST_GROUPS = 50, 10
_PATIENCE = 2.0  # seconds before progress is shown
_FITS = 5  # of a learner: one for each fold

Progress = bool | Callable[[int, int], Any] | None


class Refined(NamedTuple):
    """What a decomposition knows of the rows: in nats, and how to show it.

    ``recalibrate`` is None where each fold has a map of its own.
    """

    cross_entropies: FloatArray
    refinement: float
    recalibrate: Recalibrate | None
    recalibration: str
    per_unit: float
    unit: str
    row_index: pd.Index[Any]


def reducible(
    rows: Predicted,
    features: Features,
    refined: Refined,
    *,
    learner: Any,
    random_state: Any,
    progress: Progress,
) -> ReducibleLoss:
    """Measure the bound, and state it in the unit of the decomposition."""
    seed = _seed(random_state)
    if learner is not None:
        check_learner(learner)
    n_groups = None if rows.clusters is None else len(np.unique(rows.clusters))
    _check_size(rows, n_groups)
    with _Told(progress, _FITS * (2 if learner is None else 3)) as told:
        bound = measure_bound(
            rows,
            features,
            recalibrate=refined.recalibrate,
            learner=learner,
            seed=seed,
            tell=told.step,
        )
    costs = refined.cross_entropies
    cross_entropy = weighted_mean(costs, rows.weights)
    entropy = refined.refinement - bound.missed - bound.gain
    if not bound.of_the_map:
        entropy = bound.cost
    terms = {
        "cross_entropy": cross_entropy,
        "miscalibration": cross_entropy - refined.refinement,
        "missed_miscalibration": refined.refinement - bound.gain - entropy,
        "grouping_loss_at_least": bound.gain,
        "kl_divergence_at_least": cross_entropy - entropy,
        "entropy_at_most": entropy,
    }
    floor = math.sqrt(bound.cost_variance)

    def error(values: FloatArray) -> float:
        return standard_error(values, rows.weights, rows.clusters)

    errors = {
        "grouping_loss_at_least": bound.gain_error,
        "kl_divergence_at_least": max(error(costs - bound.with_features), floor),
        "entropy_at_most": max(error(bound.with_features), floor),
    }
    unit = refined.per_unit
    per_row = pd.DataFrame(
        {
            "cross_entropy": costs / unit,
            "recalibrated": bound.base / unit,
            "with_features": bound.with_features / unit,
            "gain": (bound.base - bound.with_features) / unit,
        },
        index=refined.row_index,
    )
    importances = pd.Series(
        bound.importances / unit,
        index=pd.Index(list(features.names), name="feature", tupleize_cols=False),
        name="importance",
    )
    clusters = rows.clusters if rows.clusters is not None else np.arange(len(costs))
    return ReducibleLoss(
        **{name: value / unit for name, value in terms.items()},
        standard_errors={name: value / unit for name, value in errors.items()},
        n=len(costs),
        n_classes=len(rows.target),
        n_groups=n_groups,
        unit=refined.unit,
        learner=_name(learner),
        recalibration=refined.recalibration,
        per_row=per_row,
        importances=importances,
        _features=dataclasses.replace(features, given=None),
        _rows=pd.DataFrame({"weight": rows.weights, "group": clusters}),
    )


def _name(learner: Any) -> str:
    if learner is None:
        return "HistGradientBoostingClassifier"
    return type(learner).__name__


def _seed(random_state: Any) -> int:
    """A whole number: the folds, and the order in which values are permuted."""
    whole = isinstance(random_state, numbers.Integral)
    if not whole or isinstance(random_state, bool) or random_state < 0:
        msg = (
            "random_state must be a whole number of 0 or more: found "
            f"{random_state!r}; pass 0."
        )
        raise ValueError(msg)
    return int(random_state)


def _check_size(rows: Predicted, n_groups: int | None) -> None:
    """Refuse rows that are too few to learn from."""
    n = rows.target.shape[1]
    if n < FEWEST_ROWS:
        msg = (
            f"reducible requires {FEWEST_ROWS} rows or more: found {n} of positive "
            "weight; evaluate more rows."
        )
        raise ValueError(msg)
    if n_groups is not None and n_groups < _FEWEST_GROUPS:
        msg = (
            f"reducible requires {_FEWEST_GROUPS} groups or more, as folds keep them "
            f"whole: found {n_groups}; pass finer groups."
        )
        raise ValueError(msg)
    if np.count_nonzero(rows.target.any(axis=1)) < 2:  # noqa: PLR2004
        msg = (
            "reducible requires labels of two classes or more: y_true holds one; "
            "evaluate rows of several."
        )
        raise ValueError(msg)


class _Told:
    """Progress of the fits: as a bar, or to a function."""

    def __init__(self, progress: Progress, n: int) -> None:
        self._progress, self._n, self._done, self._bar = progress, n, 0, None

    def __enter__(self) -> Self:
        if not callable(self._progress):
            from tqdm import tqdm  # noqa: PLC0415 - loaded when used

            self._bar = tqdm(
                total=self._n,
                desc="fitting learners",
                unit="fit",
                delay=0.0 if self._progress else _PATIENCE,
                disable=None if self._progress is None else not self._progress,
                leave=False,
            )
        return self

    def step(self) -> None:
        """One more fit is done."""
        self._done += 1
        if callable(self._progress):
            self._progress(self._done, self._n)
        elif self._bar is not None:
            self._bar.update()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
