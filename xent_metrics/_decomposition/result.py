"""What a mean cross-entropy is made of: the result."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._calls import form
from .._display.result import Result, as_json, intervals, plots
from .._pickling import public
from .._recalibration.custom import RecalibrationMap
from .._recalibration.recalibrator import Recalibrator
from .._terms import TERMS
from .breakdown import breakdown, breakdown_of_classes
from .evidence import Evidence, fitted_recalibrator
from .ladder import beyond
from .resampling import MiscalibrationTest, flip_test
from .text import summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@public
@form("decompose(y_true, y_proba)")
@dataclass(frozen=True, kw_only=True, eq=False)
class Decomposition(Result):
    """The terms of a mean cross-entropy.

    Two identities hold to rounding: ``cross_entropy = entropy + kl_divergence``
    and ``cross_entropy = uncertainty - resolution + miscalibration``.

    Attributes
    ----------
    cross_entropy : float
        Mean cost of the targets under the predictions.
    entropy : float
        Mean entropy of the targets; 0 for hard labels.
    kl_divergence : float
        Mean divergence of the predictions from the targets.
    uncertainty : float
        Cost of always predicting the class frequencies.
    resolution : float
        What the predictions tell about the label.
    miscalibration : float
        What recalibration alone would remove.
    overconfidence, underconfidence : float
        The parts of the miscalibration in rows whose confidence, the greatest
        probability, is lowered by the recalibration map, and in the others.
    refinement : float
        Cost after recalibration: uncertainty - resolution.
    irreducible, grouping_loss : float
        With target distributions: the targets' own entropy, which no model removes,
        and the cost of samples that the model cannot tell apart. They sum to the
        refinement. NaN for hard labels.
    skill : float
        1 - cross_entropy / uncertainty, without unit.
    predictive_entropy : float
        Mean entropy of the predictions.
    calibration_gap : float
        cross_entropy - predictive_entropy; positive where the model is
        over-confident.
    n, n_classes, n_clipped, n_infinite, n_unseen : int
        Rows of positive weight, columns, and the rows whose cost met the clip, was
        infinite, or whose label is not among the classes.
    n_dropped : int
        Rows of a frame that were left out, as their label or a probability is missing.
    n_skipped : int
        Parts of a dataset that were left out, as they could not be read.
    n_effective : float
        Effective number of rows under the weights.
    n_groups : int or None
        Number of groups of rows that are not independent; None where rows stand alone.
    n_folds : int or None
        Number of folds, each with a recalibration map of its own; None where one map
        is that of all rows.
    standard_errors : mapping of str to float
        The standard error of each term, by its name.
    unit : str
        Unit of all terms but the skill.
    clip : float
        Floor of probabilities inside the logarithm.
    recalibration : str
        The recalibration map behind refinement, resolution and miscalibration.
    degrees_of_freedom : int
        Number of its parameters, in all folds together.
    converged : bool
        Whether its fit found the optimum.
    parameters : mapping of str to float
        Their values, where they mean something alone.
    vote_correction : str or None
        The correction of the entropy of a few votes.
    notes : mapping of str to str
        Why a term is NaN or infinite, by the term's name; of ``cross_entropy`` also
        how few rows hold most of it, and of ``n_clipped`` what these rows cost.
    ladder : DataFrame
        One row per map that was tried: its ``degrees_of_freedom``, the debiased
        ``refinement`` under it, the ``miscalibration`` that it would remove with its
        ``standard_error``, the ``share`` of what the chosen map removes (NaN where
        that is not clear), the rows ``n`` that it was tried on, whether it was
        ``chosen``, and a ``note``.

    See Also
    --------
    decompose : Makes one.
    Evaluation : One with its rows.
    TERMS : What each term means.
    """

    cross_entropy: float
    entropy: float
    kl_divergence: float
    uncertainty: float
    resolution: float
    miscalibration: float
    refinement: float
    irreducible: float
    grouping_loss: float
    skill: float
    predictive_entropy: float
    calibration_gap: float
    n: int
    n_effective: float
    n_groups: int | None
    n_folds: int | None
    n_classes: int
    n_clipped: int
    n_infinite: int
    n_unseen: int
    n_dropped: int
    n_skipped: int = 0
    overconfidence: float = math.nan
    underconfidence: float = math.nan
    unit: str
    clip: float
    recalibration: str
    degrees_of_freedom: int
    converged: bool
    vote_correction: str | None
    standard_errors: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    ladder: pd.DataFrame = field(
        default_factory=pd.DataFrame, repr=False, compare=False
    )
    _evidence: Evidence = field(repr=False, compare=False)

    @property
    def terms(self) -> dict[str, float]:
        """The terms by name, in the order in which they are shown."""
        return {name: getattr(self, name) for name in TERMS}

    @property
    def base(self) -> float | None:
        """The base of the logarithm that was asked for; None for nats."""
        return self._evidence.base

    @property
    def has_data(self) -> bool:
        """Whether the data is there, which groups, classes and tests are made of.

        It is lost where a result is pickled or read back, and a scan keeps none:
        :meth:`by`, :meth:`by_class` and :meth:`miscalibration_test` raise there.
        """
        return self._evidence.data is not None

    @property
    def recalibration_requested(self) -> str | RecalibrationMap | None:
        """What was passed as ``recalibration``, such as "auto".

        None where the result is without its data: then only ``recalibration``, the
        map that was chosen, is known.
        """
        return self._evidence.requested

    def ci(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Confidence intervals of the terms, by name.

        Parameters
        ----------
        level : float, default 0.95
            How often such an interval holds the true value, in (0, 1).

        Returns
        -------
        dict of str to (low, high)
            Value -+ z times the standard error. Near calibration, where terms of rows
            no longer vary, the standard error of miscalibration is that of the
            weighted chi-square of its estimate. Where a richer map than the chosen one
            may remove more, though within noise, the intervals of miscalibration and
            resolution reach higher by as much, those of refinement and grouping loss
            lower.

        Raises
        ------
        ValueError
            If ``level`` is not in (0, 1).

        Examples
        --------
        >>> from xent_metrics import decompose
        >>> result = decompose([0, 1] * 200, [0.2, 0.7] * 200)
        >>> low, high = result.ci(0.9)["uncertainty"]
        >>> low < result.uncertainty < high
        True
        """
        found = intervals(self.terms, self.standard_errors, level)
        richer = beyond(self.ladder, self.recalibration)
        if richer is None:
            return found
        for name, term in TERMS.items():
            low, high = found[name]
            sign = term.parts.get("refinement", 0)
            if sign > 0:
                found[name] = (low - richer.more, high)
            elif sign < 0:
                found[name] = (low, high + richer.more)
        return found

    def by(self, values: Any, *, refit: bool = False) -> pd.DataFrame:
        """The terms of groups of rows.

        Parameters
        ----------
        values : array-like of shape (N,), or list, DataFrame or mapping of such
            What the rows are grouped by: one key or several, as in
            ``df.groupby(by, dropna=False, observed=True)``; or a function of the
            number of the row. A missing value is a group of its own.
        refit : bool, default False
            False: one recalibration map for all rows; the groups' terms, averaged by
            ``weight``, are those of the whole. True: each group is decomposed alone.

        Returns
        -------
        DataFrame
            One row per distinct value: ``n``, ``weight`` (its share), the terms,
            ``<term>_se``, and a ``note``. Where independent rows are too few for terms
            of the map (10 under the map of all rows, 50 for one of their own), these
            are NaN and the note says so.

        Raises
        ------
        ValueError
            If there is not one value per row, or if the result was read back without
            its data.

        Warns
        -----
        SmallSampleWarning
            If there are more than 50 groups of fewer than two rows on average, as of
            continuous values without bins.

        Examples
        --------
        >>> from xent_metrics import decompose
        >>> result = decompose([0, 1] * 200, [0.2, 0.7] * 200)
        >>> result.by(["north", "south"] * 200)["cross_entropy"].round(4).to_dict()
        {'north': 0.2231, 'south': 0.3567}
        """
        return breakdown(
            self._evidence, values, uncertainty=self.uncertainty, refit=refit
        )

    def by_class(self) -> pd.DataFrame:
        """The terms of each true class, under the one recalibration map.

        Returns
        -------
        DataFrame
            One row per class that occurs: as :meth:`by`, where a row counts by the
            target's probability of the class.

        Raises
        ------
        ValueError
            If the result was read back without its data.

        Examples
        --------
        >>> from xent_metrics import decompose
        >>> result = decompose(["a", "b"] * 200, [[0.8, 0.2], [0.3, 0.7]] * 200)
        >>> result.by_class()["cross_entropy"].round(4).to_dict()
        {'a': 0.2231, 'b': 0.3567}
        """
        return breakdown_of_classes(self._evidence, uncertainty=self.uncertainty)

    def recalibrator(self, name: str | None = None) -> Recalibrator:
        """A fitted map, to apply to other predictions.

        It was fitted to the evaluated rows, which it makes look better than new ones:
        for a classifier in production, fit :class:`RecalibratedClassifier` to others.

        Parameters
        ----------
        name : str, optional
            A map of ``ladder``. Default: the chosen one.

        Returns
        -------
        Recalibrator
            An object with ``predict_proba(q)``.

        Raises
        ------
        ValueError
            If no such map was fitted, or if each fold has a map of its own.

        Examples
        --------
        >>> from xent_metrics import decompose
        >>> bold = [0.1, 0.1, 0.1, 0.9, 0.9, 0.9] * 40
        >>> result = decompose([0, 0, 1, 0, 1, 1] * 40, bold)
        >>> result.recalibrator().predict_proba([0.1, 0.9]).round(2)
        array([[0.67, 0.33],
               [0.33, 0.67]])
        """
        return fitted_recalibrator(
            self._evidence,
            self.recalibration if name is None else name,
            n_folds=self.n_folds,
        )

    def miscalibration_test(
        self,
        *,
        n_resamples: int = 999,
        random_state: int | np.random.Generator | None = 0,
    ) -> MiscalibrationTest:
        """Test "no miscalibration" by sign flips.

        Where predictions are calibrated, the slopes of the cost at the map that changes
        nothing have mean zero, row by row or group by group. Their sums are compared
        with sums of random signs, along three families of maps: a temperature, a
        temperature with a bias per class, and a spline. Nothing is fitted again, and
        the map of the decomposition plays no part.

        Parameters
        ----------
        n_resamples : int, default 999
            Number of draws of the signs; the p-value is a multiple of
            1 / (n_resamples + 1).
        random_state : int or numpy Generator, default 0
            Source of the signs: the same call gives the same p-value. None draws others
            at each call.

        Returns
        -------
        MiscalibrationTest
            ``statistic`` (in standard deviations of its flips), ``pvalue`` and
            ``null_distribution``.

        Raises
        ------
        ValueError
            If miscalibration is undefined, if each fold has a map of its own, or if the
            result was read back without its data.

        Notes
        -----
        The statistic is the greatest of the families' score statistics U' H^-1 U, each
        in standard deviations from its mean under the flips, for which it is the same
        whether rows are weighted, grouped, or have labels, votes or distributions. Few
        independent rows (below 50, say) or heavy weights make the test rough. Signs of
        score contributions are flipped as in Hemerik, Goeman & Finos (2020).

        References
        ----------
        Hemerik, J., Goeman, J. J. & Finos, L. (2020). Robust testing in generalized
        linear models by sign flipping score contributions. Journal of the Royal
        Statistical Society B 82, 841-864. doi:10.1111/rssb.12369

        Examples
        --------
        >>> from xent_metrics import decompose
        >>> bold = [0.1, 0.1, 0.1, 0.9, 0.9, 0.9] * 40
        >>> result = decompose([0, 0, 1, 0, 1, 1] * 40, bold)
        >>> result.miscalibration_test().pvalue
        0.001
        """
        return flip_test(
            self._evidence,
            self.miscalibration,
            n_folds=self.n_folds,
            n_resamples=n_resamples,
            random_state=random_state,
        )

    def plot(self, *, ax: Axes | None = None, level: float = 0.95) -> Axes:
        """Draw what the cross-entropy is made of.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.
        level : float, default 0.95
            The level of the intervals.

        Returns
        -------
        Axes
            With the plot of :func:`plotting.waterfall`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        axes: Axes = plots().waterfall(self, ax=ax, level=level)
        return axes

    def to_dict(self) -> dict[str, Any]:
        """All scalars and mappings by name."""
        return {
            each.name: getattr(self, each.name)
            for each in dataclasses.fields(self)
            if each.compare
        }

    def to_frame(self) -> pd.DataFrame:
        """The terms as a table, with what each means or why it is missing."""
        meanings = {name: term.meaning for name, term in TERMS.items()}
        return pd.DataFrame(
            {
                "value": self.terms,
                "standard_error": dict(self.standard_errors),
                "meaning": meanings | dict(self.notes),
            },
            index=pd.Index(list(TERMS), name="term"),
        )

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore; in older pickles the evidence has its name of then."""
        renamed = {"evidence": "_evidence"}
        vars(self).update({renamed.get(name, name): v for name, v in state.items()})

    def __eq__(self, other: object) -> bool:
        """Whether all scalars and mappings are the same; NaN is NaN."""
        if not isinstance(other, Decomposition):
            return NotImplemented
        return bool(as_json(self.to_dict()) == as_json(other.to_dict()))

    def __hash__(self) -> int:
        return hash(tuple(map(str, self.terms.values())))

    def __repr__(self) -> str:
        """The identity written out, one term per line."""
        return summary(self)
