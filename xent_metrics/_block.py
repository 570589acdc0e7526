"""What a pass holds of one block of rows: its predictions and their logarithms."""

from __future__ import annotations

import numpy as np

from ._formulas import TINY, never_negative
from ._reader import Reader, Violation, sum_classes
from ._table import BoolArray, FloatArray


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
