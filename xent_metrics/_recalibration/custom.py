"""A map of the user's own: any object with fit and predict."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .._kernels.table import FloatArray
from .._pickling import pickled, public
from .cross_validation import costs, cross_validated
from .fitted_map import FittedMap
from .sample import Sample

_TOLERANCE = 1e-6


@public
@runtime_checkable
class RecalibrationMap(Protocol):
    """What :func:`decompose` asks of a user's map; all tables have shape (N, K)."""

    def fit(self, log_q: FloatArray, p: FloatArray, sample_weight: FloatArray) -> Any:
        """Learn the distribution of the targets ``p`` given log-predictions."""

    def predict(self, log_q: FloatArray) -> Any:
        """The class probabilities of each row: (N, K), rows that sum to 1."""


@pickled
@dataclass(frozen=True, eq=False)
class Predicted:
    """A user's fitted map as a function of log q."""

    model: RecalibrationMap

    def __call__(self, log_q: FloatArray) -> FloatArray:
        """The class probabilities of each row."""
        # A copy, as a user's map may write into what it gets.
        found = np.asarray(self.model.predict(log_q.T.copy()), dtype=np.float64)
        if found.shape != log_q.T.shape:
            msg = (
                f"predict of {type(self.model).__name__} must return one probability "
                f"per row and class: found shape {found.shape} for {log_q.T.shape}; "
                "return the whole table."
            )
            raise ValueError(msg)
        sums = found.sum(axis=1)
        wrong = ~(np.abs(sums - 1.0) <= _TOLERANCE) | ~(found >= 0).all(axis=1)
        if wrong.any():
            row = int(np.argmax(wrong))
            msg = (
                f"predict of {type(self.model).__name__} must return probabilities: "
                f"row {row} is {found[row].tolist()}; return rows that sum to 1."
            )
            raise ValueError(msg)
        return found.T


def fit_custom(sample: Sample, model: RecalibrationMap) -> FittedMap:
    """Fit copies of the user's object; debias by cross-validation."""

    def fit(rows: Sample) -> Predicted:
        log_q, target = rows.tables()
        own = copy.deepcopy(model)
        own.fit(log_q.T, target.T, rows.weights.copy())
        return Predicted(own)

    fitted = fit(sample)
    losses = costs(fitted, sample)
    optimism = cross_validated(sample, fit, losses, stratified=False)
    return FittedMap(
        name=type(model).__name__,
        losses=losses,
        recalibrate=fitted,
        optimism=optimism,
        variance=max(optimism, 0.0) / float(sample.weights.sum()),
    )
