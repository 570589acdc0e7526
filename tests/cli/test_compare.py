import json

import numpy as np
import pytest

from xent_metrics import compare

TWO = ("compare", "preds.csv", "--target", "label", "--proba", "q_", "--proba", "p_")
BOTH = ("preds.csv", *TWO[4:])


@pytest.fixture
def expected(frame):
    def compared(recalibration="auto", **options):
        view = frame.xent(target="label", recalibration=recalibration)
        models = {p: view.evaluate(proba=p) for p in ("q_", "p_")}
        return compare(models, recalibration=recalibration, **options)

    return compared


@pytest.fixture
def two_files(folder, frame):
    """A file a model, with the rows of the second in another order."""
    beside = ["id", "label", "w"]
    names = {"q_" + name: "p_" + name for name in ("cat", "dog", "eel")}
    frame[[*beside, *names]].rename(columns=names).to_parquet("new.parquet")
    shuffled = frame[[*beside, *names.values()]].sample(frac=1, random_state=0)
    shuffled.to_csv("old.csv", index=False)


def test_models_may_be_in_one_file(run, expected):
    done = run(*TWO)
    assert done.stdout == f"{expected()!r}\n"
    assert done.stderr == ""
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        pytest.param(["--baseline", "p_"], {"baseline": "p_"}, marks=pytest.mark.slow),
        pytest.param(["--base", "2"], {"base": 2}, marks=pytest.mark.slow),
        (["--recalibration", "dirichlet"], {"recalibration": "dirichlet"}),
        pytest.param(["--clip", "0.1"], {"clip": 0.1}, marks=pytest.mark.slow),
    ],
)
def test_options_are_those_of_the_library(run, expected, options, settings):
    assert run(*TWO, *options).stdout == f"{expected(**settings)!r}\n"


def test_weights_and_groups_are_those_of_the_library(run, frame):
    done = run(*TWO, "--weight", "w", "--groups", "site", "--json")
    models = {
        p: frame.xent.evaluate("label", p, sample_weight="w") for p in ("q_", "p_")
    }
    result = compare(models, groups=frame["site"])
    terms = json.loads(done.stdout)["models"]["p_"]["differences"]
    found = terms["cross_entropy"]["standard_error"]
    right = result.differences["p_"]["cross_entropy"].standard_error
    assert found == pytest.approx(right, rel=1e-9)


@pytest.mark.slow
def test_each_model_may_have_a_file(run, two_files, expected):
    args = ("compare", "new.parquet", "old.csv", "--target", "label", "--proba", "p_")
    done = run(*args, "--key", "id", "--json")
    assert done.exit_code == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["files"] == ["new.parquet", "old.csv"]
    assert (content["baseline"], content["unit"]) == ("new", "nats")
    found = content["models"]["old"]["differences"]["cross_entropy"]
    right = expected().differences["p_"]["cross_entropy"]._asdict()
    assert found == pytest.approx(right, rel=1e-9)


def test_rows_in_another_order_are_refused(run, two_files):
    args = ("compare", "new.parquet", "old.csv", "--target", "label", "--proba", "p_")
    done = run(*args)
    assert done.exit_code == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(
        "xent-metrics: models must be evaluated on the same targets: 'new' and 'old'"
    )
    assert line.endswith(", or align the rows of the files with --key.")


@pytest.mark.slow
def test_each_file_may_name_its_own_probabilities(run, frame, expected):
    frame.to_csv("again.csv", index=False)
    files = ("preds.csv", "again.csv")
    done = run("compare", *files, *TWO[2:])
    names = {"q_": "preds", "p_": "again"}
    text = repr(expected())
    for old, new in names.items():
        text = text.replace(f"{old:<5}", f"{new:<5}").replace(repr(old), repr(new))
    assert done.stdout == f"{text}\n"


def test_files_of_one_name_are_called_by_their_paths(run, folder, frame):
    for name in ("a", "b"):
        (folder / name).mkdir()
        frame.to_csv(f"{name}/preds.csv", index=False)
    files = ("a/preds.csv", "b/preds.csv")
    done = run("compare", *files, *TWO[2:], "--json")
    assert list(json.loads(done.stdout)["models"]) == list(files)


def test_other_rows_are_refused_by_their_keys(run, frame):
    frame.iloc[:-2].to_csv("less.csv", index=False)
    args = ("compare", "preds.csv", "less.csv", *TWO[2:], "--key", "id")
    message = (
        "xent-metrics: files must have the same rows: id '298' of preds.csv (and 1 "
        "more) is not in less.csv; compare rows that both have.\n"
    )
    assert run(*args).stderr == message
    swapped = run("compare", "less.csv", "preds.csv", *TWO[2:], "--key", "id")
    assert swapped.stderr == message
    assert swapped.exit_code == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["preds.csv", "--proba", "p_"],
            "compare needs two models: found one; pass tw",
        ),
        (
            ["preds.csv", "preds.csv", "--proba", "p_"],
            "compare needs two models: found",
        ),
        (["preds.csv", "--proba", "p_", "--proba", "p_"], "compare needs two models"),
        (
            ["preds.csv", "preds.parquet", *(["--proba", "p_"] * 3)],
            "--proba must be given once, or once per file: found 3 for 2 files; repeat",
        ),
        (["preds.csv"], "Missing option '--proba'"),
        ([*BOTH, "--baseline", "x"], "--baseline must be one of the models, '"),
        ([*BOTH, "--recalibration", "best"], "--recalibration must be one of 'auto'"),
        ([*BOTH, "--level", "0"], "--level must be in (0, 1): found 0.0"),
        (
            [*BOTH, "--recalibration", "none", "--fail-if", "miscalibration>0"],
            "--fail-if miscalibration requires a recalibration map: found --recali",
        ),
        ([*BOTH, "--fail-if", "n>1"], "--fail-if must name a term: 'n' is none"),
    ],
)
def test_what_cannot_be_compared_is_refused(run, args, message):
    done = run("compare", "--target", "label", *args)
    assert done.exit_code == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith(f"xent-metrics: {message}")


@pytest.mark.slow
def test_a_gate_judges_the_difference(run, expected):
    found = expected().differences["p_"]["cross_entropy"]
    assert found.low > 0
    done = run(*TWO, "--fail-if", "cross_entropy.low>0", "--json")
    assert done.exit_code == 1
    line = "failed: cross_entropy.low > 0 holds for p_ - q_: found "
    line += f"{found.low:.6g} nats\n"
    assert done.stderr == line
    [outcome] = json.loads(done.stdout)["conditions"]
    assert outcome["difference"] == "p_ - q_"
    better = run(*TWO, "--baseline", "p_", "--fail-if", "cross_entropy.low>0")
    assert better.exit_code == 0
    assert better.stderr.startswith(
        "passed: cross_entropy.low > 0 does not hold for q_ - p_: found -"
    )


def test_each_model_passes_the_gate(run, frame):
    for name in ("cat", "dog", "eel"):
        frame = frame.assign(**{f"u_{name}": np.full(len(frame), 1 / 3)})
    frame.to_csv("three.csv", index=False)
    args = ("compare", "three.csv", *TWO[2:], "--proba", "u_")
    done = run(*args, "--fail-if", "resolution<-1")
    assert done.exit_code == 0
    assert done.stderr.count("passed: resolution < -1 does not hold for ") == 2
