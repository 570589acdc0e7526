"""Slices: conditions under which rows cost more than others, told from chance."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .._calls import form
from .._display.result import Result, counted
from .._kernels.normal import normal_cdf
from .._kernels.sums import standard_error, weighted_mean
from .._kernels.table import BoolArray, FloatArray, IntArray
from .._pickling import public
from .columns import Features
from .tree import Condition, Node, grow

_LEVEL = 0.05  # how often chance alone makes any slice
_LEAST_ROWS, _LEAST_SHARE = 25, 0.02  # of a node, of each half
_A_TEST = 0.5  # standard errors by which a further test must make excess clearer
_SEED = 0  # halves are fixed: the same data, the same slices
_WHAT = {
    "cross_entropy": "cost more than the others",
    "miscalibration": "would win more by recalibration than the others",
    "gain": "would win more by a model of these features than the others",
}
_COLUMNS = (
    "n",
    "weight",
    "mean",
    "mean_se",
    "share",
    "excess",
    "excess_se",
    "pvalue",
)


@public
@form("evaluation.slices(X)")
@dataclass(frozen=True, kw_only=True, repr=False)
class Slices(Result):
    """Conditions on features under which rows cost more than the others.

    Made by :meth:`Evaluation.slices` or :meth:`ReducibleLoss.slices`. None is a valid
    answer: no condition holds beyond chance.

    Attributes
    ----------
    table : DataFrame
        One row per slice, by its ``condition``, the one with the largest excess first:
        ``n`` and ``weight``, its rows and their share of the weight; the ``mean`` of
        the term in it, with ``mean_se``; ``share``, its share of the term's total;
        ``excess``, what it adds to the term's mean over all rows beyond as many average
        rows, with ``excess_se``; ``pvalue``, one-sided, corrected for the number of
        conditions that were looked at. Slices do not overlap. All is measured on the
        half of the rows that conditions were not grown on.
    n_looks : int
        How many conditions were measured.
    term : str
        The term: "cross_entropy", "miscalibration" or "gain".
    mean : float
        Its mean over the rows that slices are measured on.
    n : int
        The number of these rows.
    unit : str
        Unit of the term.

    See Also
    --------
    Evaluation.slices : Makes them.
    ReducibleLoss : What the features hold in all.
    """

    table: pd.DataFrame = field(compare=False)
    n_looks: int
    term: str
    mean: float
    n: int
    unit: str

    def __len__(self) -> int:
        """How many slices there are."""
        return len(self.table)

    def to_dict(self) -> dict[str, Any]:
        """The slices as a list of mappings, and what they are measured on."""
        return {
            "slices": self.table.reset_index().to_dict("records"),
            "n_looks": self.n_looks,
            "term": self.term,
            "mean": self.mean,
            "n": self.n,
            "unit": self.unit,
        }

    def to_frame(self) -> pd.DataFrame:
        """The table of slices."""
        return self.table.copy()

    def __repr__(self) -> str:
        """One condition per line, or that there is none."""
        head = (
            f"Slices that {_WHAT[self.term]}, in {self.unit} ({counted(self.n, 'row')} "
            "measured)"
        )
        if not len(self.table):
            looked = counted(self.n_looks, "condition")
            return f"{head}\n\nnone: {looked} measured, none differs beyond chance"
        lines = [
            f"  {row['weight']:>5.1%} of rows, {row['share']:>6.1%} of the total: "
            f"{row['condition']} (mean {row['mean']:.4f} ± {row['mean_se']:.4f}, "
            f"p {_shown(row['pvalue'])})"
            for row in self.table.reset_index().to_dict("records")
        ]
        remark = (
            f"the mean of all rows is {self.mean:.4f}; grown on the other half of the "
            f"rows, p-values corrected for {counted(self.n_looks, 'look')}"
        )
        return "\n".join([head, "", *lines, "", remark])


def find_slices(
    values: FloatArray,
    features: Features,
    *,
    weights: FloatArray,
    clusters: IntArray | None,
    max_slices: Any,
    term: str,
    unit: str,
) -> Slices:
    """Grow conditions on half of the rows; measure the best on the other half."""
    check_max_slices(max_slices)
    first = _half(len(values), clusters)
    grown, measured = np.flatnonzero(first), np.flatnonzero(~first)
    nodes = _candidates(
        values[grown],
        weights[grown],
        features.take(grown),
        None if clusters is None else clusters[grown],
        int(max_slices),
    )
    rows = features.take(measured)
    v, w = values[measured], weights[measured]
    groups = None if clusters is None else clusters[measured]
    mean = weighted_mean(v, w)
    found = []
    for condition in nodes:
        inside = condition.holds(rows)
        if np.count_nonzero(inside) >= _LEAST_ROWS:
            text = condition.text(features)
            found.append({"condition": text, **_measured(v, w, groups, inside)})
    names = ["condition", *_COLUMNS]
    table = pd.DataFrame(found, columns=names).set_index("condition")
    table["pvalue"] = _holm(table["pvalue"].to_numpy(dtype=np.float64))
    kept = table[table["pvalue"] <= _LEVEL]
    return Slices(
        table=kept.sort_values("excess", ascending=False, kind="stable"),
        n_looks=len(found),
        term=term,
        mean=mean,
        n=len(measured),
        unit=unit,
    )


def check_max_slices(max_slices: Any) -> None:
    """A whole number above 0."""
    whole = isinstance(max_slices, numbers.Integral)
    if not whole or isinstance(max_slices, bool) or max_slices < 1:
        msg = (
            f"max_slices must be a whole number above 0: found {max_slices!r}; pass 5."
        )
        raise ValueError(msg)


def _half(n: int, clusters: IntArray | None) -> BoolArray:
    """A fixed random half of the rows, groups whole."""
    rng = np.random.default_rng(_SEED)
    if clusters is None:
        out = np.zeros(n, dtype=np.bool_)
        out[rng.permutation(n)[: n // 2]] = True
        return out
    _, first, codes = np.unique(clusters, return_index=True, return_inverse=True)
    by_appearance = np.argsort(np.argsort(first))  # names of groups do not matter
    return np.asarray((rng.permutation(len(first)) % 2 == 0)[by_appearance[codes]])


def _candidates(
    values: FloatArray,
    weights: FloatArray,
    features: Features,
    clusters: IntArray | None,
    most: int,
) -> list[Condition]:
    """Conditions that exceed the mean most clearly, none of which overlap."""
    n = len(values)
    least = max(_LEAST_ROWS, math.ceil(_LEAST_SHARE * n))
    scored: list[tuple[float, Node]] = []
    for node in grow(values, weights, features, least):
        inside = np.zeros(n, dtype=np.bool_)
        inside[node.rows] = True
        facts = _measured(values, weights, clusters, inside)
        if facts["excess"] > 0 and facts["excess_se"] > 0:
            n_more = len(node.condition.tests) - 1
            z = facts["excess"] / facts["excess_se"]
            scored.append((z - _A_TEST * n_more, node))
    scored.sort(key=lambda one: -one[0])
    taken = np.zeros(n, dtype=np.bool_)
    kept: list[Condition] = []
    for _, node in scored:
        if len(kept) < most and not taken[node.rows].any():
            taken[node.rows] = True
            kept.append(node.condition)
    return kept


def _measured(
    v: FloatArray, w: FloatArray, clusters: IntArray | None, inside: BoolArray
) -> dict[str, float]:
    """What the rows inside add to the mean, beyond as many average ones."""
    mean = weighted_mean(v, w)
    weight = weighted_mean(inside.astype(np.float64), w)
    within = w * inside
    own = weighted_mean(v[inside], w[inside])
    excess = weight * (own - mean)
    # The derivative of E[1 (v - E v)] in the row's own part.
    influence = (inside - weight) * (v - mean)
    error = standard_error(influence, w, clusters)
    z = excess / error if error > 0 else 0.0
    return {
        "n": int(np.count_nonzero(inside)),
        "weight": weight,
        "mean": own,
        "mean_se": standard_error(v, within, clusters),
        "share": weight * own / mean if mean else math.nan,
        "excess": excess,
        "excess_se": error,
        "pvalue": normal_cdf(-z),
    }


def _holm(pvalues: FloatArray) -> FloatArray:
    """P-values of several looks (Holm, 1979)."""
    n = len(pvalues)
    order = np.argsort(pvalues, kind="stable")
    worse = np.maximum.accumulate(pvalues[order] * (n - np.arange(n)))
    out = np.empty(n)
    out[order] = np.minimum(worse, 1.0)
    return out


def _shown(pvalue: float) -> str:
    return "< 0.0001" if pvalue < 0.0001 else f"{pvalue:.4f}"  # noqa: PLR2004
