import json

import numpy as np
import pytest

from xent_metrics import Evaluation, drift, expected_loss

from .conftest import CLASSES, parsed

DRIFT = ("drift", "march.csv", "april.csv", "--target", "label", "--proba", "p_")
EXPECT = ("expect", "march.csv", "april.csv", "--target", "label", "--proba", "p_")


@pytest.fixture
def months(folder, frame):
    """Rows of two months, the second with labels of the other model."""
    march, april = frame[:150], frame[150:]
    march.to_csv("march.csv", index=False)
    april.to_csv("april.csv", index=False)
    april.drop(columns="label").to_parquet("unlabelled.parquet")
    pytest.importorskip("pyarrow")
    with pytest.warns(UserWarning, match="only 150 rows"):
        return tuple(
            Evaluation.from_frame(month, target="label", proba="p_")
            for month in (march, april)
        )


@pytest.fixture
def document(months):
    with open("reference.json", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(months[0].to_json())
    return "reference.json"


def test_drift_is_that_of_the_library(run, months):
    done = run(*DRIFT)
    assert done.exit_code == 0, done.stderr
    found = drift(*months)
    assert found.conclusion in done.stdout
    content = parsed(run(*DRIFT, "--json").stdout)
    assert content["files"] == ["march.csv", "april.csv"]
    assert content["mix"]["difference"] == pytest.approx(found.mix.difference)
    assert content["cause"] == found.cause


@pytest.mark.slow
def test_groups_of_both_files_carry_the_change(run, months):
    done = run(*DRIFT, "--by", "site", "--json")
    groups = parsed(done.stdout)["by_group"]
    assert [group["site"] for group in groups] == ["NA", "north", "south"]
    found = drift(*months)
    total = sum(group["concept"] for group in groups)
    assert total == pytest.approx(found.concept.difference)
    assert "By site, in nats" in run(*DRIFT, "--by", "site").stdout


def test_a_document_is_a_reference(run, months, document):
    args = (*DRIFT[:1], document, *DRIFT[2:])
    content = parsed(run(*args, "--json").stdout)
    assert content["cause"] == drift(*months).cause
    done = run("expect", document, "unlabelled.parquet", "--proba", "p_")
    assert done.exit_code == 0, done.stderr
    assert "Expected loss of" in done.stdout


def test_expect_is_that_of_the_library(run, months, frame):
    columns = [f"p_{name}" for name in CLASSES]
    found = expected_loss(months[0], frame[150:][columns].to_numpy())
    content = parsed(run(*EXPECT, "--json", "--of", "realised").stdout)
    assert content["expected_loss"] == pytest.approx(found.expected_loss)
    low, high = found.ci(of="realised")
    assert content["intervals"]["realised"] == pytest.approx([low, high])
    grouped = parsed(run(*EXPECT, "--json", "--by", "site").stdout)["by_group"]
    weights = [group["weight"] for group in grouped]
    assert np.sum(weights) == pytest.approx(1)
    assert "By site, in nats" in run(*EXPECT, "--by", "site").stdout


@pytest.mark.parametrize(
    ("command", "condition", "code"),
    [
        pytest.param(DRIFT, "concept>5", 0, marks=pytest.mark.slow),
        (DRIFT, "cross_entropy.high>-9", 1),
        pytest.param(DRIFT, "share_outside>0.9", 0, marks=pytest.mark.slow),
        (EXPECT, "expected_loss.low>0.001", 1),
        pytest.param(EXPECT, "mix.high<-5", 0, marks=pytest.mark.slow),
    ],
)
def test_a_condition_shuts_the_gate(run, months, command, condition, code):
    done = run(*command, "--fail-if", condition, "--json")
    assert done.exit_code == code
    (outcome,) = json.loads(done.stdout)["conditions"]
    assert outcome["failed"] == bool(code)


def test_a_gate_that_never_shuts_is_refused(run, months, frame):
    with pytest.warns(UserWarning, match="only 150 rows"):
        plain = Evaluation.from_frame(
            frame[:150], target="label", proba="p_", recalibration="none"
        )
    with open("plain.json", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(plain.to_json())
    args = ("drift", "plain.json", *DRIFT[2:], "--fail-if", "miscalibration>0")
    done = run(*args)
    assert done.exit_code == 2
    assert "a condition on miscalibration requires a recalibration map" in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((*EXPECT, "--of", "all"), "--of must be one of population, rows, realised"),
        ((*EXPECT, "--fail-if", "concept>1"), "'concept' is none"),
        ((*EXPECT[:3], *EXPECT[5:]), "--target must name the labels of the reference"),
        (
            ("expect", "wrong.json", "april.csv", "--proba", "p_"),
            "wrong.json must hold what Evaluation.to_json gave",
        ),
        (
            ("expect", "none.json", "april.csv", "--proba", "p_"),
            "FILE must exist: there is no 'none.json'",
        ),
        (
            ("expect", "bytes.json", "april.csv", "--proba", "p_"),
            "bytes.json must be text in UTF-8",
        ),
        (
            ("drift", "march.csv", *DRIFT[1:2], *DRIFT[3:]),
            "same targets in the same order; run xent-metrics compare, which pairs",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(run, months, args, said):
    with open("wrong.json", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("[]")
    with open("bytes.json", "wb") as binary:  # noqa: PTH123
        binary.write(b"\xff{}")
    done = run(*args)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
