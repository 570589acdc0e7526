"""A random sample of rows that merges: every row of all parts is as likely in it."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from .._recalibration import Sample, enough_rows, from_tables
from .._table import FloatArray, IntArray

_MOST_HYPERGEOMETRIC = 10**9  # rows: numpy's bound; beyond, draws are independent


class RowsKept(NamedTuple):
    """At most so many rows of ``n_seen``, drawn without replacement.

    ``log_q`` and ``target`` have shape (classes, rows).
    """

    n_seen: FloatArray
    log_q: FloatArray
    target: FloatArray
    weights: FloatArray
    entropy: FloatArray

    @classmethod
    def empty(cls, n_classes: int) -> Self:
        """No rows."""
        none = np.zeros((n_classes, 0))
        return cls(np.zeros(1), none, none, np.zeros(0), np.zeros(0))

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
        return from_tables(self.log_q, self.target, self.weights)

    def some(self, rows: IntArray) -> Self:
        """Some of the rows, of as many seen."""
        return self._replace(
            log_q=self.log_q[:, rows],
            target=self.target[:, rows],
            weights=self.weights[rows],
            entropy=self.entropy[rows],
        )

    def plus(self, other: Self) -> Self:
        """A sample of the rows of both."""
        if not self.n_seen[0] or not other.n_seen[0]:
            return self if self.n_seen[0] else other
        n_classes = len(self.log_q)
        own, others = draw(self.n_seen, self.n, other.n_seen, other.n, n_classes)
        mine, theirs = self.some(own), other.some(others)
        return type(self)(
            self.n_seen + other.n_seen,
            np.concatenate([mine.log_q, theirs.log_q], axis=1),
            np.concatenate([mine.target, theirs.target], axis=1),
            np.concatenate([mine.weights, theirs.weights]),
            np.concatenate([mine.entropy, theirs.entropy]),
        )


def draw(
    seen: FloatArray,
    kept: int,
    others_seen: FloatArray,
    others_kept: int,
    n_classes: int,
) -> tuple[IntArray, IntArray]:
    """Which rows of two samples make the sample of both; the same on each run.

    How many come from each is what drawing without replacement from all rows would
    give, so that no part counts for more than its rows.
    """
    n, n_others = int(seen[0]), int(others_seen[0])
    size = min(enough_rows(n_classes), n + n_others)
    if kept + others_kept == size:
        return np.arange(kept), np.arange(others_kept)
    rng = np.random.default_rng([n, n_others, n_classes])
    if n + n_others < _MOST_HYPERGEOMETRIC:
        n_own = int(rng.hypergeometric(n, n_others, size))
    else:
        n_own = int(rng.binomial(size, n / (n + n_others)))
    own = np.sort(rng.permutation(kept)[:n_own])
    return own, np.sort(rng.permutation(others_kept)[: size - n_own])
