"""What arrives late: never in the place of what is newer."""

import json
from pathlib import Path

import pytest

from xent_metrics import Evaluation
from xent_metrics_mlflow import compare_runs, log_evaluation
from xent_metrics_mlflow.__main__ import main
from xent_metrics_mlflow._delivery import threads

from .conftest import LABELS, PROBA, entries, new_run

QUICK = {"page": False}


@pytest.fixture(scope="module")
def newer():
    sharper = PROBA**1.5
    sharper /= sharper.sum(axis=1, keepdims=True)
    return Evaluation.from_predictions(LABELS, sharper, recalibration="temperature")


def _logged(mlflow, run_id, folder):
    path = f"{folder}/evaluation.json"
    name = mlflow.MlflowClient().download_artifacts(run_id, path, ".")
    return Evaluation.from_json(Path(name).read_bytes())


def _spooled(mlflow, silent, evaluation, run_id, **options):
    """An entry that no server has seen; MLflow keeps its address."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(silent)
    found = log_evaluation(evaluation, run_id=run_id, deadline=0.2, **options, **QUICK)
    mlflow.set_tracking_uri(before)
    assert not found.logged
    return found


class TestALateReplay:
    @pytest.mark.parametrize(
        ("first", "second"), [({"step": 1}, {"step": 2}), ({}, {}), ({"step": -3}, {})]
    )
    def test_it_leaves_what_is_newer(
        self, remote, server, silent, evaluation, newer, first, second
    ):
        run_id = new_run(remote)
        late = _spooled(remote, silent, evaluation, run_id, **first)
        options = {"run_id": run_id, "deadline": 60} | QUICK
        assert log_evaluation(newer, **second, **options).logged
        before = remote.get_run(run_id)
        assert main(["replay", "--tracking-uri", server.uri]) == 0
        assert entries() == []
        after = remote.get_run(run_id)
        assert after.data.tags == before.data.tags
        assert after.data.metrics == before.data.metrics
        client = remote.MlflowClient()
        history = client.get_metric_history(run_id, "xent/test/cross_entropy")
        assert sorted(one.value for one in history) == sorted(
            each.decomposition.cross_entropy for each in (evaluation, newer)
        )
        assert _logged(remote, run_id, "xent/test") == newer
        aside = f"xent/test/step-{first.get('step', 0)}"
        names = {each.path for each in client.list_artifacts(run_id, aside)}
        assert names == {
            f"{aside}/{name.rpartition('/')[2]}"
            for name in ("evaluation.json", "per_sample.json", "per_sample.parquet")
        }
        assert _logged(remote, run_id, aside) == evaluation
        assert late.run_id == run_id

    def test_runs_are_compared_by_what_is_newer(
        self, remote, server, silent, evaluation, newer
    ):
        runs = [new_run(remote, run_name=name) for name in ("one", "two")]
        _spooled(remote, silent, evaluation, runs[0], step=1)
        log_evaluation(newer, run_id=runs[0], step=2, deadline=60, **QUICK)
        log_evaluation(evaluation, run_id=runs[1], deadline=60, **QUICK)
        assert main(["replay", "--tracking-uri", server.uri]) == 0
        found = compare_runs(*runs)
        for name, wanted in (("one", newer), ("two", evaluation)):
            value = found.decompositions[name].cross_entropy
            assert value == pytest.approx(wanted.decomposition.cross_entropy)


def test_a_lower_step_in_the_same_process(remote, evaluation, newer):
    with remote.start_run() as run:
        log_evaluation(newer, step=5, deadline=60, **QUICK)
        older = log_evaluation(evaluation, step=4, deadline=60, **QUICK)
        newest = log_evaluation(newer, step=6, deadline=60, **QUICK)
    assert older.artifacts[0] == "xent/test/step-4/evaluation.json"
    assert newest.artifacts[0] == "xent/test/evaluation.json"
    tags = remote.get_run(run.info.run_id).data.tags
    assert json.loads(tags["xent/test/info"])["step"] == 6
    assert json.loads(tags["mlflow.loggedArtifacts"]) == [
        {"path": "xent/test/per_sample.json", "type": "table"}
    ]


def test_numbers_that_are_ahead_of_files_move_none_aside(remote, evaluation, newer):
    run_id = new_run(remote)
    for step in range(4):
        each = newer if step == 3 else evaluation
        log_evaluation(each, step=step, run_id=run_id, deadline=0, **QUICK)
    threads._drain_all()
    found = remote.MlflowClient().list_artifacts(run_id, "xent/test")
    assert not [each.path for each in found if each.is_dir]
    assert _logged(remote, run_id, "xent/test") == newer
