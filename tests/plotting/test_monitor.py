"""The plot of a monitor: what was found, the band, and the alarms."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, Monitor, plotting


@pytest.fixture(scope="module")
def watching():
    rng = np.random.default_rng(0)

    def day(n, slope):
        logit = rng.normal(0, 2, n)
        y = rng.random(n) < 1 / (1 + np.exp(-slope * logit))
        return y.astype(int), 1 / (1 + np.exp(-logit))

    monitor = Monitor(Evaluation.from_predictions(*day(4000, 1.0)), periods=30)
    for t, when in enumerate(pd.date_range("2026-01-01", periods=40)):
        monitor.update(*day(200, 1.0 if t < 10 else 0.4), when=when)
    return monitor


def test_the_alarms_are_where_they_were_raised(watching):
    ax = watching.plot()
    drawn = [line for line in ax.lines if line.get_linestyle() == "--"]
    when = [line.get_xdata()[0] for line in drawn]
    assert when == [alarm.when for alarm in watching.alarms]
    assert [alarm.year for alarm in watching.alarms] == [1, 2]
    since = watching.alarm.since.date()
    assert ax.get_title(loc="left").endswith(f"expected since about {since}")


def test_an_alarm_is_at_its_period_also_where_another_has_its_name():
    rng = np.random.default_rng(0)
    q = rng.uniform(0.05, 0.95, 4000)
    monitor = Monitor(Evaluation.from_predictions(rng.random(4000) < q, q))
    for t, when in enumerate(["am", "pm"] * 3):
        y = rng.random(400) < q[:400] * (1.0 if t < 2 else 0.5)
        monitor.update(y, q[:400], when=when)
    (drawn,) = [one for one in monitor.plot().lines if one.get_linestyle() == "--"]
    assert monitor.alarm.period > 2
    assert drawn.get_xdata()[0] == monitor.alarm.period - 1


def test_the_values_are_those_of_the_table(watching):
    for name in watching.watched:
        ax = watching.plot(name)
        (line,) = [one for one in ax.lines if one.get_marker() == "o"]
        np.testing.assert_array_equal(line.get_ydata(), watching.to_frame()[name])
        unit = "nats" if name == "cross_entropy" else "probability"
        assert ax.get_ylabel().endswith(f"({unit})")


def test_alarms_on_something_else_are_said_below(watching):
    ax = plotting.monitor(watching, "frequency of 1")
    assert not [line for line in ax.lines if line.get_linestyle() == "--"]
    assert "2 alarms on others: cross-entropy" in ax.get_xlabel()


def test_a_monitor_without_history_is_drawn():
    rng = np.random.default_rng(1)
    q = rng.random(400)
    monitor = Monitor(Evaluation.from_predictions(rng.random(400) < q, q))
    monitor.plot().figure.canvas.draw()
    plt.close("all")


def test_what_is_not_watched_is_refused(watching):
    with pytest.raises(ValueError, match="on must be what is watched, .*found 'skill'"):
        watching.plot("skill")
