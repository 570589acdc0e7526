"""Names beside points, where they hide the least."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._kernels.table import FloatArray
from ._style import AS_IT_IS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = 9.0  # points
_LETTER = 0.58  # width of a letter, in units of its size
_AWAY = 5.0  # points from the middle of a marker
# Which side of the point, from the best liked on: corners first, as errors are bars.
_SIDES = ((1, 1), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0))
_ALIGN = {1: "left", 0: "center", -1: "right"}
_ALIGN_UP = {1: "bottom", 0: "center", -1: "top"}


def label_points(
    ax: Axes, names: Sequence[str], points: FloatArray, errors: FloatArray
) -> None:
    """Write each name on the side of its point where it overlaps least.

    ``errors`` are how far bars reach from the points, to each side.
    """
    figure = ax.get_figure()
    assert figure is not None, "axes to draw into are in a figure"
    per_point = 72.0 / figure.get_dpi()
    at = ax.transData.transform(points) * per_point
    frame = ax.get_window_extent().get_points().ravel() * per_point
    ends = ax.transData.transform(points + errors) * per_point
    taken = [_box(x, y, 0.0, 0.0, 8.0, 8.0) for x, y in at]
    for (x, y), (right, top) in zip(at, ends, strict=True):
        taken.append(_box(x, y, 0.0, 0.0, 2.0 * (right - x), 2.0))
        taken.append(_box(x, y, 0.0, 0.0, 2.0, 2.0 * (top - y)))
    for place, name in enumerate(names):
        x, y = at[place]
        width, height = _LETTER * _SIZE * len(name), 1.2 * _SIZE
        boxes = [_box(x, y, *side, width, height) for side in _SIDES]
        others = [box for other, box in enumerate(taken) if other != place]
        costs = [
            sum(_overlap(box, other) for other in others) + _outside(box, frame)
            for box in boxes
        ]
        best = int(np.argmin(costs))
        taken.append(boxes[best])
        across, up = _SIDES[best]
        ax.annotate(
            name,
            points[place],
            xytext=(across * _AWAY, up * _AWAY),
            textcoords="offset points",
            fontsize=_SIZE,
            ha=_ALIGN[across],
            va=_ALIGN_UP[up],
            zorder=4,
            **AS_IT_IS,
        )


def _box(
    x: float, y: float, across: float, up: float, width: float, height: float
) -> FloatArray:
    """Left, bottom, right and top of a text on one side of a point."""
    middle_x = x + across * (_AWAY + width / 2.0)
    middle_y = y + up * (_AWAY + height / 2.0)
    return np.array(
        [
            middle_x - width / 2.0,
            middle_y - height / 2.0,
            middle_x + width / 2.0,
            middle_y + height / 2.0,
        ]
    )


def _overlap(one: FloatArray, other: FloatArray) -> float:
    """The area that two boxes share."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return float(np.prod(np.maximum(sides, 0.0)))


def _outside(box: FloatArray, frame: FloatArray) -> float:
    """The area of a box that lies outside a frame, counted double."""
    sides = box[2:] - box[:2]
    return 2.0 * (float(np.prod(sides)) - _overlap(box, frame))
