"""What recalibration removes of a loss, what features would, and what is left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .._display.result import two_sided
from .._pickling import public
from ._style import (
    BLUE,
    ORANGE,
    SKY,
    VERMILLION,
    amount,
    axes_of,
    caption,
    ink,
    number,
    percent,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._features.result import ReducibleLoss

# From the loss down to what is left: the name, and its colour and hatch.
_STEPS = (
    ("cross_entropy", "cross-entropy", BLUE, ""),
    ("miscalibration", "- miscalibration", VERMILLION, "///"),
    ("missed_miscalibration", "- missed by the map", VERMILLION, "..."),
    ("grouping_loss_at_least", "- features, at least", ORANGE, "\\\\\\"),
    ("entropy_at_most", "= entropy, at most", SKY, ""),
)
_ROOM = 0.5  # for the numbers, of the width of the bars


@public
def reducible(
    result: ReducibleLoss, *, ax: Axes | None = None, level: float = 0.95
) -> Axes:
    """Draw what of a cross-entropy could be removed, as steps down to the rest.

    Recalibration removes the miscalibration; a model of the same features removes the
    grouping loss, of which the bar is a lower bound; what is left is noise, or takes
    features that were not given.

    Parameters
    ----------
    result : ReducibleLoss
        What is drawn.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.
    level : float, default 0.95
        Level of the confidence intervals of the bounds, in (0, 1).

    Returns
    -------
    matplotlib Axes
        One bar per term, with its value and the interval of the bounds.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If ``result`` is no ReducibleLoss.
    ValueError
        If ``level`` is not in (0, 1).

    See Also
    --------
    xent_metrics.Evaluation.reducible : The numbers.
    waterfall : The terms that need no features.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import Evaluation, plotting
    >>> x = np.arange(400) % 2
    >>> evaluation = Evaluation.from_predictions(x, np.full(400, 0.5))
    >>> ax = plotting.reducible(evaluation.reducible(x))
    >>> [label.get_text() for label in ax.get_yticklabels()][-1]
    '= entropy, at most'
    """
    if not hasattr(result, "grouping_loss_at_least"):
        msg = (
            "the plot needs a ReducibleLoss: found "
            f"{type(result).__name__}; pass evaluation.reducible(X)."
        )
        raise TypeError(msg)
    z = two_sided(level)
    ax = axes_of(ax)
    ends = _ends(result)
    finite = [end for end in ends if math.isfinite(end)]
    low, high = min(0.0, *finite), max(finite)
    width = high - low or 1.0
    for place, (name, _, colour, hatch) in enumerate(_STEPS):
        whole = name in ("cross_entropy", "entropy_at_most")
        start, end = 0.0 if whole else ends[place - 1], ends[place]
        if not math.isfinite(result.terms[name]):
            text = number(result.terms[name])
            ax.text(0.02 * width, place, text, va="center", fontsize="small")
            continue
        ax.barh(
            place,
            end - start,
            left=start,
            height=0.62,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.0,
            label=name.replace("_", " "),
        )
        text = number(result.terms[name])
        reach = z * result.standard_errors.get(name, math.nan)
        at = max(start, end)
        if math.isfinite(reach):
            ax.errorbar(end, place, xerr=reach, color=ink(), capsize=3, linewidth=1.2)
            at = max(at, end + reach)
            least = max(result.terms[name] - reach, 0.0)
            text += f"  [{number(least)}, {number(result.terms[name] + reach)}]"
        ax.text(at + 0.02 * width, place, text, va="center", fontsize="small")
    for place, end in enumerate(ends[:-1]):
        if not math.isfinite(end):
            continue
        ax.plot([end] * 2, [place, place + 1], color=ink(), alpha=0.5, linewidth=0.8)
    ax.axvline(0.0, color=ink(), linewidth=0.8)
    ax.set_xlim(low, high + _ROOM * width)
    ax.set_ylim(len(_STEPS) - 0.4, -0.6)
    ax.set_yticks(range(len(_STEPS)), [title for _, title, _, _ in _STEPS])
    ax.tick_params(axis="y", length=0)
    caption(
        ax,
        heading=_heading(result),
        x=f"{result.unit}, with {percent(level)} intervals of the bounds",
        remarks=["what is left is noise, or takes features that were not given"],
    )
    return ax


def _ends(result: ReducibleLoss) -> list[float]:
    """Where each bar ends, from the loss, which may be infinite, down to the rest."""
    ends = [result.entropy_at_most] * 2
    for name, *_ in _STEPS[-2:1:-1]:
        ends.append(ends[-1] + result.terms[name])
    return [result.cross_entropy, *reversed(ends)]


def _heading(result: ReducibleLoss) -> str:
    if not result.lower():
        return "No loss found that the features would remove"
    if not math.isfinite(result.cross_entropy):
        won = amount(result.grouping_loss_at_least, result.unit)
        return f"The features would remove {won} or more"
    share = result.grouping_loss_at_least / result.cross_entropy
    return f"The features would remove {percent(round(share, 3))} of the loss or more"
