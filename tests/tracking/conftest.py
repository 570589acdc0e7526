"""Servers of the tests' own, on loopback: real, silent, refusing, and killed."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import numpy as np
import pytest
import requests

from xent_metrics import Evaluation
from xent_metrics_mlflow._delivery import spool

START = 90  # seconds that a server may take
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tracking.py"
KILLS = os.environ.get("XENT_METRICS_KILLS", "20")


def pytest_collection_modifyitems(items):
    """A test that asks for a server is slow: it takes one many seconds to start."""
    for item in items:
        if "server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _pages_are_quick(without_plots):
    """What is logged is asked here, not how it looks."""


rng = np.random.default_rng(0)
PROBA = rng.dirichlet(np.ones(3), 300)
LABELS = np.array(["ant", "bee", "cat"])[rng.integers(3, size=300)]


@pytest.fixture(scope="session")
def evaluation():
    return Evaluation.from_predictions(LABELS, PROBA, recalibration="temperature")


@pytest.fixture(scope="session")
def evaluation_with_infinities():
    proba = PROBA.copy()
    proba[0] = (LABELS[0] != np.array(["ant", "bee", "cat"])) / 2
    return Evaluation.from_predictions(
        LABELS, proba, recalibration="temperature", clip=0
    )


class _Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def said():
    """What the log of the integration was told; MLflow 3.1 unplugs pytest's own."""
    logger, kept = logging.getLogger("xent_metrics_mlflow"), _Kept()
    level = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    yield kept.records
    logger.setLevel(level)
    logger.removeHandler(kept)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    """A tracking server on a store of its own, that can be killed and started again."""

    def __init__(self, folder, store=None):
        self.folder = folder
        self.store = store or f"sqlite:///{folder}/store.db"
        self.artifacts = folder / "artifacts"
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process = None

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mlflow", "server"),
                    *("--backend-store-uri", self.store),
                    *("--artifacts-destination", str(self.artifacts)),
                    *("--host", "127.0.0.1", "--port", str(self.port)),
                    *("--workers", "1"),
                ],
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + START
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()  # noqa: S310 - of this test
                return self
            if time.monotonic() > until or self._process.poll() is not None:
                pytest.fail((self.folder / "log").read_text()[-2000:])
            time.sleep(0.2)

    def kill(self):
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server that made its store itself: files of runs go through it too."""
    running = Server(tmp_path_factory.mktemp("server")).start()
    experiment = mlflow.MlflowClient(running.uri).get_experiment("0")
    assert experiment.artifact_location.startswith("mlflow-artifacts:")
    yield running
    running.kill()


@pytest.fixture
def remote(tracking, server):
    """MLflow, set to the server."""
    tracking.set_tracking_uri(server.uri)
    return tracking


@pytest.fixture
def silent():
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture
def refusing():
    """Start a server that answers everything with one status; it counts requests."""
    running = []

    def start(status):
        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                self.server.asked.append(self.path)
                self.server.headers.append(dict(self.headers))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - names of the protocol

            def log_message(self, *_):
                pass

        found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        found.asked, found.headers = [], []
        threading.Thread(target=found.serve_forever, daemon=True).start()
        running.append(found)
        found.uri = f"http://127.0.0.1:{found.server_port}"
        return found

    yield start
    for each in running:
        each.shutdown()
        each.server_close()


@pytest.fixture
def asked(monkeypatch):
    """The requests that this process sends over HTTP."""
    found, send = [], requests.adapters.HTTPAdapter.send

    def counted(self, request, **options):
        found.append(f"{request.method} {urlsplit(request.url).path}")
        return send(self, request, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", counted)
    return found


def kill(uri):
    """Kill clients that log and replay at random moments; nothing is lost, or twice."""
    command = [sys.executable, str(BENCHMARK), "kills", KILLS, uri]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert sum(int(line.split()[-1]) for line in found.stdout.splitlines()[1:]) == int(
        KILLS
    )


def new_run(mlflow, **options):
    """A run that is not the active one of any thread."""
    return mlflow.MlflowClient().create_run("0", **options).info.run_id


def entries():
    """What waits in the spool of the test."""
    return spool.entries(spool.root())


def assert_logged(mlflow, run_id, result, split="test"):
    """All of a result is in a run, once, with its files."""
    client = mlflow.MlflowClient()
    data = client.get_run(run_id).data
    found = {
        key: value
        for key, value in data.metrics.items()
        if key.startswith(f"xent/{split}/")
    }
    assert found == result.metrics
    key = f"xent/{split}/cross_entropy"
    if key in result.metrics:
        assert len(client.get_metric_history(run_id, key)) == 1
    assert f"xent/{split}/unit" in data.tags
    names = {file.path for file in client.list_artifacts(run_id, f"xent/{split}")}
    wanted = {"evaluation.json", "per_sample.json", "per_sample.parquet"}
    assert {f"xent/{split}/{name}" for name in wanted} <= names


def entry(**options):
    given = {
        "id": spool.new_id(),
        "address": "http://127.0.0.1:1",
        "run_id": "a" * 32,
        "folder": "xent/test",
        "unit": "nats",
        "metrics": {"xent/test/n": 3.0},
        "tags": {"xent/test/unit": "nats"},
        "timestamp": 1,
        "step": 0,
    }
    return spool.Entry(**given | options)
