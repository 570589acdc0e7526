import inspect
import math
import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    LeaveOneOut,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.utils.fixes import parse_version

from xent_metrics import cross_entropy, decompose
from xent_metrics.scorers import DecompositionScorer, get_scorer, neg_cross_entropy

X, Y = load_iris(return_X_y=True)


class Fixed(ClassifierMixin, BaseEstimator):
    """Predicts the class frequencies of its training rows; counts its calls."""

    calls = 0

    def __init__(self, order=None):
        self.order = order

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.array(
            self.order or sorted(set(y)), dtype=np.asarray(y).dtype
        )
        w = np.ones(len(y)) if sample_weight is None else sample_weight
        counts = np.array([w[np.asarray(y) == c].sum() for c in self.classes_])
        self.share_ = counts / counts.sum()
        return self

    def predict_proba(self, X):
        type(self).calls += 1
        return np.tile(self.share_, (len(X), 1))


def test_the_number_is_scikit_learns():
    ours = cross_val_score(GaussianNB(), X, Y, scoring=neg_cross_entropy)
    theirs = cross_val_score(GaussianNB(), X, Y, scoring="neg_log_loss")
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_fold_that_lacks_a_class_is_scored():
    scores = cross_val_score(
        LogisticRegression(), X, Y, scoring=neg_cross_entropy, cv=KFold(6)
    )
    assert np.isfinite(scores).all()
    one_out = cross_val_score(
        GaussianNB(), X[::5], Y[::5], scoring=neg_cross_entropy, cv=LeaveOneOut()
    )
    assert np.isfinite(one_out).all()


@pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
def test_a_class_unseen_in_training_costs_the_clip():
    y = np.array([0] * 10 + [1] * 10 + [2] * 10)
    scores = cross_val_score(
        Fixed(), y[:, None], y, scoring=neg_cross_entropy, cv=KFold(3)
    )
    assert scores == pytest.approx([math.log(np.finfo(float).eps)] * 3)


def test_columns_follow_the_classes_of_the_estimator():
    y = np.array(["b", "a", "a", "a"])
    model = Fixed(order=["b", "a"]).fit(y, y)
    expected = cross_entropy(y, model.predict_proba(y), labels=["b", "a"])
    assert neg_cross_entropy(model, y, y) == -expected
    assert expected == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))


def test_all_terms_from_one_call_of_predict_proba():
    Fixed.calls = 0
    scores = cross_validate(Fixed(), X, Y, scoring=DecompositionScorer(), cv=4)
    assert Fixed.calls == 4
    assert {f"test_{name}" for name in DecompositionScorer().terms} <= set(scores)


def test_terms_are_those_of_the_decomposition():
    model = GaussianNB().fit(X, Y)
    rows = np.resize(np.arange(len(X)), 300)
    expected = decompose(
        Y[rows], model.predict_proba(X[rows]), recalibration="slope-bias"
    )
    terms = DecompositionScorer()(model, X[rows], Y[rows])
    for name, value in terms.items():
        sign = -1 if name.startswith("neg_") else 1
        assert value == sign * getattr(expected, name.removeprefix("neg_"))
        assert get_scorer(name)(model, X[rows], Y[rows]) == pytest.approx(
            value, rel=1e-14
        )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_auto_gives_the_number_of_decompose(n_classes):
    X, y = make_classification(
        400, n_informative=5, n_classes=n_classes, random_state=0
    )
    model = GaussianNB().fit(X, y)
    expected = decompose(y, model.predict_proba(X))
    terms = DecompositionScorer(recalibration="auto")(model, X, y)
    for name, value in terms.items():
        sign = -1 if name.startswith("neg_") else 1
        right = sign * getattr(expected, name.removeprefix("neg_"))
        assert value == pytest.approx(right, rel=1e-13), name


def test_a_base_rate_that_is_off_is_miscalibration():
    X, y = make_classification(
        4000, weights=[0.9], flip_y=0.02, class_sep=0.6, random_state=0
    )
    plain, balanced = (
        LogisticRegression(class_weight=weight).fit(X, y)
        for weight in (None, "balanced")
    )
    expected = decompose(y, balanced.predict_proba(X))
    found = DecompositionScorer()(balanced, X, y)
    assert expected.miscalibration > 0.2
    assert found["neg_miscalibration"] == pytest.approx(
        -expected.miscalibration, abs=0.01
    )
    rival = DecompositionScorer()(plain, X, y)
    assert found["neg_refinement"] == pytest.approx(rival["neg_refinement"], abs=0.01)


def test_a_search_refits_by_a_term():
    search = GridSearchCV(
        LogisticRegression(max_iter=5000),
        {"C": [1e-4, 1.0]},
        scoring=DecompositionScorer(["neg_cross_entropy", "skill"]),
        refit="neg_cross_entropy",
    ).fit(X, Y)
    assert search.best_params_ == {"C": 1.0}
    assert "mean_test_skill" in search.cv_results_


def test_single_gives_one_float():
    scorer = DecompositionScorer(base=2).single("skill")
    scores = cross_val_score(GaussianNB(), X, Y, scoring=scorer)
    assert scores.shape == (5,)


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.7"),
    reason="before 1.7 scikit-learn's searches do not pass weights to scorers",
)
def test_weights_reach_the_score_of_a_search():
    w = np.random.default_rng(0).exponential(size=len(Y))
    even, odd = np.arange(0, 150, 2), np.arange(1, 150, 2)
    search = GridSearchCV(
        GaussianNB(),
        {"var_smoothing": [1e-9]},
        scoring=neg_cross_entropy,
        cv=[(odd, even), (even, odd)],
    )
    search.fit(X, Y, sample_weight=w)
    model = GaussianNB().fit(X[odd], Y[odd], w[odd])
    expected = neg_cross_entropy(model, X[even], Y[even], sample_weight=w[even])
    assert search.cv_results_["split0_test_score"][0] == expected


def test_metadata_routing_asks_and_delivers():
    rng = np.random.default_rng(0)
    w, soft = rng.exponential(size=len(Y)), rng.dirichlet(np.ones(3), len(Y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression(max_iter=5000).set_fit_request(sample_weight=False)
        with pytest.raises(ValueError, match="sample_weight.*not explicitly set"):
            cross_validate(
                model, X, Y, scoring=neg_cross_entropy, params={"sample_weight": w}
            )
        scorer = neg_cross_entropy.set_score_request(
            sample_weight=True, soft_labels="votes"
        )
        result = cross_validate(
            model,
            X,
            Y,
            scoring=scorer,
            params={"sample_weight": w, "votes": soft},
            return_estimator=True,
            return_indices=True,
        )
    test = result["indices"]["test"][2]
    expected = cross_entropy(
        soft[test], result["estimator"][2].predict_proba(X[test]), sample_weight=w[test]
    )
    assert result["test_score"][2] == pytest.approx(-expected, rel=1e-14)


def test_requests_do_not_change_the_scorer():
    neg_cross_entropy.set_score_request(sample_weight=True)
    assert neg_cross_entropy.get_metadata_routing().score.requests == {
        "sample_weight": None,
        "soft_labels": None,
    }
    with pytest.raises(
        TypeError, match="sample_weight and soft_labels: found 'groups'"
    ):
        neg_cross_entropy.set_score_request(groups=True)


@pytest.mark.parametrize(
    "scorer", [neg_cross_entropy, get_scorer("skill", base=2), DecompositionScorer()]
)
def test_a_scorer_is_a_plain_picklable_callable(scorer):
    for other in (pickle.loads(pickle.dumps(scorer)), clone(scorer, safe=False)):  # noqa: S301 - our own
        assert repr(other) == repr(scorer)
        assert other.__name__ == scorer.__name__
    assert not hasattr(scorer, "_score_func")
    parameters = inspect.signature(scorer).parameters
    assert list(parameters) == [
        "estimator",
        "X",
        "y_true",
        "sample_weight",
        "soft_labels",
    ]


def test_reprs_say_how_to_make_them():
    assert repr(neg_cross_entropy) == "get_scorer('neg_cross_entropy')"
    text = repr(DecompositionScorer(["entropy"], clip=0, on_error="raise"))
    assert text == "DecompositionScorer(['entropy'], clip=0.0, on_error='raise')"


def test_reprs_name_the_map_where_one_is_fitted():
    text = "get_scorer('skill', recalibration='slope-bias')"
    assert repr(get_scorer("skill")) == text
    text = "DecompositionScorer(recalibration='slope-bias')"
    assert repr(DecompositionScorer()) == text
    text = "get_scorer('neg_refinement', recalibration='auto')"
    assert (
        repr(DecompositionScorer(recalibration="auto").single("neg_refinement")) == text
    )


def test_an_estimator_without_probabilities_is_refused():
    model = LinearSVC().fit(X, Y)
    with pytest.raises(TypeError, match="must have predict_proba: LinearSVC has none"):
        neg_cross_entropy(model, X, Y)


def test_data_that_cannot_be_scored_give_nan_and_a_warning():
    class Broken(Fixed):
        def predict_proba(self, X):
            return super().predict_proba(X) * 0.9

    model = Broken().fit(X, Y)
    with pytest.warns(
        UserWarning, match="scores are NaN: y_proba must have rows that sum to 1"
    ):
        scores = DecompositionScorer()(model, X, Y)
    assert list(scores) == list(DecompositionScorer().terms)
    assert all(map(math.isnan, scores.values()))
    with pytest.raises(ValueError, match="rows that sum to 1"):
        DecompositionScorer(on_error="raise")(model, X, Y)


def test_labels_of_another_vocabulary_are_refused_and_both_are_shown():
    model = GaussianNB().fit(X, np.where(Y[0] == Y, "yes", "no"))
    with pytest.raises(
        ValueError,
        match="the estimator's classes_: it holds .*, these are 'no', 'yes'; score on",
    ):
        neg_cross_entropy(model, X, Y)


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError, match="a scorer must be one of .*: found 'log_loss'"
    ):
        get_scorer("log_loss")
    with pytest.raises(
        ValueError, match="'cross_entropy'; did you mean 'neg_cross_entropy'?"
    ):
        get_scorer("cross_entropy")
    with pytest.raises(ValueError, match=r"found \['entropy'\]; did you mean 'entr"):
        get_scorer(["entropy"])
    with pytest.raises(ValueError, match="found 'accuracy'"):
        DecompositionScorer(["accuracy"])
    with pytest.raises(
        ValueError, match="on_error must be 'nan' or 'raise': found 'x'"
    ):
        DecompositionScorer(on_error="x")


@pytest.mark.slow
def test_two_processes_give_the_same_terms():
    data, labels = make_classification(300, random_state=0)
    one, two = (
        cross_validate(
            GaussianNB(), data, labels, scoring=DecompositionScorer(), n_jobs=j
        )
        for j in (1, 2)
    )
    np.testing.assert_array_equal(one["test_resolution"], two["test_resolution"])
