"""Several models: what they resolve against what they miscalibrate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._kernels.table import FloatArray
from .._pickling import public
from ._labels import label_points
from ._style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    axes_of,
    caption,
    decomposition_of,
    ink,
    number,
    reason,
    short,
    with_unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._decomposition.result import Decomposition
    from .._evaluation.comparison import Comparison
    from .._evaluation.evaluation import Evaluation

_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
_MARKERS = "osD^vPX*"
_LINES = 6  # of equal cross-entropy, about
_SAME = 1e-9  # relative, of uncertainties
_MARGIN = 0.18  # of the width of the points


@public
def models(
    models: Mapping[str, Decomposition | Evaluation] | Comparison,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw models by their resolution and miscalibration, with lines of equal cost.

    On a line the cross-entropy = uncertainty - resolution + miscalibration is the same:
    models are better to the right and below.

    Parameters
    ----------
    models : mapping of str to Decomposition or Evaluation, or Comparison
        Models evaluated on the same rows, so that the uncertainty is the same.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib Axes
        One point per model, with standard errors. A model whose terms are infinite or
        undefined is named below with the reason.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there is no model, or if uncertainties or units differ.

    See Also
    --------
    xent_metrics.compare : The numbers.
    waterfall : One model.

    Examples
    --------
    >>> from xent_metrics import decompose, plotting
    >>> y, q = [0, 1, 1, 0] * 100, [0.2, 0.7, 0.6, 0.4] * 100
    >>> sharp = [0.01, 0.99, 0.9, 0.6] * 100
    >>> tables, chosen = {"plain": q, "sharp": sharp}, {"recalibration": "spline"}
    >>> ax = plotting.models({k: decompose(y, p, **chosen) for k, p in tables.items()})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('resolution (nats)', 'miscalibration (nats)')
    """
    given: Any = getattr(models, "decompositions", models)
    if not isinstance(given, Mapping):
        msg = (
            "models must be a mapping from name to model, or a Comparison: found "
            f"{type(models).__name__}; pass {{name: evaluation}}."
        )
        raise TypeError(msg)
    found = {str(name): decomposition_of(one) for name, one in given.items()}
    first = _check_same(found)
    drawn = {
        name: one
        for name, one in found.items()
        if math.isfinite(one.resolution) and math.isfinite(one.miscalibration)
    }
    ax = axes_of(ax)
    if drawn:
        errors = _draw_points(ax, drawn)
        _set_limits(ax, drawn, errors)
        _draw_lines(ax, first.uncertainty)
        points = [(one.resolution, one.miscalibration) for one in drawn.values()]
        label_points(ax, [short(name) for name in drawn], np.array(points), errors)
    caption(
        ax,
        heading=_heading(drawn, first),
        x=with_unit("resolution", first.unit),
        y=with_unit("miscalibration", first.unit),
        remarks=_remarks(found, drawn),
    )
    return ax


def _check_same(found: Mapping[str, Decomposition]) -> Decomposition:
    """The first model; one sentence where others are not of the same rows."""
    if not found:
        msg = "models must not be empty: found no model; pass at least one by its name."
        raise ValueError(msg)
    first_name, first = next(iter(found.items()))
    for name, one in found.items():
        if one.unit != first.unit:
            msg = (
                f"models must have one unit: {first_name!r} is in {first.unit}, "
                f"{name!r} in {one.unit}; pass the same base to all."
            )
            raise ValueError(msg)
        if not math.isclose(one.uncertainty, first.uncertainty, rel_tol=_SAME):
            msg = (
                "models must have one uncertainty, that of the same rows: "
                f"{first_name!r} has {first.uncertainty:.6g}, {name!r} has "
                f"{one.uncertainty:.6g}; evaluate them on the same rows."
            )
            raise ValueError(msg)
    return first


def _draw_points(ax: Axes, drawn: Mapping[str, Decomposition]) -> FloatArray:
    """Points with their standard errors, which are returned: (models, 2)."""
    errors = []
    for place, (name, one) in enumerate(drawn.items()):
        error = [
            one.standard_errors.get(term, math.nan)
            for term in ("resolution", "miscalibration")
        ]
        error = [each if math.isfinite(each) else 0.0 for each in error]
        ax.errorbar(
            one.resolution,
            one.miscalibration,
            xerr=error[0],
            yerr=error[1],
            color=_COLOURS[place % len(_COLOURS)],
            marker=_MARKERS[place % len(_MARKERS)],
            markersize=7,
            linewidth=1.0,
            label=name,
            zorder=3,
        )
        errors.append(error)
    return np.array(errors)


def _set_limits(
    ax: Axes, drawn: Mapping[str, Decomposition], errors: FloatArray
) -> None:
    """Room for the points, their errors and their names."""
    points = np.array([(one.resolution, one.miscalibration) for one in drawn.values()])
    low, high = (points - errors).min(axis=0), (points + errors).max(axis=0)
    low[1] = min(low[1], 0.0)
    width = np.maximum(high - low, 0.05 * float(np.abs(points).max()) or 1.0)
    low, high = low - _MARGIN * width, high + _MARGIN * width
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])


def _draw_lines(ax: Axes, uncertainty: float) -> None:
    """Lines of equal cross-entropy, each with its value where it leaves the axes."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - heavy, and optional

    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    ax.axhline(0.0, color=ink(), alpha=0.6, linewidth=0.8)
    costs = MaxNLocator(_LINES).tick_values(
        uncertainty - right + bottom, uncertainty - left + top
    )
    for cost in costs:
        shift = cost - uncertainty
        start, end = max(left, bottom - shift), min(right, top - shift)
        if cost <= 0 or end - start < 0.1 * (right - left):
            continue
        ax.plot(
            [start, end],
            [start + shift, end + shift],
            color=ink(),
            alpha=0.5,
            linewidth=0.8,
            linestyle=":",
            zorder=1,
        )
        at = min(right - 0.02 * (right - left), top - shift - 0.07 * (top - bottom))
        if at < start:
            continue
        ax.text(
            at,
            at + shift,
            f"CE {cost:.4g}",
            fontsize="x-small",
            alpha=0.7,
            ha="right",
            va="bottom",
            rotation=45,
            rotation_mode="anchor",
            transform_rotates_text=True,
            clip_on=True,
        )


def _heading(drawn: Mapping[str, Decomposition], first: Decomposition) -> str:
    if not drawn:
        return "No model has finite terms"
    best = min(drawn, key=lambda name: drawn[name].cross_entropy)
    cost = number(drawn[best].cross_entropy)
    text = f"{short(best)} has the lowest cross-entropy: {cost}"
    return f"{text} {first.unit} (uncertainty {number(first.uncertainty)})"


def _remarks(
    found: Mapping[str, Decomposition], drawn: Mapping[str, Decomposition]
) -> list[str]:
    """Models that have no place, and maps that differ."""
    remarks = []
    for name, one in found.items():
        if name in drawn:
            continue
        term = "resolution" if math.isnan(one.resolution) else "miscalibration"
        why = reason(getattr(one, term), one.notes.get(term), width=200)
        remarks.append(f"not drawn: {short(name)}, {why}")
    maps = list(dict.fromkeys(one.recalibration for one in drawn.values()))
    if len(maps) > 1:
        remarks.append(f"recalibration maps differ: {', '.join(maps)}")
    return remarks
