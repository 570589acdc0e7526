"""What a run has afterwards, in every store; spools, addresses and commands."""

import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from mlflow.data.dataset import Dataset
from mlflow.entities import LoggedModelOutput
from sklearn.dummy import DummyClassifier

from xent_metrics import Evaluation
from xent_metrics_mlflow import _client, log_evaluation
from xent_metrics_mlflow.__main__ import main
from xent_metrics_mlflow._delivery import spool, threads
from xent_metrics_mlflow._items.rows import from_parquet

from .conftest import assert_logged, entries, entry, new_run

QUICK = {"page": False}


@pytest.fixture(
    params=["embedded", pytest.param("server", marks=pytest.mark.slow), "files"]
)
def store(request, tracking, tmp_path, monkeypatch):
    """MLflow on each kind of store."""
    if request.param == "server":
        tracking.set_tracking_uri(request.getfixturevalue("server").uri)
    if request.param == "files":
        monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        tracking.set_tracking_uri((tmp_path / "mlruns").as_uri())
    return tracking


class TestEveryStore:
    def test_all_of_it(self, store, evaluation, tmp_path):
        with store.start_run() as run:
            result = log_evaluation(evaluation, step=np.int64(3), deadline=60)
        run_id = run.info.run_id
        assert (result.run_id, result.logged, result.spooled) == (run_id, True, None)
        assert result.notes == {}
        assert_logged(store, run_id, result)
        client = store.MlflowClient()
        files = {file.path for file in client.list_artifacts(run_id, "xent/test")}
        assert files == set(result.artifacts)
        assert "xent/test/report.html" in files
        path = client.download_artifacts(run_id, "xent/test", str(tmp_path))
        folder = Path(path)
        text = (folder / "evaluation.json").read_bytes()
        assert Evaluation.from_json(text) == evaluation
        again = from_parquet((folder / "per_sample.parquet").read_bytes())
        assert again.to_json() == evaluation.to_json()
        key = "xent/test/skill"
        assert [one.step for one in client.get_metric_history(run_id, key)] == [3]

    def test_the_table_is_one_of_mlflow(self, store, evaluation):
        with store.start_run() as run:
            store.log_table({"a": [1]}, "mine.json")
            log_evaluation(evaluation, deadline=60, **QUICK)
        table = store.load_table("xent/test/per_sample.json", [run.info.run_id])
        assert table["row"].tolist() == evaluation.worst(1000).index.tolist()
        tags = store.get_run(run.info.run_id).data.tags
        assert json.loads(tags["mlflow.loggedArtifacts"]) == [
            {"path": "mine.json", "type": "table"},
            {"path": "xent/test/per_sample.json", "type": "table"},
        ]

    def test_what_is_not_finite_is_never_a_metric(
        self, store, evaluation_with_infinities
    ):
        model = store.create_external_model(name="a_model")
        with store.start_run() as run:
            result = log_evaluation(
                evaluation_with_infinities,
                model_id=model.model_id,
                deadline=60,
                **QUICK,
            )
        values = set(map(str, result.left_out.values()))
        assert values == {"inf", "-inf", "nan"}
        data = store.get_run(run.info.run_id).data
        of_model = store.get_logged_model(model.model_id).metrics
        assert {one.key: one.value for one in of_model} == data.metrics
        assert data.metrics == result.metrics
        assert not set(result.left_out) & set(data.metrics)
        assert all(abs(value) < 1e300 for value in data.metrics.values())
        for name, value in result.left_out.items():
            told = json.loads(data.tags["xent/test/info"])["non_finite"]
            assert told[name.removeprefix("xent/test/")] == str(value)

    def test_a_dataset_is_an_input(self, store, evaluation):
        frame = pd.DataFrame({"a": [1.0, 2.0]})
        dataset = store.data.from_pandas(frame, name="birds")
        with store.start_run() as run:
            log_evaluation(evaluation, dataset=dataset, deadline=60, **QUICK)
        found = store.get_run(run.info.run_id)
        (one,) = found.inputs.dataset_inputs
        assert (one.dataset.name, one.dataset.digest) == ("birds", dataset.digest)
        assert [(tag.key, tag.value) for tag in one.tags] == [
            ("mlflow.data.context", "test")
        ]
        settings = json.loads(found.data.tags["xent/test/info"])
        assert settings["dataset"] == "birds"

    def test_what_came_of_it_is_one_line(self, store, evaluation):
        run_id = new_run(store)
        result = log_evaluation(evaluation, run_id=run_id, deadline=60, **QUICK)
        assert repr(result) == (
            f"LogResult: {len(result.metrics)} metrics and 3 artifacts are in run "
            f"{run_id}"
        )
        store.MlflowClient().delete_run(run_id)
        failed = log_evaluation(evaluation, run_id=run_id, deadline=60, **QUICK)
        assert repr(failed).endswith(
            f" for run {run_id} are queued in {failed.spooled}; {failed.error}"
        )
        assert "\n" not in repr(failed)

    def test_one_unit_a_split(self, store, evaluation):
        in_bits = Evaluation.from_json(evaluation.to_json())
        object.__setattr__(in_bits.decomposition, "unit", "bits")
        run_id = new_run(store)
        assert log_evaluation(evaluation, run_id=run_id, deadline=60, **QUICK).logged
        refused = log_evaluation(in_bits, run_id=run_id, deadline=60, **QUICK)
        assert "one split must have one unit: run" in refused.error
        assert "in nats, the evaluation is in bits" in refused.error
        assert refused.spooled.exists()
        assert store.get_run(run_id).data.tags["xent/test/unit"] == "nats"
        again = log_evaluation(in_bits, run_id=run_id, split="bits", deadline=60)
        assert again.logged


@pytest.mark.parametrize(
    "step", [np.int8(3), np.uint64(3), np.array(3), np.int64(3), 3]
)
def test_whole_numbers_of_numpy_are_steps(tracking, evaluation, step):
    run_id = new_run(tracking)
    assert log_evaluation(evaluation, run_id=run_id, step=step, **QUICK).logged
    key = "xent/test/cross_entropy"
    [found] = tracking.MlflowClient().get_metric_history(run_id, key)
    assert found.step == 3


class TestRequests:
    """Uploads are one each: there are four, of which one is the page."""

    @pytest.mark.parametrize("deadline", [60, 0])
    def test_of_a_run_that_is_known(self, remote, evaluation, asked, deadline):
        with remote.start_run():
            log_evaluation(evaluation, step=0, deadline=60)
            asked.clear()
            log_evaluation(evaluation, step=1, deadline=deadline)
            threads._drain_all()
            methods = sorted(each.partition(" ")[0] for each in asked)
        assert methods == ["POST", "PUT", "PUT", "PUT", "PUT"]

    def test_of_a_new_run(self, remote, evaluation, asked):
        with remote.start_run():
            asked.clear()
            log_evaluation(evaluation, deadline=60, **QUICK)
            assert len(asked) == 5
            assert [each for each in asked if "runs/get" in each] == [asked[0]]

    def test_of_a_run_that_the_call_starts(self, remote, evaluation, asked):
        log_evaluation(evaluation, deadline=60, **QUICK)
        own = [each for each in asked if "runs/get" in each or "runs/log" in each]
        remote.end_run()
        assert own == ["POST /api/2.0/mlflow/runs/log-batch"]

    def test_the_run_is_read_again_after_an_error(self, remote, evaluation, asked):
        run_id, client = new_run(remote), remote.MlflowClient()
        options = {"run_id": run_id, "deadline": 60} | QUICK
        log_evaluation(evaluation, **options)
        client.delete_run(run_id)
        assert not log_evaluation(evaluation, **options).logged
        client.restore_run(run_id)
        asked.clear()
        assert log_evaluation(evaluation, **options).logged
        assert "runs/get" in asked[0]


class TestModels:
    def test_the_model_of_the_run(self, store, evaluation):
        model = store.create_external_model(name="a_model")
        with store.start_run() as run:
            store.log_outputs([LoggedModelOutput(model.model_id, step=0)])
        with store.start_run(run_id=run.info.run_id):
            result = log_evaluation(evaluation, deadline=60, **QUICK)
        found = store.get_logged_model(model.model_id).metrics
        assert {one.key: one.value for one in found} == result.metrics

    def test_a_model_that_the_active_run_has_just_logged(self, remote, evaluation):
        with remote.start_run():
            info = remote.sklearn.log_model(
                DummyClassifier(), name="model", pip_requirements=["scikit-learn"]
            )
            result = log_evaluation(evaluation, deadline=60, **QUICK)
        found = remote.get_logged_model(info.model_id).metrics
        assert {one.key: one.value for one in found} == result.metrics

    def test_that_of_another_step(self, store, evaluation):
        model = store.create_external_model(name="a_model")
        with store.start_run():
            store.log_outputs([LoggedModelOutput(model.model_id, step=1)])
            log_evaluation(evaluation, deadline=60, **QUICK)
        assert not store.get_logged_model(model.model_id).metrics

    def test_replayed_it_has_each_metric_once(self, tracking, evaluation, monkeypatch):
        model = tracking.create_external_model(name="a_model")
        run_id = new_run(tracking)
        options = {"run_id": run_id, "model_id": model.model_id} | QUICK
        with monkeypatch.context() as patch:
            patch.setattr(spool, "remove", lambda _: None)
            result = log_evaluation(evaluation, **options)
        assert main(["replay"]) == 0
        found = tracking.get_logged_model(model.model_id).metrics
        assert len(found) == len(result.metrics)

    def test_one_that_does_not_exist_is_refused(self, store, evaluation):
        run_id = new_run(store)
        with pytest.raises(ValueError, match="the store has none with 'm-none'; pass "):
            log_evaluation(evaluation, run_id=run_id, model_id="m-none", **QUICK)
        assert entries() == []
        run = store.get_run(run_id)
        assert (run.data.metrics, run.inputs.model_inputs) == ({}, [])

    def test_one_that_a_replay_does_not_find_waits(
        self, tracking, evaluation, silent, capsys
    ):
        uri, run_id = tracking.get_tracking_uri(), new_run(tracking)
        tracking.set_tracking_uri(silent)
        options = {"run_id": run_id, "model_id": "m-none", "deadline": 0.2}
        log_evaluation(evaluation, **options, **QUICK)
        assert main(["replay", "--tracking-uri", uri]) == 1
        told = "'m-none' not found; the server has no such model: log it again"
        assert told in capsys.readouterr().out


class TestBackground:
    @pytest.mark.slow
    def test_it_is_sent_and_taken_away(self, tracking, evaluation):
        run_id = new_run(tracking)
        result = log_evaluation(evaluation, run_id=run_id, deadline=0)
        assert result.error is None
        assert result.spooled.parent == spool.root()
        until = time.monotonic() + 60
        while result.spooled.exists() and time.monotonic() < until:
            time.sleep(0.02)
        assert_logged(tracking, run_id, result)
        files = tracking.MlflowClient().list_artifacts(run_id, "xent/test")
        assert "xent/test/report.html" in {file.path for file in files}

    @pytest.mark.slow
    def test_the_end_of_the_process_waits(self, tracking):
        run_id = new_run(tracking)
        environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking.get_tracking_uri()}
        subprocess.run(
            [sys.executable, "-c", SCRIPT, run_id], env=environment, check=True
        )
        assert spool.entries(spool.root()) == []
        assert "xent/test/n" in tracking.get_run(run_id).data.metrics

    def test_it_does_not_wait_for_silence(self, silent):
        sender = threads.Sender()
        sender.stalled = True
        job = threads.Job(uri=silent, tracker=_client, entry=entry(), folder=None)
        sender._unsent.add(job)
        began = time.monotonic()
        sender.drain(began + 60)
        assert time.monotonic() - began < 30


SCRIPT = """
import sys, numpy as np
from xent_metrics import Evaluation
from xent_metrics_mlflow import log_evaluation
rng = np.random.default_rng(0)
evaluation = Evaluation.from_predictions(
    rng.integers(3, size=300), rng.dirichlet(np.ones(3), 300),
    recalibration="temperature",
)
log_evaluation(evaluation, run_id=sys.argv[1], deadline=0, page=False)
"""


class TestSettings:
    def test_those_of_the_process_stay(self, tracking, evaluation):
        before = dict(os.environ)
        log_evaluation(evaluation, run_id=new_run(tracking), **QUICK)
        assert dict(os.environ) == before

    def test_asynchronous_logging_changes_nothing(
        self, tracking, evaluation, monkeypatch
    ):
        monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_LOGGING", "true")
        run_id = new_run(tracking)
        result = log_evaluation(evaluation, run_id=run_id, **QUICK)
        assert_logged(tracking, run_id, result)

    def test_what_is_no_evaluation(self, tracking, evaluation):
        with pytest.raises(TypeError, match="must be an Evaluation: found Decomp"):
            log_evaluation(evaluation.decomposition)

    @pytest.mark.parametrize(
        ("options", "error", "told"),
        [
            ({"on_error": "ignore"}, ValueError, "on_error must be one of 'spool'"),
            ({"deadline": -1}, ValueError, "deadline must be seconds, 0 or more"),
            ({"deadline": math.inf}, ValueError, "deadline must be seconds, 0 or more"),
            ({"deadline": "1"}, ValueError, "deadline must be seconds, 0 or more"),
            ({"step": 1.5}, ValueError, "step must be a whole number: found 1.5"),
            ({"step": np.float64(1)}, ValueError, "step must be a whole number"),
            ({"step": np.bool_(1)}, ValueError, "step must be a whole number"),
            ({"step": 2**63}, ValueError, "step must be a whole number"),
            ({"step": True}, ValueError, "step must be a whole number: found True"),
            (
                {"dataset": 3},
                TypeError,
                "dataset must be a name or a dataset of MLflow",
            ),
            (
                {"dataset": Dataset},
                TypeError,
                "dataset must be a name or a dataset of MLflow: found type; pass",
            ),
            (
                {"dataset": SimpleNamespace(to_dict=dict, digest="")},
                TypeError,
                "dataset must be a name or a dataset of MLflow: found SimpleNamespace",
            ),
            ({"split": 3}, ValueError, "split must be letters, digits"),
            ({"run_id": ""}, ValueError, "found an empty text; pass run.info.run_id"),
            ({"run_id": 3}, TypeError, "run_id must be an id as text: found int; pass"),
            ({"model_id": 3}, TypeError, "found int; pass model.model_id."),
        ],
    )
    def test_arguments(self, tracking, evaluation, options, error, told):
        with pytest.raises(error, match=told):
            log_evaluation(evaluation, **options)
        assert len(tracking.MlflowClient().search_runs(["0"])) == 0

    @pytest.mark.parametrize("run_id", ["nope", "no-pe", "../x", "a b", "a" * 32])
    def test_a_run_that_the_store_does_not_have(self, store, evaluation, run_id):
        told = f"a run must be given by its id: the store has none with {run_id!r}; "
        with pytest.raises(ValueError, match=re.escape(told)):
            log_evaluation(evaluation, run_id=run_id, deadline=60, **QUICK)
        assert spool.entries(spool.root()) == []

    def test_a_call_that_does_not_wait_keeps_it(self, tracking, evaluation, said):
        found = log_evaluation(evaluation, run_id="nope", deadline=0, **QUICK)
        threads._drain_all()
        assert found.spooled.exists()
        assert "the server has no such run" in said[0].getMessage()

    def test_a_run_of_the_environment(self, store, evaluation, monkeypatch):
        monkeypatch.setenv("MLFLOW_RUN_ID", "nope")
        told = "by its id in MLFLOW_RUN_ID: the store has none with 'nope'; pass run"
        with pytest.raises(ValueError, match=told):
            log_evaluation(evaluation, deadline=60, **QUICK)
        assert spool.entries(spool.root()) == []
