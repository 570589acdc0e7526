"""Multilabel and multi-output classifiers."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from xent_metrics import UnseenLabelWarning, cross_entropy
from xent_metrics.scorers import (
    DecompositionScorer,
    get_scorer,
    get_scorer_names,
    neg_cross_entropy,
)

X, Y = make_multilabel_classification(120, 5, n_classes=3, random_state=0)
WORDS = np.array(["low", "mid", "high"])[np.column_stack([Y[:, 0] + Y[:, 1], Y[:, 2]])]
W = np.random.default_rng(0).exponential(size=120)
LISTS = {
    "forest": RandomForestClassifier(3, max_depth=2, random_state=0),
    "tree": DecisionTreeClassifier(max_depth=2),
    "neighbours": KNeighborsClassifier(20),
    "one model an output": MultiOutputClassifier(GaussianNB()),
}
TABLES = {
    "network": MLPClassifier((3,), max_iter=5000, tol=1e-2, random_state=0),
    "one against rest": OneVsRestClassifier(LogisticRegression()),
    "chain": ClassifierChain(LogisticRegression()),
}
average = get_scorer("neg_cross_entropy", multioutput="uniform_average")
each = get_scorer("neg_cross_entropy", multioutput="raw_values")


def by_output(model, y, weights=None):
    """What single-output scores the same probabilities have."""
    proba = model.predict_proba(X)
    if not isinstance(proba, list):
        proba = [np.column_stack([1 - column, column]) for column in proba.T]
    classes = getattr(model, "classes_", None)
    if not isinstance(classes, list):
        classes = [[0, 1]] * len(proba)
    return [
        -cross_entropy(
            y[:, j], proba[j], labels=list(classes[j]), sample_weight=weights
        )
        for j in range(len(proba))
    ]


@pytest.mark.parametrize("name", LISTS | TABLES)
def test_several_outputs_are_refused_without_multioutput(name):
    model = (LISTS | TABLES)[name].fit(X, Y)
    n = "predicts 3 outputs; pass multioutput='uniform_average' to the scorer"
    with pytest.raises(ValueError, match=f"one label per row: .*{n}"):
        neg_cross_entropy(model, X, Y)
    with pytest.warns(UserWarning, match=n):
        scores = DecompositionScorer(["skill", "n"])(model, X, Y)
    assert all(map(math.isnan, scores.values()))


@pytest.mark.parametrize("name", LISTS | TABLES)
@pytest.mark.parametrize("weights", [None, W], ids=["plain", "weighted"])
def test_each_output_is_scored_alone(name, weights):
    model = (LISTS | TABLES)[name].fit(X, Y)
    expected = by_output(model, Y, weights)
    found = each(model, X, Y, sample_weight=weights)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    mean = average(model, X, Y, sample_weight=weights)
    assert mean == pytest.approx(np.mean(expected), rel=1e-9)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("frame", [False, True], ids=["array", "frame"])
def test_outputs_may_have_several_classes_in_words(name, frame):
    model = LISTS[name].fit(X, WORDS)
    y = pd.DataFrame(WORDS, columns=["height", "weight"]) if frame else WORDS
    np.testing.assert_allclose(each(model, X, y), by_output(model, WORDS), rtol=1e-12)


def test_labels_may_be_sparse():
    model = OneVsRestClassifier(LogisticRegression()).fit(X, Y)
    sparse = scipy.sparse.csr_matrix(Y)
    assert average(model, X, sparse) == average(model, X, Y)


@pytest.mark.parametrize("name", get_scorer_names())
def test_every_term_of_several_outputs_is_their_mean(name):
    model = LISTS["forest"].fit(X, Y)
    scorer = get_scorer(name, multioutput="uniform_average")
    scores = cross_val_score(model, X, Y, scoring=scorer, cv=2)
    assert np.isfinite(scores).all()
    parts = get_scorer(name, multioutput="raw_values")(model, X, Y)
    assert parts.shape == (3,)
    assert scorer(model, X, Y) == pytest.approx(parts.mean(), rel=1e-13)


def test_a_dict_has_keys_for_each_output():
    terms = ["neg_cross_entropy", "skill", "n"]
    scorer = DecompositionScorer(terms, multioutput="raw_values")
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 3]},
        scoring=scorer,
        refit="neg_cross_entropy_1",
        cv=2,
    ).fit(X, Y)
    keys = {f"mean_test_{name}_{output}" for name in terms for output in range(3)}
    assert keys <= set(search.cv_results_)
    assert (
        search.best_score_ == search.cv_results_["mean_test_neg_cross_entropy_1"].max()
    )


def test_a_dict_of_averages_has_sums_of_counts():
    scorer = DecompositionScorer(["skill", "n"], multioutput="uniform_average")
    scores = cross_validate(LISTS["tree"], X, Y, scoring=scorer, cv=2)
    assert scores["test_n"].tolist() == [180, 180]
    assert scorer.single("skill").options.multioutput == "uniform_average"
    raw = DecompositionScorer(["skill"], multioutput="raw_values")
    with pytest.warns(UserWarning, match="scores are NaN"):
        broken = raw(LISTS["tree"].fit(X, Y), X, Y, sample_weight=-W)
    assert list(broken) == ["skill_0", "skill_1", "skill_2"]
    assert all(map(math.isnan, broken.values()))


def test_a_label_that_an_output_never_saw_is_counted_there():
    model = LISTS["tree"].fit(X, np.column_stack([Y[:, 0], np.zeros(120, int)]))
    y = np.column_stack([Y[:, 0], np.repeat([0, 1], 60)])
    scorer = DecompositionScorer(["n_unseen"], multioutput="raw_values")
    with pytest.warns(UnseenLabelWarning, match="1 among 0"):
        assert scorer(model, X, y) == {"n_unseen_0": 0, "n_unseen_1": 60}


def test_one_output_is_an_array_of_one():
    model = GaussianNB().fit(X, Y[:, 0])
    expected = neg_cross_entropy(model, X, Y[:, 0])
    assert average(model, X, Y[:, 0]) == expected
    assert each(model, X, Y[:, 0]).tolist() == [expected]
    forest = RandomForestClassifier(3, max_depth=2, random_state=0).fit(X, Y[:, 0])
    column = neg_cross_entropy(forest, X, Y[:, :1])
    assert column == neg_cross_entropy(forest, X, Y[:, 0])


def test_scikit_learn_wants_the_average():
    with pytest.raises(ValueError, match="scoring must return a number"):
        cross_val_score(LISTS["tree"], X, Y, scoring=each)


class Given:
    """Fixed probabilities."""

    def __init__(self, proba, classes=(0, 1)):
        self.proba = proba
        self.classes_ = classes

    def predict_proba(self, X):
        return self.proba


def test_one_hot_labels_are_labels():
    model = Given(np.array([[0.9, 0.1], [0.2, 0.8]]))
    expected = (math.log(0.9) + math.log(0.8)) / 2
    found = neg_cross_entropy(model, None, np.array([[1, 0], [0, 1]]))
    assert found == pytest.approx(expected, rel=1e-14)
    with pytest.raises(
        ValueError, match="Given predicts 2 outputs.*target_type='votes'"
    ):
        neg_cross_entropy(model, None, np.array([[1, 0], [1, 1]]))


def test_soft_labels_belong_to_one_output():
    model = LISTS["tree"].fit(X, Y)
    with pytest.raises(ValueError, match="soft_labels must belong to one output"):
        average(model, X, Y, soft_labels=Y / 2)


def test_labels_must_have_a_column_an_output():
    model = LISTS["tree"].fit(X, Y)
    with pytest.raises(
        ValueError, match=r"one column per output: its shape is \(120, 2"
    ):
        average(model, X, Y[:, :2])
