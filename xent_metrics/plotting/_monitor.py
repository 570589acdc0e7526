"""A monitor's periods: what was found beside what the reference's map expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from .._display.result import counted, show_period, two_sided
from .._pickling import public
from .._terms import title
from ._periods import draw_alarms, draw_line, draw_values, places_of
from ._style import SKY, axes_of, caption, legend, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class _Monitor(Protocol):
    """What is drawn of a monitor, whose room stands beside this one."""

    @property
    def watched(self) -> tuple[str, ...]: ...
    @property
    def unit(self) -> str: ...
    @property
    def evidence(self) -> float: ...
    @property
    def threshold(self) -> float: ...
    @property
    def alarm(self) -> Any: ...
    @property
    def alarms(self) -> tuple[Any, ...]: ...
    def to_frame(self) -> pd.DataFrame: ...


@public
def monitor(
    monitor: _Monitor, on: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw what each period has in excess of what the reference's map expects.

    Parameters
    ----------
    monitor : Monitor
        With its history.
    on : str, optional
        What to draw, of ``monitor.watched``. Default: what the last alarm is on, or
        the first.
    ax : matplotlib Axes, optional
        Where to draw. Default: a figure of its own.

    Returns
    -------
    matplotlib Axes
        The mean excess of each period with 95 % intervals, the band that the map's
        error may account for, a line at each alarm, and the state in the heading.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If ``monitor`` is no Monitor.
    ValueError
        If ``on`` is not watched.

    See Also
    --------
    xent_metrics.Monitor : What is drawn.
    over_time : One look at all periods.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import Evaluation, Monitor, plotting
    >>> rng = np.random.default_rng(0)
    >>> q = rng.uniform(0.05, 0.95, 4000)
    >>> y = rng.random(4000) < q
    >>> watching = Monitor(Evaluation.from_predictions(y[:2000], q[:2000]))
    >>> for rows in np.split(np.arange(2000, 4000), 10):
    ...     _ = watching.update(y[rows], q[rows])
    >>> plotting.monitor(watching).get_ylabel()
    'excess cross-entropy (nats)'
    """
    if not hasattr(monitor, "watched"):
        msg = (
            f"the plot needs a Monitor: found {type(monitor).__name__}; pass "
            "Monitor(evaluation)."
        )
        raise TypeError(msg)
    if on is None:
        on = monitor.alarms[-1].on if monitor.alarms else monitor.watched[0]
    if on not in monitor.watched:
        msg = (
            f"on must be what is watched, {', '.join(map(repr, monitor.watched))}: "
            f"found {on!r}; pass one of them."
        )
        raise ValueError(msg)
    ax = axes_of(ax)
    table = monitor.to_frame()
    labels = [_period(year, when) for year, when in table.index]
    places = places_of(ax, labels)
    band = table[f"{on}_band"].to_numpy()
    if len(table):
        ax.fill_between(
            places, -band, band, color=SKY, alpha=0.35, linewidth=0.0,
            label="the map's own error",
        )  # fmt: skip
        values, errors = table[on].to_numpy(), table[f"{on}_se"].to_numpy()
        reach = two_sided(0.95) * np.nan_to_num(errors)
        draw_values(ax, places, values, reach, "period, with its 95% interval")
    draw_line(ax, 0.0, "expected")
    years = table.index.get_level_values("year")
    alarms = [one for one in monitor.alarms if one.on == on]
    at = [places[(years < one.year).sum() + one.period - 1] for one in alarms]
    draw_alarms(ax, at, "alarm")
    legend(ax)
    unit = "probability" if on.startswith("frequency of ") else monitor.unit
    caption(
        ax,
        heading=_heading(monitor),
        x="period",
        y=f"excess {short(title(on))} ({unit})",
        remarks=_remarks(monitor, on),
    )
    return ax


def _period(year: int, when: Any) -> Any:
    """The name of a period; numbers begin anew every year."""
    if isinstance(when, (int, np.integer)) and year > 1:
        return f"{when} of year {year}"
    return when


def _remarks(monitor: _Monitor, on: str) -> list[str]:
    """How many alarms are on something else."""
    others = [title(one.on) for one in monitor.alarms if one.on != on]
    if not others:
        return []
    number = counted(len(others), "alarm")
    return [f"{number} on others: {', '.join(dict.fromkeys(others))}"]


def _heading(monitor: _Monitor) -> str:
    if monitor.alarm is None:
        return (
            f"No alarm this year: evidence {monitor.evidence:.3g} of "
            f"{monitor.threshold:.3g}"
        )
    return (
        f"{title(monitor.alarm.on).capitalize()} {monitor.alarm.direction} than "
        f"expected since about {show_period(monitor.alarm.since)}"
    )
