"""What a mean cross-entropy is made of: the result type."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

TERMS = (
    "cross_entropy",
    "entropy",
    "kl_divergence",
    "uncertainty",
    "resolution",
    "miscalibration",
    "refinement",
    "irreducible",
    "grouping_loss",
    "skill",
    "predictive_entropy",
    "calibration_gap",
)

MEANINGS: Mapping[str, str] = {
    "cross_entropy": "the log loss",
    "entropy": "of the targets themselves",
    "kl_divergence": "of the predictions from the targets",
    "uncertainty": "cost of always predicting the class frequencies",
    "resolution": "what the predictions tell about the label",
    "miscalibration": "what recalibration alone would win back",
    "refinement": "what is left after recalibration",
    "irreducible": "what no model could remove",
    "grouping_loss": "samples that the model cannot tell apart",
    "skill": "1 - cross-entropy / uncertainty",
    "predictive_entropy": "cost that the model itself expects",
    "calibration_gap": "cross-entropy - predictive entropy",
}


@dataclass(frozen=True, kw_only=True)
class Decomposition:
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
    n_effective : float
        Effective number of rows under the weights.
    unit : str
        Unit of all terms but the skill.
    clip : float
        Floor of probabilities inside the logarithm.
    recalibration : str
        The recalibration map behind refinement, resolution and miscalibration.
    degrees_of_freedom : int
        Number of its parameters.
    parameters : mapping of str to float
        Their values, where they have a name.
    notes : mapping of str to str
        Why a term is NaN or infinite, by the term's name.
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
    n_classes: int
    n_clipped: int
    n_infinite: int
    n_unseen: int
    unit: str
    clip: float
    recalibration: str
    degrees_of_freedom: int
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    notes: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def terms(self) -> dict[str, float]:
        """The terms by name, in the order in which they are shown."""
        return {name: getattr(self, name) for name in TERMS}

    def to_dict(self) -> dict[str, Any]:
        """All attributes by name."""
        return dataclasses.asdict(self)

    def to_frame(self) -> pd.DataFrame:
        """The terms as a table with one row a term."""
        return pd.DataFrame(
            {"value": self.terms, "meaning": MEANINGS},
            index=pd.Index(TERMS, name="term"),
        )

    def __repr__(self) -> str:
        """The identity written out, one term a line."""
        return "\n".join([_headline(self), "", *_identity(self), "", *_remarks(self)])


def _headline(result: Decomposition) -> str:
    return (
        f"Decomposition of a cross-entropy of {result.cross_entropy:.4f} {result.unit} "
        f"({result.n:,} rows, {result.n_classes} classes)"
    )


def _identity(result: Decomposition) -> list[str]:
    """The cross-entropy as a sum, then the terms beside it."""
    lines = [_line("", "cross_entropy", result)]
    if not math.isnan(result.irreducible):
        lines += [
            _line("=", "irreducible", result),
            _line("+", "grouping_loss", result),
            _line("+", "miscalibration", result),
            "",
        ]
    lines += [
        _line("=", "uncertainty", result),
        _line("-", "resolution", result),
        _line("+", "miscalibration", result),
        "",
    ]
    others = ("refinement", "skill", "predictive_entropy", "calibration_gap")
    return lines + [_line("", name, result) for name in others]


def _line(sign: str, name: str, result: Decomposition) -> str:
    value = getattr(result, name)
    meaning = result.notes.get(name, MEANINGS[name])
    return f"  {sign:<1} {title(name):<18} {value:>9.4f}  {meaning}"


def title(name: str) -> str:
    """A term's name as words."""
    return name.replace("_", " ").replace("cross entropy", "cross-entropy")


def _remarks(result: Decomposition) -> list[str]:
    values = ", ".join(f"{k} {v:.4g}" for k, v in result.parameters.items())
    lines = [
        f"recalibration map: {result.recalibration}" + f" ({values})" * bool(values)
    ]
    if result.n_effective < result.n * (1 - 1e-12):
        lines.append(f"effective number of rows: {result.n_effective:,.1f}")
    for count, what in (
        (result.n_clipped, f"rows with a probability below clip={result.clip:.2g}"),
        (result.n_infinite, "rows whose cost is infinite"),
        (result.n_unseen, "rows whose label is not among the classes"),
    ):
        if count:
            lines.append(f"{what}: {count:,}")
    share = (
        result.miscalibration / result.cross_entropy if result.cross_entropy else 0.0
    )
    if 0 < share < 1:
        lines.append(f"recalibration alone would win back {share:.0%} of the loss")
    return lines
