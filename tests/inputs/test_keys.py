"""Values of groups: integers that lie close together are not searched."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xent_metrics import decompose

WHOLE = ["int8", "uint8", "int16", "uint32", "int64", "uint64"]
N = 200
PROBA = np.linspace(0.3, 0.8, N)
COSTS = -np.log(np.where(np.arange(N) % 2, PROBA, 1 - PROBA))
RESULT = decompose(np.arange(N) % 2, PROBA, recalibration="none")


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=10)
@given(data=st.data())
def test_integers_are_grouped_as_pandas_groups_them(kind, data):
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    near = data.draw(st.integers(low, high))
    values = data.draw(
        st.lists(st.integers(max(near - 60, low), min(near + 60, high)), min_size=1)
    )
    column = np.resize(np.array(values, dtype=kind), N)
    found = RESULT.by(column)
    expected = pd.Series(COSTS).groupby(column)
    pd.testing.assert_index_equal(found.index, expected.size().index)
    assert found["n"].tolist() == expected.size().tolist()
    means = expected.mean().to_numpy()
    np.testing.assert_allclose(found["cross_entropy"], means, rtol=1e-12)


def test_integers_far_apart_are_searched():
    column = np.resize(np.array([2**62, -(2**62), 7]), N)
    found = RESULT.by(pd.Series(column, name="shop"))
    assert found.index.tolist() == [-(2**62), 7, 2**62]
    assert found.index.name == "shop"
    expected = [COSTS[place::3].mean() for place in (1, 2, 0)]
    np.testing.assert_allclose(found["cross_entropy"], expected, rtol=1e-12)
