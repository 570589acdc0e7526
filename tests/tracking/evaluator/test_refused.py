"""What is wrong with options and models, and said in one sentence."""

import importlib
import logging

import mlflow
import numpy as np
import pandas as pd
import pytest

from .irises import (
    CLASSES,
    DATA,
    PROBA,
    X,
    Y,
    evaluate,
)

STATIC = pd.DataFrame({"y": Y, "p": list(PROBA)})
WRONG = {
    "found 'labls'; did you mean 'labels'?": (STATIC, {"labls": CLASSES}),
    "must hold options of its own: found 'zzz'; pass proba": (STATIC, {"zzz": 1}),
    "the class of each column must be known: the predictions are an array": (
        STATIC,
        {},
    ),
    "classes must be named as the targets are: labels are 0, 1, 2": (
        STATIC,
        {"labels": [0, 1, 2]},
    ),
    "sample_weight must name a column of the data: found 'w'; pass a column": (
        STATIC,
        {"labels": CLASSES, "sample_weight": "w"},
    ),
    "by must name a column of the data: found 'w'; pass a column": (
        STATIC,
        {"labels": CLASSES, "by": ["w"]},
    ),
    "found 'wigth'; did you mean 'width'?": (
        STATIC.assign(width=1.0),
        {"labels": CLASSES, "groups": "wigth"},
    ),
    "arrays in a column must be of one length: found several": (
        STATIC.assign(p=[[0.5, 0.5]] * 299 + [[0.2, 0.3, 0.5]]),
        {"labels": CLASSES},
    ),
    "the class of each value of the targets must be known: found 3 values per row": (
        STATIC.assign(y=STATIC["p"], q=0.5, r=0.5),
        {"proba": ["q", "r"]},
    ),
    "values per row; pass labels in the evaluator_config of 'xent', in their order": (
        STATIC.assign(y=STATIC["p"], q=0.5, r=0.5, s=0.0),
        {"proba": dict(zip(CLASSES, "qrs", strict=True))},
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_errors(message):
    data, config = WRONG[message]
    with pytest.raises(ValueError, match=message.replace("?", "[?]")):
        evaluate(None, data, predictions="p", config=config)


def test_an_array_has_no_columns():
    with pytest.raises(ValueError, match="proba must say which columns of a DataFrame"):
        evaluate(lambda _: PROBA, config={"proba": "p_"})


def test_columns_without_names():
    with pytest.raises(ValueError, match="the predictions are columns without names"):
        evaluate(lambda _: pd.DataFrame(PROBA))


def test_a_model_that_drops_rows():
    predicted = pd.DataFrame(PROBA, columns=CLASSES)[:200]
    message = "must predict one row per row of the data: found 200 for 300 rows; pre"
    with pytest.raises(ValueError, match=message):
        evaluate(lambda _: predicted)


def test_labels_in_another_order_than_those_of_the_model(saved):
    message = "labels must be in the order of the columns: found 'virginica', "
    with pytest.raises(ValueError, match=message):
        evaluate(saved["predict"], config={"labels": CLASSES[::-1]})


def test_classes_that_no_target_is_named_after(saved):
    message = "the model's classes_ are 0, 1, 2 and no target is one of them"
    with pytest.raises(ValueError, match=message):
        evaluate(saved["numbers"])
    names = ", ".join(f"'{name}'" for name in dict.fromkeys(Y))
    with pytest.raises(ValueError, match=rf"\(targets are {names}\); pass labels in"):
        evaluate(saved["numbers"])


def test_labels_of_numpy_are_shown_as_users_write_them():
    config = {"labels": np.array(["a", "b", "c", "d", "e", "f"])}
    message = "labels are 'a', 'b', 'c', 'd', 'e', ... and no target"
    with pytest.raises(ValueError, match=message):
        evaluate(lambda _: np.full((300, 6), 1 / 6), config=config)


@pytest.mark.parametrize(
    ("labels", "found"),
    [("abc", "'abc'"), (set("abc"), "set"), (dict.fromkeys("abc"), "dict"), (3, "int")],
)
def test_labels_that_have_no_order(labels, found):
    message = f"labels must be a list of classes, .* found {found}; pass a list such"
    with pytest.raises(TypeError, match=message):
        evaluate(lambda _: PROBA, config={"labels": labels})


class Holder:
    """A model of MLflow that holds another."""

    def __init__(self, *outputs):
        self._outputs = outputs

    def get_raw_model(self):
        found = self._outputs[0] if len(self._outputs) == 1 else list(self._outputs)
        return type("Raw", (), {"predict_proba": lambda *_: found})()


def test_a_classifier_without_classes():
    home = importlib.import_module("xent_metrics_mlflow._evaluator.probabilities")
    with pytest.raises(home.ClassOrderError, match="the model has no classes_; pass"):
        home.of_model(Holder(PROBA), X, None, None, None)
    found = home.of_model(Holder(PROBA), X, None, tuple(CLASSES), None)
    assert found.labels == tuple(CLASSES)


def test_a_classifier_of_several_outputs():
    home = importlib.import_module("xent_metrics_mlflow._evaluator.probabilities")
    with pytest.raises(home.DeclinedError, match="must have one output: it has 2"):
        home.of_model(Holder(PROBA, PROBA), X, None, tuple(CLASSES), None)


DECLINED = {
    "its predictions are labels or numbers such as '": lambda _: Y,
    "its predictions are labels or numbers": lambda _: (Y == "setosa").astype(float),
    "its predictions are an array of int64": lambda _: (PROBA > 0.5).astype(np.int64),
    "columns that a model returns must all be probabilities: found 'a', 'b'": (
        lambda _: pd.DataFrame({"a": Y, "b": PROBA[:, 0]})
    ),
}


@pytest.mark.parametrize("message", DECLINED)
def test_what_predicts_no_probabilities_is_declined(message, said):
    with pytest.raises(mlflow.MlflowException, match="could not be evaluated by any"):
        evaluate(DECLINED[message], config={"labels": CLASSES})
    [record] = said
    assert record.levelno == logging.WARNING
    assert message in record.getMessage()


def test_a_classifier_without_probabilities_is_declined(saved, said):
    with pytest.raises(mlflow.MlflowException, match="could not be evaluated by any"):
        evaluate(saved["without"])
    assert "a model must predict probabilities" in said[0].getMessage()


def test_a_frame_without_predictions_is_declined(said):
    with pytest.raises(mlflow.MlflowException, match="could not be evaluated by any"):
        evaluate(None, DATA)
    assert "a static frame must say where its probabilities are" in said[0].getMessage()
