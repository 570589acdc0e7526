"""A search in a run: what each candidate scored on each split."""

import io
import json
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB

from xent_metrics.scorers import DecompositionScorer, neg_cross_entropy
from xent_metrics_mlflow import log_search
from xent_metrics_mlflow._logging.log_search import MOST_CANDIDATES

from .conftest import new_run

X, Y = load_breast_cancer(return_X_y=True)
SCORES = ["neg_cross_entropy", "resolution"]
PLAIN = {"var_smoothing": [1e-9, 1e-3, 1e-1]}


def steps(store, run_id, key):
    history = store.MlflowClient().get_metric_history(run_id, key)
    return {metric.step: metric.value for metric in history}


def table_of(store, run_id, name="search"):
    path = store.MlflowClient().download_artifacts(
        run_id, f"xent/{name}/cv_results.json"
    )
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path of MLflow
        return json.load(file, parse_constant=pytest.fail)


def row_of(table, candidate):
    [row] = [row for row in table["data"] if row[0] == candidate]
    return dict(zip(table["columns"], row, strict=True))


@pytest.fixture(scope="module")
def search():
    return GridSearchCV(GaussianNB(), PLAIN, scoring=neg_cross_entropy, cv=3).fit(X, Y)


@pytest.mark.slow
def test_splits_are_steps(tracking, search):
    with tracking.start_run() as run:
        logged = log_search(search)
    assert (logged.run_id, logged.logged) == (run.info.run_id, True)
    results, best = search.cv_results_, search.best_index_
    for candidate in range(3):
        wanted = {k: results[f"split{k}_test_score"][candidate] for k in range(3)}
        key = f"xent/search/by_candidate/score_{candidate}"
        assert steps(tracking, run.info.run_id, key) == wanted
        if candidate == best:
            key = "xent/search/best/score"
            assert steps(tracking, run.info.run_id, key) == wanted
    metrics = tracking.get_run(run.info.run_id).data.metrics
    for name in ("mean", "std"):
        assert metrics[f"xent/search/best_{name}/score"] == pytest.approx(
            results[f"{name}_test_score"][best]
        )
    assert metrics["xent/search/best_candidate"] == best
    assert metrics["xent/search/n_candidates"] == 3
    assert metrics["xent/search/n_splits"] == 3


def test_the_table_is_all_of_it(tracking, search):
    run_id = new_run(tracking)
    log_search(search, run_id=run_id)
    table = table_of(tracking, run_id)
    assert [row[0] for row in table["data"]] == np.argsort(
        search.cv_results_["rank_test_score"]
    ).tolist()
    for candidate in range(3):
        row = row_of(table, candidate)
        for key, values in search.cv_results_.items():
            if key != "params":
                assert row[key] == values[candidate]
    read = pd.read_json(io.StringIO(json.dumps(table)), orient="split")
    assert read.shape == (3, len(table["columns"]))
    tags = tracking.get_run(run_id).data.tags
    assert "xent/search/cv_results.json" in tags["mlflow.loggedArtifacts"]
    assert json.loads(tags["xent/search/info"])["best_params"] == {
        "var_smoothing": str(search.best_params_["var_smoothing"])
    }


def test_several_scores(tracking):
    search = RandomizedSearchCV(
        GaussianNB(),
        PLAIN,
        n_iter=2,
        random_state=0,
        scoring=DecompositionScorer(SCORES),
        refit="resolution",
        cv=2,
    ).fit(X, Y)
    run_id = new_run(tracking)
    log_search(search, name="tuning", run_id=run_id)
    metrics = tracking.get_run(run_id).data.metrics
    for score in SCORES:
        assert f"xent/tuning/best_mean/{score}" in metrics
        for candidate in range(2):
            key = f"xent/tuning/by_candidate/{score}_{candidate}"
            assert sorted(steps(tracking, run_id, key)) == [0, 1]
    assert metrics["xent/tuning/best_candidate"] == search.best_index_


class Fragile(ClassifierMixin, BaseEstimator):
    def __init__(self, fails=0, kind=None):
        self.fails = fails
        self.kind = kind

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self


def scored(estimator, X, y):
    """Not finite on some splits, as where a fit failed."""
    return [1.0, math.nan, -math.inf][estimator.fails] * len(y)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_scores_that_are_not_finite(tracking):
    grid = {"fails": [0, 1, 2], "kind": [len]}
    search = GridSearchCV(Fragile(), grid, scoring=scored, cv=2).fit(X, Y)
    run_id = new_run(tracking)
    logged = log_search(search, run_id=run_id)
    data = tracking.get_run(run_id).data
    assert all(map(math.isfinite, data.metrics.values()))
    assert "xent/search/by_candidate/score_2" not in data.metrics
    assert data.metrics["xent/search/n_not_finite"] == 4
    assert math.isnan(logged.left_out["xent/search/by_candidate/score_1[0]"])
    told = json.loads(data.tags["xent/search/info"])["non_finite"]
    assert told["by_candidate/score_2[1]"] == "-inf"
    table = table_of(tracking, run_id)
    assert row_of(table, 1)["split0_test_score"] == "nan"
    assert row_of(table, 2)["split1_test_score"] == "-inf"
    assert row_of(table, 0)["param_kind"] == str(len)


def test_parameters_that_some_candidates_lack(tracking):
    grids = [{"var_smoothing": [1e-3]}, {"priors": [[0.5, 0.5]]}]
    search = GridSearchCV(GaussianNB(), grids, scoring=neg_cross_entropy, cv=2)
    run_id = new_run(tracking)
    log_search(search.fit(X, Y), run_id=run_id)
    table = table_of(tracking, run_id)
    assert row_of(table, 0)["param_priors"] is None
    assert row_of(table, 1)["param_priors"] == "[0.5, 0.5]"


class Searched:
    """What a search of many candidates leaves."""

    def __init__(self, n, scores=("a", "b/c"), refit="a"):
        rng = np.random.default_rng(0)
        self.refit = refit
        self.cv_results_ = {"params": [{"k": k} for k in range(n)]}
        self.cv_results_["param_k"] = np.arange(n)
        for score in scores:
            for split in range(12):
                self.cv_results_[f"split{split}_test_{score}"] = rng.random(n)
            self.cv_results_[f"rank_test_{score}"] = rng.permutation(n) + 1


@pytest.mark.slow
def test_many_candidates_are_capped(tracking):
    search = Searched(3000, ("a", "b/c", "d", "e", "f"))
    run_id = new_run(tracking)
    logged = log_search(search, run_id=run_id)
    assert logged.logged
    data = tracking.get_run(run_id).data
    for score in ("a", "b_c"):
        prefix = f"xent/search/by_candidate/{score}_"
        shown = {int(key[len(prefix) :]) for key in data.metrics if prefix in key}
        ranks = search.cv_results_["rank_test_a"]
        assert shown == set(np.argsort(ranks)[:MOST_CANDIDATES].tolist())
    # More points than one batch can hold: 5 scores, 21 rows, 12 splits.
    key = f"xent/search/by_candidate/f_{np.argmin(ranks)}"
    assert sorted(steps(tracking, run_id, key)) == list(range(12))
    settings = json.loads(data.tags["xent/search/info"])
    assert settings["scores"]["b_c"] == "b/c"
    assert len(table_of(tracking, run_id)["data"]) == 3000
    assert "mlflow.loggedArtifacts" not in data.tags


def test_which_is_best(tracking):
    search = Searched(10, refit=False)
    with pytest.raises(ValueError, match="found None where the search has 'a', 'b/c'"):
        log_search(search)
    with pytest.raises(ValueError, match="score must say which candidate is best: fou"):
        log_search(search, score="c")
    logged = log_search(search, score="b/c", run_id=new_run(tracking))
    best = int(np.argmin(search.cv_results_["rank_test_b/c"]))
    assert logged.metrics["xent/search/best_candidate"] == best
    search.refit, search.best_index_ = (lambda _: 7), 7
    logged = log_search(search, run_id=new_run(tracking))
    assert logged.metrics["xent/search/best_candidate"] == 7


def test_what_is_refused(tracking, search):
    with pytest.raises(
        TypeError, match="search must be a fitted one: GridSearchCV has"
    ):
        log_search(GridSearchCV(GaussianNB(), PLAIN))
    with pytest.raises(ValueError, match="name must be letters, digits"):
        log_search(search, name="a/b")
