"""The terms of a cross-entropy as steps that add up to it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from .._display.result import two_sided
from .._pickling import public
from .._terms import IDENTITY, SOFT_IDENTITY, title
from ._style import (
    COLOURS,
    HATCHES,
    axes_of,
    caption,
    decomposition_of,
    ink,
    number,
    percent,
    reason,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._decomposition.result import Decomposition
    from .._evaluation.evaluation import Evaluation

_ROOM = 0.62  # for the numbers, of the width of the bars


class _Step(NamedTuple):
    """A bar: its sign and term, where it starts and ends, and half its interval."""

    sign: str
    name: str
    value: float
    start: float
    end: float
    reach: float

    @property
    def drawn(self) -> bool:
        """Whether there is a bar: not of what is infinite or undefined."""
        return math.isfinite(self.start) and math.isfinite(self.end)


@public
def waterfall(
    result: Decomposition | Evaluation, *, ax: Axes | None = None, level: float = 0.95
) -> Axes:
    """Draw the terms of a cross-entropy as steps that add up to it.

    With hard labels, uncertainty - resolution + miscalibration; with distributions
    and votes, irreducible + grouping loss + miscalibration.

    Parameters
    ----------
    result : Decomposition or Evaluation
        What is drawn.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.
    level : float, default 0.95
        Level of the confidence intervals, in (0, 1).

    Returns
    -------
    matplotlib Axes
        One bar per term, with its value and interval. A term that is infinite or
        undefined has the reason in the place of its bar.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If ``level`` is not in (0, 1).

    See Also
    --------
    xent_metrics.Decomposition.plot : The same as a method.
    models : Several models.

    Examples
    --------
    >>> from xent_metrics import decompose, plotting
    >>> result = decompose([0, 1] * 200, [0.2, 0.7] * 200)
    >>> ax = plotting.waterfall(result)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['uncertainty', '- resolution', '+ miscalibration', '= cross-entropy']
    """
    found = decomposition_of(result)
    steps = _steps(found, two_sided(level))
    ax = axes_of(ax)
    left, right = _limits(steps)
    for place, step in enumerate(steps):
        if step.drawn:
            _draw(ax, place, step, right - left)
        else:
            text = reason(step.value, found.notes.get(step.name))
            at = left + 0.02 * (right - left)
            ax.text(at, place, text, va="center", fontsize="small")
    for place, (step, following) in enumerate(pairwise(steps)):
        if step.drawn and following.drawn:
            ends = [step.end, step.end]
            ax.plot(ends, [place, place + 1], color=ink(), alpha=0.5, linewidth=0.8)
    ax.axvline(0.0, color=ink(), linewidth=0.8)
    ax.set_xlim(left, right + _ROOM * (right - left))
    ax.set_ylim(len(steps) - 0.4, -0.6)
    names = [f"{step.sign} {title(step.name)}".strip() for step in steps]
    ax.set_yticks(range(len(steps)), names)
    ax.tick_params(axis="y", length=0)
    caption(
        ax,
        heading=_heading(found, steps),
        x=f"{found.unit}, with {percent(level)} intervals",
        remarks=_remarks(found),
    )
    return ax


def _steps(found: Decomposition, z: float) -> list[_Step]:
    fine = not math.isnan(found.irreducible)
    steps, end = [], 0.0
    (_, first), *others = SOFT_IDENTITY if fine else IDENTITY
    for sign, name in (("", first), *others, ("=", "cross_entropy")):
        value = getattr(found, name)
        start = 0.0 if sign == "=" else end
        end = start - value if sign == "-" else start + value
        reach = z * found.standard_errors.get(name, math.nan)
        reach = reach if math.isfinite(reach) else 0.0
        steps.append(_Step(sign, name, value, start, end, reach))
    return steps


def _limits(steps: list[_Step]) -> tuple[float, float]:
    """From the least to the greatest end of a bar or an interval."""
    drawn = [step for step in steps if step.drawn]
    ends = [step.end + side * step.reach for step in drawn for side in (-1, 1)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    return (low, high) if high > low else (0.0, 1.0)


def _draw(ax: Axes, place: int, step: _Step, width: float) -> None:
    ax.barh(
        place,
        step.end - step.start,
        left=step.start,
        height=0.62,
        color=COLOURS[step.name],
        hatch=HATCHES.get(step.name),
        edgecolor="white",
        linewidth=0.0,
        label=title(step.name),
    )
    text = number(step.value)
    if step.reach:
        ax.errorbar(
            step.end, place, xerr=step.reach, color=ink(), capsize=3, linewidth=1.2
        )
        low, high = step.value - step.reach, step.value + step.reach
        text += f"  [{number(low)}, {number(high)}]"
    at = max(step.start, step.end + step.reach) + 0.02 * width
    ax.text(at, place, text, va="center", fontsize="small")


def _heading(found: Decomposition, steps: list[_Step]) -> str:
    if not math.isfinite(found.cross_entropy):
        return f"The cross-entropy is {number(found.cross_entropy)}"
    text = f"CE {number(found.cross_entropy)}"
    if all(step.drawn for step in steps):
        signed = [
            f"{'-' if (step.sign == '-') != (step.value < 0) else '+'} "
            f"{number(abs(step.value))}"
            for step in steps[:-1]
        ]
        text += f" = {' '.join(signed).removeprefix('+ ')}"
    return f"{text} {found.unit}"


def _remarks(found: Decomposition) -> list[str]:
    """Why the finer sum of target distributions is not drawn."""
    if math.isnan(found.entropy):
        return [reason(found.irreducible, found.notes.get("irreducible"), width=70)]
    return []
