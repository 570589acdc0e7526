import pytest

# Errors that nobody expects are made here, and not every one is a user's.
from xent_metrics._cli.errors import in_options, sentence

ARGS = ("evaluate", "preds.csv", "--target", "label", "--proba", "p_")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Missing command; see --help."),
        (
            ["evalute"],
            "No such command 'evalute'; did you mean 'evaluate'?",
        ),
        (["evaluate"], "Missing argument 'FILE"),
        (["evaluate", "preds.csv"], "Missing option '--target'"),
        ([*ARGS, "more"], "Got unexpected extra argument"),
        ([*ARGS, "--nope"], "No such option: --nope"),
        ([*ARGS, "--base", "x"], "Invalid value for '--base'"),
        ([*ARGS, "--n-worst", "-1"], "Invalid value for '--n-worst'"),
        (
            [*ARGS, "--base", "1"],
            "--base must be finite and above 1: found 1.0",
        ),
        ([*ARGS, "--clip", "2"], "--clip must be in [0, 1): found 2.0; pass 0 for"),
        ([*ARGS, "--level", "2"], "--level must be in (0, 1): found 2.0; pass 0.95."),
        ([*ARGS, "--recalibration", "x"], "--recalibration must be one of 'auto', "),
        ([*ARGS, "--target-type", "x"], "--target-type must be 'auto', 'labels', "),
        ([*ARGS, "--on-missing", "x"], "--on-missing must be 'raise' or 'drop': found"),
        ([*ARGS, "--vote-correction", "x"], "--vote-correction must be one of 'jackk"),
        ([*ARGS, "--labels", "a,b"], "--labels must name the class of each column of"),
        ([*ARGS, "--weight", "site"], "--weight must hold numbers: found values of"),
        ([*ARGS, "--weight", "ww"], "'ww' is not a column of preds.csv; did you mean"),
        ([*ARGS, "--by", "sight"], "'sight' is not a column of preds.csv; did you"),
        (
            [*ARGS, "--html", "no/x.html"],
            "--html must be in a folder that exists: found no folder 'no'; create it",
        ),
        ([*ARGS, "--html", "."], "--html must name a file: '.' is a folder; "),
        (
            [*ARGS, "--fail-if", "auc>1"],
            "--fail-if must name a term or a count: 'auc' ",
        ),
        ([*ARGS, "--key", "site"], "--key must name each row once: "),
        (["evaluate", "", *ARGS[2:]], "FILE must be the path of a file: it is empty; "),
        (
            [*ARGS, "--proba=q_"],
            "--proba must be given once: found it 2 times; leave the others out, or ",
        ),
        (
            [*ARGS, "--weight", "w", "--weight", "w"],
            "--weight must be given once: found it 2 times; leave the others out.",
        ),
        (
            [*ARGS[:4], "--proba", "cat=p_cat,cat=p_dog,eel=p_eel"],
            "--proba must name each class once: 'cat' occurs twice in 'cat=p_cat,cat=",
        ),
        (
            [*ARGS, "--from-logits", "--from-log-proba"],
            "--from-logits and --from-log-proba exclude each other: found both; leave",
        ),
        (
            [*ARGS, "--vote-correction", "jackknife"],
            "--vote-correction requires vote counts: --target holds one label per row",
        ),
        (
            [*ARGS, "--by", "site,label"],
            "'site,label' is not a column of preds.csv: it names several; repeat the ",
        ),
        (
            [*ARGS, "--recalibration", "none", "--fail-if", "miscalibration.low>0"],
            "--fail-if miscalibration requires a recalibration map: found --recalibr",
        ),
        (["evaluate", "x.csv", *ARGS[2:]], "FILE must exist: there is no 'x.csv'; "),
        (["evaluate", ".", *ARGS[2:]], "the files of a dataset must have one format"),
        (
            ["evaluate", "x.xls", *ARGS[2:]],
            "the name of a file must end in one of .csv",
        ),
        (
            [*ARGS[:4], "--proba", "site"],
            "--proba must hold numbers: column 'site' is of type ",
        ),
        (
            [*ARGS[:4], "--proba", "p_cat,p_dog,p_eel"],
            "--target must hold labels that are classes: it holds ",
        ),
        (
            [*ARGS[:4], "--proba", "cat=p_cat,dog=p_dog"],
            "--proba must have rows that sum to 1: row 0 sums to 0.",
        ),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(run, args, message):
    done = run(*args)
    assert done.exit_code == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith(f"xent-metrics: {message}")


@pytest.mark.parametrize("name", ["preds.csv", "./preds.csv", "link.html", "hard.html"])
def test_the_input_is_not_overwritten_by_its_page(run, folder, name):
    (folder / "link.html").symlink_to("preds.csv")
    (folder / "hard.html").hardlink_to(folder / "preds.csv")
    before = (folder / "preds.csv").read_bytes()
    done = run(*ARGS, "--html", name)
    assert done.exit_code == 2
    assert done.stderr == (
        f"xent-metrics: --html must not be the file that is read: {name!r} is "
        "'preds.csv'; pass another name, such as report.html.\n"
    )
    assert (folder / "preds.csv").read_bytes() == before


def test_nothing_is_written_where_input_is_wrong(run, folder):
    done = run(*ARGS, "--html", "out.html", "--weight", "site")
    assert done.exit_code == 2
    assert not (folder / "out.html").exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pass rescale=True to divide by it.", "pass --rescale to divide by it."),
        ("pass target_type='votes' where", "pass --target-type votes where"),
        ('pass on_missing="drop" to', "pass --on-missing drop to"),
        ("pass labels= in the order", "pass --labels in the order"),
        ("below clip=2.2e-16.", "below --clip 2.2e-16."),
        ("y_true must not be missing", "--target must not be missing"),
        ("give it a sample_weight of 0", "give it a --weight of 0"),
        ("labels must be 2: 'labels' is", "--labels must be 2: 'labels' is"),
        ("or proba={class: column}.", "or --proba CLASS=COLUMN."),
        ("'labels' is not a column", "'labels' is not a column"),
        ("look at their order, or at labels=.", "look at their order, or at --labels."),
        ("or leave vote_correction out.", "or leave --vote-correction out."),
        ("pass 2, or None for nats.", "pass 2, or leave it out for nats."),
        ("by must hold values that", "--by must hold values that"),
        ("values must hold values that", "--by must hold values that"),
        (
            "values='w' makes 9; pass pd.cut(df['w'], 9).",
            "--by 'w' makes 9; add a column of its bins to the file, and pass that.",
        ),
    ],
)  # fmt: skip
def test_sentences_of_the_library_name_options(text, shown):
    assert in_options(text) == shown


def test_what_nobody_expected_is_one_line_too():
    assert sentence(RuntimeError("it\nbroke")) == (
        "unexpected RuntimeError: it broke; set XENT_METRICS_TRACEBACK=1 to see where."
    )
    assert sentence(KeyError("'x' is not a column")) == "'x' is not a column"


def boom(*_, **__):
    raise boom.error


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RuntimeError("boom"), 2, "xent-metrics: unexpected RuntimeError: boom; set "),
        (
            ImportError("plots need matplotlib"),
            2,
            "xent-metrics: plots need matplotlib",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_whatever_happens_is_one_line_and_an_exit_code(
    run, monkeypatch, error, code, message
):
    boom.error = error
    monkeypatch.setattr("xent_metrics._cli.evaluate.read", boom)
    done = run(*ARGS)
    assert done.exit_code == code
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_a_traceback_is_shown_on_request(run, monkeypatch):
    boom.error = RuntimeError("boom")
    monkeypatch.setattr("xent_metrics._cli.evaluate.read", boom)
    monkeypatch.setenv("XENT_METRICS_TRACEBACK", "1")
    assert run(*ARGS).exception is boom.error
