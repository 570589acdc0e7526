"""What features could still win, in a run."""

import json

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation
from xent_metrics_mlflow import log_evaluation

from .conftest import new_run

BOUNDS = ("grouping_loss_at_least", "kl_divergence_at_least", "entropy_at_most")


@pytest.fixture(autouse=True)
def store(tracking):
    return tracking


@pytest.fixture(scope="module")
def subject():
    """Features that decide the label, and predictions that know nothing of them."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"plan": rng.choice(["basic", "plus"], 400), "age": range(400)})
    y = rng.random(400) < np.where(X["plan"] == "plus", 0.9, 0.3)
    return X, Evaluation.from_predictions(y, np.full(400, 0.4) + rng.random(400) / 50)


def test_bounds_and_their_errors_are_metrics(store, subject):
    X, evaluation = subject
    run_id = new_run(store)
    logged = log_evaluation(evaluation, run_id=run_id, features=X, page=False)
    expected = evaluation.reducible(X)
    metrics = store.get_run(run_id).data.metrics
    for name in BOUNDS:
        assert metrics[f"xent/test/{name}"] == expected.terms[name]
        assert metrics[f"xent/test/se/{name}"] == expected.standard_errors[name]
    assert logged.metrics.items() <= metrics.items()
    settings = json.loads(store.get_run(run_id).data.tags["xent/test/info"])
    assert settings["learner"] == expected.learner


@pytest.mark.slow
def test_slices_are_a_table_of_the_run(store, subject):
    X, evaluation = subject
    run_id = new_run(store)
    log_evaluation(evaluation, run_id=run_id, features=X, page=False)
    table = store.load_table("xent/test/slices.json", run_ids=[run_id])
    expected = [evaluation.slices(X), evaluation.reducible(X).slices()]
    assert table["condition"].to_list() == [
        condition for one in expected for condition in one.table.index
    ]
    assert set(table["term"]) <= {"cross_entropy", "gain"}
    assert (table["condition"] == "plan = 'plus'").any()


@pytest.mark.slow
def test_a_table_without_slices_is_a_table(store):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(400, 2)), rng.random(400) < 0.5
    evaluation = Evaluation.from_predictions(y, rng.uniform(0.4, 0.6, 400))
    run_id = new_run(store)
    logged = log_evaluation(evaluation, run_id=run_id, features=X, page=False)
    assert "xent/test/slices.json" in logged.artifacts
    assert store.load_table("xent/test/slices.json", run_ids=[run_id]).empty


def test_without_features_nothing_is_said_of_them(store, subject):
    run_id = new_run(store)
    logged = log_evaluation(subject[1], run_id=run_id, page=False)
    assert not [key for key in logged.metrics if "at_least" in key]
    assert "xent/test/slices" not in store.get_run(run_id).data.tags


def test_features_of_other_rows_are_refused_before_anything_is_sent(store, subject):
    X, evaluation = subject
    run_id = new_run(store)
    with pytest.raises(ValueError, match="X must have one row for each row"):
        log_evaluation(evaluation, run_id=run_id, features=X[1:])
    assert not store.get_run(run_id).data.metrics
