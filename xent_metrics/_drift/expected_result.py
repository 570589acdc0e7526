"""The loss that predictions without labels are expected to have: the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from .._calls import form
from .._display.result import Result, as_json, counted, plots, two_sided
from .._pickling import public

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Estimand = Literal["population", "rows", "realised"]
_MEANINGS: Mapping[Estimand, str] = {
    "population": "the loss of all rows like these",
    "rows": "what these rows cost on average over their labels",
    "realised": "what these rows will cost once their labels are known",
}


@public
@form("expected_loss(reference, y_proba)")
@dataclass(frozen=True, kw_only=True, eq=False)
class ExpectedLoss(Result):
    """The log loss that the reference expects of predictions without labels.

    Made by :func:`expected_loss`.

    Attributes
    ----------
    expected_loss : float
        The estimate.
    standard_errors : mapping of str to float
        Its standard error as an estimate of the loss of the ``"population"`` that the
        rows are of (the map's error and that of the rows), of the mean cost that these
        ``"rows"`` have over their possible labels (the map's alone), and of the loss
        that will be ``"realised"`` (the map's, and the chance of the labels).
    reference_loss : float
        The loss of the reference.
    mix, mix_error : float
        The change from there that comes of other predictions, and its standard error.
    predictive_entropy : float
        What the model itself expects: right only where it is calibrated.
    by_group : DataFrame or None
        One row per group that was asked for: ``n``, ``weight``, ``expected_loss``, its
        three standard errors, ``mix`` and ``share_outside``.
    share_outside : float
        The share of the rows whose predictions lie outside the range of those of the
        reference: what is expected of these is a guess.
    n, n_classes : int
        Rows of positive weight, and classes.
    n_groups : int or None
        Number of groups of rows that are not independent; None where rows stand alone.
    unit : str
        The unit of all losses.
    recalibration : str
        The map that expects.
    """

    expected_loss: float
    standard_errors: Mapping[str, float]
    reference_loss: float
    mix: float
    mix_error: float
    predictive_entropy: float
    by_group: pd.DataFrame | None = field(default=None, repr=False, compare=False)
    share_outside: float
    n: int
    n_classes: int
    n_groups: int | None
    unit: str
    recalibration: str

    def ci(
        self, level: float = 0.95, *, of: Estimand = "population"
    ) -> tuple[float, float]:
        """An interval for the loss.

        Parameters
        ----------
        level : float, default 0.95
            How often such an interval holds the true value, in (0, 1).
        of : {"population", "rows", "realised"}, default "population"
            The loss of all rows like these; the mean cost of these rows over their
            possible labels; or the loss that these rows will have.

        Returns
        -------
        (low, high) : tuple of float
            The estimate -+ z times its standard error.

        Raises
        ------
        ValueError
            If ``level`` is not in (0, 1), or ``of`` is none of these.

        Examples
        --------
        >>> from xent_metrics import Evaluation, expected_loss
        >>> reference = Evaluation.from_predictions([0, 1, 1, 0, 1] * 80, [0.4] * 400)
        >>> result = expected_loss(reference, [0.4] * 100)
        >>> low, high = result.ci(of="realised")
        >>> round(low, 2), round(high, 2)
        (0.71, 0.8)
        """
        if of not in get_args(Estimand):
            msg = (
                f"of must be one of {', '.join(map(repr, get_args(Estimand)))}: found "
                f"{of!r}; pass 'realised' for the loss that these rows will have."
            )
            raise ValueError(msg)
        reach = two_sided(level) * self.standard_errors[of]
        return self.expected_loss - reach, self.expected_loss + reach

    def to_dict(self) -> dict[str, Any]:
        """All scalars, mappings and tables by name."""
        return {
            each.name: getattr(self, each.name) for each in dataclasses.fields(self)
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per thing that is estimated, with its error and 95 % interval.

        Returns
        -------
        DataFrame
            ``expected_loss``, ``standard_error``, ``low``, ``high`` and ``meaning``,
            by ``of``.
        """
        rows = {
            of: (self.expected_loss, self.standard_errors[of], *self.ci(of=of), meaning)
            for of, meaning in _MEANINGS.items()
        }
        columns = ["expected_loss", "standard_error", "low", "high", "meaning"]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        return frame.rename_axis(index="of")

    def plot(self, *, ax: Axes | None = None, of: Estimand = "population") -> Axes:
        """Draw the expected loss, of all rows and by group, with its interval.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.
        of : {"population", "rows", "realised"}, default "population"
            What the interval is of, as in :meth:`ci`.

        Returns
        -------
        Axes
            With the plot of :func:`plotting.expected_loss`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``of`` is none of these.
        """
        axes: Axes = plots().expected_loss(self, ax=ax, of=of)
        return axes

    def __eq__(self, other: object) -> bool:
        """Whether all scalars, mappings and tables are the same; NaN is NaN."""
        if not isinstance(other, ExpectedLoss):
            return NotImplemented
        return bool(as_json(self.to_dict()) == as_json(other.to_dict()))

    def __hash__(self) -> int:
        return hash((str(self.expected_loss), self.n))

    def __repr__(self) -> str:
        """The loss with its three intervals, and what it is to be seen beside."""
        classes = counted(self.n_classes, "class", "classes")
        headline = (
            f"Expected loss of {self.expected_loss:.4f} {self.unit} "
            f"({counted(self.n, 'row')} without labels, {classes})"
        )
        lines = [headline, ""]
        for of, meaning in _MEANINGS.items():
            low, high = self.ci(of=of)
            lines.append(f"  {of:<20} {f'{low:.4f} to {high:.4f}':<18}  {meaning}")
        change = f"{self.mix:+.4f} ± {self.mix_error:.4f}"
        beside = {
            "reference": (f"{self.reference_loss:.4f}", "the loss of the reference"),
            "mix": (change, "the change that other predictions make"),
            "predictive entropy": (
                f"{self.predictive_entropy:.4f}",
                "what the model itself expects",
            ),
        }
        lines.append("")
        for name, (value, meaning) in beside.items():
            lines.append(f"  {name:<20} {value:<18}  {meaning}")
        lines += ["", *self._remarks()]
        return "\n".join(lines)

    def _remarks(self) -> list[str]:
        lines = [
            "intervals of 95 %; right where labels behave as in the reference",
            f"map of the reference: {self.recalibration}",
        ]
        if self.share_outside > 0:
            lines.append(
                "outside the range of the reference's predictions: "
                f"{self.share_outside:.1%} of the rows, whose cost is a guess"
            )
        return lines
