"""Axes of two probabilities: plain for two classes, logits for several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._kernels.table import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FARTHEST = 1e-6  # from 0 and 1, of what logits show
_MARGIN = 0.02  # of the width
_LEAST = 1.0  # of logits: the width of axes
_FINE = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
_COARSE = (1e-5, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0 - 1e-5)
_MOST_TICKS = 7
_FAR = 0.003  # from 0 and 1: the coarse ticks say enough between


class ProbabilityAxes(NamedTuple):
    """From the least to the greatest probability that both axes show.

    ``below`` is the room under the curve for a histogram, of the height of that.
    """

    low: float
    high: float
    logit: bool
    below: float

    def positions(self, values: FloatArray) -> FloatArray:
        """Where values lie, from 0 at ``low`` to 1 at ``high``."""
        low, high = self._scaled(np.array([self.low, self.high]))
        found: FloatArray = (self._scaled(self.inside(values)) - low) / (high - low)
        return found

    def inside(self, values: FloatArray) -> FloatArray:
        """Values, those beyond the ends at these."""
        return np.clip(values, self.low, self.high)

    def near(self, values: FloatArray) -> FloatArray:
        """Values, those that lie far beyond what is shown a little beyond it."""
        low, high = self.at(np.array([-1.0 - self.below, 2.0]))
        return np.clip(values, low, high)

    def at(self, positions: FloatArray) -> FloatArray:
        """The probabilities at these positions."""
        low, high = self._scaled(np.array([self.low, self.high]))
        scaled = low + positions * (high - low)
        if not self.logit:
            return np.asarray(scaled)
        return np.asarray(1.0 / (1.0 + np.exp(-scaled)))

    def apply(self, ax: Axes) -> None:
        """Set scales, limits and ticks."""
        left, right, bottom = self.at(
            np.array([-_MARGIN, 1.0 + _MARGIN, -self.below])
        ).tolist()
        if self.logit:
            ax.set_xscale("logit", nonpositive="clip")
            ax.set_yscale("logit", nonpositive="clip")
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, right)
        if not self.logit:
            ax.set_yticks(np.linspace(0.0, 1.0, 6))
            return
        ticks = self._ticks()
        ax.set_xticks(ticks, [f"{tick:.6g}" for tick in ticks])
        ax.set_yticks(ticks, [f"{tick:.6g}" for tick in ticks])
        ax.minorticks_off()

    def inset(self, ax: Axes) -> Any:
        """Axes below the curve, of the same width: those that are there, or others."""
        if ax.child_axes:
            found: Any = ax.child_axes[0]
        else:
            height = 0.75 * self.below / (1.0 + _MARGIN + self.below)
            found = ax.inset_axes((0.0, 0.0, 1.0, height))
            found.set_axis_off()
        if self.logit:
            found.set_xscale("logit", nonpositive="clip")
        found.set_xlim(ax.get_xlim())
        return found

    def _scaled(self, values: FloatArray) -> FloatArray:
        if not self.logit:
            return values
        return np.asarray(np.log(values) - np.log1p(-values))

    def _ticks(self) -> list[float]:
        within = [tick for tick in _FINE if self.low <= tick <= self.high]
        far = self.low < _FAR or self.high > 1.0 - _FAR
        if far or len(within) > _MOST_TICKS:
            within = [tick for tick in _COARSE if self.low <= tick <= self.high]
        return within


def probability_axes(
    values: Iterable[FloatArray],
    *,
    logit: bool,
    below: float,
    drawn: Axes | None,
) -> ProbabilityAxes:
    """Axes that show these values, and what is ``drawn`` already."""
    if drawn is not None and (drawn.get_xscale() == "logit") != logit:
        msg = (
            "models in one plot must all have two classes, or all have more: found one "
            "of two classes beside one of several; draw them in axes of their own."
        )
        raise ValueError(msg)
    if not logit:
        return ProbabilityAxes(0.0, 1.0, logit=False, below=below)
    found = np.concatenate([*values])
    found = found[(found > 0) & (found < 1)]
    if drawn is not None:
        found = np.concatenate([found, np.array(drawn.get_xlim())])
    found = np.clip(found, _FARTHEST, 1.0 - _FARTHEST)
    ends = np.log(found) - np.log1p(-found)
    low, high = (float(ends.min()), float(ends.max())) if len(ends) else (-1.0, 1.0)
    short = max(_LEAST - (high - low), 0.0) / 2.0
    low, high = 1.0 / (1.0 + np.exp(-np.array([low - short, high + short])))
    return ProbabilityAxes(float(low), float(high), logit=True, below=below)
