"""Natural cubic splines, given by their values at the knots."""

from __future__ import annotations

import numpy as np

from .._kernels.compiled.compiled_pass import fill_cubes
from .._kernels.table import FloatArray
from .._pickling import pickled

_NEAREST = 1e-3  # of the range: knots nearer than that are one
_ALONE = 1.0  # range of the knots where all values are the same
_IN_CACHE = 1 << 16  # values


@pickled
class NaturalSpline:
    """The cardinal basis of natural cubic splines: linear beyond the outer knots."""

    def __init__(self, knots: FloatArray) -> None:
        self.knots = knots
        self._width = float(knots[-1] - knots[0])
        # Between 0 and 1, a spline is a line plus cubes that start at its knots.
        self._starts = (knots - knots[0]) / self._width
        width = np.diff(self._starts)
        self._curvature = curvature = _second_derivatives(self._starts)
        value = np.eye(len(knots))
        first = (value[1] - value[0]) / width[0] - width[0] / 6.0 * curvature[1]
        last = (value[-1] - value[-2]) / width[-1] + width[-1] / 6.0 * curvature[-2]
        third = np.diff(curvature, axis=0) / width[:, np.newaxis]
        cubes = np.diff(third, axis=0, prepend=0.0) / 6.0
        self._weights = np.vstack([value[0], first, last, cubes]).T.copy()

    @property
    def weights(self) -> FloatArray:
        """What each basis function has of each term: (knots, terms)."""
        return self._weights

    def basis(self, x: FloatArray) -> FloatArray:
        """Values of the basis functions: (knots, rows), or (classes, knots, rows)."""
        if x.ndim == 1:
            return np.asarray(self._weights @ self._terms(x))
        k, m = x.shape
        out = np.empty((k, len(self.knots), m))
        step = max(_IN_CACHE // (m * self._weights.shape[1]), 1)
        for first in range(0, k, step):
            some = slice(first, first + step)
            np.matmul(self._weights, self._terms(x[some]), out=out[some])
        return out

    def _terms(self, x: FloatArray) -> FloatArray:
        """Values of the terms, before the last axis of x."""
        terms = np.empty((*x.shape[:-1], self._weights.shape[1], x.shape[-1]))
        self.fill(x, terms)
        return terms

    def fill(self, x: FloatArray, terms: FloatArray) -> None:
        """Values of the terms: 1, two lines, and cubes that start at the knots.

        They are put before the last axis of x.
        """
        each, its_terms = (
            (x, terms) if x.ndim > 1 else (x[np.newaxis], terms[np.newaxis])
        )
        knot, starts = float(self.knots[0]), self._starts[:-1]
        if fill_cubes(each, knot, self._width, starts, its_terms):
            return
        scaled = (x - knot) / self._width
        inside = np.clip(scaled, 0.0, 1.0)
        terms[..., 0, :] = 1.0
        np.minimum(scaled, 1.0, out=terms[..., 1, :])
        np.maximum(scaled - 1.0, 0.0, out=terms[..., 2, :])
        square = np.empty_like(inside)
        for place, start in enumerate(starts, start=3):
            cube = terms[..., place, :]
            np.subtract(inside, start, out=cube)
            np.maximum(cube, 0.0, out=cube)
            np.multiply(cube, cube, out=square)
            np.multiply(cube, square, out=cube)

    def value(self, x: FloatArray, heights: FloatArray) -> FloatArray:
        """The spline that has these heights at its knots."""
        starts = self._starts
        scaled = (x - self.knots[0]) / self._width
        inside = np.clip(scaled, 0.0, 1.0)
        left = np.searchsorted(starts[1:-1], inside, side="right")
        width = np.diff(starts)[left]
        after = (inside - starts[left]) / width
        before = 1.0 - after
        bend = self._curvature @ heights
        out: FloatArray = before * heights[left] + after * heights[left + 1]
        out += (
            ((before**3 - before) * bend[left] + (after**3 - after) * bend[left + 1])
            * width**2
            / 6.0
        )
        first, last = self._weights[:, 1] @ heights, self._weights[:, 2] @ heights
        out += first * np.minimum(scaled, 0.0) + last * np.maximum(scaled - 1.0, 0.0)
        return out


def _second_derivatives(knots: FloatArray) -> FloatArray:
    """Second derivatives at the knots (rows) of each basis function (columns)."""
    n, width = len(knots), np.diff(knots)
    system, right = np.eye(n), np.zeros((n, n))
    for i in range(1, n - 1):
        before, after = width[i - 1], width[i]
        system[i, i - 1 : i + 2] = before / 6, (before + after) / 3, after / 6
        right[i, i - 1 : i + 2] = 1 / before, -1 / before - 1 / after, 1 / after
    return np.asarray(np.linalg.solve(system, right))


def quantile_knots(x: FloatArray, weights: FloatArray, n_knots: int) -> FloatArray:
    """Knots at evenly spaced weighted quantiles; fewer where values are tied."""
    order = np.argsort(x, kind="stable")
    mass = np.cumsum(weights[order])
    shares = (np.arange(n_knots) + 0.5) / n_knots
    shares[0], shares[-1] = 0.5 / len(x), 1.0 - 0.5 / len(x)
    places = np.searchsorted(mass, shares * mass[-1])
    return _apart(x[order][np.minimum(places, len(x) - 1)])


def even_knots(x: FloatArray, knots: FloatArray, n_more: int) -> FloatArray:
    """The knots and evenly spaced ones, but for the two lowest values."""
    low = np.partition(x, 2)[2] if len(x) > 2 else x.min()  # noqa: PLR2004
    return _apart(np.concatenate([knots, np.linspace(low, x.max(), n_more)]))


def _apart(knots: FloatArray) -> FloatArray:
    """Sorted knots, none too near the one before; at least two."""
    knots = np.sort(knots)
    span = knots[-1] - knots[0]
    if not span > _NEAREST:
        middle = knots.mean()
        return np.array([middle - _ALONE / 2, middle + _ALONE / 2])
    kept = [knots[0]]
    for knot in knots[1:]:
        if knot - kept[-1] > _NEAREST * span:
            kept.append(knot)
    kept[-1] = knots[-1]
    return np.array(kept)


def roughness(n_knots: int) -> FloatArray:
    """Penalty of the squared second differences of the values at the knots."""
    differences = np.diff(np.eye(n_knots), n=2, axis=0)
    return np.asarray(differences.T @ differences)
