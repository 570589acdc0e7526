"""Evaluations that pages are made of."""

import numpy as np
import pytest

from xent_metrics import Evaluation

from ..draws import labels_from, tempered

AWKWARD = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$x$",
    r"$\frac{$",
    "]]>",
    "-->",
    "&amp;",
    "very long " * 40,
    "",
    "two\nlines",
    "Ünï 漢字 🐈",
    "\u202edesrever\u2066",
]


def over_confident(names, n, *, seed=0):
    """Labels of known class probabilities, and predictions that are too sure."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(len(names)), size=n)
    return np.array(names, dtype=object)[labels_from(p, rng)], tempered(p), p


def cells_by_title(table):
    """Each row's cells by the titles of their columns."""
    titles = [column.title for column in table.columns]
    return [dict(zip(titles, row.cells, strict=True)) for row in table.rows]


@pytest.fixture(scope="session")
def hard():
    y, q, _ = over_confident(["cat", "dog", "eel"], 400)
    options = {"labels": ["cat", "dog", "eel"], "recalibration": "temperature"}
    return Evaluation.from_predictions(y, q, **options)


@pytest.fixture(scope="session")
def soft():
    _, q, p = over_confident(["cat", "dog", "eel"], 400)
    options = {"labels": ["cat", "dog", "eel"], "recalibration": "temperature"}
    return Evaluation.from_predictions(p, q, **options)


@pytest.fixture(scope="session")
def awkward():
    y, q, _ = over_confident(AWKWARD, 400)
    options = {"labels": AWKWARD, "recalibration": "temperature"}
    return Evaluation.from_predictions(y, q, **options)


@pytest.fixture(scope="session")
def awkward_names():
    return AWKWARD
