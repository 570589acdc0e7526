"""Classifiers of scikit-learn that wrap, calibrate or read others."""

import inspect

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from xent_metrics import Evaluation
from xent_metrics.scorers import DecompositionScorer, neg_cross_entropy

from ..thinned import thinned

X, Y = load_digits(return_X_y=True)
NAMES = np.array([f"digit {k}" for k in range(10)])
TRAIN, TEST = slice(0, 1200), slice(1200, None)
TEMPERATURE = {"recalibration": "temperature"}
METHODS = ["sigmoid"]
if "temperature" in inspect.getdoc(CalibratedClassifierCV):
    METHODS.append("temperature")

MODELS = {
    "one-vs-rest": OneVsRestClassifier(LogisticRegression()),
    "search": GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-2]}, cv=2),
    "stack": StackingClassifier(
        [("nb", GaussianNB()), ("lr", LogisticRegression())], cv=2
    ),
    "trees": HistGradientBoostingClassifier(max_iter=5, max_depth=3),
    "forest": RandomForestClassifier(30, random_state=0),
    "frozen": FrozenEstimator(GaussianNB().fit(X[TRAIN] / 16, NAMES[Y[TRAIN]])),
}


@pytest.mark.parametrize("name", thinned(MODELS, [*MODELS.keys() - {"stack"}]))
def test_the_same_log_loss_as_scikit_learn(name):
    x, y = X / 16, NAMES[Y]
    model = MODELS[name].fit(x[TRAIN], y[TRAIN])
    evaluation = Evaluation.from_estimator(model, x[TEST], y[TEST], **TEMPERATURE)
    proba = model.predict_proba(x[TEST])
    expected = log_loss(y[TEST], proba, labels=model.classes_)
    found = evaluation.decomposition
    assert found.cross_entropy == pytest.approx(expected, rel=1e-12)
    assert evaluation.labels == tuple(sorted(NAMES))
    scores = DecompositionScorer(**TEMPERATURE)(model, x[TEST], y[TEST])
    assert scores["neg_cross_entropy"] == -found.cross_entropy
    assert scores["neg_miscalibration"] == -found.miscalibration


@pytest.mark.parametrize("method", METHODS)
def test_calibration_wins_back_what_the_decomposition_says(method):
    data, target = load_breast_cancer(return_X_y=True)
    data = StandardScaler().fit_transform(data)
    bold = FrozenEstimator(GaussianNB().fit(data[:200], target[:200]))
    calibrated = CalibratedClassifierCV(bold, method=method)
    calibrated.fit(data[200:350], target[200:350])
    before, after = (
        Evaluation.from_estimator(model, data[350:], target[350:], **TEMPERATURE)
        for model in (bold, calibrated)
    )
    won = before.decomposition.cross_entropy - after.decomposition.cross_entropy
    promised = before.decomposition.miscalibration
    error = before.decomposition.standard_errors["miscalibration"]
    assert won == pytest.approx(promised, abs=2 * error)
    left = after.decomposition.miscalibration
    assert left < promised / 4


def test_probabilities_of_zero_from_isotonic_calibration_are_counted():
    data, target = load_breast_cancer(return_X_y=True)
    model = CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=2)
    model.fit(data[:150], target[:150])
    zero = model.predict_proba(data[150:])[np.arange(419), target[150:]] == 0
    result = Evaluation.from_estimator(model, data[150:], target[150:]).decomposition
    assert result.n_clipped == np.count_nonzero(zero) > 0


def test_a_calibrated_model_is_cross_validated():
    data, target = load_breast_cancer(return_X_y=True)
    svm = make_pipeline(StandardScaler(), LinearSVC())
    model = CalibratedClassifierCV(svm, cv=2)
    scoring = {"cost": neg_cross_entropy, "log_loss": "neg_log_loss"}
    results = cross_validate(
        model,
        data,
        target,
        cv=2,
        scoring=scoring,
        return_estimator=True,
        return_indices=True,
    )
    np.testing.assert_allclose(
        results["test_cost"], results["test_log_loss"], rtol=1e-12
    )
    folds = Evaluation.from_cv_results(results, data, target, **TEMPERATURE).folds
    np.testing.assert_allclose(folds["cross_entropy"], -results["test_cost"])


ANIMALS = ["cat", "dog", "eel"]
SOUNDS = {
    "cat": "meow purr soft whiskers",
    "dog": "bark loud bone whiskers",
    "eel": "swim wet long bone",
}


def documents(n):
    rng = np.random.default_rng(0)
    labels = rng.choice(ANIMALS, n).tolist()
    words = " ".join(SOUNDS.values()).split()
    return [
        " ".join([*rng.choice(SOUNDS[label].split(), 2), *rng.choice(words, 2)])
        for label in labels
    ], labels


@pytest.mark.parametrize("model", [LogisticRegression(), MultinomialNB()])
def test_texts_may_have_labels_of_text(model):
    texts, labels = documents(900)
    pipeline = make_pipeline(TfidfVectorizer(), model).fit(texts[:600], labels[:600])
    evaluation = Evaluation.from_estimator(
        pipeline, texts[600:], labels[600:], **TEMPERATURE
    )
    assert evaluation.labels == tuple(ANIMALS)
    assert len(evaluation.per_sample) == 300
    expected = log_loss(labels[600:], pipeline.predict_proba(texts[600:]))
    assert evaluation.decomposition.cross_entropy == pytest.approx(expected)
    ours = cross_val_score(pipeline, texts, labels, scoring=neg_cross_entropy, cv=3)
    theirs = cross_val_score(pipeline, texts, labels, scoring="neg_log_loss", cv=3)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    results = cross_validate(
        pipeline, texts, labels, cv=3, return_estimator=True, return_indices=True
    )
    folds = Evaluation.from_cv_results(results, texts, labels, **TEMPERATURE).folds
    np.testing.assert_allclose(folds["cross_entropy"], -ours, rtol=1e-12)


@pytest.mark.parametrize(
    "model", [OneVsOneClassifier(LogisticRegression()), LinearSVC(), SVC()]
)
def test_classifiers_without_probabilities_are_refused(model):
    model.fit(X[TRAIN] / 16, Y[TRAIN])
    name = type(model).__name__
    with pytest.raises(TypeError, match=f"must have predict_proba: {name} has none"):
        Evaluation.from_estimator(model, X[TEST], Y[TEST])
