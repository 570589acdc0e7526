"""Files for what runs the command: numbers and summaries."""

import json
import math
from pathlib import Path

ARGS = ("evaluate", "preds.csv", "--target", "label", "--proba", "p_")
FAST = ("--recalibration", "temperature")


def test_metrics_are_flat_finite_numbers(run, expected):
    done = run(*ARGS, *FAST, "--metrics", "metrics.json")
    assert done.exit_code == 0
    found = json.loads(Path("metrics.json").read_text("utf-8"))
    assert all(math.isfinite(one) for one in found.values())
    result = expected.decompose()
    assert math.isclose(found["cross_entropy"], result.cross_entropy, rel_tol=1e-12)
    error = result.standard_errors["cross_entropy"]
    assert math.isclose(found["cross_entropy_se"], error, rel_tol=1e-12)
    assert found["n"] == 300
    assert "irreducible" not in found


def test_a_summary_is_added_to_a_file(run):
    Path("summary.md").write_text("before\n", encoding="utf-8")
    condition = "cross_entropy[site=north]>5"
    done = run(*ARGS, *FAST, "--markdown", "summary.md", "--fail-if", condition)
    assert done.exit_code == 0
    lines = Path("summary.md").read_text("utf-8").splitlines()
    assert lines[:2] == [
        "before",
        "Decomposition of a cross-entropy of " + lines[1][36:],
    ]
    assert any(line.startswith("| miscalibration | ") for line in lines)
    assert lines[-2].startswith(
        r"- passed: cross\_entropy\[site=north\] &gt; 5 does not hold: found"
    )


def test_one_file_is_not_written_twice(run):
    given = ("--metrics", "out.json", "--html", "./out.json")
    done = run(*ARGS, *FAST, *given)
    assert done.exit_code == 2
    assert "--html and --metrics must be different files: both are" in done.stderr
    assert not Path("out.json").exists()


def test_what_is_read_is_not_written(run):
    before = Path("preds.csv").read_bytes()
    for option in ("--metrics", "--markdown"):
        done = run(*ARGS, *FAST, option, "preds.csv")
        assert done.exit_code == 2
        assert f"{option} must not be the file that is read" in done.stderr
        missing = run(*ARGS, *FAST, option, "nowhere/out")
        assert missing.exit_code == 2
        assert f"{option} must be in a folder that exists" in missing.stderr
    assert Path("preds.csv").read_bytes() == before


COMPARE = ("compare", "preds.csv", "--target", "label", "--proba", "p_", "--proba=q_")


def test_a_comparison_is_written_too(run, frame):
    out = ("--metrics", "metrics.json", "--markdown", "summary.md")
    done = run(*COMPARE, *FAST, *out, "--fail-if", "cross_entropy.low>0")
    assert done.exit_code == 0
    found = json.loads(Path("metrics.json").read_text("utf-8"))
    one = found["p_.cross_entropy"] + found["q_.cross_entropy_difference"]
    assert math.isclose(found["q_.cross_entropy"], one, rel_tol=1e-9)
    assert found["q_.cross_entropy_difference_se"] > 0
    text = Path("summary.md").read_text("utf-8")
    assert text.startswith("Comparison of 2 models on 300 rows")
    assert r"- passed: cross\_entropy.low &gt; 0 does not hold for q\_ - p\_" in text


def test_drift_and_an_expected_loss_are_written_too(run, frame):
    frame[:150].to_csv("old.csv", index=False)
    frame[150:].to_csv("new.csv", index=False)
    out = ("--metrics", "metrics.json", "--markdown", "summary.md")
    given = ("old.csv", "new.csv", "--target", "label", "--proba", "p_", *out)
    assert run("drift", *given).exit_code == 0
    found = json.loads(Path("metrics.json").read_text("utf-8"))
    whole = found["mix"] + found["concept"]
    assert math.isclose(found["cross_entropy"], whole, rel_tol=1e-9)
    assert {"mix_se", "concept_se", "share_outside"} <= found.keys()
    assert run("expect", *given, "--of", "rows").exit_code == 0
    found = json.loads(Path("metrics.json").read_text("utf-8"))
    assert found["n"] == 150
    assert 0 < found["expected_loss_se"] < found["expected_loss"]
    text = Path("summary.md").read_text("utf-8")
    assert "Drift of a cross-entropy from" in text
    assert "| rows | " in text


def test_what_any_command_reads_is_not_written(run):
    done = run(*COMPARE, "--markdown", "preds.csv")
    assert done.exit_code == 2
    assert "--markdown must not be the file that is read" in done.stderr
