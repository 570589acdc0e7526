"""Each rule that arguments must keep, with the sentence said when one does not."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    UnseenLabelWarning,
    cross_entropy,
    decompose,
    entropy,
    kl_from_samples,
    perplexity,
    surprisal,
    vote_counts,
)

GOOD = [[0.5, 0.5], [0.2, 0.8]]


@pytest.mark.parametrize(
    ("y_true", "y_proba", "message"),
    [
        (
            [0, 1],
            [[0.5, 0.5], [0.2, 0.73]],
            r"rows that sum to 1: row 1 sums to 0\.93; pass rescale=True to divide",
        ),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.8]], "not be missing: row 1, class 0 is NaN"),
        ([0, 1], [[0.5, 0.5], [-0.2, 1.2]], r"in \[0, 1\]: row 1, class 0 is -0\.2"),
        ([0, 1], [[0.5, 0.5], [0.0, 1.2]], r"in \[0, 1\]: row 1, class 1 is 1\.2"),
        ([0, 1], [[0.5, 0.5], [0.0, math.inf]], r"in \[0, 1\]: row 1, class 1 is inf"),
        ([0, 1], [0.3, 1.2], r"in \[0, 1\]: row 1 is 1\.2; pass prob"),
        ([0, 1], np.ones((2, 2, 2)), r"its shape is \(2, 2, 2\)"),
        ([0, 1], np.empty((0, 2)), "must not be empty: it has 0 rows"),
        ([0, 1], [["x", "y"], ["z", "w"]], "must hold numbers: its type is <U1"),
        ([0, 1, 0], GOOD, "as many rows: found 3 and 2"),
        ([0, 1], [[1.0], [0.3]], "single column for 2 labels; for two classes pass"),
        ([0, 1, 2], [*GOOD, [0.5, 0.5]], "3 distinct labels for 2 columns"),
        ([0, 0], GOOD, "1 distinct labels for 2 columns of y_proba; pass labels="),
        (["a", 1], GOOD, "labels must be given where the classes cannot be sorted"),
        (["a", None], GOOD, "y_true must not be missing: row 1 has no label"),
        ([0.2, 0.8], [0.2, 0.8], r"class labels: row 0 is 0\.2; for one distribution"),
        (
            [[0.5, 0.4], [0, 1]],
            GOOD,
            r"y_true must have rows that sum to 1: row 0 sums to 0\.9",
        ),
        (
            [[0.5, 0.5, 0], [0, 1, 0]],
            GOOD,
            "one column per class: 3 for 2 classes; pass the columns",
        ),
        ([[1, 1], [0, 1]], GOOD, "0 and 1 must say what it means .* row 0 sums to 2"),
        ([[3, 1], [0, 0]], GOOD, "y_true must have rows with a vote: row 1"),
        ([[3, 1], [5, -1]], GOOD, "finite and not negative: row 1, class 1 is -1"),
        (
            [[2.0, 1], [0, 1]],
            GOOD,
            r"y_true must lie in \[0, 1\]: .* target_type='votes'",
        ),
        (
            [0, 1],
            pd.DataFrame(GOOD, columns=["a", "a"]),
            "distinct columns: 'a'",
        ),
        ([0, 1], np.ma.array(GOOD, mask=[[0, 0], [1, 0]]), "row 1, class 0 is NaN"),
        ([[0], [1]], GOOD, r"1 for 2 classes; pass labels in one dimension"),
        ([0, 1], [[0.5, 0.5], [1.0]], "y_proba must have rows of one length"),
        (np.ones((2, 2, 1)), GOOD, r"one column per class for target_type='auto'"),
    ],
)
def test_an_error_is_the_rule_the_finding_and_the_place(y_true, y_proba, message):
    with pytest.raises(ValueError, match=message):
        cross_entropy(y_true, y_proba)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": [0]}, "1 labels for 2 columns"),
        ({"labels": [0, 0]}, "labels must be distinct: 0 occurs twice"),
        (
            {"sample_weight": [1.0]},
            r"one weight per row: its shape is \(1,\) for 2 rows",
        ),
        ({"sample_weight": [1.0, -1.0]}, "not negative: row 1 is -1"),
        ({"sample_weight": [1.0, math.nan]}, "finite and not negative: row 1 is nan"),
        ({"sample_weight": "w"}, "sample_weight must hold numbers: found str"),
        ({"sample_weight": [1e308, 1e308]}, "must have a finite sum: its largest"),
        ({"sample_weight": [0, 0]}, "must not be all 0: all 2 weights are 0"),
        ({"clip": -1}, r"clip must be in \[0, 1\): found -1"),
        ({"clip": "eps"}, r"clip must be in \[0, 1\): found 'eps'"),
        ({"base": "bits"}, "base must be finite and above 1: found 'bits'"),
        ({"base": 1}, "base must be finite and above 1: found 1"),
        ({"base": 0.5}, "base must be finite and above 1: found 0.5"),
        ({"reduction": "median"}, "reduction must be 'mean', 'sum' or None"),
        (
            {"target_type": "soft"},
            "target_type must be 'auto', 'labels', .* found 'soft'",
        ),
        ({"target_type": "votes"}, "one column per class for target_type='votes'"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        cross_entropy([0, 1], GOOD, **options)


def test_labels_must_not_be_one_text():
    with pytest.raises(
        TypeError, match="one class per column, in column order: found 'ab'"
    ):
        cross_entropy([0, 1], GOOD, labels="ab")


def test_labels_must_be_one_dimensional():
    with pytest.raises(ValueError, match="one label per row for target_type='labels'"):
        cross_entropy([[0, 1], [1, 0]], GOOD, target_type="labels")


def test_entropy_does_not_guess_what_one_dimension_means():
    with pytest.raises(ValueError, match=r"pass \[p\] for one distribution"):
        entropy([0.7, 0.2, 0.1])


def test_entropy_names_its_argument():
    with pytest.raises(ValueError, match="^proba must lie in .* row 0, class 0 is 3"):
        entropy([[3.0, 1.0]])


def test_a_surprisal_is_of_a_probability():
    with pytest.raises(ValueError, match=r"the value at \(1,\) is 2; pass prob"):
        surprisal([0.5, 2])
    with pytest.raises(ValueError, match="the value is nan"):
        surprisal(math.nan)
    assert surprisal(0.0) == math.inf


def test_perplexity_does_not_add_up():
    with pytest.raises(
        ValueError, match="reduction must be 'mean' or None: found 'sum'"
    ):
        perplexity([0, 1], GOOD, reduction="sum")


def test_the_map_must_be_known():
    with pytest.raises(
        ValueError, match="recalibration must be one of 'auto', 'temperature'"
    ):
        decompose([0, 1], GOOD, recalibration="magic")


def test_labels_that_are_all_unseen_are_refused():
    q = pd.DataFrame(GOOD, columns=["p", "q"])
    message = "it holds 0, 1, columns of y_proba are 'p', 'q'; pass labels="
    with pytest.raises(ValueError, match=message):
        cross_entropy([0, 1], q)
    with pytest.raises(ValueError, match="it holds 'a', 'b', the classes are 0, 1;"):
        cross_entropy(["a", "b"], GOOD, labels=[0, 1])


def test_columns_are_named_after_labels_as_text_too():
    q = pd.DataFrame(GOOD, columns=["1", "0"])
    assert cross_entropy([0, 1], q) == cross_entropy([1, 0], GOOD)
    q.columns = [1, 0]
    assert cross_entropy(["0", "1"], q) == cross_entropy([1, 0], GOOD)


def test_unseen_labels_are_said():
    message = "1 of 2 rows have a label that is not among the classes \\('z' among"
    with pytest.warns(UnseenLabelWarning, match=message):
        cross_entropy(["a", "z"], GOOD, labels=["a", "b"])


@pytest.mark.parametrize(
    ("label", "labels", "said"),
    [
        ("Catt", ["cat", "dog"], "counts as 0; did you mean 'cat' by 'Catt'\\?$"),
        (" dog ", ["cat", "dog"], "; did you mean 'dog' by ' dog '\\?$"),
        ("eel", ["cat", "dog"], "counts as 0\\.$"),
        ("100", ["10", "20"], "counts as 0\\.$"),
    ],
)
def test_a_misspelt_label_is_told_from_an_unknown_one(label, labels, said):
    with pytest.warns(UnseenLabelWarning, match=said):
        cross_entropy([label, labels[0]], GOOD, labels=labels)


def test_target_columns_must_be_the_classes():
    q = pd.DataFrame(GOOD, columns=["a", "b"])
    p = pd.DataFrame(GOOD, columns=["a", "c"])
    with pytest.raises(ValueError, match="found 'a', 'c' for 'a', 'b'; rename"):
        cross_entropy(p, q)


def test_indexes_in_different_order_are_refused():
    y = pd.Series([0, 1], index=["r", "s"])
    q = pd.DataFrame(GOOD, index=["s", "r"])
    with pytest.raises(ValueError, match="same keys in different order"):
        cross_entropy(y, q)


def test_a_row_of_weight_zero_may_hold_anything():
    q = np.array([[0.5, 0.5], [np.nan, 7.0], [0.2, 0.8], [0.1, 0.1]])
    w = [1.0, 0.0, 2.0, 0.0]
    expected = cross_entropy([0, 1], [q[0], q[2]], sample_weight=[1, 2])
    assert cross_entropy(["0", None, "1", "0"], q, sample_weight=w) == expected
    each = cross_entropy([0, 0, 1, 0], q, sample_weight=w, reduction=None)
    assert np.isnan(each).tolist() == [False, True, False, True]
    p = np.array([[0.5, 0.5], [0.5, 0.5], [0.3, 0.7], [9, 9]])
    expected = cross_entropy(p[[0, 2]], q[[0, 2]], sample_weight=[1, 2])
    assert cross_entropy(p, q, sample_weight=w) == expected


def test_a_bad_row_beside_one_of_weight_zero_is_still_named():
    q = [[0.5, 0.5], [np.nan, 7.0], [0.2, 0.9]]
    with pytest.raises(ValueError, match="row 2 sums to 1.1"):
        cross_entropy([0, 1, 1], q, sample_weight=[1, 0, 1])


@pytest.mark.parametrize("n_classes", [3, 100])
def test_the_first_bad_row_of_many_blocks_is_named(n_classes):
    q = np.full((40_000, n_classes), 1 / n_classes)
    q[30_000, 1] += 0.5
    q[35_000, 2] = -1
    with pytest.raises(ValueError, match="row 30000 sums to 1.5"):
        cross_entropy(np.zeros(40_000, int), q, labels=range(n_classes))


def test_rescale_divides_by_the_sum():
    q = np.array(GOOD)
    scaled = cross_entropy([0, 1], q * [[2.0], [0.5]], rescale=True)
    assert scaled == pytest.approx(cross_entropy([0, 1], q), rel=1e-15)
    with pytest.raises(
        ValueError, match="y_proba must have rows with a positive sum: row 1"
    ):
        cross_entropy([0, 1], [[1, 2], [0, 0]], rescale=True)


@pytest.mark.parametrize(
    ("call", "error", "rule"),
    [
        (lambda: cross_entropy([0, 1], GOOD, labels=2), TypeError, "labels must be"),
        (lambda: cross_entropy([0, 1], GOOD, labels={0, 1}), TypeError, "found {0, 1}"),
        (
            lambda: cross_entropy([0, 1], GOOD, labels=[[0], [1]]),
            TypeError,
            "labels must hold one class per column: found [0] among them",
        ),
        (lambda: vote_counts(None), ValueError, "one column per annotator: found None"),
        (lambda: vote_counts([[], []]), ValueError, "found 2 rows and 0 columns"),
        (lambda: surprisal("half"), ValueError, "p must hold numbers: found str"),
        (lambda: kl_from_samples(["a"], [0.0]), ValueError, "log_p must hold numbers"),
    ],
)
def test_arguments_of_another_kind_are_refused(call, error, rule):
    with pytest.raises(error, match=re.escape(rule)):
        call()
