"""What averaging the members of an ensemble does, as two sums."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .._display.result import counted
from .._pickling import public
from .._terms import title
from ._style import (
    BLUE,
    ORANGE,
    SKY,
    VERMILLION,
    axes_of,
    caption,
    ink,
    legend,
    number,
    percent,
    reason,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._ensemble.result import EnsembleDecomposition

# The whole, then its two parts with their colours and hatches.
_SUMS = (
    (
        "member_cross_entropy",
        (("ensemble_cross_entropy", BLUE, ""), ("diversity", VERMILLION, "///")),
    ),
    (
        "predictive_entropy",
        (("member_entropy", SKY, "..."), ("mutual_information", ORANGE, "\\\\\\")),
    ),
)


@public
def ensemble(result: EnsembleDecomposition, *, ax: Axes | None = None) -> Axes:
    """Draw what averaging the members of an ensemble does to cost and entropy.

    Two bars: the members' mean cross-entropy is that of the ensemble plus diversity;
    the entropy of the ensemble is the members' mean entropy plus mutual information.

    Parameters
    ----------
    result : EnsembleDecomposition
        What is drawn.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib Axes
        Two stacked bars. A sum with an infinite or undefined term has the reason in
        their place.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    See Also
    --------
    xent_metrics.decompose_ensemble : The numbers.

    Examples
    --------
    >>> from xent_metrics import decompose_ensemble, plotting
    >>> members = [[[0.9, 0.1], [0.4, 0.6]], [[0.7, 0.3], [0.2, 0.8]]]
    >>> result = decompose_ensemble([0, 1], members)
    >>> plotting.ensemble(result).get_xlabel()
    'nats'
    """
    if not hasattr(result, "diversity"):
        msg = (
            "the plot needs an EnsembleDecomposition: found "
            f"{type(result).__name__}; pass decompose_ensemble(y_true, members)."
        )
        raise TypeError(msg)
    ax = axes_of(ax)
    longest = max(
        (result.terms[whole] for whole, _ in _SUMS if _finite(result, whole)),
        default=0.0,
    )
    for place, (whole, parts) in enumerate(_SUMS):
        if not _finite(result, whole):
            note = next(
                (result.notes[n] for n in _names(whole) if n in result.notes), ""
            )
            ax.text(0.0, place, reason(math.nan, note), va="center", fontsize="small")
            continue
        start = 0.0
        for name, colour, hatch in parts:
            value = result.terms[name]
            ax.barh(
                place,
                value,
                left=start,
                height=0.45,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0.0,
                label=f"{title(name)} {number(value)}",
            )
            start += value
        total = number(result.terms[whole])
        ax.text(start + 0.015 * longest, place, total, va="center", fontsize="small")
    ax.axvline(0.0, color=ink(), linewidth=0.8)
    ax.set_xlim(0.0, 1.14 * longest or 1.0)
    ax.set_ylim(len(_SUMS) - 0.4, -0.6)
    names = [title(whole).replace(" ", "\n", 1) for whole, _ in _SUMS]
    ax.set_yticks(range(len(_SUMS)), names)
    ax.tick_params(axis="y", length=0)
    caption(ax, heading=_heading(result), x=result.unit)
    legend(
        ax, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, borderaxespad=0
    )
    return ax


def _names(whole: str) -> tuple[str, ...]:
    return whole, *(part[0] for part in dict(_SUMS)[whole])


def _finite(result: EnsembleDecomposition, whole: str) -> bool:
    return all(math.isfinite(result.terms[name]) for name in _names(whole))


def _heading(result: EnsembleDecomposition) -> str:
    members = counted(result.n_members, "member")
    if not _finite(result, "member_cross_entropy"):
        return f"{members}: the cross-entropy is {number(math.inf)}"
    if not result.member_cross_entropy:
        return f"{members}: the cross-entropy is 0"
    share = max(result.diversity / result.member_cross_entropy, 0.0)
    return f"Averaging {members} takes {percent(round(share, 3))} off their loss"
