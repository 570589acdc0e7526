"""What members cost alone and averaged, and how their entropy splits."""

import numpy as np

from xent_metrics import decompose_ensemble, plotting

rng = np.random.default_rng(0)
logit = rng.normal(scale=1.5, size=2000)
y = rng.uniform(size=2000) < 1 / (1 + np.exp(-logit))
noisy = [logit + rng.normal(size=2000) for _ in range(5)]

plotting.ensemble(decompose_ensemble(y, [1 / (1 + np.exp(-z)) for z in noisy]))
