"""Labels drawn from known class probabilities, and predictions of a known error."""

import numpy as np
import pytest


def tempered(p, power=2.0):
    """Class probabilities to a power: over-confident above 1, under-confident below."""
    q = p**power
    return q / q.sum(axis=1, keepdims=True)


def labels_from(p, rng):
    """One label per row, drawn from its class probabilities, as the class's number."""
    below = p.cumsum(axis=1) < rng.random((len(p), 1))
    return below.sum(axis=1).clip(max=p.shape[1] - 1)


def targets_from(p, kind, rng):
    """Labels, distributions (the class probabilities themselves), or eight votes."""
    if kind == "votes":
        return rng.multinomial(8, p)
    return p if kind == "distributions" else labels_from(p, rng)


def forecasts(n, k=3, power=2.0, seed=0, *, rare=True, kind="labels"):
    """Class probabilities, targets drawn from them, predictions and weights.

    The first classes are rarer than the last, unless ``rare`` is false.
    """
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.arange(1.0, k + 1) if rare else np.ones(k), n)
    y = targets_from(p, kind, rng)
    return p, y, tempered(p, power), rng.exponential(size=n)


def polars_frame(q):
    """A table as a frame of polars, whose columns are named by their places."""
    return pytest.importorskip("polars").DataFrame(
        {str(c): column for c, column in enumerate(q.T)}
    )
