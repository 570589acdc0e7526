"""What was observed against what was predicted, with the recalibration map."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from .._decomposition.ladder import is_clear
from .._display.result import two_sided
from .._pickling import public
from ._bins import Bins, check_bins, in_bins
from ._map_curve import MapCurve, map_curve, why_no_map
from ._rows import ClassRows, place_of, rows_of_class
from ._style import (
    BLUE,
    VERMILLION,
    axes_of,
    caption,
    evaluated,
    ink,
    legend,
    number,
    percent,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._decomposition.result import Decomposition
    from .._evaluation.evaluation import Evaluation

_HISTOGRAM_BINS = 25
_LINE = 52  # characters of a line of the legend
_CURVE = 100  # points: fewer are marked one by one
_CORNER = 0.75  # left of it and above is the legend, unless something is there
_BELOW = 0.22  # of the height of the curve: room of the histogram


@public
def reliability(
    evaluation: Evaluation,
    *,
    of_class: Any = None,
    bins: int = 15,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw what was observed against what was predicted, with the recalibration map.

    Parameters
    ----------
    evaluation : Evaluation
        What is drawn.
    of_class : class, optional
        The class whose probability is drawn. Default: the second of two classes; of
        several, the class that each row predicts: confidence against accuracy.
    bins : int, default 15
        Number of bins of equal weight; equal predictions share one.
    level : float, default 0.95
        Level of intervals and band, in (0, 1).
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib Axes
        The bins with intervals, the map with a pointwise band, the line of calibrated
        predictions, and below it the distribution of predictions, in axes of its own
        inside these. Where there is no map the legend says why.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If ``of_class`` is not a class, if ``bins`` or ``level`` is out of range, or if
        the result came without its rows.

    Notes
    -----
    Intervals of the bins are Wilson's (1927), for as many labels as the frequency is
    worth under weights, groups and soft targets.

    The band is that of maps which are linear in their parameters, from the covariance
    H^-1 (J + Lambda) H^-1: the sandwich of the scores' scatter J, which knows weights
    and groups, and what the ridge Lambda may hide (Nychka, 1988). It is symmetric in
    logits and pointwise, about the best map of its kind: it does not know what no such
    map can follow, nor that a kind was chosen, and is wide where classes are nearly
    separated. With
    several classes the map is no function of one probability: drawn is its mean in each
    bin, with the band of that mean. Other maps ("isotonic", "confusion", one of the
    user's own) have no band.

    Examples
    --------
    >>> from xent_metrics import Evaluation, plotting
    >>> y, q = [0, 0, 1, 0, 1, 1] * 40, [0.1, 0.1, 0.1, 0.9, 0.9, 0.9] * 40
    >>> ax = plotting.reliability(Evaluation.from_predictions(y, q))
    >>> ax.get_title(loc="left")
    'Recalibration alone would remove 0.199 of 0.838 nats'
    """
    n_bins, z = check_bins(bins), two_sided(level)
    found, labels = evaluated(evaluation), evaluation.labels
    place = place_of(of_class, labels)
    rows = rows_of_class(evaluation, place)
    points = in_bins(rows, n_bins, z)
    ax = axes_of(ax)
    ends = [0.0, 1.0]
    ax.plot(ends, ends, color=ink(), alpha=0.6, dashes=(4, 3), label="calibrated")
    why = why_no_map(evaluation, place)
    if why:
        ax.plot(
            [], [], linestyle="none", label=fill(f"no recalibration map: {why}", _LINE)
        )
    else:
        drawn = map_curve(evaluation, place, rows, points, z)
        _draw_map(ax, drawn, found.recalibration, level)
    _draw_bins(ax, points, level)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-_BELOW, 1.02)
    ax.set_yticks(np.linspace(0.0, 1.0, 6))
    _draw_histogram(ax, rows)
    x, y = "confidence (probability of the class predicted)", "accuracy"
    if place is not None:
        x = f"predicted probability of {short(labels[place])}"
        y = f"observed frequency of {short(labels[place])}"
    caption(ax, heading=_heading(found, rows, of_class, labels), x=x, y=y)
    if ((points.predicted < _CORNER) & (points.high > _CORNER)).any():
        legend(ax, loc="lower right", bbox_to_anchor=(1.0, _BELOW))
    else:
        legend(ax, loc="upper left")
    return ax


def _draw_map(ax: Axes, drawn: MapCurve, name: str, level: float) -> None:
    """The curve and its band."""
    label = f"recalibration map ({short(name)})"
    if drawn.low is None or drawn.high is None:
        label += ", no band"
    else:
        label += f", {percent(level)} band"
        ax.fill_between(
            drawn.predicted,
            drawn.low,
            drawn.high,
            color=VERMILLION,
            alpha=0.25,
            linewidth=0.0,
        )
    few = len(drawn.predicted) < _CURVE
    ax.plot(
        drawn.predicted,
        drawn.recalibrated,
        color=VERMILLION,
        marker="s" if few else "",
        markersize=3,
        linewidth=1.0 if few else 1.5,
        label=label,
    )


def _draw_bins(ax: Axes, points: Bins, level: float) -> None:
    """Observed frequencies with their intervals."""
    below, above = points.observed - points.low, points.high - points.observed
    ax.errorbar(
        points.predicted,
        points.observed,
        yerr=[below.tolist(), above.tolist()],  # arrays of one trip matplotlib 3.9
        color=BLUE,
        marker="o",
        markersize=4,
        linestyle="none",
        linewidth=1.2,
        label=f"observed, {percent(level)} intervals",
    )


def _draw_histogram(ax: Axes, rows: ClassRows) -> None:
    """The distribution of predictions, below the curve."""
    left, right = ax.get_xlim()
    below = ax.inset_axes(
        (left, -_BELOW, right - left, 0.75 * _BELOW), transform=ax.transData
    )
    below.hist(
        rows.predicted,
        bins=np.linspace(0.0, 1.0, _HISTOGRAM_BINS + 1).tolist(),
        weights=rows.weights / rows.weights.sum(),
        color=BLUE,
        alpha=0.7,
    )
    below.set_xlim(left, right)
    below.set_axis_off()


def _heading(
    found: Decomposition, rows: ClassRows, of_class: Any, labels: tuple[Any, ...]
) -> str:
    if of_class is not None and len(labels) > 2:  # noqa: PLR2004
        predicted, observed = (
            number(float(np.average(values, weights=rows.weights)))
            for values in (rows.predicted, rows.observed)
        )
        name = short(of_class)
        return f"{name}: predicted {predicted} on average, observed {observed}"
    won = number(found.miscalibration)
    if not math.isfinite(found.miscalibration):
        return f"The miscalibration is {won}"
    whole = number(found.cross_entropy)
    error = found.standard_errors.get("miscalibration", math.nan)
    if not is_clear(found.miscalibration, error, found.cross_entropy):
        return f"No clear miscalibration: {won} of {whole} {found.unit}"
    return f"Recalibration alone would remove {won} of {whole} {found.unit}"
