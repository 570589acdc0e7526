"""A comparison in a run."""

import json
import math

import numpy as np
import pytest

from xent_metrics import compare
from xent_metrics_mlflow import log_comparison

from .conftest import new_run

rng = np.random.default_rng(0)
LABELS = rng.integers(2, size=300)
SHARP = np.where(LABELS == 1, 0.8, 0.3) + rng.uniform(-0.2, 0.2, 300)


@pytest.fixture(autouse=True)
def store(tracking):
    return tracking


def compared(names=("dull", "sharp"), **options):
    laws = ((LABELS, 0.3 + 0.4 * SHARP), (LABELS, SHARP), (LABELS, SHARP**2))
    return compare(dict(zip(names, laws, strict=False)), **options)


def read(store, run_id, name):
    path = store.MlflowClient().download_artifacts(run_id, f"xent/compare/{name}")
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path of MLflow
        return file.read()


def test_terms_and_differences(store):
    comparison = compared(base=2)
    with store.start_run() as run:
        logged = log_comparison(comparison)
    assert (logged.run_id, logged.logged) == (run.info.run_id, True)
    data = store.get_run(run.info.run_id).data
    assert data.metrics == logged.metrics
    for model, result in comparison.decompositions.items():
        for term in ("cross_entropy", "miscalibration", "skill"):
            key = f"xent/compare/{model}/{term}"
            assert data.metrics[key] == result.terms[term]
            assert data.metrics[f"{key}_se"] == result.standard_errors[term]
    change = comparison.differences["sharp"]["refinement"]
    key = "xent/compare/sharp/refinement"
    assert data.metrics[f"{key}_difference"] == change.difference
    assert data.metrics[f"{key}_difference_se"] == change.standard_error
    assert data.metrics[f"{key}_pvalue"] == change.pvalue
    assert "xent/compare/dull/refinement_pvalue" not in data.metrics
    tags = {key.removeprefix("xent/compare/"): data.tags[key] for key in data.tags}
    assert (tags["baseline"], tags["unit"], tags["n"]) == ("dull", "bits", "300")
    assert "irreducible" not in str(list(data.metrics))
    assert tags["non_finite"] == "none"


def test_files(store):
    comparison = compared(("<b>", "sharp"))
    run_id = new_run(store)
    logged = log_comparison(comparison, run_id=run_id)
    assert sorted(logged.artifacts) == [
        f"xent/compare/comparison{end}"
        for end in (".html", ".json", ".md", "_table.json")
    ]
    assert read(store, run_id, "comparison.json") == comparison.to_json()
    assert read(store, run_id, "comparison.md") == comparison.to_markdown()
    page = read(store, run_id, "comparison.html")
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    table = json.loads(
        read(store, run_id, "comparison_table.json"), parse_constant=pytest.fail
    )
    frame = comparison.to_frame().reset_index()
    assert table["columns"] == list(frame.columns)
    assert len(table["data"]) == len(frame)
    for row, wanted in zip(table["data"], frame.to_numpy().tolist(), strict=True):
        for value, other in zip(row, wanted, strict=True):
            finite = not isinstance(other, float) or math.isfinite(other)
            assert value == (other if finite else str(other))
    tags = store.get_run(run_id).data.tags
    assert "xent/compare/comparison_table.json" in tags["mlflow.loggedArtifacts"]


def test_names_of_models(store):
    names = ("..", "a/b", "A_B")
    run_id = new_run(store)
    logged = log_comparison(compared(names), run_id=run_id)
    told = json.loads(store.get_run(run_id).data.tags["xent/compare/models"])
    assert sorted(told.values()) == sorted(names)
    for key, model in told.items():
        value = compared(names).decompositions[model].cross_entropy
        assert logged.metrics[f"xent/compare/{key}/cross_entropy"] == value


def test_several_in_one_run(store):
    run_id = new_run(store)
    for name in ("first", "second"):
        log_comparison(compared(), name=name, run_id=run_id)
    metrics = store.get_run(run_id).data.metrics
    key = "{}/sharp/cross_entropy"
    assert (
        metrics[f"xent/{key.format('first')}"]
        == metrics[f"xent/{key.format('second')}"]
    )


def test_a_name_that_cannot_be_part_of_a_key():
    with pytest.raises(ValueError, match="name must be letters, digits"):
        log_comparison(compared(), name="a/b")


def test_what_is_no_comparison():
    with pytest.raises(
        TypeError, match="comparison must be a Comparison: found dict; "
    ):
        log_comparison({})
