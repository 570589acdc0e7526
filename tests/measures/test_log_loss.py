"""What users of scikit-learn's log_loss rely on holds for cross_entropy.

Two differences are meant: labels keep the order in which they are given, and the clip
does not depend on the type of float.
"""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from xent_metrics import cross_entropy

WORDS = ["no", "no", "no", "yes", "yes", "yes"]
BINARY = np.array(
    [[0.5, 0.5], [0.1, 0.9], [0.01, 0.99], [0.9, 0.1], [0.75, 0.25], [0.001, 0.999]]
)
THREE = np.array([[0.2, 0.7, 0.1], [0.6, 0.2, 0.2], [0.6, 0.1, 0.3]])


def same(y_true, y_proba, *, reduction="mean", **options):
    theirs = log_loss(y_true, y_proba, normalize=reduction == "mean", **options)
    ours = cross_entropy(y_true, y_proba, reduction=reduction, **options)
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-15)
    return ours


def test_labels_may_be_two_words():
    assert same(WORDS, BINARY) == pytest.approx(1.8817971, abs=1e-7)
    same(WORDS, BINARY[:, 1])


@pytest.mark.parametrize("y_true", [[1, 0, 2], ["b", "a", "c"], [3.0, -1.0, 7.0]])
def test_the_log_loss_of_several_classes_is_scikit_learns(y_true):
    assert same(y_true, THREE) == pytest.approx(0.6904911, abs=1e-7)
    assert same(y_true, THREE, reduction="sum") == pytest.approx(
        3 * 0.6904911, abs=1e-6
    )


def test_zeros_and_ones_are_clipped_as_scikit_learn_does():
    y_true, y_proba = [[0], [0], [1], [1]], [[1.0, 0.0]] * 2 + [[0.0, 1.0]] * 2
    assert same(np.ravel(y_true), y_proba) == pytest.approx(0, abs=1e-15)
    assert same([0, 0, 1, 1], y_proba[::-1]) == pytest.approx(-math.log(2**-52))
    assert cross_entropy([0, 0, 1, 1], y_proba) == 0


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_weights_count_as_in_scikit_learn(scale):
    w = scale * np.arange(1.0, 7.0)
    same(WORDS, BINARY, sample_weight=w)
    once = np.concatenate([BINARY, BINARY[:1]])
    twice = cross_entropy(WORDS, BINARY, sample_weight=[2, 1, 1, 1, 1, 1])
    assert twice == pytest.approx(cross_entropy([*WORDS, "no"], once), rel=1e-14)


def test_labels_that_do_not_all_occur_must_be_given():
    same([1, 2], THREE[:2], labels=[0, 1, 2])
    same(["a", "a"], BINARY[:2], labels=["a", "b"])
    for function in (log_loss, cross_entropy):
        with pytest.raises(ValueError, match="labels"):
            function([1, 2], THREE[:2])


def test_more_labels_than_columns_are_refused():
    for function in (log_loss, cross_entropy):
        with pytest.raises(ValueError, match=r"(?i)labels|classes"):
            function([0, 1, 2], BINARY[:3])


@pytest.mark.parametrize("frame", [pd.DataFrame, lambda x: pd.DataFrame(x).to_numpy()])
@pytest.mark.parametrize("series", [pd.Series, np.array, list])
def test_every_container_gives_the_same_number(frame, series):
    ours = cross_entropy(series(WORDS), frame(BINARY))
    assert ours == pytest.approx(log_loss(WORDS, BINARY), rel=1e-12)


def test_the_order_of_labels_is_honoured():
    swapped = cross_entropy(WORDS, BINARY[:, ::-1], labels=["yes", "no"])
    assert swapped == cross_entropy(WORDS, BINARY)
    # scikit-learn sorts the labels and so reads the columns the other way round
    with warnings.catch_warnings():  # of newer versions, that they do so
        warnings.simplefilter("ignore")
        theirs = log_loss(WORDS, BINARY[:, ::-1], labels=["yes", "no"])
    assert theirs != pytest.approx(swapped)


def test_the_clip_is_that_of_doubles_for_every_type():
    zero = np.array([[1.0, 0.0]])
    costs = [
        cross_entropy([1], zero.astype(t), labels=[0, 1])
        for t in (np.float16, np.float32, np.float64)
    ]
    assert costs == [log_loss([1], zero, labels=[0, 1])] * 3
