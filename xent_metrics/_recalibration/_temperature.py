"""One temperature for all rows: c = softmax(log q / T)."""

from __future__ import annotations

import numpy as np

from .._table import FloatArray
from ._debias import optimism
from ._sample import FittedMap, Sample

_RIDGE = 0.01
_MAX_STEPS = 100
_SMALLEST_STEP = 1e-12
_DECREMENT = 1e-14  # nats a row: the error is then below rounding


def fit_temperature(sample: Sample) -> FittedMap:
    """Fit beta = 1 / T by Newton's method; the cost is convex in beta.

    A small ridge pulls beta towards 1, the map that changes nothing, so that
    perfectly separated classes have a finite answer.
    """
    beta, state = 1.0, _evaluate(sample, 1.0)
    converged = False
    for _ in range(_MAX_STEPS):
        step = state.gradient / state.curvature
        scale = state.objective + sample.n_effective
        if step * state.gradient <= _DECREMENT * scale:
            converged = True
            break
        proposed = _evaluate(sample, beta - step)
        while proposed.objective > state.objective and abs(step) > _SMALLEST_STEP:
            step /= 2.0
            proposed = _evaluate(sample, beta - step)
        if proposed.objective > state.objective:
            break
        beta, state = beta - step, proposed
    return FittedMap(
        name="temperature",
        parameters={"temperature": 1.0 / beta if beta else np.inf},
        degrees_of_freedom=1,
        losses=state.losses,
        optimism=optimism(
            state.scores[:, np.newaxis],
            np.array([[state.curvature]]),
            sample.weights,
            sample.n_effective,
        ),
        converged=converged,
    )


class _State:
    """Costs of all rows at one beta, with the derivatives of their sum."""

    def __init__(self, sample: Sample, beta: float) -> None:
        n = sample.n
        self.losses = np.empty(n)
        self.scores = np.empty(n)
        spread = np.empty(n)
        for part, log_q in sample.blocks():
            mass, at_target = sample.mass[part], sample.log_q_at_target[part]
            log_sum, mean, variance = _tempered(log_q, beta)
            self.losses[part] = mass * log_sum - beta * at_target
            self.scores[part] = mass * mean - at_target
            spread[part] = mass * variance
        weights, away = sample.weights, beta - 1.0
        self.objective = float(weights @ self.losses) + 0.5 * _RIDGE * away * away
        self.gradient = float(weights @ self.scores) + _RIDGE * away
        self.curvature = float(weights @ spread) + _RIDGE


def _evaluate(sample: Sample, beta: float) -> _State:
    return _State(sample, beta)


def _tempered(
    log_q: FloatArray, beta: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log of the normaliser, and mean and variance of log q, under softmax."""
    scaled = beta * log_q
    top = scaled.max(axis=0)
    c = np.exp(scaled - top)
    normaliser = c.sum(axis=0)
    c /= normaliser
    mean = (c * log_q).sum(axis=0)
    variance = (c * (log_q - mean) ** 2).sum(axis=0)
    return np.log(normaliser) + top, mean, variance
