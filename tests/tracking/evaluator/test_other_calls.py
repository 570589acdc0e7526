"""What other people's calls see of the evaluator."""

import logging
import sys
import warnings

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from xent_metrics import cross_entropy
from xent_metrics_mlflow import XentEvaluator

from .irises import CLASSES, DATA, KEY, LOSS, PROBA, SOME, X, Y, evaluate, rng


def test_a_regressor_is_declined(saved, said):
    model = LinearRegression().fit(X, X["sepal length (cm)"])
    data = X.assign(y=1.0)
    assert not XentEvaluator().can_evaluate(model_type="regressor", evaluator_config={})
    metrics = mlflow.models.evaluate(
        model.predict, data, targets="y", model_type="regressor"
    ).metrics
    assert "r2_score" in metrics or "mean_squared_error" in metrics
    assert not any(key.startswith("xent/") for key in metrics)
    assert said == []


@pytest.mark.parametrize("model_type", ["question-answering", "text", None])
def test_other_types_are_declined(model_type):
    evaluator = XentEvaluator()
    assert not evaluator.can_evaluate(model_type=model_type, evaluator_config={})


@pytest.mark.slow
@pytest.mark.usefixtures("figures")  # MLflow's own evaluator leaves some open
def test_beside_the_default_evaluator(saved):
    found = mlflow.models.evaluate(
        saved["predict"],
        DATA,
        targets="y",
        model_type="classifier",
        evaluators=["default", "xent"],
        evaluator_config={"default": {"log_model_explainability": False}, "xent": SOME},
    )
    assert found.metrics[KEY] == LOSS
    assert found.metrics["log_loss"] == pytest.approx(LOSS)


@pytest.mark.slow
@pytest.mark.usefixtures("figures")  # as above
def test_without_names_all_are_asked_and_foreign_options_ignored(saved):
    found = mlflow.models.evaluate(
        saved["predict"],
        DATA,
        targets="y",
        model_type="classifier",
        evaluator_config={"log_model_explainability": False, "pos_label": None},
    )
    assert found.metrics[KEY] == LOSS
    assert found.metrics["log_loss"] == pytest.approx(LOSS)


def test_without_names_the_weights_of_mlflow_count(alone, saved):
    weights = rng.uniform(0.5, 2, len(Y))
    metrics = evaluate(
        saved["predict"], named=False, config={"sample_weights": weights}
    )
    wanted = cross_entropy(Y, PROBA, labels=CLASSES, sample_weight=weights)
    assert metrics[KEY] == wanted


@pytest.mark.parametrize("model_type", ["text", "question-answering", None])
def test_unnamed_it_leaves_other_types_alone(beside, model_type, said):
    found = mlflow.models.evaluate(
        lambda features: features["question"],
        pd.DataFrame({"question": ["what?"], "y": ["that."]}),
        targets="y",
        model_type=model_type,
        extra_metrics=[mlflow.metrics.mse()],  # without a type MLflow wants one
    )
    assert found.metrics == {"other": 1.0}
    assert said == []


def test_unnamed_it_says_little_of_what_it_cannot_evaluate(beside, said):
    for predict in (lambda _: Y, lambda _: PROBA):
        assert evaluate(predict, named=False) == {"other": 1.0}
    assert [one.levelno for one in said] == [logging.INFO] * 2


def test_unnamed_it_never_raises(beside, said):
    wrong = np.full_like(PROBA, 0.9)
    config = {"labels": CLASSES}
    for predict, base in (
        (lambda _: wrong, 2),
        (lambda _: PROBA, "ten"),
        (lambda _: 1 / 0, 2),
    ):
        found = evaluate(predict, named=False, config={**config, "base": base})
        assert found == {"other": 1.0}
    assert [one.levelno for one in said] == [logging.WARNING] * 3
    assert "y_proba must have rows that sum to 1" in said[0].getMessage()


def test_unnamed_it_never_warns(beside):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        metrics = evaluate(
            lambda features: PROBA[features.index],
            DATA.iloc[:50],
            named=False,
            config={"labels": CLASSES},
        )
    assert KEY in metrics


def test_unnamed_an_import_that_fails_is_a_line_in_the_log(beside, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "xent_metrics_mlflow._evaluator.evaluate", None)
    assert evaluate(lambda _: PROBA, named=False) == {"other": 1.0}
    assert "evaluator 'xent' did not evaluate: import of" in said[0].getMessage()
    with pytest.raises(ImportError, match=r"_evaluator\.evaluate halted"):
        evaluate(lambda _: PROBA)
