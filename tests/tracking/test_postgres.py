"""A server on PostgreSQL, which the tests start on loopback as an ordinary user."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from xent_metrics_mlflow import log_evaluation
from xent_metrics_mlflow.__main__ import main
from xent_metrics_mlflow._delivery import spool

from .conftest import Server, assert_logged, entries, free_port, kill, new_run


def program(name):
    """Where a program of PostgreSQL lies; Debian has them off the path."""
    places = [str(each) for each in Path("/usr/lib/postgresql").glob("*/bin")]
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *places]))


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(program, ("initdb", "postgres", "pg_isready"))),
        reason="PostgreSQL is not installed: its initdb and postgres are not found",
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("psycopg2") is None,
        reason="psycopg2 is not installed: tox run -e postgres",
    ),
]
QUICK = {"page": False}


@pytest.fixture(scope="module")
def database():
    """The address of a database of the tests' own; root cannot run one."""
    folder = Path(tempfile.mkdtemp(prefix="xent-postgres-"))
    user = {}
    if os.geteuid() == 0:
        user = {"user": "nobody"}
        shutil.chown(folder, "nobody")
    port, data = free_port(), folder / "data"
    subprocess.run(
        [program("initdb"), "-D", str(data), "-U", "tests", "-A", "trust", "-N"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **user,
    )
    command = [program("postgres"), "-D", str(data), "-p", str(port)]
    command += ["-k", str(folder), "-h", "127.0.0.1", "-F"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **user)
    try:
        ready = [program("pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
        until = time.monotonic() + 60
        while subprocess.run(ready, check=False).returncode:
            if time.monotonic() > until or running.poll() is not None:
                pytest.fail((folder / "log").read_text()[-2000:])
            time.sleep(0.1)
        yield f"postgresql+psycopg2://tests@127.0.0.1:{port}/postgres"
    finally:
        running.send_signal(signal.SIGQUIT)
        running.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(database, tmp_path_factory):
    """A tracking server on it."""
    running = Server(tmp_path_factory.mktemp("server"), database).start()
    yield running
    running.kill()


def test_an_evaluation(remote, evaluation):
    run_id = new_run(remote)
    result = log_evaluation(evaluation, run_id=run_id, deadline=60, **QUICK)
    assert result.logged
    assert_logged(remote, run_id, result)


def test_a_replay_of_what_was_sent(remote, evaluation, monkeypatch):
    run_id = new_run(remote)
    with monkeypatch.context() as patch:
        patch.setattr(spool, "remove", lambda _: None)
        patch.setattr(spool, "note", lambda *_: None)
        result = log_evaluation(evaluation, run_id=run_id, deadline=60, **QUICK)
    assert len(entries()) == 1
    assert main(["replay"]) == 0
    assert_logged(remote, run_id, result)


def test_an_older_one_after_a_newer(remote, server, silent, evaluation):
    run_id = new_run(remote)
    remote.set_tracking_uri(silent)
    log_evaluation(evaluation, run_id=run_id, step=1, deadline=0.2, **QUICK)
    remote.set_tracking_uri(server.uri)
    log_evaluation(evaluation, run_id=run_id, step=2, deadline=60, **QUICK)
    assert main(["replay", "--tracking-uri", server.uri]) == 0
    tags = remote.get_run(run_id).data.tags
    assert json.loads(tags["xent/test/info"])["step"] == 2
    aside = remote.MlflowClient().list_artifacts(run_id, "xent/test/step-1")
    assert len(aside) == 3


def test_killed_at_random_moments(tracking, server):
    kill(server.uri)
