import json
import math

import numpy as np
import pandas as pd
import pytest

from xent_metrics import TERMS, Drift, Evaluation, compare, drift

from .sets import drawn, evaluated, softmax

REFERENCE = evaluated(seed=1)
FLATTER = evaluated(seed=2, slope=0.35)
SEVERAL = evaluated(k=4, seed=3)


def total(result):
    return result.mix.difference + result.concept.difference


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"base": 2},
        {"sample_weight": np.random.default_rng(0).exponential(size=900)},
        {"groups": np.repeat(np.arange(300), 3)},
    ],
    ids=["plain", "bits", "weights", "groups"],
)
def test_mix_and_concept_sum_to_the_change(k, options):
    first = evaluated(900, k, seed=4, options=options)
    second = evaluated(900, k, seed=5, slope=0.4, centre=0.5, options=options)
    result = drift(first, second)
    change = second.terms["cross_entropy"] - first.terms["cross_entropy"]
    assert total(result) == pytest.approx(change, rel=1e-12)
    assert result.differences["cross_entropy"].difference == pytest.approx(change)
    assert result.expected_loss == pytest.approx(
        first.terms["cross_entropy"] + result.mix.difference, rel=1e-12
    )


def test_errors_of_both_parts_and_their_correlation_give_that_of_the_change():
    found = drift(REFERENCE, FLATTER)
    a, b = found.mix.standard_error, found.concept.standard_error
    both = math.sqrt(a * a + b * b + 2 * found.correlation * a * b)
    expected = found.differences["cross_entropy"].standard_error
    assert both == pytest.approx(expected, rel=1e-9)


def test_a_difference_of_terms_has_the_errors_of_both_sets():
    found = drift(REFERENCE, FLATTER, level=0.9)
    for term in TERMS:
        one, two = REFERENCE.decomposition, FLATTER.decomposition
        change = found.differences[term]
        expected = two.terms[term] - one.terms[term]
        assert change.difference == pytest.approx(expected, nan_ok=True)
        error = math.hypot(one.standard_errors[term], two.standard_errors[term])
        assert change.standard_error == pytest.approx(error, nan_ok=True)
    low, high = found.mix.low, found.mix.high
    assert high - low == pytest.approx(2 * 1.644854 * found.mix.standard_error)


@pytest.mark.slow
def test_terms_of_several_classes_are_under_one_map():
    rng = np.random.default_rng(0)
    q = softmax(2 * rng.standard_normal((4000, 4)))
    y = np.array(
        [rng.choice(4, p=row) for row in np.roll(q, 1, axis=1) * 0.3 + q * 0.7]
    )
    mixed_up = Evaluation.from_predictions(y, q, labels=range(4))
    found = drift(SEVERAL, mixed_up)
    assert SEVERAL.decomposition.recalibration != mixed_up.decomposition.recalibration
    assert found.reference.recalibration == found.current.recalibration


@pytest.mark.parametrize(
    ("law", "cause"),
    [
        ({}, "nothing clear"),
        ({"centre": 1.5}, "mix"),
        ({"slope": 0.35}, "concept change"),
        ({"bias": 1.0}, "constant shift"),
        ({"prior": 1.5}, "prior shift"),
        ({"centre": 1.5, "slope": 0.3}, "mix and concept change"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_cause_is_named(law, cause):
    found = drift(evaluated(4000, seed=6), evaluated(4000, seed=7, **law))
    assert found.cause == cause
    assert found.conclusion in repr(found)


def test_a_prior_shift_is_the_change_of_the_log_frequencies():
    found = drift(evaluated(4000, seed=6), evaluated(4000, seed=7, prior=1.5))
    table = found.by_class
    ratio = np.log(table["frequency"] / table["frequency_reference"])
    away = table["shift"] - (ratio - ratio.mean())
    assert (np.abs(away) < 4 * table["shift_se"]).all()
    assert (table["shift"].abs() > 10 * table["shift_se"]).all()


def test_parts_of_classes_and_groups_add_up_to_the_whole():
    keys = [np.arange(2000) % 3, np.arange(2000) % 2]
    found = drift(SEVERAL, evaluated(k=4, seed=8, slope=0.5), by=tuple(keys))
    for table in (found.by_class, found.by_group):
        assert table["mix"].sum() == pytest.approx(found.mix.difference)
        assert table["concept"].sum() == pytest.approx(found.concept.difference)
    assert found.by_group.index.tolist() == [0, 1, 2]
    assert found.by_group["n"].tolist() == [1000, 1000, 0]
    assert found.by_class["frequency"].sum() == pytest.approx(1)


def test_one_group_of_all_rows_is_the_whole():
    pair = (np.zeros(2000), np.zeros(2000))
    found = drift(REFERENCE, FLATTER, by=pair)
    row = found.by_group.iloc[0]
    for name in ("mix", "concept"):
        part = getattr(found, name)
        assert row[name] == pytest.approx(part.difference)
        assert row[f"{name}_se"] == pytest.approx(part.standard_error)


def test_columns_of_both_frames_are_groups():
    frames = []
    for seed in (1, 2):
        y, q = drawn(seed=seed)
        frame = pd.DataFrame({"y": y, "p": q[:, 1], "plan": ["basic", "plus"] * 1000})
        frames.append(Evaluation.from_frame(frame, target="y", proba="p"))
    by_name = drift(*frames, by="plan").by_group
    by_value = drift(*frames, by=(["basic", "plus"] * 1000, ["basic", "plus"] * 1000))
    pd.testing.assert_frame_equal(by_name, by_value.by_group, check_names=False)


def test_classes_in_another_order_are_the_same_classes():
    y, q = drawn(k=4, seed=9, slope=0.5)
    order = [2, 0, 3, 1]
    plain = Evaluation.from_predictions(
        y, q, labels=range(4), recalibration="temperature"
    )
    turned = Evaluation.from_predictions(
        y, q[:, order], labels=order, recalibration="temperature"
    )
    one, two = drift(SEVERAL, plain), drift(SEVERAL, turned)
    assert two.mix.difference == pytest.approx(one.mix.difference, rel=1e-9)
    assert two.concept.standard_error == pytest.approx(one.concept.standard_error)
    assert two.cause == one.cause


def test_bits_are_nats_over_log_two():
    first = [evaluated(seed=1, options={"base": base}) for base in (None, 2)]
    one, two = (drift(each, FLATTER) for each in first)
    for name in ("mix", "concept"):
        nats, bits = getattr(one, name), getattr(two, name)
        assert bits.difference == pytest.approx(nats.difference / math.log(2))
        assert bits.pvalue == pytest.approx(nats.pvalue)
    assert two.unit == "bits"
    assert total(two) == pytest.approx(two.differences["cross_entropy"].difference)


@pytest.mark.slow
def test_rows_copied_within_groups_change_no_error():
    twice = np.repeat(np.arange(2000), 2)
    found = []
    for rows, options in ((slice(None), {}), (twice, {"groups": twice})):
        both = []
        for seed in (1, 2):
            y, q = drawn(seed=seed)
            both.append(Evaluation.from_predictions(y[rows], q[rows], **options))
        found.append(drift(*both))
    once, copied = found
    # The ridge of the map counts rows, of which there are twice as many.
    assert copied.mix.difference == pytest.approx(once.mix.difference, abs=2e-3)
    for name in ("mix", "concept"):
        first, second = (getattr(one, name).standard_error for one in found)
        assert second == pytest.approx(first, rel=0.05)


def test_unseen_labels_count_in_both_sets():
    both = []
    for seed in (1, 2):
        y, q = drawn(seed=seed)
        y = np.where(np.arange(2000) % 100 == 0, 7, y)
        with pytest.warns(UserWarning, match="not among"):
            both.append(Evaluation.from_predictions(y, q, labels=[0, 1]))
    found = drift(*both)
    change = both[1].terms["cross_entropy"] - both[0].terms["cross_entropy"]
    assert total(found) == pytest.approx(change)
    assert found.cause == "nothing clear"


def test_distributions_and_votes_are_split_too():
    rng = np.random.default_rng(0)
    both = []
    for _ in range(2):
        p = rng.dirichlet(np.ones(3), 1000)
        both.append(
            Evaluation.from_predictions(
                rng.multinomial(5, p), p, recalibration="temperature"
            )
        )
    found = drift(*both)
    change = both[1].terms["cross_entropy"] - both[0].terms["cross_entropy"]
    assert total(found) == pytest.approx(change)
    assert math.isfinite(found.differences["grouping_loss"].pvalue)


def test_an_infinite_loss_has_no_split():
    y, q = drawn(seed=2)
    q[0] = np.eye(2)[1 - y[0]]
    broken = Evaluation.from_predictions(y, q, clip=0)
    found = drift(evaluated(seed=1, options={"clip": 0}), broken)
    assert found.concept.difference == math.inf
    assert math.isnan(found.concept.pvalue)
    assert "infinite" in found.conclusion


@pytest.mark.parametrize(
    "same",
    [
        Evaluation.from_predictions,
        lambda y, q: Evaluation.from_predictions(y, 0.5 * q + 0.25),
        lambda y, q: Evaluation.from_predictions(y[::-1], q[::-1]),
        lambda y, q: Evaluation.from_predictions(y[:900], q[:900]),
    ],
    ids=["the same", "another model", "reversed", "a part"],
)
def test_sets_of_the_same_rows_are_refused(same):
    reference = evaluated(seed=1)
    with pytest.raises(ValueError, match=r"different rows: .*compare\("):
        drift(reference, same(*drawn(seed=1)))
    assert compare({"reference": reference, "current": REFERENCE})


def test_few_distinct_predictions_are_not_taken_for_the_same_rows():
    rng = np.random.default_rng(0)
    both = []
    for _ in range(2):
        q = rng.integers(1, 10, size=400) / 10
        both.append(Evaluation.from_predictions(rng.random(400) < q, q))
    assert drift(*both).cause == "nothing clear"


def test_few_current_rows_are_said_to_name_too_many_causes():
    few = "with fewer than about 300 a cause is named too often"
    changed = evaluated(n=250, seed=2, slope=0.2)
    found = drift(REFERENCE, changed)
    assert found.cause != "nothing clear"
    assert f"only 250 current rows: {few}" in repr(found)
    assert few not in repr(drift(REFERENCE, FLATTER))


def test_maps_are_compared_only_where_both_sets_have_one():
    _, q = drawn(seed=2)
    with pytest.warns(UserWarning, match="only 30 rows"):
        one_class = Evaluation.from_predictions([1] * 30, q[:30], labels=[0, 1])
    assert "under two maps" not in repr(drift(REFERENCE, one_class))


def test_what_cannot_be_compared_is_refused():
    y, q = drawn(seed=1)
    with pytest.raises(TypeError, match="reference must be an Evaluation.*found tuple"):
        drift((y, q), FLATTER)
    with pytest.raises(ValueError, match="must have the same classes: found 0, 1, 2"):
        drift(SEVERAL, FLATTER)
    with pytest.raises(ValueError, match="the same clip: found 2.22045e-16 and 0.01"):
        drift(REFERENCE, evaluated(seed=2, options={"clip": 0.01}))
    with pytest.raises(ValueError, match="one for each of 2 folds"):
        drift(evaluated(options={"folds": np.arange(2000) % 2}), FLATTER)
    with pytest.raises(ValueError, match=r"a pair of values: found ndarray|by must be"):
        drift(REFERENCE, FLATTER, by="plan")
    with pytest.raises(TypeError, match="pair of values: found ndarray"):
        drift(REFERENCE, FLATTER, by=np.zeros(2000))
    with pytest.raises(TypeError, match="pair of values: found a list of values"):
        drift(REFERENCE, FLATTER, by=[0, 1] * 1000)
    with pytest.raises(ValueError, match="level must be in"):
        drift(REFERENCE, FLATTER, level=1.5)
    with pytest.warns(UserWarning, match="only 30 rows"):
        one_class = Evaluation.from_predictions([1] * 30, q[:30], labels=[0, 1])
    with pytest.raises(ValueError, match="recalibration map: undefined: y_true holds"):
        drift(one_class, FLATTER)


def test_a_result_is_text_a_table_and_strict_json():
    found = drift(REFERENCE, FLATTER, by=(np.arange(2000) % 2, np.arange(2000) % 2))
    document = json.loads(found.to_json())
    assert document["cause"] == "concept change"
    assert document["mix"]["difference"] == found.mix.difference
    assert [row["row"] for row in document["by_group"]] == [0, 1]
    frame = found.to_frame()
    assert frame.index.tolist()[:3] == ["cross_entropy", "mix", "concept"]
    assert frame.loc["concept", "difference"] == found.concept.difference
    assert "| concept |" in found.to_markdown()
    assert "concept" in found._repr_html_()
    assert found == drift(
        REFERENCE, FLATTER, by=(np.arange(2000) % 2, np.arange(2000) % 2)
    )
    assert isinstance(found, Drift)
    assert found != drift(REFERENCE, FLATTER)
