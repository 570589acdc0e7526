import numpy as np
import pandas as pd
import pytest

from xent_metrics import decompose

from .conftest import parsed

ARGS = ("evaluate", "preds.csv", "--target", "label", "--proba", "p_")
FAST = ("--recalibration", "temperature")
CLASSES = ["cat", "dog", "eel"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_the_text_is_that_of_the_decomposition(run, expected, suffix):
    done = run("evaluate", f"preds.{suffix}", *ARGS[2:], *FAST)
    assert done.stdout == f"{expected.decompose()!r}\n"
    assert done.stderr == ""
    assert done.exit_code == 0


def test_defaults_are_those_of_the_library(run, frame):
    done = run(*ARGS)
    assert done.stdout == f"{frame.xent.decompose('label', 'p_')!r}\n"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_may_be_logarithms_of_probabilities(run, frame, folder, suffix):
    names = ["p_cat", "p_dog", "p_eel"]
    logs = frame.assign(**{name: np.log(frame[name]) for name in names})
    logs.to_csv("logs.csv", index=False)
    logs.to_parquet("logs.parquet")
    args = ("evaluate", f"logs.{suffix}", *ARGS[2:], *FAST, "--json")
    found = parsed(run(*args, "--from-log-proba").stdout)["decomposition"]
    right = decompose(frame["label"], frame[names].to_numpy(), labels=CLASSES)
    assert found["cross_entropy"] == pytest.approx(right.cross_entropy, rel=1e-12)
    logs[names] -= 1
    logs.to_csv("logits.csv", index=False)
    refused = run("evaluate", "logits.csv", *ARGS[2:], "--from-log-proba")
    assert refused.exit_code == 2
    assert "must be logarithms of probabilities that sum to 1" in refused.stderr
    free = run("evaluate", "logits.csv", *ARGS[2:], *FAST, "--json", "--from-logits")
    value = parsed(free.stdout)["decomposition"]["cross_entropy"]
    assert value == pytest.approx(right.cross_entropy, rel=1e-12)


def test_standard_input_is_read(run, expected, folder):
    text = (folder / "preds.csv").read_text()
    done = run("evaluate", "-", *ARGS[2:], *FAST, input=text)
    assert done.stdout == f"{expected.decompose()!r}\n"


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (["--weight", "w", "--base", "2"], {"sample_weight": "w", "base": 2}),
        (["--clip", "0.3"], {"clip": 0.3}),
        (["--rescale"], {"rescale": True}),
        (["--groups", "site"], {"groups": "site"}),
        (["--recalibration", "dirichlet"], {"recalibration": "dirichlet"}),
        (["--target-type", "labels"], {"target_type": "labels"}),
    ],
)
@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
def test_options_are_those_of_the_library(run, frame, options, settings):
    settings = {"recalibration": "temperature"} | settings
    fast = () if "--recalibration" in options else FAST
    done = run(*ARGS, *fast, *options)
    result = frame.xent.decompose("label", "p_", **settings)
    assert done.stdout == f"{result!r}\n"


@pytest.mark.parametrize(
    "selection",
    [
        ["--proba", "cat=p_cat,dog=p_dog,eel=p_eel"],
        ["--proba", "p_cat,p_dog,p_eel", "--labels", "cat,dog,eel"],
        ["--proba", "p_", "--labels", "cat, dog, eel"],
    ],
)
def test_columns_may_be_chosen_in_many_ways(run, expected, selection):
    done = run("evaluate", "preds.csv", "--target", "label", *selection, *FAST)
    assert done.stdout == f"{expected.decompose()!r}\n"


def test_columns_beside_may_have_the_prefix(run, frame, expected):
    beside = {"p_key": frame["id"], "p_w": frame["w"], "p_site": frame["site"]}
    frame.assign(**beside).to_csv("beside.csv", index=False)
    options = ("--key", "p_key", "--by", "p_site", "--weight", "p_w")
    done = run("evaluate", "beside.csv", *ARGS[2:], *FAST, *options)
    result = expected(sample_weight="w").decompose()
    assert done.stdout.startswith(f"{result!r}\n\nBy p_site, in nats\n")


def test_classes_may_be_numbers(run, frame):
    numbers = frame.rename(columns=dict(zip(CLASSES, "123", strict=True)))
    numbers["label"] = frame["label"].map(dict(zip(CLASSES, (1, 2, 10), strict=True)))
    numbers.to_parquet("numbers.parquet")
    numbers.to_csv("numbers.csv", index=False)
    result = decompose(
        numbers["label"],
        frame[["p_cat", "p_dog", "p_eel"]].to_numpy(),
        labels=[1, 2, 10],
        recalibration="temperature",
    )
    for file in ("numbers.parquet", "numbers.csv"):
        by_class = "1=p_cat,2=p_dog,10=p_eel"
        done = run("evaluate", file, "--target", "label", "--proba", by_class, *FAST)
        assert done.stdout == f"{result!r}\n"
        listed = ("--proba", "p_cat,p_dog,p_eel", "--labels", "1,2,10")
        done = run("evaluate", file, "--target", "label", *listed, *FAST)
        assert done.stdout == f"{result!r}\n"


def test_one_column_is_enough_for_two_classes(run, frame):
    two = frame.assign(won=np.where(frame["label"] == "cat", "10", "9"))
    two.to_csv("two.csv", index=False)
    done = run("evaluate", "two.csv", "--target", "won", "--proba", "p_cat", *FAST)
    result = decompose(
        frame["label"] == "cat", frame["p_cat"], recalibration="temperature"
    )
    assert done.stdout == f"{result!r}\n"


def test_targets_may_be_distributions(run, frame):
    q = frame[["q_cat", "q_dog", "q_eel"]].to_numpy()
    p = frame[["p_cat", "p_dog", "p_eel"]].to_numpy()
    result = decompose(q, p, recalibration="temperature")
    for target in (["q_"], ["q_dog,q_cat,q_eel"], ["q_cat", "--target", "q_dog,q_eel"]):
        done = run(*ARGS[:3], *target, "--proba", "p_", *FAST)
        assert done.stdout == f"{result!r}\n"


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
def test_targets_may_be_annotators(run, frame):
    rng = np.random.default_rng(1)
    said = {f"a{i}": rng.choice(CLASSES, len(frame)) for i in range(3)}
    frame.assign(**said).to_csv("said.csv", index=False)
    options = ("--target-type", "annotators", "--vote-correction", "jackknife")
    done = run("evaluate", "said.csv", "--target", "a", *ARGS[4:], *options, *FAST)
    result = frame.assign(**said).xent.decompose(
        list(said),
        "p_",
        target_type="annotators",
        vote_correction="jackknife",
        recalibration="temperature",
    )
    assert done.stdout == f"{result!r}\n"


def test_missing_rows_are_dropped_on_request(run, frame):
    holes = frame.copy()
    holes.loc[3, "label"] = None
    holes.loc[5, "p_dog"] = np.nan
    holes.to_csv("holes.csv", index=False)
    args = ("evaluate", "holes.csv", *ARGS[2:], *FAST, "--by", "site", "--json")
    refused = run(*args)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(
        "xent-metrics: --target must not be missing: row 3"
    )
    done = run(*args, "--on-missing", "drop", "--fail-if", "n_dropped>1")
    assert done.exit_code == 1
    content = parsed(done.stdout)
    assert content["decomposition"]["n_dropped"] == 2
    assert sum(group["n"] for group in content["by"]) == 298


def test_tables_are_printed_by_group_by_class_and_by_row(run):
    options = ("--by", "site", "--by-class", "--n-worst", "2", "--base", "2")
    done = run(*ARGS, *FAST, *options)
    headings = [line for line in done.stdout.splitlines() if line.endswith("in bits")]
    assert headings == [
        "By site, in bits",
        "By class, in bits",
        "The most costly rows, in bits",
    ]
    by_site = done.stdout.partition("By site, in bits\n\n")[2].splitlines()[:4]
    assert by_site[0].split() == [
        "site", "n", "excess", "cross-entropy", "refinement", "miscalibration",
    ]  # fmt: skip
    assert {line.split()[0] for line in by_site[1:]} == {"NA", "north", "south"}
    excess = [float(line.split()[2].rstrip("%")) for line in by_site[1:]]
    assert excess == sorted(excess, reverse=True)
    assert sum(excess) == pytest.approx(0.0, abs=0.2)
    assert "excess: the share of the loss less the share of the rows" in done.stdout
    tables = done.stdout.partition("By site")[2].splitlines()
    assert all(len(line) <= 80 for line in tables)


def test_rows_with_a_probability_of_0_come_first_and_are_proposed(run, frame):
    frame, proba = frame.copy(), ["p_cat", "p_dog", "p_eel"]
    frame.loc[frame.index[:6], proba] = [1.0, 0.0, 0.0]
    frame.loc[frame.index[:6], "label"] = "eel"
    frame.to_csv("zeros.csv", index=False)
    done = run("evaluate", "zeros.csv", *ARGS[2:], *FAST)
    second = done.stdout.splitlines()[1]
    assert second.startswith("6 rows with a probability of 0 for their label cost ")
    last = done.stdout.splitlines()[-1]
    assert last == "to see the rows with a probability of 0: --n-worst 6"
    asked = run("evaluate", "zeros.csv", *ARGS[2:], *FAST, "--n-worst", "6")
    assert "to see the rows" not in asked.stdout
    assert asked.stdout.count("36.0437") == 6


def test_labels_that_are_whole_numbers_have_no_point(run, frame):
    numbers = frame["label"].map({"cat": 1.0, "dog": 2.0, "eel": 3.0})
    frame.assign(label=numbers).to_csv("numbers.csv", index=False)
    proba = "1=p_cat,2=p_dog,3=p_eel"
    args = ("evaluate", "numbers.csv", "--target", "label", "--proba", proba)
    done = run(*args, *FAST, "--by-class", "--n-worst", "3")
    classes = done.stdout.partition("By class, in nats\n\n")[2].splitlines()[1:4]
    assert {line.split()[0] for line in classes} == {"1", "2", "3"}
    rows = done.stdout.partition("The most costly rows, in nats\n\n")[2]
    for line in rows.splitlines()[1:4]:
        assert {*line.split()[1:3]} <= {"1", "2", "3"}


def test_groups_that_are_too_few_have_a_star(run, frame):
    frame.assign(g=np.arange(len(frame)) // 295).to_csv("few.csv", index=False)
    done = run("evaluate", "few.csv", *ARGS[2:], *FAST, "--by", "g")
    rows = [line.split() for line in done.stdout.splitlines()]
    [few] = [row for row in rows if row[:2] == ["1", "5*"]]
    assert few[-2:] == ["nan", "nan"]
    assert done.stdout.splitlines()[-1].startswith("  * 1: 5 independent rows: too few")


def test_groups_may_have_several_keys_and_miss_some(run, frame):
    second = frame["site"].where(frame["site"] != "NA")
    frame.assign(half=np.arange(len(frame)) % 2, site=second).to_csv("x.csv")
    options = ("--by", "half", "--by", "site")
    done = run("evaluate", "x.csv", *ARGS[2:], *FAST, *options)
    table = done.stdout.partition("By half and site, in nats\n\n")[2].splitlines()
    keys = [tuple(line.split()[:2]) for line in table[1:7]]
    sites = ("north", "south", "(missing)")
    assert set(keys) == {(half, site) for half in "01" for site in sites}
    content = parsed(
        run("evaluate", "x.csv", *ARGS[2:], *FAST, *options, "--json").stdout
    )
    assert [(row["half"], row["site"]) for row in content["by"]][2] == (0, None)


@pytest.mark.parametrize("name", ["list", "struct"])
def test_lists_and_structs_hold_all_probabilities(run, folder, frame, name):
    names = ["p_cat", "p_dog", "p_eel"]
    lists = [*frame[names].to_numpy()]
    held = [dict(zip(CLASSES, one, strict=True)) for one in lists]
    values = lists if name == "list" else held
    pd.DataFrame({"y": frame["label"], "p": values}).to_parquet("x.parquet")
    labels = ("--labels", "cat,dog,eel") if name == "list" else ()
    done = run("evaluate", "x.parquet", "--target", "y", "--proba", "p", *labels)
    assert done.exit_code == 0, done.stderr
    expected = run("evaluate", "preds.csv", "--target", "label", "--proba", "p_")
    assert done.stdout == expected.stdout


def test_a_report_of_an_address_holds_no_credentials(run, monkeypatch):
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    memory = pytest.importorskip("fsspec").filesystem("memory")
    with open("preds.csv", "rb") as file:  # noqa: PTH123 - the current folder
        memory.pipe("/preds.csv", file.read())
    try:
        done = run(
            *("evaluate", "memory://preds.csv", "--target", "label"),
            *("--proba", "p_", "--json"),
        )
    finally:
        memory.rm("/preds.csv")
    assert parsed(done.stdout)["file"] == "memory://preds.csv"
