"""Workers that leave by os._exit: what they have not sent is sent, or said."""

import multiprocessing
import os
import subprocess
import sys

import pytest

from xent_metrics_mlflow import log_evaluation
from xent_metrics_mlflow._delivery import spool, threads

from .conftest import assert_logged, entries, entry, new_run

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(),
    reason="this system cannot fork",
)
WORKERS = """
import multiprocessing, os, signal, sys, numpy as np
from xent_metrics import Evaluation
from xent_metrics_mlflow import log_evaluation
from xent_metrics_mlflow._delivery import threads
threads._AT_EXIT = float(sys.argv[3])
rng = np.random.default_rng(0)
evaluation = Evaluation.from_predictions(
    rng.integers(3, size=300), rng.dirichlet(np.ones(3), 300),
    recalibration="temperature",
)

def work(k):
    log_evaluation(
        evaluation, split=f"s{k}", run_id=sys.argv[1], deadline=0, page=False
    )

def work_and_die(k):
    threads.Sender._numbers = lambda self: None
    work(k)
    os._exit(0)

context = multiprocessing.get_context("fork")
if sys.argv[2] == "pool":
    pool = context.Pool(2)
    pool.map(work, range(4))
    pool.close()
    pool.join()
else:
    target = {"process": work, "killed": work_and_die}[sys.argv[2]]
    workers = [context.Process(target=target, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
"""


def _run(uri, *arguments):
    command = [sys.executable, "-c", WORKERS, *map(str, arguments)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri}
    found = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    )
    return found.stderr


def _splits(mlflow, run_id):
    client = mlflow.MlflowClient()
    data = client.get_run(run_id).data
    return [
        f"xent/s{k}/cross_entropy" in data.metrics
        and len(client.list_artifacts(run_id, f"xent/s{k}")) == 3
        for k in range(4)
    ]


@pytest.mark.parametrize("kind", ["process", "pool"])
def test_all_of_it_is_sent(remote, server, kind):
    run_id = new_run(remote)
    _run(server.uri, run_id, kind, 60)
    assert _splits(remote, run_id) == [True] * 4
    assert entries() == []


@pytest.mark.slow
def test_what_is_not_sent_is_said(tracking, silent):
    told = _run(silent, "a" * 32, "process", 0.5)
    assert told.count("the process ends before all is logged") == 4
    assert len(entries()) == 4
    for folder in entries():
        assert f"replay {folder} sends what waits" in told


def test_the_next_call_sends_what_waits(remote, server, evaluation):
    run_id, other = new_run(remote), new_run(remote)
    _run(server.uri, run_id, "killed", 60)
    assert len(entries()) == 4
    result = log_evaluation(
        evaluation, run_id=other, deadline=60, on_error="raise", page=False
    )
    threads._drain_all()
    assert entries() == []
    assert _splits(remote, run_id) == [True] * 4
    assert_logged(remote, other, result)


class TestWhatTheNextCallLeaves:
    def _log(self, mlflow, evaluation, waiting):
        folder = spool.write(
            entry(**{"address": mlflow.get_tracking_uri(), **waiting}),
            {},
            spool.root(),
        )
        log_evaluation(evaluation, run_id=new_run(mlflow), page=False)
        threads._drain_all()
        return folder

    @pytest.fixture
    def gone(self):
        """The name of a process that has ended."""
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            pass
        return f"{spool.maker().rpartition(' ')[0]} {ended.pid}"

    def test_it_sends_those_of_ended_processes(self, tracking, evaluation, gone):
        run_id = new_run(tracking)
        folder = self._log(tracking, evaluation, {"maker": gone, "run_id": run_id})
        assert not folder.exists()
        assert tracking.get_run(run_id).data.metrics == {"xent/test/n": 3.0}

    @pytest.mark.parametrize(
        "waiting",
        [
            {"maker": f"{spool.maker().rpartition(' ')[0]} {os.getppid()}"},
            {"maker": "elsewhere 1"},
            {"address": "http://127.0.0.1:1"},
        ],
    )
    def test_others_it_leaves(self, tracking, evaluation, gone, waiting):
        given = {"maker": gone, "run_id": new_run(tracking), **waiting}
        assert self._log(tracking, evaluation, given).exists()

    def test_what_fails_is_tried_three_times(self, tracking, evaluation, gone):
        folder = self._log(tracking, evaluation, {"maker": gone})
        for _ in range(4):
            log_evaluation(evaluation, run_id=new_run(tracking), page=False)
            threads._drain_all()
        assert spool.state(folder).attempts == 3
