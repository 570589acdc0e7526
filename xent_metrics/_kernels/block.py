"""Measures of one block of rows, and of one with hard labels."""

from __future__ import annotations

import numpy as np

from .formulas import TINY, cost_of_label, never_negative
from .reader import Reader, Violation, sum_classes
from .table import BoolArray, FloatArray, IntArray


class Block:
    """The current block of rows, and the measures that need predictions only.

    A measure is a method named after its column. Logarithms are made once per block,
    when the first measure needs them, in memory that is reused from block to block.
    ``at_zero`` counts the rows whose cost met a probability below the clip.
    """

    def __init__(
        self,
        proba: Reader,
        *,
        logits: bool,
        clip: float = 0.0,
        active: BoolArray | None = None,
    ) -> None:
        self.rows = proba.rows
        self.at_zero = 0
        self._proba = proba
        self._everything_active = active
        self._clip = clip
        self._floor = max(clip, TINY)
        self._logits = logits
        self._memory: dict[str, FloatArray] = {}
        self._cache: dict[str, FloatArray] = {}

    def load(self, start: int, stop: int) -> bool:
        """Read and check the rows; False where a rule is broken."""
        self._cache.clear()
        active = self._everything_active
        self._active = None if active is None else active[start:stop]
        table = self._proba.read(start, stop)
        if table is None:
            return False
        self._table = table
        return True

    @property
    def violations(self) -> tuple[Violation | None, Violation | None]:
        """The rule that the prediction breaks, and the one that the target does."""
        return self._proba.violation, None

    @property
    def ignored(self) -> BoolArray | None:
        """Rows of weight 0 that break a rule."""
        return self._proba.ignored

    def refine(self, columns: dict[str, FloatArray], *, at_least: int = 1) -> None:
        """Complete what measures have put aside."""

    # -- measures -----------------------------------------------------------

    def predictive_entropy(self) -> FloatArray:
        """Entropy of the prediction."""
        return self._minus_dot(self._q(), self._log_q())

    def confidence(self) -> FloatArray:
        """Largest predicted probability."""
        cached = self._cache.get("confidence")
        if cached is None:
            cached = np.maximum.reduce(self._q(), axis=0)
            self._cache["confidence"] = cached
        return cached

    def predicted(self) -> FloatArray:
        """The first of the most probable classes, by its number."""
        codes: FloatArray = np.argmax(self._q(), axis=0).astype(np.float64)
        return codes

    # -- shared -------------------------------------------------------------

    def _count(self, rows: BoolArray) -> None:
        if self._active is not None:
            rows = rows & self._active
        self.at_zero += int(np.count_nonzero(rows))

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
                table = np.maximum(table, TINY, out=cached)
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


class LabelBlock(Block):
    """A block whose targets are class codes.

    With ``unseen``, a code beyond the classes is a label unknown to the predictions.
    With ``logs``, the logarithms of all probabilities are needed anyway.
    """

    def __init__(
        self,
        proba: Reader,
        codes: IntArray,
        *,
        unseen: bool,
        logs: bool,
        logits: bool,
        clip: float,
        active: BoolArray | None,
    ) -> None:
        super().__init__(proba, logits=logits, clip=clip, active=active)
        self._all_codes = codes
        self._unseen = unseen
        self._logs = logs

    def load(self, start: int, stop: int) -> bool:
        """Read and check the rows; False where a rule is broken."""
        self._codes = self._all_codes[start:stop]
        return super().load(start, stop)

    def cross_entropy(self) -> FloatArray:
        """Cost of the label under the prediction."""
        cached = self._cache.get("cross_entropy")
        if cached is None:
            cached = self._cache["cross_entropy"] = self._cost()
        return cached

    def kl_divergence(self) -> FloatArray:
        """Divergence of the prediction: the cost, as labels have no entropy."""
        return self.cross_entropy()

    def reverse_kl_divergence(self) -> FloatArray:
        """Divergence of the label from the prediction; the label is clipped."""
        q = self._q()
        if not self._proba.sum_to_one:
            q = q / self._proba.row_sums(self._table)
        entropy = -sum_classes(q * np.log(np.maximum(q, TINY)))
        others, rows = q.copy(order="K"), np.flatnonzero(self._codes < len(q))
        others[self._codes[rows], rows] = 0.0
        excluded = sum_classes(others)
        cost = np.where(excluded > 0, -excluded * np.log(self._clip), 0.0)
        return np.maximum(cost - entropy, 0.0)

    def kl_contributions(self) -> FloatArray:
        """What each class adds to the divergence, of shape (classes, rows)."""
        terms = np.zeros(self._table.shape)
        rows = np.flatnonzero(self._codes < len(terms))
        terms[self._codes[rows], rows] = self.cross_entropy()[rows]
        return terms

    def predictive_entropy(self) -> FloatArray:
        """Entropy of the prediction."""
        if self._logits:
            return super().predictive_entropy()
        log_q = self._log_q()
        del self._cache["log q"]  # nothing else needs it: overwrite it
        return never_negative(sum_classes(np.multiply(self._table, log_q, out=log_q)))

    def correct(self) -> FloatArray:
        """Whether the first of the most probable classes is the label."""
        q, top = self._q(), self.confidence()
        right: FloatArray
        if np.count_nonzero(np.equal(q, top)) == top.size:
            right = np.equal(self.p_true(), top).astype(np.float64)
        else:
            right = np.equal(np.argmax(q, axis=0), self._codes).astype(np.float64)
        return right

    def p_true(self) -> FloatArray:
        """Probability of the label."""
        value = self._at_label()
        return np.exp(value) if self._logits else value

    def _at_label(self) -> FloatArray:
        """The table's value at the label; what zero has for an unknown label."""
        cached = self._cache.get("at label")
        if cached is None:
            codes, table = self._codes, self._table
            cached = np.empty_like(codes, dtype=np.float64)
            self._proba.take_labels(table, codes, cached)
            if self._unseen:
                cached[codes >= len(table)] = -np.inf if self._logits else 0.0
            self._cache["at label"] = cached
        return cached

    def _cost(self) -> FloatArray:
        if self._logs and not self._unseen and self._proba.least >= self._floor:
            cost: FloatArray = np.empty(len(self._codes))
            self._proba.take_labels(self._log_q(), self._codes, cost)
            return np.maximum(np.subtract(0.0, cost, out=cost), 0.0, out=cost)
        value = self._at_label()
        if not self._logits:
            cost, at_zero = cost_of_label(value.copy(), self._clip, self._active)
            self.at_zero += at_zero
            return cost
        # An unknown label has no logit to be exact about: it costs the clip.
        unseen = self._codes >= len(self._table)
        self._count(unseen)
        return np.subtract(0.0, np.where(unseen, np.log(self._clip), value))
