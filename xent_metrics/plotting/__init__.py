"""Plots of results: an ``ax`` goes in, an ``Axes`` comes out.

Every function draws into the ``ax`` that it is given, or makes a figure of its own, and
returns the axes. Text and lines take their colours from matplotlib's settings, so they
suit a dark page too; data has colours that colour-blind readers can tell apart, and
hatches, markers or line styles that last in grey. Matplotlib is loaded when a plot is
drawn: ``pip install 'xent-metrics[plot]'``.
"""

from typing import TYPE_CHECKING, Any

from .._calls import no_name
from ._by_class import by_class
from ._drift import drift, expected_loss
from ._ensemble import ensemble
from ._entropy import entropy
from ._kl_contributions import kl_contributions
from ._kl_curve import kl_curve
from ._models import models
from ._monitor import monitor
from ._over_time import over_time
from ._reducible import reducible
from ._reliability import reliability
from ._waterfall import waterfall

__all__ = [
    "by_class",
    "drift",
    "ensemble",
    "entropy",
    "expected_loss",
    "kl_contributions",
    "kl_curve",
    "models",
    "monitor",
    "over_time",
    "reducible",
    "reliability",
    "waterfall",
]


if not TYPE_CHECKING:  # to which any name would be one of the module

    def __getattr__(name: str) -> Any:
        raise no_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted(__all__)
