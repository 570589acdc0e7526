"""A test of calibration: scores at the identity, with the signs of clusters flipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .._kernels.table import FloatArray
from .sample import Sample
from .softmax import LinearSoftmax, scores_of_blocks, sweep

_FLIPS = 999
_SEED = 0
_MANY_CLUSTERS = 2000  # beyond, sums of flipped scores are normal
_MANY_PARAMETERS = 300  # of a family: beyond, those of each class are left out
_ROUNDING = 1e-9


def flip_test(sample: Sample, families: Sequence[LinearSoftmax]) -> float:
    """The p-value of calibration against the maps of some families.

    Where predictions are calibrated, the scores of a cluster have expectation 0, so
    their signs may be flipped. Each family's statistic is what one Newton step from
    the identity would gain; the least of their p-values is calibrated by the same
    flips. Targets may be labels, distributions or votes.
    """
    sums = _flipped_sums(sample, families)
    best, first = np.full(_FLIPS + 1, np.inf), 0
    for family in families:
        size = _size(family)
        own = sums[:, first : first + size]
        first += size
        hessian = sweep(family, sample, family.identity).hessian[:size, :size]
        gains = (own * np.linalg.lstsq(hessian, own.T)[0].T).sum(axis=1)
        ordered = np.sort(gains)
        at_least = np.searchsorted(ordered, gains * (1.0 - _ROUNDING))
        best = np.minimum(best, len(gains) - at_least)
    return float(np.mean(best <= best[0]))


def _flipped_sums(sample: Sample, families: Sequence[LinearSoftmax]) -> FloatArray:
    """Sums of scores over the clusters: as they are, then with flipped signs."""
    rng = np.random.default_rng(_SEED)
    clusters = sample.clusters
    n = sample.n if clusters is None else int(clusters.max()) + 1
    n_scores = sum(map(_size, families))
    if clusters is None and n > _MANY_CLUSTERS:
        total, moments = np.zeros(n_scores), np.zeros((n_scores, n_scores))
        for _, scores in _scores(sample, families):
            total += scores.sum(axis=1)
            moments += scores @ scores.T
        return np.vstack([total, _normal(rng, moments)])
    each = np.zeros((n, n_scores))
    for rows, scores in _scores(sample, families):
        if clusters is None:
            each[rows] = scores.T
        else:
            np.add.at(each, clusters[rows], scores.T)
    if n > _MANY_CLUSTERS:
        return np.vstack([each.sum(axis=0), _normal(rng, each.T @ each)])
    signs = rng.choice([-1.0, 1.0], (_FLIPS, n))
    return np.vstack([each.sum(axis=0), signs @ each])


def _normal(rng: np.random.Generator, moments: FloatArray) -> FloatArray:
    """Draws of normal sums with these second moments."""
    values, vectors = np.linalg.eigh(moments)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(rng.standard_normal((_FLIPS, len(moments))) @ root.T)


def _scores(
    sample: Sample, families: Sequence[LinearSoftmax]
) -> Iterator[tuple[slice, FloatArray]]:
    """Rows, and the scores of all families at the identity, (parameters, rows)."""
    each = [scores_of_blocks(one, sample, one.identity) for one in families]
    for blocks in zip(*each, strict=True):
        kept = [s[: _size(one)] for one, (_, s) in zip(families, blocks, strict=True)]
        yield blocks[0][0], np.concatenate(kept)


def _size(family: LinearSoftmax) -> int:
    """How many of its parameters are tested."""
    n = len(family.identity)
    return n if n <= _MANY_PARAMETERS else family.n_shared
