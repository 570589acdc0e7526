"""A random sample of rows that merges: every row of all parts is as likely in it."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from .._kernels.table import FloatArray, IntArray
from .._pickling import pickled
from .._recalibration.sample import Sample, from_tables
from .._recalibration.select import enough_rows

_FEW = 0.02  # a share of rows that are drawn without a key of every row


@pickled
class RowsKept(NamedTuple):
    """At most so many rows of ``n_seen``: those whose random key is below a bound.

    ``log_q`` has shape (classes, rows), and so has ``target``, or (1, rows) where it
    holds the codes of labels. The rows with the least keys of two samples' are a sample
    of all, so merging needs no dice.
    """

    n_seen: FloatArray
    below: FloatArray
    keys: FloatArray
    log_q: FloatArray
    target: FloatArray
    weights: FloatArray
    entropy: FloatArray

    @classmethod
    def empty(cls, n_classes: int, *, soft: bool = False) -> Self:
        """No rows."""
        log_q, target = (
            np.zeros((n_classes, 0)),
            np.zeros((n_classes if soft else 1, 0)),
        )
        none = np.zeros(0)
        return cls(np.zeros(1), np.ones(1), none, log_q, target, none, none)

    @property
    def n(self) -> int:
        """Number of rows kept."""
        return len(self.weights)

    @property
    def complete(self) -> bool:
        """Whether every row was kept."""
        return self.n == int(self.n_seen[0])

    def sample(self) -> Sample:
        """What maps are fitted to."""
        return from_tables(self.log_q, self.distributions, self.weights)

    @property
    def distributions(self) -> FloatArray:
        """Target distributions, of shape (classes, rows)."""
        if len(self.target) > 1:
            return self.target
        one_hot = np.zeros_like(self.log_q)
        one_hot[self.target[0].astype(np.int64), np.arange(self.n)] = 1.0
        return one_hot

    def under(self, below: float) -> Self:
        """Those of the rows, of as many seen, whose keys are below a bound."""
        if below >= self.below[0]:
            return self
        rows = np.flatnonzero(self.keys < below)
        return self._replace(
            below=np.array([below]),
            keys=self.keys[rows],
            log_q=self.log_q[:, rows],
            target=self.target[:, rows],
            weights=self.weights[rows],
            entropy=self.entropy[rows],
        )

    def plus(self, other: Self) -> Self:
        """A sample of the rows of both."""
        if not other.n_seen[0]:
            return self
        below = bound(self, other.keys, float(other.below[0]))
        mine, theirs = self.under(below), other.under(below)
        return type(self)(
            self.n_seen + other.n_seen,
            np.array([below]),
            *(
                np.concatenate(pair, axis=-1)
                for pair in zip(mine[2:], theirs[2:], strict=True)
            ),
        )


def bound(kept: RowsKept, keys: FloatArray, below: float) -> float:
    """Below it are the keys of as many rows as are kept of both."""
    below = min(below, float(kept.below[0]))
    size = enough_rows(len(kept.log_q))
    together = np.concatenate([kept.keys, keys[keys < below]])
    if len(together) <= size:
        return below
    return min(float(np.partition(together, size)[size]), below)


def drawn(
    n_seen: float, n: int, of_part: tuple[int, int], below: float
) -> tuple[IntArray, FloatArray]:
    """Those of the next n rows whose random key, in [0, 1), is below a bound.

    These, and their keys, are the same on each run.
    """
    rng = np.random.default_rng([int(n_seen), n, *of_part])
    if below > _FEW:
        keys = rng.random(n)
        rows = np.flatnonzero(keys < below)
        return rows, keys[rows]
    some = rng.choice(n, rng.binomial(n, below), replace=False, shuffle=False)
    return np.sort(some), rng.random(len(some)) * below
