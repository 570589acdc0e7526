"""What a recalibration map is fitted on: log q, targets and weights, in blocks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from .._inputs.inputs import Inputs
from .._inputs.read_options import log_floored
from .._kernels.table import BoolArray, FloatArray, IntArray, block_rows

# A block has so many rows at least, but for the last; fewer of very many classes, as
# memory that is got and let go with each block is dear.
_LEAST_ROWS, _FEWEST_ROWS, _LEAST_VALUES = 512, 64, 1 << 18
_KEPT = 1 << 21  # elements: the blocks of so many are read once and kept


class SampleBlock(NamedTuple):
    """Some rows of a sample; the tables have shape (classes, rows)."""

    rows: slice
    log_q: FloatArray
    target: FloatArray


# A block, the features whose parameters classes share, and those of each class.
Features = tuple[SampleBlock, FloatArray, FloatArray | None]


class Sample:
    """Rows to fit maps on.

    ``weights`` are scaled to sum to their effective number, so that a ridge means
    the same for any scale. ``clusters`` numbers the group of each row, or is None
    where rows stand alone.
    """

    def __init__(
        self,
        read: Callable[[], Iterator[SampleBlock]],
        *,
        n_classes: int,
        weights: FloatArray,
        clusters: IntArray | None = None,
    ) -> None:
        self.n = len(weights)
        self.n_classes = n_classes
        self.n_effective = effective_number(weights)
        self.weights: FloatArray = weights
        if self.n:
            self.weights = weights * (self.n_effective / weights.sum())
        self.clusters = clusters
        self._read = read
        self.kept_features: tuple[object, list[Features]] | None = None
        self._kept: list[SampleBlock] | None = None
        if self.n * n_classes <= _KEPT:
            self._kept = list(read())

    @property
    def n_independent(self) -> float:
        """Effective number of rows, or of clusters where those are fewer."""
        if self.clusters is None:
            return self.n_effective
        return min(self.n_effective, float(len(np.unique(self.clusters))))

    def blocks(self) -> Iterator[SampleBlock]:
        """Block after block of the rows."""
        return self._read() if self._kept is None else iter(self._kept)

    def pick(self, rows: IntArray) -> Sample:
        """The sample of some rows, in memory; ``rows`` must rise."""
        log_q = np.empty((self.n_classes, len(rows)))
        target = np.empty_like(log_q)
        for part, block_log_q, block_target in self.blocks():
            first, last = np.searchsorted(rows, (part.start, part.stop))
            within = rows[first:last] - part.start
            log_q[:, first:last] = block_log_q[:, within]
            target[:, first:last] = block_target[:, within]
        clusters = self.clusters
        return from_tables(
            log_q,
            target,
            self.weights[rows],
            None if clusters is None else clusters[rows],
            cut=True,
        )

    def with_features(self, family: object, features: list[Features]) -> Sample:
        """The same rows, with the features of a family beside its blocks."""
        found = copy.copy(self)
        found.kept_features = family, features
        return found

    def features_of(self, family: object) -> list[Features] | None:
        """The features of a family, if it is that of :meth:`with_features`."""
        if self.kept_features is None or self.kept_features[0] is not family:
            return None
        return self.kept_features[1]

    def tables(self) -> tuple[FloatArray, FloatArray]:
        """Log q and targets of all rows, both of shape (classes, rows)."""
        blocks = list(self.blocks())
        return (
            np.concatenate([block.log_q for block in blocks], axis=1),
            np.concatenate([block.target for block in blocks], axis=1),
        )

    def costs(self) -> FloatArray:
        """Cross-entropy of each row as it was predicted."""
        costs = np.empty(self.n)
        for part, log_q, target in self.blocks():
            costs[part] = -(target * log_q).sum(axis=0)
        return costs

    def mean(self, values: FloatArray) -> float:
        """Weighted mean."""
        return float(self.weights @ values) / float(self.weights.sum())

    def of_classes(self) -> FloatArray:
        """The weight of each class."""
        found = np.zeros(self.n_classes)
        for part, _, target in self.blocks():
            found += target @ self.weights[part]
        return found

    def majority(self) -> IntArray:
        """The likeliest class of each row's target."""
        classes = np.empty(self.n, dtype=np.int64)
        for part, _, target in self.blocks():
            classes[part] = target.argmax(axis=0)
        return classes


def from_tables(
    log_q: FloatArray,
    target: FloatArray,
    weights: FloatArray,
    clusters: IntArray | None = None,
    *,
    cut: bool = False,
) -> Sample:
    """A sample of rows that lie in memory, of shape (classes, rows).

    The tables are ``cut`` into blocks once, where nobody else holds them.
    """
    n_classes, n = log_q.shape

    def read() -> Iterator[SampleBlock]:
        step = max(block_rows(n_classes), least_rows(n_classes))
        for start in range(0, n, step):
            part = slice(start, min(start + step, n))
            yield SampleBlock(
                part,
                np.ascontiguousarray(log_q[:, part]),
                np.ascontiguousarray(target[:, part]),
            )

    if cut:
        blocks = list(read())
        return Sample(
            lambda: iter(blocks),
            n_classes=n_classes,
            weights=weights,
            clusters=clusters,
        )
    return Sample(read, n_classes=n_classes, weights=weights, clusters=clusters)


def least_rows(n_classes: int) -> int:
    """Rows of a block that are worth a product of matrices."""
    return min(_LEAST_ROWS, max(_LEAST_VALUES // n_classes, _FEWEST_ROWS))


def from_inputs(
    inputs: Inputs,
    rows: BoolArray | None,
    *,
    clip: float,
    clusters: IntArray | None = None,
) -> Sample:
    """The sample of those rows of the inputs; None is all. Nothing is copied."""
    weights: FloatArray = np.ones(inputs.proba.n_rows)
    if inputs.weights is not None:
        weights = inputs.weights

    def read() -> Iterator[SampleBlock]:
        return _joined(_read(inputs, rows, clip))

    return Sample(
        read,
        n_classes=len(inputs.labels),
        weights=weights if rows is None else weights[rows],
        clusters=clusters if rows is None or clusters is None else clusters[rows],
    )


def _read(inputs: Inputs, rows: BoolArray | None, clip: float) -> Iterator[SampleBlock]:
    logits = inputs.proba.kind == "logits"
    for part, predicted, target in inputs.blocks(rows):
        yield SampleBlock(part, log_floored(predicted, clip, logits=logits), target)


def _joined(blocks: Iterator[SampleBlock]) -> Iterator[SampleBlock]:
    """Blocks of a number of rows that is worth a product of matrices."""
    held: list[SampleBlock] = []
    for block in blocks:
        held.append(block)
        n_rows = block.rows.stop - held[0].rows.start
        if n_rows >= least_rows(len(block.log_q)):
            yield _join(held)
            held = []
    if held:
        yield _join(held)


def _join(blocks: list[SampleBlock]) -> SampleBlock:
    if len(blocks) == 1:
        return blocks[0]
    return SampleBlock(
        slice(blocks[0].rows.start, blocks[-1].rows.stop),
        np.concatenate([block.log_q for block in blocks], axis=1),
        np.concatenate([block.target for block in blocks], axis=1),
    )


def effective_number(weights: FloatArray) -> float:
    """Effective number of rows: (sum w)^2 / sum w^2 (Kish, 1965)."""
    if not len(weights):
        return 0.0
    return float(weights.sum() ** 2 / (weights @ weights))
