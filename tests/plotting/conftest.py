"""Evaluations to draw; figures are closed after each test."""

import numpy as np
import pytest

from xent_metrics import Evaluation

from ..draws import labels_from, tempered


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
def forecasts():
    """Class probabilities of four classes, and over-confident predictions."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1.0, 1.0, 1.0, 1.0], 800)
    return p, tempered(p)


@pytest.fixture(scope="session")
def several(forecasts):
    """Hard labels of four classes."""
    p, q = forecasts
    names = np.array(["ant", "bee", "cat", "dog"])
    y = names[labels_from(p, np.random.default_rng(1))]
    return Evaluation.from_predictions(y, q, labels=names)


@pytest.fixture(scope="session")
def soft(forecasts):
    """Target distributions of four classes."""
    return Evaluation.from_predictions(*forecasts)


@pytest.fixture(scope="session")
def infinite():
    """One row gives its target a probability of 0, and nothing is clipped."""
    q = np.array([0.2, 0.7, 0.0] * 100)
    return Evaluation.from_predictions([0, 1, 0] * 99 + [0, 1, 1], q, clip=0)


@pytest.fixture(scope="session")
def one_class():
    """All rows are of one class, so that there is no recalibration map."""
    return Evaluation.from_predictions([1] * 300, np.full(300, 0.7), labels=[0, 1])
