"""Cases in which ``neg_log_loss`` fails or misleads, one after the other."""

import math
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import brier_score_loss, get_scorer, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    LeaveOneOut,
    TunedThresholdClassifierCV,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.utils.fixes import parse_version

from xent_metrics import (
    SmallSampleWarning,
    UnseenLabelWarning,
    cross_entropy,
    decompose,
    scorers,
)
from xent_metrics.scorers import DecompositionScorer, neg_cross_entropy

X, Y = load_iris(return_X_y=True)
EPS = float(np.finfo(float).eps)
SORTED = KFold(
    3
)  # of sorted labels: each test fold holds the class it never trained on

theirs = get_scorer("neg_log_loss")
seen_today = pytest.mark.skipif(
    parse_version(sklearn.__version__) >= parse_version("1.10"),
    reason="shows what scikit-learn 1.6 to 1.9 does; later ones may do better",
)
ignore_theirs = pytest.mark.filterwarnings("ignore::UserWarning:sklearn.*")
ignore_unseen = pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")


class Given(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose probabilities are its features."""

    def __init__(self, classes=(0, 1)):
        self.classes = classes
        self.classes_ = np.array(classes)

    def fit(self, X, y, sample_weight=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):
        return X


@pytest.fixture
def rare():
    """Three classes of which the last is in one test fold only."""
    rng = np.random.default_rng(0)
    y = np.array([0, 1] * 30)
    y[[4, 7, 9, 13, 16]] = 2
    return rng.normal(size=(60, 2)) + y[:, None], y


# -- a test fold lacks a class ----------------------------------------------


@seen_today
@ignore_theirs
def test_theirs_is_nan_where_a_fold_lacks_a_class(rare):
    scores = cross_val_score(GaussianNB(), *rare, scoring=theirs, cv=KFold(3))
    assert np.isnan(scores).any()
    model = LogisticRegression()
    search = GridSearchCV(model, {"C": [1e-9, 1.0]}, scoring=theirs, cv=KFold(3))
    assert search.fit(*rare).best_params_ == {"C": 1e-9}  # the first, the worse


@ignore_unseen
def test_a_fold_that_lacks_a_class_decides_a_search(rare):
    folds = [(np.arange(20), np.arange(20, 60)), (np.arange(40), np.arange(40, 60))]
    search = GridSearchCV(
        LogisticRegression(), {"C": [1e-9, 1.0]}, scoring=neg_cross_entropy, cv=folds
    ).fit(*rare)
    assert search.best_params_ == {"C": 1.0}
    model = LogisticRegression().fit(rare[0][:40], rare[1][:40])
    proba = model.predict_proba(rare[0][40:])
    cost = -np.log(proba[np.arange(20), rare[1][40:]]).mean()
    found = search.cv_results_["split1_test_score"][1]
    assert found == pytest.approx(-cost, rel=1e-12)


@pytest.mark.parametrize("name", ["neg_perplexity", "neg_abs_calibration_gap"])
def test_folds_of_one_row_are_scored(name):
    scores = cross_val_score(
        GaussianNB(), X[::5], Y[::5], scoring=scorers.get_scorer(name), cv=LeaveOneOut()
    )
    assert np.isfinite(scores).all()


# -- labels that were not in training ---------------------------------------


@seen_today
@ignore_theirs
def test_theirs_is_nan_for_a_class_unseen_in_training():
    scores = cross_val_score(GaussianNB(), X, Y, scoring=theirs, cv=SORTED)
    assert np.isnan(scores).all()


@ignore_unseen
def test_unseen_labels_are_counted():
    scorer = DecompositionScorer(["neg_cross_entropy", "n", "n_unseen", "n_clipped"])
    scores = cross_validate(GaussianNB(), X, Y, scoring=scorer, cv=SORTED)
    assert scores["test_n"].tolist() == [50, 50, 50]
    assert scores["test_n_unseen"].tolist() == [50, 50, 50]
    assert scores["test_n_clipped"].tolist() == [50, 50, 50]
    assert scores["test_neg_cross_entropy"] == pytest.approx([math.log(EPS)] * 3)


def test_the_warning_of_unseen_labels_is_shown_once():
    for scorer in (neg_cross_entropy, DecompositionScorer(["skill", "n_unseen"])):
        with warnings.catch_warnings(record=True) as shown:
            warnings.simplefilter("default")
            cross_validate(GaussianNB(), X, Y, scoring=scorer, cv=SORTED)
            cross_validate(GaussianNB(), X[::-1], Y[::-1], scoring=scorer, cv=SORTED)
        texts = [str(each.message) for each in shown]
        assert [each.category for each in shown] == [UnseenLabelWarning], texts
        assert "not among the estimator's classes_ (0 among 1, 2), as" in texts[0]


def test_labels_that_differ_are_found_though_their_counts_agree():
    model, proba = Given((0, 1)), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    y = np.array([1, 2, 1])
    scorer = DecompositionScorer(["neg_cross_entropy", "n_unseen"])
    with pytest.warns(UnseenLabelWarning, match="2 among 0, 1.*, as where"):
        found = scorer(model, proba, y)
    expected = (math.log(0.1) + math.log(EPS) + math.log(0.7)) / 3
    assert found["neg_cross_entropy"] == pytest.approx(expected, rel=1e-14)
    assert found["n_unseen"] == 1


@seen_today
def test_theirs_takes_other_labels_for_its_own():
    model, proba = Given((0, 1)), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    wrong = (math.log(0.9) + math.log(0.8) + math.log(0.3)) / 3
    assert theirs(model, proba, np.array([1, 2, 1])) == pytest.approx(wrong)


# -- which column is which class --------------------------------------------

UNSORTED = (Given(("b", "a", "c")), np.array([[0.7, 0.2, 0.1]] * 3), ["b", "a", "c"])


def test_columns_are_in_the_order_of_classes():
    expected = (math.log(0.7) + math.log(0.2) + math.log(0.1)) / 3
    assert neg_cross_entropy(*UNSORTED) == pytest.approx(expected, rel=1e-14)
    assert neg_cross_entropy(*UNSORTED[:2], ["b"] * 3) == pytest.approx(math.log(0.7))


@seen_today
def test_theirs_sorts_the_classes():
    y = ["b", "b", "a", "c"]
    model, proba = Given(("b", "a", "c")), np.array([[0.7, 0.2, 0.1]] * 4)
    right = (2 * math.log(0.7) + math.log(0.2) + math.log(0.1)) / 4
    assert neg_cross_entropy(model, proba, y) == pytest.approx(right)
    wrong = (2 * math.log(0.2) + math.log(0.7) + math.log(0.1)) / 4
    assert theirs(model, proba, y) == pytest.approx(wrong)


def test_columns_with_names_are_in_the_order_of_their_names():
    frame = pd.DataFrame({"a": [0.2], "c": [0.1], "b": [0.7]})
    model = Given(("b", "a", "c"))
    assert neg_cross_entropy(model, frame, ["b"]) == pytest.approx(math.log(0.7))
    other = frame.set_axis(["p_b", "p_a", "p_c"], axis=1)  # not the classes
    assert neg_cross_entropy(model, other, ["a"]) == pytest.approx(math.log(0.1))
    positions = frame.set_axis(pd.RangeIndex(3), axis=1)  # an index by default
    found = neg_cross_entropy(Given((1, 0, 2)), positions, [1])
    assert found == pytest.approx(math.log(0.2))


# -- probabilities near 0 ---------------------------------------------------


def test_both_columns_of_two_classes_are_used():
    proba = np.array([[1e-20, 1.0], [0.5, 0.5]])
    exact = scorers.get_scorer("neg_cross_entropy", clip=0)
    expected = (math.log(1e-20) + math.log(0.5)) / 2
    assert exact(Given(), proba, [0, 1]) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_a_zero_costs_the_same_in_every_type(dtype):
    proba = np.array([[0, 1], [0.5, 0.5]], dtype=dtype)
    scorer = DecompositionScorer(["neg_cross_entropy", "n_clipped"])
    found = scorer(Given(), proba, [0, 1])
    expected = (math.log(EPS) + math.log(0.5)) / 2
    assert found == {"neg_cross_entropy": pytest.approx(expected), "n_clipped": 1}


@seen_today
def test_theirs_clips_by_the_type():
    costs = {
        theirs(Given(), np.array([[0, 1], [0.5, 0.5]], dtype=dtype), [0, 1])
        for dtype in ("float64", "float32", "float16")
    }
    assert len(costs) == 3


def test_infinite_costs_are_counted():
    proba = np.array([[0.0, 1.0], [0.5, 0.5]])
    scorer = DecompositionScorer(["neg_perplexity", "n_infinite", "n_clipped"], clip=0)
    expected = {"neg_perplexity": -math.inf, "n_infinite": 1, "n_clipped": 0}
    assert scorer(Given(), proba, [0, 1]) == expected


# -- several scorers in one call --------------------------------------------


@pytest.fixture
def together():
    """Scores beside a scorer that asks for the other class."""
    data, labels = make_classification(200, random_state=0)
    other = make_scorer(brier_score_loss, response_method="predict_proba", pos_label=0)
    scoring = {"other": other, "theirs": theirs, "ours": neg_cross_entropy}
    found = cross_validate(GaussianNB(), data, labels, scoring=scoring)
    return found, cross_val_score(GaussianNB(), data, labels, scoring=theirs)


def test_another_scorer_in_the_same_call_changes_nothing(together):
    found, alone = together
    np.testing.assert_allclose(found["test_ours"], alone, rtol=1e-9)


@seen_today
def test_another_scorer_in_the_same_call_changes_theirs(together):
    found, alone = together
    assert not np.isclose(found["test_theirs"], alone).any()


# -- weights ----------------------------------------------------------------


def test_negative_weights_are_an_error():
    proba, weights = np.array([[0.9, 0.1], [0.2, 0.8]]), [1.0, -0.5]
    for name in scorers.get_scorer_names():
        scorer = scorers.get_scorer(name)
        with pytest.raises(ValueError, match="finite and not negative: row 1 is -0.5"):
            scorer(Given(), proba, [0, 1], sample_weight=weights)


@seen_today
def test_theirs_takes_negative_weights():
    proba = np.array([[0.9, 0.1], [0.9, 0.1]])
    assert theirs(Given(), proba, [0, 1], sample_weight=[1.0, -0.5]) > 0


# -- estimators without predict_proba ---------------------------------------


@seen_today
def test_theirs_forgets_error_score_with_two_scorers():
    with pytest.raises(AttributeError, match="predict_proba"):
        cross_validate(
            LinearSVC(),
            X,
            Y,
            scoring=["neg_log_loss", "neg_brier_score"],
            error_score=0,
        )


def test_error_score_holds_with_several_scorers():
    scoring = {
        "ours": neg_cross_entropy,
        "skill": scorers.skill,
        "accuracy": "accuracy",
    }
    sentence = "estimator must have predict_proba: LinearSVC has none; wrap it in"
    with pytest.warns(UserWarning, match=sentence):
        scores = cross_validate(
            LinearSVC(), X, Y, scoring=scoring, cv=2, error_score=-9
        )
    assert scores["test_ours"].tolist() == scores["test_skill"].tolist() == [-9, -9]
    assert (scores["test_accuracy"] > 0.5).all()
    with pytest.raises(TypeError, match=sentence):
        cross_validate(LinearSVC(), X, Y, scoring=scoring, error_score="raise")


def test_a_search_goes_on_over_a_model_without_probabilities():
    pipeline = sklearn.pipeline.Pipeline([("model", GaussianNB())])
    with pytest.warns(UserWarning, match="Pipeline has none|non-finite"):
        search = GridSearchCV(
            pipeline,
            {"model": [LinearSVC(), GaussianNB()]},
            scoring=DecompositionScorer(["neg_cross_entropy", "skill"]),
            refit="neg_cross_entropy",
            cv=2,
        ).fit(X, Y)
    assert isinstance(search.best_estimator_["model"], GaussianNB)
    assert np.isnan(search.cv_results_["mean_test_skill"]).tolist() == [True, False]


def test_an_error_is_raised_where_nan_is_not_wanted():
    scorer = DecompositionScorer(on_error="raise")
    with pytest.warns(UserWarning, match="LinearSVC has none"):
        scores = cross_validate(LinearSVC(), X, Y, scoring=scorer, error_score=-9)
    assert scores["test_score"].tolist() == [-9] * 5


# -- what counts as an estimator --------------------------------------------


class Duck:
    """No estimator of scikit-learn: classes and probabilities."""

    classes_ = ["no", "yes"]  # noqa: RUF012 - a list is enough

    def __init__(self, proba):
        self.proba = proba

    def predict_proba(self, X):
        return self.proba


TABLE = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])


@pytest.mark.parametrize(
    "proba",
    [
        TABLE,
        TABLE.tolist(),
        TABLE[:, 1],
        pd.DataFrame(TABLE),
        pd.DataFrame(TABLE, columns=["no", "yes"]),
        np.asfortranarray(TABLE.astype("float32")),
    ],
    ids=["array", "list", "one column", "frame", "named frame", "float32"],
)
@pytest.mark.parametrize(
    "y",
    [
        ["no", "yes", "yes"],
        np.array(["no", "yes", "yes"], dtype=object),
        pd.Series(["no", "yes", "yes"], index=[7, 3, 5], dtype="category"),
        pd.DataFrame({"label": ["no", "yes", "yes"]}),
        np.array([["no"], ["yes"], ["yes"]]),
    ],
    ids=["list", "objects", "categories", "frame", "column"],
)
def test_classes_and_arrays_are_enough(proba, y):
    expected = (math.log(0.9) + math.log(0.8) + math.log(0.4)) / 3
    found = neg_cross_entropy(Duck(proba), None, y)
    assert found == pytest.approx(expected, rel=1e-7)
    every = DecompositionScorer()(Duck(proba), None, y)
    assert every["neg_cross_entropy"] == pytest.approx(found, rel=1e-14)


def test_an_estimator_without_classes_is_refused():
    duck = Duck(TABLE)
    duck.classes_ = None
    with pytest.raises(TypeError, match="must have classes_, .*: Duck has none"):
        neg_cross_entropy(duck, None, ["no", "yes", "yes"])


def test_rows_that_do_not_sum_to_one_can_be_rescaled():
    scorer = scorers.get_scorer("neg_cross_entropy", rescale=True)
    y = ["no", "yes", "yes"]
    expected = -cross_entropy(y, TABLE, labels=["no", "yes"])
    assert scorer(Duck(TABLE * 2), None, y) == pytest.approx(expected, rel=1e-14)


def test_a_memory_map_is_scored_as_an_array(tmp_path):
    file = np.memmap(tmp_path / "proba", dtype="float64", mode="w+", shape=(200, 2))
    rng = np.random.default_rng(0)
    file[:] = rng.dirichlet([1, 1], 200)
    file.flush()
    stored = np.memmap(tmp_path / "proba", dtype="float64", mode="r", shape=(200, 2))
    y = np.memmap(tmp_path / "y", dtype="int64", mode="w+", shape=200)
    y[:] = rng.integers(0, 2, 200)
    expected = decompose(np.array(y), np.array(stored), recalibration="slope-bias")
    found = DecompositionScorer()(Given(), stored, y)
    assert found["resolution"] == expected.resolution


# -- scorers of hard labels -------------------------------------------------


@pytest.mark.parametrize("scorer", [neg_cross_entropy, DecompositionScorer()])
def test_a_threshold_is_not_tuned_by_probabilities(scorer):
    data, labels = make_classification(60, random_state=0)
    model = TunedThresholdClassifierCV(GaussianNB(), scoring=scorer)
    with pytest.raises(AttributeError, match="scores probabilities .* 'balanced_acc"):
        model.fit(data, labels)


@seen_today
@pytest.mark.slow
def test_theirs_tunes_a_threshold_on_hard_labels():
    data, labels = make_classification(60, random_state=0)
    model = TunedThresholdClassifierCV(GaussianNB(), scoring="neg_log_loss")
    assert model.fit(data, labels).best_score_ < -1  # of 0 and 1, not of probabilities


@pytest.mark.slow
def test_a_classifier_with_a_tuned_threshold_is_scored():
    data, labels = make_classification(60, random_state=0)
    tuned = TunedThresholdClassifierCV(GaussianNB()).fit(data, labels)
    plain = GaussianNB().fit(data, labels)
    expected = neg_cross_entropy(plain, data, labels)
    assert neg_cross_entropy(tuned, data, labels) == expected


def test_scorers_are_not_rebuilt():
    model = LogisticRegressionCV(Cs=2, cv=KFold(3), scoring=neg_cross_entropy)
    if parse_version(sklearn.__version__) >= parse_version("1.8"):
        model.set_params(l1_ratios=(0,), use_legacy_attributes=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnseenLabelWarning)
        model.fit(X[50:], Y[50:])  # the last class is first met in the second fold
    assert not hasattr(neg_cross_entropy, "_score_func")


def test_a_score_of_too_few_rows_is_nan_and_names_error_score():
    few = np.r_[48:57]  # of two classes
    model = LogisticRegression().fit(X[:100], Y[:100])
    message = (
        "miscalibration must be scored on more rows: found 9 independent rows: too few "
        "for terms of the map, which require 10, so that the score is NaN, which "
        "error_score does not replace; use fewer folds."
    )
    with pytest.warns(SmallSampleWarning, match=re.escape(message)):
        assert math.isnan(scorers.neg_miscalibration(model, X[few], Y[few]))
    assert math.isfinite(neg_cross_entropy(model, X[few], Y[few]))
