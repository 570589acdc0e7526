"""Each thing once: entries that are sent again, and by two senders at a time."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import mlflow as mlflow_itself
import numpy as np
import pytest

from xent_metrics import Evaluation
from xent_metrics_mlflow import log_cv_results, log_evaluation
from xent_metrics_mlflow.__main__ import main
from xent_metrics_mlflow._delivery import lock, send, spool

from .conftest import assert_logged, entries, new_run
from .conftest import entry as entry_of

QUICK = {"page": False}
FOLDS = 6


@pytest.fixture(scope="module")
def of_ten_classes():
    rng = np.random.default_rng(1)
    return Evaluation.from_predictions(
        rng.integers(10, size=1000),
        rng.dirichlet(np.ones(10), 1000),
        recalibration="temperature",
    )


@pytest.fixture(scope="module")
def with_folds():
    rng = np.random.default_rng(2)
    return Evaluation.from_predictions(
        rng.integers(2, size=1500),
        rng.dirichlet(np.ones(2), 1500),
        folds=np.arange(1500) % FOLDS,
        recalibration="temperature",
    )


@pytest.fixture(params=["files", pytest.param("server", marks=pytest.mark.slow)])
def store(request, tracking, tmp_path, monkeypatch):
    """A store of files, which keeps what it gets twice, and a server."""
    if request.param == "server":
        tracking.set_tracking_uri(request.getfixturevalue("server").uri)
    else:
        monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        tracking.set_tracking_uri((tmp_path / "store").as_uri())
    return tracking


def _kept(monkeypatch, call):
    """Log something and keep its entry, as a process does that dies before the end."""
    with monkeypatch.context() as patch:
        patch.setattr(spool, "remove", lambda _: None)
        result = call()
    assert result.logged
    return result


def _each_once(mlflow, run_id, result):
    client = mlflow.MlflowClient()
    for key in result.metrics:
        assert len(client.get_metric_history(run_id, key)) == 1


def _children(mlflow, run_id):
    """How many runs are below a run, and how many values their metrics have."""
    client = mlflow.MlflowClient()
    own = client.search_runs(
        [client.get_run(run_id).info.experiment_id],
        filter_string=f"tags.`mlflow.parentRunId` = '{run_id}'",
    )
    values = {
        len(client.get_metric_history(run.info.run_id, "xent/cv/cross_entropy"))
        for run in own
    }
    return len(own), values


class TestSentAgain:
    @pytest.mark.slow
    def test_more_than_a_hundred_metrics(self, store, of_ten_classes, monkeypatch):
        run_id = new_run(store)
        result = _kept(
            monkeypatch,
            lambda: log_evaluation(of_ten_classes, run_id=run_id, deadline=60, **QUICK),
        )
        assert len(result.metrics) > 100
        [folder] = entries()
        assert spool.state(folder).metrics == len(result.metrics)
        kept = shutil.copytree(folder, "kept", ignore=shutil.ignore_patterns("state*"))
        assert main(["replay"]) == 0
        _each_once(store, run_id, result)
        shutil.copytree(kept, folder)  # killed before it could note what was sent
        assert main(["replay"]) == 0
        _each_once(store, run_id, result)
        assert_logged(store, run_id, result)

    def test_what_is_noted_is_not_sent_again(
        self, remote, evaluation, monkeypatch, asked
    ):
        run_id = new_run(remote)
        _kept(
            monkeypatch,
            lambda: log_evaluation(evaluation, run_id=run_id, deadline=60, **QUICK),
        )
        asked.clear()
        assert main(["replay"]) == 0
        assert not [each for each in asked if "log-batch" in each]

    def test_of_another_run_it_is_sent(self, remote, evaluation, monkeypatch):
        run_id, other = new_run(remote), new_run(remote)
        result = _kept(
            monkeypatch,
            lambda: log_evaluation(evaluation, run_id=run_id, deadline=60, **QUICK),
        )
        [folder] = entries()
        assert main(["replay", folder.name, "--run-id", other]) == 0
        assert_logged(remote, other, result)

    def test_child_runs(self, store, with_folds, monkeypatch):
        run_id = new_run(store)
        _kept(
            monkeypatch,
            lambda: log_cv_results(
                with_folds, run_id=run_id, child_runs=True, deadline=120, **QUICK
            ),
        )
        [folder] = entries()
        assert spool.state(folder).children == FOLDS
        shutil.copytree(folder, "kept", ignore=shutil.ignore_patterns("state*"))
        assert main(["replay"]) == 0
        shutil.copytree("kept", folder)
        assert main(["replay"]) == 0
        assert _children(store, run_id) == (FOLDS, {1})

    @pytest.mark.slow
    @pytest.mark.skipif(
        not mlflow_itself.__version__.startswith("3.1."),
        reason="the server of MLflow 3.1 has this fault: tox run -e mlflow31",
    )
    def test_a_server_refuses_larger_batches_for_ever(self, remote, monkeypatch):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        client, run_id = remote.MlflowClient(), new_run(remote)
        metrics = [mlflow_itself.entities.Metric(f"m{k}", k, 1, 0) for k in range(150)]
        client.log_batch(run_id, metrics=metrics)
        with pytest.raises(mlflow_itself.MlflowException, match="UNIQUE constraint"):
            client.log_batch(run_id, metrics=metrics)
        client.log_batch(run_id, metrics=metrics[:100])


class TestAServerThatDiesBeforeItAnswers:
    """MLflow then asks once more for what the server has created."""

    @pytest.fixture
    def twice(self, remote, monkeypatch):
        create = remote.MlflowClient.create_run

        def told(*arguments, **options):
            create(*arguments, **options)
            return create(*arguments, **options)

        monkeypatch.setattr(remote.MlflowClient, "create_run", told)

    def test_child_runs(self, remote, with_folds, twice):
        with remote.start_run() as run:
            log_cv_results(with_folds, child_runs=True, deadline=120, **QUICK)
        assert _children(remote, run.info.run_id) == (FOLDS, {1})

    def test_a_run_that_is_started_later(
        self, remote, server, silent, evaluation, twice
    ):
        remote.set_tracking_uri(silent)
        result = log_evaluation(evaluation, deadline=0.3, **QUICK)
        assert main(["replay", "--tracking-uri", server.uri]) == 0
        remote.set_tracking_uri(server.uri)
        query = f"tags.`xent/entry` = '{result.spooled.name}'"
        [run] = remote.search_runs(["0"], query, output_format="list")
        assert_logged(remote, run.info.run_id, result)


class TestTwoSenders:
    def test_two_replays_make_child_runs_once(self, remote, server, silent, with_folds):
        run_id = new_run(remote)
        remote.set_tracking_uri(silent)
        options = {"run_id": run_id, "child_runs": True, "deadline": 0.2}
        log_cv_results(with_folds, **options, **QUICK)
        remote.set_tracking_uri(server.uri)
        command = [*(sys.executable, "-m", "xent_metrics_mlflow", "replay")]
        command += ["--tracking-uri", server.uri]
        both = [subprocess.Popen(command) for _ in range(2)]
        assert [each.wait() for each in both] == [0, 0]
        assert _children(remote, run_id) == (FOLDS, {1})
        assert entries() == []

    def test_the_waiting_thread_and_a_replay(self, remote, with_folds, monkeypatch):
        run_id = new_run(remote)
        create = remote.MlflowClient.create_run

        def slowly(*arguments, **options):
            time.sleep(0.3)
            return create(*arguments, **options)

        monkeypatch.setattr(remote.MlflowClient, "create_run", slowly)
        options = {"run_id": run_id, "child_runs": True, "deadline": 0.5}
        late = log_cv_results(with_folds, **options, **QUICK)
        assert "the server did not answer within 0.5 seconds" in late.error
        assert main(["replay"]) == 0
        assert _children(remote, run_id) == (FOLDS, {1})
        assert entries() == []


class TestLock:
    @pytest.fixture(autouse=True)
    def _isolated(self, tracking):
        pass

    def test_one_at_a_time(self):
        folder = spool.write(entry_of(), {}, spool.root())
        held = lock.take(folder, 0)
        with pytest.raises(lock.LockedError, match="another is sending"):
            lock.take(folder, 0.05)
        lock.release(held)
        lock.release(lock.take(folder, 0))

    def test_of_an_entry_that_is_sent_meanwhile(self):
        folder = spool.write(entry_of(), {}, spool.root())
        held = lock.take(folder, 0)
        found = []

        def wait():
            with contextlib.suppress(FileNotFoundError):
                found.append(lock.take(folder, 60))

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.1)
        spool.remove(folder)
        lock.release(held)
        thread.join(30)
        assert (thread.is_alive(), found) == (False, [])

    def test_a_replay_says_that_another_sends(self, capsys, monkeypatch):
        folder = spool.write(entry_of(run_id=None), {}, spool.root())
        monkeypatch.setattr(send, "_LONGEST", 0.05)
        held = lock.take(folder, 0)
        command = ["replay", "--tracking-uri", mlflow_itself.get_tracking_uri()]
        assert main(command) == 1
        assert "another is sending" in capsys.readouterr().out
        assert spool.state(folder).attempts == 0
        lock.release(held)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no signals")
    def test_death_releases_it(self):
        folder = spool.write(entry_of(), {}, spool.root())
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE
        )
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(lock.LockedError, match="another is sending"):
            lock.take(folder, 0)
        holder.send_signal(signal.SIGKILL)  # its fork lives on
        holder.wait()
        lock.release(lock.take(folder, 5))
        os.kill(int(holder.stdout.readline()), signal.SIGKILL)
        holder.stdout.close()


HOLDER = """
import os, sys, time
from pathlib import Path
from xent_metrics_mlflow._delivery import lock
lock.take(Path(sys.argv[1]), 0)
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
time.sleep(0.2)
sys.stdout.write(f"locked\\n{child}\\n")
sys.stdout.flush()
time.sleep(60)
"""
