"""Wrong calls of the integration are answered with the right form."""

import copy
import inspect
import pickle

import pytest

import xent_metrics_mlflow
from xent_metrics_mlflow import (
    LogResult,
    NotLoggedWarning,
    autolog,
    compare_runs,
    log_cv_results,
    log_evaluation,
    promote,
    runs_frame,
)

QUICK = {"page": False}
RESULT = LogResult(run_id="a" * 32, metrics={}, left_out={})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda evaluation: log_evaluation(evaluation, "test"),
            (
                "log_evaluation takes evaluation by position, all else by name: found "
                "2 values; pass log_evaluation(evaluation, split=...)."
            ),
        ),
        (
            lambda evaluation: log_evaluation(evaluation, splt="test"),
            "log_evaluation has no option 'splt'; did you mean 'split'?",
        ),
        (
            lambda evaluation: log_cv_results(evaluation, None, None, "cv"),
            (
                "log_cv_results takes cv_results, X and y by position, all else by "
                "name: found 4 values; pass log_cv_results(cv_results, X, y, "
                "split=...)."
            ),
        ),
        (
            lambda _: compare_runs("a"),
            (
                "compare_runs requires run_b: found run_a only; pass "
                "compare_runs(run_a, run_b)."
            ),
        ),
        (
            lambda _: promote("a", "champion"),
            (
                "promote takes run_id by position, all else by name: found 2 values; "
                "pass promote(run_id, alias=...)."
            ),
        ),
        (
            lambda _: runs_frame(experiments="mine"),
            "runs_frame has no option 'experiments'; did you mean 'experiment'?",
        ),
        (
            lambda _: autolog("test"),
            (
                "autolog takes nothing by position, all else by name: found 1 value; "
                "pass autolog(disable=...)."
            ),
        ),
    ],
)
def test_a_wrong_call(evaluation, call, message):
    with pytest.raises(TypeError) as error:
        call(evaluation)
    assert str(error.value) == message


def test_a_misspelt_attribute():
    with pytest.raises(AttributeError) as error:
        _ = RESULT.run
    assert str(error.value) == "LogResult has no attribute 'run'; did you mean .run_id?"


def test_a_misspelt_name():
    with pytest.raises(AttributeError, match="did you mean .log_evaluation?"):
        _ = xent_metrics_mlflow.log_evaluations


@pytest.mark.parametrize("name", xent_metrics_mlflow.__all__)
def test_public_names_are_those_of_the_package(name):
    found = getattr(xent_metrics_mlflow, name)
    assert found.__module__ == "xent_metrics_mlflow"
    assert pickle.loads(pickle.dumps(found)) is found  # noqa: S301 - made here


def test_signatures_stay_what_they_were():
    assert list(inspect.signature(runs_frame).parameters) == [
        *("experiment", "split", "unit", "filter_string")
    ]


def test_results_are_copied_and_pickled():
    again = pickle.loads(pickle.dumps(RESULT))  # noqa: S301 - made here
    assert copy.deepcopy(RESULT) == again == RESULT


def test_a_warning_points_at_the_line_of_the_caller(tracking, silent, evaluation):
    tracking.set_tracking_uri(silent)
    options = {"run_id": "a" * 32, "deadline": 0.1, "on_error": "warn"} | QUICK
    with pytest.warns(NotLoggedWarning) as told:
        log_evaluation(evaluation, **options)
    assert [each.filename for each in told] == [__file__]
