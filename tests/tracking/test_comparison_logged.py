"""A comparison in a run."""

import json

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
            error = data.metrics[f"xent/compare/{model}/se/{term}"]
            assert error == result.standard_errors[term]
    change = comparison.differences["sharp"]["refinement"]
    key = "xent/compare/sharp/{}/refinement"
    assert data.metrics[key.format("difference")] == change.difference
    assert data.metrics[key.format("difference/se")] == change.standard_error
    assert data.metrics[key.format("pvalue")] == change.pvalue
    assert "xent/compare/dull/pvalue/refinement" not in data.metrics
    assert data.tags["xent/compare/unit"] == "bits"
    settings = json.loads(data.tags["xent/compare/info"])
    assert (settings["baseline"], settings["n"]) == ("dull", 300)
    assert settings["non_finite"] == {}
    assert "irreducible" not in str(list(data.metrics))


@pytest.mark.parametrize("soft", [False, True])
def test_differences_that_are_left_out_say_nothing(store, soft):
    y = np.column_stack([1 - SHARP, SHARP]) if soft else LABELS
    models = {"dull": (y, 0.3 + 0.4 * SHARP), "sharp": (y, SHARP**2)}
    comparison = compare(models)
    metrics = log_comparison(comparison, run_id=new_run(store)).metrics
    found = comparison.differences["sharp"]
    same = {"kl_divergence": "cross_entropy"}
    same |= {"grouping_loss": "refinement"} if soft else {}
    for term, other in same.items():
        assert found[term][:2] == pytest.approx(found[other][:2], rel=1e-9)
    assert found["resolution"].difference == pytest.approx(
        -found["refinement"].difference, rel=1e-9
    )
    alone = ["entropy", "uncertainty", *(["irreducible"] if soft else [])]
    for term in alone:
        assert found[term][:2] == pytest.approx((0, 0), abs=1e-12)
    logged = {k.rpartition("/")[2] for k in metrics if "/difference/" in k}
    assert not logged & {*same, *alone, "resolution"}
    assert {"cross_entropy", "miscalibration", "refinement", "skill"} <= logged


@pytest.mark.slow
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
    first, second = (dict(zip(table["columns"], r, strict=True)) for r in table["data"])
    assert [row["model"] for row in (first, second)] == list(comparison.decompositions)
    assert table["columns"][:5] == [
        *("model", "cross_entropy", "cross_entropy_difference"),
        *("cross_entropy_pvalue", "cross_entropy_low"),
    ]
    for row in (first, second):
        result = comparison.decompositions[row["model"]]
        for term in ("cross_entropy", "kl_divergence", "skill", "miscalibration"):
            assert row[term] == float(f"{result.terms[term]:.6g}")
        change = comparison.differences[row["model"]]["refinement"]
        for name in ("difference", "low", "high", "pvalue"):
            of_itself = row["model"] == comparison.baseline
            wanted = None if of_itself else float(f"{getattr(change, name):.6g}")
            assert row[f"refinement_{name}"] == wanted
    assert "irreducible" not in first
    tags = store.get_run(run_id).data.tags
    assert "xent/compare/comparison_table.json" in tags["mlflow.loggedArtifacts"]


def test_names_of_models(store):
    names = ("..", "a/b", "A_B")
    run_id = new_run(store)
    logged = log_comparison(compared(names), run_id=run_id)
    tags = store.get_run(run_id).data.tags
    told = json.loads(tags["xent/compare/info"])["models"]
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
