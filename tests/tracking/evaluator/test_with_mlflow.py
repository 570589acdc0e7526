"""The evaluator with the rest of MLflow."""

import mlflow
import numpy as np
import pytest
from mlflow.models import MetricThreshold
from mlflow.models.evaluation.validation import ModelValidationFailedException

from xent_metrics_mlflow import autolog

from .irises import CLASSES, DATA, KEY, MAP, PROBA, QUICK, SOME, Y, evaluate


@pytest.mark.slow
def test_thresholds_and_comparisons(saved):
    sharp = mlflow.models.evaluate(
        saved["predict"],
        DATA,
        targets="y",
        model_type="classifier",
        evaluators="xent",
        evaluator_config=SOME,
    )
    dull = mlflow.models.evaluate(
        lambda _: np.full_like(PROBA, 1 / 3),
        DATA,
        targets="y",
        model_type="classifier",
        evaluators="xent",
        evaluator_config=SOME | {"labels": CLASSES},
    )
    better = {
        KEY: MetricThreshold(
            threshold=0.5, min_absolute_change=0.2, greater_is_better=False
        ),
        "xent/test/skill": MetricThreshold(threshold=0.5, greater_is_better=True),
    }
    mlflow.validate_evaluation_results(better, sharp, dull)
    with pytest.raises(ModelValidationFailedException, match="xent/test/cross_entropy"):
        mlflow.validate_evaluation_results(better, dull, sharp)


def test_files_are_artifacts_of_the_result(store, tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("pyarrow")
    with store.start_run() as run:
        found = mlflow.models.evaluate(
            lambda _: PROBA,
            DATA,
            targets="y",
            model_type="classifier",
            evaluators="xent",
            evaluator_config=MAP | {"labels": CLASSES},
        )
    logged = store.MlflowClient().list_artifacts(run.info.run_id, "xent/test")
    assert set(found.artifacts) == {each.path for each in logged}
    assert len(found.artifacts) == 4
    path = "xent/test/{}"
    rows = found.artifacts[path.format("per_sample.parquet")]
    assert rows.uri == f"{run.info.artifact_uri}/xent/test/per_sample.parquet"
    assert rows.content["label"].tolist() == Y.tolist()
    document = found.artifacts[path.format("evaluation.json")].content
    assert document["decomposition"]["cross_entropy"] == found.metrics[KEY]
    found.save(tmp_path / "saved")
    again = mlflow.models.EvaluationResult.load(tmp_path / "saved")
    assert again.metrics == found.metrics
    for name, artifact in found.artifacts.items():
        same = again.artifacts[name]
        assert same.uri == artifact.uri
        if name.endswith(".parquet"):
            assert same.content.equals(artifact.content)
        else:
            assert same.content == artifact.content
    assert "</html>" in again.artifacts[path.format("report.html")].content


def test_a_threshold_on_what_is_infinite_is_not_met():
    proba = PROBA.copy()
    proba[0] = [0.5 * (name != Y[0]) for name in CLASSES]
    found = mlflow.models.evaluate(
        lambda _: proba,
        DATA,
        targets="y",
        model_type="classifier",
        evaluators="xent",
        evaluator_config=SOME | {"labels": CLASSES, "clip": 0},
    )
    limit = MetricThreshold(threshold=0.5, greater_is_better=False)
    with pytest.raises(ModelValidationFailedException, match="was missing from"):
        mlflow.validate_evaluation_results({KEY: limit}, found)


def test_autologging_of_scikit_learn_keeps_its_settings(saved, store):
    config = mlflow.utils.autologging_utils.AUTOLOGGING_INTEGRATIONS
    mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
    try:
        before = dict(config["sklearn"])
        with store.start_run() as run:
            evaluate(saved["predict"])
        assert config["sklearn"] == before
    finally:
        mlflow.sklearn.autolog(disable=True)
    metrics = store.get_run(run.info.run_id).data.metrics
    assert all(key.startswith("xent/test/") for key in metrics)


def test_with_autolog_it_logs_once(saved, store):
    autolog(split="by-itself", **QUICK)
    try:
        with store.start_run() as run:
            evaluate(saved["predict"])
    finally:
        autolog(disable=True)
    metrics = store.get_run(run.info.run_id).data.metrics
    assert {key.split("/")[1] for key in metrics} == {"test"}
