"""Servers and clients that are killed: what is on disk is sent afterwards, once."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

from xent_metrics_mlflow import log_evaluation
from xent_metrics_mlflow.__main__ import main
from xent_metrics_mlflow._delivery import spool

from .conftest import assert_logged, entries, kill, new_run

QUICK = {"page": False}


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


def test_killed_at_random_moments(tracking, server):
    kill(server.uri)


CLIENT = """
import os, signal, sys, numpy as np, mlflow
from xent_metrics import Evaluation
from xent_metrics_mlflow import log_evaluation
from xent_metrics_mlflow._delivery import threads
threads.Sender._numbers = lambda self: None  # the process dies before anything is sent
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
    entry = spool.read(folder)
    assert entry.later == ("per_sample.json",)
    assert run("-m", "xent_metrics_mlflow", "status") == 1
    assert run("-m", "xent_metrics_mlflow", "replay") == 0
    assert run("-m", "xent_metrics_mlflow", "status") == 0
    told = capfd.readouterr().out.splitlines()
    assert f"{folder.name}: xent/test of {run_id} at {server.uri}" in told[0]
    assert told[-2:] == [
        f"{folder.name}: sent",
        f"the spool is empty: {spool.root()}",
    ]
    result = type("Result", (), {"metrics": entry.metrics})
    assert_logged(remote, run_id, result)
