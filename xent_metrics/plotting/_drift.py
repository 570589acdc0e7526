"""How a loss came from one set of rows to another, and what is expected of one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from .._display.result import two_sided
from .._pickling import public
from ._style import (
    AS_IT_IS,
    BLUE,
    GREEN,
    GREY,
    VERMILLION,
    axes_of,
    caption,
    ink,
    number,
    percent,
    short,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from .._decomposition.result import Decomposition
    from .._evaluation.comparison import Difference

_Estimand = Literal["population", "rows", "realised"]
_ROOM = 1.1  # for the numbers, of the width of the bars
_ROW = 0.36  # inches
_MOST_GROUPS = 30


class Drifted(Protocol):
    """What is drawn of a :class:`Drift`, whose room stands beside this one."""

    @property
    def reference(self) -> Decomposition: ...
    @property
    def current(self) -> Decomposition: ...
    @property
    def mix(self) -> Difference: ...
    @property
    def concept(self) -> Difference: ...
    @property
    def conclusion(self) -> str: ...
    @property
    def level(self) -> float: ...
    @property
    def unit(self) -> str: ...


class Expected(Protocol):
    """What is drawn of an :class:`ExpectedLoss`, from the same room."""

    @property
    def expected_loss(self) -> float: ...
    @property
    def standard_errors(self) -> Mapping[str, float]: ...
    @property
    def reference_loss(self) -> float: ...
    @property
    def predictive_entropy(self) -> float: ...
    @property
    def by_group(self) -> pd.DataFrame | None: ...
    @property
    def unit(self) -> str: ...
    def ci(self, level: float, *, of: _Estimand) -> tuple[float, float]: ...


@public
def drift(result: Drifted, *, ax: Axes | None = None) -> Axes:
    """Draw how the loss of one set of rows became that of another.

    Parameters
    ----------
    result : Drift
        What :func:`xent_metrics.drift` returned.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib Axes
        The loss of the reference, mix and concept as steps from there with their
        intervals, and the current loss.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If ``result`` is no drift.

    See Also
    --------
    xent_metrics.drift : The numbers.
    over_time : Period by period.

    Examples
    --------
    >>> from xent_metrics import Evaluation, drift, plotting
    >>> q = [0.2, 0.7, 0.4, 0.1]
    >>> first = Evaluation.from_predictions([0, 1, 1, 0] * 90, q * 90)
    >>> later = Evaluation.from_predictions([0, 0, 1] * 120, q[:3] * 120)
    >>> ax = plotting.drift(drift(first, later))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['reference', 'mix', 'concept', 'current']
    """
    if not hasattr(result, "concept"):
        msg = (
            f"the plot needs a Drift: found {type(result).__name__}; pass "
            "drift(reference, current)."
        )
        raise TypeError(msg)
    ax = axes_of(ax, height=3.2)
    before, now = result.reference.cross_entropy, result.current.cross_entropy
    between = before + result.mix.difference
    z = two_sided(result.level)
    steps = [
        ("reference", before, before, math.nan, GREY),
        ("mix", before, between, z * result.mix.standard_error, BLUE),
        ("concept", between, now, z * result.concept.standard_error, VERMILLION),
        ("current", now, now, math.nan, GREY),
    ]
    ends = [
        end + side * (reach if math.isfinite(reach) else 0.0)
        for _, _, end, reach, _ in steps
        if math.isfinite(end)
        for side in (-1.0, 1.0)
    ]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    width = high - low or 1.0
    for place, (name, start, end, reach, colour) in enumerate(steps):
        moved = name in ("mix", "concept")
        text = (
            f"{'+' * (moved and end >= start)}{number(end - start if moved else end)}"
        )
        at = low
        if math.isfinite(end) and math.isfinite(start):
            if moved:
                ax.barh(place, end - start, left=start, height=0.62, color=colour)
            else:
                ax.plot([end], [place], "o", color=colour)
            at = max(start, end)
            if math.isfinite(reach):
                ax.errorbar(
                    end, place, xerr=reach, color=ink(), capsize=3, linewidth=1.2
                )
                at = max(start, end + reach)
                pair = (number(end - start + side * reach) for side in (-1.0, 1.0))
                text += f"  [{', '.join(pair)}]"
        ax.text(at + 0.03 * width, place, text, va="center", fontsize="small")
    for value in (before, between):
        if math.isfinite(value):
            ax.axvline(value, color=ink(), alpha=0.3, linewidth=0.8)
    ax.set_xlim(low - 0.05 * width, high + _ROOM * width)
    ax.set_ylim(len(steps) - 0.4, -0.6)
    ax.set_yticks(range(len(steps)), [name for name, *_ in steps])
    ax.tick_params(axis="y", length=0)
    caption(
        ax,
        heading=result.conclusion[:1].upper() + result.conclusion[1:],
        x=f"cross-entropy ({result.unit}), with {percent(result.level)} intervals",
    )
    return ax


@public
def expected_loss(
    result: Expected,
    *,
    ax: Axes | None = None,
    of: _Estimand = "population",
    level: float = 0.95,
) -> Axes:
    """Draw the loss that is expected of predictions without labels.

    Parameters
    ----------
    result : ExpectedLoss
        What :func:`xent_metrics.expected_loss` returned.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.
    of : {"population", "rows", "realised"}, default "population"
        What the intervals are of, as in :meth:`xent_metrics.ExpectedLoss.ci`.
    level : float, default 0.95
        Level of the intervals, in (0, 1).

    Returns
    -------
    matplotlib Axes
        A point with its interval for all rows and for each group, of at most 30 that
        are the largest; the loss of the reference as a line; and the cost that the
        model itself expects of all rows.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If ``result`` is no expected loss.
    ValueError
        If ``level`` is not in (0, 1), or ``of`` is none of these.

    See Also
    --------
    xent_metrics.expected_loss : The numbers.
    drift : What moved, once labels are there.

    Examples
    --------
    >>> from xent_metrics import Evaluation, expected_loss, plotting
    >>> reference = Evaluation.from_predictions([0, 1, 1, 0, 1] * 80, [0.4] * 400)
    >>> ax = plotting.expected_loss(expected_loss(reference, [0.4] * 100))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['all rows']
    """
    if not hasattr(result, "reference_loss"):
        msg = (
            f"the plot needs an ExpectedLoss: found {type(result).__name__}; pass "
            "expected_loss(reference, y_proba)."
        )
        raise TypeError(msg)
    result.ci(level, of=of)  # which refuses what it does not know
    z = two_sided(level)
    rows = [("all rows", result.expected_loss, result.standard_errors[of])]
    remarks = []
    if result.by_group is not None:
        table = result.by_group.nlargest(_MOST_GROUPS, "n").sort_index()
        errors = table[f"{of}_se"]
        rows += [
            (short(name), value, error)
            for name, value, error in zip(
                table.index, table["expected_loss"], errors, strict=True
            )
        ]
        if len(table) < len(result.by_group):
            remarks.append(
                f"the {_MOST_GROUPS} largest of {len(result.by_group):,} groups"
            )
    ax = axes_of(ax, height=2.2 + _ROW * len(rows))
    for place, (_, value, error) in enumerate(rows):
        reach = z * error if math.isfinite(error) else 0.0
        if math.isfinite(value):
            ax.errorbar(value, place, xerr=reach, fmt="o", color=BLUE, capsize=3)
        else:
            ax.text(result.reference_loss, place, number(value), va="center")
    ax.axvline(
        result.reference_loss, color=ink(), linestyle="--", label="the reference's loss"
    )
    ax.plot(
        [result.predictive_entropy], [0], "x", color=GREEN, label="the model's entropy"
    )
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(range(len(rows)), [name for name, *_ in rows], **AS_IT_IS)
    ax.tick_params(axis="y", length=0)
    beside = [
        f"dashed: the reference's loss, {number(result.reference_loss)}",
        f"cross: what the model expects, {number(result.predictive_entropy)}",
    ]
    what = {"population": "all rows like these", "rows": "these rows on average"}
    about = what.get(of, "these rows, once their labels are known")
    caption(
        ax,
        heading=f"Expected: {number(result.expected_loss)} {result.unit}",
        x=f"loss ({result.unit}), with {percent(level)} intervals",
        remarks=[f"intervals for {about}", *remarks, *beside],
    )
    return ax
