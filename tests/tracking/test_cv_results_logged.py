"""A cross-validation in a run: the whole, folds as steps, runs of folds."""

import json
import math

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_validate
from sklearn.naive_bayes import GaussianNB

from xent_metrics import Evaluation
from xent_metrics_mlflow import LogError, autolog, log_cv_results
from xent_metrics_mlflow.__main__ import main
from xent_metrics_mlflow._delivery import spool

from .conftest import new_run

X, Y = load_breast_cancer(return_X_y=True)
QUICK = {"page": False, "per_sample": False}
TERMS = ["cross_entropy", "uncertainty", "resolution", "miscalibration", "refinement"]

rng = np.random.default_rng(0)
PROBA = rng.dirichlet(np.ones(2), 600)
LABELS = rng.integers(2, size=600)


@pytest.fixture(scope="module")
def results():
    return cross_validate(
        GaussianNB(), X, Y, cv=2, return_estimator=True, return_indices=True
    )


@pytest.fixture(scope="module")
def evaluation():
    return Evaluation.from_predictions(
        LABELS, PROBA, folds=np.arange(600) % 3, recalibration="temperature"
    )


def steps(store, run_id, key):
    history = store.MlflowClient().get_metric_history(run_id, key)
    return {metric.step: metric.value for metric in history}


def test_what_cross_validate_returned(tracking, results):
    with tracking.start_run() as run:
        logged = log_cv_results(
            results, X, Y, recalibration="temperature", base=2, **QUICK
        )
    assert (logged.run_id, logged.logged) == (run.info.run_id, True)
    wanted = Evaluation.from_cv_results(
        results, X, Y, recalibration="temperature", base=2
    )
    data = tracking.get_run(run.info.run_id).data
    assert data.metrics["xent/cv/miscalibration"] == (
        wanted.decomposition.miscalibration
    )
    assert data.tags["xent/cv/unit"] == "bits"
    found = steps(tracking, run.info.run_id, "xent/cv/by_fold/miscalibration")
    assert found == dict(enumerate(wanted.folds["miscalibration"]))


def test_folds_of_an_evaluation(tracking, evaluation):
    run_id = new_run(tracking)
    logged = log_cv_results(evaluation, split="val", run_id=run_id, **QUICK)
    metrics = tracking.get_run(run_id).data.metrics
    folds = evaluation.folds
    columns = {name: name for name in ("n", *TERMS)}
    columns |= {f"se/{term}": f"{term}_se" for term in TERMS}
    for name, column in columns.items():
        found = steps(tracking, run_id, f"xent/val/by_fold/{name}")
        assert found == dict(enumerate(folds[column]))
    for term in TERMS:
        values = folds[term].to_numpy()
        assert metrics[f"xent/val/fold_std/{term}"] == pytest.approx(np.std(values))
    assert "xent/val/fold_std/cross_entropy_se" not in metrics
    assert logged.metrics.items() <= metrics.items()
    tags = tracking.get_run(run_id).data.tags
    assert json.loads(tags["xent/val/info"])["folds"] == ["0", "1", "2"]


def test_errors_of_folds_that_say_nothing(tracking):
    """Without a map, the miscalibration is 0 and refinement is the cross-entropy."""
    result = Evaluation.from_predictions(
        LABELS, PROBA, folds=np.arange(600) % 3, recalibration="none"
    )
    run_id = new_run(tracking)
    log_cv_results(result, run_id=run_id, **QUICK)
    metrics = tracking.get_run(run_id).data.metrics
    errors = {key.rpartition("/")[2] for key in metrics if "by_fold/se/" in key}
    assert errors == {"cross_entropy", "uncertainty", "resolution"}


def test_a_run_for_each_fold(tracking, evaluation):
    run_id = new_run(tracking)
    log_cv_results(evaluation, run_id=run_id, child_runs=True, **QUICK)
    children = tracking.search_runs(
        filter_string=f"tags.`mlflow.parentRunId` = '{run_id}'",
        order_by=["tags.`xent/cv/fold`"],
        output_format="list",
    )
    assert [run.info.run_name for run in children] == [
        f"cv fold {fold}" for fold in range(3)
    ]
    assert {run.info.status for run in children} == {"FINISHED"}
    for fold, run in enumerate(children):
        assert run.data.metrics["xent/cv/n"] == 200
        for term in TERMS:
            value = evaluation.folds.loc[fold, term]
            assert run.data.metrics[f"xent/cv/{term}"] == value
            error = evaluation.folds.loc[fold, f"{term}_se"]
            assert run.data.metrics[f"xent/cv/se/{term}"] == error


def test_by_default_no_run_is_made(tracking, evaluation):
    run_id = new_run(tracking)
    log_cv_results(evaluation, run_id=run_id, **QUICK)
    assert [run.info.run_id for run in tracking.search_runs(output_format="list")] == [
        run_id
    ]


@pytest.mark.slow
def test_a_fold_that_is_not_finite(tracking):
    proba = PROBA.copy()
    proba[1] = np.eye(2)[1 - LABELS[1]]
    result = Evaluation.from_predictions(
        LABELS, proba, folds=np.arange(600) % 3, recalibration="temperature", clip=0
    )
    assert result.folds["cross_entropy"].tolist()[1] == math.inf
    run_id = new_run(tracking)
    logged = log_cv_results(result, run_id=run_id, child_runs=True, **QUICK)
    data = tracking.get_run(run_id).data
    found = steps(tracking, run_id, "xent/cv/by_fold/cross_entropy")
    assert sorted(found) == [0, 2]
    assert "xent/cv/fold_std/cross_entropy" not in data.metrics
    assert "xent/cv/fold_std/refinement" in data.metrics
    assert logged.left_out["xent/cv/by_fold/cross_entropy[1]"] == math.inf
    told = json.loads(data.tags["xent/cv/info"])["non_finite"]
    assert told["by_fold/cross_entropy[1]"] == "inf"
    for run in tracking.search_runs(output_format="list"):
        assert all(map(math.isfinite, run.data.metrics.values()))


def test_names_of_folds(tracking):
    folds = np.array(["north", "south"])[np.arange(600) % 2]
    result = Evaluation.from_predictions(
        LABELS, PROBA, folds=folds, recalibration="temperature"
    )
    run_id = new_run(tracking)
    log_cv_results(result, run_id=run_id, **QUICK)
    tags = tracking.get_run(run_id).data.tags
    assert json.loads(tags["xent/cv/info"])["folds"] == ["north", "south"]
    assert sorted(steps(tracking, run_id, "xent/cv/by_fold/n")) == [0, 1]


@pytest.mark.slow
def test_a_replay_makes_no_fold_twice(tracking, evaluation, monkeypatch):
    run_id = new_run(tracking)
    client = tracking.MlflowClient
    ended = []

    def fails_at_the_second(self, run, *args, **options):
        ended.append(run)
        if len(ended) == 2:
            msg = "the server is gone"
            raise ConnectionError(msg)
        return original(self, run, *args, **options)

    original = client.set_terminated
    with monkeypatch.context() as patched:
        patched.setattr(client, "set_terminated", fails_at_the_second)
        with pytest.raises(LogError, match="the server is gone"):
            log_cv_results(
                evaluation, run_id=run_id, child_runs=True, on_error="raise", **QUICK
            )
    [entry] = spool.entries(spool.root())
    assert spool.read(entry).children[1]["name"] == "cv fold 1"
    assert main(["replay"]) == 0
    children = tracking.search_runs(
        filter_string=f"tags.`mlflow.parentRunId` = '{run_id}'", output_format="list"
    )
    assert sorted(run.info.run_name for run in children) == [
        f"cv fold {fold}" for fold in range(3)
    ]
    assert {run.info.status for run in children} == {"FINISHED"}
    assert len(steps(tracking, run_id, "xent/cv/by_fold/n")) == 3


def test_autolog_does_not_log_it_again(tracking, results):
    autolog(**QUICK)
    try:
        with tracking.start_run() as run:
            log_cv_results(results, X, Y, recalibration="temperature", **QUICK)
    finally:
        autolog(disable=True)
    metrics = tracking.get_run(run.info.run_id).data.metrics
    assert {key.split("/")[1] for key in metrics} == {"cv"}


class TestWhatIsRefused:
    @pytest.fixture(autouse=True)
    def _isolated(self, tracking):
        pass

    def test_an_evaluation_without_folds(self):
        one = Evaluation.from_predictions(LABELS, PROBA, recalibration="temperature")
        with pytest.raises(ValueError, match="the evaluation must have folds: one mod"):
            log_cv_results(one)

    @pytest.mark.parametrize(
        ("data", "options", "told"),
        [((X, Y), {}, "found X, y; leave"), ((), {"base": 2}, "found base; leave")],
    )
    def test_an_evaluation_with_data_or_options(self, evaluation, data, options, told):
        with pytest.raises(ValueError, match=told):
            log_cv_results(evaluation, *data, **options)

    def test_results_without_estimators(self):
        with pytest.raises(ValueError, match="'estimator' is missing; call cross_val"):
            log_cv_results({"test_score": [0.5]}, X, Y)

    def test_a_split_that_is_no_name(self, evaluation):
        with pytest.raises(ValueError, match="split must be letters, digits"):
            log_cv_results(evaluation, split="a/b")
