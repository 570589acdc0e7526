"""One question, one number: whichever way it is asked."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, compare, decompose, scan
from xent_metrics.scorers import DecompositionScorer

from .draws import labels_from, tempered
from .thinned import thinned

pytest.importorskip("typer")
pytest.importorskip("jinja2")
pytest.importorskip("pyarrow")

TERMS = ("cross_entropy", "uncertainty", "resolution", "miscalibration", "refinement")
NAMES = {2: ("no", "yes"), 3: ("ant", "bee", "cat")}


class Given:
    """A fitted classifier whose probabilities are its input."""

    def __init__(self, classes):
        self.classes_ = np.array(classes)

    def predict_proba(self, X):
        return np.asarray(X)


def columns(prefix, k):
    return [prefix + name for name in NAMES[k]]


def predictions(k, n=400):
    """Labels, an over-confident model ``p_``, and ``q_`` with other frequencies."""
    rng = np.random.default_rng(k)
    p = rng.dirichlet(np.ones(k), n)
    off = p * np.arange(1.0, k + 1) ** 2
    frame = pd.DataFrame({"label": np.array(NAMES[k])[labels_from(p, rng)]})
    for prefix, q in (("p_", tempered(p)), ("q_", off / off.sum(axis=1)[:, None])):
        frame[columns(prefix, k)] = q
    return frame


@pytest.fixture
def run(tmp_path, monkeypatch):
    from typer.testing import CliRunner  # noqa: PLC0415 - absent from a minimal one

    from xent_metrics._cli.app import app  # noqa: PLC0415 - as above

    def call(frame, *args):
        monkeypatch.chdir(tmp_path)
        frame.to_parquet("preds.parquet")
        command, *others = args
        args = (command, "preds.parquet", "--target", "label", *others)
        done = CliRunner().invoke(app, args, prog_name="xent-metrics")
        assert done.exit_code == 0, done.stderr
        return done.stdout

    return call


@pytest.fixture
def mlflow(tracking):
    if tracking is None:
        pytest.skip("MLflow is not installed")
    return tracking


def terms_of(result):
    return {name: result.terms[name] for name in TERMS}


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize("k", thinned(NAMES, [3]))
def test_an_evaluation(k, run, mlflow, tmp_path):
    from xent_metrics_mlflow import log_evaluation  # noqa: PLC0415 - needs mlflow

    frame = predictions(k)
    y, q = frame["label"], frame[columns("q_", k)].to_numpy()
    expected = decompose(y, q)
    assert expected.miscalibration > 0.05

    found = {"evaluation": Evaluation.from_predictions(y, q).decomposition}
    view = frame.xent(target="label", proba="q_")
    found["accessor"] = view.decompose()
    found["accessor, evaluated"] = view.evaluate().decomposition
    frame.to_parquet(tmp_path / "data.parquet")
    found["scan"] = scan(
        tmp_path / "data.parquet", target="label", proba="q_"
    ).decomposition
    assert {one.recalibration for one in found.values()} == {expected.recalibration}
    numbers = {door: terms_of(one) for door, one in found.items()}

    scorer = DecompositionScorer(recalibration="auto")
    scores = scorer(Given(NAMES[k]), q, y)
    numbers["scorer"] = {
        name: -scores[f"neg_{name}"] if f"neg_{name}" in scores else scores[name]
        for name in TERMS
    }
    text = run(frame, "evaluate", "--proba", "q_", "--json", "--html", "page.html")
    document = json.loads(text)
    numbers["command line"] = {name: document["decomposition"][name] for name in TERMS}

    with mlflow.start_run() as active:
        log_evaluation(view.evaluate(), page=False)
    data = mlflow.get_run(active.info.run_id).data
    numbers["run"] = {name: data.metrics[f"xent/test/{name}"] for name in TERMS}

    for door, terms in numbers.items():
        assert terms == pytest.approx(terms_of(expected), rel=1e-9), door
    for page in (view.evaluate().to_html(), (tmp_path / "page.html").read_text()):
        shown = re.sub("<[^>]*>", " ", page)
        assert expected.recalibration in shown
        assert f"{expected.miscalibration:.4f}" in shown
    assert data.params["xent/test/recalibration"] == expected.recalibration


@pytest.mark.parametrize("k", thinned(NAMES, [2]))
def test_a_comparison(k, run, mlflow):
    from xent_metrics_mlflow import compare_runs, log_evaluation  # noqa: PLC0415

    frame = predictions(k)
    models = {
        prefix: (frame["label"], frame[columns(prefix, k)].to_numpy())
        for prefix in ("p_", "q_")
    }
    expected = compare(models)
    alone = {name: decompose(*model) for name, model in models.items()}
    for name, result in expected.decompositions.items():
        if alone[name].recalibration == expected.recalibration:
            assert result == alone[name]

    view = frame.xent(target="label", proba="p_")
    ids = []
    for prefix in models:
        with mlflow.start_run(run_name=prefix) as active:
            log_evaluation(view.evaluate(proba=prefix), page=False)
        ids.append(active.info.run_id)
    found = {
        "evaluations": compare({p: view.evaluate(proba=p) for p in models}),
        "accessor": view.compare("q_"),
        "runs": compare_runs(*ids),
    }
    for door, one in found.items():
        assert one.own_recalibrations == expected.own_recalibrations, door
        pd.testing.assert_frame_equal(one.to_frame(), expected.to_frame(), rtol=1e-9)
    document = json.loads(
        run(frame, "compare", "--proba", "p_", "--proba", "q_", "--json")
    )
    assert document["recalibration"] == expected.recalibration
    assert document["own_recalibrations"] == expected.own_recalibrations
    for name, found in document["models"].items():
        for term in TERMS:
            right = expected.differences[name][term]._asdict()
            assert found["differences"][term] == pytest.approx(right, rel=1e-9)
