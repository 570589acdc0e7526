"""Evaluations that log themselves to the active run."""

import inspect
import logging
import threading

import joblib
import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.naive_bayes import GaussianNB

from xent_metrics import Evaluation, scorers, without_listeners
from xent_metrics_mlflow import autolog, log_evaluation
from xent_metrics_mlflow._items.rows import from_parquet, to_parquet

X, Y = load_breast_cancer(return_X_y=True)
MODEL = GaussianNB().fit(X[:200], Y[:200])
PROBA = MODEL.predict_proba(X)
FRAME = pd.DataFrame(PROBA, columns=["p_0", "p_1"]).assign(y=Y)
OPTIONS = {"recalibration": "temperature"}
QUICK = {"page": False, "per_sample": False}


@pytest.fixture(autouse=True)
def store(tracking):
    yield tracking
    autolog(disable=True)


def evaluated():
    return Evaluation.from_predictions(Y, PROBA, **OPTIONS)


def metrics_of(run):
    return mlflow.get_run(run.info.run_id).data.metrics


def splits_of(run):
    return sorted({key.split("/")[1] for key in metrics_of(run)})


def runs():
    return {run.info.run_id for run in mlflow.MlflowClient().search_runs(["0"])}


def from_cv_results():
    results = cross_validate(
        GaussianNB(), X, Y, cv=2, return_estimator=True, return_indices=True
    )
    return Evaluation.from_cv_results(results, X, Y, **OPTIONS)


DOORS = {
    "from_predictions": evaluated,
    "from_estimator": lambda: Evaluation.from_estimator(MODEL, X, Y, **OPTIONS),
    "from_frame": lambda: Evaluation.from_frame(
        FRAME, target="y", proba="p_", **OPTIONS
    ),
    "df.xent.evaluate": lambda: FRAME.xent.evaluate("y", "p_", **OPTIONS),
    "from_cv_results": from_cv_results,
}


@pytest.mark.parametrize("door", DOORS)
def test_what_is_evaluated_is_logged(store, door):
    autolog(**QUICK)
    with store.start_run() as run:
        evaluation = DOORS[door]()
    autolog(disable=True)
    with store.start_run() as other:
        log_evaluation(evaluation, **QUICK)
    assert metrics_of(run) == metrics_of(other)
    assert metrics_of(run)["xent/test/skill"] == evaluation.decomposition.skill


@pytest.mark.parametrize("name", ["neg_cross_entropy", "neg_miscalibration"])
def test_what_is_scored_is_logged(store, name):
    autolog(split="dev", **QUICK)
    with store.start_run() as run:
        score = scorers.get_scorer(name)(MODEL, X, Y)
        scores = scorers.DecompositionScorer()(MODEL, X, Y)
    logged = metrics_of(run)
    assert score == scores[name] == -logged[f"xent/dev/{name[4:]}"]
    assert splits_of(run) == ["dev", "dev-2"]


def test_without_a_run_nothing_is_logged_and_none_is_started(store):
    autolog(**QUICK)
    before = runs()
    evaluated()
    assert store.active_run() is None
    assert runs() == before


def test_several_evaluations_of_a_run_are_kept_apart(store):
    autolog(**QUICK)
    with store.start_run() as run:
        first = evaluated()
        second = Evaluation.from_predictions(Y[:300], PROBA[:300], **OPTIONS)
    logged = metrics_of(run)
    assert logged["xent/test/n"] == first.decomposition.n
    assert logged["xent/test-2/n"] == second.decomposition.n
    assert splits_of(run) == ["test", "test-2"]


def test_a_run_that_is_resumed_goes_on_counting(store):
    autolog(**QUICK)
    with store.start_run() as run:
        evaluated()
    autolog(disable=True)  # forgets, as another process knows nothing
    autolog(**QUICK)
    with store.start_run(run_id=run.info.run_id):
        evaluated()
    assert splits_of(run) == ["test", "test-2"]


def test_nested_runs_have_their_own(store):
    autolog(**QUICK)
    with store.start_run() as outer:
        evaluated()
        with store.start_run(nested=True) as inner:
            evaluated()
    assert splits_of(outer) == splits_of(inner) == ["test"]


def test_options_are_replaced_and_nothing_is_logged_twice(store):
    autolog(**QUICK)
    autolog(split="train", **QUICK)
    with store.start_run() as run:
        evaluated()
        autolog(**QUICK)
        evaluated()
    assert splits_of(run) == ["test", "train"]


def test_a_run_has_so_many_and_the_log_says_so_once(store, said):
    autolog(at_most=2, **QUICK)
    with store.start_run() as run:
        for _ in range(4):
            evaluated()
    assert splits_of(run) == ["test", "test-2"]
    [record] = said
    assert "autolog logs at most 2 evaluations of a run" in record.getMessage()


def test_it_is_taken_back_wholly(store):
    autolog(split="train", at_most=1)
    autolog(**QUICK)
    autolog(disable=True)
    autolog(disable=True)
    with store.start_run() as run:
        evaluated()
    assert metrics_of(run) == {}


def test_folds_and_searches_log_nothing(store):
    autolog(**QUICK)
    scorer = scorers.DecompositionScorer()
    with store.start_run() as run:
        cross_validate(GaussianNB(), X, Y, scoring=scorer, cv=2)
        with joblib.parallel_config(backend="threading", n_jobs=2):
            cross_validate(GaussianNB(), X, Y, scoring=scorer, cv=2)
        search = GridSearchCV(
            GaussianNB(),
            {"var_smoothing": [1e-9, 1e-6]},
            scoring=scorers.neg_cross_entropy,
            cv=2,
        ).fit(X, Y)
        search.score(X, Y)
    assert metrics_of(run) == {}


def test_rows_that_are_read_back_log_nothing(store):
    data = to_parquet(evaluated())
    autolog(**QUICK)
    with store.start_run() as run:
        from_parquet(data)
    assert metrics_of(run) == {}


def test_a_loop_of_the_users_own(store):
    autolog(**QUICK)
    with store.start_run() as run:
        for step in range(2):
            with without_listeners():
                evaluation = evaluated()
            log_evaluation(evaluation, split="fold", step=step, **QUICK)
    assert splits_of(run) == ["fold"]


@pytest.mark.slow
def test_beside_autologging_of_scikit_learn(store):
    def train():
        with store.start_run() as run:
            model = LogisticRegression(max_iter=5000).fit(X[:300, :5], Y[:300])
            if ours:
                Evaluation.from_estimator(model, X[300:, :5], Y[300:], **OPTIONS)
                scorers.neg_kl_divergence(model, X[300:, :5], Y[300:])
        return metrics_of(run)

    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        ours = False
        theirs = train()
        ours = True
        autolog(**QUICK)
        both = train()
    finally:
        mlflow.sklearn.autolog(disable=True)
    assert theirs
    assert {key: both[key] for key in theirs} == theirs
    added = {key.split("/")[0] for key in both.keys() - theirs.keys()}
    assert added == {"xent"}
    assert {key.split("/")[1] for key in both if "/" in key} == {"test", "test-2"}


def test_a_thread_without_a_run_logs_nothing(store):
    autolog(**QUICK)
    before = runs()
    with store.start_run() as run:
        thread = threading.Thread(target=evaluated)
        thread.start()
        thread.join()
        during = runs()
    assert metrics_of(run) == {}
    assert during == before | {run.info.run_id}


def test_threads_that_share_a_run_take_names_of_their_own(store):
    autolog(at_most=50)
    with store.start_run() as run:
        pass
    names = []
    settings = inspect.unwrap(autolog).__globals__["_settings"]

    def reserve():
        names.extend(settings.reserve(run.info.run_id, {})[0] for _ in range(10))

    threads = [threading.Thread(target=reserve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == sorted(
        ["test", *(f"test-{number}" for number in range(2, 41))]
    )


def test_an_evaluation_that_cannot_be_logged_is_still_returned(store, said):
    autolog(split="s" * 300)
    with store.start_run():
        assert evaluated().decomposition.n == len(Y)
    [record] = said
    assert record.levelno == logging.WARNING
    assert "an evaluation was not logged: " in record.getMessage()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"split": "a/b"}, ValueError, "split must be letters, digits"),
        ({"at_most": 0}, ValueError, "at_most must be a whole number of 1 or more"),
        ({"at_most": True}, ValueError, "at_most must be a whole number of 1 or more"),
        ({"step": 3}, TypeError, "autolog takes disable, split, at_most.*found 'step'"),
    ],
)
def test_errors(store, options, error, message):
    with pytest.raises(error, match=message):
        autolog(**options)
    with store.start_run() as run:
        evaluated()
    assert metrics_of(run) == {}


@pytest.mark.slow
def test_weights_are_kept(store):
    autolog(**QUICK)
    weights = np.linspace(0, 1, len(Y))
    with store.start_run() as run:
        score = scorers.neg_cross_entropy(MODEL, X, Y, sample_weight=weights)
    assert metrics_of(run)["xent/test/cross_entropy"] == -score
