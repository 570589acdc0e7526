"""The recalibration maps of two models with their bands, and what bins observe."""

import numpy as np

from xent_metrics import Evaluation, plotting

rng = np.random.default_rng(0)
logit = rng.normal(scale=1.5, size=4000)
y = rng.uniform(size=4000) < 1 / (1 + np.exp(-logit))
models = {
    "bold": Evaluation.from_predictions(y, 1 / (1 + np.exp(-2 * logit))),
    "timid": Evaluation.from_predictions(y, 1 / (1 + np.exp(-0.5 * logit))),
}

plotting.reliability(models)
