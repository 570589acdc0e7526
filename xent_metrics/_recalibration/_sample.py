"""What a recalibration map is fitted on, and what a fit leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from .._inputs import EPS, Inputs
from .._reader import Reader
from .._table import BoolArray, FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedMap:
    """A recalibration map fitted on the evaluated rows.

    ``losses`` are the cross-entropies of the rows after the map, ``optimism`` is
    how much their mean flatters it.
    """

    name: str
    parameters: Mapping[str, float]
    degrees_of_freedom: int
    losses: FloatArray
    optimism: float
    converged: bool


class Sample:
    """The rows that count and whose label the predictions know.

    ``weights`` are scaled to sum to their effective number, so that a ridge means
    the same for any scale. ``mass`` is the sum of each target row (1 for a label)
    and ``log_q_at_target`` its scalar product with log q.
    """

    def __init__(self, inputs: Inputs, rows: BoolArray | None, clip: float) -> None:
        self._inputs = inputs
        self._rows = rows
        self._floor = clip or EPS
        everything = np.ones(inputs.proba.n_rows) if rows is None else rows
        self.n = int(np.count_nonzero(everything))
        raw: FloatArray = np.ones(self.n)
        if inputs.weights is not None:
            raw = inputs.weights if rows is None else inputs.weights[rows]
        self.n_effective = effective_number(raw)
        self.weights: FloatArray = raw * (self.n_effective / raw.sum())
        self.mass: FloatArray = np.ones(self.n)
        self.log_q_at_target: FloatArray = np.empty(self.n)
        self._read_targets()

    def blocks(self) -> Iterator[tuple[slice, FloatArray]]:
        """Position and log q, of shape (classes, rows), of block after block."""
        for part, _, log_q in self._blocks():
            yield part, log_q

    def _blocks(self) -> Iterator[tuple[slice, slice, FloatArray]]:
        proba = self._inputs.proba
        reader = Reader(proba, row_major=False, active=self._inputs.active)
        logits = proba.kind == "logits"
        done = 0
        for start in range(0, proba.n_rows, reader.rows):
            where = slice(start, min(start + reader.rows, proba.n_rows))
            table = reader.read(where.start, where.stop)
            assert table is not None, "the measures checked every row before"
            if self._rows is not None:
                table = table[:, self._rows[where]]
            if logits:
                log_q = np.maximum(table, np.log(np.finfo(np.float64).tiny))
            else:
                log_q = np.log(np.maximum(table, self._floor))
            part = slice(done, done + log_q.shape[1])
            done = part.stop
            yield part, where, log_q

    def _read_targets(self) -> None:
        inputs = self._inputs
        reader = None
        if inputs.target is not None:
            reader = Reader(inputs.target, row_major=False, active=inputs.active)
        for part, where, log_q in self._blocks():
            if reader is None:
                assert inputs.codes is not None
                codes = inputs.codes[where]
                if self._rows is not None:
                    codes = codes[self._rows[where]]
                at_label = log_q[codes, np.arange(codes.size)]
                self.log_q_at_target[part] = at_label
                continue
            p = reader.read(where.start, where.stop)
            assert p is not None, "the measures checked every row before"
            if self._rows is not None:
                p = p[:, self._rows[where]]
            self.mass[part] = p.sum(axis=0)
            self.log_q_at_target[part] = (p * log_q).sum(axis=0)


def effective_number(weights: FloatArray) -> float:
    """Effective number of rows: (sum w)^2 / sum w^2 (Kish, 1965)."""
    return float(weights.sum() ** 2 / (weights @ weights))
