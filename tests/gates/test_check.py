import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, compare, decompose, drift, gates

# No set of rows that a test can afford has a count of eight digits.
from xent_metrics.gates import _judge, _numbers
from xent_metrics.gates._grammar import Names, read_expression

N = 1200
NO_MAP = {"recalibration": "none"}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    q = rng.uniform(size=N)
    sites = np.where(np.arange(N) < 6, "tiny", np.tile(["west", "new york"], N // 2))
    y = rng.uniform(size=N) < q
    return pd.DataFrame({"y": y, "p": q, "site": sites, "room": np.arange(N) % 3})


@pytest.fixture(scope="module")
def evaluation(frame):
    return Evaluation.from_frame(frame, target="y", proba="p")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("cross_entropy < {above}", "passed"),
        ("cross-entropy<={high}", "passed"),
        ("cross_entropy<{high}", "insufficient"),
        ("cross_entropy < {value}", "insufficient"),
        ("cross_entropy > {value}", "insufficient"),
        ("cross_entropy < {low}", "failed"),
        ("cross_entropy.value <= {value}", "passed"),
        ("cross_entropy.value < {value}", "failed"),
        ("cross_entropy.high < {value}", "failed"),
        ("cross_entropy.low < {value}", "passed"),
        ("n >= 1200", "passed"),
        ("n > 1.2e3", "failed"),
        ("n.value > 1e2", "passed"),
        ("n > 1 and cross_entropy < {value}", "insufficient"),
        ("n > 1e9 and cross_entropy < {value}", "failed"),
        ("n > 1 and cross_entropy < {above}", "passed"),
        ("grouping_loss < 1", "failed"),
    ],
)
def test_the_whole_interval_decides(evaluation, text, status):
    low, high = evaluation.ci()["cross_entropy"]
    value = evaluation.decomposition.cross_entropy
    numbers = {"low": low, "high": high, "value": value, "above": high + 0.01}
    text = text.format(**{name: repr(one) for name, one in numbers.items()})
    outcome = gates.check(evaluation, text)
    assert outcome.status == status
    assert outcome.exit_code == {"passed": 0, "failed": 1, "insufficient": 3}[status]
    assert bool(outcome) is (status == "passed")
    assert gates.check(evaluation.decomposition, text) == outcome


def test_the_level_widens_the_interval(evaluation):
    _, high = evaluation.ci(0.5)["cross_entropy"]
    text = f"cross_entropy < {high + 1e-6}"
    assert gates.check(evaluation, text, level=0.5).status == "passed"
    assert gates.check(evaluation, text).status == "insufficient"
    with pytest.raises(ValueError, match="level must be in"):
        gates.check(evaluation, text, level=95)


def test_a_slice_is_the_row_of_its_group(evaluation):
    table = evaluation.by(["site", "room"])
    text = "cross_entropy[site=new york, room=2] < 9 and n[site='west'] > 1"
    first, second = gates.check(evaluation, text).findings
    row = table.loc[("new york", 2)]
    assert first.value == row["cross_entropy"]
    assert first.high - first.value == pytest.approx(
        1.959963984540054 * row["cross_entropy_se"], rel=1e-12
    )
    assert second.value == evaluation.by("site").loc["west", "n"]


def test_each_group_is_checked_at_a_shared_level(evaluation):
    outcome = gates.check(evaluation, "miscalibration < 0.1", by="site")
    assert [one.group for one in outcome.findings] == [
        "site=new york", "site=tiny", "site=west",
    ]  # fmt: skip
    assert [one.status for one in outcome.findings] == [
        "passed", "insufficient", "passed",
    ]  # fmt: skip
    assert "6 independent rows: too few" in outcome.findings[1].why
    assert outcome.status == "insufficient"
    row = evaluation.by("site").loc["west"]
    reach = outcome.findings[2].high - outcome.findings[2].value
    # The 1 - 0.05 / 6 quantile of the normal distribution.
    assert reach == pytest.approx(2.3939797998 * row["miscalibration_se"], rel=1e-9)


def test_too_few_rows_fail_where_an_end_is_asked_for(evaluation):
    outcome = gates.check(evaluation, "miscalibration.high < 0.1", by="site")
    assert outcome.findings[1].status == "failed"


def test_groups_are_also_given_as_values(evaluation, frame):
    result = decompose(frame["y"], frame["p"])
    named = gates.check(evaluation, "cross_entropy < 1", by="site")
    given = gates.check(result, "cross_entropy < 1", by=frame["site"])
    assert given == named


def test_a_scan_is_checked_by_what_it_was_scanned_by(frame, tmp_path):
    pytest.importorskip("pyarrow")
    from xent_metrics import scan  # noqa: PLC0415 - it needs pyarrow

    frame.to_parquet(tmp_path / "rows.parquet")
    found = scan(tmp_path / "rows.parquet", target="y", proba="p", by="site")
    outcome = gates.check(found, "cross_entropy[site=west] < 1")
    assert (
        outcome.findings[0].value == found.summary("site").loc["west", "cross_entropy"]
    )
    with pytest.raises(ValueError, match="must name n or a term .*'skill' at char"):
        gates.check(found, "skill[site=west] < 1")
    with pytest.raises(ValueError, match="must name a column, at character 15 of"):
        gates.check(found, "cross_entropy[room=1] < 1")


def test_models_are_compared_with_the_baseline(frame):
    worse = 0.5 * frame["p"] + 0.25
    models = {
        name: Evaluation.from_predictions(frame["y"], q)
        for name, q in {"old": frame["p"], "new": worse}.items()
    }
    comparison = compare(models, baseline="old")
    outcome = gates.check(comparison, "cross_entropy <= 0.001")
    [finding] = outcome.findings
    assert (finding.group, finding.status) == ("new - old", "failed")
    one = comparison.differences["new"]["cross_entropy"]
    assert (finding.low, finding.high) == pytest.approx((one.low, one.high), rel=1e-12)
    with pytest.raises(TypeError, match="slices and by are of the rows of an Eval"):
        gates.check(comparison, "cross_entropy < 0", by="site")


class Drifted:
    terms = {"mix": 0.25, "concept": 0.5}  # noqa: RUF012 - a stand-in
    unit = "bits"

    def ci(self, level):
        assert level == 0.9
        return {"mix": (0.0, 0.5), "concept": (0.4, 0.6)}


def test_any_result_with_terms_and_intervals_can_be_checked():
    outcome = gates.check(Drifted(), "mix < 0.3 and concept > 0.3", level=0.9)
    assert [one.status for one in outcome.findings] == ["insufficient", "passed"]
    assert "interval 0.4 to 0.6 bits" in outcome.findings[1].why
    with pytest.raises(ValueError, match="must name a term: 'n' is none"):
        gates.check(Drifted(), "n > 1", level=0.9)
    with pytest.raises(TypeError, match="found float; pass Evaluation.from_pred"):
        gates.check(0.25, "mix < 0.3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found '', which ends at character 1 where a name belongs"),
        ("skill", "found 'skill', which ends at character 6 where a sign belongs"),
        ("skill=1", "with one of > >= < <=: found 'skill=1', with '=1' at character 6"),
        ("skill==1", "with '=' at character 6|with '==1' at character 6"),
        ("skill<>1", "with .* at character 6 where a sign belongs"),
        ("skill>x", "with 'x' at character 7 where a number belongs"),
        ("skill>1>2", "with '>2' at character 8 where 'and' or the end belongs"),
        ("skill>nan", "with 'nan' at character 7 where a number belongs"),
        ("skill>1 and", "which ends at character 12 where a name belongs"),
        ("skill>1 or n>2", "joins by 'and' only: found 'or' at character 9"),
        ("skill>1 also n>2", "with 'also' at character 9 where 'and' or the end"),
        ("skil>1", "'skil' is none, at character 1 of 'skil>1'; did you mean 'skill'"),
        ("n>1 and auc>1", "a term or a count: 'auc' is none, at character 9 of"),
        ("skill.mid>1", "takes .low or .high .*: found '.mid' at character 6"),
        ("n.low>1", "takes .low of terms: n at character 2 .* is a count"),
        ("n[site]>1", "with ']' at character 7 where '=' belongs"),
        ("n[site=west>1", "which ends at character 14|with '>1'|where ']' or ','"),
        ("n[=west]>1", "with '=west' at character 3 where a column belongs"),
        ("n[site='west]>1", "at character 8 where a value belongs"),
        ("n[sit=west]>1", "must name a column, at character 3 .*: 'sit' is not a col"),
        ("n[site=wst]>1", "site has no 'wst', at character 8 of .*; there are 'new y"),
        ("n[site=west,site=tiny]>1", "a column once: found 'site' twice, at char"),
        ("n[site=tiny,room=7]>1", "room has no '7', at character 18"),
        (
            "skill[site=west]>1",
            "must name n or a term .*: found 'skill' at character 1",
        ),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(evaluation, text, message):
    with pytest.raises(ValueError, match=message):
        gates.check(evaluation, text)


@pytest.mark.parametrize("expression", [None, 5, ["n > 5"]])
def test_an_expression_that_is_no_text_is_refused(evaluation, expression):
    with pytest.raises(TypeError, match="a condition must be text: found .*; pass"):
        gates.check(evaluation, expression)


def test_values_without_rows_in_common_are_refused(frame):
    some = frame[~((frame["site"] == "tiny") & (frame["room"] == 1))]
    found = Evaluation.from_frame(some, target="y", proba="p")
    with pytest.raises(ValueError, match=r"\[site=tiny, room=1\] has no rows, at char"):
        gates.check(found, "n[site=tiny, room=1] > 0")


def test_by_and_slices_exclude_each_other(evaluation):
    with pytest.raises(ValueError, match="exclude each other: found '.' in a cond"):
        gates.check(evaluation, "n[site=west] > 0", by="room")


def test_columns_and_values_may_be_quoted():
    rng = np.random.default_rng(1)
    rows = {
        "y": [0, 1] * 100,
        "p": rng.uniform(size=200),
        "a ]": ['x"y, z', "b\\"] * 100,
    }
    found = Evaluation.from_frame(pd.DataFrame(rows), target="y", proba="p")
    first = gates.check(found, "n['a ]'='x\"y, z'] >= 50")
    second = gates.check(found, first.expression)
    assert first == second
    assert first.status == "passed"
    assert gates.check(found, r'n["a ]"="b\\"] >= 50').status == "passed"


@pytest.mark.parametrize("term", ["miscalibration", "underconfidence"])
def test_a_gate_that_would_never_shut_is_refused(term):
    first = ([0, 1] * 200, [0.2, 0.7] * 200)
    second = ([0, 1, 1, 0] * 100, [0.3, 0.6] * 200)
    models = {"a": first, "b": (first[0], second[1])}
    before, now = (Evaluation.from_predictions(*x, **NO_MAP) for x in (first, second))
    results = [before.decomposition, compare(models, **NO_MAP), drift(before, now)]
    for result in results:
        with pytest.raises(ValueError, match=f"{term} requires .* at character 25 of"):
            gates.check(result, f"cross_entropy < 9   and {term}.high < 0.1")


@pytest.mark.parametrize("by", [None, np.arange(800) % 2])
def test_predictions_that_no_map_mends_are_judged_by_their_interval(by):
    rng = np.random.default_rng(1)
    q = rng.dirichlet([1.0, 1.0, 1.0], size=800)
    y = [rng.choice(3, p=row) for row in q]
    found = Evaluation.from_predictions(y, q)
    assert found.decomposition.recalibration == "none"  # as "auto" chose
    assert found.ci()["miscalibration"][1] > 0
    assert gates.check(found, "miscalibration < 0.05", by=by).status == "passed"
    assert gates.check(found, "miscalibration < 0.001", by=by).status == "insufficient"
    kept = Evaluation.from_json(found.to_json())
    assert gates.check(kept, "miscalibration < 0.05").status == "passed"


def test_conditions_and_counts_are_written_with_all_their_digits(evaluation):
    outcome = gates.check(evaluation, "n >= 12345678 and skill.value < 0.123456789")
    assert outcome.expression == "n >= 12345678 and skill.value < 0.123456789"
    judged = _judge.judge(
        read_expression("n<9", Names((), ("n",))).conditions[0],
        _numbers.Number(12345678.0, None, ""),
        by_interval=True,
    )
    assert judged.why == "found 12345678"


def test_whole_numbers_of_groups_are_written_without_a_point(evaluation, frame):
    room = frame["room"].where(frame["room"] > 0).rename("room")
    outcome = gates.check(evaluation, "n > 1", by=room)
    assert [one.group for one in outcome.findings] == ["room=1", "room=2", "room=nan"]


def test_an_infinite_cost_is_compared_as_it_is():
    y, q = [0, 1] * 100, [0.2, 0.7] * 99 + [1.0, 0.7]
    found = decompose(y, q, clip=0)
    assert gates.check(found, "cross_entropy < 1").status == "failed"
    assert gates.check(found, "cross_entropy > 1").status == "passed"


def test_outcomes_are_text_tables_and_documents(evaluation):
    outcome = gates.check(evaluation, "n > 5000 and cross_entropy[site=west] < 9")
    lines = repr(outcome).splitlines()
    assert lines[0] == (
        "Gate failed: n > 5000 and cross_entropy[site=west] < 9 (level 0.95)"
    )
    assert lines[-1] == "failed: n > 5000: found 1200"
    assert list(outcome.to_frame()["status"]) == ["failed", "passed"]
    found = outcome.to_dict()
    assert found["status"] == "failed"
    assert found["findings"][0]["value"] == 1200
    assert '"low": "nan"' in outcome.to_json()
    assert "n &gt; 5000" in outcome._repr_html_()
    again = pickle.loads(pickle.dumps(outcome))  # noqa: S301 - made here
    assert again == outcome
    assert hash(again) == hash(outcome)
    assert copy.copy(outcome) == outcome


def test_names_of_groups_are_escaped_in_html():
    found = Evaluation.from_frame(
        pd.DataFrame({"y": [0, 1] * 100, "p": 0.5, "site": "<script>"}),
        target="y", proba="p", recalibration="temperature",
    )  # fmt: skip
    page = gates.check(found, "cross_entropy < 9", by="site")._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_unknown_name_of_the_module_is_answered():
    with pytest.raises(AttributeError, match="did you mean .check?"):
        _ = gates.chek
    assert dir(gates) == ["Finding", "Outcome", "check"]
