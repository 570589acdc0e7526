"""Measures of a block of rows whose targets are distributions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .block import Block
from .formulas import LEAST_NORMAL, SERIES, TINY, log_ratio, small_divergence, t_log_t
from .reader import Reader, Violation, sum_classes
from .table import BoolArray, FloatArray, IntArray

# Below this divergence CE - H, and log(p / q) too, have lost digits to cancellation.
_NEARLY_EQUAL = 0.2


class SoftBlock(Block):
    """A block whose targets are distributions, or votes.

    Divergences are those of the rows divided by their sums. So they are not negative
    also where rows sum to one in single precision only; cross-entropy and entropy take
    rows as given, and so does the divergence of a row that is a label: its
    cross-entropy.
    """

    def __init__(
        self,
        proba: Reader,
        target: Reader,
        *,
        logits: bool,
        clip: float,
        active: BoolArray | None,
    ) -> None:
        super().__init__(proba, logits=logits, clip=clip, active=active)
        self._target = target
        self._pending: list[tuple[IntArray, FloatArray, FloatArray]] = []
        self._n_pending = 0

    def load(self, start: int, stop: int) -> bool:
        """Read and check the rows; False where a rule is broken."""
        self._start = start
        sound = super().load(start, stop)
        target = self._target.read(start, stop)  # it may break a rule in an earlier row
        if target is None or not sound:
            return False
        self._p = target
        self._both_sums: tuple[FloatArray, FloatArray] | None = None
        return True

    @property
    def violations(self) -> tuple[Violation | None, Violation | None]:
        """The rule that the prediction breaks, and the one that the target does."""
        return self._proba.violation, self._target.violation

    @property
    def ignored(self) -> BoolArray | None:
        """Rows of weight 0 that break a rule."""
        ours, theirs = self._proba.ignored, self._target.ignored
        if ours is None or theirs is None:
            return theirs if ours is None else ours
        return ours | theirs

    # -- measures -----------------------------------------------------------

    def cross_entropy(self) -> FloatArray:
        """Cost of the target under the prediction."""
        return np.maximum(self._sum_of("cross_entropy", self._cost), 0.0)

    def entropy(self) -> FloatArray:
        """Entropy of the target distribution."""
        return np.maximum(self._sum_of("entropy", self._minus_p_log_p), 0.0)

    def kl_divergence(self) -> FloatArray:
        """Divergence of the prediction from the target; :meth:`refine` completes it.

        Rows that are nearly equal are put aside, as refining a few of each block
        costs more than refining those of many blocks at once.
        """
        sums = self._sums_but_of_labels()
        divergence = self._divergence(sums)
        near = divergence < _NEARLY_EQUAL
        if self.ignored is not None:
            near &= ~self.ignored
        rows = np.flatnonzero(near)
        if rows.size:
            p, q = self._nearly_equal(rows, sums)
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
        log_p = self._log(self._p, "log p", self._target.least)
        log_p = np.where(self._p < self._floor, log_floor, log_p)
        divergence = sum_classes(np.where(q > 0, q * (self._log_q() - log_p), 0.0))
        sums = self._sums()
        if sums is not None:
            divergence = divergence / sums[1] + np.log(sums[0] / sums[1])
        near = np.flatnonzero(divergence < _NEARLY_EQUAL)
        if near.size:
            p, q = np.maximum(self._p[:, near], self._clip), q[:, near]
            if sums is not None:
                p, q = p / sums[0][near], q / sums[1][near]
            divergence[near] = small_divergence(q, p)
        return divergence

    def jeffreys_divergence(self) -> FloatArray:
        """Divergence both ways."""
        sums = self._sums()
        divergence = self._divergence(sums)
        near = np.flatnonzero(divergence < _NEARLY_EQUAL)
        if near.size:
            divergence[near] = small_divergence(*self._nearly_equal(near, sums))
        return divergence + self.reverse_kl_divergence()

    def jensen_shannon_divergence(self) -> FloatArray:
        """Divergence of both tables from their mean m: sum m g((p - q) / (p + q)).

        g(t) = ((1 + t) log(1 + t) + (1 - t) log(1 - t)) / 2 is never negative, so
        nothing cancels.
        """
        p, q = self._p, self._q()
        sums = self._sums()
        if sums is not None:
            p, q = p / sums[0], q / sums[1]
        both = p + q
        t = (p - q) / np.maximum(both, TINY)
        g = (t_log_t(1.0 + t, t) + t_log_t(1.0 - t, -t)) / 2.0
        small = np.abs(t) < SERIES
        s = t[small] ** 2
        g[small] = s * (1 / 2 + s * (1 / 12 + s / 30))
        return sum_classes(both * g) / 2.0

    def kl_contributions(self) -> FloatArray:
        """What each class adds to the divergence, of shape (classes, rows)."""
        q = np.maximum(self._q(), 0.0 if self._logits else self._clip)
        sums = self._sums_but_of_labels()
        if sums is not None:
            q = np.minimum(q, np.maximum(sums[1], 1.0))
        terms = self._p * log_ratio(self._p, q)
        if sums is not None:
            terms += self._p * np.log(sums[1] / sums[0])
            terms /= sums[0]
        return terms

    def correct(self) -> FloatArray:
        """Probability, under the target, of the class predicted as most probable."""
        best = np.argmax(self._q(), axis=0)
        hit: FloatArray = self._p[best, np.arange(best.size)]
        return hit

    def p_true(self) -> FloatArray:
        """Probability that a draw from the prediction equals one from the target."""
        return self._dot(self._p, self._q())

    # -- parts of them ------------------------------------------------------

    def _sum_of(self, name: str, make: Callable[[], FloatArray]) -> FloatArray:
        """The sum of a measure, made once; it may be negative."""
        cached = self._cache.get(name)
        if cached is None:
            cached = self._cache[name] = make()
        return cached

    def _sums(self) -> tuple[FloatArray, FloatArray] | None:
        """Sums of targets and predictions; None where all are one."""
        if self._target.sum_to_one and self._proba.sum_to_one:
            return None
        if self._both_sums is None:
            self._both_sums = (
                self._target.row_sums(self._p),
                self._proba.row_sums(self._table),
            )
        return self._both_sums

    def _sums_but_of_labels(self) -> tuple[FloatArray, FloatArray] | None:
        """The same, where a prediction for a single label is taken as given."""
        sums = self._sums()
        if sums is None or (self._target.least >= TINY and len(self._p) > 1):
            return sums
        label = np.count_nonzero(self._p, axis=0) == 1
        label &= np.maximum.reduce(self._p, axis=0) == 1.0
        return sums[0], np.where(label, 1.0, sums[1])

    def _minus_p_log_p(self) -> FloatArray:
        log_p = self._log(self._p, "log p", self._target.least)
        return -self._dot(self._p, log_p)

    def _cost(self) -> FloatArray:
        if self._logits:
            impossible = np.isneginf(self._table)
            if not impossible.any():
                return -self._dot(self._p, self._table)
            cost = -self._dot(self._p, np.where(impossible, 0.0, self._table))
            cost[np.logical_or.reduce(impossible & (self._p > 0), axis=0)] = np.inf
            return cost
        log_q = self._log_q()
        if self._proba.least >= self._floor:
            return -self._dot(self._p, log_q)
        if self._clip:
            log_q = np.maximum(log_q, np.log(self._clip))
        return self._at_floor(-self._dot(self._p, log_q))

    def _divergence(self, sums: tuple[FloatArray, FloatArray] | None) -> FloatArray:
        """KL(p||q), to an absolute accuracy."""
        divergence: FloatArray
        if self._logits or self._cache:  # with the logarithms at hand
            cost = self._sum_of("cross_entropy", self._cost)
            divergence = cost - self._sum_of("entropy", self._minus_p_log_p)
        else:
            divergence = self._mean_log_ratio()
        if sums is not None:
            divergence /= sums[0]
            divergence += np.log(sums[1] / sums[0])
        return divergence

    def _nearly_equal(
        self, rows: IntArray, sums: tuple[FloatArray, FloatArray] | None
    ) -> tuple[FloatArray, FloatArray]:
        """Targets and clipped predictions of some rows, divided by their sums."""
        floor = 0.0 if self._logits else self._clip
        p, q = self._p.take(rows, axis=1), self._q().take(rows, axis=1)
        np.maximum(q, floor, out=q)
        if sums is not None:
            p /= sums[0][rows]
            q /= sums[1][rows]
        return p, np.minimum(q, 1.0, out=q)

    def _mean_log_ratio(self) -> FloatArray:
        """KL as sum p log(p / q)."""
        q, above = self._table, self._proba.least >= self._floor
        if not above:
            q = np.maximum(q, self._floor)
        ratio = np.divide(self._p, q, out=self._buffer("log p"))
        if self._target.least < TINY:
            np.maximum(ratio, TINY, out=ratio)
        np.log(ratio, out=ratio)
        if max(self._proba.least, self._floor) < LEAST_NORMAL:
            tiny = q < LEAST_NORMAL  # p / q may overflow
            log_p = np.log(np.maximum(self._p[tiny], TINY))
            ratio[tiny] = log_p - np.log(q[tiny])
        divergence = self._dot(self._p, ratio)
        return divergence if above else self._at_floor(divergence)

    def _at_floor(self, cost: FloatArray) -> FloatArray:
        """Count the rows whose cost met the clip; without one they are infinite."""
        below = self._table < self._floor
        rows = np.logical_or.reduce(below & (self._p > 0), axis=0)
        self._count(rows)
        if not self._clip:
            cost[rows] = np.inf
        return cost
