"""A map of predicted and target probabilities, by what each cell contributes."""

import numpy as np

from xent_metrics import Evaluation

rng = np.random.default_rng(0)
p = rng.dirichlet([1, 1, 1], size=3000)  # soft labels: distributions are known
q = p**2 / (p**2).sum(axis=1, keepdims=True)

Evaluation.from_predictions(p, q).plot("kl_contributions")
