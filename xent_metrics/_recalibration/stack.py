"""A recalibration map with more columns: what learners predict beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .._kernels.table import FloatArray, IntArray, block_rows
from .fitted_map import FittedMap
from .sample import Sample, SampleBlock, least_rows
from .softmax import (
    LinearSoftmax,
    SoftmaxMap,
    debiased,
    minimise,
    variability,
)

_RIDGE = 0.01  # precision with which a column's coefficient is drawn to 0, in rows


class Stacked(LinearSoftmax):
    """Z = that of a family, plus a coefficient for each table of log-probabilities.

    Log q and the tables lie below one another, of shape ((1 + tables) classes, rows).
    """

    name = "stacked"

    def __init__(self, base: LinearSoftmax, n_more: int) -> None:
        self.base, self.n_more = base, n_more
        self.n_classes = base.n_classes
        self.n_shared = base.n_shared + n_more
        at = base.n_shared
        self.identity = np.insert(base.identity, at, np.zeros(n_more))
        kept = np.delete(np.arange(len(self.identity)), np.s_[at : at + n_more])
        self.ridge = np.eye(len(self.identity)) * _RIDGE
        self.ridge[np.ix_(kept, kept)] = base.ridge

    def shared(self, log_q: FloatArray) -> FloatArray:
        """Features of the family, then the tables."""
        k, m = self.n_classes, log_q.shape[1]
        more = np.swapaxes(log_q[k:].reshape(self.n_more, k, m), 0, 1)
        return np.concatenate([self.base.shared(log_q[:k]), more], axis=1)

    def own(self, log_q: FloatArray) -> FloatArray | None:
        """Features of the family with parameters of each class."""
        return self.base.own(log_q[: self.n_classes])

    def coefficients(self, parameters: FloatArray) -> FloatArray:
        """Those of the tables."""
        return parameters[self.base.n_shared : self.n_shared]


class Given(NamedTuple):
    """Rows that a stack is fitted to; tables have shape (classes, rows)."""

    log_q: FloatArray
    target: FloatArray
    weights: FloatArray
    clusters: IntArray | None

    def sample(self, more: Sequence[FloatArray]) -> Sample:
        """The rows with tables below log q."""
        table = np.concatenate([self.log_q, *more])
        n = table.shape[1]

        def read() -> Iterator[SampleBlock]:
            step = max(block_rows(len(table)), least_rows(len(table)))
            for start in range(0, n, step):
                part = slice(start, min(start + step, n))
                yield SampleBlock(
                    part,
                    np.ascontiguousarray(table[:, part]),
                    np.ascontiguousarray(self.target[:, part]),
                )

        return Sample(
            read,
            n_classes=len(self.target),
            weights=self.weights,
            clusters=self.clusters,
        )


class Fit(NamedTuple):
    """A fitted stack; ``kept`` numbers the tables whose coefficient is not at 0."""

    map: FittedMap
    kept: tuple[int, ...]
    family: Stacked
    parameters: FloatArray

    def mean_cost(self, sample: Sample) -> float:
        """The mean cost of the rows, freed of what fitting flatters it by."""
        return sample.mean(self.map.losses) + self.map.optimism


def fit_stack(
    given: Given,
    base: LinearSoftmax,
    tables: Sequence[FloatArray],
    *,
    n_free: int,
    start: FloatArray | None = None,
) -> Fit:
    """Fit the family with tables beside it, all but ``n_free`` of them at 0 or above.

    A learner's predictions out of fold are anti-correlated with the labels that it did
    not see. So where features tell nothing, a free coefficient would be negative, and
    read as a gain.
    """
    kept = tuple(range(len(tables)))
    while True:
        family = Stacked(base, len(kept))
        sample = given.sample([tables[at] for at in kept])
        first = None
        if start is not None:
            first = family.identity.copy()
            first[: base.n_shared] = start[: base.n_shared]
            n_own = len(first) - family.n_shared
            if n_own:
                first[-n_own:] = start[-n_own:]
        optimum = minimise(family, sample, first)
        found = family.coefficients(optimum.parameters)
        lowest = min(
            (at for at, table in enumerate(kept) if table >= n_free),
            key=lambda at: float(found[at]),
            default=None,
        )
        if lowest is not None and found[lowest] <= 0:
            kept = tuple(table for at, table in enumerate(kept) if at != lowest)
            continue
        fitted = debiased(
            family,
            optimum,
            losses=optimum.sweep.losses,
            scatter=variability(family, sample, optimum.parameters),
            total=float(sample.weights.sum()),
            n_independent=sample.n_independent,
        )
        return Fit(fitted, kept, family, optimum.parameters)


def costs_of(fit: Fit, log_q: FloatArray, target: FloatArray) -> FloatArray:
    """Costs of rows, with their tables below log q, under a fitted stack."""
    c = SoftmaxMap(fit.family, fit.parameters)(log_q)
    return np.asarray(-(target * np.log(np.maximum(c, math.ulp(0.0)))).sum(axis=0))
