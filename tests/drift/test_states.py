import json

import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    Evaluation,
    ScanState,
    accumulate,
    drift,
    expected_loss,
    finish,
    merge,
    scan,
)

from .sets import drawn, evaluated


def frame_of(n=2000, k=2, **law):
    y, q = drawn(n, k, **law)
    columns = {f"p_{place}": q[:, place] for place in range(k)}
    site = np.array(["north", "south", "west"])[np.arange(n) * 3 // n]
    return pd.DataFrame(columns).assign(y=y, site=site, w=1.0 + np.arange(n) % 2)


QUICK = {"recalibration": "temperature"}  # the flexible map is fitted in any case


def options_of(k=2):
    return {"target": "y", "proba": "p_", "labels": list(range(k))}


def accumulated(n=2000, k=2, *, options=None, **law):
    frame, given = frame_of(n, k, **law), {**options_of(k), **(options or {})}
    return merge(accumulate(part, **given) for part in (frame[:500], frame[500:]))


def few_kept(monkeypatch, n=300):
    """States that keep few rows, as they do of very many."""
    for place in ("_scan.sample", "_recalibration.select"):
        monkeypatch.setattr(f"xent_metrics.{place}.enough_rows", lambda _: n)


def assert_same(found, expected):
    """The same to the rounding of sums in another order."""
    for name in ("mix", "concept"):
        one, two = getattr(found, name)[:4], getattr(expected, name)[:4]
        assert one == pytest.approx(two, rel=1e-10, abs=1e-12)
    assert found.correlation == pytest.approx(expected.correlation, abs=1e-9)
    for name in ("expected_loss", "expected_loss_error", "share_outside"):
        one, two = getattr(found, name), getattr(expected, name)
        assert one == pytest.approx(two, rel=1e-10)
    assert found.n_sampled is None
    if expected.by_group is not None:
        pd.testing.assert_frame_equal(
            found.by_group, expected.by_group, check_dtype=False, rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("k", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_states_that_keep_all_rows_are_as_good_as_evaluations(k):
    laws = {"seed": 1}, {"seed": 2, "slope": 0.4, "centre": 0.5}
    states = [accumulated(1000, k, **law) for law in laws]
    evaluations = [evaluated(1000, k, options=QUICK, **law) for law in laws]
    found, expected = drift(*states), drift(*evaluations)
    for name in ("mix", "concept"):
        one, two = getattr(found, name), getattr(expected, name)
        assert one.difference == pytest.approx(two.difference, rel=1e-6)
        assert one.standard_error == pytest.approx(two.standard_error, rel=1e-6)
    assert found.cause == expected.cause
    _, q = drawn(1000, k, seed=3)
    for reference in (
        states[0],
        finish(states[0], **QUICK),
        finish(states[0], **QUICK).to_json(),
    ):
        ahead = expected_loss(reference, q)
        right = expected_loss(evaluations[0], q)
        assert ahead.expected_loss == pytest.approx(right.expected_loss, rel=1e-6)
        assert ahead.mix_error == pytest.approx(right.mix_error, rel=1e-6)
    read = ScanState.from_json(states[0].to_json())
    assert expected_loss(read, q) == expected_loss(states[0], q)


@pytest.mark.slow
def test_a_sample_of_the_rows_splits_the_change_of_all(monkeypatch):
    few_kept(monkeypatch, 1000)
    states = [accumulated(4000, 3, seed=1), accumulated(4000, 3, seed=2, slope=0.4)]
    assert [state.kept.n for state in states] == [1000, 1000]
    found = drift(*states)
    assert found.n_sampled == 1000
    assert "by a random sample of 1,000 current rows" in repr(found)
    change = found.differences["cross_entropy"].difference
    assert found.mix.difference + found.concept.difference == pytest.approx(change)
    assert found.cause == "concept change"
    monkeypatch.undo()
    whole = drift(evaluated(4000, 3, seed=1), evaluated(4000, 3, seed=2, slope=0.4))
    for name in ("mix", "concept"):
        one, two = getattr(found, name), getattr(whole, name)
        assert one.standard_error > two.standard_error
        assert abs(one.difference - two.difference) < 4 * one.standard_error


def test_what_a_state_cannot_tell_is_refused():
    state = accumulated(seed=1)
    with pytest.raises(ValueError, match="both are one|all terms are the same"):
        drift(state, state)
    with pytest.raises(ValueError, match="must have the same targets|different rows"):
        drift(evaluated(seed=2), evaluated(seed=2))
    with pytest.raises(ValueError, match="by needs .*: found one with none; pass"):
        drift(evaluated(seed=2), state, by=(np.zeros(2000), "site"))
    document = evaluated(seed=2).to_json()
    with pytest.raises(ValueError, match="current must hold its rows, .* read back"):
        drift(state, document)
    first = finish(state)
    y, q = drawn(seed=1)
    frame = pd.DataFrame({"y": y, "p_0": q[:, 0], "p_1": q[:, 1]})
    second = accumulate(frame, target="y", proba="p_", labels=[0, 1], under=first)
    with pytest.raises(ValueError, match="must be the state of a first pass"):
        expected_loss(second, q)
    current = Evaluation.from_predictions(y, q)
    assert drift(accumulated(seed=5), current).cause == "nothing clear"


@pytest.mark.parametrize(("k", "weight"), [(2, None), (3, "w")])
def test_states_under_the_reference_split_the_change_as_all_rows_do(
    monkeypatch, k, weight
):
    reference = evaluated(700, k, seed=1, options=QUICK)
    few_kept(monkeypatch)
    law = {"seed": 2, "slope": 0.4, "centre": 0.5}
    options = {"reference": reference, "by": ["site"], "sample_weight": weight}
    state = accumulated(700, k, options=options, **law)
    frame = frame_of(700, k, **law)
    bound = frame.xent(**options_of(k), sample_weight=weight)
    groups = np.array(["north", "south", "east"])[np.arange(700) % 3]
    found = drift(reference, state, by=(groups, "site"))
    expected = drift(reference, bound.evaluate(**QUICK), by=(groups, frame["site"]))
    assert state.kept.n == 300
    assert len(found.by_group) == 4
    assert_same(found, expected)
    document = reference.to_json()
    read = ScanState.from_json(state.to_json())
    found = drift(document, read, by="site")
    assert_same(found, drift(document, bound.evaluate(**QUICK), by="site"))
    assert drift(document, finish(state), by="site") == found
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    again = ScanState.from_arrow(state.to_arrow())
    assert drift(document, again, by="site") == found


def test_a_scan_under_the_reference_is_compared_by_all_rows(monkeypatch, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    few_kept(monkeypatch)
    frame = frame_of(700, 3, seed=2, slope=0.4).rename(columns={"p_0": "p_a"})
    frame["y"] = frame["y"].map({0: "a", 1: "1", 2: "2"})
    y, q = drawn(700, 3, seed=1)
    backwards = ["2", "1", "a"]  # classes in another order than the file has them
    reference = Evaluation.from_predictions(
        np.array(backwards)[2 - y], q[:, ::-1], labels=backwards, **QUICK
    )
    frame.to_parquet(tmp_path / "current.parquet", row_group_size=250)
    options = {"target": "y", "proba": "p_"}
    scanned = scan(
        tmp_path / "current.parquet", **options, by="site", reference=reference, **QUICK
    )
    whole = frame.xent(**options).evaluate(**QUICK)
    document = reference.to_json()
    assert_same(drift(document, scanned, by="site"), drift(document, whole, by="site"))
    left = scan(tmp_path / "current.parquet", **options, **QUICK)
    found = drift(reference, left)
    assert found.n_sampled == 300
    away = found.mix.difference - drift(reference, scanned).mix.difference
    assert 0 < abs(away) < 4 * found.mix.standard_error


def test_windows_under_a_reference_add_up():
    reference = evaluated(600, seed=1)
    frame = frame_of(600, seed=2, slope=0.4)
    options = {**options_of(), "by": "site", "reference": reference.to_json()}
    days = [accumulate(part, **options) for _, part in frame.groupby("site")]
    options["reference"] = reference
    nothing = frame[:5].assign(y=np.nan)
    days.append(accumulate(nothing, **options, on_missing="drop"))
    assert days[-1].n == 0
    whole = accumulate(frame, **options)
    for one in (merge(days), merge(days[::-1])):
        assert_same(
            drift(reference, one, by=(frame["site"], "site")),
            drift(reference, whole, by=(frame["site"], "site")),
        )


def test_what_is_not_under_one_reference_is_refused():
    reference, other = evaluated(600, seed=1), evaluated(600, seed=5)
    state = accumulated(600, seed=2, options={"reference": reference, "by": "site"})
    for others in ({"by": "site"}, {"by": "site", "reference": other}):
        second = accumulated(600, seed=3, options=others)
        with pytest.raises(ValueError, match="must have the same reference: found"):
            state + second
    by = (np.zeros(600), "site")
    with pytest.raises(ValueError, match="by needs .* found one with spline map of"):
        drift(other, state, by=by)
    with pytest.raises(ValueError, match="by must be columns that the current state"):
        drift(reference, state, by=(np.zeros(600), "region"))
    # Another reference still splits the change, by the rows that are kept.
    assert drift(other, state).cause == drift(reference, state).cause
    options = {**options_of(), "reference": reference}
    frame = frame_of(600, seed=2)
    with pytest.raises(ValueError, match="reference must be left to the first pass"):
        accumulate(frame, **options, under=finish(state))
    with pytest.raises(ValueError, match="clip must be that of the reference"):
        accumulate(frame, **options, clip=1e-3)
    with pytest.raises(ValueError, match="reference must have the classes of the data"):
        accumulate(frame, **{**options, "reference": evaluated(600, k=3)})
    with pytest.raises(TypeError, match="reference must be an Evaluation"):
        accumulate(frame, **{**options, "reference": 3})
    text = json.loads(state.to_json())
    text["shapes"]["slopes"] = [1, *text["shapes"]["slopes"]]
    with pytest.raises(ValueError, match="'slopes' must be those of its reference"):
        ScanState.from_json(json.dumps(text))
