"""Bars of the refinement and the miscalibration of each class."""

import numpy as np

from xent_metrics import Evaluation

rng = np.random.default_rng(0)
p = rng.dirichlet([4, 2, 1], size=3000)
y = [rng.choice(["cat", "dog", "eel"], p=row) for row in p]
q = p * [1, 1, 3]  # sees too many eels
q /= q.sum(axis=1, keepdims=True)

Evaluation.from_predictions(y, q).plot("by_class")
