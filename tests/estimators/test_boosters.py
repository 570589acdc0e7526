"""Gradient boosting of xgboost and lightgbm."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate

from xent_metrics import Evaluation, decompose
from xent_metrics.scorers import DecompositionScorer, neg_cross_entropy

TEMPERATURE = {"recalibration": "temperature"}


@pytest.fixture(params=["xgboost", "lightgbm"])
def booster(request):
    """A function that makes a small classifier of the library."""
    library = pytest.importorskip(request.param)
    if request.param == "xgboost":
        return lambda **options: library.XGBClassifier(
            n_estimators=10, max_depth=3, n_jobs=1, **options
        )
    return lambda **options: library.LGBMClassifier(
        n_estimators=10, num_leaves=7, n_jobs=1, verbose=-1, **options
    )


def several_classes():
    X, y = load_digits(return_X_y=True, as_frame=True)
    return X.astype(float), y.to_numpy()


def two_classes():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return X.set_axis([f"f{i}" for i in range(X.shape[1])], axis=1), y.to_numpy()


@pytest.mark.parametrize("data", [two_classes, several_classes])
def test_single_precision_is_scored_as_it_is(booster, data):
    X, y = data()
    n = len(y) // 2
    model = booster().fit(X[:n], y[:n])
    proba = model.predict_proba(X[n:])
    evaluation = Evaluation.from_estimator(model, X[n:], y[n:], **TEMPERATURE)
    result = evaluation.decomposition
    doubles = proba.astype(np.float64)
    expected = -np.log(doubles[np.arange(len(doubles)), y[n:]]).mean()
    assert result.cross_entropy == pytest.approx(expected, rel=1e-12)
    rescaled = doubles / doubles.sum(axis=1, keepdims=True)
    assert result.cross_entropy == pytest.approx(log_loss(y[n:], rescaled), rel=1e-6)
    pd.testing.assert_index_equal(evaluation.per_sample.index, X.index[n:])
    scores = DecompositionScorer()(model, X[n:], y[n:])
    assert scores["neg_cross_entropy"] == -result.cross_entropy
    parts = result.uncertainty - result.resolution + result.miscalibration
    assert result.cross_entropy == pytest.approx(parts, rel=1e-14)


@pytest.mark.parametrize("data", [two_classes, several_classes])
def test_boosters_are_cross_validated(booster, data):
    X, y = data()
    results = cross_validate(
        booster(),
        X,
        y,
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
        scoring=DecompositionScorer(**TEMPERATURE),
        return_estimator=True,
        return_indices=True,
    )
    evaluation = Evaluation.from_cv_results(results, X, y, **TEMPERATURE)
    for term in ("cross_entropy", "miscalibration"):
        scored = -results[f"test_neg_{term}"]
        np.testing.assert_allclose(evaluation.folds[term], scored, rtol=1e-9)
    pd.testing.assert_index_equal(evaluation.per_sample.index, X.index)


def test_a_search_finds_the_better_booster(booster):
    X, y = two_classes()
    grid = {"learning_rate": [0.01, 0.3]}
    search = GridSearchCV(booster(), grid, scoring=neg_cross_entropy, cv=2).fit(X, y)
    assert search.best_params_ == {"learning_rate": 0.3}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_weights_of_rows_reach_the_score(booster):
    X, y = two_classes()
    w = np.random.default_rng(0).exponential(size=len(y))
    model = booster().fit(X, y, sample_weight=w)
    found = neg_cross_entropy(model, X, y, sample_weight=w)
    proba = model.predict_proba(X)
    assert -found == decompose(y, proba, sample_weight=w, **TEMPERATURE).cross_entropy


def test_calibration_wins_back_part_of_the_loss(booster):
    X, y = two_classes()
    model = FrozenEstimator(booster(learning_rate=1.0).fit(X[:200], y[:200]))
    calibrated = CalibratedClassifierCV(model).fit(X[200:350], y[200:350])
    results = {
        name: Evaluation.from_estimator(one, X[350:], y[350:], **TEMPERATURE)
        for name, one in {"before": model, "after": calibrated}.items()
    }
    costs = {name: one.decomposition.cross_entropy for name, one in results.items()}
    assert costs["after"] < costs["before"]


def test_labels_may_be_text():
    lightgbm = pytest.importorskip("lightgbm")
    X, y = several_classes()
    names = np.array([f"digit {k}" for k in range(10)])[y]
    model = lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1)
    model.fit(X[:900], names[:900])
    evaluation = Evaluation.from_estimator(model, X[900:], names[900:], **TEMPERATURE)
    assert evaluation.labels == tuple(f"digit {k}" for k in range(10))
