"""All runs as a table."""

import math

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation
from xent_metrics_mlflow import log_cv_results, log_evaluation, runs_frame
from xent_metrics_mlflow._items.rows import digest

from . import old_layout
from .conftest import new_run

rng = np.random.default_rng(0)
N = 400
PROBA = rng.dirichlet(np.ones(2), N)
LABELS = rng.integers(2, size=N)
QUICK = {"page": False, "per_sample": False}


@pytest.fixture(autouse=True)
def store(tracking):
    return tracking


def evaluated(q=PROBA, y=LABELS, **options):
    options = {"recalibration": "temperature"} | options
    return Evaluation.from_predictions(y, q, **options)


def log(store, name, evaluation, experiment="0", **options):
    run = store.MlflowClient().create_run(experiment, run_name=name)
    log_evaluation(evaluation, run_id=run.info.run_id, **QUICK, **options)
    return run.info.run_id


def test_one_row_a_run(store):
    evaluation = evaluated()
    ids = [log(store, name, evaluation) for name in ("first", "second")]
    log(store, "of another split", evaluation, split="train")
    new_run(store, run_name="not ours")
    table = runs_frame()
    assert table["run_id"].tolist() == ids[::-1]
    assert table["name"].tolist() == ["second", "first"]
    assert table["start_time"].dt.tz is not None
    assert table.loc[0, "unit"] == "nats"
    assert table.loc[0, "recalibration"] == "temperature"
    assert table.loc[0, "clip"] == evaluation.decomposition.clip
    assert table.loc[0, "n"] == N
    result = evaluation.decomposition
    for term, value in result.terms.items():
        if math.isnan(value):  # of labels there are no such terms
            assert term not in table
            continue
        assert table.loc[0, term] == pytest.approx(value, rel=0)
        assert table.loc[0, f"{term}_se"] == pytest.approx(
            result.standard_errors[term], rel=0
        )
    assert list(table.columns[:10]) == [
        *("run_id", "name", "start_time", "status", "unit", "recalibration", "clip"),
        *("data", "n", "cross_entropy"),
    ]
    assert runs_frame(split="train")["name"].tolist() == ["of another split"]


@pytest.mark.slow
def test_errors_of_predictions_that_are_kept_as_they_are(store):
    rng = np.random.default_rng(1)
    q = rng.dirichlet([1.0, 1.0, 1.0], size=800)
    found = Evaluation.from_predictions([rng.choice(3, p=row) for row in q], q)
    result = found.decomposition
    assert (result.recalibration, result.recalibration_requested) == ("none", "auto")
    log_evaluation(found, run_id=new_run(store))
    table = runs_frame()
    for term in ("miscalibration", "overconfidence", "underconfidence", "refinement"):
        error = result.standard_errors[term]
        assert table.loc[0, f"{term}_se"] == pytest.approx(error, rel=1e-9, abs=1e-12)
    assert table.loc[0, "overconfidence_se"] > 0


def test_experiments(store):
    client = store.MlflowClient()
    other = client.create_experiment("other")
    log(store, "here", evaluated())
    log(store, "there", evaluated(), experiment=other)
    assert runs_frame()["name"].tolist() == ["here"]
    for experiment in ("other", other, ["other"]):
        assert runs_frame(experiment)["name"].tolist() == ["there"]
    both = runs_frame(["Default", "other"])
    assert sorted(both["name"]) == ["here", "there"]
    found = runs_frame(["0", "other"], filter_string="attributes.run_name = 'here'")
    assert found["name"].tolist() == ["here"]
    told = "experiment must be the name or id of one in the store, 'other', 'Default'"
    for given in ("a b", "7", 1, ""):
        with pytest.raises(ValueError, match=f"{told}: found {given!r}; pass one of"):
            runs_frame(given)
    with pytest.raises(ValueError, match="'othre'; did you mean 'other'[?]"):
        runs_frame("othre")
    client.delete_experiment(other)
    told = f"not deleted: found 'other'; restore it with .*{other}"
    with pytest.raises(ValueError, match=told):
        runs_frame("other")


@pytest.mark.slow
def test_more_experiments_than_a_page_of_the_store_has(store):
    client = store.MlflowClient()
    mine = client.create_experiment("mine")
    log(store, "of mine", evaluated(), experiment=mine)
    for k in range(1001):
        client.create_experiment(f"another {k}")
    assert runs_frame("mine")["name"].tolist() == ["of mine"]
    with pytest.raises(ValueError, match="found 'mime'; did you mean 'mine'[?]"):
        runs_frame("mime")


def test_a_split_that_no_run_has(store):
    log(store, "one", evaluated(), split="holdout")
    told = "split must be one that these runs have: found 'holdut'; did you mean 'hold"
    with pytest.raises(ValueError, match=told):
        runs_frame(split="holdut")
    told = "these runs have, 'holdout': found 'test'; pass one of these"
    with pytest.raises(ValueError, match=told):
        runs_frame()
    assert runs_frame(filter_string="attributes.run_name = 'another'").empty


def test_a_filter_that_mlflow_cannot_read():
    with pytest.raises(ValueError, match="MLflow must be able to answer: Invalid"):
        runs_frame(filter_string="nonsense of 'mine'")


def test_a_server_that_fails(refusing, store, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    store.set_tracking_uri(refusing(403).uri)
    for ask in (runs_frame, lambda: runs_frame("mine"), lambda: runs_frame(["0"])):
        with pytest.raises(OSError, match="MLflow must be able to answer: .* 403"):
            ask()


def test_no_runs():
    table = runs_frame()
    assert table.empty
    assert list(table.columns[:5]) == ["run_id", "name", "start_time", "status", "unit"]


@pytest.mark.slow
def test_units_are_not_mixed(store):
    log(store, "nats", evaluated())
    log(store, "bits", evaluated(base=2))
    log(store, "base 3", evaluated(base=3))
    told = "'xent/test' of these runs is in base-3 units, bits, nats; pass unit='nats'"
    with pytest.raises(ValueError, match=told):
        runs_frame()
    for unit, base in (("nats", None), ("bits", 2), ("bans", 10)):
        table = runs_frame(unit=unit).set_index("name")
        assert set(table["unit"]) == {unit}
        wanted = evaluated(base=base).decomposition
        for term in ("cross_entropy", "miscalibration", "skill"):
            assert table[term].tolist() == pytest.approx([wanted.terms[term]] * 3)
            error = wanted.standard_errors[term]
            assert table[f"{term}_se"].tolist() == pytest.approx([error] * 3)
        assert table["n"].tolist() == [N] * 3
    assert runs_frame(filter_string="attributes.run_name = 'bits'")["unit"][0] == "bits"
    with pytest.raises(
        ValueError, match="unit must be one of 'nats', 'bits', 'bans': "
    ):
        runs_frame(unit="nat")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, marks=pytest.mark.slow),
        pytest.param({"recalibration": "none"}, marks=pytest.mark.slow),
        {"y": PROBA**0.5 / (PROBA**0.5).sum(axis=1, keepdims=True)},
        pytest.param(
            {"sample_weight": np.arange(N) + 1.0, "base": 2}, marks=pytest.mark.slow
        ),
        pytest.param(
            {"q": np.where(np.arange(N)[:, None] == 0, [0, 1], PROBA), "clip": 0},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_runs_of_schema_1_are_read_alike(store, tmp_path, options):
    evaluation = evaluated(**options)
    before = new_run(store, run_name="before")
    old_layout.log(store, before, evaluation, tmp_path)
    log(store, "now", evaluation)
    table = runs_frame().set_index("name").drop(columns=["run_id", "start_time"])
    old, new = table.loc["before"].drop("status"), table.loc["now"].drop("status")
    for column in table.columns.drop("status"):
        if isinstance(new[column], str):
            assert old[column] == new[column]
        else:
            assert old[column] == pytest.approx(new[column], rel=1e-9, nan_ok=True), (
                column
            )
    assert table["cross_entropy_se"].notna().all() == ("clip" not in options)


@pytest.mark.slow
def test_a_run_of_schema_1_that_is_resumed(store, tmp_path):
    run_id = new_run(store)
    old_layout.log(store, run_id, evaluated(), tmp_path)
    later = evaluated(PROBA[::-1], base=None)
    log_evaluation(later, run_id=run_id, step=1, **QUICK)
    table = runs_frame()
    result = later.decomposition
    for term in ("cross_entropy", "kl_divergence", "resolution", "skill"):
        assert table.loc[0, term] == result.terms[term]
        assert table.loc[0, f"{term}_se"] == result.standard_errors[term]


def test_settings_are_read_by_their_name_of_before(store):
    run_id = log(store, "before", evaluated())
    wanted, client = runs_frame(), store.MlflowClient()
    told = client.get_run(run_id).data.tags["xent/test/info"]
    client.set_tag(run_id, "xent/test/settings", told)
    client.delete_tag(run_id, "xent/test/info")
    pd.testing.assert_frame_equal(runs_frame(), wanted)


def test_infinite_terms_are_read_from_their_tag(store):
    proba = PROBA.copy()
    proba[0] = np.eye(2)[1 - LABELS[0]]
    log(store, "infinite", evaluated(proba, clip=0))
    table = runs_frame()
    assert table.loc[0, "cross_entropy"] == math.inf
    assert table.loc[0, "skill"] == -math.inf
    assert math.isnan(table.loc[0, "cross_entropy_se"])
    assert table.loc[0, "n_infinite"] == 1


def test_the_newest_step_counts(store):
    run_id = log(store, "epochs", evaluated(), step=0)
    later = evaluated(PROBA[::-1])
    log_evaluation(later, run_id=run_id, step=1, **QUICK)
    found = runs_frame().loc[0, "cross_entropy"]
    assert found == later.decomposition.cross_entropy


@pytest.mark.slow
def test_folds_are_no_runs(store):
    run_id = new_run(store, run_name="whole")
    log_cv_results(
        evaluated(folds=np.arange(N) % 2), run_id=run_id, child_runs=True, **QUICK
    )
    table = runs_frame(split="cv")
    assert table["name"].tolist() == ["whole"]
    assert not any("/" in name for name in table.columns)


class TestDigest:
    def test_of_the_same_data(self, store):
        log(store, "a", evaluated())
        log(store, "b", evaluated(PROBA**2 / (PROBA**2).sum(axis=1, keepdims=True)))
        log(store, "c", evaluated(y=1 - LABELS))
        data = runs_frame().set_index("name")["data"]
        assert data["a"] == data["b"] != data["c"]

    def test_what_it_is_of(self):
        base = digest(evaluated())
        order = rng.permutation(N)
        frame = pd.DataFrame(PROBA)
        assert digest(evaluated(frame.iloc[order], LABELS[order])) == base
        assert digest(evaluated(sample_weight=np.full(N, 3.0))) == base
        assert digest(evaluated(base=2)) == base
        assert digest(evaluated(y=LABELS.astype(float).astype(int).tolist())) == base
        others = [
            evaluated(y=np.where(np.arange(N) == 5, 1 - LABELS, LABELS)),
            evaluated(PROBA[1:], LABELS[1:]),
            evaluated(pd.DataFrame(PROBA, index=np.arange(N) + 1)),
            evaluated(pd.DataFrame(PROBA, index=list(map(str, range(N))))),
            evaluated(sample_weight=np.arange(N) + 1.0),
            evaluated(y=np.eye(2)[LABELS] * 0.8 + 0.1),
        ]
        found = [digest(each) for each in others]
        assert len({base, *found}) == 7

    def test_of_what_was_read_back(self):
        for rows in (True, False):
            text = evaluated().to_json(per_sample=rows)
            assert digest(Evaluation.from_json(text)) is None
