"""An alias that moves only to a run that is no worse."""

import mlflow
import numpy as np
import pytest

from xent_metrics import Evaluation, compare
from xent_metrics_mlflow import Promotion, compare_runs, log_evaluation, promote

from .conftest import new_run

rng = np.random.default_rng(0)
SHARP = rng.dirichlet(np.ones(2), 400)
LABELS = np.array([rng.choice(2, p=row) for row in SHARP])
DULL = 0.5 * SHARP + 0.25
MODEL = "churn"


@pytest.fixture(autouse=True)
def store(tracking):
    return tracking


def evaluated(q, y=LABELS, **options):
    return Evaluation.from_predictions(y, q, recalibration="temperature", **options)


def registered(name, q, model=MODEL, **options):
    """A run with rows and a version of a registered model; its id."""
    client = mlflow.MlflowClient()
    run_id = new_run(mlflow, run_name=name)
    log_evaluation(evaluated(q, **options), run_id=run_id, page=False, on_error="raise")
    if model not in {each.name for each in client.search_registered_models()}:
        client.create_registered_model(model)
    client.create_model_version(model, f"runs:/{run_id}/model", run_id)
    return run_id


def holder(alias="champion", model=MODEL):
    return mlflow.MlflowClient().get_model_version_by_alias(model, alias).run_id


def check_champions():
    dull, sharp = registered("dull", DULL), registered("sharp", SHARP)
    first = promote(dull, alias="champion")
    assert first
    assert first.comparison is None
    assert first.reason == (
        f"version 1 of 'churn', of run 'dull' ({dull}), has the alias 'champion': "
        "nothing to compare with"
    )
    better = promote(sharp, alias="champion")
    assert better.promoted
    assert (better.model, better.version, better.alias) == (MODEL, "2", "champion")
    assert holder() == sharp
    worse = promote(dull, alias="champion")
    assert not worse
    assert holder() == sharp
    wanted = compare({"sharp": evaluated(SHARP), "dull": evaluated(DULL)})
    change = wanted.differences["dull"]["cross_entropy"]
    assert worse.comparison.differences["dull"]["cross_entropy"] == change
    assert worse.reason == (
        f"version 1 of 'churn', of run 'dull' ({dull}), did not get the alias "
        f"'champion': its cross-entropy differs from that of 'sharp' by "
        f"{change.difference:+.6g} nats (95% interval {change.low:.6g} to "
        f"{change.high:.6g}), which reaches above the margin of 0"
    )


def test_the_alias_moves_to_what_is_better_and_stays_otherwise():
    check_champions()


@pytest.mark.usefixtures("remote")
def test_on_a_server():
    check_champions()


@pytest.mark.slow
def test_a_margin():
    sharp, dull = registered("sharp", SHARP), registered("dull", DULL)
    comparison = compare_runs(sharp, dull)
    high = comparison.differences["dull"]["cross_entropy"].high
    options = {"alias": "champion", "if_no_worse_than": sharp}
    assert not promote(dull, margin=high - 1e-9, **options)
    with pytest.raises(mlflow.MlflowException, match="alias champion not found"):
        holder()
    found = promote(dull, margin=high, **options)
    assert found.reason.endswith(f"not reach above the margin of {high:.6g}")
    assert holder() == dull
    assert promote(sharp, alias="champion", margin=-1e-3)
    assert not promote(sharp, alias="other", if_no_worse_than=dull, margin=-10)


@pytest.mark.slow
def test_the_level_of_the_interval():
    q = 0.95 * SHARP + 0.025
    a, b = registered("a", SHARP), registered("b", q)
    found = [
        promote(b, alias="c", if_no_worse_than=a, level=level, margin=0.01).comparison
        for level in (0.5, 0.999)
    ]
    assert [each.level for each in found] == [0.5, 0.999]


@pytest.mark.slow
def test_a_difference_that_is_not_finite_promotes_nothing():
    proba = SHARP.copy()
    proba[0] = np.eye(2)[1 - LABELS[0]]
    first = registered("finite", SHARP, clip=0)
    found = promote(
        registered("infinite", proba, clip=0), alias="c", if_no_worse_than=first
    )
    assert not found
    assert "may reach above" in found.reason or "reaches above" in found.reason


@pytest.mark.slow
def test_the_run_that_has_the_alias_and_its_newest_version():
    run_id = registered("sharp", SHARP)
    promote(run_id, alias="champion")
    client = mlflow.MlflowClient()
    client.create_model_version(MODEL, f"runs:/{run_id}/model", run_id)
    found = promote(run_id, alias="champion")
    assert found.reason.endswith("it is the same run")
    assert found.version == "2"
    assert str(client.get_model_version_by_alias(MODEL, "champion").version) == "2"


class TestWhatIsRefused:
    def test_a_run_without_a_registered_model(self):
        run_id = new_run(mlflow)
        with pytest.raises(ValueError, match="the run must have a registered model: "):
            promote(run_id, alias="champion")

    @pytest.mark.slow
    def test_versions_of_several_models(self):
        run_id = registered("sharp", SHARP)
        client = mlflow.MlflowClient()
        client.create_registered_model("other")
        client.create_model_version("other", f"runs:/{run_id}/model", run_id)
        with pytest.raises(ValueError, match="'other', 'churn'|'churn', 'other'"):
            promote(run_id, alias="champion")
        assert promote(run_id, alias="champion", model="other").model == "other"
        with pytest.raises(ValueError, match="'othre'; did you mean 'other'[?]"):
            promote(run_id, alias="champion", model="othre")

    def test_an_alias_of_a_version_without_a_run(self):
        client = mlflow.MlflowClient()
        run_id = registered("sharp", SHARP)
        client.create_model_version(MODEL, "s3://bucket/model")
        client.set_registered_model_alias(MODEL, "champion", "2")
        told = "version 2 of 'churn' has 'champion' and no run; pass if_no_worse_than="
        with pytest.raises(ValueError, match=told):
            promote(run_id, alias="champion")

    @pytest.mark.slow
    def test_other_data(self):
        first = registered("a", SHARP)
        second = registered("b", SHARP, y=LABELS[::-1])
        with pytest.raises(ValueError, match="runs must be evaluated on the same data"):
            promote(second, alias="champion", if_no_worse_than=first)

    @pytest.mark.parametrize(
        ("options", "error", "told"),
        [
            ({"margin": "0"}, TypeError, "margin must be a number: found '0'; pass"),
            ({"margin": True}, TypeError, "margin must be a number: found True; pass"),
            ({"margin": np.inf}, ValueError, "margin must be finite: found inf; pass"),
            ({"if_no_worse_than": 3}, TypeError, "found int; pass run.info.run_id."),
            ({"split": "a/b"}, ValueError, "split must be letters, digits"),
            ({"alias": "no good!"}, ValueError, "Invalid alias name: 'no good!'"),
        ],
    )
    def test_options(self, options, error, told):
        run_id = registered("sharp", SHARP)
        with pytest.raises(error, match=told):
            promote(run_id, **{"alias": "champion"} | options)

    def test_an_id_of_no_run(self):
        with pytest.raises(
            ValueError, match="a run must be given by its id: the store"
        ):
            promote("nothing", alias="champion")


def test_a_promotion_is_true_where_the_alias_was_set():
    options = {"reason": "", "model": "m", "version": "1", "alias": "a"}
    assert Promotion(promoted=True, **options)
    assert not Promotion(promoted=False, **options)
