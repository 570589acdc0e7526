"""Maps whose slope depends on the prediction: how sharp, which class, which group."""

from __future__ import annotations

import numpy as np

from .._kernels.table import FloatArray
from .._pickling import pickled
from .families import SharedAndBias
from .sample import Sample
from .spline import NaturalSpline, quantile_knots

_SLOPE, _CLASS_SLOPE = 0.1, 0.3  # precisions, in units of one row
_SHARPNESS_KNOTS = 5
_MOST_CLASSES = 100
_LEAST_LOG = np.log(1e-8)  # below, a class adds no more to the sharpness
_SHARES_OF_CLASSES = (2, 4, 8, 20)  # classes to each group of a cut of the tree
_APART = 1e-12  # classes that predictions never mix up


@pickled
class AdaptiveTemperature(SharedAndBias):
    """Z_k = s(sharpness) log q_k + b_k, where s is a natural cubic spline.

    The sharpness of a prediction is the largest log q less their mean.
    """

    name = "adaptive-temperature"

    def __init__(self, sample: Sample) -> None:
        sharpness = [_sharpness(block.log_q) for block in sample.blocks()]
        knots = quantile_knots(
            np.concatenate(sharpness), sample.weights, _SHARPNESS_KNOTS
        )
        self.spline = NaturalSpline(knots)
        super().__init__(sample, np.ones(len(knots)), _SLOPE)

    def shared(self, log_q: FloatArray) -> FloatArray:
        """Log q times the spline's basis."""
        return log_q[:, np.newaxis] * self.spline.basis(_sharpness(log_q))


@pickled
class ClassTemperature(SharedAndBias):
    """Z_k = beta_j log q_k + b_k, where j is the class that is predicted."""

    name = "class-temperature"

    def __init__(self, sample: Sample) -> None:
        if sample.n_classes > _MOST_CLASSES:  # a table of rows and pairs of classes
            msg = (
                f"recalibration='class-temperature' is for at most {_MOST_CLASSES} "
                f"classes: found {sample.n_classes}; pass 'auto' or 'hierarchy'."
            )
            raise ValueError(msg)
        super().__init__(sample, np.ones(sample.n_classes), _CLASS_SLOPE)

    def shared(self, log_q: FloatArray) -> FloatArray:
        """Log q in the column of the predicted class."""
        n_classes, n_rows = log_q.shape
        out = np.zeros((n_classes, n_classes, n_rows))
        out[:, log_q.argmax(axis=0), np.arange(n_rows)] = log_q
        return out


@pickled
class Hierarchy(SharedAndBias):
    """Z_k = beta log q_k + sum_g beta_g log Q_g(k) + b_k.

    Q_g(k) is the probability of the group that holds k in the g-th cut of a tree of
    the classes, in which those are near that predictions mix up.
    """

    name = "hierarchy"

    def __init__(self, sample: Sample) -> None:
        self.groups = _cuts(_affinity(sample))
        super().__init__(sample, np.eye(1 + len(self.groups))[0], _SLOPE)

    def shared(self, log_q: FloatArray) -> FloatArray:
        """Log q, and the log-probabilities of the groups that hold each class."""
        from scipy.sparse import csr_array  # noqa: PLC0415 - slow

        out = np.empty((len(log_q), self.n_shared, log_q.shape[1]))
        out[:, 0] = log_q
        top = log_q.max(axis=0)
        q = np.exp(log_q - top)
        ones, places = np.ones(len(q)), np.arange(len(q))
        for place, group in enumerate(self.groups, start=1):
            members = csr_array((ones, (group, places)))
            out[:, place] = (np.log(members @ q) + top)[group]
        return out


def _sharpness(log_q: FloatArray) -> FloatArray:
    floored = np.maximum(log_q, _LEAST_LOG)
    return np.asarray(floored.max(axis=0) - floored.mean(axis=0))


def _affinity(sample: Sample) -> FloatArray:
    """How much predictions mix up each two classes: E q_i q_j, scaled to 1 at i = j."""
    moments = np.zeros((sample.n_classes,) * 2)
    for rows, log_q, _ in sample.blocks():
        q = np.exp(log_q)
        moments += (q * sample.weights[rows]) @ q.T
    scale = np.sqrt(np.diag(moments))
    return np.asarray(moments / np.outer(scale, scale))


def _cuts(affinity: FloatArray) -> list[FloatArray]:
    """The group of each class in a few cuts of the tree, from fine to coarse."""
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415 - slow
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - slow

    distance = np.maximum(-np.log(np.maximum(affinity, _APART)), 0.0)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform((distance + distance.T) / 2, checks=False), "average")
    k = len(affinity)
    cuts = []
    for n_groups in sorted({max(k // share, 2) for share in _SHARES_OF_CLASSES}):
        group = fcluster(tree, n_groups, "maxclust") - 1
        if 0 < group.max() < k - 1:
            cuts.append(group)
    return cuts
