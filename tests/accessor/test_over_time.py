"""Terms by period, beside what a reference expects, also before labels come."""

import math

import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    Evaluation,
    OutsideReferenceWarning,
    SmallSampleWarning,
    decompose,
    expected_loss,
)
from xent_metrics._recalibration.softmax import softmax

N, K = 1400, 3
CLASSES = ["cat", "dog", "emu"]


def drawn(k, seed, n=N, slope=0.8, labels=None):
    """Bold predictions in columns, labels, and a time every half hour."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0.0, 1.5, (n, k))
    p, q = softmax(slope * z.T)[1].T, softmax(z.T)[1].T
    y = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)
    names = CLASSES[:k] if labels is None else labels
    frame = pd.DataFrame(q, columns=[f"p_{name}" for name in names])
    frame["y"] = np.array(names)[y]
    frame["when"] = pd.date_range("2026-01-05", periods=n, freq="30min")
    frame["w"] = rng.exponential(size=n)
    frame["site"] = rng.integers(600, size=n)
    return frame


@pytest.fixture(scope="module")
def reference():
    return Evaluation.from_frame(drawn(K, 0, n=3000), **VIEW)


@pytest.fixture
def frame():
    return drawn(K, 1)


VIEW = {"target": "y", "proba": "p_", "recalibration": "temperature"}


def test_without_a_reference_terms_are_those_of_a_grouper(frame):
    found = frame.xent(**VIEW).over_time("when", freq="W")
    table = frame.xent(**VIEW).decompose(by=pd.Grouper(key="when", freq="W"))
    assert found.to_frame().pop("n_labelled").to_list() == table["n"].to_list()
    pd.testing.assert_frame_equal(found.table.drop(columns="n_labelled"), table)
    whole = frame.xent(**VIEW).decompose().terms
    assert found.lines == pytest.approx(whole, nan_ok=True)
    assert (found.freq, found.unit, found.n) == ("W-SUN", "nats", N)
    assert found.alerts.empty
    assert "of all labelled rows" in repr(found)


def test_with_a_reference_labelled_rows_have_terms_and_all_rows_an_expected_loss(
    frame, reference
):
    late = frame["when"] >= "2026-01-22"
    frame.loc[late, "y"] = None
    found = frame.xent(**VIEW).over_time("when", reference=reference)
    terms = frame[~late].xent(**VIEW).decompose(by=pd.Grouper(key="when", freq="W"))
    names = [name for name in terms if name not in ("n", "weight", "note")]
    table = found.table
    assert table["n"].to_list() == [336] * 4 + [N - 4 * 336]
    assert table["n_labelled"].to_list() == [336, 336, 144, 0, 0]
    pd.testing.assert_frame_equal(table[names].iloc[:3], terms[names])
    assert table["cross_entropy"].isna().to_list() == [False] * 3 + [True] * 2
    assert table["note"].to_list()[3:] == ["no labels"] * 2

    keys = frame["when"].dt.to_period("W")
    proba = frame[["p_cat", "p_dog", "p_emu"]].to_numpy()
    expected = expected_loss(reference, proba, by=keys).by_group
    for ours, theirs in (
        ("expected_loss", "expected_loss"),
        ("expected_loss_se", "population_se"),
        ("realised_se", "realised_se"),
    ):
        np.testing.assert_array_equal(table[ours], expected[theirs])
    of_labelled = expected_loss(reference, proba[~late], by=keys[~late]).by_group
    np.testing.assert_allclose(
        table["excess"].iloc[:3],
        terms["cross_entropy"].to_numpy() - of_labelled["expected_loss"].to_numpy(),
        rtol=1e-10,
    )
    np.testing.assert_array_equal(
        table["excess_se"].iloc[:3], of_labelled["realised_se"]
    )
    assert found.lines == pytest.approx(reference.terms, nan_ok=True)
    assert (found.n, found.n_labelled) == (N, 816)


def test_no_row_needs_a_label(frame, reference):
    frame["y"] = np.nan
    found = frame.xent(**VIEW).over_time("when", reference=reference)
    assert found.table["cross_entropy"].isna().all()
    assert found.table["expected_loss"].notna().all()
    assert (found.n_labelled, found.n_tested, len(found.alerts)) == (0, 0, 0)
    with_labels = drawn(K, 1).xent(**VIEW).over_time("when", reference=reference)
    assert list(found.table) == list(with_labels.table)
    assert "no labels" in found.to_json()


def test_a_change_is_an_alert_and_none_is_not(reference):
    calm = drawn(K, 2).xent(**VIEW).over_time("when", reference=reference)
    assert not calm.table["alert"].any()
    changed = drawn(K, 2)
    later = drawn(K, 3, slope=0.3)
    late = changed["when"] >= "2026-01-19"
    changed[late] = later[late]
    found = changed.xent(**VIEW).over_time("when", reference=reference)
    assert found.table["alert"].to_list() == [False, False, True, True, True]
    assert found.alerts.index.to_list() == found.table.index[2:].to_list()
    assert "3 alerts: labelled rows cost more" in repr(found)
    loose = changed.xent(**VIEW).over_time("when", reference=reference, level=0.5)
    assert loose.reach < found.reach == pytest.approx(2.576, abs=1e-3)


@pytest.mark.parametrize("labels", [[0, 1], [False, True], ["no", "yes"]])
def test_one_column_stands_for_two_classes_of_the_reference(labels):
    train = drawn(2, 4, n=2000, labels=labels)
    proba = f"p_{labels[1]}"
    reference = Evaluation.from_frame(train, target="y", proba=proba, labels=labels)
    frame = drawn(2, 5, labels=labels)
    whole = frame.xent("y", proba, labels=labels).over_time("when", reference=reference)
    frame["y"] = frame["y"].astype(object)
    frame.loc[frame.index[::2], "y"] = None
    half = frame.xent("y", proba).over_time("when", reference=reference)
    np.testing.assert_array_equal(
        half.table["expected_loss"], whole.table["expected_loss"]
    )
    assert half.n_labelled == N // 2
    assert (half.table["n_labelled"] * 2 == half.table["n"]).all()


def test_numbers_that_miss_some_labels_are_the_reference_s_classes():
    train, frame = (drawn(2, seed, labels=[0, 1]) for seed in (6, 7))
    reference = Evaluation.from_frame(train, target="y", proba="p_")
    frame["y"] = frame["y"].astype(float)
    frame.loc[300:, "y"] = np.nan
    found = frame.xent(**VIEW).over_time("when", reference=reference)
    assert found.n_labelled == 300
    cost = -np.log(frame[["p_0", "p_1"]].to_numpy())[
        np.arange(300), frame["y"][:300].astype(int)
    ]
    assert found.table["cross_entropy"].iloc[0] == pytest.approx(cost.mean())


@pytest.mark.parametrize("by_name", [True, False])
def test_weights_and_groups_are_columns_or_values(frame, reference, by_name):
    frame.loc[1000:, "y"] = None
    options = {"sample_weight": "w", "groups": "site"}
    if not by_name:
        options = {name: frame[column].to_numpy() for name, column in options.items()}
    found = frame.xent(**VIEW, **options).over_time("when", reference=reference)
    some = frame[:1000]
    terms = some.xent(**VIEW, sample_weight="w", groups="site").decompose(
        by=pd.Grouper(key="when", freq="W")
    )
    table = found.table.iloc[:3]
    for name in ("cross_entropy", "cross_entropy_se", "miscalibration"):
        np.testing.assert_array_equal(table[name], terms[name])
    keys = frame["when"].dt.to_period("W")
    expected = expected_loss(
        reference,
        frame[["p_cat", "p_dog", "p_emu"]].to_numpy(),
        by=keys,
        sample_weight=frame["w"],
        groups=frame["site"],
    ).by_group
    np.testing.assert_array_equal(
        found.table["expected_loss"], expected["expected_loss"]
    )
    np.testing.assert_array_equal(found.table["realised_se"], expected["realised_se"])


def test_rows_that_miss_a_probability_are_dropped_on_request(frame, reference):
    frame.loc[:9, "p_cat"] = np.nan
    frame.loc[20:29, "y"] = None
    view = frame.xent(**VIEW)
    with pytest.raises(ValueError, match="must not hold|missing|NaN|nan"):
        view.over_time("when", reference=reference)
    found = view(on_missing="drop").over_time("when", reference=reference)
    assert (found.n, found.n_labelled, found.n_dropped) == (N - 10, N - 20, 10)
    assert "10 rows left out" in repr(found)
    clean = frame[10:].xent(**VIEW).over_time("when", reference=reference)
    pd.testing.assert_frame_equal(found.table, clean.table)


@pytest.mark.slow
def test_the_unit_is_that_of_the_reference_or_the_one_given(frame):
    bits = Evaluation.from_frame(drawn(K, 0), **VIEW, base=2)
    own = frame.xent(**VIEW).over_time("when", reference=bits)
    nats = frame.xent(**VIEW, base=math.e).over_time("when", reference=bits)
    assert (own.unit, nats.unit) == ("bits", "nats")
    for name in ("cross_entropy", "expected_loss", "excess", "excess_se"):
        np.testing.assert_allclose(
            own.table[name] * math.log(2), nats.table[name], rtol=1e-9
        )
    assert nats.lines["cross_entropy"] == pytest.approx(
        bits.terms["cross_entropy"] * math.log(2)
    )
    assert nats.lines["skill"] == own.lines["skill"]


@pytest.mark.slow
def test_the_clip_is_that_of_the_reference(frame, reference):
    clipped = Evaluation.from_frame(drawn(K, 0), **VIEW, clip=0.2)
    found = frame.xent(**VIEW).over_time("when", reference=clipped)
    same = frame.xent(**VIEW, clip=0.2).over_time("when", reference=clipped)
    alone = frame.xent(**VIEW, clip=0.2).over_time("when")
    assert found == same
    np.testing.assert_array_equal(
        found.table["cross_entropy"], alone.table["cross_entropy"]
    )
    with pytest.raises(ValueError, match="clip must be that of the reference"):
        frame.xent(**VIEW, clip=0.2).over_time("when", reference=reference)


@pytest.mark.slow
def test_times_may_be_the_index_or_a_level_of_it(frame):
    by_column = frame.xent(**VIEW).over_time("when", freq="D")
    indexed = frame.set_index("when")
    by_index = indexed.xent(**VIEW).over_time(freq="D")
    pd.testing.assert_frame_equal(by_index.table, by_column.table)
    by_level = (
        frame.set_index(["site", "when"]).xent(**VIEW).over_time("when", freq="D")
    )
    pd.testing.assert_frame_equal(by_level.table, by_column.table)


def test_the_result_is_text_a_table_and_json(frame, reference):
    found = frame.xent(**VIEW).over_time("when", freq="D", reference=reference)
    again = frame.xent(**VIEW).over_time("when", freq="D", reference=reference)
    other = frame.xent(**VIEW).over_time("when", freq="W", reference=reference)
    assert found == again != other
    assert hash(found) == hash(again)
    text = repr(found)
    assert text.startswith("30 periods (D) of 1,400 rows, in nats")
    assert "18 earlier periods: see to_frame()" in text
    assert found._repr_html_().startswith("<div>")
    assert "| 2026-02-03 |" in found.to_markdown()
    assert found.to_dict()["periods"].index[0] == "2026-01-05"
    copied = found.to_frame()
    copied["n"] = 0
    assert found.n == N


def test_few_rows_of_a_period_say_so(frame):
    frame.loc[5:335, "when"] = frame.loc[400, "when"]
    found = frame.xent(**VIEW).over_time("when")
    assert "5 independent rows" in found.table["note"].iloc[0]


def test_it_is_that_of_the_whole_where_there_is_one_period(frame):
    found = frame.xent(**VIEW).over_time("when", freq="YS")
    whole = decompose(frame["y"], frame[["p_cat", "p_dog", "p_emu"]].to_numpy())
    assert found.table["cross_entropy"].to_list() == [whole.cross_entropy]
    assert found.table["miscalibration"].iloc[0] == pytest.approx(whole.miscalibration)


@pytest.mark.parametrize(
    ("change", "options", "error", "words"),
    [
        ({}, {"level": 1}, ValueError, r"level must be in \(0, 1\)"),
        ({}, {"when": "y"}, TypeError, "when must group times where it has a freq"),
        (
            {},
            {"when": "no"},
            KeyError,
            "'no' is not a column of the frame, nor a level",
        ),
        ({}, {"freq": "no"}, ValueError, "freq must be the length of a period.*'no'"),
        ({}, {"freq": None}, ValueError, "freq must be the length of a period.*None"),
        ({}, {"reference": 3}, TypeError, "reference must be an Evaluation"),
        ({"when": pd.NaT}, {}, ValueError, "when must hold a time in every row: row 3"),
    ],
)
def test_what_is_no_time_or_no_reference_is_refused(
    frame, change, options, error, words
):
    for name, value in change.items():
        frame.loc[3, name] = value
    with pytest.raises(error, match=words):
        frame.xent(**VIEW).over_time(**{"when": "when"} | options)


def test_many_periods_are_warned_of_once(frame, reference):
    with pytest.warns(SmallSampleWarning, match="makes 1,400 groups") as told:
        frame.xent(**VIEW).over_time("when", freq="30min", reference=reference)
    many = [str(one.message) for one in told if "groups of" in str(one.message)]
    assert len(many) == 1
    assert many[0].startswith("when='when' makes")


def test_labels_must_be_there_without_a_reference(frame):
    frame.loc[3, "y"] = None
    with pytest.raises(ValueError, match="y_true must not be missing|row 3"):
        frame.xent(**VIEW).over_time("when")


def test_predictions_outside_the_reference_are_told_of_once(reference):
    frame = drawn(K, 3)
    q = frame.filter(like="p_").to_numpy() ** 4
    frame[[f"p_{name}" for name in CLASSES]] = q / q.sum(axis=1, keepdims=True)
    frame.loc[N - 200 :, "y"] = None
    with pytest.warns(OutsideReferenceWarning) as told:
        frame.xent(**VIEW).over_time("when", freq="W", reference=reference)
    assert [one.category for one in told] == [OutsideReferenceWarning]
