"""The evaluator "xent" of ``mlflow.models.evaluate``."""

import importlib
import logging
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import MetricThreshold
from mlflow.models.evaluation.evaluator_registry import (
    ModelEvaluatorRegistry,
    _model_evaluation_registry,
)
from mlflow.models.evaluation.validation import ModelValidationFailedException
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import xent_metrics_mlflow
from xent_metrics import Evaluation, cross_entropy
from xent_metrics_mlflow import XentEvaluator

ROOT = Path(__file__).parents[2]
GROUP = "mlflow.model_evaluator"
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
LOSS = cross_entropy(Y, PROBA, labels=CLASSES)
HOW_SAVED = {"pip_requirements": ["scikit-learn"]}  # to look for them takes seconds
QUICK = {"page": False, "per_sample": False}
MAP = {"recalibration": "temperature"}  # the quickest
SOME = MAP | QUICK


@pytest.fixture(autouse=True)
def store(tracking, monkeypatch):
    """A store, in which MLflow knows the evaluator."""
    monkeypatch.setitem(_model_evaluation_registry._registry, "xent", XentEvaluator)
    return tracking


@pytest.fixture(scope="module")
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


@pytest.fixture
def alone(monkeypatch):
    """A registry that has no other evaluator: MLflow's own take seconds."""
    monkeypatch.setattr(
        _model_evaluation_registry, "_registry", {"xent": XentEvaluator}
    )


# The entry point


def test_mlflow_finds_it_by_its_entry_point(tmp_path, monkeypatch):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    info = tmp_path / "xent_metrics-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: xent-metrics\n")
    lines = [f"{k} = {v}" for k, v in declared["entry-points"][GROUP].items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]))
    monkeypatch.syspath_prepend(tmp_path)
    registry = ModelEvaluatorRegistry()
    registry.register_entrypoints()
    assert isinstance(registry.get_evaluator("xent"), XentEvaluator)


# Where probabilities come from


@pytest.mark.parametrize("how", ["predict", "predict_proba"])
def test_a_saved_model(saved, how):
    metrics = evaluate(saved[how])
    wanted = Evaluation.from_predictions(Y, PROBA, labels=CLASSES, **MAP)
    assert metrics[KEY] == wanted.decomposition.cross_entropy
    assert metrics["xent/test/miscalibration"] == wanted.decomposition.miscalibration
    assert all(np.isfinite(value) for value in metrics.values())


def test_a_logged_model_and_its_run(store):
    with store.start_run() as run:
        info = mlflow.sklearn.log_model(MODEL, name="iris", **HOW_SAVED)
        metrics = evaluate(info.model_uri)
    data = store.get_run(run.info.run_id).data
    assert metrics.items() <= data.metrics.items()
    assert data.tags["xent/test/recalibration"] == "temperature"
    of_model = store.get_logged_model(info.model_id).metrics
    assert {one.key: one.value for one in of_model}[KEY] == metrics[KEY]


def test_a_model_fitted_to_an_array(saved):
    metrics = evaluate(saved["array"], X.to_numpy(), targets=Y)
    assert 0 < metrics[KEY] < 1


def of_function(predict, **options):
    return evaluate(predict, **options)[KEY]


FUNCTIONS = {
    "array": (lambda _: PROBA, {"labels": CLASSES}),
    "list": (lambda _: PROBA.tolist(), {"labels": CLASSES}),
    "named columns": (lambda _: pd.DataFrame(PROBA, columns=CLASSES), {}),
    "other order": (
        lambda _: pd.DataFrame(PROBA, columns=CLASSES)[CLASSES[::-1]],
        {},
    ),
    "unnamed columns": (lambda _: pd.DataFrame(PROBA), {"labels": CLASSES}),
    "dict of columns": (lambda _: dict(zip(CLASSES, PROBA.T, strict=True)), {}),
    "list of dicts": (
        lambda _: [dict(zip(CLASSES, row, strict=True)) for row in PROBA],
        {},
    ),
    "beside labels": (
        lambda _: pd.DataFrame(PROBA, columns=CLASSES).add_prefix("p_").assign(hard=Y),
        {"proba": "p_"},
    ),
    "logits": (
        lambda _: np.log(PROBA),
        {"labels": CLASSES, "from_logits": True},
    ),
    "one column of arrays": (
        lambda _: pd.DataFrame({"p": list(PROBA)}),
        {"labels": CLASSES},
    ),
}


@pytest.mark.parametrize("how", FUNCTIONS)
def test_a_function(how):
    function, config = FUNCTIONS[how]
    assert of_function(function, config=config) == pytest.approx(LOSS, rel=1e-12)


def test_a_function_of_two_classes_with_one_column():
    y = np.where(Y == "setosa", "yes", "no")
    q = 1 - PROBA[:, CLASSES.index("setosa")]
    config = {"labels": ["yes", "no"]}
    found = of_function(lambda _: q, data=X.assign(y=y), config=config)
    assert found == cross_entropy(y, q, labels=["yes", "no"])


def test_the_column_of_a_function_that_predictions_names():
    frame = pd.DataFrame({"hard": Y, "p": list(PROBA)})
    config = {"labels": CLASSES}
    found = of_function(lambda _: frame, predictions="p", config=config)
    assert found == LOSS


@pytest.mark.parametrize("kind", [list, tuple, np.asarray])
def test_a_static_column_of_arrays(kind):
    data = pd.DataFrame({"y": Y, "p": [kind(row) for row in PROBA.tolist()]})
    config = {"labels": CLASSES}
    assert evaluate(None, data, predictions="p", config=config)[KEY] == LOSS


def test_static_columns():
    names = [f"p_{name}" for name in CLASSES]
    data = pd.DataFrame(PROBA, columns=names).assign(y=Y, other=1.0)
    for config in (
        {"proba": "p_"},
        {"proba": names, "labels": CLASSES},
        {"proba": dict(zip(CLASSES, names, strict=True))},
    ):
        assert evaluate(None, data, config=config)[KEY] == LOSS


def test_a_dataset_of_mlflow():
    names = [f"p_{name}" for name in CLASSES]
    data = pd.DataFrame(PROBA, columns=names).assign(y=Y)
    dataset = mlflow.data.from_pandas(data, targets="y")
    assert evaluate(None, dataset, targets=None, config={"proba": "p_"})[KEY] == LOSS


def test_targets_that_are_distributions():
    soft = 0.9 * (Y[:, None] == np.array(CLASSES)) + 0.1 / 3
    data = pd.DataFrame({"y": list(soft), "p": list(PROBA)})
    config = {"labels": CLASSES}
    found = evaluate(None, data, predictions="p", config=config)
    assert found[KEY] == cross_entropy(soft, PROBA)


# Options


def test_weights_and_groups_by_column_are_no_features(saved):
    weights = rng.uniform(0.5, 2, len(Y))
    data = DATA.assign(w=weights, g=np.arange(len(Y)) % 250)
    config = {"sample_weight": "w", "groups": "g", "split": "dev", "base": 2}
    metrics = evaluate(saved["predict"], data, config=config)
    wanted = Evaluation.from_predictions(
        Y,
        PROBA,
        labels=CLASSES,
        sample_weight=weights,
        groups=data["g"],
        base=2,
        **MAP,
    )
    found = metrics["xent/dev/cross_entropy"]
    assert found == wanted.decomposition.cross_entropy


def test_weights_as_values(saved):
    weights = rng.uniform(0.5, 2, len(Y))
    metrics = evaluate(saved["predict"], config={"sample_weight": weights})
    wanted = cross_entropy(Y, PROBA, labels=CLASSES, sample_weight=weights)
    assert metrics[KEY] == wanted


def test_classes_that_the_config_names(saved):
    config = {"labels": NAMES.tolist()}  # of the codes that the model was fitted to
    model = mlflow.sklearn.load_model(saved["numbers"])
    wanted = cross_entropy(Y, model.predict_proba(X), labels=NAMES)
    assert evaluate(saved["numbers"], config=config)[KEY] == wanted


def test_the_index_of_the_data_is_kept(saved, monkeypatch):
    found = []
    home = importlib.import_module("xent_metrics_mlflow._model_evaluation")
    original = home.log_evaluation
    monkeypatch.setattr(
        home,
        "log_evaluation",
        lambda one, **options: found.append(one) or original(one, **options),
    )
    data = DATA.set_index(np.arange(300) + 1000)
    evaluate(saved["predict"], data)
    evaluate(lambda _: pd.DataFrame(PROBA, columns=CLASSES), data)
    for one in found:
        assert one.per_sample.index.equals(data.index)


def test_the_nested_form_of_the_config():
    data = pd.DataFrame({"y": Y, "p": list(PROBA)})
    config = {"xent": {"labels": CLASSES, **SOME}}
    found = mlflow.models.evaluate(
        data=data,
        targets="y",
        predictions="p",
        model_type="classifier",
        evaluators="xent",
        evaluator_config=config,
    )
    assert found.metrics[KEY] == LOSS


# What is wrong, and said in one sentence


STATIC = pd.DataFrame({"y": Y, "p": list(PROBA)})
WRONG = {
    "found 'labls'; did you mean 'labels'?": (STATIC, {"labls": CLASSES}),
    "must hold options of its own: found 'zzz'; pass proba": (STATIC, {"zzz": 1}),
    "the class of each column must be known: the predictions are an array": (
        STATIC,
        {},
    ),
    "classes must be named as the targets are: labels are 0, 1, 2": (
        STATIC,
        {"labels": [0, 1, 2]},
    ),
    "sample_weight must name a column of the data: found 'w'; pass a column": (
        STATIC,
        {"labels": CLASSES, "sample_weight": "w"},
    ),
    "found 'wigth'; did you mean 'width'?": (
        STATIC.assign(width=1.0),
        {"labels": CLASSES, "groups": "wigth"},
    ),
    "arrays in a column must be of one length: found several": (
        STATIC.assign(p=[[0.5, 0.5]] * 299 + [[0.2, 0.3, 0.5]]),
        {"labels": CLASSES},
    ),
    "targets must be one label a row where probabilities are columns: found 3": (
        STATIC.assign(y=STATIC["p"], q=0.5, r=0.5),
        {"proba": ["q", "r"]},
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_errors(message):
    data, config = WRONG[message]
    with pytest.raises(ValueError, match=message.replace("?", "[?]")):
        evaluate(None, data, predictions="p", config=config)


def test_an_array_has_no_columns():
    with pytest.raises(ValueError, match="proba must say which columns of a DataFrame"):
        evaluate(lambda _: PROBA, config={"proba": "p_"})


def test_columns_without_names():
    with pytest.raises(ValueError, match="the predictions are columns without names"):
        evaluate(lambda _: pd.DataFrame(PROBA))


def test_a_model_that_drops_rows():
    predicted = pd.DataFrame(PROBA, columns=CLASSES)[:200]
    message = "a model must predict one row for each that it is given: found 200 for"
    with pytest.raises(ValueError, match=message):
        evaluate(lambda _: predicted)


def test_labels_in_another_order_than_those_of_the_model(saved):
    message = "labels must be in the order of the columns: found 'virginica', "
    with pytest.raises(ValueError, match=message):
        evaluate(saved["predict"], config={"labels": CLASSES[::-1]})


def test_classes_that_no_target_is_named_after(saved):
    message = "the model's classes_ are 0, 1, 2 and no target is one of them"
    with pytest.raises(ValueError, match=message):
        evaluate(saved["numbers"])


class Holder:
    """A model of MLflow that holds another."""

    def __init__(self, *outputs):
        self._outputs = outputs

    def get_raw_model(self):
        found = self._outputs[0] if len(self._outputs) == 1 else list(self._outputs)
        return type("Raw", (), {"predict_proba": lambda *_: found})()


def test_a_classifier_without_classes():
    home = importlib.import_module("xent_metrics_mlflow._probabilities")
    with pytest.raises(home.ClassOrderError, match="the model has no classes_; pass"):
        home.of_model(Holder(PROBA), X, None, None, None)
    found = home.of_model(Holder(PROBA), X, None, tuple(CLASSES), None)
    assert found.labels == tuple(CLASSES)


def test_a_classifier_of_several_outputs():
    home = importlib.import_module("xent_metrics_mlflow._probabilities")
    with pytest.raises(home.DeclinedError, match="must have one output: it has 2"):
        home.of_model(Holder(PROBA, PROBA), X, None, tuple(CLASSES), None)


DECLINED = {
    "its predictions are labels or numbers such as": lambda _: Y,
    "its predictions are labels or numbers": lambda _: (Y == "setosa").astype(float),
    "its predictions are an array of int64": lambda _: (PROBA > 0.5).astype(np.int64),
    "columns that a model returns must all be probabilities: found 'a', 'b'": (
        lambda _: pd.DataFrame({"a": Y, "b": PROBA[:, 0]})
    ),
}


@pytest.mark.parametrize("message", DECLINED)
def test_what_predicts_no_probabilities_is_declined(message, said):
    with pytest.raises(mlflow.MlflowException, match="could not be evaluated by any"):
        evaluate(DECLINED[message], config={"labels": CLASSES})
    [record] = said
    assert record.levelno == logging.WARNING
    assert message in record.getMessage()


def test_a_classifier_without_probabilities_is_declined(saved, said):
    with pytest.raises(mlflow.MlflowException, match="could not be evaluated by any"):
        evaluate(saved["without"])
    assert "a model must predict probabilities" in said[0].getMessage()


def test_a_frame_without_predictions_is_declined(said):
    with pytest.raises(mlflow.MlflowException, match="could not be evaluated by any"):
        evaluate(None, DATA)
    assert "a static frame must say where its probabilities are" in said[0].getMessage()


# What other people's calls see of it


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
    monkeypatch.setitem(sys.modules, "xent_metrics_mlflow._model_evaluation", None)
    assert evaluate(lambda _: PROBA, named=False) == {"other": 1.0}
    assert "evaluator 'xent' did not evaluate: import of" in said[0].getMessage()
    with pytest.raises(ImportError, match="_model_evaluation halted"):
        evaluate(lambda _: PROBA)


def test_what_does_not_exist():
    with pytest.raises(AttributeError, match="has no attribute 'evaluator'"):
        _ = xent_metrics_mlflow.evaluator
    assert set(xent_metrics_mlflow.__all__) <= set(dir(xent_metrics_mlflow))
    for name in xent_metrics_mlflow.__all__:
        assert getattr(xent_metrics_mlflow, name).__doc__


def test_finding_it_loads_mlflow_and_nothing_of_ours():
    code = (
        "import sys, mlflow.models.evaluation\n"
        "before = set(sys.modules)\n"
        "from xent_metrics_mlflow._evaluator import XentEvaluator\n"
        "print(*set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    added = set(done.stdout.split())
    assert added == {"xent_metrics_mlflow", "xent_metrics_mlflow._evaluator"}


# With the rest of MLflow


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
