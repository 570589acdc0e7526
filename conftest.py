"""What all tests share: documentation that runs, isolated tracking, real data."""

import functools
import gc
import importlib.util
import os
import sys
import tomllib
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.evaluators.doctest import NUMBER
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers share the cores

_FLAGS = ELLIPSIS | NORMALIZE_WHITESPACE | NUMBER
gc.disable()  # until all is collected, which stays: there is nothing to find in it
pages = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=_FLAGS), SkipParser()],
    patterns=["README.md", *(f"docs/{'*/' * depth}*.md" for depth in range(3))],
    fixtures=["tracking", "figures"],
)
docstrings = Sybil(
    parsers=[DocTestParser(_FLAGS)],
    patterns=[
        *(f"xent_metrics/{'*/' * depth}*.py" for depth in range(4)),
        *(f"integrations/*/{'*/' * depth}*.py" for depth in range(3)),
        "docs/reference/*.rst",
    ],
    fixtures=["tracking", "figures"],
)
pytest_collect_file = (pages + docstrings).pytest()

HAS_MLFLOW = importlib.util.find_spec("mlflow") is not None
HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None
collect_ignore_glob = [] if HAS_MLFLOW else ["integrations/*", "tests/tracking"]
if not HAS_MATPLOTLIB:
    collect_ignore_glob += ["xent_metrics/plotting/*", "tests/plotting/*"]
if not (HAS_MATPLOTLIB and importlib.util.find_spec("jinja2")):
    collect_ignore_glob += ["xent_metrics/_report/*"]
if not importlib.util.find_spec("pyarrow"):
    collect_ignore_glob += ["xent_metrics/_scan/files.py"]
if not (importlib.util.find_spec("polars") and importlib.util.find_spec("pyarrow")):
    collect_ignore_glob += [
        "xent_metrics/polars.py", "docs/reference/polars.rst",
    ]  # fmt: skip
os.environ["MPLBACKEND"] = "Agg"  # no windows
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # tests reach this machine only


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Examples of a document build on each other: they keep their order."""
    of_document = {}
    for item in items:
        if hasattr(item, "example"):
            of_document.setdefault(item.path, []).append(item)
    for examples in of_document.values():
        examples.sort(key=lambda item: item.example.start)
    # A document stands where the first of its examples came to lie.
    items[:] = [
        one
        for item in items
        for one in (
            of_document.pop(item.path, []) if hasattr(item, "example") else [item]
        )
    ]


def _close_figures():
    """Close what is open, and say how many figures that was."""
    if "matplotlib.pyplot" not in sys.modules:
        return 0
    import matplotlib.pyplot as plt  # noqa: PLC0415 - heavy, and perhaps absent

    n_open = len(plt.get_fignums())
    plt.close("all")
    return n_open


def pytest_collection_finish():
    """Leave what was collected out of each look for garbage."""
    gc.freeze()
    gc.enable()


@pytest.fixture
def figures():
    """Close the figures that a test leaves open."""
    yield
    _close_figures()


@pytest.fixture(autouse=True)
def _no_open_figures():
    """A test that leaves figures open fails itself, not one that comes after it."""
    yield
    n_open = _close_figures()
    assert not n_open, f"{n_open} figures are left open: ask for the fixture figures"


@pytest.fixture
def without_plots(monkeypatch):
    """Pages without plots, which take most of their time and are tested elsewhere."""
    if HAS_MATPLOTLIB and importlib.util.find_spec("jinja2"):
        monkeypatch.setattr("xent_metrics._report.figures._KINDS", ())


@pytest.fixture(scope="session")
def tracking_template(tmp_path_factory):
    """An empty tracking store; making its tables takes seconds, copying it none."""
    import mlflow  # noqa: PLC0415 - heavy, and absent from a minimal environment

    # Each store asks for the newest revision of the tables, read from all of them.
    utils = importlib.import_module("mlflow.store.db.utils")
    if newest := getattr(utils, "_get_latest_schema_revision", None):
        utils._get_latest_schema_revision = functools.cache(newest)
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    of_all = tmp_path_factory.getbasetemp().with_name("mlflow.db")
    in_worker = "PYTEST_XDIST_WORKER" in os.environ  # that of another is as good
    if in_worker and of_all.exists():
        return of_all
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    if in_worker:
        copied = path.with_suffix(".copy")
        copied.write_bytes(path.read_bytes())
        copied.replace(of_all)
    return path


@pytest.fixture
def tracking(request, tmp_path, monkeypatch):
    """A tracking store and a spool of the test's own, in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XENT_METRICS_SPOOL", str(tmp_path / "spool"))
    if not HAS_MLFLOW:
        yield None
        return
    import mlflow  # noqa: PLC0415 - heavy, and absent from a minimal environment

    template = request.getfixturevalue("tracking_template")
    (tmp_path / "mlflow.db").write_bytes(template.read_bytes())
    before = mlflow.get_tracking_uri()
    # MLflow keeps stores by address: a relative one is that of the first test.
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before)


@pytest.fixture
def entry_points_declared(tmp_path, monkeypatch):
    """The entry points of pyproject.toml, also where an older one was installed."""
    path = Path(__file__).with_name("pyproject.toml")
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    info = tmp_path / "site" / "xent_metrics-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: xent-metrics\nVersion: {project['version']}\n"
    )
    lines = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{k} = {v}" for k, v in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(info.parent)


@pytest.fixture(scope="session")
def real_data():
    """Folder of the real predictions and votes."""
    folder = os.environ.get("XENT_METRICS_DATA")
    if not folder:
        pytest.skip("XENT_METRICS_DATA is unset: it names the folder of real data")
    return Path(folder)
