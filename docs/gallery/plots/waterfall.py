"""Bars from the uncertainty by resolution and miscalibration to the cross-entropy."""

import numpy as np

from xent_metrics import decompose

rng = np.random.default_rng(0)
p = rng.uniform(0.02, 0.98, size=2000)  # the true probability of class 1
y = rng.uniform(size=2000) < p
q = p**2 / (p**2 + (1 - p) ** 2)  # an over-confident model

decompose(y, q).plot()
