"""Logging to an MLflow server: what it costs, and what killing it loses.

python benchmarks/tracking.py            # costs, a few minutes
python benchmarks/tracking.py requests   # how many a call sends
python benchmarks/tracking.py kills 200  # as many processes killed at random moments
python benchmarks/tracking.py kills 200 URI  # the same on a server that runs
python benchmarks/tracking.py load [URI]     # 4 processes log 50 runs each

Half of the processes that are killed log a cross-validation with a run for each fold.
Two replays at a time follow, of which one is killed too in every third case, and a last
one. It fails if anything is lost, or logged twice.
"""

import contextlib
import os
import random
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import requests

from xent_metrics import Evaluation
from xent_metrics_mlflow import log_cv_results, log_evaluation
from xent_metrics_mlflow.__main__ import main as command
from xent_metrics_mlflow._delivery import spool
from xent_metrics_mlflow._items import artifacts

REPEATS = 9
PROCESSES, RUNS, LOAD_TURNS = 4, 50, 3
FOLDS = 3


def evaluate(n: int, n_classes: int, n_folds: int = 0) -> Evaluation:
    rng = np.random.default_rng(0)
    law = rng.dirichlet(np.ones(n_classes), n)
    y = (law.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=n_classes - 1)
    bold = law**2 / (law**2).sum(axis=1, keepdims=True)
    folds = np.arange(n) % n_folds if n_folds else None
    return Evaluation.from_predictions(
        y, bold, folds=folds, recalibration="temperature"
    )


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    command_line = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/store.db"),
        *("--artifacts-destination", str(folder / "artifacts")),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            command_line,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{uri}/health", timeout=2).close()  # noqa: S310 - loopback
                break
            if running.poll() is not None:
                raise SystemExit((folder / "log").read_text())
            time.sleep(0.2)
        yield uri
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def new_run() -> str:
    return mlflow.MlflowClient().create_run("0").info.run_id


def by_hand(evaluation: Evaluation, folder: Path, *, page: bool = True) -> None:
    """One log_metrics of 20, the same files, made and uploaded one by one."""
    exact = artifacts.exact(evaluation, per_sample=True).contents
    with mlflow.start_run(run_id=new_run()):
        mlflow.log_metrics(_numbers(evaluation))
        for name, data in exact.items():
            (folder / name).write_bytes(data)
            mlflow.log_artifact(str(folder / name), "by_hand")
        if page:
            mlflow.log_text(evaluation.to_html(), "by_hand/report.html")
        mlflow.log_table(evaluation.worst(1000), "by_hand/per_sample.json")


def metrics_alone(evaluation: Evaluation) -> None:
    with mlflow.start_run(run_id=new_run()):
        mlflow.log_metrics(_numbers(evaluation))


def _numbers(evaluation: Evaluation) -> dict[str, float]:
    terms = evaluation.decomposition.terms
    values = [value for value in terms.values() if np.isfinite(value)] * 2
    return {f"m{k}": value for k, value in enumerate(values[:20])}


def ours(evaluation: Evaluation, *, page: bool = True) -> None:
    with mlflow.start_run(run_id=new_run()):
        assert log_evaluation(evaluation, page=page, deadline=120).logged


def in_background(evaluation: Evaluation, **options: Any) -> float:
    """Seconds of a call that does not wait; then wait until it is sent."""
    run_id = new_run()
    taken = seconds(
        lambda: log_evaluation(evaluation, run_id=run_id, deadline=0, **options)
    )
    while spool.entries(spool.root()):
        time.sleep(0.1)
    return taken


def requests_sent() -> None:
    """Print how many requests a call sends, and how many of them read the run."""
    sent: list[str] = []
    send = requests.adapters.HTTPAdapter.send

    def counted(self: Any, request: Any, **options: Any) -> Any:
        sent.append(request.path_url)
        return send(self, request, **options)

    requests.adapters.HTTPAdapter.send = counted
    evaluation = evaluate(600, 3)

    def log(what: str, **options: Any) -> None:
        sent.clear()
        assert log_evaluation(evaluation, deadline=120, **options).logged
        reads = sum("/runs/get" in each for each in sent)
        print(f"| {what} | {len(sent)} | {reads} |", flush=True)

    with tempfile.TemporaryDirectory() as name, server(Path(name)) as uri:
        mlflow.set_tracking_uri(uri)
        os.environ[spool.VARIABLE] = f"{name}/spool"
        print("| call | requests | reads of the run |\n|---|---|---|")
        with mlflow.start_run():
            log("the active run, first")
            log("the active run, again")
        run_id = new_run()
        log("another run by its id, first", run_id=run_id)
        log("another run by its id, again", run_id=run_id)
        log("a run that the call starts")
        mlflow.end_run()


def work(call: Callable[[], Any]) -> float:
    """CPU seconds of this process, and of those that it starts and awaits."""

    def used() -> float:
        return sum(
            found.ru_utime + found.ru_stime
            for found in map(
                resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
            )
        )

    before = used()
    call()
    return used() - before


def show(name: str, values: list[float]) -> None:
    low, high = np.quantile(values, [0.1, 0.9])
    print(
        f"{name}: {statistics.median(values) * 1e3:.0f} ms "
        f"(10 % to 90 %: {low * 1e3:.0f} to {high * 1e3:.0f})",
        flush=True,
    )


def costs() -> None:
    evaluation = evaluate(10_000, 10)
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as uri:
        mlflow.set_tracking_uri(uri)
        os.environ[spool.VARIABLE] = f"{name}/spool"
        folder = Path(name) / "files"
        folder.mkdir()
        by_hand(evaluation, folder)
        ours(evaluation)
        pairs = [
            (
                seconds(lambda: ours(evaluation)),
                seconds(lambda: by_hand(evaluation, folder)),
            )
            for _ in range(REPEATS)
        ]
        show("log_evaluation", [pair[0] for pair in pairs])
        show("by hand", [pair[1] for pair in pairs])
        ratios = [mine / other for mine, other in pairs]
        print("\n| work | peer | ratio | wanted |\n|---|---|---|---|")
        ratio = f"{statistics.median(ratios):.2f}x"
        print(f"| log_evaluation | the same by hand | {ratio} | at most 1.3x |\n")
        in_background(evaluation)
        repeats = range(REPEATS)
        show("a call with deadline=0", [in_background(evaluation) for _ in repeats])
        pairs = [
            (
                work(lambda: in_background(evaluation)),
                work(lambda: ours(evaluation)),
            )
            for _ in repeats
        ]
        show("CPU time of a call with deadline=0, all of it", [one for one, _ in pairs])
        show("CPU time of a call that waits", [one for _, one in pairs])
        ratio = f"{statistics.median(one / other for one, other in pairs):.2f}x"
        print(f"| deadline=0, all of its work | waiting | {ratio} | at most 1.3x |")


def load(uri: str | None = None) -> None:
    """Several processes log runs at once: ours, the same by hand, metrics alone."""
    if uri is None:
        with tempfile.TemporaryDirectory() as name, server(Path(name)) as own:
            load(own)
        return
    mlflow.set_tracking_uri(uri)
    evaluation = evaluate(1000, 3)
    ways = {
        "ours": lambda _: ours(evaluation, page=False),
        "by hand": lambda folder: by_hand(evaluation, folder, page=False),
        "metrics alone": lambda _: metrics_alone(evaluation),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as name:
        os.environ[spool.VARIABLE] = f"{name}/spool"
        for turn in range(LOAD_TURNS + 1):
            for way, log in ways.items():
                n_runs = RUNS if turn else 2  # the first turn warms the server
                found = seconds(lambda log=log, n=n_runs: _at_once(log, Path(name), n))
                if turn:
                    taken[way].append(found)
    for way, values in taken.items():
        told = ", ".join(f"{value:.1f}" for value in values)
        print(f"{way}: {told} s for {PROCESSES} x {RUNS} runs", flush=True)
    for other, wanted in (("by hand", 1.0), ("metrics alone", 2.2)):
        pairs = zip(taken["ours"], taken[other], strict=True)
        ratio = statistics.median(mine / one for mine, one in pairs)
        print(f"| {PROCESSES} x {RUNS} runs | {other} | {ratio:.2f}x | {wanted}x |")


def _at_once(log: Callable[[Path], None], folder: Path, n_runs: int) -> None:
    def work() -> int:
        own = Path(tempfile.mkdtemp(dir=folder))
        for _ in range(n_runs):
            log(own)
        return 0

    children = [_forked(work) for _ in range(PROCESSES)]
    assert not any(os.waitpid(child, 0)[1] for child in children), "one has failed"


def kills(n: int, uri: str | None = None) -> None:
    """Kill a process that logs at a random moment, replay, and read back."""
    if uri is None:
        with tempfile.TemporaryDirectory() as name, server(Path(name)) as own:
            kills(n, own)
        return
    whole, folds = evaluate(500, 3), evaluate(FOLDS * 250, 2, FOLDS)
    rng = random.Random(0)  # noqa: S311 - moments, not secrets
    outcomes: dict[str, int] = {}
    mlflow.set_tracking_uri(uri)
    with tempfile.TemporaryDirectory() as name:
        os.environ[spool.VARIABLE] = f"{name}/spool"
        # Forked children must find no threads: none are started before the last fork.
        usual = [_child(one, new_run(), None)[2] for one in (whole, folds)]
        while (done := sum(outcomes.values())) < n:
            kind = done % 2
            run_id = new_run()
            killed, written, _ = _child(
                (whole, folds)[kind], run_id, rng.uniform(0, usual[kind])
            )
            waiting = len(spool.entries(spool.root()))
            _replay(rng.uniform(0, usual[kind]) if done % 3 == 0 else None)
            if not killed:  # it was done before its moment came
                usual[kind] *= 0.95
                continue
            outcome = _outcome(run_id, kind, written=written, waiting=waiting)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
    moments = " and ".join(f"{seconds * 1e3:.0f}" for seconds in usual)
    print(f"moments of the first {moments} ms", flush=True)
    print(pd.Series(outcomes).sort_index().to_string(), flush=True)
    if {"LOST", "TWICE"} & set(outcomes):
        raise SystemExit(1)


def _replay(delay: float | None) -> None:
    """Two replays at a time, of which one may be killed, and one that ends."""
    both = [_forked(lambda: command(["replay"])) for _ in range(2)]
    if delay is not None:
        time.sleep(delay)
        os.kill(both[0], signal.SIGKILL)
    statuses = [os.waitpid(child, 0)[1] for child in both]
    assert statuses[1] == 0, "a replay failed"
    assert os.waitpid(_forked(lambda: command(["replay"])), 0)[1] == 0


def _forked(call: Callable[[], int]) -> int:
    child = os.fork()
    if child == 0:
        with (
            Path(os.devnull).open("w") as nothing,
            contextlib.redirect_stdout(nothing),
        ):
            os._exit(call())
    return child


def _child(
    evaluation: Evaluation, run_id: str, delay: float | None
) -> tuple[bool, bool, float]:
    """Log in a child that is killed after a delay.

    Whether it was killed, whether it had its entry on disk before, and its time.
    """
    reading, writing = os.pipe()

    def log() -> int:
        write = spool.write

        def told(*arguments: Any) -> Path:
            found = write(*arguments)
            os.write(writing, b"w")
            return found

        spool.write = told
        options = {"run_id": run_id, "deadline": 60, "page": False}
        if evaluation.folds is None:
            return int(not log_evaluation(evaluation, **options).logged)
        options |= {"child_runs": True}
        return int(not log_cv_results(evaluation, **options).logged)

    child = _forked(log)
    os.close(writing)
    began = time.perf_counter()
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    taken = time.perf_counter() - began
    written = os.read(reading, 1) == b"w"
    os.close(reading)
    return os.WIFSIGNALED(status), written, taken


def _outcome(run_id: str, kind: int, *, written: bool, waiting: int) -> str:
    client = mlflow.MlflowClient()
    split = ("test", "cv")[kind]
    found = client.get_run(run_id).data.metrics
    files = client.list_artifacts(run_id, f"xent/{split}")
    if not written and not found:
        return "killed before the entry was on disk"
    own = {key: value for key, value in found.items() if "/by_fold/" not in key}
    below = client.search_runs(
        ["0"], filter_string=f"tags.`mlflow.parentRunId` = '{run_id}'"
    )
    key = f"xent/{split}/cross_entropy"
    counts = [(run_id, key, 1) for key in list(own)[:5]]
    if kind:
        counts += [(run.info.run_id, key, 1) for run in below]
        counts += [(run_id, f"xent/{split}/by_fold/cross_entropy", FOLDS)]
    histories = [
        (len(client.get_metric_history(run, name)), wanted)
        for run, name, wanted in counts
    ]
    n_below = FOLDS * kind
    if len(below) > n_below or any(count > wanted for count, wanted in histories):
        return "TWICE"
    whole = len(own) > 15 and len(files) == 3 and len(below) == n_below
    if not whole or any(count < wanted for count, wanted in histories):
        return "LOST"
    return "replayed" if waiting else "sent, then killed"


if __name__ == "__main__":
    if sys.argv[1:2] == ["kills"]:
        kills(int(sys.argv[2]), *sys.argv[3:4])
    elif sys.argv[1:2] == ["requests"]:
        requests_sent()
    elif sys.argv[1:2] == ["load"]:
        load(*sys.argv[2:3])
    else:
        costs()
