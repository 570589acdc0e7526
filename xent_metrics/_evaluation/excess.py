"""How much of the loss groups or classes account for beyond their part of the rows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from .._kernels.normal import normal_quantile
from .._kernels.table import BoolArray, FloatArray, IntArray

_LEVEL = 0.975  # of one look; of many, as much for all of them (Bonferroni)


class Shares(NamedTuple):
    """Of each cell: its share of the loss, and that less its share of the weight.

    Both are NaN where the loss is infinite or 0. ``order`` is from the most excess to
    the least, or from the greatest cost where the excess is not known; ``clear`` says
    where it is above 0 by more than chance explains, as one of so many looks.
    """

    loss: FloatArray
    excess: FloatArray
    order: IntArray
    clear: BoolArray


def shares_of(cells: pd.DataFrame) -> Shares:
    """The shares of a table of groups or classes: ``weight`` and ``cross_entropy``."""
    weight, cost, error = (
        cells[name].to_numpy(dtype=np.float64)
        for name in ("weight", "cross_entropy", "cross_entropy_se")
    )
    whole = float((weight * cost).sum())
    if not 0 < whole < math.inf:
        unknown = np.full(len(cost), np.nan)
        order = np.argsort(-weight * cost, kind="stable")
        return Shares(unknown, unknown, order, np.zeros(len(cost), dtype=np.bool_))
    loss: FloatArray = weight * cost / whole
    excess: FloatArray = loss - weight / weight.sum()
    # The whole moves with the cell itself, and with the others.
    moved = weight * error / whole
    own = (1.0 - loss) * moved
    others = loss * np.sqrt(np.maximum((moved**2).sum() - moved**2, 0.0))
    least = normal_quantile(1.0 - (1.0 - _LEVEL) / max(len(cost), 1))
    clear = excess > least * np.hypot(own, others)
    return Shares(loss, excess, np.argsort(-excess, kind="stable"), clear)
