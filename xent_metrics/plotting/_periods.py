"""Values of periods in their order, with errors: an axis of time, dots and alarms."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._kernels.table import FloatArray
from ._style import AS_IT_IS, BLUE, VERMILLION, ink, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_TICKS = 6


def places_of(ax: Axes, periods: Sequence[Any]) -> Any:
    """Where periods lie along the axis: times by their dates, others by their order."""
    if periods and all(isinstance(one, pd.Period) for one in periods):
        periods = [one.start_time for one in periods]
    if periods and all(hasattr(one, "year") for one in periods):
        dates: Any = importlib.import_module("matplotlib.dates")  # untyped

        locator = dates.AutoDateLocator(maxticks=_MOST_TICKS)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        return pd.to_datetime(list(periods)).to_pydatetime()
    places = np.arange(len(periods), dtype=np.float64)
    at = np.unique(np.linspace(0, max(len(periods) - 1, 0), _MOST_TICKS).astype(int))
    at = at[at < len(periods)]
    ax.set_xticks(at, [short(periods[k]) for k in at], **AS_IT_IS)
    return places


def draw_values(
    ax: Axes, places: Any, values: FloatArray, reach: FloatArray, label: str
) -> None:
    """Dots in their order, with intervals that reach so far to each side."""
    ax.errorbar(
        places,
        values,
        yerr=reach,
        color=BLUE,
        marker="o",
        markersize=3,
        linewidth=0.8,
        elinewidth=0.8,
        label=label,
    )


def draw_alarms(ax: Axes, places: Sequence[Any], label: str) -> None:
    """A vertical line for each."""
    for k, place in enumerate(places):
        ax.axvline(
            place,
            color=VERMILLION,
            linestyle="--",
            linewidth=1.2,
            label=label if k == 0 else None,
        )


def draw_line(ax: Axes, value: float, label: str) -> None:
    """A horizontal line, such as that of the reference."""
    ax.axhline(value, color=ink(), linewidth=0.8, linestyle=":", label=label)
