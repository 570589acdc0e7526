"""The loss of each week beside what was expected of it, with an alert at the end."""

import numpy as np
import pandas as pd

from xent_metrics import Evaluation

rng = np.random.default_rng(7)


def rows(n: int, slope: float = 1.0) -> pd.DataFrame:
    """Predictions, and labels that depend on them by the slope."""
    logit = rng.normal(scale=2, size=n)
    y = rng.uniform(size=n) < 1 / (1 + np.exp(-slope * logit))
    return pd.DataFrame({"p": 1 / (1 + np.exp(-logit)), "y": y})


reference = Evaluation.from_frame(rows(4000), target="y", proba="p")
weeks = pd.concat([rows(1400), rows(1400), rows(1400), rows(1400, slope=0.5)])
weeks["when"] = pd.date_range("2026-01-05", periods=5600, freq="7min12s")

weeks.xent(target="y", proba="p").over_time("when", reference=reference).plot()
