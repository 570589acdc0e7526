"""Reading a table of probabilities block by block, and checking each block.

A block is always seen as an array of shape (classes, rows), whatever its memory
order, so the arithmetic above is written once. Checks return facts
(:class:`Violation`); turning them into sentences is the business of the inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from .table import BoolArray, FloatArray, IntArray, Table, block_rows, greatest, least

Rule = Literal["missing", "infinite", "negative", "above one", "row sum", "empty row"]

_LONG = 65  # classes: such rows are reduced fastest where they lie
_PAIR = 2  # classes: their columns are added faster than their rows
_FEW = 4096  # elements: a call costs more than the work
_ROUNDING = 8  # in units of the type's epsilon
_SUM_ROUNDING = 1e-12  # sums of rows this near to one are one


class Violation(NamedTuple):
    """The first row of a block that breaks a rule (column -1: the whole row)."""

    rule: Rule
    row: int
    column: int
    value: float


def row_by_row(table: Table, *, lookup: bool) -> bool:
    """Whether blocks had best be row-major.

    Long rows are reduced where they lie. Short ones are transposed first, unless one
    value of each is all that is looked up and they need no copy.
    """
    return table.n_classes >= _LONG or (lookup and table.lies_in_rows(single=True))


class Reader:
    """Reads checked blocks of one table into memory that it reuses.

    After :meth:`read`, ``least`` is the block's smallest probability, ``sum_to_one``
    says whether all its rows do to rounding, ``violation`` is the first rule broken by
    a row that counts, and ``ignored`` marks rows of weight 0 that break one.
    ``row_major`` is the memory order of the blocks; where the table has it too, blocks
    are views, of single precision only if that is allowed. A block has at most ``rows``
    rows.
    """

    def __init__(
        self,
        table: Table,
        *,
        row_major: bool,
        active: BoolArray | None = None,
        single: bool = False,
        rows: int | None = None,
    ) -> None:
        self.least = 0.0
        self.sum_to_one = True
        self._added: FloatArray | None = None
        self.violation: Violation | None = None
        self.ignored: BoolArray | None = None
        self._table = table
        self._active = active
        self._row_major = row_major
        self._in_place = row_major and table.lies_in_rows(single=single)
        if rows is None:
            rows = block_rows(table.n_classes) * (4 if single and self._in_place else 1)
        self._shape = (table.n_classes, max(1, min(rows, table.n_rows)))
        self._buffer: FloatArray | None = None
        self._places: IntArray | None = None
        kind = table.dtype if self._in_place else np.float64
        self._ones = np.ones(table.n_classes, kind)
        self._sums = np.empty(self._shape[1], kind)
        self._tolerance = table.tolerance
        self._lowest: float | FloatArray = -_ROUNDING * table.eps
        if table.given is not None:  # the other column is 1 less that one
            self._lowest = np.full((table.n_classes, 1), self._lowest)
            self._lowest[1 - table.given] = -self._tolerance

    @property
    def rows(self) -> int:
        """Rows of a block, but for the last."""
        return self._shape[1]

    def new_buffer(self) -> FloatArray:
        """Memory for one block of doubles, in the order that its blocks have."""
        return np.empty(self._shape, order="F" if self._row_major else "C")

    def read(self, start: int, stop: int) -> FloatArray | None:
        """Rows ``start`` to ``stop`` as (classes, rows); None where a rule breaks.

        The values are probabilities, or for logits log-probabilities.
        """
        self.ignored = None
        source = self._table.source
        if self._in_place and not isinstance(source, tuple):
            block: FloatArray = source[start:stop].T
        else:
            block = self._load(start, stop)
        if self._table.kind == "logits":
            self._log_softmax(block, start)  # after which rows sum to one
            return None if self.violation else block
        # Rows that sum to one have no value above it unless another is negative.
        self.least = least(block.ravel("K"))
        if not self.least >= 0:
            block = self._load(start, stop) if self._in_place else block
            self._mend_rounding(block, start)
            self.least = 0.0
        if not self.violation:
            self._settle_sums(block, start)
        return None if self.violation else block

    def row_sums(self, block: FloatArray) -> FloatArray:
        """Sums of the rows read last: one where that is so to rounding."""
        if self.sum_to_one:
            return np.ones(block.shape[1])
        sums = sum_classes(block) if self._added is None else self._added
        return true_sums(sums)

    def take_labels(self, block: FloatArray, codes: IntArray, out: FloatArray) -> None:
        """Copy a block's value at each label; that of an unknown label is any."""
        n_classes, n_rows = block.shape
        if block.flags.f_contiguous:
            memory, by_class = block.T.reshape(-1), 1
        else:
            whole = block if block.flags.c_contiguous else block.base
            assert whole is not None
            memory, by_class = whole.reshape(-1), whole.shape[1]
        if self._places is None:
            by_row = n_classes if by_class == 1 else 1
            self._places = np.arange(0, self.rows * by_row, by_row)
            self._where = np.empty_like(self._places)
        where = self._where[:n_rows]
        if by_class == 1:
            np.add(codes, self._places[:n_rows], out=where)
        else:
            np.multiply(codes, by_class, out=where)
            np.add(where, self._places[:n_rows], out=where)
        if memory.dtype == out.dtype:
            memory.take(where, out=out, mode="clip")
        else:
            out[...] = memory.take(where, mode="clip")

    def _load(self, start: int, stop: int) -> FloatArray:
        """Copy rows into the buffer."""
        source = self._table.source
        if self._buffer is None:
            self._buffer = self.new_buffer()
        block = self._buffer[:, : stop - start]
        if isinstance(source, tuple):
            for values, column in zip(block, source, strict=True):
                values[...] = column[start:stop]
        else:
            block[...] = source[start:stop].T
        return block

    def _mend_rounding(self, block: FloatArray, start: int) -> None:
        """Tell rounding below 0, which is mended, from what breaks a rule."""
        top = np.inf
        if self._table.kind == "probabilities":
            top = 1.0 + self._tolerance
        bad = ~((block >= self._lowest) & (block <= top))
        bad_rows: BoolArray = np.logical_or.reduce(bad, axis=0)
        row = self._offender(bad_rows, start)
        if row is not None:
            if row and top < np.inf:  # an earlier row may have a wrong sum
                self._settle_sums(block[:, :row], start)
            column = int(np.argmax(bad[:, row]))
            self.violation = self.violation or _range_violation(
                float(block[column, row]), start + row, column
            )
        else:
            block[:, bad_rows] = 1.0 / len(block)
            np.maximum(block, 0.0, out=block)

    def _settle_sums(self, block: FloatArray, start: int) -> None:
        """Check that rows sum to one, or make them."""
        if self._table.kind == "probabilities" and self._sums_are_near(block):
            return
        if self._row_major and len(block) < _LONG and block.size > _FEW:
            sums = np.einsum("ij->j", block)
        else:
            sums = sum_classes(block)
        low, high = self._bounds(sums)
        if self._table.kind == "proportions":
            self._divide_by(sums, block, start, empty=not (low > 0 and high < np.inf))
        elif not (1.0 - low <= self._tolerance and high - 1.0 <= self._tolerance):
            bad = ~(np.abs(sums - 1.0) <= self._tolerance)
            row = self._offender(bad, start)
            if row is None:
                self.least = 0.0
            else:
                self.violation = self._sum_violation(block, sums, row, start)

    def _sums_are_near(self, block: FloatArray) -> bool:
        """Whether all rows sum to one, by sums that are fast and true to rounding."""
        sums = self._sums[: block.shape[1]]
        if len(block) == _PAIR:
            np.add(block[0], block[1], out=sums)
        elif self._row_major and block.size > _FEW:
            np.matmul(block.T, self._ones, out=sums)
        else:
            return False
        near = self._tolerance / 2.0
        low, high = self._bounds(sums)
        if len(block) != _PAIR:  # products may depend on the rows beside
            self._added = None
        return bool(1.0 - low <= near and high - 1.0 <= near)

    def _bounds(self, sums: FloatArray) -> tuple[float, float]:
        """The least and the greatest sum; notes whether all are one to rounding.

        Half of what counts as rounding is left to other ways to add a row up.
        """
        low, high = least(sums), greatest(sums)
        near = _SUM_ROUNDING / 2.0
        self._added = sums
        self.sum_to_one = bool(1.0 - low <= near and high - 1.0 <= near)
        return low, high

    def _sum_violation(
        self, block: FloatArray, sums: FloatArray, row: int, start: int
    ) -> Violation:
        values = block[:, row]
        column = int(np.argmax(values))
        if values[column] > 1.0 + self._tolerance:
            return _range_violation(float(values[column]), start + row, column)
        return Violation("row sum", start + row, -1, float(sums[row]))

    def _divide_by(
        self, sums: FloatArray, block: FloatArray, start: int, *, empty: bool
    ) -> None:
        """Divide rows by their sums, which must be positive and finite."""
        if empty:
            bad = ~((sums > 0) & (sums < np.inf))
            row = self._offender(bad, start)
            if row is not None:
                rule: Rule = "infinite" if sums[row] > 0 else "empty row"
                column = int(np.argmax(block[:, row])) if sums[row] > 0 else -1
                self.violation = Violation(rule, start + row, column, float(sums[row]))
                return
            block[:, bad] = 1.0
            sums[bad] = len(block)
        np.divide(block, sums, out=block)
        self.sum_to_one = True
        self.least = least(block.ravel("K"))

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
        if self._table.normalised:
            self._check_logs(block, start)
            return
        with np.errstate(over="ignore"):  # a logit as far below the largest is -inf
            block -= top
        block -= np.log(sum_classes(np.exp(block)))

    def _check_logs(self, block: FloatArray, start: int) -> None:
        """Check that exponentials of log-probabilities sum to one in each row."""
        with np.errstate(over="ignore"):
            sums = sum_classes(np.exp(block))
        bad = ~(np.abs(sums - 1.0) <= self._tolerance)
        if self.ignored is not None:
            bad &= ~self.ignored
        if bad.any():
            row = self._offender(bad, start)
            if row is not None:
                self.violation = Violation("row sum", start + row, -1, float(sums[row]))

    def _offender(self, bad: BoolArray, start: int) -> int | None:
        """First bad row that has a weight; where there is none, bad rows are ignored.

        A row of weight 0 is ignored: it may hold anything.
        """
        counted = bad
        if self._active is not None:
            counted = bad & self._active[start : start + len(bad)]
        if counted.any():
            return int(np.argmax(counted))
        self.ignored = bad if self.ignored is None else self.ignored | bad
        return None


def checked_blocks(
    table: Table, active: BoolArray | None = None
) -> Iterator[tuple[slice, FloatArray | None]]:
    """Rows and values, of shape (classes, rows), of block after block.

    Values are None from the first block on that breaks a rule. The next block takes
    their memory.
    """
    reader = Reader(table, row_major=False, active=active)
    for start in range(0, table.n_rows, reader.rows):
        rows = slice(start, min(start + reader.rows, table.n_rows))
        yield rows, reader.read(rows.start, rows.stop)


def sum_classes(block: FloatArray) -> FloatArray:
    """Sum over the classes, for each row, whatever rows are beside it.

    Short rows are added class after class. One that is alone would be added in pairs.
    """
    sums: FloatArray
    if block.shape[1] == 1 and 0 < len(block) < _LONG:
        sums = np.add.accumulate(block, axis=0)[-1]
    else:
        sums = np.add.reduce(block, axis=0)
    return sums


def true_sums(sums: FloatArray) -> FloatArray:
    """Sums of rows, one where that is so to rounding."""
    return np.where(np.abs(sums - 1.0) <= _SUM_ROUNDING, 1.0, sums)


def _range_violation(value: float, row: int, column: int) -> Violation:
    rule: Rule = "above one"
    if np.isnan(value):
        rule = "missing"
    elif np.isinf(value):
        rule = "infinite"
    elif value < 0:
        rule = "negative"
    return Violation(rule, row, column, value)


def _logit_violation(row_values: FloatArray, row: int) -> Violation:
    missing = np.isnan(row_values)
    bad = missing | np.isposinf(row_values)
    if not bad.any():
        return Violation("empty row", row, -1, -np.inf)
    column = int(np.argmax(bad))
    rule: Rule = "missing" if missing[column] else "infinite"
    return Violation(rule, row, column, float(row_values[column]))
