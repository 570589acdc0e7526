"""Boosted trees that predict rows which they did not see."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._kernels.table import BoolArray, FloatArray, IntArray
from .._pickling import pickled

_LEARNING_RATE = 0.1
_TREES, _LEAST_STEPS, _MOST_STEPS = 400, 30, 150
_ROWS_A_STEP = 20  # fewer rows are overfitted long before so many steps
_LEAVES, _LEAST_LEAF = 8, 20
_STAGE = 5  # steps of boosting between two looks
_BINS = 128  # of a column of numbers

# The class probabilities, of shape (classes, rows), of rows of a table of features.
Predict = Callable[[Any], FloatArray]


class Rows(NamedTuple):
    """What a learner is fitted to: its target distributions are (classes, rows)."""

    target: FloatArray
    weights: FloatArray
    folds: IntArray

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.target)

    def inside(self) -> Iterator[tuple[IntArray, IntArray]]:
        """The rows outside each fold, and those inside."""
        for fold in range(int(self.folds.max()) + 1):
            outside = np.flatnonzero(self.folds != fold)
            yield outside, np.flatnonzero(self.folds == fold)


@pickled
class Smoothing(NamedTuple):
    """All classes with a positive probability: as after one more row of frequencies.

    Some learners predict 0, and a class may be absent from the rows that one saw.
    ``least`` is what that row adds to each class, ``share`` what the others have.
    """

    least: FloatArray
    share: float

    def of(self, found: FloatArray, classes: Any) -> FloatArray:
        """What a model found, of shape (rows, classes), as (classes, rows)."""
        out = np.repeat(self.least[:, np.newaxis], len(found), axis=1)
        out[np.asarray(classes, dtype=np.int64)] += found.T * self.share
        return np.asarray(out / out.sum(axis=0))


class CrossFitted(NamedTuple):
    """Log-probabilities of rows out of their folds, and what predicts each fold."""

    log_g: FloatArray
    predict: Sequence[Predict]


@pickled
@dataclass(frozen=True, eq=False)
class Boosted:
    """Boosted trees after some stages of their steps, as a function of a table."""

    model: Any
    stage: int
    smoothing: Smoothing

    def __call__(self, table: FloatArray) -> FloatArray:
        """The class probabilities of rows of a table of features: (classes, rows)."""
        found = next(itertools.islice(_stages(self.model, table), self.stage, None))
        return self.smoothing.of(found, self.model.classes_)


@contextmanager
def one_thread_of_trees() -> Iterator[None]:
    """Trees on one thread: several change sums by rounding, and are seldom faster."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - when needed

    with threadpool_limits(limits=1, user_api="openmp"):
        yield


def binned(table: FloatArray, is_category: BoolArray) -> FloatArray:
    """The table with numbers cut at quantiles, once for all folds; NaN stays.

    Quantiles of features tell nothing of labels, so that no fold learns of another.
    """
    out = table.copy()
    for at in np.flatnonzero(~is_category):
        known = np.flatnonzero(~np.isnan(table[:, at]))
        values = np.sort(table[known, at])
        if len(np.unique(values)) > _BINS:
            places = np.arange(1, _BINS) * len(values) // _BINS
            edges = np.unique(values[places])
            out[known, at] = np.searchsorted(edges, table[known, at], side="right")
    return out


def boosted(
    table: FloatArray,
    is_category: BoolArray,
    rows: Rows,
    tell: Callable[[], None],
) -> CrossFitted:
    """Boosted trees, with as many steps in each fold as are best in the others.

    ``table`` has shape (rows, features). That all folds choose together needs no rows
    to be set aside, which early stopping would, and respects groups.
    """
    models, curves, smooth = [], [], []
    for outside, inside in rows.inside():
        model = _boosting(rows, is_category)
        part, labels, weights = labelled(table, rows, outside)
        part[:, np.isnan(part).all(axis=0)] = 0.0  # scikit-learn fails on such a column
        even = np.ptp(weights) == 0  # weights make it slower
        model.fit(part, labels, sample_weight=None if even else weights)
        target, w = rows.target[:, inside], rows.weights[inside]
        smooth.append(smoothing(rows, outside))
        curves.append(
            [
                float(w @ _cost(smooth[-1].of(g, model.classes_), target))
                for g in _stages(model, table[inside])
            ]
        )
        models.append(model)
        tell()
    total = np.sum(curves, axis=0)
    log_g = np.empty_like(rows.target)
    predict = []
    for (_, inside), model, curve, of_fold in zip(
        rows.inside(), models, curves, smooth, strict=True
    ):
        best = int(np.argmin(total - np.array(curve)))
        predict.append(Boosted(model, best, of_fold))
        log_g[:, inside] = np.log(predict[-1](table[inside]))
    return CrossFitted(log_g, predict)


def _boosting(rows: Rows, is_category: BoolArray) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - heavy

    trees_per_step = 1 if rows.n_classes == 2 else rows.n_classes  # noqa: PLR2004
    most = min(_MOST_STEPS, _TREES // trees_per_step, len(rows.weights) // _ROWS_A_STEP)
    return HistGradientBoostingClassifier(
        learning_rate=_LEARNING_RATE,
        max_iter=max(most, _LEAST_STEPS),
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=_LEAST_LEAF,
        l2_regularization=1.0,
        early_stopping=False,
        categorical_features=is_category,
        random_state=0,
    )


def _stages(model: Any, table: FloatArray) -> Iterator[FloatArray]:
    """Predictions after every few steps."""
    return itertools.islice(model.staged_predict_proba(table), _STAGE - 1, None, _STAGE)


def take(table: Any, rows: IntArray) -> Any:
    """Some rows of an array or a frame."""
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]


def labelled(table: Any, rows: Rows, some: IntArray) -> tuple[Any, Any, FloatArray]:
    """Rows with one label each: one for every class that a target distribution has."""
    classes, places = np.nonzero(rows.target[:, some])
    if len(places) == len(some):
        order = np.argsort(places)
        classes, places = classes[order], places[order]
    chosen = some[places]
    weights = rows.weights[chosen] * rows.target[classes, chosen]
    return take(table, chosen), classes, weights


def smoothing(rows: Rows, some: IntArray) -> Smoothing:
    """By the frequencies of some rows."""
    w = rows.weights[some]
    counts = rows.target[:, some] @ w + 0.5
    n = float(w.sum())
    return Smoothing(counts / (counts.sum() * (n + 1.0)), n / (n + 1.0))


def _cost(g: FloatArray, target: FloatArray) -> FloatArray:
    """Cross-entropy of each row."""
    return np.asarray(-(target * np.log(g)).sum(axis=0))
