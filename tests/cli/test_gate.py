import math

import pytest

# No file of predictions gives all the numbers that a gate must judge.
from xent_metrics._cli.errors import UsageError
from xent_metrics._cli.gate import Number, judge, read_conditions, tell

TERMS = ("miscalibration", "cross_entropy", "skill")
COUNTS = ("n", "n_unseen")


def read(text):
    [condition] = read_conditions([text], TERMS, COUNTS)
    return condition


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("miscalibration>0.05", ("miscalibration", None, ">", 0.05)),
        ("  miscalibration.low  >=  5e-2 ", ("miscalibration", "low", ">=", 0.05)),
        ("cross-entropy.high<=-.5", ("cross_entropy", "high", "<=", -0.5)),
        ("n < 1000", ("n", None, "<", 1000)),
        ("n_unseen>+0", ("n_unseen", None, ">", 0)),
        ("skill<1.", ("skill", None, "<", 1)),
    ],
)
def test_a_condition_is_a_term_a_sign_and_a_number(text, parts):
    assert read(text) == parts


def test_a_condition_is_written_again_in_full():
    assert str(read("cross-entropy.high<=-.5")) == "cross_entropy.high <= -0.5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("miscalibration", "must be '<term> <sign> <number>'.*found 'miscalibration'"),
        ("miscalibration=1", "with one of > >= < <=: found 'miscalibration=1'"),
        ("miscalibration==1", "with one of > >= < <="),
        ("miscalibration>x", "with one of > >= < <="),
        ("miscalibration>1>2", "with one of > >= < <="),
        ("miscalibration>nan", "with one of > >= < <="),
        ("", "found ''"),
        ("miscalibraton>1", "'miscalibraton' is none; did you mean 'miscalibration'"),
        ("auc>1", "a term or a count: 'auc' is none; there are 'miscalibration', 'cro"),
        ("skill.mid>1", "takes .low or .high of an interval: found '.mid'"),
        ("n.low>1", "n is a count, which has no interval; write 'n>1'"),
    ],
)
def test_what_is_no_condition_is_refused(text, message):
    with pytest.raises(UsageError, match=message):
        read(text)


def test_counts_are_refused_where_terms_alone_are_known():
    with pytest.raises(UsageError, match="must name a term: 'n' is none"):
        read_conditions(["n>1"], TERMS)


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("skill>0.5", False),
        ("skill>=0.5", True),
        ("skill<0.5", False),
        ("skill<=0.5", True),
        ("skill.low<0.4", False),
        ("skill.low<0.41", True),
        ("skill.high>0.6", False),
        ("skill.high>0.59", True),
    ],
)
def test_signs_and_ends_decide(text, failed):
    outcome = judge(read(text), {"skill": Number(0.5, (0.4, 0.6), "")})
    assert outcome.failed is failed


def test_what_cannot_be_computed_shuts_the_gate():
    nan = math.nan
    unknown = {"skill": Number(nan, (nan, nan), "", "undefined: one class only")}
    text = "failed: skill < 1: cannot be computed (undefined: one class only)"
    assert str(judge(read("skill<1"), unknown)) == text
    no_error = {"skill": Number(0.5, (nan, nan), "")}
    outcome = judge(read("skill.low<0"), no_error)
    assert outcome.failed
    assert outcome.why == "cannot be computed (there is no standard error)"
    assert not judge(read("skill<0"), no_error).failed


def test_infinity_is_a_number():
    infinite = {"cross_entropy": Number(math.inf, (math.nan, math.nan), "nats")}
    outcome = judge(read("cross_entropy>1"), infinite)
    assert str(outcome) == "failed: cross_entropy > 1: found inf nats"


def test_all_are_told_and_one_is_enough(capsys):
    numbers = {"n": Number(300, None, ""), "skill": Number(0.25, (0.2, 0.3), "")}
    outcomes = [judge(read(text), numbers) for text in ("n<100", "skill<0.5")]
    assert tell(outcomes) == 1
    assert tell(outcomes[:1]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    first, second, again = err.splitlines()
    assert first == again == "passed: n < 100: found 300"
    assert second == "failed: skill < 0.5: found 0.25"
