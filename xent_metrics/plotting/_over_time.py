"""A term over time: periods with intervals, the reference's line, and alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from .._display.result import counted, show_period, two_sided
from .._pickling import public
from .._terms import TERMS, title
from ._periods import draw_alarms, draw_line, draw_values, places_of
from ._style import ORANGE, axes_of, caption, legend, percent, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class _OverTime(Protocol):
    """What is drawn of the result, whose room stands beside this one."""

    @property
    def table(self) -> pd.DataFrame: ...
    @property
    def lines(self) -> Mapping[str, float]: ...
    @property
    def unit(self) -> str: ...
    @property
    def level(self) -> float: ...
    @property
    def has_reference(self) -> bool: ...
    @property
    def alerts(self) -> pd.DataFrame: ...


@public
def over_time(
    result: _OverTime, term: str = "cross_entropy", *, ax: Axes | None = None
) -> Axes:
    """Draw a term over time, with the reference's line and alerts.

    Parameters
    ----------
    result : OverTime
        What ``df.xent(...).over_time("when")`` returns.
    term : str, default "cross_entropy"
        A term of its table.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib Axes
        A point per period with its interval, and a line at the value of the reference,
        or of all labelled rows. With a reference the cross-entropy stands beside the
        loss that is expected of all rows of the period, whose band has the level of
        the result, and alerts are vertical lines.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If ``result`` is no OverTime.
    ValueError
        If the table has no such term.

    See Also
    --------
    xent_metrics.XentAccessor.over_time : The numbers.
    monitor : Batches as they come.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from xent_metrics import plotting
    >>> rng = np.random.default_rng(0)
    >>> days = pd.date_range("2026-01-05", periods=1400, freq="30min")
    >>> df = pd.DataFrame({"when": days, "p": rng.uniform(0.05, 0.95, 1400)})
    >>> df["y"] = (rng.random(1400) < df["p"]).astype(int)
    >>> weeks = df.xent(target="y", proba="p").over_time("when")
    >>> plotting.over_time(weeks).get_ylabel()
    'cross-entropy (nats)'
    """
    if not hasattr(result, "lines"):
        msg = (
            f"the plot needs an OverTime: found {type(result).__name__}; pass "
            "df.xent(target=..., proba=...).over_time('when')."
        )
        raise TypeError(msg)
    table = result.table
    if term not in TERMS or term not in table:
        known = [name for name in TERMS if name in table]
        msg = (
            f"term must be one of the table, {', '.join(map(repr, known))}: found "
            f"{term!r}; pass one of them."
        )
        raise ValueError(msg)
    ax = axes_of(ax)
    z = two_sided(result.level)
    places = places_of(ax, list(table.index))
    if result.has_reference and term == "cross_entropy":
        expected = table["expected_loss"].to_numpy()
        reach = z * table["expected_loss_se"].to_numpy()
        ax.plot(places, expected, color=ORANGE, linewidth=1.2, label="expected")
        ax.fill_between(
            places, expected - reach, expected + reach,
            color=ORANGE, alpha=0.25, linewidth=0.0,
        )  # fmt: skip
    errors = np.nan_to_num(table[f"{term}_se"].to_numpy())
    draw_values(ax, places, table[term].to_numpy(), z * errors, "observed")
    of = "reference" if result.has_reference else "all rows"
    draw_line(ax, result.lines[term], of)
    if term == "cross_entropy":
        at = table.index.get_indexer(result.alerts.index)
        draw_alarms(ax, [places[k] for k in at], "alert")
    legend(ax)
    unit = result.unit
    caption(
        ax,
        heading=_heading(result, term),
        x="period",
        y=with_unit(term, unit) if TERMS[term].has_unit else title(term),
        remarks=[f"intervals and bands of {percent(result.level)}"],
    )
    return ax


def _heading(result: _OverTime, term: str) -> str:
    """What there is to see."""
    periods = counted(len(result.table), "period")
    if not result.has_reference or term != "cross_entropy":
        return f"{title(term).capitalize()} of {periods}"
    alerts = result.alerts
    if not len(alerts):
        return f"No alert in {periods}"
    first = show_period(alerts.index[0])
    return f"{counted(len(alerts), 'alert')} in {periods}, the first in {first}"
