"""Recalibration maps: the law of the label given the prediction, and its cost."""

from ._band import deviations, probability_slopes
from ._cross_validation import costs
from ._custom import RecalibrationMap
from ._families import log_odds
from ._grid import Grid, sums_of_cells
from ._isotonic import Steps, fit_isotonic
from ._map import FittedMap, Recalibrate
from ._sample import Sample, effective_number, from_inputs, from_tables, log_floored
from ._select import (
    LINEAR,
    NAMES,
    TWO_CLASSES,
    MapName,
    Selection,
    enough_rows,
    fit_named,
    one_thread,
    recalibrate,
)
from ._softmax import SoftmaxMap, debiased, losses_and_gradient, minimise, variability

__all__ = [
    "LINEAR",
    "NAMES",
    "TWO_CLASSES",
    "FittedMap",
    "Grid",
    "MapName",
    "Recalibrate",
    "RecalibrationMap",
    "Sample",
    "Selection",
    "SoftmaxMap",
    "Steps",
    "costs",
    "debiased",
    "deviations",
    "effective_number",
    "enough_rows",
    "fit_isotonic",
    "fit_named",
    "from_inputs",
    "from_tables",
    "log_floored",
    "log_odds",
    "losses_and_gradient",
    "minimise",
    "one_thread",
    "probability_slopes",
    "recalibrate",
    "sums_of_cells",
    "variability",
]
