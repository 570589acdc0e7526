"""How much of a loss the features could still win, at least: the arithmetic.

For any prediction g that sees features X beside the prediction Q, the expected cost of
g is at least H(Y | X, Q). So what g gains over the best map of Q alone is at most the
grouping loss H(Y | Q) - H(Y | X, Q).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._kernels.sums import standard_error, weighted_mean
from .._kernels.table import FloatArray, IntArray
from .._recalibration.cross_validation import fixed_folds
from .._recalibration.fitted_map import Recalibrate
from .._recalibration.learned import Learned
from .._recalibration.one_thread import one_thread
from .._recalibration.sample import from_tables
from .._recalibration.select import LINEAR
from .._recalibration.softmax import LinearSoftmax, SoftmaxMap
from .._recalibration.stack import Fit, Given, costs_of, fit_stack
from .._recalibration.trees import (
    CrossFitted,
    Rows,
    binned,
    boosted,
    one_thread_of_trees,
    take,
)
from .columns import Features
from .learner import of_user

_VALUES_PERMUTED = 10_000  # rows times classes that importances are measured on
_ALIKE = 20  # rows of like predictions, among which values are permuted


class Predicted(NamedTuple):
    """The rows that a bound is measured on; tables have shape (classes, rows).

    ``fold_models`` numbers the model that predicted each row, where there are several.
    """

    log_q: FloatArray
    target: FloatArray
    weights: FloatArray
    clusters: IntArray | None
    fold_models: IntArray | None


class Bound(NamedTuple):
    """What features win: costs of rows in nats, and terms with their errors.

    ``base`` are costs under the best map of the predictions alone, ``with_features``
    those with the learner that sees the features. ``missed`` is what the learner of
    predictions alone finds beyond the recalibration map; ``of_the_map`` says that it
    is the map of the decomposition, not one that stands for it.
    """

    base: FloatArray
    with_features: FloatArray
    gain: float
    gain_error: float
    cost: float
    cost_variance: float
    missed: float
    of_the_map: bool
    importances: FloatArray


def measure_bound(
    rows: Predicted,
    features: Features,
    *,
    recalibrate: Recalibrate | None,
    learner: Any,
    seed: int,
    tell: Callable[[], None],
) -> Bound:
    """Fit the map, the learner of predictions alone, and the one with features."""
    given = Given(rows.log_q, rows.target, rows.weights, rows.clusters)
    sample = given.sample([])
    base, more = _base(rows, recalibrate)
    folds = fixed_folds(sample, seed=seed)
    fitted_to = Rows(rows.target, sample.weights, folds)
    of_q, of_x, table = _learn(rows, features, fitted_to, learner, tell)
    with one_thread():
        plain = fit_stack(given, base, more, n_free=len(more))
        free = [*more, *(one.log_g for one in of_q)]
        start = plain.parameters
        before = fit_stack(given, base, free, n_free=len(free), start=start)
        tables = [*free, of_x.log_g]
        after = fit_stack(given, base, tables, n_free=len(free), start=start)
        gain = before.mean_cost(sample) - after.mean_cost(sample)
        if len(after.kept) == len(free) or gain <= 0:
            gain, after = 0.0, before
        one_more = math.sqrt(
            max(after.map.variance - before.map.variance, 0.0)
            or 0.5 / sample.n_independent**2
        )
        error = standard_error(
            before.map.losses - after.map.losses, rows.weights, rows.clusters
        )
        importances: FloatArray = np.zeros(len(features.columns))
        if gain > 0:
            importances = _importances(
                rows,
                fitted_to,
                of_x,
                after,
                tables,
                table,
                len(features.columns),
                seed,
            )
    return Bound(
        base=before.map.losses,
        with_features=after.map.losses,
        gain=gain,
        gain_error=max(error, one_more),
        cost=after.mean_cost(sample),
        cost_variance=after.map.variance,
        missed=plain.mean_cost(sample) - before.mean_cost(sample),
        of_the_map=isinstance(recalibrate, SoftmaxMap),
        importances=importances,
    )


def _base(
    rows: Predicted, recalibrate: Recalibrate | None
) -> tuple[LinearSoftmax, list[FloatArray]]:
    """The family of the chosen map; of one that is not linear, its predictions too."""
    if isinstance(recalibrate, Learned):  # its trees saw the rows, and grow again here
        recalibrate = recalibrate.beneath
    if isinstance(recalibrate, SoftmaxMap):
        return recalibrate.family, []
    sample = from_tables(rows.log_q, rows.target, rows.weights, rows.clusters)
    flexible = "spline" if len(rows.target) == 2 else "shared-spline"  # noqa: PLR2004
    family = LINEAR[flexible](sample)
    if recalibrate is None:
        return family, []
    return family, [np.log(np.maximum(recalibrate(rows.log_q), 1e-12))]


def _learn(
    rows: Predicted,
    features: Features,
    fitted_to: Rows,
    learner: Any,
    tell: Callable[[], None],
) -> tuple[list[CrossFitted], CrossFitted, Any]:
    """Learners of predictions alone, and one that sees the features beside them."""
    q = rows.log_q.T
    if len(rows.log_q) == 2:  # noqa: PLR2004 - the logit says it all
        q = (rows.log_q[1] - rows.log_q[0])[:, np.newaxis]
    of_q = [np.zeros(q.shape[1], dtype=np.bool_)]
    if rows.fold_models is not None:
        q = np.column_stack([q, rows.fold_models])
        of_q.append(np.ones(1, dtype=np.bool_))
    x = np.column_stack([column.numbers for column in features.columns])
    of_x = [column.categories is not None for column in features.columns]
    with one_thread_of_trees():
        is_category = np.concatenate(of_q)
        alone = boosted(binned(q, is_category), is_category, fitted_to, tell)
        if learner is None:
            is_category = np.concatenate([of_x, *of_q])
            table: Any = binned(np.column_stack([x, q]), is_category)
            return [alone], boosted(table, is_category, fitted_to, tell), table
        table = _beside(features.given, q)
        nothing = _beside(_constant(features.given), q)
        also = of_user(learner, nothing, fitted_to, tell)
        return [alone, also], of_user(learner, table, fitted_to, tell), table


def _beside(given: Any, q: FloatArray) -> Any:
    """Features as they were given, and the predictions beside them."""
    if isinstance(given, np.ndarray):
        return np.column_stack([given, q])
    taken = set(given.columns)
    # scikit-learn refuses frames of which some names are text, and others not.
    text = any(isinstance(name, str) for name in taken)
    names = (f"log_q_{at}" if text else at for at in itertools.count())
    unused = itertools.islice((one for one in names if one not in taken), q.shape[1])
    return pd.concat([given, pd.DataFrame(q, given.index, [*unused])], axis=1)


def _constant(given: Any) -> Any:
    """The same columns with one value throughout, which tells nothing."""
    if isinstance(given, np.ndarray):
        return np.repeat(given[:1], len(given), axis=0)
    out = given.copy()
    for at in range(out.shape[1]):
        known = np.flatnonzero(given.iloc[:, at].notna().to_numpy())
        row = int(known[0]) if len(known) else 0
        same = given.iloc[np.full(len(given), row), at].set_axis(given.index)
        out.isetitem(at, same)
    return out


def _importances(
    rows: Predicted,
    fitted_to: Rows,
    of_x: CrossFitted,
    after: Fit,
    tables: list[FloatArray],
    table: Any,
    n_columns: int,
    seed: int,
) -> FloatArray:
    """How much the cost rises where a column is permuted, out of fold, on some rows.

    Values are permuted among rows of like predictions: among all rows, a feature that
    the predictions know already would score as high as one that they miss.
    """
    rng = np.random.default_rng(seed)
    n = rows.target.shape[1]
    most = max(_VALUES_PERMUTED // len(rows.target), 1)
    some = np.sort(rng.permutation(n)[:most])
    weights, target = rows.weights[some], rows.target[:, some]
    others = some[_alike(rows.log_q[:, some], n_columns, rng)]
    log_g = np.empty((n_columns, *target.shape))
    for fold, predict in enumerate(of_x.predict):
        inside = np.flatnonzero(fitted_to.folds[some] == fold)
        parts = [
            _permuted(table, column, some[inside], others[column, inside])
            for column in range(n_columns)
        ]
        found = predict(_below(parts)).reshape(len(target), n_columns, -1)
        log_g[:, :, inside] = np.log(np.swapaxes(found, 0, 1))
    fixed = [rows.log_q, *(tables[at] for at in after.kept[:-1])]
    fixed = [one[:, some] for one in fixed]
    as_is = costs_of(
        after, np.concatenate([*fixed, tables[after.kept[-1]][:, some]]), target
    )
    return np.array(
        [
            weighted_mean(
                costs_of(after, np.concatenate([*fixed, one]), target) - as_is, weights
            )
            for one in log_g
        ]
    )


def _alike(log_q: FloatArray, n_columns: int, rng: np.random.Generator) -> IntArray:
    """For each column, the rows permuted among those of like predictions."""
    n = log_q.shape[1]
    # Rows of equal predictions may be sorted by a feature: these come in random order.
    keys = rng.random(n), log_q.max(axis=0), log_q.argmax(axis=0)
    order = np.lexsort(np.stack(keys))
    block = np.arange(n) // _ALIKE
    out = np.empty((n_columns, n), dtype=np.int64)
    for column in out:
        column[order] = order[np.lexsort(np.stack([rng.random(n), block]))]
    return out


def _permuted(table: Any, column: int, rows: IntArray, others: IntArray) -> Any:
    """Some rows with one column of others."""
    part = take(table, rows).copy()
    if isinstance(part, np.ndarray):
        part[:, column] = table[others, column]
    else:
        part.isetitem(column, table.iloc[others, column].set_axis(part.index))
    return part


def _below(parts: list[Any]) -> Any:
    """Tables below one another."""
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return pd.concat(parts, ignore_index=True)
