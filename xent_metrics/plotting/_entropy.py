"""What a model expects to pay against what it pays, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._display.result import counted
from .._kernels.table import BoolArray, FloatArray, IntArray
from .._pickling import public
from ._rows import table_of_rows
from ._style import (
    BLUE,
    VERMILLION,
    amount,
    axes_of,
    caption,
    evaluated,
    ink,
    legend,
    number,
    percent,
    with_unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._evaluation.evaluation import Evaluation

_MOST_POINTS = 5_000
_SEED = 0  # the same rows are drawn each time
_HALF = 0.5
_TINY = 1e-9  # a limit of an axis where all is 0
_HEADROOM = 2.0  # of the scale above the points: room for the legend
_TICKS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 6.0, 10.0, 20.0, 30.0, 50.0)
_STYLES: tuple[Mapping[str, Any], ...] = (
    {"color": BLUE, "marker": "o", "mean": "D", "linewidths": 0.0},
    {"color": VERMILLION, "marker": "x", "mean": "P", "linewidths": 0.8},
)


def _root(values: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.maximum(values, 0.0)))


_SQUARE_ROOT = (_root, np.square)


class _Points(NamedTuple):
    """The rows that count; ``soft`` is whether targets are distributions."""

    x: FloatArray
    y: FloatArray
    right: BoolArray
    weights: FloatArray
    soft: bool


@public
def entropy(evaluation: Evaluation, *, ax: Axes | None = None) -> Axes:
    """Draw the cross-entropy of each row against the entropy of its prediction.

    The entropy is the cost that the model itself expects: a group whose mean lies above
    the diagonal is one where the model is over-confident. Both axes have a square-root
    scale.

    Parameters
    ----------
    evaluation : Evaluation
        What is drawn.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib Axes
        A point a row, split by whether the predicted class is right: with distributions
        and votes, whether the target gives it a half or more. Of more than 5,000
        rows a fixed random part is drawn, and the plot says so; means are of all.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the result came without its rows.

    See Also
    --------
    xent_metrics.Evaluation.plot : The same as a method.
    xent_metrics.Evaluation.worst : The costliest rows.

    Examples
    --------
    >>> from xent_metrics import Evaluation, plotting
    >>> y, q = ["a", "b"] * 200, [[0.8, 0.2], [0.6, 0.4]] * 200
    >>> ax = plotting.entropy(Evaluation.from_predictions(y, q))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('predictive entropy (nats)', 'cross-entropy (nats)')
    """
    found, points = evaluated(evaluation), _points(evaluation)
    drawn, remarks = _choose(points)
    ax = axes_of(ax)
    right, top = (
        1.04 * float(values[drawn].max(initial=_TINY))
        for values in (points.x, points.y)
    )
    ax.set_xscale("function", functions=_SQUARE_ROOT)
    ax.set_yscale("function", functions=_SQUARE_ROOT)
    ends = [0.0, max(right, top)]
    ax.plot(ends, ends, color=ink(), alpha=0.6, dashes=(4, 3), label="CE = entropy")
    names = ("right", "wrong")
    if points.soft:
        names = ("target gives it a half or more", "less")
    for hit, name, style in zip((True, False), names, _STYLES, strict=True):
        _draw(ax, points, drawn, points.right == hit, name, style)
    for axis, most in ((ax.xaxis, right), (ax.yaxis, top)):
        axis.set_ticks(_ticks(most))
        axis.set_major_formatter("{x:g}")
    ax.set_xlim(0.0, right)
    ax.set_ylim(0.0, top * _HEADROOM)
    caption(
        ax,
        heading=f"CE {amount(found.cross_entropy, found.unit)}, where the model "
        f"expects {number(found.predictive_entropy)}",
        x=with_unit("predictive_entropy", found.unit),
        y=with_unit("cross_entropy", found.unit),
        remarks=remarks,
    )
    legend(ax, loc="upper right")
    return ax


def _ticks(most: float) -> list[float]:
    """Ticks that are about evenly spaced under a square root."""
    if most < _TICKS[2]:
        return [0.0, most]
    return [
        tick for tick in _TICKS if (tick <= most and tick >= most / 100.0) or not tick
    ]


def _points(evaluation: Evaluation) -> _Points:
    """The rows that count."""
    table = table_of_rows(evaluation)
    weights: FloatArray = np.ones(len(table))
    if "weight" in table:
        weights = table["weight"].to_numpy(np.float64)
    counted = weights > 0
    x, y, correct = (
        table[name].to_numpy(np.float64)[counted]
        for name in ("predictive_entropy", "cross_entropy", "correct")
    )
    soft = not np.isin(correct, (0.0, 1.0)).all()
    return _Points(x, y, correct >= _HALF, weights[counted], soft)


def _choose(points: _Points) -> tuple[IntArray, list[str]]:
    """The rows that are drawn, and what to say of the others."""
    drawn, remarks = np.flatnonzero(np.isfinite(points.y)), []
    n_infinite, n = len(points.y) - len(drawn), len(drawn)
    if n > _MOST_POINTS:
        chosen = np.random.default_rng(_SEED).permutation(n)[:_MOST_POINTS]
        drawn = drawn[np.sort(chosen)]
        remarks.append(f"a random {_MOST_POINTS:,} of {n:,} rows are drawn")
    if n_infinite:
        remarks.append(f"not drawn: {counted(n_infinite, 'row')} of infinite cost")
    return drawn, remarks


def _draw(
    ax: Axes,
    points: _Points,
    drawn: IntArray,
    inside: BoolArray,
    name: str,
    style: Mapping[str, Any],
) -> None:
    """The points of a group, and its mean over all its rows."""
    if not inside.any():
        return
    rows = drawn[inside[drawn]]
    share = points.weights[inside].sum() / points.weights.sum()
    alpha = float(np.clip(60.0 / np.sqrt(len(drawn) + 1.0), 0.25, 0.8)) / 1.5
    ax.scatter(
        points.x[rows],
        points.y[rows],
        s=12,
        alpha=alpha,
        label=f"{name} ({percent(round(share, 3))})",
        linewidths=style["linewidths"],
        color=style["color"],
        marker=style["marker"],
    )
    mean = [
        float(np.average(values[inside], weights=points.weights[inside]))
        for values in (points.x, points.y)
    ]
    if np.isfinite(mean).all():
        ax.plot(
            *mean,
            marker=style["mean"],
            markersize=10,
            linestyle="none",
            color=style["color"],
            markeredgecolor=ink(),
            markeredgewidth=1.0,
            label=f"mean: CE {number(mean[1])}, entropy {number(mean[0])}",
            zorder=5,
        )
