"""Predictions of three animals by an over-confident model, and their evaluation."""

import numpy as np

from xent_metrics import Evaluation

from ..draws import labels_from, tempered

rng = np.random.default_rng(0)
N = 900
NAMES = ("ant", "bee", "cat")
TRUE = rng.dirichlet(np.ones(3), N)
PROBA = tempered(TRUE)
CODES = labels_from(TRUE, rng)
LABELS = np.array(NAMES)[CODES]
WEIGHTS = rng.exponential(size=N)
GROUPS = np.arange(N) // 3
SITE = np.array(["n", "s", "e"])[rng.integers(3, size=N)]


def evaluated(y=LABELS, q=PROBA, **options):
    return Evaluation.from_predictions(y, q, **{"labels": NAMES} | options)
