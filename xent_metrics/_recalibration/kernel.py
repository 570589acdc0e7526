"""A map of any smooth shape for few classes: a kernel around some predictions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._kernels.table import FloatArray
from .._pickling import pickled
from .families import Dirichlet
from .sample import Sample

_SEED = 0
_PICKED_FROM = 4000  # rows
_ROUNDS = 5  # of k-means
_ROWS_A_PARAMETER = 6
_NUGGET = 1e-3
_MOST_WORK = 4e9  # multiplications of one pass


class Shape(NamedTuple):
    """How many landmarks, how stiff, how wide, and the least probability told apart."""

    landmarks: int
    ridge: float
    width: float
    floor: float


SHAPES = (
    Shape(40, 0.1, 0.5, 1e-3),
    Shape(40, 0.05, 0.15, 1e-5),
    Shape(60, 0.05, 0.05, 1e-5),
)


@pickled
class Kernel(Dirichlet):
    """The Dirichlet map plus sum_j a_jk exp(-|x - x_j|^2 / 2 s^2) for each class.

    x is log q less its mean, and the landmarks x_j lie where predictions do.
    """

    name = "kernel"
    of_folds = 9 / 8  # half of the difference, by simulation

    def __init__(self, sample: Sample, shape: Shape = SHAPES[0]) -> None:
        self.floor = float(np.log(shape.floor))
        self.landmarks = self._spread(sample, _n_landmarks(sample, shape))
        gram, apart = self._gram()
        self.scale = 2.0 * shape.width * (apart or 1.0)
        n = self.landmarks.shape[1]
        super().__init__(sample, np.ones(n))
        gram = np.exp(-gram / self.scale) + _NUGGET * np.eye(n)
        k = sample.n_classes
        for first in range(self.n_shared + 1 + k, len(self.ridge), 1 + k + n):
            part = slice(first, first + n)
            self.ridge[part, part] = shape.ridge * gram

    def like(self, dirichlet: FloatArray) -> FloatArray:
        """The parameters of the map that these ones of a Dirichlet map make."""
        out = self.identity.copy()
        out[: self.n_shared] = dirichlet[: self.n_shared]
        each = dirichlet[self.n_shared :].reshape(self.n_classes, -1)
        own = out[self.n_shared :].reshape(self.n_classes, -1)
        own[:, : each.shape[1]] = each
        return out

    def own(self, log_q: FloatArray) -> FloatArray:
        """A constant, log q of every class, and the kernel around each landmark."""
        out = np.ones((1, 1 + len(log_q) + self.landmarks.shape[1], log_q.shape[1]))
        out[0, 1 : 1 + len(log_q)] = log_q
        near = out[0, 1 + len(log_q) :]
        np.exp(-_squares(self.landmarks, self._centred(log_q)) / self.scale, out=near)
        return out

    def _centred(self, log_q: FloatArray) -> FloatArray:
        floored = np.maximum(log_q, self.floor)
        return np.asarray(floored - floored.mean(axis=0))

    def _spread(self, sample: Sample, n_landmarks: int) -> FloatArray:
        """Landmarks by k-means, which begins with rows far apart (k-means++)."""
        rng = np.random.default_rng(_SEED)
        some = np.sort(rng.permutation(sample.n)[:_PICKED_FROM])
        x = self._centred(sample.pick(some).tables()[0])
        chosen = [0]
        away = _squares(x[:, :1], x)[0]
        while len(chosen) < n_landmarks and away.sum() > 0:
            chosen.append(int(rng.choice(len(away), p=away / away.sum())))
            away = np.minimum(away, _squares(x[:, chosen[-1:]], x)[0])
        landmarks = x[:, chosen]
        for _ in range(_ROUNDS):
            nearest = _squares(landmarks, x).argmin(axis=0)
            held = np.zeros((len(chosen), x.shape[1]))
            held[nearest, np.arange(x.shape[1])] = 1.0
            counts = held.sum(axis=1)
            means = x @ held.T / np.maximum(counts, 1.0)
            landmarks = np.where(counts > 0, means, landmarks)
        return landmarks

    def _gram(self) -> tuple[FloatArray, float]:
        """Squared distances of the landmarks, and the median of two different ones."""
        squares = _squares(self.landmarks, self.landmarks)
        others = squares[~np.eye(len(squares), dtype=np.bool_)]
        return squares, float(np.median(others)) if others.size else 1.0


def shapes_for(sample: Sample) -> list[Shape]:
    """The shapes of which a sample can bear the landmarks."""
    return [shape for shape in SHAPES if _n_landmarks(sample, shape) > 3]  # noqa: PLR2004


def _n_landmarks(sample: Sample, shape: Shape) -> int:
    """As many as the shape has, or as rows and time allow."""
    k, n = sample.n_classes, sample.n_independent
    by_rows = int(n / (_ROWS_A_PARAMETER * k))
    by_time = int((_MOST_WORK / sample.n) ** 0.5 / k) - k - 1
    return max(min(shape.landmarks, by_rows, by_time), 1)


def _squares(one: FloatArray, other: FloatArray) -> FloatArray:
    """Squared distances of the columns of one from those of another."""
    squares = (one**2).sum(axis=0)[:, np.newaxis] - 2.0 * one.T @ other
    squares += (other**2).sum(axis=0)
    return np.asarray(np.maximum(squares, 0.0))
