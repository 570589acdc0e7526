"""Boosted trees of the predictions, on top of the map that was chosen.

They follow what no map of the family does. Each row is predicted by trees that did not
see it, nor others of its group, so that its cost is not flattered.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._kernels.softmax import softmax
from .._kernels.table import FloatArray, IntArray
from .._pickling import pickled
from .cross_validation import fixed_folds
from .families import Temperature, log_odds
from .fitted_map import LEARNED, FittedMap, Recalibrate
from .sample import Sample
from .stack import Given, fit_stack
from .trees import CrossFitted, Predict, Rows, boosted, one_thread_of_trees

_MOST_CLASSES = 50  # trees of each are fitted in every step
_PAIR = 2
_LEAST = float(np.finfo(np.float64).tiny)  # of a probability of the map beneath


@pickled
@dataclass(frozen=True, eq=False)
class Learned:
    """c = softmax(slope log b + coefficient log g), as a function of log q.

    b are the probabilities of the map beneath, and log g the mean of what the trees of
    each fold predict.
    """

    beneath: Recalibrate
    trees: Sequence[Predict]
    slope: float
    coefficient: float

    def __call__(self, log_q: FloatArray) -> FloatArray:
        """The class probabilities of each row."""
        before = self.beneath(log_q)
        if not self.trees:
            return before
        with one_thread_of_trees():
            log_g = _mean_log(self.trees, log_q)
        return softmax(self.slope * _log(before) + self.coefficient * log_g)[1]


def fit_learned(
    sample: Sample, beneath: FittedMap, rows: IntArray | None = None
) -> FittedMap:
    """Stack trees on a map that was fitted to the sample.

    Of many rows, trees are fitted to those numbered ``rows``. The coefficient of trees
    is not negative: predictions out of fold are anti-correlated with the labels that
    they did not see, and a free coefficient would gain by that where there is nothing
    to find. What the fit adds to the optimism of the map beneath is that of this one
    coefficient.
    """
    if sample.n_classes > _MOST_CLASSES:
        msg = (
            f"recalibration={LEARNED!r} is for at most {_MOST_CLASSES} classes: found "
            f"{sample.n_classes}; pass 'auto' or 'hierarchy'."
        )
        raise ValueError(msg)
    log_q, target = sample.tables()
    with one_thread_of_trees():
        grown = _grow(sample if rows is None else sample.pick(rows))
        if grown is None:
            return _on(beneath)
        log_g = grown.log_g
        if rows is not None:
            log_g = _mean_log(grown.predict, log_q)
            log_g[:, rows] = grown.log_g
    log_b = np.empty_like(log_q)
    for block, of_block, _ in sample.blocks():
        log_b[:, block] = _log(beneath.recalibrate(of_block))
    given, scale = Given(log_b, target, sample.weights, sample.clusters), Temperature
    stacked = fit_stack(given, scale(sample), [log_g], n_free=0)
    if not stacked.kept:
        return _on(beneath)
    alone = fit_stack(given, scale(sample), [], n_free=0).map
    slope, coefficient = stacked.parameters.tolist()
    recalibrate = Learned(beneath.recalibrate, grown.predict, slope, coefficient)
    more = stacked.map
    return _on(
        dataclasses.replace(
            beneath,
            losses=more.losses,
            optimism=beneath.optimism + more.optimism - alone.optimism,
            variance=beneath.variance + max(more.variance - alone.variance, 0.0),
            converged=beneath.converged and more.converged,
        ),
        recalibrate,
    )


def _on(beneath: FittedMap, recalibrate: Learned | None = None) -> FittedMap:
    """What is known of the map beneath, with trees or without, as the learned one."""
    found = recalibrate or Learned(beneath.recalibrate, (), 1.0, 0.0)
    return dataclasses.replace(
        beneath,
        name=LEARNED,
        recalibrate=found,
        degrees_of_freedom=beneath.degrees_of_freedom + 1,
        parameters={"coefficient": found.coefficient},
    )


def _grow(sample: Sample) -> CrossFitted | None:
    """Trees of fixed folds; None where the rows outside one have a single label."""
    log_q, target = sample.tables()
    rows = Rows(target, sample.weights, fixed_folds(sample, stratified=False))
    seen = [(target[:, outside] > 0).any(axis=1).sum() for outside, _ in rows.inside()]
    if min(seen) < _PAIR:
        return None
    table = _table(log_q)
    return boosted(table, np.zeros(table.shape[1], dtype=np.bool_), rows, lambda: None)


def _table(log_q: FloatArray) -> FloatArray:
    """The features of trees; of two classes the logit says it all."""
    if len(log_q) == _PAIR:
        return log_odds(log_q)[:, np.newaxis]
    return np.ascontiguousarray(log_q.T)


def _mean_log(trees: Sequence[Predict], log_q: FloatArray) -> FloatArray:
    """What the trees of all folds predict, on the average of logarithms."""
    table = _table(log_q)
    return np.asarray(np.mean([np.log(each(table)) for each in trees], axis=0))


def _log(c: FloatArray) -> FloatArray:
    return np.log(np.maximum(c, _LEAST))
