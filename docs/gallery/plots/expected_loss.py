"""The expected loss of predictions without labels, with its error."""

import numpy as np

from xent_metrics import Evaluation, expected_loss, plotting

rng = np.random.default_rng(0)
logit = rng.normal(scale=1.5, size=4000)
y = rng.uniform(size=4000) < 1 / (1 + np.exp(-0.7 * logit))
reference = Evaluation.from_predictions(y, 1 / (1 + np.exp(-logit)))
today = 1 / (1 + np.exp(-rng.normal(0.5, 1.2, size=1000)))

plotting.expected_loss(expected_loss(reference, today))
