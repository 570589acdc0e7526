"""Where the evaluator finds probabilities."""

import mlflow
import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, cross_entropy

from ...thinned import thinned
from .irises import CLASSES, HOW_SAVED, KEY, LOSS, MAP, MODEL, PROBA, X, Y, evaluate


@pytest.mark.parametrize("how", ["predict", "predict_proba"])
def test_a_saved_model(saved, how):
    metrics = evaluate(saved[how])
    wanted = Evaluation.from_predictions(Y, PROBA, labels=CLASSES, **MAP)
    assert metrics[KEY] == wanted.decomposition.cross_entropy
    assert metrics["xent/test/miscalibration"] == wanted.decomposition.miscalibration
    assert all(np.isfinite(value) for value in metrics.values())


@pytest.mark.slow
def test_a_logged_model_and_its_run(store):
    with store.start_run() as run:
        info = mlflow.sklearn.log_model(MODEL, name="iris", **HOW_SAVED)
        metrics = evaluate(info.model_uri)
    data = store.get_run(run.info.run_id).data
    assert metrics.items() <= data.metrics.items()
    assert data.params["xent/test/recalibration"] == "temperature"
    of_model = store.get_logged_model(info.model_id).metrics
    assert {one.key: one.value for one in of_model}[KEY] == metrics[KEY]


@pytest.mark.slow
def test_a_model_fitted_to_an_array(saved):
    metrics = evaluate(saved["array"], X.to_numpy(), targets=Y)
    assert 0 < metrics[KEY] < 1


def of_function(predict, **options):
    return evaluate(predict, **options)[KEY]


DICTS = [dict(zip(CLASSES, row, strict=True)) for row in PROBA.tolist()]
FUNCTIONS = {
    "array": (lambda _: PROBA, {"labels": CLASSES}),
    "list": (lambda _: PROBA.tolist(), {"labels": CLASSES}),
    "named columns": (lambda _: pd.DataFrame(PROBA, columns=CLASSES), {}),
    "other order": (
        lambda _: pd.DataFrame(PROBA, columns=CLASSES)[CLASSES[::-1]],
        {},
    ),
    "unnamed columns": (lambda _: pd.DataFrame(PROBA), {"labels": CLASSES}),
    "dict of columns": (lambda _: dict(zip(CLASSES, PROBA.T, strict=True)), {}),
    "list of dicts": (lambda _: DICTS, {}),
    "series of dicts": (lambda _: pd.Series(DICTS, index=X.index + 7), {}),
    "array of dicts": (lambda _: np.array(DICTS), {}),
    "one column of dicts": (lambda _: pd.DataFrame({"p": DICTS}), {}),
    "beside labels": (
        lambda _: pd.DataFrame(PROBA, columns=CLASSES).add_prefix("p_").assign(hard=Y),
        {"proba": "p_"},
    ),
    "logits": (
        lambda _: np.log(PROBA),
        {"labels": CLASSES, "from_logits": True},
    ),
    "one column of arrays": (
        lambda _: pd.DataFrame({"p": list(PROBA)}),
        {"labels": CLASSES},
    ),
}


QUICK = ("array", "other order", "beside labels")


@pytest.mark.parametrize("how", thinned(FUNCTIONS, QUICK))
def test_a_function(how):
    function, config = FUNCTIONS[how]
    assert of_function(function, config=config) == pytest.approx(LOSS, rel=1e-12)


def test_a_function_of_two_classes_with_one_column():
    y = np.where(Y == "setosa", "yes", "no")
    q = 1 - PROBA[:, CLASSES.index("setosa")]
    config = {"labels": ["yes", "no"]}
    found = of_function(lambda _: q, data=X.assign(y=y), config=config)
    wanted = cross_entropy(y, q, labels=["yes", "no"])
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.slow
def test_the_column_of_a_function_that_predictions_names():
    frame = pd.DataFrame({"hard": Y, "p": list(PROBA)})
    config = {"labels": CLASSES}
    found = of_function(lambda _: frame, predictions="p", config=config)
    assert found == LOSS
    frame = pd.DataFrame({"hard": Y, "p": DICTS})
    assert of_function(lambda _: frame, predictions="p") == LOSS


@pytest.mark.parametrize("kind", thinned([list, tuple, np.asarray], [list]))
def test_a_static_column_of_arrays(kind):
    data = pd.DataFrame({"y": Y, "p": [kind(row) for row in PROBA.tolist()]})
    config = {"labels": CLASSES}
    assert evaluate(None, data, predictions="p", config=config)[KEY] == LOSS


def test_a_static_column_of_dicts():
    data = pd.DataFrame({"y": Y, "p": DICTS})
    assert evaluate(None, data, predictions="p")[KEY] == LOSS


@pytest.mark.slow
def test_static_columns():
    names = [f"p_{name}" for name in CLASSES]
    data = pd.DataFrame(PROBA, columns=names).assign(y=Y, other=1.0)
    for config in (
        {"proba": "p_"},
        {"proba": names, "labels": CLASSES},
        {"proba": dict(zip(CLASSES, names, strict=True))},
    ):
        assert evaluate(None, data, config=config)[KEY] == LOSS


def test_a_dataset_of_mlflow():
    names = [f"p_{name}" for name in CLASSES]
    data = pd.DataFrame(PROBA, columns=names).assign(y=Y)
    dataset = mlflow.data.from_pandas(data, targets="y")
    assert evaluate(None, dataset, targets=None, config={"proba": "p_"})[KEY] == LOSS


def test_targets_that_are_distributions():
    soft = 0.9 * (Y[:, None] == np.array(CLASSES)) + 0.1 / 3
    data = pd.DataFrame({"y": list(soft), "p": list(PROBA)})
    config = {"labels": CLASSES}
    found = evaluate(None, data, predictions="p", config=config)
    assert found[KEY] == cross_entropy(soft, PROBA)


@pytest.mark.slow
def test_targets_that_are_distributions_beside_columns():
    soft = 0.9 * (Y[:, None] == np.array(CLASSES)) + 0.1 / 3
    names = [f"p_{name}" for name in CLASSES]
    data = pd.DataFrame(PROBA, columns=names).assign(y=list(soft))
    by_class = dict(zip(CLASSES, names, strict=True))
    for config in (
        {"proba": names, "labels": CLASSES},
        {"proba": by_class, "labels": CLASSES},
        {"proba": dict(reversed(by_class.items())), "labels": CLASSES},
    ):
        found = evaluate(None, data[[*names[::-1], "y"]], config=config)
        assert found[KEY] == cross_entropy(soft, PROBA)
