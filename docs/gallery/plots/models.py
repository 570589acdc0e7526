"""Models as points of resolution and miscalibration, on lines of equal cost."""

import numpy as np

from xent_metrics import compare

rng = np.random.default_rng(0)
logit = rng.normal(scale=1.5, size=3000)
y = rng.uniform(size=3000) < 1 / (1 + np.exp(-logit))
blurred = logit + rng.normal(size=3000)
models = {"sharp": 2 * logit, "calibrated": logit, "blurred": blurred / 2}

compare({name: (y, 1 / (1 + np.exp(-z))) for name, z in models.items()}).plot()
