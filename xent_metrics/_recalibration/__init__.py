"""Recalibration maps: the law of the label given the prediction, and its cost."""

from ._band import deviations, probability_slopes
from ._custom import RecalibrationMap
from ._map import FittedMap, Recalibrate
from ._sample import Sample, effective_number, from_inputs, log_floored
from ._select import NAMES, MapName, Selection, fit_named, recalibrate

__all__ = [
    "NAMES",
    "FittedMap",
    "MapName",
    "Recalibrate",
    "RecalibrationMap",
    "Sample",
    "Selection",
    "deviations",
    "effective_number",
    "fit_named",
    "from_inputs",
    "log_floored",
    "probability_slopes",
    "recalibrate",
]
