"""The most flexible of the linear maps that a sample bears, without a choice by fit.

A choice by fit prefers the simple map where both are as good on the sample; on other
predictions the simple one may then be wrong without a sign of it. A fit of many
parameters says by its covariance what it does not know.
"""

from __future__ import annotations

from typing import NamedTuple

from .grid import Grid
from .one_thread import one_thread
from .sample import Sample
from .select import LINEAR, has_grid
from .softmax import LinearSoftmax, Optimum, minimise

_ROWS_A_PARAMETER = 8
_MOST_PARAMETERS = 300  # their covariance is a part of documents


class Flexible(NamedTuple):
    """A family, and its fit to a sample."""

    family: LinearSoftmax
    optimum: Optimum


def fit_flexible(sample: Sample) -> Flexible:
    """Fit the most flexible map whose parameters the rows can bear."""
    with one_thread():
        name = flexible_name(sample)
        if has_grid(sample, name):
            sample = Grid.of_rows(sample).cells
        family = LINEAR[name](sample)
        return Flexible(family, minimise(family, sample))


def flexible_name(sample: Sample) -> str:
    """The name of that map."""
    k = sample.n_classes
    if k == 2:  # noqa: PLR2004
        return "spline"
    sizes = {
        "dirichlet-spline": k * (k + 5) + 1,
        "dirichlet": k * (k + 1) + 1,
        "slope-bias": 2 * k + 1,
        "temperature-bias": k + 1,
    }
    most = min(sample.n_independent / _ROWS_A_PARAMETER, _MOST_PARAMETERS)
    fit = [name for name, n_parameters in sizes.items() if n_parameters <= most]
    return fit[0] if fit else "temperature"
