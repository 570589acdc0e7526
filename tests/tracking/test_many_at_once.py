"""Eight threads and eight processes on one run, and threads that have none."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from xent_metrics_mlflow import log_evaluation
from xent_metrics_mlflow._delivery import spool

from .conftest import assert_logged

QUICK = {"page": False}


class TestManyAtOnce:
    def test_eight_threads_on_one_run(self, remote, evaluation):
        client = remote.MlflowClient()
        experiment = client.create_experiment("threads")
        run_id = client.create_run(experiment).info.run_id

        def log(k):
            return log_evaluation(
                evaluation, split=f"s{k}", run_id=run_id, deadline=60, **QUICK
            )

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(log, range(8)))
        for k, result in enumerate(results):
            assert result.logged
            assert_logged(remote, run_id, result, f"s{k}")
        assert len(client.search_runs([experiment])) == 1
        assert _tables(client, run_id) == 8

    def test_eight_processes_on_one_run(self, remote, server):
        client = remote.MlflowClient()
        experiment = client.create_experiment("processes")
        run_id = client.create_run(experiment).info.run_id
        environment = {**os.environ, "MLFLOW_TRACKING_URI": server.uri}
        command = [sys.executable, "-c", PROCESSES, run_id]
        subprocess.run(command, env=environment, check=True)
        metrics = client.get_run(run_id).data.metrics
        found = [metrics[f"xent/s{k}/cross_entropy"] for k in range(8)]
        assert len(set(found)) == 1
        for k in range(8):
            files = client.list_artifacts(run_id, f"xent/s{k}")
            assert len(files) == 3
        assert len(client.search_runs([experiment])) == 1
        assert _tables(client, run_id) == 8
        assert spool.entries(spool.root()) == []

    def test_no_thread_opens_a_stray_run(self, tracking, evaluation):
        client = tracking.MlflowClient()
        with tracking.start_run(), ThreadPoolExecutor(1) as pool:
            found = pool.submit(log_evaluation, evaluation, **QUICK)
            with pytest.raises(ValueError, match="run_id must be given off the main"):
                found.result()
            log_evaluation(evaluation, **QUICK)
        assert len(client.search_runs(["0"])) == 1


def _tables(client, run_id):
    return len(json.loads(client.get_run(run_id).data.tags["mlflow.loggedArtifacts"]))


PROCESSES = """
import os, sys, numpy as np, mlflow
from xent_metrics import Evaluation
from xent_metrics_mlflow import _client, log_evaluation
rng = np.random.default_rng(0)
evaluation = Evaluation.from_predictions(
    rng.integers(3, size=300), rng.dirichlet(np.ones(3), 300),
    recalibration="temperature",
)
children = []
for k in range(8):
    child = os.fork()
    if child == 0:
        result = log_evaluation(
            evaluation, split=f"s{k}", run_id=sys.argv[1], deadline=60, page=False
        )
        os._exit(0 if result.logged else 1)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
"""
