"""Weights, soft labels and votes on their way to the scorers."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from xent_metrics import (
    UnseenLabelWarning,
    cross_entropy,
    entropy,
    kl_divergence,
    scorers,
)
from xent_metrics.scorers import DecompositionScorer, get_scorer, neg_cross_entropy

X, Y = load_iris(return_X_y=True)
RNG = np.random.default_rng(0)
W = RNG.exponential(size=len(Y))
SOFT = 0.7 * np.eye(3)[Y] + 0.3 * RNG.dirichlet(np.ones(3), len(Y))
VOTES = RNG.multinomial(7, SOFT)
EVEN, ODD = np.arange(0, 150, 2), np.arange(1, 150, 2)
FOLDS = [(ODD, EVEN), (EVEN, ODD)]
GRID = {"var_smoothing": [1e-9, 1e-1]}
recent = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.7"),
    reason="before 1.7 scikit-learn's searches do not pass weights to scorers",
)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def model():
    """A classifier that is fitted without weights."""
    return LogisticRegression(max_iter=5000).set_fit_request(sample_weight=False)


def proba_of_each_fold(results):
    for estimator, test in zip(
        results["estimator"], results["indices"]["test"], strict=True
    ):
        yield estimator.predict_proba(X[test]), test


KEEP = {"cv": FOLDS, "return_estimator": True, "return_indices": True}


# -- with metadata routing --------------------------------------------------


@pytest.mark.parametrize("targets", [SOFT, VOTES], ids=["soft", "votes"])
@pytest.mark.parametrize("frame", [False, True], ids=["array", "frame"])
@pytest.mark.usefixtures("routing")
def test_soft_labels_reach_every_fold(targets, frame, model):
    scorer = DecompositionScorer().set_score_request(soft_labels=True)
    soft = pd.DataFrame(targets, columns=[0, 1, 2])[[2, 0, 1]] if frame else targets
    params = {"soft_labels": soft}
    results = cross_validate(model, X, Y, scoring=scorer, params=params, **KEEP)
    for fold, (proba, test) in enumerate(proba_of_each_fold(results)):
        expected = {
            "neg_cross_entropy": -cross_entropy(targets[test], proba),
            "neg_kl_divergence": -kl_divergence(targets[test], proba),
            "entropy": np.mean(
                entropy(targets[test], rescale=targets is VOTES, reduction=None)
            ),
        }
        for name, value in expected.items():
            assert results[f"test_{name}"][fold] == pytest.approx(value, rel=1e-12)


@pytest.mark.usefixtures("routing")
def test_weights_and_soft_labels_may_have_other_names(model):
    scorer = scorers.neg_kl_divergence.set_score_request(
        sample_weight="trust", soft_labels="votes"
    )
    params = {"trust": W, "votes": VOTES}
    results = cross_validate(model, X, Y, scoring=scorer, params=params, **KEEP)
    for fold, (proba, test) in enumerate(proba_of_each_fold(results)):
        expected = -kl_divergence(VOTES[test], proba, sample_weight=W[test])
        assert results["test_score"][fold] == pytest.approx(expected, rel=1e-14)


@pytest.mark.usefixtures("routing")
def test_each_scorer_gets_what_it_asked_for(model):
    scoring = {
        "soft": neg_cross_entropy.set_score_request(
            sample_weight=False, soft_labels=True
        ),
        "weighted": neg_cross_entropy.set_score_request(
            sample_weight=True, soft_labels=False
        ),
    }
    params = {"sample_weight": W, "soft_labels": SOFT}
    results = cross_validate(model, X, Y, scoring=scoring, params=params, **KEEP)
    for fold, (proba, test) in enumerate(proba_of_each_fold(results)):
        soft, hard = cross_entropy(SOFT[test], proba), Y[test]
        weighted = cross_entropy(hard, proba, labels=[0, 1, 2], sample_weight=W[test])
        assert results["test_soft"][fold] == pytest.approx(-soft, rel=1e-14)
        assert results["test_weighted"][fold] == pytest.approx(-weighted, rel=1e-14)


@pytest.mark.parametrize("scorer", [neg_cross_entropy, DecompositionScorer()])
@pytest.mark.parametrize("name", ["sample_weight", "soft_labels"])
@pytest.mark.usefixtures("routing")
def test_what_nobody_asked_for_is_an_error(scorer, name, model):
    params = {name: {"sample_weight": W, "soft_labels": SOFT}[name]}
    with pytest.raises((ValueError, TypeError), match=name):
        cross_validate(model, X, Y, scoring=scorer, params=params)


@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
@pytest.mark.usefixtures("routing")
def test_soft_labels_reach_a_search(search):
    scorer = neg_cross_entropy.set_score_request(soft_labels=True)
    options = {"n_iter": 2} if search is RandomizedSearchCV else {}
    found = search(GaussianNB(), GRID, scoring=scorer, cv=FOLDS, **options)
    found.fit(X, Y, soft_labels=SOFT)
    results = found.cv_results_
    for candidate, params in enumerate(results["params"]):
        model = GaussianNB(**params).fit(X[ODD], Y[ODD])
        expected = -cross_entropy(SOFT[EVEN], model.predict_proba(X[EVEN]))
        score = results["split0_test_score"][candidate]
        assert score == pytest.approx(expected, rel=1e-14)


@pytest.mark.usefixtures("routing")
def test_metadata_reach_a_nested_search_of_a_pipeline():
    scorer = neg_cross_entropy.set_score_request(soft_labels=True, sample_weight=True)
    pipeline = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False),
        GaussianNB().set_fit_request(sample_weight=True),
    )
    grid = {"gaussiannb__var_smoothing": [1e-9, 1e-1]}
    search = GridSearchCV(pipeline, grid, scoring=scorer, cv=2)
    params = {"soft_labels": SOFT, "sample_weight": W}
    results = cross_validate(search, X, Y, scoring=scorer, params=params, **KEEP)
    for fold, (proba, test) in enumerate(proba_of_each_fold(results)):
        expected = -cross_entropy(SOFT[test], proba, sample_weight=W[test])
        assert results["test_score"][fold] == pytest.approx(expected, rel=1e-14)


@pytest.mark.usefixtures("routing")
def test_soft_labels_reach_logistic_regression_cv():
    scorer = neg_cross_entropy.set_score_request(soft_labels=True)
    model = LogisticRegressionCV(Cs=[1.0], cv=FOLDS, scoring=scorer, max_iter=5000)
    if parse_version(sklearn.__version__) >= parse_version("1.8"):
        model.set_params(l1_ratios=(0,), use_legacy_attributes=True)
    scores = model.fit(X, Y, soft_labels=SOFT).scores_
    plain = LogisticRegression(max_iter=5000).fit(X[ODD], Y[ODD])
    expected = -cross_entropy(SOFT[EVEN], plain.predict_proba(X[EVEN]))
    found = np.ravel(next(iter(scores.values())))[0]
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.usefixtures("routing")
def test_votes_that_look_like_labels_in_a_fold_are_refused():
    votes = np.eye(3, dtype=int)[Y]
    votes[:10, 2] += 1  # two annotators for some rows of the first fold
    ask = {"soft_labels": True}
    params = {"soft_labels": votes}
    options = {"params": params, "cv": FOLDS, "error_score": "raise"}
    with pytest.raises(ValueError, match="pass target_type='votes' for vote counts"):
        cross_val_score(
            GaussianNB(),
            X,
            Y,
            scoring=neg_cross_entropy.set_score_request(**ask),
            **options,
        )
    scorer = get_scorer("neg_cross_entropy", target_type="votes").set_score_request(
        **ask
    )
    scores = cross_val_score(GaussianNB(), X, Y, scoring=scorer, **options)
    model = GaussianNB().fit(X[ODD], Y[ODD])
    expected = -cross_entropy(
        votes[EVEN], model.predict_proba(X[EVEN]), target_type="votes"
    )
    assert scores[0] == pytest.approx(expected, rel=1e-14)


# -- soft labels of classes that training lacks -----------------------------


def test_soft_labels_may_name_a_class_that_the_estimator_lacks():
    model = GaussianNB().fit(X[:100], Y[:100])  # of the classes 0 and 1
    soft = pd.DataFrame(SOFT, columns=[0, 1, 2])
    scorer = DecompositionScorer(["neg_cross_entropy", "n_unseen", "skill"])
    with pytest.warns(UnseenLabelWarning, match="2 among 0, 1"):
        found = scorer(model, X, Y, soft_labels=soft[[2, 0, 1]])
    wide = np.column_stack([model.predict_proba(X), np.zeros(150)])
    expected = -cross_entropy(SOFT, wide)
    assert found["neg_cross_entropy"] == pytest.approx(expected, rel=1e-14)
    assert found["n_unseen"] == 150
    one_hot = pd.DataFrame(np.eye(3)[Y], columns=[0, 1, 2])
    with pytest.warns(UnseenLabelWarning, match="2 among 0, 1"):
        found = scorer(model, X, Y, soft_labels=one_hot)
    assert found["n_unseen"] == 50
    known = soft[:100] * 0 + [0.5, 0.5, 0]
    assert scorer(model, X[:100], Y[:100], soft_labels=known)["n_unseen"] == 0


def test_soft_labels_of_such_a_class_need_names():
    model = GaussianNB().fit(X[:100], Y[:100])
    with pytest.raises(
        ValueError, match="one column for each of .*: found 3 for 2; pass a DataFrame"
    ):
        neg_cross_entropy(model, X, Y, soft_labels=SOFT)


# -- without metadata routing -----------------------------------------------


def test_cross_validate_delivers_nothing_to_scorers():
    options = {"scoring": neg_cross_entropy, "cv": FOLDS}
    weighted = cross_val_score(
        GaussianNB(), X, Y, params={"sample_weight": W}, **options
    )
    model = GaussianNB().fit(X[ODD], Y[ODD], W[ODD])
    expected = neg_cross_entropy(model, X[EVEN], Y[EVEN])  # fitted with, scored without
    assert weighted[0] == expected


@recent
@pytest.mark.parametrize("several", [False, True])
def test_weights_reach_the_scores_of_a_search(several):
    scoring = {"score": neg_cross_entropy, "other": "accuracy"}
    search = GridSearchCV(
        GaussianNB(),
        GRID,
        scoring=scoring if several else neg_cross_entropy,
        refit="score" if several else True,
        cv=FOLDS,
    ).fit(X, Y, sample_weight=W)
    model = GaussianNB().fit(X[ODD], Y[ODD], W[ODD])
    expected = neg_cross_entropy(model, X[EVEN], Y[EVEN], sample_weight=W[EVEN])
    assert search.cv_results_["split0_test_score"][0] == expected


@recent
def test_weights_reach_all_terms_of_a_search():
    search = GridSearchCV(
        GaussianNB(), GRID, scoring=DecompositionScorer(), refit="skill", cv=FOLDS
    ).fit(X, Y, sample_weight=W)
    model = GaussianNB().fit(X[ODD], Y[ODD], W[ODD])
    expected = DecompositionScorer()(model, X[EVEN], Y[EVEN], sample_weight=W[EVEN])
    for name, value in expected.items():
        assert search.cv_results_[f"split0_test_{name}"][0] == value


def test_weights_reach_permutation_importance():
    model = GaussianNB().fit(X, Y)
    options = {"scoring": neg_cross_entropy, "random_state": 0, "n_repeats": 2}
    found = permutation_importance(model, X, Y, sample_weight=W, **options)
    plain = permutation_importance(model, X, Y, **options)
    assert not np.allclose(found.importances, plain.importances)
    scaled = permutation_importance(model, X, Y, sample_weight=7 * W, **options)
    np.testing.assert_allclose(found.importances, scaled.importances, rtol=1e-12)


def test_weights_reach_early_stopping():
    data, labels = make_classification(200, random_state=0)
    weights = RNG.exponential(size=200)
    seen = []

    class Spy:
        def __call__(self, *arguments, sample_weight=None):
            seen.append(sample_weight)
            return neg_cross_entropy(*arguments, sample_weight=sample_weight)

    model = HistGradientBoostingClassifier(
        scoring=Spy(), early_stopping=True, max_iter=1, max_leaf_nodes=2
    )
    model.fit(data, labels, sample_weight=weights)
    assert all(each is not None for each in seen)
    assert len(seen) == 4


# -- what weights mean ------------------------------------------------------

TERMS = (*scorers.get_scorer_names(), "n", "n_clipped", "n_unseen")
EVERY = DecompositionScorer(TERMS)
MODEL = GaussianNB().fit(X, Y)


@pytest.mark.parametrize("soft", [None, SOFT, VOTES], ids=["labels", "soft", "votes"])
def test_a_weight_of_zero_removes_a_row(soft):
    weights = W * (np.arange(150) % 3 > 0)
    kept = weights > 0
    part = None if soft is None else soft[kept]
    zero = EVERY(MODEL, X, Y, sample_weight=weights, soft_labels=soft)
    without = EVERY(
        MODEL, X[kept], Y[kept], sample_weight=weights[kept], soft_labels=part
    )
    assert zero == pytest.approx(without, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("soft", [None, SOFT, VOTES], ids=["labels", "soft", "votes"])
@pytest.mark.parametrize("scale", [1e-3, 8, 1e5])
def test_the_scale_of_weights_is_free(soft, scale):
    one = EVERY(MODEL, X, Y, sample_weight=W, soft_labels=soft)
    other = EVERY(MODEL, X, Y, sample_weight=scale * W, soft_labels=soft)
    assert other == pytest.approx(one, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("soft", [None, SOFT, VOTES], ids=["labels", "soft", "votes"])
def test_whole_weights_repeat_rows_for_what_is_a_mean(soft):
    times = np.arange(150) % 3 + 1
    rows = np.repeat(np.arange(150), times)
    part = None if soft is None else soft[rows]
    for name in (
        "neg_cross_entropy",
        "neg_kl_divergence",
        "entropy",
        "predictive_entropy",
        "calibration_gap",
        "neg_perplexity",
    ):
        scorer = getattr(scorers, name)
        weighted = scorer(MODEL, X, Y, sample_weight=times, soft_labels=soft)
        repeated = scorer(MODEL, X[rows], Y[rows], soft_labels=part)
        assert weighted == pytest.approx(repeated, rel=1e-12)


def test_folds_of_rows_without_weight_are_an_error():
    weights = np.where(Y == 0, 0.0, 1.0)
    with pytest.raises(ValueError, match="must not be all 0"):
        neg_cross_entropy(MODEL, X[:50], Y[:50], sample_weight=weights[:50])
