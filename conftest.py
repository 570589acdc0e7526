"""What all tests share: documentation that runs, isolated tracking, real data."""

import importlib.util
import os
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.evaluators.doctest import NUMBER
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

_FLAGS = ELLIPSIS | NORMALIZE_WHITESPACE | NUMBER
_readme = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=_FLAGS), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    fixtures=["tracking"],
)
_docstrings = Sybil(
    parsers=[DocTestParser(_FLAGS)],
    patterns=[
        "xent_metrics/*.py",
        "xent_metrics/*/*.py",
        "integrations/*/*.py",
        "docs/reference/*.rst",
    ],
    fixtures=["tracking", "figures"],
)
pytest_collect_file = (_readme + _docstrings).pytest()

HAS_MLFLOW = importlib.util.find_spec("mlflow") is not None
HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None
collect_ignore_glob = [] if HAS_MLFLOW else ["integrations/*", "tests/tracking"]
if not HAS_MATPLOTLIB:
    collect_ignore_glob += ["xent_metrics/plotting/*", "tests/plotting/*"]
if not (HAS_MATPLOTLIB and importlib.util.find_spec("jinja2")):
    collect_ignore_glob += ["xent_metrics/_page/*"]
if not importlib.util.find_spec("pyarrow"):
    collect_ignore_glob += ["xent_metrics/_scan/_scan.py"]
os.environ["MPLBACKEND"] = "Agg"  # no windows


@pytest.fixture
def figures():
    """Close the figures that a test leaves open."""
    yield
    if HAS_MATPLOTLIB:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - heavy, and perhaps absent

        plt.close("all")


@pytest.fixture(scope="session")
def tracking_template(tmp_path_factory):
    """An empty tracking store; making its tables takes seconds, copying it none."""
    import mlflow  # noqa: PLC0415 - heavy, and absent from a minimal environment

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
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


@pytest.fixture(scope="session")
def real_data():
    """Folder of the real predictions and votes."""
    folder = os.environ.get("XENT_METRICS_DATA")
    if not folder:
        pytest.skip("XENT_METRICS_DATA is unset: it names the folder of real data")
    return Path(folder)
