"""What scanned rows say of others: the map of the rows kept, and the means of all."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from .._decomposition.reference_map import ReferenceMap, ReferenceRows
from .._kernels.table import FloatArray
from .sources import known_moments
from .state import ScanState


def reference_of(state: ScanState) -> ReferenceMap:
    """The estimates of a state.

    The map is fitted to the rows that were kept, a random part of those with a known
    label; mean cost and frequencies are those of all rows, whose errors share theirs
    with the map as far as rows are shared.
    """
    sample, contract = state.kept.sample(), state.contract
    costs = sample.costs()
    rows = ReferenceRows(sample, costs, state.labels, contract.clip, soft=contract.soft)
    of_kept = rows.estimated()
    d, k = of_kept.n_parameters, len(state.labels)
    known = known_moments(state)
    kept = float(state.kept.n) / float(known.n[0])
    scale = np.ones(len(of_kept.covariance))
    scale[d:] = math.sqrt(kept)
    covariance = of_kept.covariance * np.outer(scale, scale)
    covariance[:d, d:] *= math.sqrt(kept)
    covariance[d:, :d] *= math.sqrt(kept)
    total = float(state.whole.weight[0])
    share = float(known.weight[0]) / total
    # From means of rows with a known label to those of all.
    covariance[d:, :] *= share
    covariance[:, d:] *= share
    if state.classes.weight[k:].any():  # the share may be off one by rounding
        covariance[d:, d:] += _of_share(state, share)
    mass, cost = state.classes.weight[:k], state.classes.mean[0][:k]
    of_classes = mass * cost / total
    if contract.soft:  # whose classes share the cost of a row
        of_classes = share * of_kept.of_classes
    return dataclasses.replace(
        of_kept,
        cross_entropy=float(state.whole.mean[0, 0]),
        frequencies=mass / total,
        of_classes=of_classes,
        covariance=covariance,
        n=state.n,
    )


def _of_share(state: ScanState, share: float) -> FloatArray:
    """Covariance of the means that comes of the share of rows with a known label."""
    k, total = len(state.labels), float(state.whole.weight[0])
    mass, cost = state.classes.weight, state.classes.mean[0]
    of_known, of_unseen = mass[:k].sum(), mass[k:].sum()
    mean = float(mass[:k] @ cost[:k]) / of_known
    beyond = float(mass[k:] @ cost[k:]) / of_unseen
    slopes = np.concatenate(
        [[mean - beyond], mass[:k] / of_known, mass[:k] * cost[:k] / of_known]
    )
    if not np.isfinite(slopes).all():
        slopes = np.nan_to_num(slopes, nan=0.0, posinf=0.0, neginf=0.0)
    weight2 = float(state.whole.weight2[0])
    variance = share * (1.0 - share) * weight2 / total**2
    return np.asarray(np.outer(slopes, slopes) * variance)
