"""Columns of features are read as they are."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest

# No public function returns features as they were read.
from xent_metrics._features.columns import read_features


def only(column):
    (found,) = read_features(pd.DataFrame({"x": column})).columns
    return found


@pytest.mark.parametrize(
    "column",
    [
        [1, 2, None],
        [1.0, 2.0, np.nan],
        pd.array([1, 2, None], dtype="Int64"),
        pd.array([1, 2, None], dtype=object),
        [decimal.Decimal(1), decimal.Decimal(2), None],
        pd.arrays.SparseArray([1.0, 2.0, np.nan]),
    ],
)
def test_numbers_of_any_kind_are_numbers(column):
    found = only(column)
    np.testing.assert_array_equal(found.numbers, [1.0, 2.0, np.nan])
    assert found.categories is None


def test_booleans_are_numbers():
    np.testing.assert_array_equal(only([True, False, None]).numbers, [1, 0, np.nan])


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_text_and_categories_are_numbered_by_how_often_they_occur(dtype):
    found = only(pd.Series(["b", "a", "a", None], dtype=dtype))
    assert found.categories == ("a", "b")
    np.testing.assert_array_equal(found.numbers, [1, 0, 0, np.nan])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_are_seconds_in_any_unit(unit):
    moments = pd.Series(pd.to_datetime(["1970-01-02", None])).astype(
        f"datetime64[{unit}]"
    )
    for column in (moments, moments.dt.tz_localize("UTC")):
        found = only(column)
        np.testing.assert_array_equal(found.numbers, [86400.0, np.nan])
        assert found.time == "date"
    spans = only(moments - pd.Timestamp("1970-01-01"))
    np.testing.assert_array_equal(spans.numbers, [86400.0, np.nan])
    assert spans.time == "duration"


def test_dates_and_periods_are_times():
    np.testing.assert_array_equal(only([dt.date(1970, 1, 2), None]).numbers[:1], 86400)
    found = only(pd.period_range("1970-02", periods=1, freq="M"))
    np.testing.assert_array_equal(found.numbers, 31 * 86400)


def test_the_rarest_of_many_categories_share_a_place():
    names = [f"n{at}" for at in range(500)] + ["often"] * 3
    found = only(names)
    assert len(found.categories) == 200
    assert (found.categories[0], found.categories[-1]) == ("often", "others")
    assert (found.numbers == 199).sum() == 500 - 198


def test_infinite_numbers_lie_at_the_ends():
    found = only([np.inf, 0.0, -np.inf])
    assert np.isfinite(found.numbers).all()
    np.testing.assert_array_equal(np.argsort(found.numbers), [2, 1, 0])


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        (pd.DataFrame({"x": [[1], [2]]}), TypeError, "column 'x' holds values that"),
        (pd.DataFrame({"x": [1j, 2]}), TypeError, "column 'x' holds complex"),
        (pd.DataFrame(index=[1, 2]), ValueError, "it has 2 rows and 0 columns"),
        (np.ones((2, 2, 2)), ValueError, r"its shape is \(2, 2, 2\)"),
        ([[1, 2], [3]], ValueError, "its rows differ in length"),
        (None, TypeError, "X must be an array"),
    ],
)
def test_what_is_no_table_of_features_is_refused(given, error, match):
    with pytest.raises(error, match=match):
        read_features(given)


def test_frames_of_other_libraries_are_read():
    pl = pytest.importorskip("polars")
    found = read_features(pl.DataFrame({"n": [1, None], "t": ["a", "b"]}))
    assert found.names == ("n", "t")
    np.testing.assert_array_equal(found.columns[0].numbers, [1, np.nan])
    assert found.columns[1].categories == ("a", "b")


def test_names_may_repeat():
    found = read_features(pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"]))
    assert found.names == ("x", "x")
