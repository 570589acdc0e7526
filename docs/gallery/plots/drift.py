"""Steps from the loss of a reference by mix and concept to the current loss."""

import numpy as np

from xent_metrics import Evaluation, drift, plotting

rng = np.random.default_rng(0)


def month(centre: float, slope: float) -> Evaluation:
    """Evaluate rows whose logits lie around the centre."""
    logit = rng.normal(centre, 1.5, size=4000)
    y = rng.uniform(size=4000) < 1 / (1 + np.exp(-slope * logit))
    return Evaluation.from_predictions(y, 1 / (1 + np.exp(-logit)))


plotting.drift(drift(month(0.0, 1.0), month(1.0, 0.6)))
