"""What becomes of tests that check models, and what they print."""

import json

import pytest

from .conftest import ALONE

pytest_plugins = ["pytester"]

NO_WORSE = 'xent.no_worse(evaluated({}), "churn", margin={})'


def accept(run, body):
    """Write the baselines of a test."""
    done = run(body, "--xent-update")
    done.assert_outcomes(passed=1)
    return done


def test_a_check_that_holds_passes_and_is_counted(run):
    done = run('xent.check(evaluated(), "miscalibration < 0.05 and n >= 1000")')
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["2 checks: 2 passed"])


def test_a_check_that_fails_prints_a_table_and_the_decomposition(run):
    done = run('xent.check(evaluated(power=3), "miscalibration.high < 0.05")')
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*xent.check(evaluated*",
            "E *Gate failed: miscalibration.high < 0.05 (level 0.95)",
            "E *condition *value *low *high *outcome",
            "E *failed: miscalibration.high < 0.05: found 0.*nats",
            "E *Decomposition of a cross-entropy of *",
            "E *+ miscalibration *±*",
        ]
    )
    assert "_gates.py" not in done.stdout.str()


def test_a_wrong_expression_is_told_without_frames_of_the_library(run):
    done = run('xent.check(evaluated(), "miscalibraton < 0.05")')
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "xent = Gates of test_model.py::test_model",
            "E *did you mean 'miscalibration'*",
        ]
    )
    assert "_grammar.py" not in done.stdout.str()


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        (None, {"passed": 1, "warnings": 1}),
        ("warn", {"passed": 1, "warnings": 1}),
        ("fail", {"failed": 1}),
        ("skip", {"skipped": 1}),
    ],
)
def test_too_little_evidence_is_what_the_option_says(run, policy, outcome):
    args = [] if policy is None else [f"--xent-insufficient={policy}"]
    body = "e = evaluated(n=300)\n"
    body += 'xent.check(e, f"cross_entropy < {e.terms["cross_entropy"]}")'
    done = run(
        body.replace('e.terms["cross_entropy"]', "e.terms['cross_entropy']"), *args
    )
    done.assert_outcomes(**outcome)
    done.stdout.fnmatch_lines(["1 check: 1 insufficient"])


def test_groups_are_checked_each(run):
    body = 'xent.check(evaluated(), "cross_entropy < 0.2", by=["a", "b"] * 1000)'
    done = run(body)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["2 checks: 2 failed"])


def test_a_missing_baseline_is_a_sentence(run):
    done = run(NO_WORSE.format("", 0.01))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["E *there is no *xent_baselines/churn.json; run pytest --xent-update once*"]
    )
    assert "_baseline.py" not in done.stdout.str()


def test_the_same_rows_with_the_same_predictions_pass(run):
    body = NO_WORSE.format("", 0.0)
    done = accept(run, body)
    done.stdout.fnmatch_lines(["churn: written"])
    done = run(body)
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["1 check: 1 passed"])


def test_a_worse_model_fails_with_its_difference(run):
    accept(run, NO_WORSE.format("", 0.01))
    body = (
        'xent.no_worse(evaluated(1, power=3), "churn", margin=0.01, '
        'terms=("cross_entropy", "miscalibration", "resolution"))'
    )
    done = run(body)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "E *'churn' is worse than its baseline by more than the margin (nats)",
            "E *term *baseline *now *worse by *margin *p-value *outcome",
            "E *cross-entropy * ± * +0.* ± * 0.01 *< 0.0001 *failed",
            "E *miscalibration *failed",
            "E *compared as independent samples, with the baseline's own error*",
            "E *a term fails at p <= 0.005 = 0.05 / 10, for 10 comparisons in*",
            "E *Decomposition of *",
        ]
    )


def test_what_cannot_be_computed_fails_and_says_so(run):
    body = 'xent.no_worse(evaluated({}), "churn", margin=0, terms=["grouping_loss"])'
    accept(run, body.format(""))
    done = run(body.format("1"))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["E *whether 'churn' is worse than its baseline cannot be computed (nats)"]
    )


def test_folds_are_not_advised_to_be_paired(run):
    body = OTHERS.format("y, {}", ", folds=[0, 1, 2, 3] * 100", "")
    accept(run, body.format("q"))
    done = run(body.format("[0.3, 0.6] * 200"), "--xent-insufficient=fail")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["E *compared as independent samples, with the *own er*"])
    assert "paired=True" not in done.stdout.str()


def test_a_margin_may_be_a_number_of_numpy(run):
    body = "import numpy as np\n" + NO_WORSE.format("", "np.float32(0.25)")
    accept(run, body)
    run(body).assert_outcomes(passed=1)


def test_what_moved_is_named_where_rows_are_others(run):
    accept(run, NO_WORSE.format("", 0.0))
    done = run(NO_WORSE.format("1, power=3, rows=1", 0.0))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["E *the loss rose by *(mix *labels behave otherwise * (concept *"]
    )


def test_fresh_rows_are_insufficient_where_they_are_few(run):
    accept(run, NO_WORSE.format("n=300", 0.01))
    done = run(NO_WORSE.format("1, n=300, rows=1", 0.01))
    done.assert_outcomes(passed=1, warnings=1)
    done.stdout.fnmatch_lines(["1 check: 1 insufficient"])


@pytest.mark.slow
def test_paired_rows_see_what_independent_samples_do_not(run):
    pytest.importorskip("pyarrow")
    paired = 'xent.no_worse(evaluated({}), "churn", margin=0.001, paired=True)'
    accept(run, paired.format(""))
    worse = run(paired.format("power=1.4"))
    worse.assert_outcomes(failed=1)
    worse.stdout.fnmatch_lines(["E *compared row by row, under one recalibration map*"])
    run(paired.format("")).assert_outcomes(passed=1)
    unpaired = run(paired.format("power=1.4").replace(", paired=True", ""))
    unpaired.assert_outcomes(passed=1, warnings=1)
    unpaired.stdout.fnmatch_lines(["*paired=True would compare them one by one*"])
    other = run(paired.format("1, rows=1"))
    other.assert_outcomes(failed=1)
    other.stdout.fnmatch_lines(["E *ValueError: *"])


def test_a_luckier_baseline_is_warned_of(run):
    accept(run, NO_WORSE.format("power=1.3", 0.01))
    lucky = run(NO_WORSE.format("1, rows=1", 0.01), "--xent-update")
    lucky.assert_outcomes(passed=1, warnings=1)
    lucky.stdout.fnmatch_lines(
        [
            "*LuckierBaselineWarning: the baseline 'churn' was replaced by *",
            "churn: replaced",
            " *before *now",
            " *cross-entropy * ± * ± *",
        ]
    )
    worse = run(NO_WORSE.format("power=1.3", 0.01), "--xent-update")
    worse.assert_outcomes(passed=1)


def test_a_better_model_of_the_same_rows_is_no_luck(run):
    accept(run, NO_WORSE.format("power=1.3", 0.01))
    accept(run, NO_WORSE.format("", 0.01))


def test_an_update_mends_what_could_not_be_compared(run, folder):
    folder.mkdir("xent_baselines").joinpath("churn.json").write_text("{}")
    done = accept(run, NO_WORSE.format("n=300", 0))
    done.stdout.fnmatch_lines(["churn: replaced", "  not compared: *"])
    run(NO_WORSE.format("n=300", 0)).assert_outcomes(passed=1)


def test_two_tests_may_not_write_one_baseline(folder):
    body = 'xent.no_worse(evaluated(n=300), "churn", margin=0)'
    folder.makepyfile(
        f"""
        from models import evaluated
        def test_one(xent):
            {body}
            {body}
        def test_two(xent):
            {body}
        """
    )
    done = folder.runpytest_inprocess(*ALONE, "--xent-update")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["E *must belong to one test: 'churn' was written by *"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ('"../churn", margin=0', "ValueError: the name of a baseline must be letters"),
        ('"churn", margin=-1', "ValueError: margin must be 0 or more, for each term"),
        ('"churn", margin={}', "ValueError: margin must be 0 or more, *found None of"),
        (
            '"churn", margin=0, terms="skill"',
            "TypeError: terms must be a list of names: found 'skill'",
        ),
        (
            '"churn", margin=0, terms=["entropy"]',
            "ValueError: terms must tell better from worse: 'entropy' tells no better",
        ),
        (
            '"churn", margin=0, terms=["auc"]',
            "ValueError: terms must tell better from worse: 'auc' is no term",
        ),
        ('"churn", margin=0, terms=[]', "ValueError: terms must name a term: found"),
        ("None, margin=0", "ValueError: the name of a baseline must be *found None"),
        (
            '"churn", margin=0, terms=None',
            "TypeError: terms must be a list of names: found None; pass ('cross_ent",
        ),
        (
            '"churn", margin={"cross_entropy": 0, "skill": 0.1}',
            "ValueError: margin must be of terms that are compared: found 'skill', and",
        ),
    ],
)
def test_wrong_calls_are_sentences(run, args, message):
    done = run(f"xent.no_worse(evaluated(n=300), {args})")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines([f"E *{message}*"])


@pytest.mark.parametrize("content", ["{}", '{"xent_baseline": 1}', "[]", "<<<<"])
def test_another_file_in_place_of_a_baseline_is_refused(run, folder, content):
    folder.mkdir("xent_baselines").joinpath("churn.json").write_text(content)
    done = run(NO_WORSE.format("n=300", 0))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["E *must be a baseline of schema 1: found something *"])


OTHERS = """
from xent_metrics import Evaluation
y, q = [0, 1] * 200, [0.2, 0.7] * 200
now = Evaluation.from_predictions({}, recalibration="temperature"{})
xent.no_worse(now, "churn", margin=0{})
"""


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("y, q", ", base=2", ""), "in the unit of its baseline: found bits, and nats"),
        (
            ("['a', 'b'] * 200, q", "", ""),
            "must have the classes of its baseline: found ('a', 'b'), and (0, 1)",
        ),
        (("y, q", "", ", paired=True"), "paired=True requires the rows of the basel"),
    ],
)
def test_what_cannot_be_compared_is_refused(run, parts, message):
    accept(run, OTHERS.format("y, q", "", ""))
    done = run(OTHERS.format(*parts))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines([f"E *{message}*"])


@pytest.mark.parametrize(
    ("targets", "options"),
    [
        ("y, q", ""),
        pytest.param(
            *("y, q", ", sample_weight=[1, 2, 3, 4] * 100, base=2"),
            marks=pytest.mark.slow,
        ),
        ("y, q", ", groups=['a', 'b', 'c', 'd'] * 100"),
        pytest.param(
            *("[[0.9, 0.1], [0.4, 0.6]] * 200, [[0.8, 0.2], [0.3, 0.7]] * 200", ""),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_rows_are_kept_with_all_that_they_had(run, targets, options):
    pytest.importorskip("pyarrow")
    body = OTHERS.format(targets, options, ", paired=True")
    accept(run, body)
    done = run(body)
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["1 check: 1 passed"])


def test_rows_that_are_gone_cannot_be_kept(run):
    gone = "now = Evaluation.from_json(now.to_json())\nxent."
    body = OTHERS.format("y, q", "", ", paired=True").replace("xent.", gone)
    done = run(body, "--xent-update")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["E *paired=True requires the predictions of one model*"])


def test_what_is_no_evaluation_is_refused(run):
    done = run('xent.no_worse(evaluated().decomposition, "churn", margin=0)')
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["E *must be given as an Evaluation: found Decomposition; pass *"]
    )


def test_a_number_of_checks_below_one_is_wrong_usage(run):
    done = run("pass", "--xent-checks=0")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*--xent-checks must be 1 or more: found 0*"])


def test_junit_files_hold_each_check(run, folder):
    run('xent.check(evaluated(), "cross_entropy < 0.7")', "--junitxml=out.xml")
    text = (folder.path / "out.xml").read_text()
    assert 'name="xent.cross_entropy"' in text
    assert "&quot;outcome&quot;: &quot;passed&quot;" in text


def test_junit_files_name_the_term_of_a_slice(run, folder):
    body = 'e = evaluated().from_frame(pd.DataFrame({"y": [0, 1] * 99, "p": [0.4, 0.6] '
    body += '* 99, "s": "new york"}), target="y", proba="p")\n'
    body += 'xent.check(e, "cross_entropy[s=new york] < 9 and miscalibration.low < 9")'
    run(f"import pandas as pd\n{body}", "--junitxml=out.xml")
    text = (folder.path / "out.xml").read_text()
    assert 'name="xent.cross_entropy"' in text
    assert 'name="xent.miscalibration"' in text


@pytest.mark.parametrize("file", ["", "nowhere/sum.md", "."])
def test_a_summary_that_cannot_be_written_is_wrong_usage(run, file):
    done = run("pass", f"--xent-summary={file}")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*must name a file in a folder that exists: found '*"])


def test_the_summary_is_a_table_in_markdown(run, folder):
    (folder.path / "sum.md").write_text("before\n")
    run('xent.check(evaluated(), "cross_entropy < 0.7")', "--xent-summary=sum.md")
    lines = (folder.path / "sum.md").read_text().splitlines()
    assert lines[0] == "before"
    assert lines[3].startswith("| outcome | test | check |")
    assert lines[5].startswith(
        "| passed | test_model.py::test_model | cross_entropy &lt; 0.7 | 0.5"
    )


def test_a_session_knows_how_many_checks_the_last_one_made(run, folder):
    accept(run, NO_WORSE.format("", 0.01))
    run(NO_WORSE.format("", 0.01))
    kept = (folder.path / ".pytest_cache/v/xent/checks").read_text()
    assert json.loads(kept) == {"test_model.py::test_model": 1}
    done = run(NO_WORSE.format("1, power=3", 0.01))
    done.stdout.fnmatch_lines(["E *a term fails at p <= 0.05 = 0.05 / 1, for 1 *"])
    done = run(NO_WORSE.format("1, power=3", 0.01), "--xent-checks=4")
    done.stdout.fnmatch_lines(["E *a term fails at p <= 0.0125 = 0.05 / 4, for *"])


@pytest.mark.slow
def test_what_is_unused_imports_no_pandas(folder):
    folder.makeconftest('pytest_plugins = ["xent_metrics_pytest"]')
    folder.makepyfile(
        test_plain="def test_plain(): pass",
        run="import sys, pytest\n"
        "assert pytest.main(['--collect-only', '-q', '-p', 'no:randomly']) == 0\n"
        "assert 'xent_metrics_pytest' in sys.modules\n"
        "assert 'pandas' not in sys.modules\n"
        "assert 'xent_metrics' not in sys.modules\n",
    )
    assert folder.runpython(folder.path / "run.py").ret == 0
