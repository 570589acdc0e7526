"""The most flexible of the linear maps that a sample bears, without a choice by fit.

A choice by fit prefers the simple map where both are as good on the sample; on other
predictions the simple one may then be wrong without a sign of it. A fit of many
parameters says by its covariance what it does not know.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._kernels.table import FloatArray, IntArray
from .._pickling import pickled
from .families import (
    DirichletSpline,
    SharedSpline,
    SlopeBias,
    Spline,
    Temperature,
    TemperatureBias,
)
from .grid import Grid
from .one_thread import one_thread
from .sample import Sample, from_tables
from .select import fixed_part, has_grid
from .softmax import LinearSoftmax, Optimum, minimise

_ROWS_A_PARAMETER = 8  # by simulation: fewer, and intervals become too narrow
_PAIR = 2
_MOST_PARAMETERS = 300  # their covariance is a part of documents


@pickled
class SplineAndOwn(LinearSoftmax):
    """Z_k = s(log q_k) + what a family has of each class's own.

    s is the natural cubic spline that all classes share.
    """

    name = "flexible"

    def __init__(
        self, sample: Sample, own: LinearSoftmax, knots: FloatArray | None = None
    ) -> None:
        self.of_all, self.of_each = SharedSpline(sample, knots), own
        k, n_shared = sample.n_classes, self.of_all.n_shared
        n_own = (len(own.identity) - own.n_shared) // k
        of_own = np.diag(own.ridge)[own.n_shared : own.n_shared + n_own]
        super().__init__(
            k,
            self.of_all.identity[:n_shared],
            self.of_all.ridge[:n_shared, :n_shared],
            of_own,
        )

    def shared(self, log_q: FloatArray) -> FloatArray:
        """The spline's basis."""
        return self.of_all.shared(log_q)

    def own(self, log_q: FloatArray) -> FloatArray | None:
        """The features of the other family."""
        return self.of_each.own(log_q)


class Flexible(NamedTuple):
    """A family, its fit, and the rows that it was fitted to; None is all of them."""

    family: LinearSoftmax
    optimum: Optimum
    rows: IntArray | None


class Described(NamedTuple):
    """A family by its name, that of what classes have of their own, and its knots.

    The knots are those of the spline that all classes share, then of their own.
    """

    name: str
    own: str
    knots: tuple[FloatArray, ...]


def describe(family: LinearSoftmax) -> Described:
    """What such a family is made of."""
    if isinstance(family, Spline):
        return Described(family.name, "", (family.spline.knots,))
    if not isinstance(family, SplineAndOwn):
        return Described(family.name, "", ())
    knots = [family.of_all.spline.knots]
    if isinstance(family.of_each, DirichletSpline):
        knots.append(family.of_each.spline.knots)
    return Described(family.name, family.of_each.name, tuple(knots))


def described(found: Described, n_classes: int) -> LinearSoftmax:
    """The family that was described.

    Raises
    ------
    ValueError
        If there is none.
    """
    none = np.zeros((n_classes, 0))
    empty = from_tables(none, none, np.zeros(0))
    name, own, knots = found
    if name == Spline.name and n_classes == _PAIR and len(knots) == 1:
        return Spline(empty, knots[0])
    if name == SplineAndOwn.name and knots:
        if own == DirichletSpline.name and len(knots) == _PAIR:
            return SplineAndOwn(empty, DirichletSpline(empty, knots[1]), knots[0])
        if own in (SlopeBias.name, TemperatureBias.name) and len(knots) == 1:
            each = SlopeBias if own == SlopeBias.name else TemperatureBias
            return SplineAndOwn(empty, each(empty), knots[0])
    simple = {each.name: each for each in (TemperatureBias, Temperature)}
    if name in simple and not knots:
        return simple[name](empty)
    msg = f"there is no map {name!r} with {own!r} and {len(knots)} splines"
    raise ValueError(msg)


def fit_flexible(sample: Sample) -> Flexible:
    """Fit the most flexible map whose parameters the rows can bear.

    Of very many rows a random part is enough.
    """
    with one_thread():
        rows = fixed_part(sample)
        part = sample if rows is None else sample.pick(rows)
        family = _family(part)
        if has_grid(part, family.name):
            return Flexible(family, minimise(family, Grid.of_rows(part).cells), rows)
        return Flexible(family, minimise(family, part), rows)


def _family(sample: Sample) -> LinearSoftmax:
    k, n = sample.n_classes, sample.n_independent
    if k == _PAIR:
        return Spline(sample)
    most = min(n / _ROWS_A_PARAMETER, _MOST_PARAMETERS)
    for own in (DirichletSpline, SlopeBias, TemperatureBias):
        if k * k > _MOST_PARAMETERS and own is DirichletSpline:
            continue
        family = SplineAndOwn(sample, own(sample))
        if len(family.identity) <= most:
            return family
    if k + 1 <= most:
        return TemperatureBias(sample)
    return Temperature(sample)
