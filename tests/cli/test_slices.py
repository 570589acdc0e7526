"""Slices, "and" and three ways, as the command line is called."""

from .conftest import parsed

ARGS = ("evaluate", "preds.csv", "--target", "label", "--proba", "p_")
FAST = ("--recalibration", "temperature")


def test_a_slice_reads_the_column_that_it_names(run, expected):
    condition = "cross_entropy[site=north]>5"
    done = run(*ARGS, *FAST, "--fail-if", condition, "--json")
    [outcome] = parsed(done.stdout)["conditions"]
    assert done.exit_code == 0
    table = expected.evaluate().by("site")
    assert abs(outcome["found"] - table.loc["north", "cross_entropy"]) < 1e-12
    assert "passed: cross_entropy[site=north] > 5 does not hold: found" in done.stderr


def test_and_shuts_the_gate_where_both_hold(run):
    for condition, exit_code in (
        ("n>1 and cross_entropy>0", 1),
        ("n>1 and cross_entropy>50", 0),
    ):
        done = run(*ARGS, *FAST, "--fail-if", condition, "--json")
        assert done.exit_code == exit_code
        [outcome] = parsed(done.stdout)["conditions"]
        assert outcome["found"][0] == 300


def test_three_ways_have_an_exit_code_of_their_own(run, expected):
    value = expected.evaluate().decomposition.cross_entropy
    given = (*ARGS, *FAST, "--fail-if", f"cross_entropy>{value - 1e-6}")
    assert run(*given).exit_code == 1
    done = run(*given, "--three-way", "--json")
    assert done.exit_code == 3
    assert "insufficient: cross_entropy > " in done.stderr
    [outcome] = parsed(done.stdout)["conditions"]
    assert outcome["insufficient"] is True
    assert outcome["failed"] is False


def test_an_unknown_column_of_a_slice_is_wrong_usage(run):
    done = run(*ARGS, *FAST, "--fail-if", "n[plan=basic]<10")
    assert done.exit_code == 2
    assert "'plan'" in done.stderr
    done = run(*ARGS, *FAST, "--fail-if", "n[site=nowhere]<10")
    assert done.exit_code == 2
    assert "site has no 'nowhere', at character 8 of" in done.stderr
