"""What moved between two sets: the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._calls import form
from .._decomposition.result import Decomposition
from .._display.result import Result, as_json, plots
from .._evaluation.comparison import Difference
from .._pickling import public
from .._terms import TERMS
from .cause import Cause
from .text import conclusion, remarks, text_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@public
@form("drift(reference, current)")
@dataclass(frozen=True, kw_only=True, eq=False)
class Drift(Result):
    """What moved between two sets of different rows; made by :func:`drift`.

    ``differences["cross_entropy"] = mix + concept``, to rounding.

    Attributes
    ----------
    cause : str
        What shows: "nothing clear", "mix", "concept change", "constant shift", "prior
        shift", or mix and one of the others. Each is named where its p-value is below
        0.01.
    mix : Difference
        What other predictions change: the expected loss of the current rows less the
        loss of the reference.
    concept : Difference
        What labels change that behave otherwise under the same prediction: the loss of
        the current rows less what was expected of them.
    correlation : float
        That of the errors of mix and concept, which share the reference's map.
    differences : mapping of str to Difference
        Of each term: current minus reference.
    reference, current : Decomposition
        The terms of both sets.
    expected_loss, expected_loss_error : float
        The loss that the reference's map expects of the current predictions, and its
        standard error.
    by_class : DataFrame
        One row per class: its frequency in the reference (``frequency_reference``), in
        the current rows (``frequency``), and the one that the map expects of these
        (``frequency_expected``); the ``shift`` of its logit that brings the map
        nearest to the current labels; its part in ``mix`` and ``concept``; and the
        errors of these (``<name>_se``).
    by_group : DataFrame or None
        One row per group that was asked for: its rows and share in both sets, its loss,
        its ``expected_loss``, and its part in ``mix`` and ``concept``.
    pvalues : mapping of str to float
        Of what the cause is told by: "no shift" of the logits; "nothing beyond the
        shift"; "prior shift": that it is the change of the class frequencies; "same
        predictions": that the map expects the reference's class frequencies.
    share_explained : float
        The part of the concept that the shift explains; NaN where that is not clear.
    share_outside : float
        The share of the current rows whose predictions lie outside the range of the
        reference's: what is expected of these is a guess.
    n_sampled : int or None
        The size of the random sample of the current rows that mix and concept are told
        apart by; None where that is all of them. Of rows that were scanned,
        ``by_class`` and ``pvalues`` are those of such a sample in any case.
    recalibration : str
        The map that expects.
    level : float
        The level of the intervals.
    """

    cause: Cause
    mix: Difference
    concept: Difference
    correlation: float
    differences: Mapping[str, Difference]
    reference: Decomposition
    current: Decomposition
    expected_loss: float
    expected_loss_error: float
    by_class: pd.DataFrame = field(repr=False, compare=False)
    by_group: pd.DataFrame | None = field(default=None, repr=False, compare=False)
    pvalues: Mapping[str, float]
    share_explained: float
    share_outside: float
    n_sampled: int | None = None
    recalibration: str
    level: float

    @property
    def unit(self) -> str:
        """The unit of all terms but the skill."""
        return self.reference.unit

    @property
    def conclusion(self) -> str:
        """The cause in one sentence, or that nothing is clear."""
        return conclusion(self)

    def to_dict(self) -> dict[str, Any]:
        """All scalars, mappings and tables by name."""
        found: dict[str, Any] = {
            each.name: getattr(self, each.name) for each in dataclasses.fields(self)
        }
        for name in ("mix", "concept"):
            found[name] = found[name]._asdict()
        found["differences"] = {
            term: one._asdict() for term, one in self.differences.items()
        }
        for name in ("reference", "current"):
            one = getattr(self, name)
            found[name] = {"n": one.n, "terms": one.terms}
        return found | {"unit": self.unit, "conclusion": self.conclusion}

    def to_frame(self) -> pd.DataFrame:
        """One row per term, after the split of the first: both values, and what moved.

        Returns
        -------
        DataFrame
            ``reference``, ``current``, ``difference``, ``standard_error``, ``low``,
            ``high`` and ``pvalue``, by ``term``; "mix" and "concept" are no terms of
            one set.
        """
        nothing = (float("nan"), float("nan"))
        rows: dict[str, tuple[float, ...]] = {}
        for term in TERMS:
            both = self.reference.terms[term], self.current.terms[term]
            rows[term] = (*both, *self.differences[term])
            if term == "cross_entropy":
                rows["mix"] = (*nothing, *self.mix)
                rows["concept"] = (*nothing, *self.concept)
        columns = ["reference", "current", *Difference._fields]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        return frame.rename_axis(index="term")

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw how the loss came from one value to the other.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.

        Returns
        -------
        Axes
            With the plot of :func:`plotting.drift`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        axes: Axes = plots().drift(self, ax=ax)
        return axes

    def __eq__(self, other: object) -> bool:
        """Whether all scalars, mappings and tables are the same; NaN is NaN."""
        if not isinstance(other, Drift):
            return NotImplemented
        return bool(as_json(self.to_dict()) == as_json(other.to_dict()))

    def __hash__(self) -> int:
        return hash((self.cause, str(self.mix), str(self.concept)))

    def __repr__(self) -> str:
        """The change written out, one term per line."""
        return text_of(self)

    def _remarks(self) -> list[str]:
        return remarks(self)
