import importlib.util
from pathlib import Path

import pytest

from .conftest import parsed

ARGS = ("evaluate", "preds.csv", "--target", "label", "--proba", "p_")
FAST = ("--recalibration", "temperature")
CLASSES = ["cat", "dog", "eel"]


def test_json_is_one_strict_document(run, expected, frame):
    options = ("--by", "site", "--by-class", "--n-worst", "2", "--level", "0.9")
    done = run(*ARGS, *FAST, *options, "--json", "--key", "id")
    assert done.stderr == ""
    content = parsed(done.stdout)
    evaluation = expected.evaluate()
    result = evaluation.decomposition
    assert content["file"] == "preds.csv"
    assert content["decomposition"]["miscalibration"] == pytest.approx(
        result.miscalibration, rel=1e-12
    )
    assert content["decomposition"]["unit"] == "nats"
    assert content["decomposition"]["irreducible"] == "nan"
    assert content["level"] == 0.9
    low, high = content["intervals"]["skill"]
    assert (low, high) == pytest.approx(result.ci(0.9)["skill"], rel=1e-9)
    assert [group["site"] for group in content["by"]] == ["NA", "north", "south"]
    assert [cell["class"] for cell in content["by_class"]] == CLASSES
    worst = evaluation.worst(2)
    assert [row["id"] for row in content["worst"]] == list(frame["id"][worst.index])
    assert content["warnings"] == content["conditions"] == []


def test_an_infinity_is_text_in_json(run, frame):
    certain = frame.copy()
    certain.loc[0, ["p_cat", "p_dog", "p_eel"]] = [
        float(name != frame["label"][0]) / 2 for name in CLASSES
    ]
    certain.to_csv("certain.csv", index=False)
    done = run("evaluate", "certain.csv", *ARGS[2:], *FAST, "--clip", "0", "--json")
    content = parsed(done.stdout)
    assert content["decomposition"]["cross_entropy"] == "inf"
    assert content["decomposition"]["n_infinite"] == 1


def test_an_open_gate_is_exit_code_0(run):
    done = run(*ARGS, *FAST, "--fail-if", "miscalibration>5", "--fail-if", "n<100")
    assert done.exit_code == 0
    first, second = done.stderr.splitlines()
    assert first.startswith("passed: miscalibration > 5 does not hold: found 0.")
    assert first.endswith(" nats")
    assert second == "passed: n < 100 does not hold: found 300"


def test_a_shut_gate_is_exit_code_1(run, expected):
    conditions = ("miscalibration.low>0", "skill.high<0.99", "n_unseen>0")
    given = [text for one in conditions for text in ("--fail-if", one)]
    done = run(*ARGS, *FAST, *given, "--json")
    assert done.exit_code == 1
    low = expected.decompose().ci()["miscalibration"][0]
    assert low > 0
    assert (
        f"failed: miscalibration.low > 0 holds: found {low:.6g} nats\n" in done.stderr
    )
    outcomes = parsed(done.stdout)["conditions"]
    assert [one["failed"] for one in outcomes] == [True, True, False]
    assert outcomes[0]["found"] == pytest.approx(low, rel=1e-9)
    assert outcomes[2] == {
        "condition": "n_unseen > 0",
        "found": 0.0,
        "failed": False,
        "why": "found 0",
    }


def test_the_level_moves_the_gate(run, expected):
    low = {level: expected.decompose().ci(level)["skill"][0] for level in (0.5, 0.99)}
    between = (low[0.5] + low[0.99]) / 2
    given = ("--fail-if", f"skill.low<{between}")
    assert run(*ARGS, *FAST, *given, "--level", "0.99").exit_code == 1
    assert run(*ARGS, *FAST, *given, "--level", "0.5").exit_code == 0


def test_a_gate_that_cannot_be_computed_is_shut(run):
    done = run(*ARGS, *FAST, "--fail-if", "irreducible>1")
    assert done.exit_code == 1
    assert done.stderr == (
        "failed: irreducible > 1: cannot be computed (undefined: one label per row)\n"
    )


def test_warnings_are_one_line_each(run, frame):
    few = frame.head(150).assign(label=frame["label"].replace("eel", "fox"))
    few.to_csv("few.csv", index=False)
    done = run("evaluate", "few.csv", *ARGS[2:], *FAST, "--json")
    assert done.exit_code == 0
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("warning: ") for line in lines)
    assert any("not among the classes ('fox' among 'cat'" in line for line in lines)
    assert any("only 150 rows: terms are unreliable" in line for line in lines)
    told = parsed(done.stdout)["warnings"]
    assert [f"warning: {one}" for one in told] == lines


HAS_PAGE = importlib.util.find_spec("xent_metrics._report.render") is not None


@pytest.mark.skipif(not HAS_PAGE, reason="the page is not there yet")
@pytest.mark.usefixtures("without_plots")
def test_a_page_is_written(run, folder):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    done = run(*ARGS, *FAST, "--html", "out.html", "--by", "site")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.endswith("\npage: out.html\n")
    assert "<html" in (folder / "out.html").read_text(encoding="utf-8").lower()


@pytest.mark.usefixtures("entry_points_declared", "without_plots")
def test_a_run_of_mlflow_is_logged(tracking, run, expected):
    pytest.importorskip("mlflow")
    done = run(*ARGS, *FAST, "--json", "--mlflow", "--split", "val")
    assert done.exit_code == 0, done.stderr
    run_id = parsed(done.stdout)["mlflow_run_id"]
    logged = tracking.get_run(run_id)
    assert logged.info.status == "FINISHED"
    assert logged.data.metrics["xent/val/miscalibration"] == pytest.approx(
        expected.decompose().miscalibration, rel=1e-12
    )
    with tracking.start_run() as outer:
        done = run(*ARGS, *FAST, "--mlflow")
        assert tracking.active_run().info.run_id == outer.info.run_id
    last = done.stdout.splitlines()[-1]
    assert last == f"MLflow run: {outer.info.run_id} (xent/test/...)"


@pytest.mark.usefixtures("entry_points_declared")
def test_a_split_that_cannot_be_a_key_is_refused(tracking, run):
    pytest.importorskip("mlflow")
    before = len(tracking.search_runs())
    done = run(*ARGS, *FAST, "--mlflow", "--split", "a/b")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("xent-metrics: --split must be let")
    assert len(tracking.search_runs()) == before


@pytest.mark.usefixtures("entry_points_declared", "without_plots")
def test_the_page_of_a_run_has_groups(tracking, run, tmp_path):
    pytest.importorskip("mlflow")
    pytest.importorskip("jinja2")
    done = run(*ARGS, *FAST, "--json", "--mlflow", "--by", "site")
    run_id = parsed(done.stdout)["mlflow_run_id"]
    page = tracking.MlflowClient().download_artifacts(
        run_id, "xent/test/report.html", str(tmp_path)
    )
    assert "The loss by group" in Path(page).read_text(encoding="utf-8")


NO_MLFLOW = (
    "xent-metrics: --mlflow needs the extra 'mlflow': it is not installed; "
    "pip install 'xent-metrics[mlflow]'.\n"
)


@pytest.mark.usefixtures("entry_points_declared")
def test_a_missing_mlflow_is_named(run, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    done = run(*ARGS, "--mlflow")
    assert done.exit_code == 2
    assert done.stderr == NO_MLFLOW


def test_without_the_integration(run, monkeypatch):
    monkeypatch.setattr("xent_metrics._cli.track.entry_points", lambda **_: ())
    done = run(*ARGS, "--mlflow")
    assert done.exit_code == 2
    assert done.stderr == NO_MLFLOW


def test_what_logs_is_found_by_its_entry_point(run, monkeypatch):
    asked = []

    class Tracker:
        def is_installed(self):
            return True

        def log_evaluation(self, evaluation, *, split, by):
            asked.append((evaluation.decomposition.n, split, list(by.columns)))
            print("what a tracker prints")  # noqa: T201
            return "a-run"

    class Entry:
        def load(self):
            return Tracker()

    def entry_points(*, group, name):
        return [Entry()] if (group, name) == ("xent_metrics.trackers", "mlflow") else []

    monkeypatch.setattr("xent_metrics._cli.track.entry_points", entry_points)
    done = run(*ARGS, *FAST, "--mlflow", "--by", "site")
    assert asked == [(300, "test", ["site"])]
    assert done.stdout.endswith("\nMLflow run: a-run (xent/test/...)\n")
    assert "what a tracker prints" not in done.stdout
