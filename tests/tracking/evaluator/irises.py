"""Irises, a model of them, and a call of the evaluator."""

import mlflow
import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xent_metrics import Evaluation

NAMES = np.array(["virginica", "setosa", "versicolor"])  # not in the order of the text
KEY = "xent/test/cross_entropy"

# 300 rows, shuffled: fewer than 200 warn
X, CODES = load_iris(return_X_y=True, as_frame=True)
rng = np.random.default_rng(0)
ROWS = rng.permutation(300) % 150
X = X.iloc[ROWS].reset_index(drop=True)
Y = NAMES[CODES.to_numpy()[ROWS]]
DATA = X.assign(y=Y)
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
PROBA = MODEL.predict_proba(X)
CLASSES = MODEL.classes_.tolist()
# of the evaluation that is logged, to the last bit
LOSS = Evaluation.from_predictions(
    Y, PROBA, labels=CLASSES, recalibration="none"
).decomposition.cross_entropy
HOW_SAVED = {"pip_requirements": ["scikit-learn"]}  # to look for them takes seconds
QUICK = {"page": False, "per_sample": False}
MAP = {"recalibration": "temperature"}  # the quickest
SOME = MAP | QUICK


def evaluate(model, data=DATA, *, targets="y", config=None, named=True, **options):
    """Evaluate by "xent" alone, or, where it is not named, by all there are."""
    options |= {"evaluators": "xent" if named else None}
    return mlflow.models.evaluate(
        model,
        data,
        targets=targets,
        **{"model_type": "classifier", **options},
        evaluator_config=SOME | (config or {}),
    ).metrics
