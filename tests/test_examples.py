"""Every example runs as a user runs it: its own process, offline, no warning."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("[0-9]*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, tmp_path):
    pytest.importorskip("mlflow")
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"MLFLOW_TRACKING_URI": ""},
    )
    assert done.returncode == 0, done.stderr
    # MLflow tells how it makes its tables.
    lines = [x for x in done.stderr.splitlines() if not x.startswith("INFO ")]
    assert lines == []
    assert done.stdout.strip()
