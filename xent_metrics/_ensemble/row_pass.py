"""One pass over the rows of all members: a value per row and term, sums per member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .._inputs.inputs import Inputs
from .._inputs.messages import violation_error
from .._kernels.ensemble_block import ROW_TERMS, Measured, Target, measured
from .._kernels.reader import Reader, Violation, row_by_row
from .._kernels.sums import exact_sum, total
from .._kernels.table import BoolArray, FloatArray, Table

_BLOCK_ELEMENTS = 1 << 17  # of all members: a dozen arrays of this size are in use
_LEAST_ROWS = 16


class Part(NamedTuple):
    """The members' tables of some rows, the first of which is row ``start``."""

    start: int
    tables: Sequence[Table]


class Pass(NamedTuple):
    """What a pass leaves, in nats.

    ``columns`` has a value for each row. The means over the rows of each member and
    of each pair of members are weighted. ``n_clipped`` counts rows whose target has
    a class to which a member gives less than the clip, ``n_clipped_any`` rows where
    any class has.
    """

    columns: dict[str, FloatArray]
    cross_entropies: FloatArray
    entropies: FloatArray
    pairwise_kl: FloatArray
    n_clipped: int
    n_clipped_any: int


def run(
    inputs: Inputs, parts: Iterable[Part], member_weights: FloatArray, *, clip: float
) -> Pass:
    """Measure all parts; raise the error of the first row that breaks a rule."""
    walk = _Walk(inputs, member_weights, clip)
    with np.errstate(all="ignore"):
        for part in parts:
            walk.through(part)
        return walk.result()


class _Walk:
    """The state of a pass."""

    def __init__(self, inputs: Inputs, member_weights: FloatArray, clip: float) -> None:
        n_rows = inputs.proba.n_rows
        self._inputs = inputs
        self._weights = member_weights
        self._clip = clip
        self._columns: dict[str, FloatArray] = {
            name: np.empty(n_rows) for name in ROW_TERMS
        }
        self._row_weights: FloatArray = np.ones(n_rows)
        if inputs.weights is not None:
            self._row_weights = inputs.weights
        n_members = len(member_weights)
        self._of_members: list[FloatArray] = []
        self._pairs = np.zeros((n_members, n_members))
        self._infinite = np.zeros((n_members, n_members), dtype=np.bool_)
        self._n_clipped = self._n_clipped_any = 0

    def through(self, part: Part) -> None:
        """Measure the rows of a part, block after block."""
        tables, start = part.tables, part.start
        n_rows, n_classes = tables[0].n_rows, tables[0].n_classes
        rows = max(_LEAST_ROWS, _BLOCK_ELEMENTS // (n_classes * len(tables)))
        rows = min(rows, n_rows)
        active = self._inputs.active
        here = None if active is None else active[start : start + n_rows]
        readers = [_reader(table, here, rows) for table in tables]
        target = self._inputs.target
        of_target = None if target is None else _reader(target, active, rows)
        memory = np.empty((n_classes, len(tables), rows))
        for first in range(0, n_rows, rows):
            last = min(first + rows, n_rows)
            block = memory[:, :, : last - first]
            for member, reader in enumerate(readers):
                values = reader.read(first, last)
                if values is None:
                    raise self._error(reader.violation, tables[member], start)
                block[:, member] = values
            soft = None
            if target is not None and of_target is not None:
                soft = of_target.read(start + first, start + last)
                if soft is None:
                    raise self._error(of_target.violation, target, 0)
            place = slice(start + first, start + last)
            own_target = self._target(place, soft)
            found = measured(
                block,
                own_target,
                self._weights,
                self._row_weights[place],
                logits=tables[0].kind == "logits",
                clip=self._clip,
            )
            self._add(found, own_target, place)
            self._forget([*readers, *([of_target] if of_target else [])], place)

    def result(self) -> Pass:
        """The columns, and means over the rows that count."""
        active = self._inputs.active
        mass = total(self._row_weights if active is None else self._row_weights[active])
        sums = np.stack(self._of_members, axis=-1)
        means = [[exact_sum(member) / mass for member in term] for term in sums]
        pairs = np.where(self._infinite, np.inf, self._pairs / mass)
        np.fill_diagonal(pairs, 0.0)
        return Pass(
            columns=self._columns,
            cross_entropies=np.array(means[0]),
            entropies=np.array(means[1]),
            pairwise_kl=pairs,
            n_clipped=self._n_clipped if self._clip else 0,
            n_clipped_any=self._n_clipped_any,
        )

    def _add(self, found: Measured, target: Target, place: slice) -> None:
        """Fill the columns of a block and add to the sums."""
        for name, column in zip(ROW_TERMS, found.columns, strict=True):
            self._columns[name][place] = column
        weights = self._row_weights[place]
        counted = weights > 0
        both = np.stack([found.costs, found.entropies])[..., counted]
        self._of_members.append(np.add.reduce(both * weights[counted], axis=-1))
        self._pairs += found.pairs
        if found.infinite is not None:
            self._infinite |= found.infinite
        hits = target.unseen
        if found.below is not None:
            hits = target.meets(found.below)
            anywhere = np.logical_or.reduce(found.below, axis=0)
            self._n_clipped_any += int(np.count_nonzero(anywhere & counted))
        if hits is not None:
            self._n_clipped += int(np.count_nonzero(hits & counted))

    def _target(self, place: slice, soft: FloatArray | None) -> Target:
        codes = self._inputs.codes
        if codes is None:
            return Target(None, soft, None)
        codes, n_classes = codes[place], self._inputs.proba.n_classes
        if not self._inputs.unseen:
            return Target(codes, None, None)
        return Target(np.minimum(codes, n_classes - 1), None, codes >= n_classes)

    def _forget(self, readers: Sequence[Reader], place: slice) -> None:
        """Rows of weight 0 that break a rule have no values."""
        for reader in readers:
            if reader.ignored is not None:
                for column in self._columns.values():
                    column[place][reader.ignored] = np.nan

    def _error(
        self, violation: Violation | None, table: Table, start: int
    ) -> ValueError:
        assert violation is not None
        violation = violation._replace(row=violation.row + start)
        return violation_error(violation, table, self._inputs.labels)


def _reader(table: Table, active: BoolArray | None, rows: int) -> Reader:
    row_major = row_by_row(table, lookup=False)
    return Reader(table, row_major=row_major, active=active, rows=rows)
