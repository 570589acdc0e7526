"""Takeuchi's correction: how much better a fitted map looks on its own rows."""

from __future__ import annotations

import numpy as np

from .._table import FloatArray

# Beyond this share of parameters per row the in-sample scores are too small.
_CROWDED = 0.1


def optimism(
    scores: FloatArray, hessian: FloatArray, weights: FloatArray, n_effective: float
) -> float:
    """Mean cost that fitting hid: tr(H^-1 J) / (2 W).

    ``scores`` (N, d) are the gradients of each row's cost at the fitted parameters,
    ``hessian`` (d, d) is that of the weighted sum with its ridge (Takeuchi, 1976).
    """
    weighted = scores * weights[:, np.newaxis]
    variability = weighted.T @ weighted
    n_parameters = len(hessian)
    if n_parameters > _CROWDED * n_effective:
        variability *= n_effective / max(n_effective - n_parameters, 1.0)
    trace = float(np.trace(np.linalg.solve(hessian, variability)))
    return trace / (2.0 * float(weights.sum()))
