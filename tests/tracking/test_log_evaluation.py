import dataclasses
import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, scan
from xent_metrics._decomposition.text import TERMS
from xent_metrics_mlflow import log_evaluation
from xent_metrics_mlflow._delivery import spool
from xent_metrics_mlflow._items.items import items

from .conftest import new_run

rng = np.random.default_rng(0)
PROBA = rng.dirichlet(np.ones(3), 500)
LABELS = rng.integers(3, size=500)


@pytest.fixture(autouse=True)
def store(tracking):
    return tracking


def evaluation(**options):
    return Evaluation.from_predictions(LABELS, PROBA, **options)


@pytest.mark.slow
def test_the_decomposition_of_a_run(store):
    result = evaluation()
    with store.start_run() as run:
        logged = log_evaluation(result, split="test", page=False)
    assert logged.run_id == run.info.run_id
    data = store.get_run(run.info.run_id).data
    for name in TERMS:
        value = getattr(result.decomposition, name)
        if math.isfinite(value):
            assert data.metrics[f"xent/test/{name}"] == value
        else:
            assert f"xent/test/{name}" not in data.metrics
    assert data.metrics["xent/test/n"] == 500
    settings = json.loads(data.tags["xent/test/info"])
    assert settings["recalibration"] == result.decomposition.recalibration
    assert data.tags["xent/test/unit"] == "nats"
    assert data.metrics == logged.metrics


def test_map_and_clip_are_params_of_the_first_step(store):
    run_id = new_run(store)
    for step, recalibration in enumerate(("temperature", "none")):
        result = evaluation(recalibration=recalibration, clip=1e-6)
        logged = log_evaluation(
            result, run_id=run_id, step=step, page=False, on_error="raise"
        )
        assert logged.logged
    data = store.get_run(run_id).data
    assert data.params == {
        "xent/test/recalibration": "temperature",
        "xent/test/clip": "1e-06",
    }
    settings = json.loads(data.tags["xent/test/info"])
    assert settings["recalibration"] == "none"
    wanted = "params.`xent/test/recalibration` = 'temperature'"
    [found] = store.search_runs(filter_string=wanted, output_format="list")
    assert found.info.run_id == run_id


def test_one_batch(store, monkeypatch):
    calls = []
    original = store.MlflowClient.log_batch
    monkeypatch.setattr(
        store.MlflowClient,
        "log_batch",
        lambda *args, **kwargs: calls.append(1) or original(*args, **kwargs),
    )
    log_evaluation(evaluation(), page=False)
    assert calls == [1]


def test_non_finite_values_are_never_metrics(store):
    proba = PROBA.copy()
    proba[0] = np.eye(3)[(LABELS[0] + 1) % 3]
    result = Evaluation.from_predictions(LABELS, proba, clip=0)
    with store.start_run() as run:
        logged = log_evaluation(result, page=False)
    assert logged.left_out["xent/test/cross_entropy"] == math.inf
    data = store.get_run(run.info.run_id).data
    assert "xent/test/cross_entropy" not in data.metrics
    assert all(map(math.isfinite, data.metrics.values()))
    assert data.metrics["xent/test/n_infinite"] == 1
    told = json.loads(data.tags["xent/test/info"])["non_finite"]
    assert told["cross_entropy"] == "inf"


@pytest.mark.slow
def test_several_splits_and_a_named_run(store):
    with store.start_run() as run:
        pass
    for split in ("train", "test"):
        options = {"run_id": run.info.run_id, "step": 3, "page": False}
        log_evaluation(evaluation(), split=split, **options)
    metrics = store.get_run(run.info.run_id).data.metrics
    assert metrics["xent/train/skill"] == metrics["xent/test/skill"]
    history = store.MlflowClient().get_metric_history(
        run.info.run_id, "xent/test/skill"
    )
    assert [entry.step for entry in history] == [3]


def test_without_an_active_run_one_is_started(store):
    logged = log_evaluation(evaluation(), page=False)
    assert store.active_run().info.run_id == logged.run_id


def test_no_key_is_the_path_of_another():
    keys = set(items(evaluation(), "test").metrics)
    parents = {key.rsplit("/", 1)[0] for key in keys}
    assert not keys & parents


@pytest.mark.parametrize("split", ["", "a/b", "../x", "a\n"])
def test_names_of_splits(split):
    with pytest.raises(ValueError, match="split must be letters, digits"):
        log_evaluation(evaluation(), split=split)


@pytest.mark.parametrize("deadline", [30, pytest.param(0, marks=pytest.mark.slow)])
def test_groups_on_the_page(store, tmp_path, deadline):
    pytest.importorskip("jinja2")
    run_id = new_run(store)
    by = np.where(np.arange(500) % 2, "in the sun", "in shade")
    result = log_evaluation(evaluation(), run_id=run_id, by=by, deadline=deadline)
    until = time.monotonic() + 60
    while spool.entries(spool.root()) and time.monotonic() < until:
        time.sleep(0.1)
    page = store.MlflowClient().download_artifacts(
        result.run_id, "xent/test/report.html", str(tmp_path)
    )
    text = Path(page).read_text(encoding="utf-8")
    assert "The loss by group" in text
    assert "in the sun" in text


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("where", "by must be a column of per_sample or one value per row: found 'whe"),
        ([1, 2], "by must"),
    ],
)
def test_what_is_no_group(store, by, told):
    with pytest.raises(ValueError, match=told):
        log_evaluation(evaluation(), by=by)
    assert len(store.MlflowClient().search_runs(["0"])) == 0


def test_long_names_in_scripts_of_many_bytes_on_a_store_of_files(
    store, tmp_path, monkeypatch
):
    """A store of files makes keys files, whose names have at most 255 bytes."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    store.set_tracking_uri(f"file:{tmp_path}/runs")
    labels = ["漢字" * 60, "漢字" * 61, "ไทย" * 40]
    result = Evaluation.from_predictions(
        np.array(labels)[LABELS], PROBA, labels=labels, recalibration="temperature"
    )
    with store.start_run() as run:
        logged = log_evaluation(result, page=False, on_error="raise")
    data = store.get_run(run.info.run_id).data
    assert data.metrics == logged.metrics
    names = json.loads(data.tags["xent/test/info"])["classes"]
    assert list(names.values()) == labels
    for name, label in names.items():
        key = f"xent/test/by_class/se/miscalibration_{name}"
        assert data.metrics[key] == result.by_class.loc[label, "miscalibration_se"]


def test_what_was_scanned(store, tmp_path):
    table = dict(zip(("p_0", "p_1", "p_2"), PROBA.T, strict=True))
    frame = pd.DataFrame({**table, "y": LABELS, "site": LABELS % 2})
    frame.to_parquet(tmp_path / "rows.parquet")
    result = scan(tmp_path / "rows.parquet", target="y", proba="p_", by="site")
    skipped = dataclasses.replace(result.decomposition, n_skipped=2)
    result = dataclasses.replace(result, decomposition=skipped)
    with store.start_run() as run:
        logged = log_evaluation(result, split="test", by="site")
    data = store.get_run(run.info.run_id).data
    assert data.metrics["xent/test/cross_entropy"] == result.decomposition.cross_entropy
    assert "xent/test/by_class/cross_entropy_2" in data.metrics
    assert data.metrics["xent/test/n_skipped"] == 2
    names = {Path(name).name for name in logged.artifacts}
    assert {"evaluation.json", "report.html"} <= names
    assert not any("per_sample" in name for name in names)
