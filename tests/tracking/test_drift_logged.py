"""What moved since a run, in another run."""

import json

import numpy as np
import pytest

from xent_metrics import Evaluation, drift, expected_loss
from xent_metrics_mlflow import evaluation_from_run, log_drift, log_evaluation

from .conftest import new_run


@pytest.fixture(autouse=True)
def store(tracking):
    return tracking


def month(seed, slope=1.0):
    rng = np.random.default_rng(seed)
    logit = 1.5 * rng.standard_normal(400)
    y = rng.random(400) < 1 / (1 + np.exp(-slope * logit))
    return Evaluation.from_predictions(y, 1 / (1 + np.exp(-logit)))


def test_the_change_since_a_run(store):
    first, later = month(0), month(1, slope=0.2)
    reference = new_run(store)
    log_evaluation(first, run_id=reference)
    with store.start_run() as run:
        logged = log_drift(reference, later)
    assert (logged.run_id, logged.logged) == (run.info.run_id, True)
    found = drift(first, later)
    data = store.get_run(run.info.run_id).data
    assert data.metrics["xent/drift/mix"] == found.mix.difference
    assert data.metrics["xent/drift/se/concept"] == found.concept.standard_error
    change = found.differences["cross_entropy"]
    assert data.metrics["xent/drift/difference/cross_entropy"] == change.difference
    assert data.metrics["xent/drift/pvalue/difference/cross_entropy"] == change.pvalue
    settings = json.loads(data.tags["xent/drift/info"])
    assert settings["cause"] == found.cause == "concept change"
    assert settings["reference_run"] == reference
    path = store.MlflowClient().download_artifacts(
        run.info.run_id, "xent/drift/drift.json"
    )
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path of MLflow
        assert json.load(file)["cause"] == found.cause


def test_a_run_is_a_reference(store):
    first, later = month(0), month(1)
    run_id = new_run(store)
    log_evaluation(first, run_id=run_id, split="validation")
    read = evaluation_from_run(run_id, split="validation")
    q = later.probabilities()
    assert expected_loss(read, q) == expected_loss(first, q)
    logged = log_drift(read, later, name="since", run_id=new_run(store))
    found = drift(first, later)
    assert logged.metrics["xent/since/concept"] == found.concept.difference


def test_what_cannot_be_a_reference_is_refused(store):
    run_id = new_run(store)
    with pytest.raises(ValueError, match="has no xent/test/evaluation.json; log it"):
        evaluation_from_run(run_id)
    with pytest.raises(TypeError, match="evaluation must be an Evaluation: found str"):
        log_drift(run_id, "april")
    with pytest.raises(TypeError, match="reference must be an Evaluation"):
        log_drift(3, month(0))
    run = store.get_run(run_id)
    for one in (run, run.info):
        with pytest.raises(TypeError, match="the id of a run, .* pass run.info.run_id"):
            log_drift(one, month(0))
