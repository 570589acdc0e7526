"""Numbers of groups: integers that lie close together are not searched."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xent_metrics._inputs.groups import read_keys

WHOLE = ["int8", "uint8", "int16", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("kind", WHOLE)
@given(data=st.data())
def test_integers_are_numbered_as_pandas_does(kind, data):
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    near = data.draw(st.integers(low, high))
    values = data.draw(
        st.lists(st.integers(max(near - 60, low), min(near + 60, high)), min_size=1)
    )
    column = np.array(values, dtype=kind)
    found = read_keys(column, len(column))
    codes, groups = pd.factorize(pd.Series(column), sort=True)
    np.testing.assert_array_equal(found.codes, codes)
    assert found.codes.dtype == np.int64
    pd.testing.assert_index_equal(found.groups, pd.Index(groups))


def test_integers_far_apart_are_searched():
    column = np.array([2**62, -(2**62), 7])
    found = read_keys(pd.Series(column, name="shop"), 3)
    assert found.codes.tolist() == [2, 0, 1]
    assert found.groups.tolist() == [-(2**62), 7, 2**62]
    assert found.groups.name == "shop"
