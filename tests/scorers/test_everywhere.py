"""Scorers wherever scikit-learn takes ``scoring=``."""

import itertools
import math
import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - registers it
from sklearn.feature_selection import RFECV, SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    LearningCurveDisplay,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version
from threadpoolctl import threadpool_limits

from xent_metrics import (
    cross_entropy,
    decompose,
    entropy,
    kl_divergence,
    perplexity,
    scorers,
)
from xent_metrics.scorers import DecompositionScorer, get_scorer, get_scorer_names

from ..thinned import thinned

X, Y = make_classification(200, 4, random_state=0)
MODEL = GaussianNB()
GRID = {"var_smoothing": [1e-9, 1e-2]}
NAMES = get_scorer_names()
every_scorer = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def scorer(name):
    return getattr(scorers, name)


def logistic_regression_cv(scorer):
    model = LogisticRegressionCV(Cs=2, cv=2, scoring=scorer)
    if parse_version(sklearn.__version__) >= parse_version("1.8"):
        model.set_params(l1_ratios=(0,), use_legacy_attributes=True)
    scores = model.fit(X, Y).scores_
    return np.concatenate([np.ravel(each) for each in scores.values()])


def boosting(scorer):
    model = HistGradientBoostingClassifier(
        scoring=scorer, early_stopping=True, max_iter=3, max_leaf_nodes=3
    )
    with threadpool_limits(1):  # on busy processors several take a second
        return model.fit(X, Y).validation_score_


def curve_display(scorer):
    pytest.importorskip("matplotlib").use("agg")
    shown = LearningCurveDisplay.from_estimator(
        MODEL, X, Y, scoring=scorer, cv=2, train_sizes=[0.5, 1.0]
    )
    words = scorer.__name__.removeprefix("neg_").replace("_", " ")
    assert words in shown.ax_.get_ylabel().lower()
    return shown.test_scores


USES = {
    "cross_val_score": lambda scorer: cross_val_score(MODEL, X, Y, scoring=scorer),
    "cross_validate": lambda scorer: cross_validate(
        MODEL, X, Y, scoring={"a": scorer, "b": "accuracy"}, return_train_score=True
    )["train_a"],
    "GridSearchCV": lambda scorer: (
        GridSearchCV(MODEL, GRID, scoring=scorer, cv=2).fit(X, Y).score(X, Y)
    ),
    "RandomizedSearchCV": lambda scorer: (
        RandomizedSearchCV(MODEL, GRID, n_iter=2, scoring=scorer, cv=2)
        .fit(X, Y)
        .cv_results_["mean_test_score"]
    ),
    "HalvingGridSearchCV": lambda scorer: (
        HalvingGridSearchCV(MODEL, GRID, factor=2, scoring=scorer, cv=2)
        .fit(X, Y)
        .best_score_
    ),
    "learning_curve": lambda scorer: learning_curve(
        MODEL, X, Y, scoring=scorer, cv=2, train_sizes=[0.5, 1.0]
    )[2],
    "validation_curve": lambda scorer: validation_curve(
        MODEL, X, Y, param_name="var_smoothing", param_range=[1e-9, 1], scoring=scorer
    )[1],
    "LearningCurveDisplay": curve_display,
    "RFECV": lambda scorer: (
        RFECV(LogisticRegression(), scoring=scorer, cv=2)
        .fit(X, Y)
        .cv_results_["mean_test_score"]
    ),
    "SequentialFeatureSelector": lambda scorer: (
        SequentialFeatureSelector(MODEL, n_features_to_select=1, scoring=scorer, cv=2)
        .fit(X, Y)
        .get_support()
    ),
    "permutation_importance": lambda scorer: (
        permutation_importance(
            MODEL.fit(X, Y), X, Y, scoring=scorer, n_repeats=2
        ).importances
    ),
    "permutation_test_score": lambda scorer: permutation_test_score(
        MODEL, X, Y, scoring=scorer, n_permutations=2, cv=2
    )[1],
    "LogisticRegressionCV": logistic_regression_cv,
    "HistGradientBoostingClassifier": boosting,
    "nested search": lambda scorer: cross_val_score(
        GridSearchCV(MODEL, GRID, scoring=scorer, cv=2), X, Y, scoring=scorer, cv=2
    ),
    "pipeline": lambda scorer: (
        GridSearchCV(
            make_pipeline(StandardScaler(), GaussianNB()),
            {"gaussiannb__var_smoothing": [1e-9, 1e-2]},
            scoring=scorer,
            cv=2,
        )
        .fit(X, Y)
        .best_score_
    ),
}


# Each use is quick with one scorer, and each scorer in one use.
@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize(
    ("use", "name"),
    thinned(
        itertools.product(USES, NAMES), zip(USES, itertools.cycle(NAMES), strict=False)
    ),
)
def test_every_scorer_works_everywhere(use, scorer):
    assert np.isfinite(USES[use](scorer)).all()


@every_scorer
def test_every_name_is_an_attribute_with_its_default_options(scorer, name):
    model = MODEL.fit(X, Y)
    assert name in scorers.__all__
    assert repr(scorer) == repr(get_scorer(name))
    assert repr(scorer).startswith(f"get_scorer({name!r}")
    assert scorer(model, X, Y) == get_scorer(name)(model, X, Y)


def test_scores_are_those_of_the_functions():
    model = MODEL.fit(X, Y)
    proba = model.predict_proba(X)
    terms = decompose(Y, proba, recalibration="slope-bias").terms
    expected = {name: terms[name] for name in NAMES if name in terms}
    expected |= {
        f"neg_{name}": -terms[name]
        for name in ("refinement", "miscalibration", "kl_divergence")
    }
    expected["neg_cross_entropy"] = -cross_entropy(Y, proba)
    expected["neg_perplexity"] = -perplexity(Y, proba)
    expected["neg_abs_calibration_gap"] = -abs(terms["calibration_gap"])
    assert set(expected) == set(NAMES)
    for name in NAMES:
        assert getattr(scorers, name)(model, X, Y) == expected[name], name
    every = DecompositionScorer(NAMES)(model, X, Y)
    assert every == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("base", [None, 2, 10])
def test_units_change_all_but_what_has_none(base):
    model = MODEL.fit(X, Y)
    nats = 1.0 if base is None else math.log(base)
    plain, converted = (
        DecompositionScorer(NAMES, base=each)(model, X, Y) for each in (None, base)
    )
    for name in NAMES:
        scale = 1.0 if name in {"skill", "neg_perplexity"} else nats
        assert converted[name] * scale == pytest.approx(plain[name], rel=1e-13)
        alone = get_scorer(name, base=base)(model, X, Y)
        assert alone == pytest.approx(converted[name], rel=1e-13)


def test_soft_labels_make_the_entropy_and_the_divergence():
    model, soft = MODEL.fit(X, Y), np.full((200, 2), 0.1) + 0.8 * np.eye(2)[Y]
    proba = model.predict_proba(X)
    expected = {
        "entropy": entropy(soft),
        "neg_kl_divergence": -kl_divergence(soft, proba),
        "neg_cross_entropy": -cross_entropy(soft, proba),
    }
    for name, value in expected.items():
        found = getattr(scorers, name)(model, X, Y, soft_labels=soft)
        assert found == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("name", "fits"),
    [(name, name in {"skill", "resolution", "uncertainty"}) for name in NAMES],
)
def test_a_map_is_fitted_only_where_a_term_needs_one(name, fits):
    calls = []

    class Counting:
        def fit(self, log_q, p, sample_weight=None):
            calls.append(1)
            return self

        def predict(self, log_q):
            return np.exp(log_q)

    fits = fits or name in {"neg_refinement", "neg_miscalibration"}
    get_scorer(name, recalibration=Counting())(MODEL.fit(X, Y), X, Y)
    assert bool(calls) == fits


@pytest.mark.parametrize("name", thinned(NAMES, NAMES[:3]))
def test_copies_score_the_same(scorer):
    model = MODEL.fit(X, Y)
    asking = scorer.set_score_request(sample_weight=True)
    for copied in (pickle.loads(pickle.dumps(asking)), clone(asking, safe=False)):  # noqa: S301 - our own
        assert copied(model, X, Y) == scorer(model, X, Y)
        requests = copied.get_metadata_routing().score.requests
        assert requests == {"sample_weight": True, "soft_labels": None}
    search = clone(GridSearchCV(MODEL, GRID, scoring=scorer))
    assert search.fit(X, Y).score(X, Y) == scorer(search, X, Y)


@pytest.mark.slow
def test_two_processes_give_the_same_scores():
    scoring = {name: getattr(scorers, name) for name in NAMES}
    one, two = (
        cross_validate(MODEL, X, Y, scoring=scoring, cv=2, n_jobs=n) for n in (1, 2)
    )
    for name in NAMES:
        np.testing.assert_array_equal(one[f"test_{name}"], two[f"test_{name}"])


# -- all terms at once ------------------------------------------------------


class Counted(GaussianNB):
    """Counts its predictions."""

    calls = 0

    def predict_proba(self, X):
        Counted.calls += 1
        return super().predict_proba(X)


DICT_USES = {
    "cross_validate": (
        5,
        lambda scorer: cross_validate(Counted(), X, Y, scoring=scorer, cv=5),
    ),
    "with train scores": (
        4,
        lambda scorer: cross_validate(
            Counted(), X, Y, scoring=scorer, cv=2, return_train_score=True
        ),
    ),
    "search": (
        4,
        lambda scorer: (
            GridSearchCV(
                Counted(), GRID, scoring=scorer, refit="neg_cross_entropy", cv=2
            )
            .fit(X, Y)
            .cv_results_
        ),
    ),
    "random search": (
        4,
        lambda scorer: (
            RandomizedSearchCV(
                Counted(), GRID, n_iter=2, scoring=scorer, refit=False, cv=2
            )
            .fit(X, Y)
            .cv_results_
        ),
    ),
    "permutation importance": (
        9,
        lambda scorer: permutation_importance(
            Counted().fit(X, Y), X, Y, scoring=scorer, n_repeats=2
        ),
    ),
}


@pytest.mark.parametrize("use", DICT_USES)
def test_one_prediction_gives_all_terms(use):
    calls, run = DICT_USES[use]
    Counted.calls = 0
    scorer = DecompositionScorer()
    assert len(scorer.terms) == 10
    keys = set(run(scorer))
    assert Counted.calls == calls
    for name in scorer.terms:
        assert any(name in key for key in keys)


def test_the_best_by_one_term_is_refitted():
    scorer = DecompositionScorer(["neg_cross_entropy", "neg_perplexity", "n"])
    search = GridSearchCV(
        MODEL, {"var_smoothing": [10.0, 1e-9]}, scoring=scorer, refit="neg_perplexity"
    ).fit(X, Y)
    assert search.best_params_ == {"var_smoothing": 1e-9}
    results = search.cv_results_
    assert results["mean_test_n"].tolist() == [40, 40]
    np.testing.assert_allclose(
        results["split0_test_neg_perplexity"],
        -np.exp(-results["split0_test_neg_cross_entropy"]),
    )


WANT_A_FLOAT = (
    "cross_val_score",
    "RFECV",
    "SequentialFeatureSelector",
    "permutation_test_score",
    "LogisticRegressionCV",
    "HistGradientBoostingClassifier",
)


@pytest.mark.parametrize("use", WANT_A_FLOAT)
def test_a_dict_where_a_float_is_wanted_is_refused_in_a_sentence(use):
    scorer = DecompositionScorer(["skill", "entropy"])
    with pytest.raises(TypeError, match=r"2 terms; pass scoring=scorer.single\('sk"):
        USES[use](scorer)
    assert np.isfinite(USES[use](scorer.single("skill"))).all()


def test_a_search_wants_to_know_the_key():
    with pytest.raises(ValueError, match="refit must be set to a scorer key"):
        GridSearchCV(MODEL, GRID, scoring=DecompositionScorer()).fit(X, Y)


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        ("learning_curve", AttributeError, "no attribute 'reshape'"),
        ("validation_curve", AttributeError, "no attribute 'reshape'"),
        ("HalvingGridSearchCV", KeyError, "mean_test_score"),
    ],
)
def test_scikit_learn_refuses_a_dict_itself(use, error, words):
    with pytest.raises(error, match=words):
        USES[use](DecompositionScorer())


def test_the_dict_is_a_dict():
    found = DecompositionScorer(["skill", "n"])(MODEL.fit(X, Y), X, Y)
    assert isinstance(found, dict)
    assert pickle.loads(pickle.dumps(found)) == found == dict(found)  # noqa: S301 - our own
    assert sorted(found) == ["n", "skill"]
    with pytest.raises(TypeError, match="a score must be a number here: a Decomp"):
        float(found)


def test_what_cannot_be_asked_for_is_refused():
    with pytest.raises(ValueError, match="terms must not be empty: found none"):
        DecompositionScorer([])
    with pytest.raises(ValueError, match="a scorer must be one of .*found 'n_unseen'"):
        DecompositionScorer(["n_unseen"]).single("n_unseen")
    assert DecompositionScorer("skill").terms == ("skill",)
    with pytest.raises(
        ValueError, match="target_type must be .* or 'votes': found 'x'"
    ):
        get_scorer("skill", target_type="x")
    with pytest.raises(ValueError, match="recalibration must be one of.*found 'x'"):
        get_scorer("skill", recalibration="x")
    with pytest.raises(
        ValueError, match="multioutput must be None, 'raw_values' or 'uniform_average'"
    ):
        get_scorer("skill", multioutput="mean")
