"""Every example runs as a user runs it: its own process, offline, no warning."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted(Path(__file__).parent.glob("[0-9]*.py"))
FIGURES = {
    "02_slices": [
        "1,079 digits, 4 sites, a loss of 0.417 nats",
        "harbour has 26% of the images and 52% of the loss.",
        "miscalibration is 70% of that:\nrecalibrate it.",
        "airport costs 0.318 ± 0.071 more than central",
        "island: 9 independent rows: too few for a map of their own, which",
        "with one temperature for all, to 0.296 with one for each.",
    ],
    "03_human_votes": [
        "Fleiss' kappa 0.430",  # as in Fleiss (1971)
        "miscalibration        0.0982 ± 0.0534",
        "how all would vote      0.72 ± 0.07  irreducible",
        "XENT_METRICS_DATA, the folder of them, is unset",
    ],
    # The networks' fits differ a little between machines: no more digits than hold.
    "04_ensembles": [
        "averaging makes it less over-confident",
        "The arithmetic mean is better",
        "Unlike images raise the mutual information",
        "about as good as the predictive entropy",
    ],
    "05_model_choice": [
        "Comparison of 5 models on 898 rows, in nats",
        "By log loss network is first and ET is number 4",
        "% of its loss is miscalibration.",
        "not clear, so test both.",
        "that ET is the better one is\nopen.",
    ],
    "08_after_deployment": [
        "Jan to Mar (as before): nothing clear",
        "Apr to Jun (other customers apply): mix",
        "Jul to Sep (more of them default): prior shift",
        "Oct to Dec (what the model relied on says less): concept change",
        "of 6 intervals hold the loss, then 0",
    ],
    "06_mlflow": [
        "All were tested on the same rows",
        "Comparison of 2 models on 899 rows, in nats",
        "logit is better than LDA: -0.192 ± 0.056 nats, p = 0.00064.",
        "mlflow ui --backend-store-uri sqlite:///mlflow.db",
    ],
    "07_noise_or_ignorance": [
        "What the features could still win, in nats (1,797 rows, 2 classes)",
        "a better model of these features would remove 72% of the loss or",
        "The second model costs 0.060",
        "of the first model's loss is what",
        "XENT_METRICS_DATA, the folder of them, is unset",
    ],
}
DRAWN = {"02_slices", "04_ensembles", "05_model_choice", "08_after_deployment"}


def page(path, folder, data=""):
    """What an example prints."""
    script = path.read_text(encoding="utf-8")
    for extra in ("mlflow", "matplotlib"):
        if f"import {extra}" in script or f"from {extra}" in script:
            pytest.importorskip(extra)
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"MLFLOW_TRACKING_URI": "", "XENT_METRICS_DATA": data},
    )
    assert done.returncode == 0, done.stderr
    # MLflow tells how it makes its tables.
    lines = [x for x in done.stderr.splitlines() if not x.startswith("INFO ")]
    assert lines == []
    return done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, tmp_path):
    shown = page(path, tmp_path)
    assert shown.strip()
    for figure in FIGURES.get(path.stem, []):
        assert figure in shown
    written = {each.name for each in tmp_path.glob("*.png")}
    assert written == ({f"{path.stem}.png"} if path.stem in DRAWN else set())
    for name in written:
        assert f"The figure: {name}" in shown
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_human_votes_on_real_data(tmp_path):
    data = os.environ.get("XENT_METRICS_DATA")
    if not data:
        pytest.skip("XENT_METRICS_DATA is unset: it names the folder of real data")
    [path] = [path for path in EXAMPLES if path.stem == "03_human_votes"]
    shown = page(path, tmp_path, str(Path(data).resolve()))
    rows = [line.split() for line in shown.splitlines()]
    assert "Decomposition of a cross-entropy of 0.3782 nats (10,000 rows" in shown
    assert ["temperature", "1", "0.104", "0.007", "0.708"] in rows
    for name, irreducible in (("plug-in", 0.154), ("jackknife", 0.170)):
        [terms] = [row[1:] for row in rows if row[:1] == [name]]
        whole, *parts = map(float, terms)
        assert (whole, parts[0]) == (0.774, irreducible)
        assert sum(parts) == pytest.approx(whole, abs=0.002)
    assert "the network is worst at dog" in shown
    assert "Before 0.770 nats, after 0.412: 0.358 removed." in shown
    assert "is unset" not in shown


def test_what_the_example_of_runs_adds_is_five_lines():
    [path] = [path for path in EXAMPLES if path.stem == "06_mlflow"]
    lines = path.read_text(encoding="utf-8").splitlines()
    numbers = [line[-1] for line in lines if "# added: " in line]
    assert numbers == list("12345")


def test_the_steps_of_the_pipeline_run_as_shell(tmp_path):
    for extra in ("pyarrow", "typer", "jinja2"):
        pytest.importorskip(extra)
    folder = tmp_path / "pipeline"
    shutil.copytree(Path(__file__).parent / "pipeline", folder)
    workflow = (folder / "gate.yml").read_text(encoding="utf-8")
    found = re.findall(
        r"^      - run: (?:>-\n)?((?:.+\n)(?: {10}.+\n)*)", workflow, re.MULTILINE
    )
    install, *steps = [" ".join(step.split()) for step in found]
    assert install.startswith("pip install ")
    assert [step.partition(" ")[0] for step in steps] == [
        *("python", "pytest", "xent-metrics")
    ]
    summary, bin_folder = folder / "summary.md", Path(sys.executable).parent
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "GITHUB_STEP_SUMMARY": str(summary)}
    for step in steps:
        done = subprocess.run(
            ["/bin/bash", "-ec", step],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ | own,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    shown = summary.read_text(encoding="utf-8")
    assert "### Model checks" in shown
    assert "passed: n\\_unseen &gt; 0 does not hold: found 0" in shown
    assert json.loads((folder / "metrics.json").read_text("utf-8"))["n"] == 899
    assert "xent.cross_entropy" in (folder / "checks.xml").read_text("utf-8")
