"""A logged run as readers see it: in MLflow's own pages, in a browser."""

import contextlib
import html
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import numpy as np
import pytest

pytest.importorskip(
    "playwright", reason="playwright is not installed: no browser is driven"
)
pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
pytest.importorskip("mlflow")
pytest.importorskip("pyarrow")

import mlflow

from xent_metrics import Evaluation
from xent_metrics_mlflow import LogResult, log_evaluation

START = 90  # seconds that a server may take
SHOWN = 40_000  # milliseconds that a view may take
LABELS = [
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
]
# A page that does what ours must not do: it asks, throws and breaks its own policy.
WRONG = """<!DOCTYPE html><title>wrong</title>
<meta http-equiv="Content-Security-Policy" content="style-src 'none'">
<style>p { color: red }</style><p>wrong</p>
<img src="http://outside.invalid/image.png"><script>throw new Error("ours")</script>"""


class Logged(NamedTuple):
    evaluation: Evaluation
    result: LogResult


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """An empty current folder: MLflow writes into it."""
    folder = tmp_path_factory.mktemp("ui")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XENT_METRICS_SPOOL", str(folder / "spool"))
        yield folder


@pytest.fixture(scope="module")
def server(home):
    """A tracking server as users start one, with the artifacts in its care."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mlflow", "server"),
                *("--backend-store-uri", f"sqlite:///{home}/store.db"),
                *("--artifacts-destination", str(home / "artifacts")),
                *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            ],
            env={
                **os.environ,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        wait_for(uri, process, home / "log")
        yield uri
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(uri, process, log):
    until = time.monotonic() + START
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{uri}/health", timeout=2).close()  # noqa: S310 - of this test
            return
        if time.monotonic() > until or process.poll() is not None:
            pytest.fail(log.read_text()[-2000:])
        time.sleep(0.2)


@pytest.fixture(scope="module")
def logged(server):
    """Runs by name: one of labels, one of distributions, one that is wrong."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(len(LABELS), 0.3), size=600) + 1e-6
    p /= p.sum(axis=1, keepdims=True)
    q = p**2 / (p**2).sum(axis=1, keepdims=True)
    y = np.array(LABELS)[[rng.choice(len(LABELS), p=row) for row in p]]
    p, few = p[:, :3], q[:, :3]
    evaluations = {
        "labels": Evaluation.from_predictions(
            y, q, labels=LABELS, recalibration="temperature"
        ),
        "distributions": Evaluation.from_predictions(
            p / p.sum(axis=1, keepdims=True),
            few / few.sum(axis=1, keepdims=True),
            labels=LABELS[:3],
            recalibration="temperature",
        ),
    }
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(server)
    found = {}
    for name, evaluation in evaluations.items():
        with mlflow.start_run(run_name=name) as run:
            result = log_evaluation(evaluation, on_error="raise", deadline=60)
            mlflow.log_text(WRONG, "wrong.html")
        assert run.info.artifact_uri.startswith("mlflow-artifacts:")
        assert result.notes == {}
        found[name] = Logged(evaluation, result)
    yield found
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def outside():
    """A proxy that sees whatever is to leave this machine, and lets nothing out.

    Chromium itself asks for the kinds of forms' fields, whatever page has them.
    """

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            if not self.path.startswith("content-autofill.googleapis.com:"):
                self.server.asked.append(self.path)
            self.send_error(502)

        do_GET = do_POST = do_CONNECT = answer  # noqa: N815 - names of the protocol

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        proxy.asked = []
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.shutdown()


class Seen(NamedTuple):
    """A page, and all that went wrong in it or was asked of other machines."""

    page: object
    wrong: list
    asked: list


@pytest.fixture(scope="module")
def window(browser, outside):
    """A window that has MLflow's scripts at hand once it has loaded them."""
    context = browser.new_context(
        proxy={
            "server": f"http://127.0.0.1:{outside.server_port}",
            "bypass": "127.0.0.1",
        },
        viewport={"width": 1400, "height": 1000},
    )
    context.set_default_timeout(SHOWN)
    yield context
    context.close()


@pytest.fixture
def look(window, logged, outside):
    """Open a view of a run."""
    outside.asked.clear()

    def opened(run, view=""):
        page, wrong = window.new_page(), []
        page.on("console", lambda said: note(said, wrong))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(logged[run].result.url + view)
        return Seen(page, wrong, outside.asked)

    yield opened
    for page in window.pages:
        page.close()


def note(said, wrong):
    """Keep an error, unless it is MLflow's own.

    Its scripts complain of themselves, and a server without users has no address that
    says who the user is. What comes of a file of ours is told from a blob, from no
    address, or from an address of artifacts.
    """
    where = said.location["url"]
    own = "/static-files/" in where or (
        "/ajax-api/" in where and "artifact" not in where
    )
    if said.type == "error" and not own:
        wrong.append(said.text)


def assert_quiet(seen):
    seen.page.wait_for_timeout(500)  # what comes late
    assert (seen.wrong, seen.asked) == ([], [])


@pytest.mark.parametrize("run", ["labels", "distributions"])
def test_overview_lists_all_metrics_and_the_settings(look, logged, run):
    seen = look(run)
    seen.page.get_by_text("xent/test/cross_entropy", exact=True).wait_for()
    rows = seen.page.get_by_role("row").all_inner_texts()
    shown = dict(row.split("\n") for row in rows if row.startswith("xent/"))
    assert shown.pop("xent/test/recalibration") == "temperature"
    assert (
        float(shown.pop("xent/test/clip")) == logged[run].evaluation.decomposition.clip
    )
    assert {key: float(value) for key, value in shown.items()} == pytest.approx(
        logged[run].result.metrics
    )
    for tag in ("unit", "info"):
        name = seen.page.get_by_text(f"xent/test/{tag}").first
        assert name.is_visible()
        wide, room = name.evaluate("it => [it.scrollWidth, it.clientWidth]")
        assert wide <= room  # MLflow cuts a long name beside a long value
    assert_quiet(seen)


def test_every_group_of_metrics_is_a_section_of_charts(look, logged):
    seen = look("labels", "/model-metrics")
    metrics = logged["labels"].result.metrics
    value = f"{metrics['xent/test/cross_entropy']:.2f}"
    seen.page.locator("svg text", has_text=value).first.wait_for()
    headers = seen.page.get_by_test_id("experiment-view-compare-runs-section-header")
    shown = dict(text.split("\n")[:2] for text in headers.all_inner_texts())
    groups = Counter(key.rpartition("/")[0] for key in metrics)
    sections = ("xent/test", "xent/test/by_class")
    assert set(groups) == {*sections, *(f"{section}/se" for section in sections)}
    assert {name: shown.get(name) for name in groups} == {
        name: f"({count})" for name, count in groups.items()
    }
    assert_quiet(seen)


@pytest.mark.parametrize("run", ["labels", "distributions"])
def test_report_is_whole_in_the_frame_of_a_sandbox(look, logged, run):
    seen = look(run, "/artifacts/xent/test/report.html")
    frame = seen.page.frame_locator("iframe")
    figures = frame.locator("figure svg")
    figures.first.wait_for()
    headline = frame.locator("p").first
    assert headline.is_visible()
    assert headline.inner_text().startswith("Of ")
    assert headline.inner_text() in html.unescape(logged[run].evaluation.to_html())
    assert figures.count() >= 4
    for place in range(figures.count()):
        box = figures.nth(place).bounding_box()
        assert box["width"] > 280
        assert box["height"] > 120
    origin, aligned, scrolled, width = frame.locator("body").evaluate(
        """() => [
            origin,
            getComputedStyle(document.querySelector("td.number")).textAlign,
            document.scrollingElement.scrollWidth,
            innerWidth,
        ]"""
    )
    assert origin == "null"  # the frame is a sandbox
    assert aligned == "right"  # the page has its style
    assert scrolled <= width
    assert_quiet(seen)


def test_rows_are_a_table_with_the_most_costly_first(look, logged):
    seen = look("labels", "/artifacts/xent/test/per_sample.json")
    seen.page.get_by_text("cross_entropy", exact=True).wait_for()
    rows = seen.page.get_by_role("row")
    worst = logged["labels"].evaluation.worst(2)
    for place, (index, row) in enumerate(worst.iterrows()):
        shown = rows.nth(place + 1).inner_text().split("\n")
        assert shown[:3] == [str(index), row["label"], row["predicted"]]
        assert float(shown[3]) == pytest.approx(row["cross_entropy"])
    assert_quiet(seen)


def test_what_a_page_must_not_do_is_seen(look):
    seen = look("labels", "/artifacts/wrong.html")
    seen.page.frame_locator("iframe").get_by_text("wrong").wait_for()
    seen.page.wait_for_timeout(500)
    assert seen.asked == ["http://outside.invalid/image.png"]
    assert any("ours" in text for text in seen.wrong)
    assert any("Content Security Policy" in text for text in seen.wrong)
