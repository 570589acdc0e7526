"""What ``cross_validate`` returns: its rows, its classes, and what may be wrong."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_predict,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from xent_metrics import (
    Evaluation,
    SmallSampleWarning,
    UnseenLabelWarning,
    decompose,
    per_sample,
)

from ..digits import RESULTS, TEMPERATURE, W, X, Y, cross_validated, validated


class Frequencies(ClassifierMixin, BaseEstimator):
    """Predicts the class frequencies of its training rows."""

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.share_ = counts / len(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.share_, (len(X), 1))


# -- rows -----------------------------------------------------------------------


def test_rows_are_in_the_order_of_the_data_with_their_fold():
    index = pd.Index([f"r{i}" for i in range(len(Y))])
    frame = pd.DataFrame(X, index=index)
    results = validated(GaussianNB(), frame, Y, KFold(3, shuffle=True, random_state=0))
    rows = Evaluation.from_cv_results(results, frame, Y, **TEMPERATURE).per_sample
    pd.testing.assert_index_equal(rows.index, index)
    for fold, test in enumerate(results["indices"]["test"]):
        assert (rows["fold"].iloc[test] == fold).all()
        q = results["estimator"][fold].predict_proba(frame.iloc[test])
        expected = per_sample(Y[test], q).set_axis(index[test])
        names = {"label": Y[test], "predicted": q.argmax(axis=1)}
        for name, values in names.items():
            assert (rows[name].iloc[test] == values).all()
        measures = rows.iloc[test].drop(columns=["fold", *names])
        pd.testing.assert_frame_equal(measures, expected)


def test_rows_that_no_fold_tests_are_absent():
    results = validated(GaussianNB(), X, Y, ShuffleSplit(1, random_state=0))
    with pytest.warns(SmallSampleWarning):
        rows = Evaluation.from_cv_results(results, X, Y, **TEMPERATURE).per_sample
    tested = np.sort(results["indices"]["test"][0])
    assert rows.index.to_list() == tested.tolist()


def test_folds_may_grow_with_time():
    results = validated(GaussianNB(), X, Y, TimeSeriesSplit(2))
    evaluation = Evaluation.from_cv_results(results, X, Y, **TEMPERATURE)
    assert evaluation.per_sample.index.to_list() == list(range(500, 1500))
    assert evaluation.folds["n"].to_list() == [500, 500]


def test_copies_of_a_row_are_no_further_evidence():
    """Repeats of one model: the same numbers, the same standard errors."""
    model = FrozenEstimator(GaussianNB().fit(X, Y))
    cv = RepeatedKFold(n_splits=3, n_repeats=4, random_state=0)
    options = {"recalibration": "none", "sample_weight": W}
    results = validated(model, X, Y, cv)
    repeated = Evaluation.from_cv_results(results, X, Y, **options)
    once = decompose(Y, model.predict_proba(X), **options)
    result = repeated.decomposition
    assert len(repeated.per_sample) == result.n == 4 * len(Y)
    assert result.n_groups == len(Y)
    assert result.n_effective == pytest.approx(once.n_effective, rel=1e-12)
    assert (repeated.per_sample.index == np.repeat(np.arange(len(Y)), 4)).all()
    assert repeated.per_sample["fold"].iloc[:4].is_monotonic_increasing
    for term, value in once.terms.items():
        assert result.terms[term] == pytest.approx(value, rel=1e-12, nan_ok=True)
        error = once.standard_errors[term]
        found = result.standard_errors[term]
        assert found == pytest.approx(error, rel=1e-9, abs=1e-15, nan_ok=True)


def test_repeats_do_not_lower_the_floor_of_a_calibrated_model():
    """Near calibration the standard error is that of a weighted chi-square."""
    rng = np.random.default_rng(2)
    p = rng.uniform(0.2, 0.8, 1500)
    y = (rng.uniform(size=1500) < p).astype(int)

    class Truth(Frequencies):
        def predict_proba(self, X):
            return np.column_stack([1 - X[:, 0], X[:, 0]])

    errors = []
    for n_repeats in (1, 5):
        cv = RepeatedKFold(n_splits=3, n_repeats=n_repeats, random_state=0)
        results = validated(Truth(), p[:, None], y, cv)
        evaluation = Evaluation.from_cv_results(results, p[:, None], y)
        errors.append(evaluation.decomposition.standard_errors["miscalibration"])
    assert errors[1] > 0.7 * errors[0]


def test_groups_hold_their_copies():
    groups = np.arange(len(Y)) // 3
    cv = RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)
    results = validated(GaussianNB(), X, Y, cv)
    evaluation = Evaluation.from_cv_results(results, X, Y, groups=groups, **TEMPERATURE)
    assert evaluation.decomposition.n_groups == 500


def test_a_fold_may_be_one_group():
    groups = np.arange(len(Y)) % 4
    cv = [(np.flatnonzero(groups != g), np.flatnonzero(groups == g)) for g in range(4)]
    results = validated(GaussianNB(), X, Y, cv)
    evaluation = Evaluation.from_cv_results(results, X, Y, groups=groups, **TEMPERATURE)
    assert evaluation.decomposition.n_groups == 4
    assert evaluation.decomposition.standard_errors["refinement"] > 0


def test_a_weight_of_zero_removes_a_row_and_a_fold():
    weights = W.copy()
    weights[RESULTS["indices"]["test"][1]] = 0
    weights[:100] = 0
    evaluation = cross_validated(sample_weight=weights)
    assert evaluation.folds.index.to_list() == [0, 2]
    assert evaluation.decomposition.n == np.count_nonzero(weights)
    parts = evaluation.folds["weight"] @ evaluation.folds["miscalibration"]
    assert evaluation.decomposition.miscalibration == pytest.approx(parts, rel=1e-12)


# -- classes --------------------------------------------------------------------

# Class 3 has few rows, all of them in the test rows of the first of three folds.
RARE = np.where(Y < 3, Y, 2)[:900]
RARE[[5, 6, 7]] = 3
FEW = X[:900]


@pytest.fixture(scope="module")
def rare():
    results = validated(GaussianNB(), FEW, RARE, KFold(3))
    with pytest.warns(UnseenLabelWarning, match=r"^3 rows .* \(in fold 0\)"):
        return results, Evaluation.from_cv_results(results, FEW, RARE, **TEMPERATURE)


def test_a_class_that_a_fold_was_not_trained_on_is_unseen_there(rare):
    results, evaluation = rare
    result = evaluation.decomposition
    assert evaluation.labels == (0, 1, 2, 3)
    assert result.n_unseen == 3
    lost = evaluation.per_sample["cross_entropy"].iloc[[5, 6, 7]]
    assert lost.to_numpy() == pytest.approx(-math.log(np.finfo(float).eps))
    first = results["indices"]["test"][0]
    model = results["estimator"][0]
    with pytest.warns(UnseenLabelWarning):
        alone = decompose(
            RARE[first],
            model.predict_proba(FEW[first]),
            labels=model.classes_,
            **TEMPERATURE,
        )
    found = evaluation.folds.loc[0, "miscalibration"]
    assert found == pytest.approx(alone.miscalibration, rel=1e-12)


@pytest.mark.filterwarnings("ignore:Number of classes:RuntimeWarning")
def test_cross_val_predict_with_folds_is_the_same(rare):
    _, expected = rare
    q = cross_val_predict(GaussianNB(), FEW, RARE, cv=KFold(3), method="predict_proba")
    folds = np.repeat([0, 1, 2], 300)
    with pytest.warns(UnseenLabelWarning, match=r"^3 rows"):
        evaluation = Evaluation.from_predictions(
            RARE, q, labels=np.unique(RARE), folds=folds, **TEMPERATURE
        )
    assert evaluation == expected
    pd.testing.assert_frame_equal(evaluation.folds, expected.folds)
    rows = evaluation.per_sample.set_axis(expected.per_sample.index)
    pd.testing.assert_frame_equal(rows, expected.per_sample)


@pytest.mark.parametrize("recalibration", ["auto", "isotonic", "temperature"])
def test_a_fold_may_know_one_class_of_two(recalibration):
    y = np.random.default_rng(0).integers(0, 2, 900)
    y[300:600] = 0
    every = np.arange(900)
    cv = [(every[300:600], every[:300]), (every[:300], every[300:])]
    results = validated(Frequencies(), y[:, None], y, cv)
    with pytest.warns(UnseenLabelWarning):
        evaluation = Evaluation.from_cv_results(
            results, y[:, None], y, recalibration=recalibration
        )
    assert evaluation.folds["recalibration"].iloc[0] == "none"
    assert evaluation.decomposition.n_unseen == y[:300].sum()
    # What the model of the first fold cannot know is left to the frequencies.
    share = y[:300].mean()
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    refinement = evaluation.folds["refinement"].iloc[0]
    assert refinement == pytest.approx(entropy, abs=1 / 300)


def test_classes_keep_the_order_of_the_estimators():
    class Backwards(Frequencies):
        def fit(self, X, y):
            super().fit(X, y)
            self.classes_, self.share_ = self.classes_[::-1], self.share_[::-1]
            return self

    y = np.array(["a", "b", "c"])[Y % 3]
    results = validated(Backwards(), X, y, KFold(2))
    evaluation = Evaluation.from_cv_results(results, X, y, **TEMPERATURE)
    assert evaluation.labels == ("c", "b", "a")
    straight = validated(Frequencies(), X, y, KFold(2))
    expected = Evaluation.from_cv_results(straight, X, y, **TEMPERATURE)
    found = evaluation.decomposition.cross_entropy
    assert found == pytest.approx(expected.decomposition.cross_entropy, rel=1e-13)


def test_classes_that_cannot_be_sorted_keep_an_order():
    y = np.array([1, "a", 2], dtype=object)[Y % 3]

    class Fixed(Frequencies):
        def fit(self, X, y):
            self.classes_ = np.array(list(dict.fromkeys(y)), dtype=object)
            self.share_ = np.full(len(self.classes_), 1 / len(self.classes_))
            return self

    everything = np.arange(len(y))
    texts = np.flatnonzero(y != 1)
    cv = [(texts[texts >= 700], everything[:700]), (everything[:700], everything[700:])]
    results = validated(Fixed(), X, y, cv)
    with pytest.warns(UnseenLabelWarning, match="not trained on"):
        evaluation = Evaluation.from_cv_results(results, X, y, **TEMPERATURE)
    assert set(evaluation.labels) == {1, "a", 2}


def test_one_row_with_a_label_of_no_training_row_is_told_of_in_the_singular():
    y = np.array([0, 1] * 50 + [2])
    q = np.where(np.eye(3, dtype=bool)[y], 0.8, 0.1)
    q[50:] = [0.5, 0.5, 0.0]
    folds = np.repeat([0, 1], [50, 51])
    said = r"^1 row has a label that the model of its fold was not .* fold 1\): its"
    with (
        pytest.warns(SmallSampleWarning),
        pytest.warns(UnseenLabelWarning, match=said),
    ):
        Evaluation.from_predictions(y, q, labels=range(3), folds=folds, **TEMPERATURE)


def test_a_fold_of_one_label_has_no_map_and_says_so():
    y = np.sort(Y)[300:1200]
    order = np.argsort(Y, kind="stable")[300:1200]
    y = (y > 4).astype(int)
    results = validated(GaussianNB(), X[order], y, KFold(3))
    evaluation = Evaluation.from_cv_results(results, X[order], y, **TEMPERATURE)
    result = evaluation.decomposition
    assert math.isnan(result.miscalibration)
    note = "undefined: y_true holds one class only, in 2 of 3 folds"
    assert result.notes["miscalibration"] == note
    assert math.isfinite(result.skill)
    assert math.isfinite(result.cross_entropy)
    assert result.ladder.empty


@pytest.mark.slow
def test_leaving_one_out_warns_once():
    results = validated(GaussianNB(), X[:60], Y[:60] % 2, LeaveOneOut())
    with pytest.warns(SmallSampleWarning, match="only 1 row in fold 0") as caught:
        evaluation = Evaluation.from_cv_results(results, X[:60], Y[:60] % 2)
    assert len(caught) == 1
    assert math.isfinite(evaluation.decomposition.cross_entropy)


# -- targets and data -----------------------------------------------------------


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
def test_targets_may_be_distributions_or_votes():
    votes = (
        np.random.default_rng(0).multinomial(8, [0.1] * 10, len(Y))
        + 5 * np.eye(10, dtype=int)[Y]
    )
    whole = Evaluation.from_cv_results(RESULTS, X, votes, **TEMPERATURE)
    shares = votes / votes.sum(axis=1, keepdims=True)
    same = Evaluation.from_cv_results(RESULTS, X, shares, **TEMPERATURE)
    result = whole.decomposition
    assert result.irreducible == pytest.approx(same.decomposition.irreducible)
    assert result.irreducible + result.grouping_loss == pytest.approx(result.refinement)
    assert {"irreducible", "grouping_loss"} <= set(whole.folds.columns)
    corrected = Evaluation.from_cv_results(
        RESULTS, X, votes, vote_correction="jackknife", **TEMPERATURE
    )
    assert corrected.decomposition.irreducible > result.irreducible


def test_texts_and_labels_may_be_lists():
    texts = ["good fine good", "bad poor", "fine good", "poor bad bad"] * 120
    y = ["pro", "contra", "pro", "contra"] * 120
    model = make_pipeline(CountVectorizer(), MultinomialNB())
    results = validated(model, texts, y, KFold(2))
    evaluation = Evaluation.from_cv_results(results, texts, y, **TEMPERATURE)
    assert evaluation.labels == ("contra", "pro")
    assert evaluation.decomposition.n == 480


@pytest.mark.parametrize("kind", ["sparse", "pandas", "polars", "pyarrow", "list"])
def test_data_of_every_kind_are_cut_to_the_rows_of_a_fold(kind):
    table, given = {"a": [1, 2, 3], "b": [4, 5, 6]}, []
    if kind == "sparse":
        data = scipy.sparse.csr_array(np.column_stack(list(table.values())))
    elif kind == "list":
        data = [[1, 4], [2, 5], [3, 6]]
    else:
        library = pytest.importorskip(kind)
        data = (library.table if kind == "pyarrow" else library.DataFrame)(table)

    class Told:
        classes_ = np.arange(2)

        def predict_proba(self, X):
            given.append(X)
            return np.full((2, 2), 0.5)

    indices = {"train": [np.array([1])], "test": [np.array([2, 0])]}
    results = {"estimator": [Told()], "indices": indices}
    with pytest.warns(SmallSampleWarning):
        Evaluation.from_cv_results(results, data, [0, 1, 1], recalibration="none")
    (found,) = given
    assert type(found) is type(data)
    if kind == "sparse":
        found = found.toarray()
    elif kind != "list":
        found = np.column_stack([np.asarray(found[name]) for name in table])
    assert np.asarray(found).tolist() == [[3, 6], [1, 4]]


def test_single_precision_is_kept():
    class Single(GaussianNB):
        def predict_proba(self, X):
            return super().predict_proba(X).astype(np.float32)

    results = validated(Single(), X, Y, KFold(2))
    evaluation = Evaluation.from_cv_results(results, X, Y, **TEMPERATURE)
    assert evaluation.decomposition.n == len(Y)


# -- errors ---------------------------------------------------------------------


class FailsOnce(GaussianNB):
    def fit(self, X, y, sample_weight=None):
        if len(X) == 1125:
            msg = "no"
            raise ValueError(msg)
        return super().fit(X, y)


BY_TWO = validated(GaussianNB(), X, Y, KFold(2))


@pytest.mark.parametrize(
    ("results", "data", "message"),
    [
        (cross_validate(GaussianNB(), X, Y), (X, Y), "'estimator' is missing; call"),
        (
            cross_validate(GaussianNB(), X, Y, return_estimator=True),
            (X, Y),
            "'indices' is missing; call cross_validate with return_estimator=True and",
        ),
        (BY_TWO, (X, Y[:-1]), "X and y must have as many rows: found 1500 and 1499"),
        (BY_TWO, (X[:900], Y[:900]), "the indices are of 1500 rows, X has 900; pass"),
        (
            BY_TWO,
            (np.repeat(X, 2, axis=0), np.repeat(Y, 2)),
            "must be the data that was cross-validated: the indices are of 1500 rows",
        ),
    ],
)
def test_what_is_missing_is_said(results, data, message):
    with pytest.raises(ValueError, match=message):
        Evaluation.from_cv_results(results, *data)


def test_results_must_be_those_of_cross_validate():
    with pytest.raises(TypeError, match="what cross_validate returns: found list"):
        Evaluation.from_cv_results([], X, Y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_fit_that_failed_is_named():
    cv = [(np.arange(1000), np.arange(1000, 1500)), (np.arange(375, 1500), range(375))]
    results = validated(FailsOnce(), X, Y, cv)
    with pytest.raises(
        ValueError, match="FailsOnce of fold 1 is not, as where its fit"
    ):
        Evaluation.from_cv_results(results, X, Y)


def test_estimators_without_probabilities_are_refused():
    results = validated(LinearSVC(), X[:90] / 16, Y[:90] % 2, KFold(2))
    with pytest.raises(TypeError, match="must have predict_proba: LinearSVC has none"):
        Evaluation.from_cv_results(results, X[:90], Y[:90] % 2)


@pytest.mark.parametrize("name", ["sample_weight", "groups"])
def test_weights_and_groups_must_be_one_value_per_row(name):
    with pytest.raises(ValueError, match=f"{name} and X must have as many rows"):
        Evaluation.from_cv_results(BY_TWO, X, Y, **{name: np.ones(3)})


def test_predictions_of_another_shape_are_refused():
    class Flat(GaussianNB):
        def predict_proba(self, X):
            return super().predict_proba(X)[:, 0]

    results = validated(Flat(), X, Y, KFold(2))
    with pytest.raises(ValueError, match="predict_proba of fold 0 must have rows and"):
        Evaluation.from_cv_results(results, X, Y)
