"""Measures of a block of rows with hard labels."""

from __future__ import annotations

import numpy as np

from ._block import Block
from ._formulas import TINY, cost_of_label, never_negative
from ._reader import Reader, sum_classes
from ._table import BoolArray, FloatArray, IntArray


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
        """Divergence of the label's law from the prediction; that law is clipped."""
        excluded = 1.0 - self.p_true()
        cost = np.where(excluded > 0, -excluded * np.log(self._clip), 0.0)
        return np.maximum(cost - self.predictive_entropy(), 0.0)

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
        floor = max(self._clip, TINY)
        if self._logs and not self._unseen and self._proba.least >= floor:
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
