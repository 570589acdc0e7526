"""What a monitor watches: terms and class frequencies, beside what a map expects.

A watched quantity has a value v_k(q) for each class. Where labels are distributed as
the reference's map c says, the mean of x = sum_k (p_k - c_k(q)) v_k(q) is 0, whatever
the predictions are; for a target that is a distribution as for one label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._decomposition.reference_map import ReferenceMap
from .._kernels.table import FloatArray, IntArray
from .._recalibration.sample import Sample
from .._recalibration.softmax import slopes
from .._terms import TERMS

MOST_COST = 10.0  # nats: what a row costs counts up to here
MOST_CLASSES = 10  # whose frequencies are watched
STAKES = (0.03, 0.1, 0.3, 1.0)
_MOST_LOST = 0.5  # of what is staked on a unit
_COSTS = ("cross_entropy", "refinement", "uncertainty")
_NO_BOUND = 1e-12
_PAIR = 2
_ROWS = 1 << 14  # of a block

WATCHABLE = tuple(
    name
    for name, term in TERMS.items()
    if term.parts and not set(term.parts) - set(_COSTS)
)
"""Terms that are linear in the target, so that a map knows what to expect."""


class Watched(NamedTuple):
    """A term, or the frequency of a class, whose place is given instead."""

    name: str
    place: int | None = None

    def values(self, costs: dict[str, FloatArray], n_rows: int) -> FloatArray:
        """The value of each class in each row, of shape (classes, rows)."""
        n_classes = len(costs["uncertainty"])
        if self.place is None:
            values = TERMS[self.name].of(costs)
            return np.asarray(np.broadcast_to(values, (n_classes, n_rows)))
        found = np.zeros((n_classes, n_rows))
        found[self.place] = 1.0
        return found


def watched(
    reference: ReferenceMap, terms: Sequence[str], *, frequencies: bool
) -> tuple[Watched, ...]:
    """The terms, and the frequencies of the classes: of two, that of the second."""
    found = [Watched(name) for name in terms]
    if frequencies:
        n = len(reference.labels)
        order = np.argsort(-reference.frequencies, kind="stable")[:MOST_CLASSES]
        places: list[Any] = [1] if n == _PAIR else sorted(order.tolist())
        found += [of_class(reference.labels, place) for place in places]
    return tuple(found)


def of_class(labels: Sequence[Any], place: int) -> Watched:
    """The frequency of the class at a place."""
    return Watched(f"frequency of {labels[place]!r}", place)


class Sums(NamedTuple):
    """What the units of some rows add up to, by watched quantity (W of them).

    A unit is a group, or a row alone. ``total`` and ``squares`` are the sums of x and
    of its squares, of shape (W,); ``pull`` is that of its derivative in the map's
    parameters, of shape (W, parameters). ``gains`` are the logarithms of what bets win
    if the map is right, of shape (W, 2, stakes), upwards first, and ``pulls`` their
    derivatives but for the sign.
    """

    n_units: int
    total: FloatArray
    squares: FloatArray
    pull: FloatArray
    gains: FloatArray
    pulls: FloatArray

    def plus(self, other: Sums) -> Sums:
        """The sums over the units of both."""
        n_units = self.n_units + other.n_units
        arrays = zip(self[1:], other[1:], strict=True)
        return Sums(n_units, *(np.add(one, two) for one, two in arrays))

    @classmethod
    def empty(cls, n_watched: int, n_parameters: int) -> Sums:
        """The sums over no units."""
        shape = (n_watched, 2, len(STAKES))
        return cls(
            0,
            np.zeros(n_watched),
            np.zeros(n_watched),
            np.zeros((n_watched, n_parameters)),
            np.zeros(shape),
            np.zeros((*shape, n_parameters)),
        )


class _Units(NamedTuple):
    """The unit of each row, its share of it, and what is staked on each unit."""

    codes: IntArray
    shares: FloatArray
    stakes: FloatArray

    @classmethod
    def of(cls, sample: Sample) -> _Units:
        """Units count alike, but for their weights: more is staked on the heavier."""
        codes = np.arange(sample.n)
        if sample.clusters is not None:
            codes = np.unique(sample.clusters, return_inverse=True)[1]
        weights = np.bincount(codes, sample.weights)
        return cls(codes, sample.weights / weights[codes], weights / weights.mean())

    def mean(self, values: FloatArray) -> FloatArray:
        """The mean of each unit."""
        return np.asarray(np.bincount(self.codes, self.shares * values), np.float64)


def sums_of(
    reference: ReferenceMap,
    sample: Sample,
    watch: Sequence[Watched],
    tolerances: Sequence[float],
    ends: Sequence[int] | None = None,
) -> list[Sums]:
    """The sums over parts of a sample that end at these rows; all is one part.

    The bet upwards on a unit stakes lambda, at most half of what the unit may lose: it
    wins exp(lambda (x - m) - psi(lambda b) x^2 / b^2), with -b the least that x may be
    and psi(z) = -log(1 - z) - z, whose mean is at most 1 where that of x is at most m
    (Fan, Grama and Liu, 2015). Here m is the tolerance; what the map's error adds to
    it is subtracted later. Units lie in one part each, numbered as the rows are.
    """
    parts = _Parts.of(sample, [sample.n] if ends is None else ends)
    log_q, target = sample.tables()
    c = _recalibrated(reference, log_q)
    units = _Units.of(sample)
    costs = _costs(reference, log_q, c)
    empty = Sums.empty(len(watch), reference.n_parameters)
    found = [Sums(n, *map(np.copy, empty[1:])) for n in parts.n_units]
    stakes = np.array(STAKES)[:, np.newaxis] * units.stakes
    for place, (one, tolerance) in enumerate(zip(watch, tolerances, strict=True)):
        v = one.values(costs, sample.n)
        expected = (c * v).sum(axis=0)
        x = units.mean((target * v).sum(axis=0) - expected)
        least = units.mean(expected - v.min(axis=0))
        most = units.mean(v.max(axis=0) - expected)
        staked = [units.shares[np.newaxis]]
        gains = []
        for sign, bound in ((1.0, least), (-1.0, most)):
            bet, won = _bets(stakes, sign * x, bound, tolerance)
            gains.append(won)
            staked.append(bet[:, units.codes] * units.shares)
        of_logits = c * (v - expected)
        pulls = _pulls(reference, log_q, of_logits, np.concatenate(staked), parts)
        for part, some in enumerate(parts.units):
            sums = found[part]
            sums.total[place], sums.squares[place] = x[some].sum(), x[some] @ x[some]
            sums.gains[place] = [won[:, some].sum(axis=1) for won in gains]
            sums.pull[place] = pulls[part][0]
            sums.pulls[place] = pulls[part][1:].reshape(2, len(STAKES), -1)
    return found


def _recalibrated(reference: ReferenceMap, log_q: FloatArray) -> FloatArray:
    """The class probabilities that the map gives, block by block."""
    out = np.empty_like(log_q)
    for start in range(0, log_q.shape[1], _ROWS):
        block = slice(start, start + _ROWS)
        out[:, block] = reference.probabilities(log_q[:, block])
    return out


def _bets(
    stakes: FloatArray, x: FloatArray, bound: FloatArray, tolerance: float
) -> tuple[FloatArray, FloatArray]:
    """What is bet on each unit that x is higher, and the logarithm of what that wins.

    Both have shape (stakes, units).
    """
    bound = np.maximum(bound, _NO_BOUND)  # where it is 0, so is x
    bet = np.minimum(stakes, _MOST_LOST / bound)
    lost = bet * bound
    against = (-np.log1p(-lost) - lost) * (x / bound) ** 2
    return bet, bet * (x - tolerance) - against


class _Parts(NamedTuple):
    """Consecutive parts of rows, and of their units."""

    rows: list[slice]
    units: list[slice]
    n_units: list[int]

    @classmethod
    def of(cls, sample: Sample, ends: Sequence[int]) -> _Parts:
        """Parts that end at these rows."""
        starts = [0, *ends[:-1]]
        rows = [slice(*pair) for pair in zip(starts, ends, strict=True)]
        if sample.clusters is None:
            return cls(rows, rows, [part.stop - part.start for part in rows])
        n_units = [len(np.unique(sample.clusters[part])) for part in rows]
        last = np.cumsum(n_units).tolist()
        units = [slice(*pair) for pair in zip([0, *last[:-1]], last, strict=True)]
        return cls(rows, units, n_units)


def _pulls(
    reference: ReferenceMap,
    log_q: FloatArray,
    of_logits: FloatArray,
    staked: FloatArray,
    parts: _Parts,
) -> FloatArray:
    """Sums over rows of derivatives times stakes: (parts, stakes, parameters)."""
    shape = (len(parts.rows), len(staked), reference.n_parameters)
    found = np.zeros(shape)
    for start in range(0, log_q.shape[1], _ROWS):
        block = slice(start, start + _ROWS)
        of_block = slopes(reference.family, log_q[:, block], of_logits[:, block])
        for place, part in enumerate(parts.rows):
            first, last = max(part.start, block.start), min(part.stop, block.stop)
            if first < last:
                inside = of_block[:, first - start : last - start]
                found[place] += staked[:, first:last] @ inside.T
    return found


def _costs(
    reference: ReferenceMap, log_q: FloatArray, c: FloatArray
) -> dict[str, FloatArray]:
    """What each class would cost, by the name of the cost, up to the most."""
    frequencies = reference.frequencies / reference.frequencies.sum()
    with np.errstate(divide="ignore"):
        costs = {
            "cross_entropy": -log_q,
            "refinement": -np.log(c),
            "uncertainty": -np.log(frequencies)[:, np.newaxis],
        }
    return {name: np.minimum(one, MOST_COST) for name, one in costs.items()}
