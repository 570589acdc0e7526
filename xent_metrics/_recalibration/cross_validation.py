"""The optimism of a fit by five fixed folds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._kernels.table import FloatArray, IntArray
from .fitted_map import Recalibrate
from .sample import Sample

_N_FOLDS = 5
_SEED = 0  # folds are fixed: the same data, the same result


def cross_validated(
    sample: Sample,
    fit: Callable[[Sample], Recalibrate],
    losses: FloatArray,
    *,
    stratified: bool = True,
) -> float:
    """How much the mean of in-sample losses flatters a fit.

    A fit to n rows is better by d / (2 n) than the best map on its own rows, and one
    to 4 / 5 of them is worse by 5 / 4 of that on the others: so 4 / 9 of the
    difference. Few clusters make fewer folds.

    Folds that are stratified by class hide what fitting class frequencies costs: up
    to (K - 1) / (2 n) of a map with intercepts that no prior holds.
    """
    held_out = np.empty(sample.n)
    folds = fixed_folds(sample, stratified=stratified)
    n_folds = int(folds.max()) + 1
    if n_folds == 1:
        return 0.0
    for fold in range(n_folds):
        inside = np.flatnonzero(folds == fold)
        fitted = fit(sample.pick(np.flatnonzero(folds != fold)))
        held_out[inside] = costs(fitted, sample.pick(inside))
    return sample.mean(held_out - losses) * (n_folds - 1) / (2 * n_folds - 1)


def costs(recalibrate: Recalibrate, sample: Sample) -> FloatArray:
    """Cross-entropy of each row after a map."""
    losses = np.empty(sample.n)
    for rows, log_q, target in sample.blocks():
        c = recalibrate(log_q)
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = np.where(target > 0, target * np.log(c), 0.0)
        losses[rows] = -cost.sum(axis=0)
    lost = ~np.isfinite(losses)
    if lost.any():
        msg = (
            "a recalibration map must give each target a positive probability: it "
            f"gives 0 to that of {int(lost.sum())} rows; smooth what it predicts."
        )
        raise ValueError(msg)
    return losses


def fixed_folds(
    sample: Sample, *, stratified: bool = True, seed: int = _SEED
) -> IntArray:
    """The fold of each row: classes spread evenly if stratified, clusters whole."""
    rng = np.random.default_rng(seed)
    if sample.clusters is not None:
        _, first, cluster = np.unique(
            sample.clusters, return_index=True, return_inverse=True
        )
        by_appearance = np.argsort(np.argsort(first))  # names of clusters do not matter
        return (rng.permutation(len(first)) % _N_FOLDS)[by_appearance[cluster]]
    shuffled = rng.permutation(sample.n)
    if not stratified:
        return shuffled % _N_FOLDS
    order = shuffled[np.argsort(sample.majority()[shuffled], kind="stable")]
    folds = np.empty(sample.n, dtype=np.int64)
    folds[order] = np.arange(sample.n) % _N_FOLDS
    return folds
