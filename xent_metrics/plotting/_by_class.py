"""Which classes a cross-entropy comes from, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._display.result import counted
from .._evaluation.excess import shares_of
from .._kernels.table import FloatArray
from .._pickling import public
from .._terms import title
from ._style import (
    AS_IT_IS,
    COLOURS,
    HATCHES,
    amount,
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
    import pandas as pd
    from matplotlib.axes import Axes

    from .._decomposition.result import Decomposition
    from .._evaluation.evaluation import Evaluation

_PARTS = ("refinement", "miscalibration")
_LINE, _AROUND, _LEAST_HEIGHT = 0.28, 1.4, 4.0  # inches
_THICK = 0.38  # of the room of a class
_ROOM = 0.12  # for a line of the legend, of that of the classes
_LONG = 20  # characters of a name beside which the legend has two lines


class _Classes(NamedTuple):
    """The classes that are drawn, the most excess first, and how many are not."""

    table: pd.DataFrame
    shares: FloatArray
    excess: FloatArray
    n_left: int


@public
def by_class(
    evaluation: Evaluation, *, ax: Axes | None = None, at_most: int = 20
) -> Axes:
    """Draw the terms of each true class: refinement + miscalibration = cross-entropy.

    Under the one recalibration map a class can have a negative miscalibration: what
    recalibration removes in all comes from the rows of that class.

    Parameters
    ----------
    evaluation : Evaluation
        What is drawn.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own, the higher the more classes.
    at_most : int, default 20
        Number of classes to draw; the plot says what the others add.

    Returns
    -------
    matplotlib Axes
        Two bars and a marker per class, with standard errors, in the order of the
        excess: the class's share of the loss less its share of the rows, which is
        beside its name.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If ``at_most`` is not a whole number above 0.

    See Also
    --------
    xent_metrics.Decomposition.by_class : The numbers.
    reliability : What recalibration would change.

    Examples
    --------
    >>> from xent_metrics import Evaluation, plotting
    >>> y, q = ["a", "b"] * 200, [[0.8, 0.2], [0.6, 0.4]] * 200
    >>> ax = plotting.by_class(Evaluation.from_predictions(y, q))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['b  +30.4%', 'a  -30.4%']
    """
    _check(at_most)
    found = evaluated(evaluation)
    classes = _most_costly(evaluation.by_class, at_most)
    n = len(classes.table)
    ax = axes_of(ax, height=max(_LEAST_HEIGHT, _LINE * n + _AROUND))
    places = np.arange(n)
    for side, name in zip((-0.5, 0.5), _PARTS, strict=True):
        _draw_bars(ax, places + side * _THICK, classes.table, name)
    _draw_costs(ax, classes.table)
    ax.axvline(0.0, color=ink(), linewidth=0.8)
    names = [
        short(name) + ("" if np.isnan(excess) else f"  {100 * excess:+.1f}%")
        for name, excess in zip(classes.table.index, classes.excess, strict=True)
    ]
    ax.set_yticks(places, names, **AS_IT_IS)
    ax.tick_params(axis="y", length=0)
    n_lines = 1 if max(map(len, names)) < _LONG else 2
    ax.set_ylim(n - 0.4 + n_lines * _ROOM * n, -0.6)
    caption(
        ax,
        heading=_heading(classes, found),
        x=f"{found.unit}, ± standard error",
        remarks=_remarks(classes, found),
    )
    legend(
        ax, loc="lower right", ncols=4 - n_lines, handlelength=1.2, columnspacing=1.0
    )
    return ax


def _check(at_most: Any) -> None:
    whole = isinstance(at_most, (int, np.integer)) and not isinstance(at_most, bool)
    if not whole or at_most < 1:
        msg = f"at_most must be a whole number above 0: found {at_most!r}; pass 20."
        raise ValueError(msg)


def _most_costly(table: pd.DataFrame, at_most: int) -> _Classes:
    """Classes by their excess loss; shares are NaN where the loss is infinite or 0."""
    held = shares_of(table)
    kept = held.order[:at_most]
    return _Classes(
        table.iloc[kept], held.loss[kept], held.excess[kept], len(table) - len(kept)
    )


def _draw_bars(ax: Axes, places: FloatArray, table: pd.DataFrame, name: str) -> None:
    values, errors = (
        table[column].to_numpy(np.float64) for column in (name, f"{name}_se")
    )
    drawn = np.isfinite(values)
    if not drawn.any():
        return
    ax.barh(
        places[drawn],
        values[drawn],
        xerr=np.where(np.isfinite(errors), errors, 0.0)[drawn],
        height=_THICK,
        color=COLOURS[name],
        hatch=HATCHES.get(name),
        edgecolor="white",
        linewidth=0.0,
        error_kw={"ecolor": ink(), "elinewidth": 1.0},
        label=title(name),
    )


def _draw_costs(ax: Axes, table: pd.DataFrame) -> None:
    """A marker for the cross-entropy of each class, or the word that it is infinite."""
    cost = table["cross_entropy"].to_numpy(np.float64)
    drawn = np.isfinite(cost)
    ax.plot(
        cost[drawn],
        np.flatnonzero(drawn),
        marker="D",
        markersize=6,
        linestyle="none",
        color=COLOURS["cross_entropy"],
        markeredgecolor=ink(),
        label=title("cross_entropy"),
    )
    for place in np.flatnonzero(~drawn).tolist():
        ends = table[list(_PARTS)].iloc[place].to_numpy(np.float64)
        right = float(ends[np.isfinite(ends)].max(initial=0.0))
        text = f"  {title('cross_entropy')} {number(cost[place])}"
        ax.text(right, place, text, va="bottom", fontsize="small")


def _heading(classes: _Classes, found: Decomposition) -> str:
    whole = f"CE {amount(found.cross_entropy, found.unit)}"
    if np.isnan(classes.shares[0]):
        return whole
    share = percent(round(classes.shares[0], 3))
    weight = percent(round(float(classes.table["weight"].iloc[0]), 3))
    name = short(classes.table.index[0])
    return f'Class "{name}" has {share} of {whole}, with {weight} of the rows'


def _remarks(classes: _Classes, found: Decomposition) -> list[str]:
    """What is not drawn, and why."""
    remarks = []
    if classes.n_left:
        rest = max(1.0 - float(classes.shares.sum()), 0.0)
        held = "" if np.isnan(rest) else f", {percent(round(rest, 3))} of the loss"
        left = counted(classes.n_left, "other class", "other classes")
        remarks.append(f"not drawn: {left}{held}")
    n_infinite = int(np.isinf(classes.table["cross_entropy"]).sum())
    n_undefined = int(classes.table["refinement"].isna().sum())
    if n_undefined == len(classes.table) and "refinement" in found.notes:
        remarks.append(found.notes["refinement"])
    elif n_undefined:
        undefined = counted(n_undefined, "class", "classes")
        remarks.append(f"{undefined} with too few rows for all terms")
    if n_infinite and "cross_entropy" in found.notes:
        remarks.append(found.notes["cross_entropy"])
    return remarks
