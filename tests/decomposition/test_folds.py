"""Cross-validation: one recalibration map for each fold, and averages over folds."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB

from xent_metrics import Evaluation, SmallSampleWarning, compare, decompose

from ..digits import RESULTS, TEMPERATURE, W, X, Y, cross_validated, validated

# -- averages -------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, W], ids=["alone", "weighted"])
def test_every_term_is_the_average_over_folds(weights):
    evaluation = cross_validated(sample_weight=weights, base=2)
    result, folds = evaluation.decomposition, evaluation.folds
    assert folds.index.to_list() == [0, 1, 2]
    assert result.n_folds == 3
    for term in ("cross_entropy", "uncertainty", "resolution", "miscalibration"):
        average = np.average(folds[term], weights=folds["weight"])
        assert average == pytest.approx(result.terms[term], rel=1e-13)
    parts = result.uncertainty - result.resolution + result.miscalibration
    assert result.cross_entropy == pytest.approx(parts, rel=1e-14)
    skill = 1 - result.cross_entropy / result.uncertainty
    assert result.skill == pytest.approx(skill, rel=1e-14)


def test_a_fold_has_the_map_of_its_own_rows():
    evaluation = cross_validated(sample_weight=W, recalibration="dirichlet")
    for fold, test in enumerate(RESULTS["indices"]["test"]):
        proba = RESULTS["estimator"][fold].predict_proba(X[test])
        alone = decompose(
            Y[test], proba, sample_weight=W[test], recalibration="dirichlet"
        )
        row = evaluation.folds.loc[fold]
        for term in ("cross_entropy", "refinement", "miscalibration"):
            assert row[term] == pytest.approx(alone.terms[term], rel=1e-12)
            error = alone.standard_errors[term]
            assert row[f"{term}_se"] == pytest.approx(error, rel=1e-12)
        assert row["n"] == alone.n
        assert row["degrees_of_freedom"] == alone.degrees_of_freedom
    of_all = evaluation.decomposition.degrees_of_freedom
    assert of_all == evaluation.folds["degrees_of_freedom"].sum()


def test_uncertainty_is_that_of_all_rows():
    result = cross_validated().decomposition
    proba = np.full((len(Y), 10), 0.1)
    assert result.uncertainty == decompose(Y, proba, **TEMPERATURE).uncertainty


@pytest.mark.slow
def test_stratified_folds_do_not_raise_the_uncertainty():
    rng, errors = np.random.default_rng(1), []
    for _ in range(60):
        y = rng.integers(0, 4, 400)
        folds = np.empty(400, dtype=int)
        cv = StratifiedKFold(10, shuffle=True, random_state=0)
        for fold, (_, test) in enumerate(cv.split(y, y)):
            folds[test] = fold
        q = np.full((400, 4), 0.25)
        options = {"folds": folds, "recalibration": "none"}
        with pytest.warns(SmallSampleWarning):
            evaluation = Evaluation.from_predictions(y, q, **options)
        errors.append(evaluation.decomposition.uncertainty - math.log(4))
    # The average of ten debiased folds would be 9 * 3 / 800 = 0.034 too high.
    assert abs(np.mean(errors)) < 0.001


def test_one_model_for_all_folds_without_a_map_is_one_decomposition():
    q = GaussianNB().fit(X, Y).predict_proba(X)
    folds = np.random.default_rng(0).integers(0, 4, len(Y))
    options = {"recalibration": "none", "sample_weight": W}
    of_folds = Evaluation.from_predictions(Y, q, folds=folds, **options).decomposition
    whole = decompose(Y, q, **options)
    for term, value in whole.terms.items():
        assert of_folds.terms[term] == pytest.approx(value, rel=1e-12, nan_ok=True)
        error = whole.standard_errors[term]
        found = of_folds.standard_errors[term]
        assert found == pytest.approx(error, rel=1e-9, abs=1e-15, nan_ok=True)


@pytest.mark.slow
def test_the_ladder_is_the_average_of_the_ladders():
    evaluation = cross_validated(recalibration="auto")
    result = evaluation.decomposition
    rung = result.ladder.loc["temperature"]
    expected = cross_validated().decomposition
    assert rung["refinement"] == pytest.approx(expected.refinement, rel=1e-9)
    assert rung["miscalibration"] == pytest.approx(expected.miscalibration, rel=1e-9)
    error = expected.standard_errors["miscalibration"]
    assert rung["standard_error"] == pytest.approx(error, rel=0.02)
    assert rung["n"] == len(Y)
    everywhere = len(set(evaluation.folds["recalibration"])) == 1
    assert result.ladder["chosen"].any() == everywhere
    alone = expected.ladder.loc["temperature"]
    assert alone["chosen"]
    assert alone["share"] == 1
    assert alone["refinement"] == pytest.approx(expected.refinement, rel=1e-12)


@pytest.mark.slow
def test_maps_that_a_fold_did_not_try_come_last():
    folds = np.zeros(len(Y), dtype=int)
    folds[:150] = 1
    q = GaussianNB().fit(X, Y).predict_proba(X)
    with pytest.warns(SmallSampleWarning, match="only 150 rows in fold 1"):
        evaluation = Evaluation.from_predictions(Y, q, folds=folds)
    ladder = evaluation.decomposition.ladder
    assert ladder.loc["dirichlet", "note"] == "not tried in 1 of 2 folds"
    assert math.isnan(ladder.loc["dirichlet", "refinement"])


def test_the_text_counts_the_folds():
    text = repr(cross_validated())
    assert "map: temperature, one for each of 3 folds" in text
    assert "per_sample: a table of 1,500 rows and 10 columns" in text
    assert "folds: a table of 3 rows and" in text


# -- what a result can and cannot do --------------------------------------------


def test_groups_of_rows_average_to_the_whole():
    result = cross_validated(sample_weight=W).decomposition
    for table in (result.by(Y % 2), result.by_class()):
        for term in ("miscalibration", "resolution", "cross_entropy"):
            average = np.average(table[term], weights=table["weight"])
            assert average == pytest.approx(result.terms[term], rel=1e-12)


def test_refitted_groups_have_a_map_for_each_fold():
    result = cross_validated().decomposition
    odd = Y % 2 == 1
    table = result.by(odd, refit=True)
    alone = cross_validated(sample_weight=odd.astype(float)).decomposition
    found = table.loc[True, "miscalibration"]
    assert found == pytest.approx(alone.miscalibration, rel=1e-12)


@pytest.mark.slow
def test_compare_keeps_the_maps_of_the_folds():
    cv = KFold(3, shuffle=True, random_state=0)
    other = validated(LogisticRegression(max_iter=500), X / 16, Y, cv)
    rival = Evaluation.from_cv_results(other, X / 16, Y, **TEMPERATURE)
    ours = cross_validated()
    comparison = compare({"bayes": ours, "logistic": rival}, **TEMPERATURE)
    assert comparison.decompositions["bayes"] == ours.decomposition
    assert comparison.decompositions["logistic"] == rival.decomposition
    expected = rival.decomposition.miscalibration - ours.decomposition.miscalibration
    difference = comparison.differences["logistic"]["miscalibration"]
    assert difference.difference == pytest.approx(expected, rel=1e-12)
    assert 0 < difference.standard_error < abs(expected)


def test_compare_refuses_folds_that_test_other_rows():
    first, second = (
        Evaluation.from_cv_results(
            validated(
                GaussianNB(), X, Y, ShuffleSplit(2, test_size=0.4, random_state=s)
            ),
            X,
            Y,
            **TEMPERATURE,
        )
        for s in (0, 1)
    )
    with pytest.raises(ValueError, match="'a' and 'b' test different ones; pass one"):
        compare({"a": first, "b": second})


def test_what_needs_one_map_is_refused():
    result = cross_validated().decomposition
    sentence = "needs one map of all rows: this result has one for each of 3 folds"
    for one in (result, pickle.loads(pickle.dumps(result))):  # noqa: S301
        with pytest.raises(ValueError, match=f"recalibrator {sentence}"):
            one.recalibrator()
        with pytest.raises(ValueError, match=f"miscalibration_test {sentence}"):
            one.miscalibration_test()


def test_pickles_keep_numbers_and_tables_of_folds():
    evaluation = cross_validated()
    copy = pickle.loads(pickle.dumps(evaluation))  # noqa: S301
    assert copy == evaluation
    pd.testing.assert_frame_equal(copy.folds, evaluation.folds)
    with pytest.raises(ValueError, match="by needs the data"):
        copy.decomposition.by(Y)


# -- folds of predictions ---------------------------------------------------------


def test_folds_must_be_one_value_per_row():
    q = np.full((4, 2), 0.5)
    with pytest.raises(
        ValueError, match="folds must hold one value per row: its shape is"
    ):
        Evaluation.from_predictions([0, 1, 0, 1], q, folds=["a", "b"])
    with pytest.raises(ValueError, match="folds must not be missing: row 1 has none"):
        Evaluation.from_predictions([0, 1, 0, 1], q, folds=["a", None, "b", "b"])


def test_a_bad_row_is_named_by_its_place_in_the_data():
    q = np.full(400, 0.5)
    q[333] = 1.5
    with pytest.raises(ValueError, match="row 333 is 1.5"):
        Evaluation.from_predictions([0, 1] * 200, q, folds=np.arange(400) % 2)


def test_repeated_stratified_folds_count_rows_once():
    data, target = load_breast_cancer(return_X_y=True)
    cv = RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0)
    results = validated(GaussianNB(), data, target, cv)
    evaluation = Evaluation.from_cv_results(results, data, target)
    assert len(evaluation.folds) == 4
    assert evaluation.decomposition.n_effective == pytest.approx(569)
