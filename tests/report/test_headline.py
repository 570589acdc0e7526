"""The headline says what is clear, and why the rest is not."""

import dataclasses
import math

import numpy as np
import pytest

from xent_metrics import Evaluation, SmallSampleWarning, decompose

# Nothing public gives what a page says before it is HTML.
from xent_metrics._report.headline import headline, remarks

from ..draws import tempered


@pytest.fixture(scope="module")
def hard():
    return decompose([0, 1] * 200, [0.2, 0.7] * 200, recalibration="temperature")


@pytest.fixture(scope="module")
def soft():
    p = np.random.default_rng(0).dirichlet([1, 1, 1], size=300)
    return decompose(p, tempered(p), recalibration="temperature")


def changed(result, **terms):
    errors = dict.fromkeys(result.standard_errors, 0.01) | terms.pop("errors", {})
    return dataclasses.replace(result, **terms, standard_errors=errors)


HARD = {"cross_entropy": 0.378, "uncertainty": 2.303, "refinement": 0.238}


def test_hard_labels_have_miscalibration_and_the_rest(hard):
    result = changed(hard, **HARD, miscalibration=0.14)
    assert headline(result, 3, votes=False) == (
        "Of a log loss of 0.378 nats, recalibration alone would remove 0.140 and leave "
        "0.238; always predicting the class frequencies would cost 2.303."
    )


def test_unclear_miscalibration_of_hard_labels_is_said(hard):
    result = changed(hard, **HARD, miscalibration=0.019)
    said = headline(result, 3, votes=False).replace("\N{NO-BREAK SPACE}", " ")
    assert said == (
        "Of a log loss of 0.378 nats, recalibration alone would remove nothing clear "
        "(0.019 ± 0.010, less than 2 standard errors) and leave 0.238; always "
        "predicting the class frequencies would cost 2.303."
    )


SOFT = {"cross_entropy": 0.774, "irreducible": 0.154}


def test_soft_targets_have_three_parts(soft):
    result = changed(soft, **SOFT, grouping_loss=0.285, miscalibration=0.334)
    assert headline(result, 3, votes=True) == (
        "Of a log loss of 0.774 nats, 0.154 are the annotators' own disagreement, "
        "which no model removes; 0.285 lie in samples that the model cannot tell "
        "apart; recalibration alone would remove 0.334."
    )
    assert "0.154 are the targets' own entropy," in headline(result, 3, votes=False)


def test_unclear_parts_of_soft_targets_are_said(soft):
    result = changed(soft, **SOFT, grouping_loss=0.015, miscalibration=-0.3)
    said = headline(result, 3, votes=True).replace("\N{NO-BREAK SPACE}", " ")
    assert "; nothing clear lies in samples that the model cannot tell apart " in said
    assert "(0.015 ± 0.010, less than 2 standard errors); recalibration alone" in said
    assert "would remove nothing clear (\N{MINUS SIGN}0.300 ± 0.010," in said


def test_the_unit_is_said():
    result = decompose([0, 1] * 200, [0.2, 0.7] * 200, base=2)
    assert headline(result, 3, votes=False).startswith("Of a log loss of 0.418 bits, ")


def test_one_class_only_is_said():
    result = decompose(["a"] * 300, np.full((300, 2), 0.5), labels=["a", "b"])
    assert headline(result, 3, votes=False) == (
        "How much of a log loss of 0.693 nats recalibration would remove is not known."
    )
    (said,) = remarks(result, 3)
    assert said == (
        "Resolution, miscalibration, refinement and skill are undefined: y_true holds "
        "one class only."
    )


def test_too_few_rows_are_said():
    q = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]])
    with pytest.warns(SmallSampleWarning):
        result = decompose([0, 1, 0] * 3, np.tile(q, (3, 1)))
    (said,) = remarks(result, 3)
    assert said == (
        "Resolution, miscalibration and refinement are not known: 9 independent rows, "
        "too few for terms of the map, which require 10."
    )


def test_an_infinite_cost_is_said():
    q = np.array([[0.9, 0.1], [0.3, 0.7]] * 199 + [[0.0, 1.0], [0.2, 0.8]])
    result = decompose([0, 1] * 200, q, clip=0)
    assert headline(result, 3, votes=False).startswith(
        "The predictions cost infinitely much; 0."
    )
    (said,) = remarks(result, 3)
    assert said.startswith("Cross-entropy, KL divergence, miscalibration, skill and ")
    assert said.endswith("a probability of 0 for the target in 1 row.")


def test_an_unknown_cost_is_said(hard):
    result = changed(hard, cross_entropy=math.nan, refinement=math.nan)
    assert headline(result, 3, votes=False) == "What the predictions cost is not known."


def test_predictions_worse_than_the_frequencies_are_named(hard):
    result = changed(hard, skill=-0.5, uncertainty=0.693)
    (said,) = remarks(result, 3)
    assert said == (
        "The predictions cost more than always predicting the class frequencies, which "
        "costs 0.693 nats."
    )


def test_predictions_that_tell_nothing_clear_are_named(hard):
    (said,) = remarks(changed(hard, resolution=0.01), 3)
    assert said.startswith("The predictions tell nothing clear about the label")


def test_a_term_of_unknown_standard_error_is_not_clear(hard):
    errors = {"miscalibration": math.nan}
    result = changed(hard, **HARD, miscalibration=0.14, errors=errors)
    said = headline(result, 3, votes=False)
    assert "nothing clear (0.140, of unknown standard error)" in said


def test_a_fit_that_did_not_converge_is_said(hard):
    result = changed(hard, notes={"refinement": "the spline map did not converge"})
    assert remarks(result, 3) == (
        "Refinement is to be doubted: the spline map did not converge.",
    )


def test_folds_are_said():
    folds = np.arange(400) // 2 % 2
    evaluation = Evaluation.from_predictions(
        [0, 1] * 200, [0.2, 0.7] * 200, folds=folds
    )
    result = evaluation.decomposition
    assert remarks(result, 3) == (
        "Terms are averages over 2 folds, each with a recalibration map of its own.",
    )
