"""The monitor: bets that are fair, changes that are found, and what it says of both."""

import datetime as dt
import functools
import itertools
import json
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xent_metrics import (
    Alarm,
    Evaluation,
    Monitor,
    UnseenLabelWarning,
    accumulate,
    finish,
)

# What a bet wins in expectation, and sums of parts, no public function gives.
from xent_metrics._decomposition.evidence import evidence_of
from xent_metrics._decomposition.reference_map import fit_reference
from xent_metrics._drift.watched import WATCHABLE, sums_of, watched
from xent_metrics._recalibration.sample import from_tables
from xent_metrics._recalibration.softmax import softmax


def day(rng, n, slope=1.0, intercept=0.0, k=2):
    """Labels, and predictions whose logits have another slope and intercept."""
    z = rng.normal(0.0, 1.5, (n, k))
    logits = slope * z
    logits[:, -1] += intercept
    p = softmax(logits.T)[1].T
    y = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)
    return y, softmax(z.T)[1].T


def watching(seed=0, n=2000, k=2, *, reference=None, **options):
    rng = np.random.default_rng(seed)
    y, q = day(rng, n, k=k)
    reference = {"recalibration": "temperature", **(reference or {})}
    evaluation = Evaluation.from_predictions(y, q, labels=range(k), **reference)
    return Monitor(evaluation, **options), rng


def fitted(k, seed=0, n=2000):
    y, q = day(np.random.default_rng(seed), n, k=k)
    evaluation = Evaluation.from_predictions(y, q, labels=range(k))
    data = evidence_of(evaluation.decomposition).data
    return fit_reference(data.inputs, None, data.rows.cross_entropy, 1e-15)


MAPS = {k: fitted(k) for k in (2, 3)}


@given(
    st.integers(2, 3).flatmap(
        lambda k: st.lists(
            st.lists(st.floats(-8, 8), min_size=k, max_size=k), min_size=1, max_size=3
        )
    )
)
def test_no_bet_wins_on_average_where_the_map_is_right(rows):
    log_q = np.log(softmax(np.array(rows).T)[1])
    k, n = log_q.shape
    reference = MAPS[k]
    c = reference.family.probabilities(reference.parameters, log_q)
    watch = watched(reference, WATCHABLE, frequencies=True)
    # One group whose labels depend on each other as much as they can: one number
    # between 0 and 1 decides on all. Each of its ranges is as likely as it is long.
    edges = np.unique(np.clip(np.append(c.cumsum(axis=0).ravel(), [0.0, 1.0]), 0, 1))
    expected = 0.0
    for low, high in itertools.pairwise(edges):
        y = (c.cumsum(axis=0) < (low + high) / 2).sum(axis=0).clip(max=k - 1)
        target = (y == np.arange(k)[:, np.newaxis]).astype(float)
        group = from_tables(log_q, target, np.ones(n), np.zeros(n, dtype=int))
        (sums,) = sums_of(reference, group, watch, [0.0] * len(watch))
        assert sums.n_units == 1
        expected = expected + (high - low) * np.exp(sums.gains)
    assert (expected <= 1.0 + 1e-9).all()


def test_sums_of_parts_are_those_of_the_parts_alone_and_add_up():
    reference, watch = MAPS[2], watched(MAPS[2], WATCHABLE, frequencies=True)
    y, q = day(np.random.default_rng(1), 90)
    target = (y == np.arange(2)[:, np.newaxis]).astype(float)
    clusters = np.arange(90) // 3
    tolerances = [0.01] * len(watch)

    def sums(rows, ends=None):
        sample = from_tables(
            np.log(q[rows].T), target[:, rows], np.ones(len(q[rows])), clusters[rows]
        )
        return sums_of(reference, sample, watch, tolerances, ends)

    parts = sums(slice(None), [30, 90])
    for part, rows in zip(parts, (slice(0, 30), slice(30, 90)), strict=True):
        for one, other in zip(part, sums(rows)[0], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
    (whole,) = sums(slice(None))
    for one, other in zip(parts[0].plus(parts[1]), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_a_higher_cost_is_found_and_said_to_have_begun_about_when_it_did():
    monitor, rng = watching()
    raised = [
        (t, alarm)
        for t in range(1, 161)
        for alarm in [monitor.update(*day(rng, 200, 1.0 if t <= 100 else 0.5))]
        if alarm is not None
    ]
    ((t, alarm),) = raised
    assert 100 < t < 115
    assert monitor.alarm is alarm is monitor.alarms[0]
    assert (alarm.when, alarm.period, alarm.year) == (t, t, 1)
    assert 95 < alarm.since <= t
    assert (alarm.on, alarm.direction, alarm.unit) == (
        "cross_entropy",
        "higher",
        "nats",
    )
    assert alarm.evidence >= alarm.threshold == pytest.approx(40)
    assert alarm.change > alarm.band > 0
    assert 0 < alarm.standard_error < alarm.change
    assert repr(alarm).startswith(
        f"Alarm at {t}: cross-entropy higher than expected since about {alarm.since}"
    )


@pytest.mark.slow
def test_nothing_is_found_in_a_year_without_change():
    monitor, rng = watching(seed=3)
    for _ in range(365):
        assert monitor.update(*day(rng, 100)) is None
    assert monitor.alarm is None
    assert monitor.evidence < monitor.threshold
    assert "no alarm" in repr(monitor)


def test_other_predictions_alone_are_no_change():
    monitor, rng = watching(seed=4)
    for _ in range(60):
        y, q = day(rng, 400)
        few = rng.random(400) < np.where(q[:, 1] > 0.5, 1.0, 0.2)
        monitor.update(y[few], q[few])
    assert monitor.alarm is None


@pytest.mark.slow
def test_frequencies_find_what_leaves_the_cost_as_it_is():
    found = {}
    for frequencies in (True, False):
        monitor, rng = watching(seed=5, frequencies=frequencies)
        for _ in range(80):
            monitor.update(*day(rng, 200, intercept=0.5))
        found[frequencies] = monitor.alarm
    assert found[True].on == "frequency of 1"
    assert (found[True].direction, found[True].unit) == ("higher", "probability")
    assert found[False] is None


@pytest.mark.slow
def test_a_tolerance_is_no_alarm():
    alarms = []
    for tolerance in (0.0, 0.3, {"cross_entropy": 0.3, "frequency of 1": 0.1}):
        monitor, rng = watching(seed=6, tolerance=tolerance)
        for _ in range(40):
            monitor.update(*day(rng, 200, slope=0.6))
        alarms.append(monitor.alarm)
    assert alarms[0].on == "cross_entropy"
    assert alarms[1:] == [None, None]


def test_a_period_may_come_in_several_batches():
    whole, rng = watching(seed=7)
    parts, _ = watching(seed=7)
    for t in range(12):
        y, q = day(rng, 90, slope=0.7)
        whole.update(y, q, when=f"2026-01-{t + 1:02}")
        for rows in (slice(0, 20), slice(20, 90)):
            parts.update(y[rows], q[rows], when=f"2026-01-{t + 1:02}")
    pd.testing.assert_frame_equal(whole.to_frame(), parts.to_frame(), rtol=1e-9)
    assert parts.to_frame()["n"].to_list() == [90] * 12


@pytest.mark.slow
def test_each_year_has_its_own_bets_and_alarm():
    monitor, rng = watching(seed=8, periods=20)
    for _ in range(45):
        monitor.update(*day(rng, 400, slope=0.4))
    assert [alarm.year for alarm in monitor.alarms] == [1, 2, 3]
    assert monitor.to_frame().index.get_level_values("year").max() == 3
    monitor.restart()
    assert (monitor.alarm, monitor.evidence) == (None, 1.0)
    assert len(monitor.alarms) == 3
    monitor.restart()  # no year has begun
    monitor.update(*day(rng, 10))
    assert monitor.to_frame().index[-1] == (4, 1)


def test_the_unit_changes_no_evidence():
    nats, rng = watching(seed=9, tolerance=0.01 * math.log(2))
    bits, _ = watching(seed=9, tolerance=0.01, reference={"base": 2})
    for _ in range(20):
        batch = day(rng, 300, slope=0.5)
        nats.update(*batch)
        bits.update(*batch)
    assert bits.unit == bits.alarm.unit == "bits"
    ours, theirs = nats.to_frame(), bits.to_frame()
    np.testing.assert_allclose(theirs["evidence"], ours["evidence"], rtol=1e-6)
    for name in ("cross_entropy", "cross_entropy_se", "cross_entropy_band"):
        np.testing.assert_allclose(theirs[name] * math.log(2), ours[name], rtol=1e-6)
    np.testing.assert_allclose(theirs["frequency of 1"], ours["frequency of 1"])


@pytest.mark.parametrize("k", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_distributions_that_are_labels_are_watched_like_labels(k):
    hard, rng = watching(k=k, terms=WATCHABLE)
    soft, _ = watching(k=k, terms=WATCHABLE)
    y, q = day(rng, 200, k=k)
    target = np.eye(k)[y]
    target[0] = (1 - 1e-9) * target[0] + 1e-9 / k  # no longer one label per row
    hard.update(y, q)
    soft.update(target, q)
    pd.testing.assert_frame_equal(hard.to_frame(), soft.to_frame(), rtol=1e-6)


def test_weights_count_by_their_ratios_and_rows_of_weight_0_not_at_all():
    first, rng = watching(seed=10)
    second, _ = watching(seed=10)
    y, q = day(rng, 300)
    weights = rng.exponential(size=300)
    weights[:100] = 0.0
    first.update(y, q, sample_weight=weights)
    second.update(y[100:], q[100:], sample_weight=7.0 * weights[100:])
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame())


def test_groups_are_units():
    y, q = day(np.random.default_rng(11), 4000)
    evaluation = Evaluation.from_predictions(y, q, groups=np.arange(4000) // 4)
    monitor = Monitor(evaluation)
    with pytest.raises(ValueError, match="groups must be given, as the reference has"):
        monitor.update(y[:40], q[:40])
    assert monitor.to_frame().empty
    monitor.update(y[:40], q[:40], groups=np.arange(40) // 4)
    monitor.update(y[:40], q[:40], groups=["one"] * 40)
    assert monitor.to_frame()["units"].to_list() == [10, 1]
    assert any("comes back in another batch" in one for one in monitor.limits)


def test_rows_of_an_unknown_label_are_left_out_and_counted():
    monitor, rng = watching(seed=12)
    known, _ = watching(seed=12)
    y, q = day(rng, 100)
    known.update(y[10:], q[10:])
    y[:10] = 7
    with pytest.warns(UnseenLabelWarning):
        monitor.update(y, q)
    assert monitor.to_frame()["n_unseen"].to_list() == [10]
    assert monitor.evidence == known.evidence
    assert any(one.startswith("10 rows whose label") for one in monitor.limits)


def test_predictions_beyond_those_of_the_reference_are_counted():
    monitor, rng = watching(seed=13)
    y, q = day(rng, 50)
    q[:5] = [1e-9, 1 - 1e-9]
    monitor.update(y, q)
    assert any("5 of 50 rows (10.0%) have predictions" in s for s in monitor.limits)


def test_a_batch_that_is_refused_leaves_the_monitor_as_it_was():
    monitor, rng = watching(seed=14)
    monitor.update(*day(rng, 50), when="a")
    before = repr(monitor)
    y, q = day(rng, 50)
    with pytest.raises(ValueError, match="rows that sum to 1"):
        monitor.update(y, q * 0.9, when="b")
    with pytest.raises(TypeError, match="labels, groups and row names"):
        monitor.update(y, q, when=object())
    for when in (pd.NaT, float("nan"), ("a", "b"), [1], np.arange(2)):
        with pytest.raises(TypeError, match="when must be text, a number or a time"):
            monitor.update(y, q, when=when)
    assert repr(monitor) == before


def test_a_monitor_is_text_a_table_and_a_dictionary_with_its_limits():
    y, q = day(np.random.default_rng(15), 2000)
    names = np.array(["<a>", "b|c"])
    monitor = Monitor(Evaluation.from_predictions(names[y], q, labels=names))
    monitor.update(names[y[:100]], q[:100], when="<monday>")
    text = repr(monitor)
    assert "alarm at 40" in text
    assert all(limit in text for limit in monitor.limits)
    assert "&lt;monday&gt;" in monitor._repr_html_()
    assert "<monday>" not in monitor._repr_html_()
    assert "b\\|c" in monitor.to_markdown()
    found = monitor.to_dict()
    assert found["watched"] == ["cross_entropy", "frequency of 'b|c'"]
    assert found["limits"] == list(monitor.limits)
    assert list(monitor.to_frame()) == [
        *("n", "n_unseen", "units"),
        *("cross_entropy", "cross_entropy_se", "cross_entropy_band"),
        *(f"frequency of 'b|c'{end}" for end in ("", "_se", "_band")),
        "evidence",
    ]


def test_a_new_monitor_has_no_history():
    monitor, _ = watching()
    assert (monitor.evidence, monitor.alarm, monitor.alarms) == (1.0, None, ())
    assert monitor.to_frame().empty
    assert "period 0 of 365" in repr(monitor)
    assert monitor._repr_html_().startswith("<div>")


def test_alarms_are_plain_data():
    alarm = Alarm(
        when="b", since="a", on="cross_entropy", direction="higher", change=0.2,
        standard_error=math.nan, band=0.1, evidence=1e9, threshold=40.0, period=2,
        year=1, unit="nats",
    )  # fmt: skip
    assert alarm.to_dict()["since"] == "a"
    assert '"standard_error": "nan"' in alarm.to_json()
    assert repr(alarm) == (
        "Alarm at b: cross-entropy higher than expected since about a, by +0.2000 "
        "nats, of which the reference's own error may be 0.1000; evidence 1.0e+09, "
        "alarm at 40"
    )


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"terms": "cross_entropy"}, TypeError, "terms must be a sequence of names"),
        ({"terms": ("skill",)}, ValueError, "terms must be some of .*found 'skill'"),
        ({"terms": ()}, ValueError, r"terms must be some of .*found \(\)"),
        ({"alpha": 0}, ValueError, r"alpha must be in \(0, 1\): found 0"),
        ({"periods": 0}, ValueError, "periods must be a whole number from 1: found 0"),
        ({"periods": 1.5}, ValueError, "periods must be a whole number from 1"),
        ({"tolerance": -1}, ValueError, "finite numbers from 0: found -1 for 'cross"),
        ({"tolerance": {"x": 1}}, ValueError, "what is watched: found 'x'"),
    ],
)
def test_options_out_of_their_range_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        watching(n=200, **options)


def test_references_that_cannot_say_what_to_expect_are_refused():
    y, q = day(np.random.default_rng(0), 400)
    with pytest.raises(TypeError, match="reference must be an Evaluation, a Decomposi"):
        Monitor(q)
    with pytest.raises(ValueError, match="reference must have a recalibration map: un"):
        Monitor(Evaluation.from_predictions(np.zeros(400), q, labels=[0, 1]))
    folds = Evaluation.from_predictions(y, q, folds=np.arange(400) % 2)
    with pytest.raises(ValueError, match="reference"):
        Monitor(folds)


def test_a_reference_without_its_rows_takes_directions_from_the_first_batch():
    with_rows, rng = watching(seed=16)
    evaluation = Evaluation.from_predictions(*day(np.random.default_rng(16), 2000))
    Monitor(evaluation)  # fits the map, which the pickle then holds
    copied = pickle.loads(pickle.dumps(evaluation))  # noqa: S301 - our own
    without = Monitor(copied)
    assert "known after the first batch" in without.limits[0]
    for _ in range(10):
        batch = day(rng, 400, slope=0.6)
        with_rows.update(*batch)
        without.update(*batch)
    assert "known after" not in without.limits[0]
    assert with_rows.alarm is not None
    ours, theirs = with_rows.alarm, without.alarm
    assert (ours.on, ours.direction, ours.change) == (
        theirs.on,
        theirs.direction,
        pytest.approx(theirs.change),
    )
    assert theirs.band == pytest.approx(ours.band, rel=0.2)


def documented(seed=17):
    """A monitor in its second year, with alarms, a tolerance and times."""
    monitor, rng = watching(
        seed=seed,
        k=3,
        periods=8,
        terms=("miscalibration", "cross_entropy"),
        tolerance={"frequency of 1": 0.001},
        reference={"base": 2},
    )
    for when in pd.date_range("2026-01-05", periods=11):
        monitor.update(*day(rng, 300, slope=0.3, k=3), when=when)
    return monitor, rng


def test_a_monitor_that_was_read_back_goes_on_as_it_would_have():
    monitor, rng = documented()
    assert len(monitor.alarms) == 2
    again = Monitor.from_json(monitor.to_json())
    assert again.to_json() == monitor.to_json()
    assert again.alarms == monitor.alarms
    assert repr(again) == repr(monitor)
    pd.testing.assert_frame_equal(again.to_frame(), monitor.to_frame())
    last = monitor.to_frame().index[-1][1]
    for when in (last, *pd.date_range("2026-02-01", periods=9)):
        batch = day(rng, 200, slope=0.9, k=3)
        assert again.update(*batch, when=when) == monitor.update(*batch, when=when)
    assert again.evidence == monitor.evidence
    assert again.to_json() == monitor.to_json()


def test_a_document_may_be_of_a_monitor_that_was_fed_nothing():
    monitor, rng = watching()
    again = Monitor.from_json(monitor.to_json().encode())
    batch = day(rng, 100)
    monitor.update(*batch)
    again.update(*batch)
    assert again.evidence == monitor.evidence
    assert again.limits == monitor.limits


def test_a_reference_may_be_a_document_or_scanned():
    y, q = day(np.random.default_rng(18), 2000)
    frame = pd.DataFrame(q, columns=["p_0", "p_1"]).assign(y=y)
    evaluation = Evaluation.from_predictions(y, q)
    state = accumulate(frame, target="y", proba="p_")
    late = day(np.random.default_rng(19), 2000, slope=0.5)
    changes = []
    for reference in (evaluation, evaluation.to_json(), state, finish(state)):
        monitor = Monitor(reference)
        monitor.update(*late)
        assert monitor.labels == evaluation.labels
        changes.append(monitor.alarm.change)
    np.testing.assert_allclose(changes, changes[0], rtol=0.02)


@functools.cache
def text_of_one():
    return documented()[0].to_json()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "of schema 1: found 2"),
        ({"labels": [0, 0]}, "labels must be distinct"),
        ({"terms": ["skill"]}, "terms and classes must be known ones"),
        ({"classes": [7]}, "terms and classes must be known ones"),
        ({"alpha": 2}, r"alpha must be in \(0, 1\)"),
        ({"period": 1}, "its period must be the last of its history, 3"),
        ({"numbers": "AAAA"}, "its numbers|multiple"),
        ({"tolerances": [0.0]}, "'tolerances' of the document must hold 5 numbers"),
        ({"tolerances": [-1.0] + [0.0] * 4}, "tolerances must be 0 or more"),
        ({"along": -1.0}, "'along', 'across' and tolerances must be 0 or more"),
        ({"more": 1}, "unknown part 'more'"),
        ({"history": [{}]}, "a period lacks its part"),
        ({"alarms": [{}]}, "an alarm lacks its part"),
    ],
)
def test_a_document_that_was_changed_is_refused(change, words):
    document = json.loads(text_of_one())
    with pytest.raises(ValueError, match=f"text must be the whole JSON of a.*{words}"):
        Monitor.from_json(json.dumps({**document, **change}))


def test_a_document_that_was_cut_or_is_none_is_refused():
    text = text_of_one()
    with pytest.raises(ValueError, match="text must be the whole JSON of a monitor"):
        Monitor.from_json(text[:-5])
    with pytest.raises(TypeError, match="as str or bytes: found dict"):
        Monitor.from_json({})


@pytest.mark.parametrize(
    ("last", "earlier"),
    [
        ("2026-03-10", "2026-03-09"),
        (dt.date(2026, 3, 10), pd.Timestamp("2026-03-09 23:00")),
        (pd.Timestamp("2026-03-10", tz="UTC"), pd.Timestamp("2026-03-09", tz="UTC")),
        (10, 9.5),
    ],
)
def test_a_batch_of_an_earlier_period_is_refused(last, earlier):
    rng = np.random.default_rng(0)
    monitor = Monitor(Evaluation.from_predictions(*day(rng, 400)), periods=2)
    monitor.update(*day(rng, 50), when=last)
    before = monitor.to_json()
    with pytest.raises(ValueError, match="when must not be earlier than the last per"):
        monitor.update(*day(rng, 50), when=earlier)
    assert monitor.to_json() == before
    monitor.update(*day(rng, 50), when=last)
    assert len(monitor.to_frame()) == 1
    monitor.update(*day(rng, 50))  # the second and last of the year
    if isinstance(earlier, float):
        monitor.update(*day(rng, 50), when=earlier)
        assert list(monitor.to_frame().index.get_level_values("year")) == [1, 1, 2]


def test_names_that_are_no_times_come_in_any_order():
    rng = np.random.default_rng(0)
    monitor = Monitor(Evaluation.from_predictions(*day(rng, 400)))
    for when in (
        "tuesday",
        "monday",
        3,
        "2026-03-01",
        pd.Timestamp("2026-01-01", tz="UTC"),
    ):
        monitor.update(*day(rng, 50), when=when)
    assert len(monitor.to_frame()) == 5
