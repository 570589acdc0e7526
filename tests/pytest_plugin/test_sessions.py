"""Several checks of one session: Holm's procedure, and processes of xdist."""

import math

import pytest

# Sessions with given p-values cannot be made by models.
from xent_metrics_pytest._ledger import Ledger, Record, holm
from xent_metrics_pytest._worse import Change

pytest_plugins = ["pytester"]

SEVERAL = """
from models import evaluated
import pytest

@pytest.mark.parametrize("seed", range(4))
def test_model(xent, seed):
    xent.no_worse(evaluated(seed), f"model-{seed}", margin=0.02)
    xent.check(evaluated(seed), "cross_entropy < 0.7")
"""


@pytest.mark.parametrize(
    ("pvalues", "declared", "rejected"),
    [
        ([], None, []),
        ([0.05], None, [True]),
        ([0.051], None, [False]),
        ([0.012, 0.0125, 0.9, 0.02], None, [True, True, False, True]),
        ([0.013, 0.0125, 0.9, 0.03], None, [True, True, False, False]),
        ([0.013, 0.013, 0.013, 0.013], None, [False] * 4),
        ([0.012], 5, [False]),
        ([0.01], 5, [True]),
        ([0.04, 0.04], 1, [False, False]),
    ],
)
def test_the_procedure_is_that_of_holm(pvalues, declared, rejected):
    assert holm(pvalues, 0.05, declared) == rejected


def ledger(**options):
    defaults = {"insufficient": "warn", "update": False, "declared": None, "known": {}}
    return Ledger(alpha=0.05, **(defaults | options))


def test_tests_that_are_known_count_as_often_as_they_checked():
    first = ledger(known={"a": 3, "b": 0})
    first.plan(["a", "b"])
    assert first.planned == 3
    first.plan(["a", "new"])
    assert first.planned == 13
    declared = ledger(declared=4)
    declared.plan(["a", "new"])
    assert declared.at_once == 0.0125


def record(pvalue, outcome, test="test"):
    return Record(
        test=test,
        of="x",
        term="skill",
        value=0,
        error=0,
        outcome=outcome,
        pvalue=pvalue,
    )


def test_what_fails_late_is_what_did_not_fail_at_once():
    found = ledger()
    late = record(0.02, "insufficient")
    found.records = [record(0.001, "failed"), late, record(None, "passed")]
    assert found.late() == [late]
    assert found.counts() == {"test": 2}


def change(worse, error, margin=0.0):
    return Change(
        term="skill", title="skill", before=0, before_error=0, now=0, now_error=0,
        worse=worse, error=error, margin=margin,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "pvalue", "status"),
    [
        (change(0.0, 1.0), 0.5, "insufficient"),
        (change(0.03, 0.01, 0.01), 0.0227501319, "insufficient"),
        (change(0.04, 0.01, 0.01), 0.0013498980, "failed"),
        (change(-0.01, 0.01, 0.01), 0.9772498681, "passed"),
        (change(0.0, 0.0), 1.0, "passed"),
        (change(0.02, 0.0, 0.01), 0.0, "failed"),
        (change(0.01, 0.0, 0.01), 1.0, "passed"),
        (change(math.inf, math.nan), math.nan, "failed"),
        (change(0.0, math.nan), math.nan, "failed"),
    ],
)
def test_failing_and_passing_are_both_claims(found, pvalue, status):
    assert found.pvalue == pytest.approx(pvalue, abs=1e-9, nan_ok=True)
    assert found.status(0.01, 0.05) == status


LATE = """
import math

before, now = evaluated(), evaluated(1, power=3)
changes = [one.terms["cross_entropy"] for one in (before, now)]
errors = [one.decomposition.standard_errors["cross_entropy"] for one in (before, now)]
margin = changes[1] - changes[0] - 2.05 * math.hypot(*errors)
xent.no_worse(now, "late", margin=margin)
"""


def test_a_check_fails_when_all_are_known(run):
    """The first session allows for ten checks of a test, which makes one."""
    run('xent.no_worse(evaluated(), "late", margin=0)', "--xent-update")
    done = run(LATE)
    done.assert_outcomes(passed=1, warnings=1)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(
        ["FAILED test_model.py::test_model: late: cross_entropy worse by at most *"]
    )
    again = run(LATE)  # which knows that there is one
    again.assert_outcomes(failed=1)


@pytest.mark.slow
def test_processes_of_xdist_report_to_one(folder):
    folder.makepyfile(test_several=SEVERAL)
    args = ("-p", "no:randomly", "-n2")
    written = folder.runpytest_subprocess(*args, "--xent-update")
    written.assert_outcomes(passed=4)
    done = folder.runpytest_subprocess(*args, "--junitxml=out.xml")
    done.assert_outcomes(passed=4)
    done.stdout.fnmatch_lines(["8 checks: 8 passed"])
    kept = (folder.path / ".pytest_cache/v/xent/checks").read_text()
    assert kept.count(": 1") == 4
