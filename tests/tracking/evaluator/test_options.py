"""Options of the evaluator."""

import importlib
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, cross_entropy

from .irises import (
    CLASSES,
    DATA,
    KEY,
    LOSS,
    MAP,
    NAMES,
    PROBA,
    SOME,
    X,
    Y,
    evaluate,
    rng,
)


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
    assert metrics[KEY] == pytest.approx(wanted, rel=1e-14)


@pytest.mark.slow
def test_classes_that_the_config_names(saved):
    config = {"labels": NAMES.tolist()}  # of the codes that the model was fitted to
    model = mlflow.sklearn.load_model(saved["numbers"])
    wanted = Evaluation.from_predictions(
        Y, model.predict_proba(X), labels=NAMES, recalibration="none"
    )
    found = evaluate(saved["numbers"], config=config)[KEY]
    assert found == wanted.decomposition.cross_entropy


def test_the_index_of_the_data_is_kept(saved, monkeypatch):
    found = []
    home = importlib.import_module("xent_metrics_mlflow._evaluator.evaluate")
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


PAGE = {"page": True}


def page_of(run, tmp_path):
    path = mlflow.MlflowClient().download_artifacts(
        run.info.run_id, "xent/test/report.html", str(tmp_path)
    )
    return Path(path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "by", ["place", pytest.param(["place"], marks=pytest.mark.slow)]
)
def test_groups_on_the_page_by_a_column_beside_the_features(saved, store, tmp_path, by):
    pytest.importorskip("jinja2")
    data = DATA.assign(place=np.where(np.arange(300) % 2, "in <the> sun", "in shade"))
    with store.start_run() as run:
        metrics = evaluate(saved["predict"], data, config={"by": by, **PAGE})
    assert metrics[KEY] == LOSS
    page = page_of(run, tmp_path)
    assert "The loss by group" in page
    assert "in &lt;the&gt; sun" in page


@pytest.mark.slow
def test_groups_on_the_page_by_a_feature_and_by_values(saved, store, tmp_path):
    pytest.importorskip("jinja2")
    wide = X["petal width (cm)"] > 1
    for by in ("petal width (cm)", np.where(wide, "wide", "narrow")):
        with store.start_run() as run:
            evaluate(saved["predict"], config={"by": by, **PAGE})
        assert "The loss by group" in page_of(run, tmp_path)
