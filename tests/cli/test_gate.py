"""How the command line judges conditions that its files cannot all give."""

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


def test_what_is_no_condition_is_refused_in_the_name_of_the_option():
    with pytest.raises(
        UsageError, match="--fail-if must name a term or a count: 'auc'"
    ):
        read("auc>1")


def test_counts_are_refused_where_terms_alone_are_known():
    with pytest.raises(UsageError, match="must name a term: 'n' is none"):
        read_conditions(["n>1"], TERMS)


def test_parts_of_the_miscalibration_require_a_map_too():
    with pytest.raises(UsageError, match="--fail-if underconfidence requires a recal"):
        read_conditions(
            ["underconfidence>0"], ("underconfidence",), recalibration="none"
        )


def test_slices_are_refused_where_there_are_no_rows():
    with pytest.raises(
        UsageError, match="takes no slice here: found '.' at character 6"
    ):
        read("skill[site=west]>1")


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("skill>0.5", False),
        ("skill>=0.5", True),
        ("skill<0.5", False),
        ("skill<=0.5", True),
        ("skill.value<=0.5", True),
        ("skill.low<0.4", False),
        ("skill.low<0.41", True),
        ("skill.high>0.6", False),
        ("skill.high>0.59", True),
        ("skill.high>0.59 and skill>0.4", True),
        ("skill.high>0.59 and skill>0.5", False),
    ],
)
def test_signs_and_ends_decide(text, failed):
    outcome = judge(read(text), {"skill": Number(0.5, (0.4, 0.6), "")})
    assert outcome.failed is failed
    assert outcome.status != "insufficient"


@pytest.mark.parametrize(
    ("text", "status", "exit_code"),
    [
        ("skill>0.5", "insufficient", 3),
        ("skill>0.39", "failed", 1),
        ("skill>=0.6", "insufficient", 3),
        ("skill>0.6", "passed", 0),
        ("skill.value>0.5", "passed", 0),
        ("skill.high>0.5", "failed", 1),
        ("skill>0.5 and skill>0.6", "passed", 0),
        ("skill>0.5 and skill>0.39", "insufficient", 3),
    ],
)
def test_three_ways_ask_for_the_whole_interval(text, status, exit_code):
    numbers = {"skill": Number(0.5, (0.4, 0.6), "")}
    outcome = judge(read(text), numbers, three_way=True)
    assert outcome.status == status
    assert tell([outcome]) == exit_code


def test_a_condition_that_failed_outweighs_one_that_is_open():
    numbers = {"skill": Number(0.5, (0.4, 0.6), "")}
    both = [judge(read(t), numbers, three_way=True) for t in ("skill>.5", "skill>.3")]
    assert tell(both) == 1


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
    assert str(outcome) == "failed: cross_entropy > 1 holds: found inf nats"


def test_all_are_told_and_one_is_enough(capsys):
    numbers = {"n": Number(300, None, ""), "skill": Number(0.25, (0.2, 0.3), "")}
    outcomes = [judge(read(text), numbers) for text in ("n<100", "skill<0.5")]
    assert tell(outcomes) == 1
    assert tell(outcomes[:1]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    first, second, again = err.splitlines()
    assert first == again == "passed: n < 100 does not hold: found 300"
    assert second == "failed: skill < 0.5 holds: found 0.25"
