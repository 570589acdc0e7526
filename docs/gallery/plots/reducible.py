"""Steps from the cross-entropy down by what recalibration and features would remove."""

import numpy as np

from xent_metrics import Evaluation, plotting

rng = np.random.default_rng(0)
X = rng.normal(size=(1500, 2))
y = rng.uniform(size=1500) < 1 / (1 + np.exp(-2 * X.sum(axis=1)))
q = 1 / (1 + np.exp(-2 * X[:, 0]))  # a model of the first feature only

plotting.reducible(Evaluation.from_predictions(y, q).reducible(X))
