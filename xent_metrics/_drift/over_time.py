"""Terms over time, beside what a reference expects of the same predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._calls import form
from .._display.result import Result, as_json, counted, plots, show_period, two_sided
from .._pickling import public
from .._terms import title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = ("cross_entropy", "resolution", "miscalibration")
_MOST_SHOWN = 12  # periods in the text


@public
@form("df.xent(target=..., proba=...).over_time('when')")
@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class OverTime(Result):
    """The terms of each period; made by :meth:`XentAccessor.over_time`.

    Attributes
    ----------
    table : DataFrame
        One row per period that has rows, as ``freq`` labels it: ``n`` rows,
        ``n_labelled`` of them with a label, and the terms of these under one
        recalibration map, as :meth:`Decomposition.by` gives them. With a reference
        also the ``expected_loss`` of all rows, with the errors ``expected_loss_se``
        (of the population's loss) and ``realised_se``, and the ``share_outside``, as
        :func:`expected_loss` gives them; and of the labelled rows the ``excess``,
        their cross-entropy less what is expected of them, with ``excess_se``, and
        whether that is an ``alert``.
    lines : mapping of str to float
        The value of each term to compare periods with: that of the reference, or of
        all labelled rows.
    freq : str
        The length of a period, as pandas writes it.
    level : float
        The level of intervals; of alerts, for all periods together.
    unit : str
        The unit of the terms.
    has_reference : bool
        Whether there is a reference.
    n_dropped : int
        Rows left out, as a value is missing.
    """

    table: pd.DataFrame = field(compare=False)
    lines: Mapping[str, float] = field(hash=False)
    freq: str
    level: float
    unit: str
    has_reference: bool
    n_dropped: int

    @property
    def alerts(self) -> pd.DataFrame:
        """The periods with an alert: none without a reference."""
        if not self.has_reference:
            return self.table.iloc[:0]
        return self.table[self.table["alert"]]

    @property
    def n(self) -> int:
        """Rows of all periods."""
        return int(self.table["n"].sum())

    @property
    def n_labelled(self) -> int:
        """Rows with a label."""
        return int(self.table["n_labelled"].sum())

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table."""
        return self.table.copy()

    def to_dict(self) -> dict[str, Any]:
        """All attributes by name; periods are text."""
        table = self.table.set_axis(self.table.index.map(show_period))
        return {
            "freq": self.freq,
            "level": self.level,
            "unit": self.unit,
            "has_reference": self.has_reference,
            "n": self.n,
            "n_labelled": self.n_labelled,
            "n_dropped": self.n_dropped,
            "lines": dict(self.lines),
            "periods": table.rename_axis(index="period"),
        }

    def __eq__(self, other: object) -> bool:
        """Whether all values are the same; NaN is NaN."""
        if not isinstance(other, OverTime):
            return NotImplemented
        return bool(as_json(self.to_dict()) == as_json(other.to_dict()))

    def __hash__(self) -> int:
        return hash((self.freq, self.n, self.n_labelled))

    def plot(self, term: str = "cross_entropy", *, ax: Axes | None = None) -> Axes:
        """Draw a term over time, with the reference's line and alerts.

        Parameters
        ----------
        term : str, default "cross_entropy"
            A term of the table. With a reference the cross-entropy is drawn beside
            the loss that is expected.
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.

        Returns
        -------
        Axes
            With the plot of :func:`plotting.over_time`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the table has no such term.
        """
        axes: Axes = plots().over_time(self, term, ax=ax)
        return axes

    def _shown_table(self) -> pd.DataFrame:
        """The last periods as text: terms with their errors."""
        rows = []
        for when, row in self.table.tail(_MOST_SHOWN).iterrows():
            shown = {"period": show_period(when), "n": f"{row['n']:,.0f}"}
            if self.n_labelled < self.n:
                shown["labelled"] = f"{row['n_labelled']:,.0f}"
            for name in _SHOWN:
                shown[title(name)] = _with_error(row[name], row[f"{name}_se"])
            if self.has_reference:
                error = row["expected_loss_se"]
                shown["expected loss"] = _with_error(row["expected_loss"], error)
                shown[""] = "alert" if row["alert"] else ""
            rows.append(shown)
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        """The last periods, and what the alerts are."""
        head = f"{counted(len(self.table), 'period')} ({self.freq}) of "
        head += f"{counted(self.n, 'row')}, in {self.unit}"
        lines = [head, ""]
        table = self._shown_table().to_string(index=False)
        lines += [f"  {line.rstrip()}" for line in table.splitlines()]
        return "\n".join([*lines, "", *self._remarks()])

    def _remarks(self) -> list[str]:
        of = "the reference" if self.has_reference else "all labelled rows"
        cost = self.lines["cross_entropy"]
        found = [f"cross-entropy of {of}: {cost:.4f}; ±: the standard error"]
        left = len(self.table) - _MOST_SHOWN
        if left > 0:
            found.append(f"{counted(left, 'earlier period')}: see to_frame()")
        if self.has_reference:
            alerts = counted(len(self.alerts), "alert")
            found.append(
                f"{alerts}: labelled rows cost more, or less, than expected by "
                f"{self.reach:.1f} standard errors; in periods without change there is "
                f"any with probability {1 - self.level:.2g}, about"
            )
        if self.n_dropped:
            found.append(
                f"{counted(self.n_dropped, 'row')} left out: a value is missing"
            )
        return found

    @property
    def n_tested(self) -> int:
        """Periods whose labelled rows were compared with what is expected of them."""
        if not self.has_reference:
            return 0
        return int(self.table["excess_se"].notna().sum())

    @property
    def reach(self) -> float:
        """How many standard errors an excess is where it is an alert."""
        return two_sided(1.0 - (1.0 - self.level) / max(self.n_tested, 1))


def _with_error(value: float, error: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.4f}" + ("" if math.isnan(error) else f" ± {error:.4f}")
