"""Nothing is lost: what goes wrong, and what is read back afterwards."""

import contextlib
import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

from xent_metrics_mlflow import LogError, NotLoggedWarning, _spool, log_evaluation
from xent_metrics_mlflow.__main__ import main

from .conftest import assert_logged, free_port, new_run

QUICK = {"page": False}


def entries():
    return _spool.entries(_spool.root())


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
        with pytest.warns(NotLoggedWarning, match="did not answer within 300 seconds"):
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


class Proxy:
    """Hands requests on; kills the server when a batch of metrics is on its way."""

    def __init__(self, server):
        self._server = server
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.uri = f"http://127.0.0.1:{self._sock.getsockname()[1]}"
        self.killed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            client, _ = self._sock.accept()
            try:
                upstream = socket.create_connection(("127.0.0.1", self._server.port))
            except OSError:  # it is killed
                client.close()
                continue
            threading.Thread(target=self._between, args=(client, upstream)).start()

    def _between(self, client, upstream):
        with client, upstream:
            back = threading.Thread(target=self._back, args=(upstream, client))
            back.start()
            with contextlib.suppress(OSError):  # cut
                self._forth(client, upstream)
            for each in (client, upstream):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            back.join()

    def _forth(self, client, upstream):
        seen = b""
        while data := client.recv(65536):
            seen += data
            if b"runs/log-batch" in seen and not self.killed.is_set():
                upstream.sendall(data)
                time.sleep(0.02)
                self._server.kill()
                self.killed.set()
                return
            upstream.sendall(data)

    def _back(self, upstream, client):
        try:
            while data := upstream.recv(65536):
                client.sendall(data)
        except OSError:
            pass


def test_killed_amid_a_batch_and_started_again(remote, server, evaluation, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run_id = new_run(remote)
    proxy = Proxy(server)
    remote.set_tracking_uri(proxy.uri)
    result = log_evaluation(evaluation, run_id=run_id, deadline=30, **QUICK)
    assert proxy.killed.is_set()
    assert not result.logged
    assert [result.spooled] == entries()
    server.start()
    assert main(["replay", "--tracking-uri", server.uri]) == 0
    remote.set_tracking_uri(server.uri)
    assert_logged(remote, run_id, result)


CLIENT = """
import os, signal, sys, numpy as np, mlflow
from xent_metrics import Evaluation
from xent_metrics_mlflow import _sender, log_evaluation
_sender.Sender._run = lambda self: None  # the process dies before anything is sent
rng = np.random.default_rng(0)
evaluation = Evaluation.from_predictions(
    rng.integers(3, size=300), rng.dirichlet(np.ones(3), 300),
    recalibration="temperature",
)
log_evaluation(evaluation, run_id=sys.argv[1], deadline=0, page=False)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_client_killed_after_spooling(remote, server, capfd):
    run_id = new_run(remote)
    environment = {**os.environ, "MLFLOW_TRACKING_URI": server.uri}

    def run(*command):
        command = [sys.executable, *command]
        return subprocess.run(command, env=environment, check=False).returncode

    assert run("-c", CLIENT, run_id) == -9
    (folder,) = entries()
    entry = _spool.read(folder)
    assert entry.later == ("per_sample.json",)
    assert run("-m", "xent_metrics_mlflow", "status") == 1
    assert run("-m", "xent_metrics_mlflow", "replay") == 0
    assert run("-m", "xent_metrics_mlflow", "status") == 0
    told = capfd.readouterr().out.splitlines()
    assert f"{folder.name}: xent/test of {run_id} at {server.uri}" in told[0]
    assert told[1:] == [
        f"{folder.name}: sent",
        f"nothing waits in {_spool.root()}",
    ]
    result = type("Result", (), {"metrics": entry.metrics})
    assert_logged(remote, run_id, result)


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
    assert main(["replay"]) == 1
    assert [result.spooled] == entries()
    assert _spool.state(result.spooled).attempts == 2
    remote.MlflowClient().restore_run(run_id)
    assert main(["replay"]) == 0
    assert_logged(remote, run_id, result)


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
    assert len(found.asked) == 1
    assert [result.spooled] == entries()


def test_broken_artifact_root(tracking, evaluation, tmp_path):
    client = tracking.MlflowClient()
    root = tmp_path / "artifacts"
    root.write_text("a file where a folder should be")
    experiment = client.create_experiment("broken", artifact_location=root.as_uri())
    run_id = client.create_run(experiment).info.run_id
    result = log_evaluation(evaluation, run_id=run_id, **QUICK)
    assert not result.logged
    assert result.error
    assert client.get_run(run_id).data.metrics == result.metrics
    root.unlink()
    assert main(["replay"]) == 0
    assert_logged(tracking, run_id, result)


class TestSpoolThatCannotBeWritten:
    def test_full_disk(self, tracking, evaluation, monkeypatch, said):
        def full(_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(_spool.os, "fsync", full)
        run_id = new_run(tracking)
        result = log_evaluation(evaluation, run_id=run_id, on_error="raise", **QUICK)
        assert "the spool must be writable: No space left on device at" in result.error
        text = "\n".join(each.getMessage() for each in said)
        assert "free space, or name another folder in XENT_METRICS_SPOOL" in text
        assert result.logged
        assert result.artifacts == ()
        assert tracking.get_run(run_id).data.metrics == result.metrics
        assert entries() == []
        assert list(_spool.root().iterdir()) == []

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

    def test_full_disk_and_no_server(self, tracking, silent, evaluation, monkeypatch):
        def full(_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(_spool.os, "fsync", full)
        tracking.set_tracking_uri(silent)
        options = {"run_id": "a" * 32, "on_error": "raise", "deadline": 0.3} | QUICK
        with pytest.raises(LogError, match="log it again") as caught:
            log_evaluation(evaluation, **options)
        assert caught.value.result.spooled is None
        assert "No space left on device" in caught.value.result.error
