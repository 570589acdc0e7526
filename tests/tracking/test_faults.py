"""Nothing is lost: what goes wrong, and what is read back afterwards."""

import errno
import os
import shutil
import time
from pathlib import Path

import pytest

from xent_metrics_mlflow import LogError, NotLoggedWarning, log_evaluation
from xent_metrics_mlflow.__main__ import main
from xent_metrics_mlflow._delivery import spool, threads

from .conftest import assert_logged, entries, free_port, new_run

QUICK = {"page": False}


class TestNoAnswer:
    def test_refused(self, remote, server, evaluation, said):
        run_id = new_run(remote)
        remote.set_tracking_uri(f"http://127.0.0.1:{free_port()}")
        began = time.monotonic()
        result = log_evaluation(evaluation, run_id=run_id, deadline=0.5, **QUICK)
        assert time.monotonic() - began < 30
        assert not result.logged
        assert "the server did not answer within 0.5 seconds" in result.error
        assert "replay sends it" in "\n".join(each.getMessage() for each in said)
        assert [result.spooled] == entries()
        assert main(["replay", "--tracking-uri", server.uri]) == 0
        remote.set_tracking_uri(server.uri)
        assert_logged(remote, run_id, result)
        assert entries() == []

    def test_silent_and_no_call_waits_twice(self, tracking, silent, evaluation):
        tracking.set_tracking_uri(silent)
        options = {"run_id": "a" * 32, "on_error": "warn"} | QUICK
        with pytest.warns(NotLoggedWarning, match="run a+ does not have all of the"):
            first = log_evaluation(evaluation, deadline=0.5, **options)
        began = time.monotonic()
        with pytest.warns(NotLoggedWarning, match="does not answer an earlier call"):
            second = log_evaluation(evaluation, deadline=300, **options)
        assert time.monotonic() - began < 60
        assert entries() == [first.spooled, second.spooled]

    def test_silent_without_a_run(self, remote, silent, server, evaluation):
        remote.set_tracking_uri(silent)
        result = log_evaluation(evaluation, deadline=0.5, **QUICK)
        assert result.run_id is None
        assert "the server did not answer within 0.5 seconds" in result.error
        kept = shutil.copytree(result.spooled, "kept")
        assert main(["replay", "--tracking-uri", server.uri]) == 0
        remote.set_tracking_uri(server.uri)
        client = remote.MlflowClient()
        query = {"filter_string": f"tags.`xent/entry` = '{result.spooled.name}'"}
        (run,) = client.search_runs(["0"], **query)
        assert run.info.status == "FINISHED"
        assert_logged(remote, run.info.run_id, result)
        shutil.copytree(kept, result.spooled)
        assert main(["replay", "--tracking-uri", server.uri]) == 0
        assert len(client.search_runs(["0"], **query)) == 1

    def test_a_run_that_starts_later_is_as_one_of_mlflow(
        self, remote, silent, server, evaluation, monkeypatch
    ):
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "of the environment")
        monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")  # set_experiment sets it
        monkeypatch.setattr(remote.tracking.fluent, "_active_experiment_id", None)
        chosen = remote.set_experiment("the chosen one").experiment_id
        with remote.start_run() as usual:
            pass
        remote.set_tracking_uri(silent)
        result = log_evaluation(evaluation, deadline=0.5, **QUICK)
        assert result.run_id is None
        entry = spool.read(result.spooled)
        assert main(["replay", "--tracking-uri", server.uri]) == 0
        remote.set_tracking_uri(server.uri)
        client = remote.MlflowClient()
        query = {"filter_string": f"tags.`xent/entry` = '{result.spooled.name}'"}
        [run] = client.search_runs([chosen], **query)
        for name in ("mlflow.user", "mlflow.source.name", "mlflow.source.type"):
            assert run.data.tags[name] == usual.data.tags[name]
        assert run.info.run_name == entry.run_tags["mlflow.runName"]

    def test_without_set_experiment_the_environment_counts(
        self, tracking, silent, evaluation, monkeypatch
    ):
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "of the environment")
        monkeypatch.setattr(tracking.tracking.fluent, "_active_experiment_id", None)
        tracking.set_tracking_uri(silent)
        result = log_evaluation(evaluation, deadline=0.3, **QUICK)
        entry = spool.read(result.spooled)
        assert entry.experiment == {"name": "of the environment"}

    def test_a_store_that_cannot_be_opened(self, tracking, evaluation, tmp_path):
        (tmp_path / "file").write_text("")
        tracking.set_tracking_uri(f"sqlite:///{tmp_path}/file/mlflow.db")
        result = log_evaluation(evaluation, **QUICK)
        assert result.run_id is None
        assert result.error
        assert [result.spooled] == entries()

    def test_an_error_on_request(self, tracking, silent, evaluation):
        tracking.set_tracking_uri(silent)
        options = {"run_id": "a" * 32, "deadline": 0.3, "on_error": "raise"} | QUICK
        with pytest.raises(LogError, match="the server did not answer") as caught:
            log_evaluation(evaluation, **options)
        assert caught.value.result.spooled == entries()[0]


def test_double_replay(remote, server, evaluation, silent):
    run_id = new_run(remote)
    remote.set_tracking_uri(silent)
    result = log_evaluation(evaluation, run_id=run_id, deadline=0.2, **QUICK)
    kept = shutil.copytree(result.spooled, "kept")
    remote.set_tracking_uri(server.uri)
    found = []
    for _ in range(2):
        assert main(["replay", "--tracking-uri", server.uri]) == 0
        assert_logged(remote, run_id, result)
        found.append(remote.get_run(run_id).to_dictionary())
        shutil.copytree(kept, result.spooled)
    assert found[0] == found[1]


def test_deleted_run(remote, evaluation):
    run_id = new_run(remote)
    remote.MlflowClient().delete_run(run_id)
    result = log_evaluation(evaluation, run_id=run_id, **QUICK)
    assert "active" in result.error
    assert "restore it with MlflowClient().restore_run, or name another" in result.error
    assert main(["replay"]) == 1
    assert [result.spooled] == entries()
    assert spool.state(result.spooled).attempts == 2
    remote.MlflowClient().restore_run(run_id)
    assert main(["replay"]) == 0
    assert_logged(remote, run_id, result)


def test_a_run_that_the_server_does_not_have(remote, evaluation):
    told = f"the store has none with '{'a' * 32}'; pass run.info.run_id, and set"
    with pytest.raises(ValueError, match=told):
        log_evaluation(evaluation, run_id="a" * 32, deadline=60, **QUICK)
    assert entries() == []


def test_a_run_that_the_server_of_a_replay_does_not_have(
    remote, server, silent, evaluation, capsys
):
    remote.set_tracking_uri(silent)
    result = log_evaluation(evaluation, run_id="a" * 32, deadline=0.3, **QUICK)
    assert main(["replay", "--tracking-uri", server.uri]) == 1
    told = "the server has no such run: name another with replay NAME"
    assert told in capsys.readouterr().out
    assert told in spool.state(result.spooled).error


def test_deleted_run_and_another_in_its_place(remote, evaluation, capsys):
    gone, other = new_run(remote), new_run(remote)
    remote.MlflowClient().delete_run(gone)
    result = log_evaluation(evaluation, run_id=gone, **QUICK)
    assert main(["replay", "--run-id", other]) == 2
    assert "must come with the name of one entry: found 0" in capsys.readouterr().err
    assert main(["replay", result.spooled.name, "--run-id", other]) == 0
    assert_logged(remote, other, result)
    assert entries() == []


def test_finished_run(remote, evaluation):
    with remote.start_run() as run:
        pass
    result = log_evaluation(evaluation, run_id=run.info.run_id, **QUICK)
    assert result.logged
    assert_logged(remote, run.info.run_id, result)
    assert remote.get_run(run.info.run_id).info.status == "FINISHED"


@pytest.mark.parametrize("status", [401, 403])
def test_refusals_are_not_retried(tracking, refusing, evaluation, status):
    found = refusing(status)
    tracking.set_tracking_uri(found.uri)
    result = log_evaluation(evaluation, run_id="a" * 32, deadline=60, **QUICK)
    assert str(status) in result.error
    helps = {
        401: "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_",
        403: "ask for the right to edit the experiment",
    }
    assert helps[status] in result.error
    assert len(found.asked) == 1
    assert [result.spooled] == entries()


@pytest.fixture
def broken_root(server):
    """The server has a file where its folder of artifacts should be, until mended."""
    aside = server.folder / "aside"
    if server.artifacts.exists():
        server.artifacts.rename(aside)
    server.artifacts.write_text("a file where a folder should be")

    def mend():
        server.artifacts.unlink()
        if aside.exists():
            aside.rename(server.artifacts)

    yield mend
    if server.artifacts.is_file():
        mend()
    threads._forget()  # its threads ask for minutes


FILES = "evaluation.json, per_sample.json, per_sample.parquet"


class TestBrokenArtifactRoot:
    def test_of_an_experiment(self, tracking, evaluation, tmp_path):
        client = tracking.MlflowClient()
        root = tmp_path / "artifacts"
        root.write_text("a file where a folder should be")
        experiment = client.create_experiment("broken", artifact_location=root.as_uri())
        run_id = client.create_run(experiment).info.run_id
        result = log_evaluation(evaluation, run_id=run_id, **QUICK)
        assert not result.logged
        assert f"could not upload {FILES}: " in result.error
        assert client.get_run(run_id).data.metrics == result.metrics
        root.unlink()
        assert main(["replay"]) == 0
        assert_logged(tracking, run_id, result)

    def test_of_the_server(self, remote, evaluation, broken_root, monkeypatch, capsys):
        run_id = new_run(remote)
        with monkeypatch.context() as patch:
            patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
            result = log_evaluation(evaluation, run_id=run_id, **QUICK)
        assert (result.logged, result.artifacts) == (False, ())
        assert f"could not upload {FILES}: " in result.error
        assert "500 error" in result.error
        assert remote.get_run(run_id).data.metrics == result.metrics
        kept = {path.name for path in spool.files(result.spooled)}
        assert kept == set(FILES.split(", "))
        assert main(["status"]) == 1
        assert f"could not upload {FILES}: " in capsys.readouterr().out
        broken_root()
        assert main(["replay"]) == 0
        assert_logged(remote, run_id, result)
        assert entries() == []

    def test_of_the_server_while_it_is_tried_again(
        self, remote, evaluation, broken_root
    ):
        found = {}
        for told, deadline in (
            ("did not take evaluation.json within 2 seconds", 2),
            ("does not take the files of an earlier call", 300),
        ):
            run_id = new_run(remote)
            result = log_evaluation(
                evaluation, run_id=run_id, deadline=deadline, **QUICK
            )
            assert result.error == f"the server {told}"
            assert remote.get_run(run_id).data.metrics == result.metrics
            found[run_id] = result
        broken_root()
        assert main(["replay"]) == 0
        for run_id, result in found.items():
            assert_logged(remote, run_id, result)

    def test_one_file_of_several(self, remote, server, evaluation, monkeypatch):
        run_id = new_run(remote)
        place = server.artifacts / "0" / run_id / "artifacts" / "xent" / "test"
        # A server of MLflow 3.1 moves files into a folder of their name.
        (place / "per_sample.json" / "per_sample.json").mkdir(parents=True)
        with monkeypatch.context() as patch:
            patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
            result = log_evaluation(evaluation, run_id=run_id, **QUICK)
        assert "could not upload per_sample.json: " in result.error
        assert result.artifacts == (
            "xent/test/evaluation.json",
            "xent/test/per_sample.parquet",
        )
        shutil.rmtree(place / "per_sample.json")
        assert main(["replay"]) == 0
        assert_logged(remote, run_id, result)


def test_files_go_through_the_server(remote, server, evaluation, tmp_path):
    with remote.start_run() as run:
        result = log_evaluation(evaluation, deadline=60, on_error="raise", **QUICK)
    assert run.info.artifact_uri.startswith("mlflow-artifacts:")
    assert_logged(remote, result.run_id, result)
    place = server.artifacts / "0" / result.run_id / "artifacts"
    client = remote.MlflowClient()
    for name in result.artifacts:
        again = client.download_artifacts(result.run_id, name, str(tmp_path))
        assert Path(again).read_bytes() == (place / name).read_bytes()


class TestSpoolThatCannotBeWritten:
    def test_full_disk(self, tracking, evaluation, monkeypatch, said):
        def full(_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(spool.os, "fsync", full)
        run_id = new_run(tracking)
        result = log_evaluation(evaluation, run_id=run_id, on_error="raise", **QUICK)
        assert "the spool must be writable: No space left on device at" in result.error
        text = "\n".join(each.getMessage() for each in said)
        assert "free space, or name another folder in XENT_METRICS_SPOOL" in text
        assert result.logged
        assert result.artifacts == ()
        assert tracking.get_run(run_id).data.metrics == result.metrics
        assert entries() == []
        assert list(spool.root().iterdir()) == []

    def test_another_disk_serves_until_it_is_sent(
        self, tracking, evaluation, monkeypatch, tmp_path
    ):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XENT_METRICS_SPOOL", str(tmp_path / "file" / "spool"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        run_id = new_run(tracking)
        result = log_evaluation(evaluation, run_id=run_id, **QUICK)
        assert "the spool must be writable: Not a directory" in result.error
        assert "make it writable" in result.error
        assert_logged(tracking, run_id, result)
        assert list(tmp_path.glob("xent-metrics-*")) == []

    def test_another_disk_and_no_server(
        self, remote, server, silent, evaluation, monkeypatch, tmp_path, said
    ):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XENT_METRICS_SPOOL", str(tmp_path / "file" / "spool"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        run_id = new_run(remote)
        remote.set_tracking_uri(silent)
        result = log_evaluation(evaluation, run_id=run_id, deadline=0.3, **QUICK)
        [copy] = tmp_path.glob("xent-metrics-*/*")
        assert result.spooled == copy
        text = "\n".join(each.getMessage() for each in said)
        assert f"python -m xent_metrics_mlflow replay {copy} sends it." in text
        assert main(["replay", str(copy), "--tracking-uri", server.uri]) == 0
        remote.set_tracking_uri(server.uri)
        assert_logged(remote, run_id, result)
        assert list(tmp_path.glob("xent-metrics-*")) == []

    def test_full_disk_and_no_server(self, tracking, silent, evaluation, monkeypatch):
        def full(_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(spool.os, "fsync", full)
        tracking.set_tracking_uri(silent)
        options = {"run_id": "a" * 32, "on_error": "raise", "deadline": 0.3} | QUICK
        with pytest.raises(LogError, match="log it again") as caught:
            log_evaluation(evaluation, **options)
        assert caught.value.result.spooled is None
        assert "No space left on device" in caught.value.result.error
        assert "metrics for run aaa" in repr(caught.value.result)
        assert "are not logged" in repr(caught.value.result)
