"""A fitted map over many rows: what it gives, and how its parameters move sums.

The basis of a spline is a combination of few terms. With parameters that are fixed,
they are combined first: what is done for each row is then the terms alone.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from .._kernels.table import FloatArray
from .families import Dirichlet, DirichletSpline, Spline, log_odds
from .flexible import SplineAndOwn
from .softmax import LinearSoftmax, summed_slopes
from .spline import NaturalSpline

_ALL = slice(None)


class FixedMap(Protocol):
    """A family at its parameters, over one block of rows after another."""

    def logits(self, log_q: FloatArray) -> FloatArray:
        """Z of a block, of shape (classes, rows)."""

    def summed_slopes(self, weights: FloatArray, rows: slice = _ALL) -> FloatArray:
        """Derivatives in the parameters of the sum of weights times Z.

        The sum is over the rows of the block, whose weights are given, or some of them.
        """


def fixed_map(family: LinearSoftmax, parameters: FloatArray) -> FixedMap:
    """The map of these parameters."""
    if isinstance(family, Spline):
        return _OfTwo(family, parameters)
    if isinstance(family, SplineAndOwn):
        return _OfSeveral(family, parameters)
    return _Plain(family, parameters)


class _Plain:
    """A family whose features are few."""

    def __init__(self, family: LinearSoftmax, parameters: FloatArray) -> None:
        self._family, self._parameters = family, parameters

    def logits(self, log_q: FloatArray) -> FloatArray:
        self._shared, self._own = self._family.shared(log_q), self._family.own(log_q)
        return self._family.logits(self._parameters, self._shared, self._own)

    def summed_slopes(self, weights: FloatArray, rows: slice = _ALL) -> FloatArray:
        own = None if self._own is None else self._own[..., rows]
        return summed_slopes(self._shared[..., rows], own, weights)


class _OfTwo:
    """A line and a spline of the logit."""

    def __init__(self, family: Spline, parameters: FloatArray) -> None:
        self._beta = float(parameters[0])
        self._cubics = _Cubics([family.spline], [parameters[np.newaxis, 1:]])

    def logits(self, log_q: FloatArray) -> FloatArray:
        self._x = log_odds(log_q)
        found = np.zeros_like(log_q)
        found[1] = self._beta * self._x
        found[1] += self._cubics.values(self._x[np.newaxis])[0]
        return found

    def summed_slopes(self, weights: FloatArray, rows: slice = _ALL) -> FloatArray:
        (slopes,) = self._cubics.summed_slopes(weights[1:], rows)
        return np.append(float(weights[1] @ self._x[rows]), slopes[0])


class _OfSeveral:
    """One spline that classes share, and what each has of its own."""

    def __init__(self, family: SplineAndOwn, parameters: FloatArray) -> None:
        self._own, k = family.of_each, family.n_classes
        shared = parameters[: family.n_shared]
        each = parameters[family.n_shared :].reshape(k, -1)
        splines, heights = [family.of_all.spline], [np.tile(shared, (k, 1))]
        if isinstance(self._own, DirichletSpline):
            splines.append(self._own.spline)
            heights.append(each[:, 1 + k :])
            each = each[:, : 1 + k]
        self._cubics, self._each = _Cubics(splines, heights), each

    def logits(self, log_q: FloatArray) -> FloatArray:
        own = self._own
        features = (
            Dirichlet.own(own, log_q) if isinstance(own, Dirichlet) else own.own(log_q)
        )
        assert features is not None, "each class has something of its own"
        self._features = features
        found = self._cubics.values(log_q)
        if len(features) == 1:
            found += self._each @ features[0]
        else:
            found += (self._each[:, np.newaxis] @ features)[:, 0]
        return found

    def summed_slopes(self, weights: FloatArray, rows: slice = _ALL) -> FloatArray:
        shared, *own = self._cubics.summed_slopes(weights, rows)
        across = np.swapaxes(self._features[..., rows], 1, 2)
        plain = (weights[:, np.newaxis] @ across)[:, 0]
        each = np.concatenate([plain, *own], axis=1)
        return np.concatenate([shared.sum(axis=0), each.ravel()])


class _Cubics:
    """Sums of splines of one variable per class, each with heights of its own."""

    def __init__(self, splines: list[NaturalSpline], heights: list[FloatArray]) -> None:
        self._splines = splines
        self._weights = [spline.weights for spline in splines]
        coefficients = [
            own @ weights for own, weights in zip(heights, self._weights, strict=True)
        ]
        self._ends = np.cumsum([own.shape[1] for own in coefficients])[:-1]
        self._coefficients = np.concatenate(coefficients, axis=1)[:, np.newaxis]
        self._memory = np.empty(0)

    def values(self, x: FloatArray) -> FloatArray:
        """The sums at x, of shape (classes, rows)."""
        shape = (len(x), self._coefficients.shape[2], x.shape[1])
        size = math.prod(shape)
        if self._memory.size < size:
            self._memory = np.empty(size)
        self._terms = self._memory[:size].reshape(shape)
        parts = np.split(self._terms, self._ends, axis=1)
        for spline, terms in zip(self._splines, parts, strict=True):
            spline.fill(x, terms)
        return np.asarray((self._coefficients @ self._terms)[:, 0])

    def summed_slopes(self, weights: FloatArray, rows: slice) -> list[FloatArray]:
        """Derivatives in the heights of the sum of weights times values."""
        of_terms = (self._terms[..., rows] @ weights[..., np.newaxis])[..., 0]
        parts = np.split(of_terms, self._ends, axis=1)
        return [
            own @ weights.T for own, weights in zip(parts, self._weights, strict=True)
        ]
