"""Who is told of an evaluation, and of which ones nobody is."""

import threading

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from xent_metrics import (
    Evaluation,
    add_listener,
    compare,
    remove_listener,
    scorers,
    without_listeners,
)

X, Y = load_breast_cancer(return_X_y=True)
MODEL = GaussianNB().fit(X[:200], Y[:200])
PROBA = MODEL.predict_proba(X)
OPTIONS = {"recalibration": "slope-bias"}  # what scorers fit


@pytest.fixture
def heard():
    found = []
    add_listener(found.append)
    yield found
    remove_listener(found.append)


def from_cv_results():
    results = cross_validate(
        GaussianNB(), X, Y, cv=2, return_estimator=True, return_indices=True
    )
    return Evaluation.from_cv_results(results, X, Y, **OPTIONS)


FRAME = pd.DataFrame(PROBA, columns=["p_0", "p_1"]).assign(y=Y)
DOORS = {
    "from_predictions": lambda: Evaluation.from_predictions(Y, PROBA, **OPTIONS),
    "from_estimator": lambda: Evaluation.from_estimator(MODEL, X, Y, **OPTIONS),
    "from_cv_results": from_cv_results,
    "from_frame": lambda: Evaluation.from_frame(
        FRAME, target="y", proba="p_", **OPTIONS
    ),
    "df.xent.evaluate": lambda: FRAME.xent.evaluate("y", "p_", **OPTIONS),
}


@pytest.mark.parametrize("door", DOORS)
def test_each_evaluation_is_told_once(heard, door):
    evaluation = DOORS[door]()
    assert len(heard) == 1
    assert heard[0] is evaluation


def test_what_is_no_new_evaluation_is_not_told(heard):
    evaluation = Evaluation.from_predictions(Y, PROBA, **OPTIONS)
    Evaluation.from_json(evaluation.to_json())
    compare({"a": evaluation, "b": evaluation})
    FRAME.xent.decompose("y", "p_", **OPTIONS)
    assert heard == [evaluation]


def test_a_plot_is_not_told(heard, figures):
    pytest.importorskip("matplotlib")
    FRAME.xent.plot("waterfall", "y", "p_", **OPTIONS)
    assert heard == []


def test_a_listener_is_there_once_and_goes_wholly(heard):
    add_listener(heard.append)
    DOORS["from_predictions"]()
    remove_listener(heard.append)
    remove_listener(heard.append)
    DOORS["from_predictions"]()
    assert len(heard) == 1


def test_what_a_listener_raises_is_seen():
    def refuse(evaluation):
        msg = f"no more of {evaluation.decomposition.n}"
        raise RuntimeError(msg)

    add_listener(refuse)
    try:
        with pytest.raises(RuntimeError, match="no more of 569"):
            DOORS["from_predictions"]()
    finally:
        remove_listener(refuse)


def test_nobody_is_told_within_without_listeners(heard):
    others = []

    def elsewhere():
        others.append(DOORS["from_predictions"]())

    with without_listeners():
        DOORS["from_predictions"]()
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert len(heard) == 1
    assert heard[0] is others[0]
    DOORS["from_predictions"]()
    assert len(heard) == 2


@pytest.mark.parametrize(
    "scorer", [scorers.DecompositionScorer(), scorers.neg_cross_entropy]
)
def test_a_scorer_that_is_called_tells_what_it_scored(heard, scorer):
    weights = np.linspace(0.5, 1.5, len(Y))
    scorer(MODEL, X, Y, sample_weight=weights)
    wanted = Evaluation.from_predictions(Y, PROBA, sample_weight=weights, **OPTIONS)
    assert heard[0] == wanted
    assert heard[0].per_sample.equals(wanted.per_sample)


def test_a_score_warns_no_more_where_someone_listens(heard):
    score = scorers.neg_cross_entropy(MODEL, X[:50], Y[:50])
    assert heard[0].decomposition.cross_entropy == -score


class BrokenMap:
    def fit(self, log_q, p, sample_weight):
        msg = "no such map"
        raise ArithmeticError(msg)

    predict = fit


def test_a_score_stands_where_it_cannot_be_decomposed(heard):
    scorer = scorers.get_scorer("neg_cross_entropy", recalibration=BrokenMap())
    with pytest.warns(
        UserWarning, match="could not notify evaluation listeners: no such"
    ):
        score = scorer(MODEL, X, Y)
    assert score == scorers.neg_cross_entropy(MODEL, X, Y)
    assert len(heard) == 1


def test_each_output_that_is_scored_is_told(heard):
    several = np.column_stack([Y, 1 - Y])
    model = KNeighborsClassifier().fit(X, several)
    scorer = scorers.DecompositionScorer(multioutput="raw_values")
    scores = scorer(model, X, several)
    assert [one.decomposition.cross_entropy for one in heard] == [
        -scores["neg_cross_entropy_0"],
        -scores["neg_cross_entropy_1"],
    ]


def own_scorer(estimator, features, labels):
    evaluation = Evaluation.from_estimator(estimator, features, labels, **OPTIONS)
    return evaluation.decomposition.skill


@pytest.mark.parametrize("scoring", [scorers.neg_cross_entropy, own_scorer])
@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_nobody_is_told_of_folds(heard, scoring, backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        cross_val_score(GaussianNB(), X, Y, scoring=scoring, cv=2)
    assert heard == []


@pytest.mark.slow
def test_nobody_is_told_within_searches(heard):
    grid = {"var_smoothing": [1e-9, 1e-6]}
    scoring = scorers.DecompositionScorer()
    search = GridSearchCV(
        GaussianNB(), grid, scoring=scoring, refit="neg_cross_entropy", cv=2
    )
    search.fit(X, Y)
    permutation_importance(
        MODEL, X[:100], Y[:100], scoring=scoring.single("skill"), n_repeats=1
    )
    assert heard == []
    scoring(search, X, Y)
    assert len(heard) == 1


def test_what_cannot_be_called_is_refused():
    with pytest.raises(
        TypeError, match="listener must be callable: found int; pass a function of an"
    ):
        add_listener(3)
