"""Wrong calls and misspelt attributes are answered with the right form."""

import copy
import inspect
import pickle

import numpy as np
import pandas as pd
import pytest

import xent_metrics
from xent_metrics import (
    TERMS,
    Comparison,
    Decomposition,
    Evaluation,
    ScanState,
    XentAccessor,
    accumulate,
    compare,
    cross_entropy,
    decompose,
    decompose_ensemble,
    finish,
    merge,
    plotting,
    scan,
    scorers,
)

Y, Q = [0, 1] * 200, [0.2, 0.7] * 200
FRAME = pd.DataFrame({"y": Y, "p": Q, "site": ["a", "b"] * 200})
EVALUATION = Evaluation.from_predictions(Y, Q)
RESULT = EVALUATION.decomposition
COMPARISON = compare({"one": EVALUATION, "two": (Y, [0.3, 0.6] * 200)})
STATE = accumulate(FRAME, target="y", proba="p")
ENSEMBLE = decompose_ensemble(Y, [Q, Q])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: compare(EVALUATION, EVALUATION),
            (
                "compare takes models by position, all else by name: found 2 values; "
                "pass compare({'a': first, 'b': second})."
            ),
        ),
        (
            compare,
            (
                "compare requires models: found nothing; pass compare({'a': first, "
                "'b': second})."
            ),
        ),
        (
            lambda: cross_entropy(Y, Q, "labels"),
            (
                "cross_entropy takes y_true and y_proba by position, all else by name: "
                "found 3 values; pass cross_entropy(y_true, y_proba, labels=...)."
            ),
        ),
        (
            lambda: decompose(Y),
            (
                "decompose requires y_proba: found y_true only; pass decompose(y_true, "
                "y_proba)."
            ),
        ),
        (
            lambda: decompose(Y, Q, label=[0, 1]),
            "decompose has no option 'label'; did you mean 'labels'?",
        ),
        (
            lambda: decompose(Y, y_true=Y),
            (
                "decompose takes y_true once: found it by position and by name; leave "
                "one of them out."
            ),
        ),
        (
            lambda: scan("predictions.parquet", "y", "p"),
            (
                "scan takes dataset by position, all else by name: found 3 values; "
                "pass scan(dataset, target=..., proba=...)."
            ),
        ),
        (
            lambda: finish(STATE, 2),
            (
                "finish takes state by position, all else by name: found 2 values; "
                "pass finish(state, base=...)."
            ),
        ),
        (
            lambda: merge(STATE, STATE),
            (
                "merge takes states by position: found 2 values; pass merge([first, "
                "second])."
            ),
        ),
        (
            lambda: Evaluation(Y, Q),
            (
                "Evaluation takes nothing by position, all else by name: found 2 "
                "values; pass Evaluation.from_predictions(y_true, y_proba)."
            ),
        ),
        (
            lambda: Evaluation(y_true=Y, y_proba=Q),
            (
                "Evaluation has no option 'y_true'; pass "
                "Evaluation.from_predictions(y_true, y_proba)."
            ),
        ),
        (
            lambda: Decomposition(1),
            (
                "Decomposition takes nothing by position, all else by name: found 1 "
                "value; pass decompose(y_true, y_proba)."
            ),
        ),
        (
            lambda: Evaluation.from_frame(FRAME, "y", "p"),
            (
                "Evaluation.from_frame takes frame by position, all else by name: "
                "found 3 values; pass Evaluation.from_frame(frame, target=..., "
                "proba=...)."
            ),
        ),
        (
            ScanState.from_json,
            (
                "ScanState.from_json requires text: found nothing; pass "
                "ScanState.from_json(text)."
            ),
        ),
        (
            lambda: EVALUATION.worst(1, "label"),
            (
                "Evaluation.worst takes n by position, all else by name: found 2 "
                "values; pass Evaluation.worst(n, by=...)."
            ),
        ),
        (
            lambda: RESULT.by_class("a"),
            (
                "Decomposition.by_class takes nothing by position: found 1 value; pass "
                "Decomposition.by_class()."
            ),
        ),
        (
            lambda: RESULT.by_class(name="a"),
            "Decomposition.by_class has no option 'name'; it takes none.",
        ),
        (
            lambda: FRAME.xent("y", "p", "site"),
            (
                "df.xent takes target and proba by position, all else by name: found 3 "
                "values; pass df.xent(target, proba)."
            ),
        ),
        (
            lambda: FRAME.xent.summary("y", "p", "site"),
            (
                "df.xent.summary takes target and proba by position, all else by name: "
                "found 3 values; pass df.xent.summary(target, proba, by=...)."
            ),
        ),
        (
            lambda: plotting.waterfall(RESULT, colour="red"),
            "waterfall has no option 'colour'; options are ax, level.",
        ),
        (
            lambda: scorers.get_scorer("neg_skill", 2),
            (
                "get_scorer takes name by position, all else by name: found 2 values; "
                "pass get_scorer(name, clip=...)."
            ),
        ),
    ],
)
def test_a_wrong_call_is_answered_with_the_right_form(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message


class Clumsy:
    """A map with an error of its own."""

    def fit(self, *_):
        return len(1)

    def predict(self, log_q):
        return np.exp(log_q)


def test_a_type_error_within_a_call_stays_as_it_is():
    with pytest.raises(TypeError, match=r"object of type 'int' has no len\(\)"):
        decompose(Y, Q, recalibration=Clumsy())


@pytest.mark.parametrize(
    ("called", "parameters"),
    [
        (compare, ["models", "baseline", "labels"]),
        (Evaluation, ["decomposition", "per_sample", "by_class"]),
        (Evaluation.from_frame, ["frame", "target", "proba"]),
        (RESULT.by, ["values", "refit"]),
        (XentAccessor.summary, ["self", "target", "proba"]),
    ],
)
def test_signatures_are_those_that_are_written(called, parameters):
    assert [*inspect.signature(called).parameters][: len(parameters)] == parameters


def test_functions_are_pickled_by_their_public_name():
    assert pickle.loads(pickle.dumps(decompose)) is decompose  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("it", "name", "message"),
    [
        (
            EVALUATION,
            "miscalibraton",
            (
                "Evaluation has no attribute 'miscalibraton'; did you mean "
                ".decomposition.miscalibration?"
            ),
        ),
        (
            EVALUATION,
            "cross_entropy",
            (
                "Evaluation has no attribute 'cross_entropy'; did you mean "
                ".decomposition.cross_entropy?"
            ),
        ),
        (
            EVALUATION,
            "per_samples",
            "Evaluation has no attribute 'per_samples'; did you mean .per_sample?",
        ),
        (
            EVALUATION,
            "zzz",
            "Evaluation has no attribute 'zzz'; dir() lists what it has.",
        ),
        (
            RESULT,
            "crossentropy",
            (
                "Decomposition has no attribute 'crossentropy'; did you mean "
                ".cross_entropy?"
            ),
        ),
        (
            COMPARISON,
            "miscalibration",
            (
                "Comparison has no attribute 'miscalibration'; did you mean "
                ".decompositions[name].miscalibration?"
            ),
        ),
        (
            ENSEMBLE,
            "diversty",
            (
                "EnsembleDecomposition has no attribute 'diversty'; did you mean "
                ".diversity?"
            ),
        ),
        (STATE, "lables", "ScanState has no attribute 'lables'; did you mean .labels?"),
        (
            RESULT.recalibrator(),
            "predict_probas",
            (
                "Recalibrator has no attribute 'predict_probas'; did you mean "
                ".predict_proba?"
            ),
        ),
        (
            COMPARISON.differences["two"]["skill"],
            "p_value",
            "Difference has no attribute 'p_value'; did you mean .pvalue?",
        ),
        (
            FRAME.xent,
            "decompos",
            "df.xent has no attribute 'decompos'; did you mean .decompose?",
        ),
        (
            xent_metrics,
            "decompos",
            (
                "module 'xent_metrics' has no attribute 'decompos'; did you mean "
                ".decompose?"
            ),
        ),
        (
            scorers,
            "neg_crossentropy",
            (
                "module 'xent_metrics.scorers' has no attribute 'neg_crossentropy'; "
                "did you mean .neg_cross_entropy?"
            ),
        ),
        (
            plotting,
            "zzz",
            (
                "module 'xent_metrics.plotting' has no attribute 'zzz'; dir() lists "
                "what it has."
            ),
        ),
        (
            scorers.neg_cross_entropy,
            "option",
            "scorer has no attribute 'option'; did you mean .options?",
        ),
    ],
)
def test_a_misspelt_attribute_is_answered_with_one_that_is_near(it, name, message):
    with pytest.raises(AttributeError) as caught:
        getattr(it, name)
    assert str(caught.value) == message


HELD = [
    EVALUATION,
    RESULT,
    COMPARISON,
    ENSEMBLE,
    STATE,
    RESULT.recalibrator(),
    RESULT.miscalibration_test(n_resamples=1, random_state=0),
    COMPARISON.differences["two"]["skill"],
    TERMS["skill"],
    scorers.neg_cross_entropy,
    scorers.DecompositionScorer(),
]


@pytest.mark.parametrize("it", HELD, ids=lambda it: type(it).__name__)
def test_what_is_asked_of_any_object_is_answered_as_by_any_object(it):
    for name in ("_repr_mimebundle_", "_ipython_display_", "__array__", "dtype"):
        if name not in dir(it):
            assert not hasattr(it, name)
            assert getattr(it, name, 5) == 5
    for twin in (
        copy.copy(it),
        copy.deepcopy(it),
        pickle.loads(pickle.dumps(it)),  # noqa: S301 - our own
    ):
        assert type(twin) is type(it)
        assert repr(twin) == repr(it)


def test_an_attribute_error_within_a_property_is_told_as_it_is():
    empty = object.__new__(Comparison)
    with pytest.raises(AttributeError, match="no attribute '_frame'"):
        object.__new__(XentAccessor).summary("y", "p")
    with pytest.raises(AttributeError, match="has no attribute 'decompositions'"):
        repr(empty)
    with pytest.raises(AttributeError, match="no attribute '_evidence'"):
        _ = object.__new__(Decomposition).has_data
