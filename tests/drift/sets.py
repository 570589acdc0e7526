"""Two sets of predictions and labels, of which one thing differs."""

import numpy as np

from xent_metrics import Evaluation

from ..draws import labels_from


def softmax(z):
    odds = np.exp(z - z.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def drawn(n=2000, k=2, *, seed=0, centre=0.0, slope=0.7, bias=0.0, prior=0.0):
    """Predictions and labels; ``prior`` draws the last class exp(prior) times."""
    rng = np.random.default_rng([seed, n, k])
    last = np.eye(k)[-1]
    z = 1.5 * rng.standard_normal((12 * n, k)) + (centre + 0.5) * last
    q = softmax(z)
    p = softmax(slope * np.log(q) + bias * last)
    y = labels_from(p, rng)
    odds = np.where(y == k - 1, np.exp(prior), 1.0)
    kept = np.flatnonzero(rng.random(len(y)) < odds / odds.max())[:n]
    return y[kept], q[kept]


def evaluated(n=2000, k=2, *, options=None, **law):
    y, q = drawn(n, k, **law)
    options = {"recalibration": "temperature", **(options or {})}  # the quickest
    return Evaluation.from_predictions(y, q, labels=range(k), **options)
