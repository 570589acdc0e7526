"""Readable conditions on features, grown to where a value of rows is high."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .._kernels.table import BoolArray, FloatArray, IntArray
from .columns import Column, Features

_DEPTH = 3
_MOST_NAMED = 4  # categories in a condition, before it names those left out


@dataclass(frozen=True, kw_only=True, eq=False)
class Test:
    """One side of a split: numbers below or from a threshold, or some categories.

    ``missing`` says whether rows without a value belong to this side.
    """

    column: int
    below: float = math.inf
    at_least: float = -math.inf
    categories: frozenset[int] | None = None
    missing: bool = False

    def holds(self, column: Column) -> BoolArray:
        """Which rows pass."""
        values = column.numbers
        absent = np.isnan(values)
        if self.categories is not None:
            inside = np.isin(values, list(self.categories))
        else:
            with np.errstate(invalid="ignore"):
                inside = (values >= self.at_least) & (values < self.below)
        return np.asarray(np.where(absent, self.missing, inside))

    def within(self, other: Test) -> Test:
        """Both tests of one column as one."""
        mine, theirs = self.categories, other.categories
        return Test(
            column=self.column,
            below=min(self.below, other.below),
            at_least=max(self.at_least, other.at_least),
            categories=theirs if mine is None or theirs is None else mine & theirs,
            missing=self.missing and other.missing,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Condition:
    """Tests of some columns, all of which hold."""

    tests: tuple[Test, ...] = field(default=())

    def and_(self, test: Test) -> Condition:
        """The same with one more test; two of a column become one."""
        before = [one for one in self.tests if one.column == test.column]
        others = tuple(one for one in self.tests if one.column != test.column)
        return Condition(tests=(*others, test.within(before[0]) if before else test))

    def holds(self, features: Features) -> BoolArray:
        """Which rows meet it."""
        out = np.ones(features.n_rows, dtype=np.bool_)
        for test in self.tests:
            out &= test.holds(features.columns[test.column])
        return out

    def text(self, features: Features) -> str:
        """The condition as a reader writes it."""
        return " and ".join(
            shown(test, features.columns[test.column]) for test in self.tests
        )


class Node(NamedTuple):
    """A condition, and the rows that meet it."""

    condition: Condition
    rows: IntArray


class _Split(NamedTuple):
    gain: float
    low: Test
    high: Test


def grow(
    values: FloatArray, weights: FloatArray, features: Features, least: int
) -> Iterator[Node]:
    """All nodes of a regression tree of the values, but its root.

    Splits are those of least squares (Breiman et al., 1984); ``least`` is the number of
    rows of a node at least.
    """
    level = [Node(Condition(), np.arange(len(values)))]
    for _ in range(_DEPTH):
        following = []
        for node in level:
            split = _best_split(values, weights, features, node.rows, least)
            if split is None:
                continue
            for test in (split.low, split.high):
                column = features.columns[test.column]
                inside = test.holds(column)[node.rows]
                child = Node(node.condition.and_(test), node.rows[inside])
                following.append(child)
                yield child
        level = following


def _best_split(
    values: FloatArray,
    weights: FloatArray,
    features: Features,
    rows: IntArray,
    least: int,
) -> _Split | None:
    if len(rows) < 2 * least:
        return None
    v, w = values[rows], weights[rows]
    v = v - float(w @ v / w.sum())
    best: _Split | None = None
    floor = 1e-12 * float(w @ v**2)
    for place, column in enumerate(features.columns):
        found = _split(v, w, column, column.numbers[rows], place, least)
        if found is not None and found.gain > (floor if best is None else best.gain):
            best = found
    return best


def _split(
    v: FloatArray, w: FloatArray, column: Column, x: FloatArray, place: int, least: int
) -> _Split | None:
    """The best split of one column; rows without a value go to the better side."""
    known = np.flatnonzero(~np.isnan(x))
    absent = np.isnan(x)
    if column.categories is not None:
        key = _category_means(v, w, x, len(column.categories))
        score = key[x[known].astype(np.int64)]
    else:
        score = x[known]
    order = known[np.argsort(score, kind="stable")]
    score = np.sort(score, kind="stable")
    ends = np.flatnonzero(np.diff(score) > 0)
    if not len(ends) and not absent.any():
        return None
    weight, total = np.cumsum(w[order]), np.cumsum((w * v)[order])
    w_absent, t_absent = float(w[absent].sum()), float((w * v)[absent].sum())
    n_absent = int(absent.sum())
    best: _Split | None = None
    for missing_low in (False, True) if n_absent else (False,):
        n_low = ends + 1 + n_absent * missing_low
        low_w = weight[ends] + w_absent * missing_low
        low_t = total[ends] + t_absent * missing_low
        all_w = (weight[-1] if len(order) else 0.0) + w_absent
        all_t = (total[-1] if len(order) else 0.0) + t_absent
        fits = (n_low >= least) & (len(x) - n_low >= least)
        if not fits.any():
            continue
        gains = np.full(len(ends), -np.inf)
        high_w, high_t = (all_w - low_w)[fits], (all_t - low_t)[fits]
        gains[fits] = low_t[fits] ** 2 / low_w[fits] + high_t**2 / high_w
        at = int(np.argmax(gains))
        if best is None or gains[at] > best.gain:
            end = int(ends[at])
            best = _as_tests(
                column, place, x[order], score, end, float(gains[at]), missing_low
            )
    if least <= n_absent <= len(x) - least and len(order):
        gain = t_absent**2 / w_absent + total[-1] ** 2 / weight[-1]
        if best is None or gain > best.gain:
            every = None
            if column.categories is not None:
                every = frozenset(range(len(column.categories)))
            none: frozenset[int] | None = frozenset() if every is not None else None
            best = _Split(
                float(gain),
                Test(
                    column=place,
                    below=-math.inf,
                    categories=none,
                    missing=True,
                ),
                Test(column=place, categories=every, missing=False),
            )
    return best


def _as_tests(
    column: Column,
    place: int,
    x: FloatArray,
    score: FloatArray,
    end: int,
    gain: float,
    missing_low: bool,  # noqa: FBT001 - private
) -> _Split:
    if column.categories is None:
        threshold = _between(float(score[end]), float(score[end + 1]), column)
        low: dict[str, Any] = {"below": threshold}
        high: dict[str, Any] = {"at_least": threshold}
    else:
        inside = frozenset(x[: end + 1].astype(np.int64).tolist())
        low = {"categories": inside}
        # Categories that these rows lack are on the other side.
        high = {"categories": frozenset(range(len(column.categories))) - inside}
    return _Split(
        gain,
        Test(column=place, missing=missing_low, **low),
        Test(column=place, missing=not missing_low, **high),
    )


def _category_means(v: FloatArray, w: FloatArray, x: FloatArray, n: int) -> FloatArray:
    """The mean of each category: in this order one split of two is best."""
    known = ~np.isnan(x)
    codes = x[known].astype(np.int64)
    weight = np.bincount(codes, w[known], n)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(codes, (w * v)[known], n) / weight
    return np.nan_to_num(mean)


def _between(low: float, high: float, column: Column) -> float:
    """The number with the fewest digits above one value, up to the next."""
    if column.time:
        return high
    for digits in range(1, 17):
        scale = 10.0 ** (digits - 1 - math.floor(math.log10(max(high - low, 1e-300))))
        if not (0 < scale < 1e300):  # noqa: PLR2004 - neither overflows nor vanishes
            return high
        found = math.floor(high * scale) / scale
        if low < found <= high:
            return found
    return high


def shown(test: Test, column: Column) -> str:
    """One test as text."""
    name = column.title
    missing = f"{name} is missing"
    if column.categories is not None:
        text = _shown_categories(test, name, column.categories)
        if not test.categories:
            return missing
    else:
        if test.below == -math.inf:
            return missing
        low = "" if test.at_least == -math.inf else _shown_value(test.at_least, column)
        high = "" if test.below == math.inf else _shown_value(test.below, column)
        if low and high:
            text = f"{low} <= {name} < {high}"
        elif low or high:
            text = f"{name} >= {low}" if low else f"{name} < {high}"
        else:
            text = f"{name} is not missing"
    absent = bool(np.isnan(column.numbers).any())
    return f"({text} or {missing})" if test.missing and absent else text


def _shown_categories(test: Test, name: str, categories: tuple[Any, ...]) -> str:
    inside = sorted(test.categories or ())
    outside = [code for code in range(len(categories)) if code not in set(inside)]
    if not outside:
        return f"{name} is not missing"
    if len(inside) == 1:
        return f"{name} = {categories[inside[0]]!r}"
    if len(outside) == 1:
        return f"{name} != {categories[outside[0]]!r}"
    if len(inside) > _MOST_NAMED and len(outside) < len(inside):
        return f"{name} not in {_listed(outside, categories)}"
    return f"{name} in {_listed(inside, categories)}"


def _listed(codes: list[int], categories: tuple[Any, ...]) -> str:
    return "{" + ", ".join(repr(categories[code]) for code in codes) + "}"


def _shown_value(value: float, column: Column) -> str:
    if column.time == "date":
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=value)
        at_midnight = moment.time() == dt.time()
        return moment.strftime("%Y-%m-%d" if at_midnight else "%Y-%m-%d %H:%M:%S")
    if column.time == "duration":
        return str(dt.timedelta(seconds=value))
    return f"{value:.12g}"
