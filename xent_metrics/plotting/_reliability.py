"""What was observed against what was predicted, with the recalibration map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._decomposition.ladder import is_clear
from .._display.result import two_sided
from .._pickling import public
from ._bins import Bins, check_bins, in_bins
from ._map_curve import MapCurve, map_curve, why_no_map
from ._probability_axes import ProbabilityAxes, probability_axes
from ._rows import ClassRows, place_of, rows_of_class
from ._style import (
    AS_IT_IS,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
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
# Of the bins and the map of each model; no more than these are told apart.
_COLOURS = ((BLUE, VERMILLION), (GREEN, ORANGE), (PURPLE, SKY))
_MARKERS, _DASHES = "osD", ("-", "--", ":")
# How gids of what is drawn start, by which another model of the axes is told from it.
_MODEL, _UNNAMED, _DIAGONAL = "xent-model", "xent-unnamed", "xent-diagonal"
_FIRST = "model 1"


@public
def reliability(
    evaluation: Evaluation | Mapping[str, Evaluation],
    *,
    of_class: Any = None,
    bins: int = 15,
    level: float = 0.95,
    name: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what was observed against what was predicted, with the recalibration map.

    Parameters
    ----------
    evaluation : Evaluation, or mapping of str to Evaluation
        What is drawn; or up to three models, by their names, in one plot.
    of_class : class, optional
        The class whose probability is drawn. Default: the second of two classes; of
        several, the class that each row predicts: confidence against accuracy.
    bins : int, default 15
        Number of bins of equal weight; equal predictions share one.
    level : float, default 0.95
        Level of intervals and band, in (0, 1).
    name : str, optional
        What the model is called in the legend. Default: nothing, or its number where
        the axes hold several.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own. Axes that hold such a plot get
        another model, in other colours, up to three.

    Returns
    -------
    matplotlib Axes
        The bins with intervals, the map with a pointwise band, the line of calibrated
        predictions, and below it the distribution of predictions, in axes of its own
        inside these. Where there is no map the legend says why. With several classes,
        whose probabilities crowd near 0 or 1, both axes are logits.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If ``of_class`` is not a class, if ``bins`` or ``level`` is out of range, if
        the result came without its rows, or if there are no models, more than three,
        or models of two classes beside ones of more.

    See Also
    --------
    xent_metrics.Evaluation.plot : The same as a method.
    by_class : Which classes pay.

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

    Two models in one plot:

    >>> mild = Evaluation.from_predictions(y, [0.3, 0.3, 0.3, 0.7, 0.7, 0.7] * 40)
    >>> sharp = Evaluation.from_predictions(y, q)
    >>> ax = plotting.reliability({"mild": mild, "sharp": sharp})
    """
    n_bins, z = check_bins(bins), two_sided(level)
    models = _models(evaluation, name)
    drawn = {}
    for called, each in models:
        found = evaluated(each)
        place = place_of(of_class, each.labels)
        rows = rows_of_class(each, place)
        points = in_bins(rows, n_bins, z)
        drawn[called] = _Model(each, found, place, rows, points)
    ax = axes_of(ax)
    for called, model in drawn.items():
        _draw_model(ax, called, model, level=level, z=z, of_class=of_class)
    return ax


class _Model(NamedTuple):
    """What is drawn of a model; ``place`` is the column of the class, if it is one."""

    evaluation: Evaluation
    found: Decomposition
    place: int | None
    rows: ClassRows
    points: Bins


def _models(evaluation: Any, name: str | None) -> list[tuple[str | None, Evaluation]]:
    """Models with their names."""
    if not isinstance(evaluation, Mapping):
        return [(name, evaluation)]
    if not 0 < len(evaluation) <= len(_COLOURS):
        msg = (
            f"evaluation must hold one to {len(_COLOURS)} models: found "
            f"{len(evaluation)}; draw others in axes of their own."
        )
        raise ValueError(msg)
    return [(str(key), one) for key, one in evaluation.items()]


def _draw_model(
    ax: Axes,
    name: str | None,
    model: _Model,
    *,
    level: float,
    z: float,
    of_class: Any,
) -> None:
    """Draw a model, beside those that the axes hold."""
    evaluation, found, place, rows, points = model
    n = _name_earlier(ax)
    if n and name is None:
        name = f"model {n + 1}"
    said = "" if name is None else f"{short(name)}: "
    axes = probability_axes(
        [points.predicted, points.observed],
        logit=len(evaluation.labels) > 2,  # noqa: PLR2004
        below=_BELOW,
        drawn=ax if n else None,
    )
    axes.apply(ax)
    _draw_diagonal(ax, axes)
    before = {*ax.lines, *ax.collections}
    why = why_no_map(evaluation, place)
    if why:
        text = fill(f"{said}no recalibration map: {why}", _LINE)
        ax.plot([], [], linestyle="none", label=text)
    else:
        curve = map_curve(evaluation, place, rows, points, z)
        label = f"{said}recalibration map ({short(found.recalibration)})"
        _draw_map(ax, axes, curve, label, level, n)
    _draw_bins(ax, points, axes, f"{said}observed, {percent(level)} intervals", n)
    _draw_histogram(ax, rows, axes, n)
    ours = [one for one in (*ax.lines, *ax.collections) if one not in before]
    for at, artist in enumerate(ours):
        artist.set_gid(f"{_MODEL if said else _UNNAMED}-{n}-{at}")
    x, y = "confidence (probability of the class predicted)", "accuracy"
    if place is not None:
        x = f"predicted probability of {short(evaluation.labels[place])}"
        y = f"observed frequency of {short(evaluation.labels[place])}"
    heading = said + _heading(found, rows, of_class, evaluation.labels)
    caption(ax, heading=[*_headings(ax, n), heading], x=x, y=y)
    right, up = axes.positions(points.predicted), axes.positions(points.high)
    if n:
        legend(ax, loc="best", fontsize="x-small")
    elif ((right < _CORNER) & (up > _CORNER)).any():
        legend(ax, loc="lower right", bbox_to_anchor=(1.0, _BELOW))
    else:
        legend(ax, loc="upper left")


def _name_earlier(ax: Axes) -> int:
    """Give a model without a name its number; how many models the axes hold."""
    bars = [
        one
        for one in ax.containers
        if _starts(getattr(one, "lines", [None])[0], _MODEL, _UNNAMED)
    ]
    if len(bars) >= len(_COLOURS):
        msg = (
            f"axes can hold {len(_COLOURS)} models: found {len(bars)} in them; draw "
            "others in axes of their own."
        )
        raise ValueError(msg)
    if not any(_starts(line, _UNNAMED) for line in ax.lines):
        return len(bars)
    artists: list[Any] = [*ax.lines, *ax.collections, bars[0]]
    for artist in artists:
        label = str(artist.get_label())
        ours = artist is bars[0] or _starts(artist, _UNNAMED)
        if ours and not label.startswith("_"):
            artist.set_label(f"{_FIRST}: {label}")
    for artist in (*ax.lines, *ax.collections):
        if _starts(artist, _UNNAMED):
            artist.set_gid(str(artist.get_gid()).replace(_UNNAMED, _MODEL))
    title = ax.get_title(loc="left")
    ax.set_title(f"{_FIRST}: {title}", loc="left", fontsize="medium", **AS_IT_IS)
    return len(bars)


def _starts(artist: Any, *starts: str) -> bool:
    """Whether it is an artist whose gid starts like one of these."""
    return str(getattr(artist, "get_gid", str)()).startswith(starts)


def _headings(ax: Axes, n: int) -> list[str]:
    """The statements on the models before."""
    return [ax.get_title(loc="left")] if n else []


def _draw_diagonal(ax: Axes, axes: ProbabilityAxes) -> None:
    """The line of calibrated predictions, as long as the axes are."""
    ends = [axes.low, axes.high]
    found = [line for line in ax.lines if line.get_gid() == _DIAGONAL]
    if found:
        found[0].set_data(ends, ends)
        return
    (line,) = ax.plot(
        ends, ends, color=ink(), alpha=0.6, dashes=(4, 3), label="calibrated"
    )
    line.set_gid(_DIAGONAL)


def _draw_map(
    ax: Axes, axes: ProbabilityAxes, drawn: MapCurve, label: str, level: float, n: int
) -> None:
    """The curve and its band."""
    colour = _COLOURS[n][1]
    if drawn.low is None or drawn.high is None:
        label += ", no band"
    else:
        label += f", {percent(level)} band"
        ax.fill_between(
            axes.near(drawn.predicted),
            axes.near(drawn.low),
            axes.near(drawn.high),
            color=colour,
            alpha=0.25,
            linewidth=0.0,
        )
    few = len(drawn.predicted) < _CURVE
    ax.plot(
        axes.near(drawn.predicted),
        axes.near(drawn.recalibrated),
        color=colour,
        linestyle=_DASHES[n],
        marker="s" if few else "",
        markersize=3,
        linewidth=1.0 if few else 1.5,
        label=label,
    )


def _draw_bins(
    ax: Axes, points: Bins, axes: ProbabilityAxes, label: str, n: int
) -> None:
    """Observed frequencies with intervals, at the edge where they have no logit."""
    observed, predicted = map(axes.inside, (points.observed, points.predicted))
    below, above = observed - axes.near(points.low), axes.near(points.high) - observed
    below, above = np.maximum(below, 0.0), np.maximum(above, 0.0)
    ax.errorbar(
        predicted,
        observed,
        yerr=[below.tolist(), above.tolist()],  # arrays of one trip matplotlib 3.9
        color=_COLOURS[n][0],
        marker=_MARKERS[n],
        markersize=4,
        linestyle="none",
        linewidth=1.2,
        label=label,
    )


def _draw_histogram(ax: Axes, rows: ClassRows, axes: ProbabilityAxes, n: int) -> None:
    """The distribution of predictions, below the curve."""
    below = axes.inset(ax)
    below.hist(
        axes.inside(rows.predicted),
        bins=axes.at(np.linspace(0.0, 1.0, _HISTOGRAM_BINS + 1)).tolist(),
        weights=rows.weights / rows.weights.sum(),
        color=_COLOURS[n][0],
        alpha=0.7 if not n else 0.5,
        histtype="bar" if not n else "stepfilled",
    )
    below.set_xlim(ax.get_xlim())


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
