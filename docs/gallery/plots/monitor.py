"""What each day costs in excess of what is expected, until an alarm is raised."""

import numpy as np
import pandas as pd

from xent_metrics import Evaluation, Monitor

rng = np.random.default_rng(7)


def batch(n: int, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels that depend on the predictions by the slope, and the predictions."""
    logit = rng.normal(scale=2, size=n)
    return rng.uniform(size=n) < 1 / (1 + np.exp(-slope * logit)), 1 / (
        1 + np.exp(-logit)
    )


monitor = Monitor(Evaluation.from_predictions(*batch(4000)), periods=365)
for day in pd.date_range("2026-01-01", periods=60):
    slope = 1.0 if day < pd.Timestamp("2026-02-10") else 0.5
    monitor.update(*batch(200, slope), when=day)

monitor.plot()
