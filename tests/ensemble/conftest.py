"""What tests of ensembles share: members, and rows for them to predict."""

import numpy as np


def ensemble(n_members=4, n=50, n_classes=3, seed=0, concentration=1.0):
    """Labels, soft labels, members' predictions, weights of rows and of members."""
    rng = np.random.default_rng(seed)
    q = rng.dirichlet(np.full(n_classes, concentration), (n_members, n))
    p = rng.dirichlet(np.ones(n_classes), n)
    y = rng.integers(n_classes, size=n)
    y[:n_classes] = np.arange(n_classes)
    return y, p, q, rng.exponential(size=n), rng.exponential(size=n_members)
