import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xent_metrics import Evaluation, UnseenLabelWarning, cross_entropy, vote_counts

# No text is known whose hash equals another's: only a false hash shows the search.
from xent_metrics._inputs import text_labels
from xent_metrics.scorers import neg_cross_entropy

RNG = np.random.default_rng(0)
CODES = RNG.integers(4, size=20_000)
MANY = 1100  # texts, which are hashed; fewer are looked at one by one


def codes_of(y, labels):
    """The place of each label among the labels, told by what it costs; -1 for none."""
    weights = np.arange(1.0, len(labels) + 1)
    q = np.tile(weights / weights.sum(), (len(y), 1))
    costs = cross_entropy(y, q, labels=labels, reduction=None)
    places = np.rint(np.exp(-costs) * weights.sum()).astype(int) - 1
    np.testing.assert_allclose(costs[places >= 0], -np.log(q[0, places[places >= 0]]))
    return places


def known(codes, k):
    return np.where(codes < k, codes, -1)


@pytest.mark.parametrize(
    "labels",
    [
        (0, 1, 2, 3),
        (3, 1, 0, 2),
        (10, 20, 30, -5),
        (0, 10**12, 5, -(10**15)),
        ("a", "bb", "ccc", "dddddddddd"),
        (b"a", b"bb", b"c", b"d"),
        (0.0, 5.0, 2.0, -1.0),
        ("a", 1, 2.5, "b"),
    ],
    ids=str,
)
def test_codes_are_places_among_the_labels(labels):
    mixed = len({type(label) for label in labels}) > 1
    column = np.array(labels, dtype=object if mixed else None)[CODES]
    np.testing.assert_array_equal(codes_of(column, labels), CODES)
    reverse = labels[::-1]
    np.testing.assert_array_equal(codes_of(column, reverse), 3 - CODES)
    with pytest.warns(UnseenLabelWarning, match=re.escape(f"({labels[3]!r} among ")):
        some = codes_of(column, labels[:3])
    np.testing.assert_array_equal(some, known(CODES, 3))


@pytest.mark.parametrize(
    "dtype", ["category", "string", "str", "string[python]", object]
)
def test_text_of_pandas_is_found_among_the_labels(dtype):
    labels = ("x", "yy", "z", "w")
    series = pd.Series(np.array(labels)[CODES]).astype(dtype)
    np.testing.assert_array_equal(codes_of(series, labels), CODES)
    with pytest.warns(UnseenLabelWarning, match=r"\('w' among "):
        some = codes_of(series, labels[:3])
    np.testing.assert_array_equal(some, known(CODES, 3))


@pytest.mark.parametrize(
    "dtype", ["Int64", "UInt8", "int16", "Float64", "int64[pyarrow]"]
)
def test_numbers_of_pandas_are_found_among_the_labels(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    series = pd.Series(CODES * 2).astype(dtype)
    np.testing.assert_array_equal(codes_of(series, (0, 2, 4, 6)), CODES)


@pytest.mark.parametrize("dtype", [bool, "boolean", object])
def test_booleans_are_found_among_the_labels(dtype):
    series = pd.Series(CODES > 1).astype(dtype)
    expected = (CODES > 1).astype(int)
    np.testing.assert_array_equal(codes_of(series, (False, True)), expected)
    np.testing.assert_array_equal(codes_of(series, (True, False)), 1 - expected)


@given(st.lists(st.text(max_size=6), min_size=1, max_size=40))
def test_text_of_any_width_is_found_among_the_labels(words):
    column = np.array(words)
    labels = list(dict.fromkeys(column.tolist()))
    expected = [labels.index(word) for word in column.tolist()]
    more = ["no such word", *labels]
    assert codes_of(column, more).tolist() == [1 + code for code in expected]
    assert text_labels.distinct_text(column) == labels
    copies = 1 + MANY // len(column)
    found = text_labels.encode_text(np.tile(column, copies), more)
    assert found.tolist() == [1 + code for code in expected] * copies
    assert text_labels.distinct_text(np.tile(column, copies)) == labels


def test_text_is_found_among_many_labels():
    labels = [f"label {i}" for i in range(5000)]
    codes = RNG.integers(5000, size=20_000)
    column = np.array([*labels, "another"])[codes]
    np.testing.assert_array_equal(text_labels.encode_text(column, labels), codes)
    assert text_labels.encode_text(np.array(["another"]), labels).tolist() == [-1]


def test_equal_hashes_do_not_confuse(monkeypatch):
    def constant(words, multipliers):
        return np.zeros(len(words), dtype=np.uint64)

    monkeypatch.setattr(text_labels, "hash_words", constant)
    column = np.array(["a", "b", "c", "a"] * MANY)
    found = text_labels.encode_text(column, ["c", "a"])
    assert found.tolist() == [1, -1, 0, 1] * MANY
    assert text_labels.distinct_text(column) == ["a", "b", "c"]


def test_labels_longer_than_the_text_match_nothing():
    with pytest.warns(UnseenLabelWarning, match=r"\('ab' among "):
        found = codes_of(np.array(["ab", "cd"]), ["abc", "cd", 7])
    assert found.tolist() == [-1, 1]


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (np.array([3, 2, 4, 2]), (2, 3, 4)),
        (np.array([9, -5, 2]), (-5, 2, 9)),
        (np.array(["b", "a"]), ("a", "b")),
        (
            pd.Series(["b", "b"], dtype=pd.CategoricalDtype(["b", "a", "c"])),
            ("a", "b", "c"),
        ),
    ],
    ids=["integers", "signed", "text", "categories"],
)
def test_labels_are_those_that_occur_or_are_declared(y, labels):
    q = np.full((len(y), len(labels)), 1 / len(labels))
    assert Evaluation.from_predictions(y, q).labels == labels


@pytest.mark.parametrize("n", [4, 40_000])
@pytest.mark.parametrize(
    "labels", [(0, 1, 2), (-1, 0, 1), (5, 6, 7), (0, 1, 3), (10**12, 10**12 + 1, 2**62)]
)
def test_whole_numbers_are_classes_in_ascending_order(n, labels):
    codes = np.resize([1, 0, 2, 2], n)
    q = np.tile([0.5, 0.3, 0.2], (n, 1))
    costs = cross_entropy(np.array(labels)[codes], q, reduction=None)
    np.testing.assert_allclose(costs, -np.log(q[0, codes]))


def test_fewer_labels_than_columns_are_an_error():
    with pytest.raises(ValueError, match="2 distinct labels for 3 columns"):
        cross_entropy([0, 2], np.full((2, 3), 1 / 3))


class TestVotes:
    def test_votes_are_counted_for_each_row_and_class(self):
        annotations = pd.DataFrame(
            {"ann": ["a", "b", None], "bo": ["a", None, None], "cy": ["c", "b", None]},
            index=["x", "y", "z"],
        )
        counts = vote_counts(annotations)
        assert counts.to_numpy().tolist() == [[2, 0, 1], [0, 2, 0], [0, 0, 0]]
        assert counts.columns.tolist() == ["a", "b", "c"]
        assert counts.index.tolist() == ["x", "y", "z"]
        given = vote_counts(annotations, labels=["c", "b", "a"])
        pd.testing.assert_frame_equal(given, counts[["c", "b", "a"]])

    def test_whole_numbers_with_missing_ones_are_counted(self):
        counts = vote_counts(np.array([[1.0, np.nan, 2.0], [2.0, 2.0, np.nan]]))
        assert counts.columns.tolist() == [1, 2]
        assert counts.to_numpy().tolist() == [[1, 1], [0, 2]]

    def test_an_annotation_that_is_no_label_is_refused(self):
        with pytest.raises(
            ValueError, match="row 1, annotator 0 has 'z', the labels are"
        ):
            vote_counts([["a", "b"], ["z", "a"]], labels=["a", "b"])

    def test_annotations_may_be_of_other_libraries(self):
        polars = pytest.importorskip("polars")
        frame = polars.DataFrame({"p": ["a", None], "q": ["b", "b"]})
        assert vote_counts(frame).to_numpy().tolist() == [[1, 1], [0, 1]]


class TestColumnsNamedAfterClasses:
    Q = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    RIGHT = cross_entropy(list("abc"), Q)

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    @pytest.mark.parametrize("form", ["{}", "p_{}", "{} %"])
    def test_estimators_may_return_them_in_any_order(self, library, form):
        names = [form.format(name) for name in "cba"]
        make = pytest.importorskip(library).DataFrame
        table = make(dict(zip(names, self.Q[:, ::-1].T, strict=True)))

        class Classifier:
            classes_ = np.array(list("abc"))

            def predict_proba(self, _):
                return table

        found = -neg_cross_entropy(Classifier(), self.Q, np.array(list("abc")))
        assert found == pytest.approx(self.RIGHT, rel=1e-12)

    def test_labels_beside_them_must_be_in_their_order(self):
        table = pd.DataFrame(self.Q[:, ::-1], columns=["p_c", "p_b", "p_a"])
        with pytest.raises(ValueError, match="column 0 is 'p_c', its label 'a'; reord"):
            cross_entropy(list("abc"), table, labels=list("abc"))
        found = cross_entropy(list("abc"), table, labels=list("cba"))
        assert found == pytest.approx(self.RIGHT, rel=1e-12)
