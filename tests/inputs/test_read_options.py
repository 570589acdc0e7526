"""Options of reading have one default, whichever door they go through."""

import dataclasses
import inspect

import pytest

import xent_metrics
from xent_metrics import Evaluation, XentAccessor, scorers

# Their fields have no public list.
from xent_metrics._accessor.binding import ReadingOptions
from xent_metrics._inputs.read_options import ReadOptions

DEFAULTS = {field.name: field.default for field in dataclasses.fields(ReadOptions)}
DOORS = {
    **{
        name: getattr(xent_metrics, name)
        for name in (
            *("cross_entropy", "kl_divergence", "reverse_kl_divergence"),
            *("kl_contributions", "perplexity", "expected_accuracy_bound"),
            *("per_sample", "decompose", "decompose_ensemble", "compare"),
            *("scan", "accumulate"),
        )
    },
    **{
        name: getattr(Evaluation, name)
        for name in (
            *("from_predictions", "from_frame", "from_estimator", "from_cv_results"),
        )
    },
    "DecompositionScorer": scorers.DecompositionScorer,
    "get_scorer": scorers.get_scorer,
}


@pytest.mark.parametrize("name", DOORS)
def test_every_door_has_the_same_defaults(name):
    parameters = inspect.signature(DOORS[name]).parameters
    shared = DEFAULTS.keys() & parameters.keys()
    assert len(shared) >= 3
    assert {key: parameters[key].default for key in shared} == {
        key: DEFAULTS[key] for key in shared
    }


def test_the_accessor_takes_all_of_them():
    assert ReadingOptions.__annotations__.keys() == DEFAULTS.keys()
    assert inspect.signature(XentAccessor.per_sample).parameters["options"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"clip": 2}, r"clip must be in \[0, 1\): found 2"),
        ({"clip": "1"}, r"clip must be in \[0, 1\): found '1'"),
        ({"base": 1}, "base must be finite and above 1: found 1"),
    ],
)
def test_they_are_checked_before_anything_is_read(option, message):
    for door in (xent_metrics.cross_entropy, xent_metrics.decompose):
        with pytest.raises(ValueError, match=message):
            door([0, 1], [[2.0, 0.5], [0.5, 0.5]], **option)
