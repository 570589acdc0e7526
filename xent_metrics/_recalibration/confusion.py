"""The confusion map: c = softmax(beta log q + b) A, where A mixes classes up.

Label noise and mixed-up classes are linear in the probabilities; no map that is
linear in the logits can follow them. A and beta are not identified apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._kernels.softmax import logarithms, softmax
from .._kernels.table import FloatArray
from .._pickling import pickled
from .cross_validation import cross_validated
from .fitted_map import FittedMap
from .sample import Sample

_RIDGE = 0.01  # of beta and b
_STRENGTH, _MIXED = 10.0, 0.1  # prior rows of each class, and their mixed-up share
_GAIN = 1e-7  # nats per row: the smallest gain that is worth another step
_OF_BOUNDS = 9 / 8  # makes 4 / 9 of a difference the half that simulation asks for
_MAX_STEPS = 200
_HALVINGS = 12
_TINY = 1e-300


@pickled
@dataclass(frozen=True, eq=False)
class Confusion:
    """The parameters, and the map as a function of log q."""

    beta: float
    bias: FloatArray
    matrix: FloatArray

    def __call__(self, log_q: FloatArray) -> FloatArray:
        """The class probabilities of each row."""
        return np.asarray(self.matrix.T @ self.unmixed(log_q))

    def unmixed(self, log_q: FloatArray) -> FloatArray:
        """The class probabilities before classes are mixed up."""
        return softmax(self.beta * log_q + self.bias[:, np.newaxis])[1]


class _Pass(NamedTuple):
    """Losses and objective, and what the next step of EM needs."""

    losses: FloatArray
    objective: float
    counts: FloatArray
    gradient: FloatArray
    hessian: FloatArray


def fit_confusion(sample: Sample, start: FittedMap | None = None) -> FittedMap:
    """Fit by accelerated EM; debias by cross-validation, as A has bounds.

    With ``start``, a fit to a part of the rows, the optimism is that of the part, as
    much smaller as the rows are more.
    """
    known = None if start is None else start.recalibrate
    best, losses, converged = _maximise(
        sample, known if isinstance(known, Confusion) else None
    )

    def fit_some(rows: Sample) -> Confusion:
        return _maximise(rows, best)[0]

    if start is None:
        optimism = _OF_BOUNDS * cross_validated(sample, fit_some, losses)
    else:
        optimism = start.optimism * len(start.losses) / sample.n
    n_parameters = sample.n_classes**2 + 1
    # Where H = J, its trace and that of its square are the number of parameters.
    return FittedMap(
        name="confusion",
        losses=losses,
        recalibrate=best,
        optimism=optimism,
        variance=max(optimism, 0.0) / float(sample.weights.sum()),
        degrees_of_freedom=n_parameters,
        converged=converged,
    )


def _maximise(
    sample: Sample, start: Confusion | None
) -> tuple[Confusion, FloatArray, bool]:
    """EM, with two of its steps extrapolated to a third (Varadhan & Roland, 2008)."""
    now = _start(sample.n_classes) if start is None else start
    state = _sweep(sample, now)
    enough = _GAIN * float(sample.weights.sum())
    for _ in range(_MAX_STEPS):
        before = state.objective
        first = _step(now, state)
        state_of_first = _sweep(sample, first)
        for halving in range(1, _HALVINGS):
            if state_of_first.objective <= before:
                break
            first = _step(now, state, 0.5**halving)
            state_of_first = _sweep(sample, first)
        else:
            return now, state.losses, True  # nothing improves: at rounding
        second = _step(first, state_of_first)
        far = _extrapolate(now, first, second)
        now, state = first, state_of_first
        for candidate in (far, second):
            proposed = _sweep(sample, candidate)
            if proposed.objective <= state.objective:
                now, state = candidate, proposed
                break
        if before - state.objective <= enough:
            return now, state.losses, True
    return now, state.losses, False


def _start(n_classes: int) -> Confusion:
    return Confusion(1.0, np.zeros(n_classes), _prior(n_classes))


def _prior(n_classes: int) -> FloatArray:
    prior: FloatArray = (1 - _MIXED) * np.eye(n_classes) + _MIXED / n_classes
    return prior


def _sweep(sample: Sample, at: Confusion) -> _Pass:
    """One pass: the E-step, and the derivatives in beta and b of the M-step."""
    k = sample.n_classes
    losses, mixed = np.empty(sample.n), np.zeros((k, k))
    away = np.concatenate([[at.beta - 1.0], at.bias])
    gradient, hessian = _RIDGE * away, _RIDGE * np.eye(k + 1)
    penalty = 0.5 * float(gradient @ away)
    for rows, log_q, target in sample.blocks():
        w = sample.weights[rows]
        r = at.unmixed(log_q)
        c = at.matrix.T @ r
        np.maximum(c, _TINY, out=c)
        ratio = target / c
        losses[rows] = -np.einsum("km,km->m", target, logarithms(c))
        rw = r * w
        mixed += rw @ ratio.T
        error = at.matrix @ ratio
        np.subtract(1.0, error, out=error)
        error *= rw
        gradient[0] += float(np.einsum("km,km->", error, log_q))
        gradient[1:] += error.sum(axis=1)
        sloped = rw * log_q
        mean = np.vstack([np.einsum("km,km->m", r, log_q), r])
        hessian -= (mean * w) @ mean.T
        hessian[0, 0] += float(np.einsum("km,km->", sloped, log_q))
        cross = sloped.sum(axis=1)
        hessian[0, 1:] += cross
        hessian[1:, 0] += cross
        hessian[1:, 1:] += np.diag(rw.sum(axis=1))
    prior = _STRENGTH * _prior(k)
    penalty -= float((prior * np.log(np.maximum(at.matrix, _TINY))).sum())
    objective = float(sample.weights @ losses) + penalty
    return _Pass(losses, objective, at.matrix * mixed + prior, gradient, hessian)


def _step(at: Confusion, state: _Pass, share: float = 1.0) -> Confusion:
    """The M-step: A in closed form, beta and b by a (damped) Newton step."""
    step = share * np.linalg.solve(state.hessian, state.gradient)
    matrix = state.counts / state.counts.sum(axis=1, keepdims=True)
    return Confusion(float(at.beta - step[0]), at.bias - step[1:], matrix)


def _extrapolate(zero: Confusion, one: Confusion, two: Confusion) -> Confusion:
    x0, x1, x2 = (_packed(at) for at in (zero, one, two))
    first, change = x1 - x0, x2 - 2.0 * x1 + x0
    ratio = float(first @ first) / max(float(change @ change), _TINY)
    length = max(math.sqrt(ratio), 1.0)
    x = x0 + 2.0 * length * first + length**2 * change
    k = len(zero.bias)
    log_matrix = x[k + 1 :].reshape(k, k)
    matrix = np.exp(log_matrix - log_matrix.max(axis=1, keepdims=True))
    matrix /= matrix.sum(axis=1, keepdims=True)
    return Confusion(float(x[0]), x[1 : k + 1], matrix)


def _packed(at: Confusion) -> FloatArray:
    log_matrix = np.log(np.maximum(at.matrix, _TINY))
    return np.concatenate([[at.beta], at.bias, log_matrix.ravel()])
