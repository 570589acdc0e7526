import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xent_metrics import vote_counts
from xent_metrics._inputs import text_labels
from xent_metrics._inputs.labels import as_column, encode, infer_and_encode

RNG = np.random.default_rng(0)
CODES = RNG.integers(4, size=20_000)


@pytest.mark.parametrize(
    "labels",
    [
        (0, 1, 2, 3),
        (3, 1, 0, 2),
        (10, 20, 30, -5),
        (0, 10**12, 5, -(10**15)),
        ("a", "bb", "ccc", "dddddddddd"),
        (b"a", b"bb", b"c", b"d"),
        (0.5, 1.5, 2.0, -1.0),
        ("a", 1, 2.5, "b"),
    ],
    ids=str,
)
def test_codes_are_places_among_the_labels(labels):
    mixed = len({type(label) for label in labels}) > 1
    column = np.array(labels, dtype=object if mixed else None)[CODES]
    np.testing.assert_array_equal(encode(column, labels).codes, CODES)
    reverse = labels[::-1]
    np.testing.assert_array_equal(encode(column, reverse).codes, 3 - CODES)
    some = encode(column, labels[:3])
    assert some.unseen == (labels[3],)
    np.testing.assert_array_equal(some.codes, CODES)


@pytest.mark.parametrize(
    "dtype", ["category", "string", "str", "string[python]", object]
)
def test_text_of_pandas(dtype):
    labels = ("x", "yy", "z", "w")
    series = pd.Series(np.array(labels)[CODES]).astype(dtype)
    np.testing.assert_array_equal(encode(as_column(series), labels).codes, CODES)
    assert encode(as_column(series), labels[:3]).unseen == ("w",)


@pytest.mark.parametrize(
    "dtype", ["Int64", "UInt8", "int16", "Float64", "int64[pyarrow]"]
)
def test_numbers_of_pandas(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    series = pd.Series(CODES * 2).astype(dtype)
    np.testing.assert_array_equal(encode(as_column(series), (0, 2, 4, 6)).codes, CODES)


@pytest.mark.parametrize("dtype", [bool, "boolean", object])
def test_booleans(dtype):
    series = pd.Series(CODES > 1).astype(dtype)
    expected = (CODES > 1).astype(int)
    np.testing.assert_array_equal(
        encode(as_column(series), (False, True)).codes, expected
    )
    np.testing.assert_array_equal(
        encode(as_column(series), (True, False)).codes, 1 - expected
    )


@given(st.lists(st.text(max_size=6), min_size=1, max_size=40))
def test_text_of_any_width(words):
    column = np.array(words)
    labels = list(dict.fromkeys(column.tolist()))
    expected = [labels.index(word) for word in column.tolist()]
    assert text_labels.encode_text(column, labels).tolist() == expected
    assert text_labels.distinct_text(column) == labels
    assert text_labels.encode_text(column, ["no such word", *labels])[0] == 1


def test_text_of_many_labels():
    labels = [f"label {i}" for i in range(5000)]
    codes = RNG.integers(5000, size=20_000)
    column = np.array([*labels, "another"])[codes]
    np.testing.assert_array_equal(text_labels.encode_text(column, labels), codes)
    assert text_labels.encode_text(np.array(["another"]), labels).tolist() == [-1]


def test_equal_hashes_do_not_confuse(monkeypatch):
    def constant(words, multipliers):
        return np.zeros(len(words), dtype=np.uint64)

    monkeypatch.setattr(text_labels, "hash_words", constant)
    column = np.array(["a", "b", "c", "a"])
    assert text_labels.encode_text(column, ["c", "a"]).tolist() == [1, -1, 0, 1]
    assert text_labels.distinct_text(column) == ["a", "b", "c"]


def test_labels_longer_than_the_text_match_nothing():
    assert text_labels.encode_text(
        np.array(["ab", "cd"]), ["abc", "cd", 7]
    ).tolist() == [
        -1,
        1,
    ]


def test_inference():
    assert infer_and_encode(np.array([3, 2, 4, 2]), 3)[0] == (2, 3, 4)
    assert infer_and_encode(np.array([9, -5, 2]), 3)[0] == (-5, 2, 9)
    assert infer_and_encode(np.array(["b", "a"]), 2)[0] == ("a", "b")
    declared = pd.Series(["b", "b"], dtype=pd.CategoricalDtype(["b", "a", "c"]))
    assert infer_and_encode(declared, 3)[0] == ("a", "b", "c")
    with pytest.raises(ValueError, match="2 distinct labels for 3 columns"):
        infer_and_encode(np.array([0, 2]), 3)


class TestVotes:
    def test_counts(self):
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

    def test_whole_numbers_with_missing_ones(self):
        counts = vote_counts(np.array([[1.0, np.nan, 2.0], [2.0, 2.0, np.nan]]))
        assert counts.columns.tolist() == [1, 2]
        assert counts.to_numpy().tolist() == [[1, 1], [0, 2]]

    def test_an_annotation_that_is_no_label(self):
        with pytest.raises(
            ValueError, match="row 1, annotator 0 has 'z', the labels are"
        ):
            vote_counts([["a", "b"], ["z", "a"]], labels=["a", "b"])

    def test_other_libraries(self):
        polars = pytest.importorskip("polars")
        frame = polars.DataFrame({"p": ["a", None], "q": ["b", "b"]})
        assert vote_counts(frame).to_numpy().tolist() == [[1, 1], [0, 1]]
