"""Per-sample arithmetic over blocks of rows: values and the first violation.

One pass checks both tables and fills every column asked for; no array of N x K is
ever made. There are no messages and no policy here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._blocks import BoolArray, FloatArray, IntArray, Reader, Table, Violation

TINY = float(np.nextafter(0.0, 1.0))

# Below this divergence CE - H has lost digits to cancellation.
_NEARLY_EQUAL = 1e-3

# Where the ratio of two probabilities is this near 1, a series is more exact.
_SERIES = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """What one pass leaves: a value per row and column, counts, the violation.

    ``at_zero`` counts the rows whose cost meets a probability below the clip.
    ``proba_violation`` and ``target_violation`` are None when the tables are sound.
    """

    columns: dict[str, FloatArray]
    at_zero: int
    proba_violation: Violation | None
    target_violation: Violation | None


def per_row(
    proba: Table,
    target: Table | IntArray | None,
    columns: Iterable[str],
    *,
    clip: float,
    active: BoolArray | None = None,
) -> Rows:
    """Fill the named columns in one pass over ``proba`` (and ``target``).

    ``target`` is a table of distributions, an array of class codes (a code of
    ``n_classes`` or more is a label that the predictions do not know), or None.
    ``clip`` is the floor of probabilities inside logarithms. Rows where ``active``
    is false may break any rule; what breaks one is NaN in the result.
    """
    wanted = tuple(dict.fromkeys(columns))
    out: dict[str, FloatArray] = {name: np.empty(proba.n_rows) for name in wanted}
    codes = target if isinstance(target, np.ndarray) else None
    looks_up = codes is not None and set(wanted) <= {"cross_entropy", "p_true"}
    reader = Reader(proba, active=active, view=looks_up)
    target_reader = Reader(target, active=active) if isinstance(target, Table) else None
    block = _Block(
        reader,
        target_reader,
        clip,
        logits=proba.kind == "logits",
        lookup=codes is not None,
    )
    steps: list[tuple[str, Callable[[], Any]]] = [
        (name, getattr(block, name)) for name in wanted
    ]
    for start in range(0, proba.n_rows, reader.rows):
        stop = min(start + reader.rows, proba.n_rows)
        if not block.load(start, stop, codes, active):
            break
        for name, step in steps:
            out[name][start:stop] = step()
        ignored = block.ignored
        if ignored is not None:
            for name in wanted:
                out[name][start:stop][ignored] = np.nan
    return Rows(
        columns=out,
        at_zero=block.at_zero,
        proba_violation=reader.violation,
        target_violation=target_reader.violation if target_reader else None,
    )


class _Block:
    """The current block of rows: its tables, their logarithms, and the measures.

    Each measure is a method named after its column. The logarithms are made once
    per block, when the first measure needs them, in memory that is reused.
    """

    def __init__(
        self,
        reader: Reader,
        target_reader: Reader | None,
        clip: float,
        *,
        logits: bool,
        lookup: bool,
    ) -> None:
        self.at_zero = 0
        self._reader = reader
        self._target_reader = target_reader
        self._clip = 0.0 if logits else clip
        self._logits = logits
        self._lookup = lookup
        self._work: dict[str, FloatArray] = {}
        self._cache: dict[str, FloatArray] = {}

    def load(
        self, start: int, stop: int, codes: IntArray | None, active: BoolArray | None
    ) -> bool:
        """Read and check the rows; False where a rule is broken."""
        self._cache.clear()
        self._active = None if active is None else active[start:stop]
        self._codes = None if codes is None else codes[start:stop]
        table = self._reader.read(start, stop)
        if table is None:
            return False
        self._table = table
        if self._target_reader is not None:
            target = self._target_reader.read(start, stop)
            if target is None:
                return False
            self._p = target
        return True

    @property
    def ignored(self) -> BoolArray | None:
        """Rows of weight 0 that break a rule."""
        ours = self._reader.ignored
        theirs = self._target_reader.ignored if self._target_reader else None
        if ours is None or theirs is None:
            return theirs if ours is None else ours
        return ours | theirs

    # -- measures -----------------------------------------------------------

    def cross_entropy(self) -> FloatArray:
        """Cost of the target under the prediction."""
        cached = self._cache.get("cross_entropy")
        if cached is None:
            cached = self._cost_of_label() if self._lookup else self._cost_of_law()
            self._cache["cross_entropy"] = cached
        return cached

    def entropy(self) -> FloatArray:
        """Entropy of the target: 0 for a hard label."""
        if self._lookup:
            return np.zeros(self._table.shape[1])
        cached = self._cache.get("entropy")
        if cached is None:
            log_p = self._log(self._p, "log_p")
            cached = -self._sum_of_product(self._p, log_p) + 0.0
            self._cache["entropy"] = cached
        return cached

    def kl_divergence(self) -> FloatArray:
        """Divergence of the prediction from the target."""
        divergence = self.cross_entropy() - self.entropy()
        if not self._lookup:
            near = np.flatnonzero(divergence < _NEARLY_EQUAL)
            if near.size:
                p, q = self._p[:, near], self._q()[:, near]
                divergence[near] = small_divergence(p, np.maximum(q, self._clip))
        return divergence

    def predictive_entropy(self) -> FloatArray:
        """Entropy of the prediction."""
        return -self._sum_of_product(self._q(), self._log_q(exact=False)) + 0.0

    def confidence(self) -> FloatArray:
        """Largest predicted probability."""
        largest: FloatArray = np.maximum.reduce(self._q(), axis=0)
        return largest

    def correct(self) -> FloatArray:
        """Probability, under the target, of the class predicted as most probable."""
        best = np.argmax(self._q(), axis=0)
        if self._codes is not None:
            right: FloatArray = np.equal(best, self._codes).astype(np.float64)
            return right
        hit: FloatArray = self._p[best, np.arange(best.size)]
        return hit

    def p_true(self) -> FloatArray:
        """Probability that a draw from the prediction equals one from the target."""
        if self._lookup:
            return self._probability_of_label()
        return self._sum_of_product(self._p, self._q())

    # -- hard labels --------------------------------------------------------

    def _probability_of_label(self) -> FloatArray:
        cached = self._cache.get("p_true")
        if cached is not None:
            return cached
        value = self._at_label(self._table, 0.0 if not self._logits else -np.inf)
        cached = np.exp(value) if self._logits else value
        self._cache["p_true"] = cached
        return cached

    def _at_label(self, table: FloatArray, of_unseen: float) -> FloatArray:
        n_classes, n_rows = table.shape
        codes = self._codes
        assert codes is not None
        found = table[np.minimum(codes, n_classes - 1), np.arange(n_rows)]
        value: FloatArray = found.astype(np.float64, copy=False)
        unseen = codes >= n_classes
        if unseen.any():
            value[unseen] = of_unseen
        return value

    def _cost_of_label(self) -> FloatArray:
        if self._logits:
            return -self._at_label(self._table, -np.inf)
        p = self._probability_of_label()
        small = p < self._clip if self._clip else p == 0
        if small.any():
            self._count(small)
            p = np.maximum(p, self._clip)
        with np.errstate(divide="ignore"):
            return -np.log(p) + 0.0

    # -- distributions ------------------------------------------------------

    def _cost_of_law(self) -> FloatArray:
        q, floor = self._q(), self._clip
        log_q = self._log_q(exact=True)
        least = np.minimum.reduce(q, axis=None)
        if least >= floor and least > 0:
            return -self._sum_of_product(self._p, log_q) + 0.0
        small = ((q < floor) | (q == 0)) & (self._p > 0)
        if self._logits:
            small &= np.isneginf(log_q)
        rows = small.any(axis=0)
        if not self._logits:
            self._count(rows)
        if floor:
            log_q = np.maximum(log_q, np.log(floor))
        else:
            log_q = np.where(np.isneginf(log_q), 0.0, log_q)
        cost = -self._sum_of_product(self._p, log_q) + 0.0
        if not floor:
            cost[rows] = np.inf
        return cost

    def _count(self, rows: BoolArray) -> None:
        if self._active is not None:
            rows = rows & self._active
        self.at_zero += int(np.count_nonzero(rows))

    # -- shared -------------------------------------------------------------

    def _q(self) -> FloatArray:
        if not self._logits:
            return self._table
        cached = self._cache.get("q")
        if cached is None:
            cached = np.exp(self._table, out=self._memory("q"))
            self._cache["q"] = cached
        return cached

    def _log_q(self, *, exact: bool) -> FloatArray:
        """Log q; where q is 0 a large negative number, or with ``exact`` too."""
        if not self._logits:
            return self._log(self._table, "log_q")
        if exact:
            return self._table
        return np.maximum(self._table, np.log(TINY), out=self._memory("product"))

    def _log(self, table: FloatArray, name: str) -> FloatArray:
        cached = self._cache.get(name)
        if cached is None:
            cached = np.maximum(table, TINY, out=self._memory(name))
            np.log(cached, out=cached)
            self._cache[name] = cached
        return cached

    def _sum_of_product(self, a: FloatArray, b: FloatArray) -> FloatArray:
        product = np.multiply(a, b, out=self._memory("product"))
        sums: FloatArray = np.add.reduce(product, axis=0)
        return sums

    def _memory(self, name: str) -> FloatArray:
        buffer = self._work.get(name)
        if buffer is None:
            buffer = self._work[name] = self._reader.new_buffer()
        return buffer[:, : self._table.shape[1]]


def small_divergence(p: FloatArray, q: FloatArray) -> FloatArray:
    """KL(p||q) of nearly equal columns, to full relative accuracy.

    With t = (p - q) / q the divergence is sum q h(t) + sum (p - q), where
    h(t) = (1 + t) log(1 + t) - t is never negative, so nothing cancels.
    """
    possible = p > 0
    p, q = np.where(possible, p, 1.0), np.where(possible, q, 1.0)
    difference = p - q
    t = difference / q
    ratio = np.maximum(p / q, TINY)
    log_ratio = np.where(ratio < 1 / 2, np.log(ratio), np.log1p(np.maximum(t, -0.5)))
    h = ratio * log_ratio - t
    series = np.abs(t) < _SERIES
    s = t[series]
    h[series] = s * s * (1 / 2 - s * (1 / 6 - s * (1 / 12 - s * (1 / 20 - s / 30))))
    divergence: FloatArray = np.add.reduce(q * h, axis=0)
    divergence += np.add.reduce(difference, axis=0)
    return divergence
