"""What moved since a run, in another run."""

import json

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, drift, expected_loss
from xent_metrics_mlflow import (
    evaluation_from_run,
    log_drift,
    log_evaluation,
    log_over_time,
    runs_frame,
)

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


def history(store, run_id, key):
    found = store.MlflowClient().get_metric_history(run_id, key)
    return [(one.step, one.value) for one in sorted(found, key=lambda one: one.step)]


@pytest.mark.slow
def test_weeks_of_drift_are_steps_of_one_run(store):
    first, weeks = month(0), [month(1), month(2, slope=0.2), month(3)]
    run_id = new_run(store)
    for step in (0, 2, 1):  # one of them comes late
        log_drift(first, weeks[step], step=step, run_id=run_id)
    found = [drift(first, week) for week in weeks]
    concepts = [(step, one.concept.difference) for step, one in enumerate(found)]
    assert history(store, run_id, "xent/drift/concept") == concepts
    data = store.get_run(run_id).data
    assert data.metrics["xent/drift/concept"] == found[2].concept.difference
    assert json.loads(data.tags["xent/drift/info"])["cause"] == found[2].cause
    with pytest.raises(ValueError, match="step must be a whole number: found 1.5"):
        log_drift(first, weeks[0], step=1.5)


def test_periods_are_steps_of_one_run(store):
    reference = month(0)
    frame = pd.concat(
        [one.probabilities().assign(y=one.per_sample["label"]) for one in (month(1),)]
        + [month(2).probabilities().assign(y=np.nan)]
    )
    frame.columns = ["q", "p", "y"]
    frame["when"] = pd.date_range("2026-01-05", periods=800, freq="30min")
    bound = frame.xent(target="y", proba="p", labels=[0, 1])
    weeks = bound.over_time("when", freq="W", reference=reference)
    run_id = new_run(store)
    logged = log_over_time(weeks, run_id=run_id)
    table = weeks.table.reset_index()
    assert logged.metrics["xent/over_time/n_alerts"] == len(weeks.alerts)
    line = logged.metrics["xent/over_time/line/cross_entropy"]
    assert line == weeks.lines["cross_entropy"]
    for key, column in (
        ("expected_loss", "expected_loss"),
        ("se/expected_loss", "expected_loss_se"),
        ("cross_entropy", "cross_entropy"),
        ("alert", "alert"),
    ):
        values = table[column].astype(float).dropna()
        steps = history(store, run_id, f"xent/over_time/{key}")
        assert steps == list(values.items())
    assert len(table) > len(table["cross_entropy"].dropna()) > 0
    settings = json.loads(store.get_run(run_id).data.tags["xent/over_time/info"])
    assert len(settings["periods"]) == len(table)
    place = f"xent/over_time/cross_entropy[{len(table) - 1}]"
    assert place.removeprefix("xent/over_time/") in settings["non_finite"]
    log_over_time(weeks, run_id=run_id, step=len(table))
    steps = history(store, run_id, "xent/over_time/n")
    assert [step for step, _ in steps] == list(range(2 * len(table)))
    log_evaluation(reference, run_id=run_id, page=False)
    (row,) = runs_frame().to_dict("records")
    assert row["cross_entropy"] == reference.terms["cross_entropy"]
    with pytest.raises(TypeError, match="result must be an OverTime: found DataFrame"):
        log_over_time(weeks.table)


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
