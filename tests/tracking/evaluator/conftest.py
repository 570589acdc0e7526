"""What tests of the evaluator share: a store that knows it, models on disk."""

import mlflow
import pytest
from mlflow.models.evaluation.evaluator_registry import (
    _model_evaluation_registry,
)
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from xent_metrics_mlflow import XentEvaluator

from .irises import CODES, HOW_SAVED, MODEL, ROWS, X, Y


@pytest.fixture(autouse=True)
def store(tracking, monkeypatch):
    """A store, in which MLflow knows the evaluator."""
    monkeypatch.setitem(_model_evaluation_registry._registry, "xent", XentEvaluator)
    return tracking


MODELS = {
    "predict": lambda: (MODEL, {"pyfunc_predict_fn": "predict"}),
    "predict_proba": lambda: (MODEL, {"pyfunc_predict_fn": "predict_proba"}),
    "without": lambda: (LinearSVC().fit(X, Y), {}),
    "numbers": lambda: (LogisticRegression().fit(X, CODES.to_numpy()[ROWS]), {}),
    "array": lambda: (LogisticRegression().fit(X.to_numpy(), Y), {}),
}


class Saved(dict):
    """Paths of models on disk, each saved when it is first asked for."""

    def __init__(self, folder):
        super().__init__()
        self._folder = folder

    def __missing__(self, name):
        model, options = MODELS[name]()
        self[name] = path = str(self._folder / name)
        mlflow.sklearn.save_model(model, path, **options, **HOW_SAVED)
        return path


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Models on disk, by how they were saved."""
    return Saved(tmp_path_factory.mktemp("models"))


@pytest.fixture
def alone(monkeypatch):
    """A registry that has no other evaluator: MLflow's own take seconds."""
    monkeypatch.setattr(
        _model_evaluation_registry, "_registry", {"xent": XentEvaluator}
    )


class OtherEvaluator:
    """An evaluator that someone else has installed."""

    def can_evaluate(self, **_):
        return True

    def evaluate(self, **_):
        return mlflow.models.EvaluationResult(metrics={"other": 1.0}, artifacts={})


@pytest.fixture
def beside(monkeypatch):
    """The evaluator beside another: nobody has named either."""
    registry = {"xent": XentEvaluator, "other": OtherEvaluator}
    monkeypatch.setattr(_model_evaluation_registry, "_registry", registry)
