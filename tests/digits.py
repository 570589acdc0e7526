"""A cross-validated model of handwritten digits."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold, cross_validate
from sklearn.naive_bayes import GaussianNB

from xent_metrics import Evaluation

X, Y = load_digits(return_X_y=True)
X, Y = X[:1500], Y[:1500]
RNG = np.random.default_rng(0)
W = RNG.exponential(size=len(Y))
TEMPERATURE = {"recalibration": "temperature"}


def validated(model, X, y, cv):
    """What cross_validate returns, with the estimator and the rows of each fold."""
    return cross_validate(
        model,
        X,
        y,
        cv=cv,
        scoring=lambda *_: 0.0,
        return_estimator=True,
        return_indices=True,
    )


RESULTS = validated(GaussianNB(), X, Y, KFold(3, shuffle=True, random_state=0))


def cross_validated(**options):
    """The evaluation of predictions of rows that the model was not fitted to."""
    return Evaluation.from_cv_results(RESULTS, X, Y, **TEMPERATURE | options)
