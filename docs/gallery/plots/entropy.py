"""The loss of each row against the entropy of its prediction, by where they lie."""

import numpy as np

from xent_metrics import Evaluation

rng = np.random.default_rng(0)
p = rng.dirichlet([0.5, 0.5, 0.5], size=1500)
y = [rng.choice(["cat", "dog", "eel"], p=row) for row in p]

Evaluation.from_predictions(y, p).plot("entropy")
