"""Windows of states: the rows of so many periods."""

import numpy as np
import pytest

from xent_metrics import ScanState, accumulate, finish, merge, rolling

from ..thinned import thinned
from .conftest import drawn

ROWS = drawn(2000, 3)
DAYS = {
    f"day {k}": accumulate(rows, target="y", proba="p_", by="site")
    for k, rows in enumerate(np.array_split(np.arange(2000), 10))
    for rows in [ROWS.iloc[rows]]
}


@pytest.mark.parametrize("window", thinned([1, 2, 3, 4, 9, 10], [1, 4, 10]))
def test_a_window_has_the_terms_of_its_rows(window):
    found = rolling(DAYS, window=window)
    assert list(found) == list(DAYS)[window - 1 :]
    for k, state in enumerate(found.values(), start=window):
        whole = merge(list(DAYS.values())[k - window : k])
        assert (state.n, state.counts) == (whole.n, whole.counts)
        np.testing.assert_allclose(state.whole.mean, whole.whole.mean, rtol=1e-12)
    ours, theirs = (finish(one, recalibration="temperature") for one in (state, whole))
    terms, others = list(ours.terms.values()), list(theirs.terms.values())
    np.testing.assert_allclose(terms, others, rtol=1e-8)
    costs, others = (one.by_group["cross_entropy"] for one in (ours, theirs))
    np.testing.assert_allclose(costs, others)


def test_states_in_a_row_are_windows_in_a_list():
    found = rolling(iter(DAYS.values()), window=4)
    assert [type(one) for one in found] == [ScanState] * 7
    assert [one.n for one in found] == [800] * 7


def test_what_makes_no_window_is_refused():
    states = list(DAYS.values())
    for window in (0, 2.0, True, "7D"):
        with pytest.raises(ValueError, match="window must be a whole number from 1"):
            rolling(states, window=window)
    with pytest.raises(ValueError, match="as many as a window holds: found fewer th"):
        rolling(states, window=11)
    with pytest.raises(TypeError, match="states must be those that accumulate returns"):
        rolling([*states, "no state"], window=2)
    with pytest.raises(TypeError, match="states must be an iterable of states"):
        rolling(3, window=2)
    other = accumulate(ROWS, target="y", proba="p_", clip=0.01)
    with pytest.raises(ValueError, match="states that are merged must have the same"):
        rolling([*states, other], window=2)
