"""Several models on the same rows: the result type of their comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from .._calls import form
from .._decomposition.result import Decomposition
from .._display.result import Result, counted, plots, show_value
from .._pickling import public
from .._terms import TERMS, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = ("cross_entropy", "refinement", "miscalibration")
_MAPS_OF_FOLDS = {"auto": "a map for each fold"}
_COLUMNS = ("value", "difference", "standard_error", "low", "high", "pvalue")


@public
class Difference(NamedTuple):
    """A paired difference from the baseline, with its interval and p-value.

    See Also
    --------
    compare : Makes them.
    """

    difference: float
    standard_error: float
    low: float
    high: float
    pvalue: float


@public
@form("compare({'a': first, 'b': second})")
@dataclass(frozen=True, kw_only=True)
class Comparison(Result):
    """Models compared on the same rows; made by :func:`compare`.

    Attributes
    ----------
    baseline : str
        The model that the others are compared with.
    decompositions : mapping of str to Decomposition
        The terms of each model under one map, from the smallest cross-entropy to the
        largest.
    differences : mapping of str to mapping of str to Difference
        By model and term: model minus baseline, paired by row.
    level : float
        The level of the confidence intervals.
    own_recalibrations : mapping of str to str
        The map that each model has, or would choose, when it is evaluated alone;
        "auto" where folds have chosen several.

    See Also
    --------
    compare : Makes one.
    Difference : What it holds for each term.
    """

    baseline: str
    decompositions: Mapping[str, Decomposition] = field(hash=False)
    differences: Mapping[str, Mapping[str, Difference]] = field(
        hash=False, compare=False
    )
    level: float
    own_recalibrations: Mapping[str, str] = field(
        default_factory=dict, hash=False, compare=False
    )

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        # Pickles of before do not say what the models have alone.
        vars(self).update({"own_recalibrations": {}} | dict(state))

    @property
    def recalibration(self) -> str:
        """The recalibration map that all models share."""
        return self.decompositions[self.baseline].recalibration

    def to_dict(self) -> dict[str, Any]:
        """The terms of each model, and their differences from the baseline."""
        return {
            "baseline": self.baseline,
            "level": self.level,
            "recalibration": self.recalibration,
            "own_recalibrations": dict(self.own_recalibrations),
            "models": {
                name: {
                    "terms": result.terms,
                    "differences": {
                        term: found._asdict()
                        for term, found in self.differences[name].items()
                    },
                }
                for name, result in self.decompositions.items()
            },
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per model and term: the value and its difference to the baseline."""
        rows = {
            (name, term): (result.terms[term], *self.differences[name][term])
            for name, result in self.decompositions.items()
            for term in TERMS
        }
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(_COLUMNS))
        frame.index = pd.MultiIndex.from_tuples(rows, names=["model", "term"])
        return frame

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the models' miscalibration against their resolution.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.

        Returns
        -------
        Axes
            With the plot of :func:`plotting.models`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        axes: Axes = plots().models(self, ax=ax)
        return axes

    def _shown_table(self) -> pd.DataFrame:
        """One row per model: each term, and its difference from the baseline."""
        rows: dict[str, dict[str, str]] = {}
        for name, result in self.decompositions.items():
            found = self.differences[name]
            row = {"model": name}
            for term in _SHOWN:
                row[title(term)] = show_value(result.terms[term])
                row[f"{title(term)}, difference"] = (
                    ""
                    if name == self.baseline
                    else f"{found[term].difference:+.4f} "
                    f"± {found[term].standard_error:.4f}"
                )
            pvalue = found["cross_entropy"].pvalue
            row["p-value"] = "" if name == self.baseline else _shown(pvalue)
            rows[name] = row
        return pd.DataFrame(list(rows.values()))

    def __repr__(self) -> str:
        """The models from best to worst, with what differs."""
        first = self.decompositions[self.baseline]
        width = max(len("model"), *map(len, self.decompositions))
        head = "".join(f"  {title(term):>18}" for term in _SHOWN)
        summary = (
            f"Comparison of {counted(len(self.decompositions), 'model')} on "
            f"{counted(first.n, 'row')}, in {first.unit}"
        )
        lines = [summary, "", f"  {'model':<{width}}{head}   p-value"]
        for name, result in self.decompositions.items():
            values = "".join(f"  {result.terms[term]:>18.4f}" for term in _SHOWN)
            lines.append(f"  {name:<{width}}{values}")
            if name == self.baseline:
                continue
            found = self.differences[name]
            changes = "".join(
                f"  {f'{found[t].difference:+.4f} ± {found[t].standard_error:.4f}':>18}"
                for t in _SHOWN
            )
            pvalue = found["cross_entropy"].pvalue
            lines.append(f"  {'':<{width}}{changes}   {_shown(pvalue)}")
        remarks = [
            f"with ±: the difference from {self.baseline!r} and its standard error",
            f"recalibration map: {self.recalibration}, the same for all models",
        ]
        others = [
            f"{name!r} has {_MAPS_OF_FOLDS.get(one, one)}"
            for name, one in self.own_recalibrations.items()
            if one != self.recalibration
        ]
        if others:
            remarks.append(f"evaluated alone, {', '.join(others)}")
        return "\n".join([*lines, "", *remarks])


def _shown(pvalue: float) -> str:
    return "< 0.0001" if pvalue < 0.0001 else f"{pvalue:.4f}"  # noqa: PLR2004
