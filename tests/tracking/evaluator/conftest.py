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


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Models on disk, by how they were saved."""
    folder = tmp_path_factory.mktemp("models")

    def save(name, model, **options):
        path = folder / name
        mlflow.sklearn.save_model(model, str(path), **options, **HOW_SAVED)
        return str(path)

    return {
        "predict": save("predict", MODEL, pyfunc_predict_fn="predict"),
        "predict_proba": save("proba", MODEL, pyfunc_predict_fn="predict_proba"),
        "without": save("svc", LinearSVC().fit(X, Y)),
        "numbers": save("numbers", LogisticRegression().fit(X, CODES.to_numpy()[ROWS])),
        "array": save("array", LogisticRegression().fit(X.to_numpy(), Y)),
    }


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
