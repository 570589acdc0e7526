"""The measures of one block of rows, each a method named after its column."""

from __future__ import annotations

import numpy as np

from ._blocks import Reader, Violation, sum_classes
from ._formulas import (
    SERIES,
    TINY,
    cost_of_label,
    never_negative,
    small_divergence,
    t_log_t,
    take_labels,
)
from ._table import BoolArray, FloatArray, IntArray

# Below this divergence CE - H, and log(p / q) too, have lost digits to cancellation.
_NEARLY_EQUAL = 0.2


class Block:
    """The current block of rows: its tables, their logarithms, and the measures.

    Logarithms are made once per block, when the first measure needs them, in memory
    that is reused from block to block. ``at_zero`` counts the rows whose cost met a
    probability below the clip.
    """

    def __init__(
        self,
        proba: Reader,
        target: Reader | None,
        *,
        clip: float,
        logits: bool,
        unseen: bool = False,
    ) -> None:
        self.rows = proba.rows
        self.at_zero = 0
        self._proba = proba
        self._target = target
        self._clip = clip
        self._logits = logits
        self._unseen = unseen
        self._memory: dict[str, FloatArray] = {}
        self._cache: dict[str, FloatArray] = {}
        self._pending: list[tuple[IntArray, FloatArray, FloatArray]] = []
        self._n_pending = 0

    def load(
        self, start: int, stop: int, codes: IntArray | None, active: BoolArray | None
    ) -> bool:
        """Read and check the rows; False where a rule is broken."""
        self._cache.clear()
        self._start = start
        self._active = None if active is None else active[start:stop]
        self._codes = None if codes is None else codes[start:stop]
        table = self._proba.read(start, stop)
        if table is None:
            return False
        self._table = table
        if self._target is not None:
            target = self._target.read(start, stop)
            if target is None:
                return False
            self._p = target
        return True

    @property
    def violations(self) -> tuple[Violation | None, Violation | None]:
        """The rule that the prediction breaks, and the one that the target does."""
        return self._proba.violation, self._target.violation if self._target else None

    @property
    def ignored(self) -> BoolArray | None:
        """Rows of weight 0 that break a rule."""
        ours = self._proba.ignored
        theirs = self._target.ignored if self._target else None
        if ours is None or theirs is None:
            return theirs if ours is None else ours
        return ours | theirs

    # -- measures -----------------------------------------------------------

    def cross_entropy(self) -> FloatArray:
        """Cost of the target under the prediction."""
        cached = self._cache.get("cross_entropy")
        if cached is None:
            hard = self._codes is not None
            cached = self._cost_of_label() if hard else self._cost_of_law()
            self._cache["cross_entropy"] = cached
        return cached

    def entropy(self) -> FloatArray:
        """Entropy of the target distribution."""
        cached = self._cache.get("entropy")
        if cached is None:
            assert self._target is not None
            log_p = self._log(self._p, "log p", self._target.least)
            cached = self._cache["entropy"] = self._minus_dot(self._p, log_p)
        return cached

    def kl_divergence(self) -> FloatArray:
        """Divergence of the prediction from the target; :meth:`refine` completes it.

        Rows that are nearly equal are put aside, as refining a few of each block
        costs more than refining those of many blocks at once.
        """
        divergence = self._divergence()
        near = divergence < _NEARLY_EQUAL
        if self.ignored is not None:
            near &= ~self.ignored
        rows = np.flatnonzero(near)
        if rows.size:
            p, q = self._nearly_equal(rows)
            self._pending.append((rows + self._start, p, q))
            self._n_pending += rows.size
        return divergence

    def refine(self, columns: dict[str, FloatArray], *, at_least: int = 1) -> None:
        """Complete the divergences put aside, once they are as many."""
        if self._n_pending < at_least:
            return
        rows, p, q = (
            np.concatenate(pieces, axis=-1)
            for pieces in zip(*self._pending, strict=True)
        )
        columns["kl_divergence"][rows] = small_divergence(p, q)
        self._pending.clear()
        self._n_pending = 0

    def reverse_kl_divergence(self) -> FloatArray:
        """Divergence of the target from the prediction; the target is clipped."""
        q, log_floor = self._q(), np.log(self._clip)
        if self._codes is not None:
            excluded = 1.0 - self.p_true()
            cost = np.where(excluded > 0, -excluded * log_floor, 0.0)
            return np.maximum(cost - self.predictive_entropy(), 0.0)
        assert self._target is not None
        log_p = self._log(self._p, "log p", self._target.least)
        log_p = np.where(self._p < self._clip, log_floor, log_p)
        log_p[self._p == 0] = log_floor
        terms = np.where(q > 0, q * (self._log_q() - log_p), 0.0)
        divergence = sum_classes(terms)
        near = np.flatnonzero(divergence < _NEARLY_EQUAL)
        if near.size:
            p = np.maximum(self._p[:, near], self._clip)
            divergence[near] = small_divergence(q[:, near], p)
        return divergence

    def jeffreys_divergence(self) -> FloatArray:
        """Divergence both ways."""
        divergence = self._divergence()
        near = np.flatnonzero(divergence < _NEARLY_EQUAL)
        if near.size:
            divergence[near] = small_divergence(*self._nearly_equal(near))
        return divergence + self.reverse_kl_divergence()

    def kl_contributions(self) -> FloatArray:
        """What each class adds to the divergence, of shape (classes, rows)."""
        terms = np.zeros(self._table.shape)
        if self._codes is not None:
            rows = np.flatnonzero(self._codes < len(terms))
            terms[self._codes[rows], rows] = self.cross_entropy()[rows]
        else:
            q = np.maximum(self._q(), 0.0 if self._logits else self._clip)
            ratio = np.where(self._p > 0, self._p / q, 1.0)
            np.multiply(self._p, np.log(ratio), out=terms)
        return terms

    def predictive_entropy(self) -> FloatArray:
        """Entropy of the prediction."""
        if self._codes is None or self._logits:
            return self._minus_dot(self._q(), self._log_q())
        # Of hard labels nothing else needs the logarithms: overwrite them.
        log_q = self._log_q()
        del self._cache["log q"]
        return never_negative(sum_classes(np.multiply(self._table, log_q, out=log_q)))

    def confidence(self) -> FloatArray:
        """Largest predicted probability."""
        cached = self._cache.get("confidence")
        if cached is None:
            cached = np.maximum.reduce(self._q(), axis=0)
            self._cache["confidence"] = cached
        return cached

    def correct(self) -> FloatArray:
        """Probability, under the target, of the class predicted as most probable."""
        q, top = self._q(), self.confidence()
        right: FloatArray
        if self._codes is not None:
            if np.count_nonzero(np.equal(q, top)) == top.size:
                right = np.equal(self.p_true(), top).astype(np.float64)
            else:  # the first of several largest probabilities is the prediction
                right = np.equal(np.argmax(q, axis=0), self._codes).astype(np.float64)
        else:
            right = self._p[np.argmax(q, axis=0), np.arange(top.size)]
        return right

    def p_true(self) -> FloatArray:
        """Probability that a draw from the prediction equals one from the target."""
        if self._codes is None:
            return self._dot(self._p, self._q())
        value = self._at_label()
        return np.exp(value) if self._logits else value

    def jensen_shannon_divergence(self) -> FloatArray:
        """Divergence of both tables from their mean m: sum m g((p - q) / (p + q)).

        g(t) = ((1 + t) log(1 + t) + (1 - t) log(1 - t)) / 2 is never negative, so
        nothing cancels.
        """
        p, q = self._p, self._q()
        m = (p + q) / 2.0
        t = (p - q) / np.maximum(2.0 * m, TINY)
        g = (t_log_t(1.0 + t, t) + t_log_t(1.0 - t, -t)) / 2.0
        small = np.abs(t) < SERIES
        s = t[small] ** 2
        g[small] = s * (1 / 2 + s * (1 / 12 + s / 30))
        return sum_classes(m * g)

    # -- hard labels --------------------------------------------------------

    def _at_label(self) -> FloatArray:
        """The table's value at the label; what zero has for an unknown label."""
        cached = self._cache.get("at label")
        if cached is None:
            codes, table = self._codes, self._table
            assert codes is not None
            cached = np.empty_like(codes, dtype=np.float64)
            take_labels(table, codes, cached)
            if self._unseen:
                cached[codes >= len(table)] = -np.inf if self._logits else 0.0
            self._cache["at label"] = cached
        return cached

    def _cost_of_label(self) -> FloatArray:
        value = self._at_label()
        if not self._logits:
            cost, at_zero = cost_of_label(value.copy(), self._clip, self._active)
            self.at_zero += at_zero
            return cost
        # An unknown label has no logit to be exact about: it costs the clip.
        assert self._codes is not None
        unseen = self._codes >= len(self._table)
        self._count(unseen)
        return np.subtract(0.0, np.where(unseen, np.log(self._clip), value))

    # -- distributions ------------------------------------------------------

    def _cost_of_law(self) -> FloatArray:
        if self._logits:
            impossible = np.isneginf(self._table)
            if not impossible.any():
                return self._minus_dot(self._p, self._table)
            cost = self._minus_dot(self._p, np.where(impossible, 0.0, self._table))
            cost[np.logical_or.reduce(impossible & (self._p > 0), axis=0)] = np.inf
            return cost
        floor, log_q = self._clip, self._log_q()
        if self._proba.least >= max(floor, TINY):
            return self._minus_dot(self._p, log_q)
        if floor:
            log_q = np.maximum(log_q, np.log(floor))
        return self._at_floor(self._minus_dot(self._p, log_q))

    def _divergence(self) -> FloatArray:
        """KL(p||q), to an absolute accuracy."""
        if self._logits or self._cache:  # with the logarithms at hand
            return self.cross_entropy() - self.entropy()
        return self._mean_log_ratio()

    def _nearly_equal(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Targets and clipped predictions of some rows."""
        floor = 0.0 if self._logits else self._clip
        return self._p[:, rows], np.maximum(self._q()[:, rows], floor)

    def _mean_log_ratio(self) -> FloatArray:
        """KL as sum p log(p / q)."""
        q, floor = self._table, max(self._clip, TINY)
        above = self._proba.least >= floor
        if not above:
            q = np.maximum(q, floor)
        ratio = np.divide(self._p, q, out=self._buffer("log p"))
        assert self._target is not None
        if self._target.least < TINY:
            np.add(ratio, TINY, out=ratio)
        np.log(ratio, out=ratio)
        divergence = self._dot(self._p, ratio)
        return divergence if above else self._at_floor(divergence)

    def _at_floor(self, cost: FloatArray) -> FloatArray:
        """Count the rows whose cost met the clip; without one they are infinite."""
        below = self._table < max(self._clip, TINY)
        rows = np.logical_or.reduce(below & (self._p > 0), axis=0)
        self._count(rows)
        if not self._clip:
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
            cached = np.exp(self._table, out=self._buffer("q"))
            self._cache["q"] = cached
        return cached

    def _log_q(self) -> FloatArray:
        """Logarithm of q, finite also where q is 0."""
        if self._logits:
            return np.maximum(self._table, np.log(TINY), out=self._buffer("product"))
        return self._log(self._table, "log q", self._proba.least)

    def _log(self, table: FloatArray, name: str, least: float) -> FloatArray:
        cached = self._cache.get(name)
        if cached is None:
            cached = self._buffer(name)
            if least < TINY:
                table = np.add(table, TINY, out=cached)
            np.log(table, out=cached)
            self._cache[name] = cached
        return cached

    def _minus_dot(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """-sum a b over classes, where rounding alone could make it negative."""
        return never_negative(self._dot(a, b))

    def _dot(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Sum of products over the classes, for each row."""
        return sum_classes(np.multiply(a, b, out=self._buffer("product")))

    def _buffer(self, name: str) -> FloatArray:
        buffer = self._memory.get(name)
        if buffer is None:
            buffer = self._memory[name] = self._proba.new_buffer()
        n_rows = self._table.shape[1]
        return buffer if n_rows == buffer.shape[1] else buffer[:, :n_rows]
