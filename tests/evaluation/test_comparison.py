import html
import json
import math

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, compare, decompose

from ..draws import labels_from, tempered

RNG = np.random.default_rng(5)
P = RNG.dirichlet(np.ones(3), 1200)
Y = labels_from(P, RNG)
W = RNG.exponential(size=1200)
BOLD, SHY = tempered(P, 2.0), tempered(P, 0.5)


def evaluation_of(q, **options):
    return Evaluation.from_predictions(Y, q, labels=range(3), **options)


def test_differences_are_those_of_the_terms():
    options = {"labels": range(3), "sample_weight": W, "recalibration": "temperature"}
    c = compare({"bold": (Y, BOLD), "shy": (Y, SHY)}, **options)
    bold, shy = decompose(Y, BOLD, **options), decompose(Y, SHY, **options)
    assert c.baseline == "bold"
    assert c.decompositions["shy"] == shy
    for term, found in c.differences["shy"].items():
        expected = shy.terms[term] - bold.terms[term]
        assert found.difference == pytest.approx(expected, nan_ok=True, abs=1e-15)


def test_standard_error_is_that_of_paired_costs():
    models = {"bold": (Y, BOLD), "shy": (Y, SHY)}
    c = compare(models, labels=range(3), sample_weight=W, recalibration="temperature")
    rows = np.arange(len(Y))
    d = np.log(BOLD[rows, Y] / SHY[rows, Y])
    mean = np.average(d, weights=W)
    n = len(d)
    expected = math.sqrt(n / (n - 1) * ((W * (d - mean)) ** 2).sum()) / W.sum()
    found = c.differences["shy"]["cross_entropy"]
    assert found.difference == pytest.approx(mean, rel=1e-12)
    assert found.standard_error == pytest.approx(expected, rel=1e-12)
    assert found.pvalue == pytest.approx(math.erfc(abs(mean) / expected / 2**0.5))
    assert (found.low + found.high) / 2 == pytest.approx(mean)
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * expected, rel=1e-6)


@pytest.mark.slow
def test_groups_of_copies_are_single_rows():
    twice = np.repeat(np.arange(len(Y)), 2)
    once = compare({"a": (Y, BOLD), "b": (Y, SHY)}, labels=range(3))
    both = compare(
        {"a": (Y[twice], BOLD[twice]), "b": (Y[twice], SHY[twice])},
        labels=range(3),
        groups=twice,
    )
    for term in ("cross_entropy", "skill", "calibration_gap"):
        assert both.differences["b"][term].standard_error == pytest.approx(
            once.differences["b"][term].standard_error, rel=1e-12
        )


@pytest.mark.slow
def test_evaluations_pairs_and_decompositions_are_the_same():
    names = {"bold": BOLD, "shy": SHY}
    pairs = compare({k: (Y, q) for k, q in names.items()}, labels=range(3), base=2)
    evaluations = compare({k: evaluation_of(q) for k, q in names.items()}, base=2)
    results = compare(
        {k: evaluation_of(q).decomposition for k, q in names.items()}, base=2
    )
    pd.testing.assert_frame_equal(pairs.to_frame(), evaluations.to_frame())
    pd.testing.assert_frame_equal(pairs.to_frame(), results.to_frame())


@pytest.mark.slow
def test_units_change_differences_and_no_p_value():
    models = {"bold": (Y, BOLD), "shy": (Y, SHY)}
    nats, bits = (compare(models, labels=range(3), base=base) for base in (None, 2))
    for term, factor in (("miscalibration", math.log(2)), ("skill", 1.0)):
        one, two = nats.differences["shy"][term], bits.differences["shy"][term]
        assert two.difference * factor == pytest.approx(one.difference)
        assert two.standard_error * factor == pytest.approx(one.standard_error)
        assert two.pvalue == pytest.approx(one.pvalue)


def test_models_are_ranked_by_cross_entropy_and_shown_so():
    c = compare({"bold": (Y, BOLD), "true": (Y, P)}, labels=range(3))
    assert list(c.decompositions) == ["true", "bold"]
    text = repr(c)
    assert text.index("true") < text.index("  bold")
    assert "difference from 'bold'" in text
    said = "with ±: the difference from 'bold' and its standard error"
    assert said in text  # below the terms of the text, beside those of the table
    assert said in html.unescape(c._repr_html_())
    assert "recalibration map: temperature" in text
    frame = c.to_frame()
    assert frame.loc[("bold", "cross_entropy"), "pvalue"] == 1
    assert frame.loc[("true", "cross_entropy"), "difference"] < 0


def test_order_of_classes_is_free():
    frame = pd.DataFrame(SHY, columns=[0, 1, 2])
    options = {"recalibration": "temperature"}
    c = compare({"a": (Y, pd.DataFrame(BOLD)), "b": (Y, frame[[2, 0, 1]])}, **options)
    expected = compare({"a": (Y, BOLD), "b": (Y, SHY)}, labels=range(3), **options)
    assert c.differences["b"]["cross_entropy"] == pytest.approx(
        expected.differences["b"]["cross_entropy"], rel=1e-12
    )


def test_soft_targets_differ_in_kl_divergence_alone():
    c = compare({"bold": (P, BOLD), "shy": (P, SHY)})
    found = c.differences["shy"]
    assert found["kl_divergence"].difference == pytest.approx(
        found["cross_entropy"].difference, abs=1e-14
    )
    assert found["irreducible"].difference == 0


def logit_shift(seed=0, n=2000):
    """Labels, calibrated probabilities, and the same with a shift of the logit."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-1.0, 1.5, n)
    p, shifted = (1.0 / (1.0 + np.exp(-z)) for z in (x, x + 1.0))
    return (rng.random(n) < p).astype(int), p, shifted


# Errors that one temperature explains, and others that it does not.
WEIGHED = P * [1.0, 2.0, 5.0]
MODELS = {"bold": BOLD, "weighed": WEIGHED / WEIGHED.sum(axis=1, keepdims=True)}


@pytest.fixture(scope="module")
def alone():
    return {name: evaluation_of(q) for name, q in MODELS.items()}


class TestOneMap:
    """Terms compare under one map, the richest that any model chooses alone."""

    def test_two_classes_have_the_spline_and_the_numbers_of_evaluate(self):
        y, p, shifted = logit_shift()
        models = {"a": (y, p), "b": (y, shifted)}
        c = compare(models)
        assert c.recalibration == "spline"
        assert c.own_recalibrations == {"a": "spline", "b": "spline"}
        for name, (_, q) in models.items():
            assert c.decompositions[name] == decompose(y, q)
        assert "alone" not in repr(c)

    @pytest.mark.slow
    def test_a_shift_of_the_logit_is_miscalibration_alone(self):
        flagged = []
        for seed in range(20):
            y, p, shifted = logit_shift(seed)
            found = compare({"a": (y, p), "b": (y, shifted)}).differences["b"]
            flagged.append(found["refinement"].pvalue < 0.05)
            assert found["refinement"].difference == pytest.approx(0, abs=1e-4)
            assert found["miscalibration"].difference == pytest.approx(
                found["cross_entropy"].difference, abs=1e-4
            )
        assert sum(flagged) <= 4  # of 20 at 5 %; all 20 under one temperature

    @pytest.mark.slow
    def test_models_alike_once_recalibrated_differ_by_no_more_than_fits_do(self):
        pvalues = []
        for seed in range(20):
            y, p, shifted = logit_shift(seed, 500)
            found = compare({"a": (y, p), "b": (y, shifted)}).differences["b"]
            pvalues.append(found["refinement"].pvalue)
        assert min(pvalues) > 0.05

    def test_several_classes_have_the_richest_that_any_chooses(self, alone):
        bold, weighed = (one.decomposition for one in alone.values())
        assert (bold.recalibration, weighed.recalibration) == (
            "temperature",
            "temperature-bias",
        )
        assert bold.degrees_of_freedom < weighed.degrees_of_freedom
        c = compare(alone)
        assert c.recalibration == "temperature-bias"
        assert c.decompositions["weighed"] == weighed
        assert c.decompositions["bold"] == decompose(
            Y, BOLD, labels=range(3), recalibration="temperature-bias"
        )

    def test_the_order_of_the_models_and_how_they_are_given_do_not_matter(self, alone):
        pairs = {name: (Y, q) for name, q in MODELS.items()}
        given = compare(pairs, labels=range(3), baseline="bold")
        turned = compare(dict(reversed(alone.items())), baseline="bold")
        assert given == turned == compare(alone)
        assert given.own_recalibrations == turned.own_recalibrations

    def test_it_says_what_a_model_has_alone(self, alone):
        c = compare(alone)
        told = "evaluated alone, 'bold' has temperature"
        assert repr(c).splitlines()[-2:] == [
            "recalibration map: temperature-bias, the same for all models",
            told,
        ]
        assert told.replace("'", "&#x27;") in c._repr_html_()
        read = json.loads(c.to_json())
        assert read["recalibration"] == "temperature-bias"
        assert read["own_recalibrations"] == {
            "bold": "temperature",
            "weighed": "temperature-bias",
        }

    def test_a_map_that_is_named_is_taken_as_it_is(self, alone):
        c = compare(alone, recalibration="temperature")
        assert {d.recalibration for d in c.decompositions.values()} == {"temperature"}
        assert "alone, 'weighed' has temperature-bias" in repr(c)
        pairs = {name: (Y, q) for name, q in MODELS.items()}
        c = compare(pairs, labels=range(3), recalibration="temperature")
        assert c.own_recalibrations == {}

    @pytest.mark.slow
    def test_an_evaluation_with_a_poorer_map_is_decomposed_again(self):
        given = {
            name: evaluation_of(q, recalibration="none") for name, q in MODELS.items()
        }
        c = compare(given)
        assert c.recalibration == "temperature-bias"
        assert "alone, 'bold' has none, 'weighed' has none" in repr(c)

    @pytest.mark.slow
    def test_options_of_the_comparison_choose_too(self, alone):
        clipped = compare(alone, clip=0.2)
        pairs = {name: (Y, q) for name, q in MODELS.items()}
        assert clipped == compare(pairs, labels=range(3), clip=0.2)

    def test_a_side_that_knows_two_classes_takes_the_map_of_three(self):
        rows = Y < 2
        two = BOLD[rows, :2] / BOLD[rows, :2].sum(axis=1, keepdims=True)
        models = {
            name: Evaluation.from_predictions(Y[rows], q, labels=range(q.shape[1]))
            for name, q in {"two": two, "three": BOLD[rows]}.items()
        }
        c = compare(models)
        assert {d.recalibration for d in c.decompositions.values()} == {c.recalibration}
        assert c.own_recalibrations["two"] == "spline"
        assert c.own_recalibrations["three"] == c.recalibration

    @pytest.mark.slow
    def test_folds_have_the_richest_map_of_any_fold(self):
        folds = np.arange(len(Y)) % 2
        alone = {name: evaluation_of(q, folds=folds) for name, q in MODELS.items()}
        c = compare(alone)
        tables = pd.concat([one.folds for one in alone.values()])
        richest = tables["degrees_of_freedom"].argmax()
        chosen = {d.recalibration for d in c.decompositions.values()}
        assert chosen == {tables["recalibration"].iloc[richest]}
        assert len(set(tables["recalibration"])) > 1
        expected = evaluation_of(BOLD, folds=folds, recalibration=c.recalibration)
        assert c.decompositions["bold"] == expected.decomposition

    def test_labels_of_one_class_have_no_map(self):
        y = np.zeros(200, dtype=int)
        pairs = {"a": (y, P[:200, 0]), "b": (y, P[:200, 1])}
        c = compare(pairs, labels=[0, 1])
        assert math.isnan(c.decompositions["a"].refinement)
        assert c.differences["b"]["cross_entropy"].difference != 0

    def test_what_was_read_back_is_refused(self, alone):
        read = Evaluation.from_json(alone["bold"].to_json())
        with pytest.raises(ValueError, match="compare needs the data: this result has"):
            compare({"read": read, "weighed": alone["weighed"]})


@pytest.mark.slow
def test_intervals_cover_the_true_difference():
    covered = []
    rng = np.random.default_rng(0)
    truth = (P * np.log(BOLD / SHY)).sum(axis=1).mean()
    for _ in range(150):
        y = labels_from(P, rng)
        c = compare({"a": (y, BOLD), "b": (y, SHY)}, labels=range(3))
        found = c.differences["b"]["cross_entropy"]
        covered.append(found.low <= truth <= found.high)
    assert np.mean(covered) >= 0.9


class TestErrors:
    def test_other_targets_name_the_rows(self):
        other = Y.copy()
        other[[3, 7]] = (other[[3, 7]] + 1) % 3
        with pytest.raises(ValueError, match=r"differ in 2 rows \(3, 7\); evaluate"):
            compare({"a": (Y, BOLD), "b": (other, SHY)}, labels=range(3))

    def test_other_distributions_name_the_rows(self):
        other = P.copy()
        other[5] = other[5, ::-1]
        with pytest.raises(ValueError, match=r"same targets: .* differ in 1 row \(5\)"):
            compare({"a": (P, BOLD), "b": (other, SHY)})

    def test_other_weights_name_the_rows(self):
        heavier = W.copy()
        heavier[0] *= 1.5
        a, b = (
            evaluation_of(BOLD, sample_weight=W),
            evaluation_of(SHY, sample_weight=heavier),
        )
        with pytest.raises(ValueError, match=r"same weights: .* 1 row \(0\)"):
            compare({"a": a, "b": b})

    def test_another_number_of_rows_is_refused(self):
        with pytest.raises(ValueError, match="'a' has 1200, 'b' has 1199"):
            compare({"a": (Y, BOLD), "b": (Y[1:], SHY[1:])}, labels=range(3))

    @pytest.mark.parametrize(
        ("models", "options", "rule"),
        [
            ({}, {}, "models must not be empty"),
            ({"a": 3}, {}, "evaluations or pairs"),
            (
                {"a": (Y, BOLD)},
                {"baseline": "b"},
                "one of the models, 'a': found 'b'; ",
            ),
            ({"a": (Y, BOLD)}, {"baseline": ["a"]}, "of the models, 'a': found .'a'"),
            ({"a": (Y, BOLD)}, {"recalibration": "best"}, "must be one of 'auto'"),
            ({"a": (Y, BOLD)}, {"level": 1}, "level must be in"),
        ],
    )
    def test_bad_arguments_are_refused(self, models, options, rule):
        with pytest.raises(ValueError, match=rule):
            compare(models, **options)


@pytest.mark.parametrize("models", [[1, 2], None, 3])
def test_models_without_names_are_refused(models):
    with pytest.raises(TypeError, match="models must be a mapping from name to model"):
        compare(models)


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(
        TypeError, match=r"names that are text: found 1; pass \{'1': evaluation\}\."
    ):
        compare({1: (Y, BOLD), 2: (Y, SHY)})


def test_one_model_and_one_row_are_told_in_the_singular():
    alone = compare({"bold": (Y, BOLD)}, recalibration="none")
    assert repr(alone).startswith("Comparison of 1 model on 1,200 rows, in nats\n")
    other = Y.copy()
    other[7] = (other[7] + 1) % 3
    with pytest.raises(ValueError, match=r"'a' and 'b' differ in 1 row \(7\); evalu"):
        compare({"a": (Y, BOLD), "b": (other, SHY)}, labels=range(3))


def test_json_is_strict():
    models = {"<bold>": (Y, BOLD), "shy": (Y, SHY)}
    c = compare(models, labels=range(3), recalibration="temperature")
    read = json.loads(c.to_json())
    found = read["models"]["shy"]["differences"]["cross_entropy"]
    assert found["difference"] == c.differences["shy"]["cross_entropy"].difference
    assert read["models"]["shy"]["terms"]["irreducible"] == "nan"
    assert "&lt;bold&gt;" in c._repr_html_()
    assert "<bold>" not in c._repr_html_()
