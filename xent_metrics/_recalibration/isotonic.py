"""Isotonic regression of two classes, in sample: the CORP decomposition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._kernels.table import FloatArray
from .._pickling import pickled
from .families import log_odds
from .fitted_map import FittedMap
from .sample import Sample


@pickled
@dataclass(frozen=True, eq=False)
class Steps:
    """A step function of the logit: levels at the logits where they were found."""

    at: FloatArray
    levels: FloatArray

    def __call__(self, log_q: FloatArray) -> FloatArray:
        """The class probabilities of each row."""
        place = np.searchsorted(self.at, log_odds(log_q), side="right") - 1
        second = self.levels[np.maximum(place, 0)]
        return np.stack([1.0 - second, second])


def fit_isotonic(sample: Sample) -> FittedMap:
    """Pool adjacent violators; plug-in, so that it equals CORP.

    Dimitriadis, Gneiting & Jordan (2021).
    """
    from sklearn.isotonic import isotonic_regression  # noqa: PLC0415 - heavy

    log_q, target = sample.tables()
    at, tie = np.unique(log_odds(log_q), return_inverse=True)
    mass = np.bincount(tie, sample.weights, len(at))
    share = np.bincount(tie, sample.weights * target[1], len(at)) / mass
    levels = np.clip(isotonic_regression(share, sample_weight=mass), 0.0, 1.0)
    second = levels[tie]
    with np.errstate(divide="ignore", invalid="ignore"):
        costs = target * np.log(np.stack([1.0 - second, second]))
    losses = -np.where(target > 0, costs, 0.0).sum(axis=0)
    return FittedMap(
        name="isotonic",
        losses=losses,
        recalibrate=Steps(at, levels),
        degrees_of_freedom=len(np.unique(levels)),
    )
