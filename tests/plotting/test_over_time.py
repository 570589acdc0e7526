"""The plot over time: terms, the loss that is expected, lines and alerts."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, plotting


def drawn(n, seed, slopes=(1.0,)):
    rng = np.random.default_rng(seed)
    logit = rng.normal(0.0, 2.0, n)
    slope = np.repeat(slopes, n // len(slopes))
    y = (rng.random(n) < 1 / (1 + np.exp(-slope * logit))).astype(float)
    when = pd.date_range("2026-01-05", periods=n, freq="30min")
    return pd.DataFrame({"when": when, "p": 1 / (1 + np.exp(-logit)), "y": y})


@pytest.fixture(scope="module")
def weeks():
    frame = drawn(336 * 4, 1, slopes=(1.0, 1.0, 0.3, 1.0))
    frame.loc[336 * 3 :, "y"] = np.nan
    reference = Evaluation.from_frame(drawn(3000, 0), target="y", proba="p")
    return frame.xent("y", "p").over_time("when", freq="W", reference=reference)


def test_alerts_and_both_losses_are_drawn(weeks):
    ax = weeks.plot()
    (alert,) = [one for one in ax.lines if one.get_linestyle() == "--"]
    assert alert.get_xdata()[0] == weeks.alerts.index[0] == pd.Timestamp("2026-01-25")
    (observed,) = [one for one in ax.lines if one.get_marker() == "o"]
    np.testing.assert_array_equal(observed.get_ydata(), weeks.table["cross_entropy"])
    (expected,) = [one for one in ax.lines if one.get_label() == "expected"]
    np.testing.assert_array_equal(expected.get_ydata(), weeks.table["expected_loss"])
    (line,) = [one for one in ax.lines if one.get_label() == "reference"]
    assert line.get_ydata()[0] == weeks.lines["cross_entropy"]
    title = ax.get_title(loc="left")
    assert title == "1 alert in 4 periods, the first in 2026-01-25"
    plt.close("all")


def test_other_terms_have_no_expectation(weeks):
    ax = plotting.over_time(weeks, "resolution")
    assert {one.get_label() for one in ax.lines}.isdisjoint({"expected", "alert"})
    assert ax.get_ylabel() == "resolution (nats)"
    plt.close("all")


def test_a_term_that_the_table_has_not_is_refused(weeks):
    with pytest.raises(
        ValueError, match="term must be one of the table, .*'grouping_l"
    ):
        weeks.plot("grouping_loss")


def test_without_a_reference_the_line_is_that_of_all_rows():
    result = drawn(1000, 2).xent("y", "p").over_time("when")
    ax = result.plot()
    assert "all rows" in {one.get_label() for one in ax.lines}
    assert ax.get_title(loc="left") == "Cross-entropy of 3 periods"
    plt.close("all")
