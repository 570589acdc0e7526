"""What the tests of the command line share: a folder of files, and a runner."""

import importlib.util
import json
import os

import numpy as np
import pandas as pd
import pytest

from ..draws import labels_from, tempered

# test_without_extra.py is about an environment without typer, and runs there.
collect_ignore_glob = [] if importlib.util.find_spec("typer") else ["test_[!w]*.py"]

CLASSES = ("cat", "dog", "eel")
N = 300


def predictions():
    """An over-confident model ``p_``, a calibrated one ``q_``, and columns beside."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), N)
    frame = pd.DataFrame(
        {
            "id": [f"{row:03d}" for row in range(N)],
            "label": np.array(CLASSES)[labels_from(p, rng)],
            "site": rng.choice(["north", "south", "NA"], N),
            "w": rng.uniform(0.5, 1.5, N).round(3),
        }
    )
    for prefix, values in (("p_", tempered(p)), ("q_", p)):
        for place, name in enumerate(CLASSES):
            frame[prefix + name] = values[:, place]
    return frame


@pytest.fixture(scope="session")
def frame():
    return predictions()


@pytest.fixture
def expected(frame):
    """What the command line should say of the over-confident model."""
    return frame.xent(target="label", proba="p_", recalibration="temperature")


def parsed(text):
    """Strict JSON: neither NaN nor an infinity."""

    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def folder(frame, tmp_path, monkeypatch):
    """The current folder, with the predictions as CSV, Parquet and Feather."""
    frame.to_csv(tmp_path / "preds.csv", index=False)
    frame.to_parquet(tmp_path / "preds.parquet")
    frame.to_feather(tmp_path / "preds.feather")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder):
    """Run a command line in the folder: its exit code, output and errors."""
    from typer.testing import CliRunner  # noqa: PLC0415 - absent from a minimal one

    from xent_metrics._cli.app import app  # noqa: PLC0415 - as above

    def call(*args, **options):
        return CliRunner().invoke(app, args, prog_name="xent-metrics", **options)

    return call


@pytest.fixture
def environment():
    """What a process of its own needs to find this project."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ("XENT_METRICS_TRACEBACK", "FORCE_COLOR")
    }
