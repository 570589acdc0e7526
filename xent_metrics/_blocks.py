"""Reading a table of probabilities block by block, and checking each block.

A block is always seen as an array of shape (classes, rows), whatever its memory
order, so the arithmetic above is written once. Checks return facts
(:class:`Violation`); turning them into sentences is the business of the inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Kind = Literal["probabilities", "proportions", "logits"]
Rule = Literal["missing", "infinite", "negative", "above one", "row sum", "empty row"]

BLOCK_ELEMENTS = 32_768
_WIDE = 64  # beyond this many classes, rows are reduced where they lie

# A float is in [0, limit] exactly when its bits, read as an unsigned integer, are
# at most those of the limit: one pass finds NaN, infinities, negatives and excess.
_BITS = {np.dtype(f"f{size}"): np.dtype(f"u{size}") for size in (2, 4, 8)}


class Violation(NamedTuple):
    """The first row of a table that breaks a rule (column -1: the whole row)."""

    rule: Rule
    row: int
    column: int
    value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """N rows of K values: one (N, K) array, or K arrays of N values each.

    ``kind`` says what the values are: "probabilities" sum to one in each row,
    "proportions" (votes, or unnormalised scores) are divided by their row's sum,
    "logits" (or log-probabilities) go through a softmax.
    """

    source: FloatArray | IntArray | tuple[FloatArray | IntArray, ...]
    kind: Kind = "probabilities"
    one_column: bool = False  # two classes, given by the probability of the second

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.source[0] if isinstance(self.source, tuple) else self.source)

    @property
    def n_classes(self) -> int:
        """Number of columns."""
        source = self.source
        return len(source) if isinstance(source, tuple) else source.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that holds every column."""
        if isinstance(self.source, tuple):
            return np.result_type(*self.source)
        return self.source.dtype

    @property
    def sum_tolerance(self) -> float:
        """How far from one a row's sum may be: the root of the type's epsilon."""
        dtype = self.dtype
        inexact = np.issubdtype(dtype, np.floating)
        return float(np.sqrt(np.finfo(dtype if inexact else np.float64).eps))

    def raw_blocks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """First row and values, of shape (classes, rows), of block after block."""
        step = block_rows(self.n_classes)
        for start in range(0, self.n_rows, step):
            part = slice(start, start + step)
            if isinstance(self.source, tuple):
                yield start, np.stack([column[part] for column in self.source])
            else:
                yield start, self.source[part].T


def block_rows(n_classes: int) -> int:
    """Rows per block: a block of doubles stays in the second-level cache."""
    return max(16, BLOCK_ELEMENTS // n_classes)


class Reader:
    """Reads checked blocks of one table into memory that it reuses.

    ``view=True`` allows blocks that are views of the table, in its own type: for
    arithmetic that looks at a few of the values only.
    """

    def __init__(
        self, table: Table, *, active: BoolArray | None = None, view: bool = False
    ) -> None:
        self.violation: Violation | None = None
        self.ignored: BoolArray | None = None  # rows of weight 0 that break a rule
        self._table = table
        self._active = active
        self.rows = min(block_rows(table.n_classes), max(1, table.n_rows))
        source, dtype = table.source, table.dtype
        plain = table.kind == "probabilities" and dtype in (np.float64, np.float32)
        wide = table.n_classes > _WIDE
        self._view = (
            plain
            and not isinstance(source, tuple)
            and source.flags.c_contiguous
            and (view or (wide and dtype == np.float64))
        )
        self._row_major = self._view or wide
        self._dtype = dtype if view and plain else np.dtype(np.float64)
        self._buffer: FloatArray | None = None
        self._rounding = 8 * float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0
        limit = 1.0 if table.kind == "probabilities" else np.finfo(self._dtype).max
        self._limit_bits = np.array(limit, self._dtype).view(_BITS[self._dtype])[()]

    def new_buffer(self, dtype: np.dtype[Any] | None = None) -> FloatArray:
        """Memory for one block, in the order that the blocks of this table have."""
        shape = (self._table.n_classes, self.rows)
        return np.empty(
            shape, dtype or np.float64, order="F" if self._row_major else "C"
        )

    def read(self, start: int, stop: int) -> FloatArray | None:
        """Rows ``start`` to ``stop`` as (classes, rows); None where a rule breaks.

        The values are probabilities, or for logits log-probabilities.
        """
        self.ignored = None
        source = self._table.source
        if self._view and not isinstance(source, tuple):
            block: NDArray[Any] = source[start:stop].T
        else:
            block = self._load(start, stop)
        if self._table.kind == "logits":
            self._log_softmax(block, start)
        else:
            flat = block.T if self._row_major else block
            bits = np.maximum.reduce(flat.view(_BITS[self._dtype]), axis=None)
            if bits > self._limit_bits:
                block = self._load(start, stop) if self._view else block
                self._mend_rounding(block, start)
            if self.violation is None:
                self._settle_sums(block, start)
        return None if self.violation is not None else block

    def _load(self, start: int, stop: int) -> FloatArray:
        """Copy rows into the buffer."""
        source = self._table.source
        if self._buffer is None:
            self._buffer = self.new_buffer(self._dtype)
        block = self._buffer[:, : stop - start]
        if isinstance(source, tuple):
            for values, column in zip(block, source, strict=True):
                values[...] = column[start:stop]
        else:
            np.copyto(block, source[start:stop].T)
        return block

    def _mend_rounding(self, block: FloatArray, start: int) -> None:
        """Tell rounding and -0.0, which are mended, from what breaks a rule."""
        probabilities = self._table.kind == "probabilities"
        top = 1.0 + self._rounding if probabilities else np.finfo(self._dtype).max
        bad = ~((block >= -self._rounding) & (block <= top))
        bad_rows: BoolArray = np.logical_or.reduce(bad, axis=0)
        row = self._offender(bad_rows, start)
        if row is not None:
            column = int(np.argmax(bad[:, row]))
            value = float(block[column, row])
            rule: Rule = "above one"
            if np.isnan(value):
                rule = "missing"
            elif np.isinf(value):
                rule = "infinite"
            elif value < 0:
                rule = "negative"
            self.violation = Violation(rule, start + row, column, value)
        else:
            block[:, bad_rows] = 1.0 / len(block)
            np.clip(block, 0.0, 1.0 if probabilities else None, out=block)

    def _settle_sums(self, block: FloatArray, start: int) -> None:
        """Check that rows sum to one, or make them."""
        sums = _row_sums(block)
        if self._table.kind == "proportions":
            self._divide_by(sums, block, start)
            return
        tolerance = self._table.sum_tolerance
        low, high = np.minimum.reduce(sums), np.maximum.reduce(sums)
        if 1.0 - low > tolerance or high - 1.0 > tolerance:
            row = self._offender(np.abs(sums - 1.0) > tolerance, start)
            if row is not None:
                self.violation = Violation("row sum", start + row, -1, float(sums[row]))

    def _divide_by(self, sums: FloatArray, block: FloatArray, start: int) -> None:
        """Divide rows by their sums, which must be positive."""
        if np.minimum.reduce(sums) <= 0:
            row = self._offender(sums <= 0, start)
            if row is not None:
                self.violation = Violation("empty row", start + row, -1, 0.0)
            sums[sums <= 0] = 1.0
        np.divide(block, sums, out=block)

    def _log_softmax(self, block: FloatArray, start: int) -> None:
        """Turn logits into log-probabilities."""
        top = np.maximum.reduce(block, axis=0)
        bad = ~np.isfinite(top)
        if bad.any():
            row = self._offender(bad, start)
            if row is not None:
                self.violation = _logit_violation(block[:, row], start + row)
                return
            block[:, bad] = 0.0
            top[bad] = 0.0
        block -= top
        block -= np.log(_row_sums(np.exp(block)))

    def _offender(self, bad: BoolArray, start: int) -> int | None:
        """First bad row that has a weight; where there is none, bad rows are ignored.

        A row of weight 0 is as if removed: it may hold anything.
        """
        counted = bad
        if self._active is not None:
            counted = bad & self._active[start : start + len(bad)]
        if counted.any():
            return int(np.argmax(counted))
        self.ignored = bad if self.ignored is None else self.ignored | bad
        return None


def _row_sums(block: FloatArray) -> FloatArray:
    sums: FloatArray
    if block.flags.f_contiguous and not block.flags.c_contiguous:
        sums = np.einsum("ij->j", block)
    else:
        sums = np.add.reduce(block, axis=0)
    return sums


def _logit_violation(row_values: FloatArray, row: int) -> Violation:
    missing = np.isnan(row_values)
    bad = missing | np.isposinf(row_values)
    if not bad.any():
        return Violation("empty row", row, -1, -np.inf)
    column = int(np.argmax(bad))
    rule: Rule = "missing" if missing[column] else "infinite"
    return Violation(rule, row, column, float(row_values[column]))
