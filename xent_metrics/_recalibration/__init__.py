"""Recalibration maps: the law of the label given the prediction, and its cost."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ._sample import FittedMap, Sample, effective_number
from ._temperature import fit_temperature

MAPS: Mapping[str, Callable[[Sample], FittedMap]] = MappingProxyType(
    {"temperature": fit_temperature}
)

__all__ = ["MAPS", "FittedMap", "Sample", "effective_number"]
