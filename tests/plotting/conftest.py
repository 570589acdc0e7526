"""Evaluations to draw; figures are closed after each test."""

import numpy as np
import pytest

from xent_metrics import Evaluation


@pytest.fixture(autouse=True)
def _closed(figures):
    """Close the figures that a test leaves open."""


def expit(x):
    return 1.0 / (1.0 + np.exp(-x))


@pytest.fixture(scope="session")
def two():
    """An over-confident model of two classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(0.0, 1.8, 1500)
    y = np.where(rng.random(1500) < expit(0.5 * x), "yes", "no")
    return Evaluation.from_predictions(y, expit(x), labels=["no", "yes"])


@pytest.fixture(scope="session")
def laws():
    """Distributions over four classes, and sharper predictions."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1.0, 1.0, 1.0, 1.0], 800)
    q = p**2 / (p**2).sum(axis=1, keepdims=True)
    return p, q


@pytest.fixture(scope="session")
def several(laws):
    """Hard labels of four classes."""
    p, q = laws
    rng = np.random.default_rng(1)
    y = [rng.choice(["ant", "bee", "cat", "dog"], p=row) for row in p]
    return Evaluation.from_predictions(y, q, labels=["ant", "bee", "cat", "dog"])


@pytest.fixture(scope="session")
def soft(laws):
    """Target distributions of four classes."""
    return Evaluation.from_predictions(*laws)


@pytest.fixture(scope="session")
def infinite():
    """One row gives its target a probability of 0, and nothing is clipped."""
    q = np.array([0.2, 0.7, 0.0] * 100)
    return Evaluation.from_predictions([0, 1, 0] * 99 + [0, 1, 1], q, clip=0)


@pytest.fixture(scope="session")
def one_class():
    """All rows are of one class, so that there is no recalibration map."""
    return Evaluation.from_predictions([1] * 300, np.full(300, 0.7), labels=[0, 1])
