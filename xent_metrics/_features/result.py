"""What the features could still win: the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._calls import form
from .._display.result import Result, encode_label, plots, two_sided
from .._kernels.normal import normal_quantile
from .._pickling import public
from .columns import Features
from .sliced import Slices, find_slices
from .text import MEANINGS, remarks_of_bound, summary_of_bound

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@public
@form("evaluation.reducible(X)")
@dataclass(frozen=True, kw_only=True, repr=False)
class ReducibleLoss(Result):
    """How much of a loss the features could still win, at least.

    Made by :meth:`Evaluation.reducible`. A cross-entropy is the sum of what
    recalibration removes, what a better model of the same features would remove, and
    what is left: noise in the labels, or features that were not given::

        cross_entropy = miscalibration + missed_miscalibration
                      + grouping_loss_at_least + entropy_at_most

    Attributes
    ----------
    cross_entropy : float
        The mean cross-entropy that was evaluated.
    miscalibration : float
        What the recalibration map removes, as in :class:`Decomposition`.
    missed_miscalibration : float
        What a learner that sees the predictions alone removes beyond that map.
    grouping_loss_at_least : float
        What a learner that sees the features removes beyond both: at most the grouping
        loss H(Y | Q) - H(Y | X, Q) in expectation. Never below 0.
    kl_divergence_at_least : float
        The first three together: a floor of the mean divergence from the true class
        probabilities given the features.
    entropy_at_most : float
        The rest: a ceiling of the mean entropy of the labels given the features.
    standard_errors : mapping of str to float
        Those of the three bounds, by the attribute's name.
    per_row : DataFrame
        The costs of each row that counts: as predicted (``cross_entropy``), after
        recalibration (``recalibrated``), with the features (``with_features``), and
        ``gain``, the difference of the last two.
    importances : Series
        By feature, the rise of the cost where its values are permuted among rows of
        like predictions, out of fold: what it tells beyond the predictions, alone or
        together with others. All 0 where the bound is 0.
    n, n_classes : int
        Rows of positive weight, and classes.
    n_groups : int or None
        Groups of dependent rows; None where rows stand alone.
    unit : str
        Unit of all terms.
    learner : str
        The class of the learner.
    recalibration : str
        The recalibration map.

    See Also
    --------
    Evaluation.reducible : Makes one.
    plotting.reducible : Its picture.
    Slices : Where the loss lies.
    """

    cross_entropy: float
    miscalibration: float
    missed_miscalibration: float
    grouping_loss_at_least: float
    kl_divergence_at_least: float
    entropy_at_most: float
    standard_errors: Mapping[str, float] = field(hash=False)
    n: int
    n_classes: int
    n_groups: int | None
    unit: str
    learner: str
    recalibration: str
    per_row: pd.DataFrame = field(compare=False)
    importances: pd.Series[float] = field(compare=False)
    _features: Features = field(compare=False)
    _rows: pd.DataFrame = field(compare=False)

    @property
    def standard_error(self) -> float:
        """The standard error of ``grouping_loss_at_least``."""
        return self.standard_errors["grouping_loss_at_least"]

    def lower(self, level: float = 0.95) -> float:
        """What the grouping loss exceeds with this confidence.

        Parameters
        ----------
        level : float, default 0.95
            How often the grouping loss is at least this, in (0, 1).

        Returns
        -------
        float
            The bound less z standard errors, for one side; 0 where that is negative.

        Raises
        ------
        ValueError
            If ``level`` is not in (0, 1).
        """
        two_sided(level)
        z = normal_quantile(level)
        return max(self.grouping_loss_at_least - z * self.standard_error, 0.0)

    def slices(self, *, max_slices: int = 5) -> Slices:
        """Conditions on the features under which these could win most.

        Parameters
        ----------
        max_slices : int, default 5
            How many conditions to look at, at most.

        Returns
        -------
        Slices
            Grown on half of the rows, measured on the other; see
            :meth:`Evaluation.slices`.

        Raises
        ------
        ValueError
            If ``max_slices`` is not a whole number above 0.
        """
        return find_slices(
            self.per_row["gain"].to_numpy(),
            self._features,
            weights=self._rows["weight"].to_numpy(),
            clusters=self._rows["group"].to_numpy() if self.n_groups else None,
            max_slices=max_slices,
            term="gain",
            unit=self.unit,
        )

    @property
    def terms(self) -> dict[str, float]:
        """The terms by name, in the order in which they are shown."""
        return {name: getattr(self, name) for name in MEANINGS}

    def to_dict(self) -> dict[str, Any]:
        """The terms, their errors, and the importances."""
        return {
            **self.terms,
            "standard_errors": dict(self.standard_errors),
            "importances": [
                {"feature": encode_label(name), "importance": float(value)}
                for name, value in self.importances.items()
            ],
            "n": self.n,
            "n_classes": self.n_classes,
            "n_groups": self.n_groups,
            "unit": self.unit,
            "learner": self.learner,
            "recalibration": self.recalibration,
        }

    def to_frame(self) -> pd.DataFrame:
        """The terms as a table with one row per term."""
        columns = {
            "value": self.terms,
            "standard_error": pd.Series(dict(self.standard_errors), dtype=float),
            "meaning": MEANINGS,
        }
        return pd.DataFrame(columns, index=pd.Index(MEANINGS, name="term"))

    def plot(self, *, ax: Axes | None = None, level: float = 0.95) -> Axes:
        """Draw the terms as steps that add up to the cross-entropy.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.
        level : float, default 0.95
            Level of the confidence intervals, in (0, 1).

        Returns
        -------
        Axes
            With the plot of :func:`plotting.reducible`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``level`` is not in (0, 1).
        """
        axes: Axes = plots().reducible(self, ax=ax, level=level)
        return axes

    def __repr__(self) -> str:
        """The sum written out, one term per line, and which features carry it."""
        return summary_of_bound(self)

    def _remarks(self) -> list[str]:
        return remarks_of_bound(self)
