"""What a mean cross-entropy is made of: the result type."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from ._display import plain, two_sided
from ._evidence import Evidence
from ._pickling import public
from ._summary import MEANINGS, TERMS, summary
from ._with_evidence import WithEvidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@public
@dataclass(frozen=True, kw_only=True, eq=False)
class Decomposition(WithEvidence):
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
        What recalibration alone would win back.
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
        Why a term is NaN or infinite, by the term's name.
    ladder : DataFrame
        One row a map that was tried: its ``degrees_of_freedom``, the debiased
        ``refinement`` under it, the ``miscalibration`` that it would win back with its
        ``standard_error``, the ``share`` of what the chosen map wins back (NaN where
        that is not clear), the rows ``n`` that it was tried on, whether it was
        ``chosen``, and a ``note``.
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
    evidence: Evidence = field(repr=False, compare=False)

    @property
    def terms(self) -> dict[str, float]:
        """The terms by name, in the order in which they are shown."""
        return {name: getattr(self, name) for name in TERMS}

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
            weighted chi-square of its estimate.

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
        z = two_sided(level)
        return {
            name: (value - z * error, value + z * error)
            for name, value in self.terms.items()
            for error in [self.standard_errors.get(name, math.nan)]
        }

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
        from . import plotting  # noqa: PLC0415 - matplotlib is loaded when first used

        return plotting.waterfall(self, ax=ax, level=level)

    def to_dict(self) -> dict[str, Any]:
        """All scalars and mappings by name."""
        return {
            each.name: getattr(self, each.name)
            for each in dataclasses.fields(self)
            if each.compare
        }

    def to_frame(self) -> pd.DataFrame:
        """The terms as a table, one row a term: what it means, or why it is missing."""
        return pd.DataFrame(
            {
                "value": self.terms,
                "standard_error": dict(self.standard_errors),
                "meaning": {**MEANINGS, **self.notes},
            },
            index=pd.Index(TERMS, name="term"),
        )

    def __eq__(self, other: object) -> bool:
        """Whether all scalars and mappings are the same; NaN is NaN."""
        if not isinstance(other, Decomposition):
            return NotImplemented
        return bool(plain(self.to_dict()) == plain(other.to_dict()))

    def __hash__(self) -> int:
        return hash(tuple(map(str, self.terms.values())))

    def __repr__(self) -> str:
        """The identity written out, one term a line."""
        return summary(self)
