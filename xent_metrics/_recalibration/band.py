"""How sure a fitted map is of what it predicts."""

from __future__ import annotations

import numpy as np

from .._kernels.table import FloatArray, IntArray
from .fitted_map import Recalibrate
from .softmax import SoftmaxMap, slopes


def probability_slopes(
    recalibrate: Recalibrate, log_q: FloatArray, classes: IntArray
) -> tuple[FloatArray, FloatArray | None]:
    """The probability of one class per row under a map, and its slopes.

    Slopes are the derivatives in the map's parameters, of shape (parameters, rows);
    None where the parameters have no covariance.
    """
    c = recalibrate(log_q)
    rows = np.arange(c.shape[1])
    chosen: FloatArray = c[classes, rows]
    if not isinstance(recalibrate, SoftmaxMap) or recalibrate.covariance is None:
        return chosen, None
    direction = -c * chosen
    direction[classes, rows] += chosen
    return chosen, slopes(recalibrate.family, log_q, direction)


def deviations(recalibrate: Recalibrate, slopes_of: FloatArray) -> FloatArray:
    """Standard deviations of what has these slopes in the parameters of a map."""
    assert isinstance(recalibrate, SoftmaxMap), "other maps have no slopes"
    covariance = recalibrate.covariance
    assert covariance is not None, "where it is None, there are no slopes"
    variance = ((covariance @ slopes_of) * slopes_of).sum(axis=0)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
