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
)

from .sets import drawn, evaluated


def accumulated(n=2000, k=2, **law):
    y, q = drawn(n, k, **law)
    columns = {f"p_{place}": q[:, place] for place in range(k)}
    frame = pd.DataFrame(columns).assign(y=y)
    options = {"target": "y", "proba": "p_", "labels": list(range(k))}
    return merge(accumulate(part, **options) for part in (frame[:700], frame[700:]))


@pytest.mark.parametrize("k", [2, 4])
def test_states_that_keep_all_rows_are_as_good_as_evaluations(k):
    laws = {"seed": 1}, {"seed": 2, "slope": 0.4, "centre": 0.5}
    states = [accumulated(1000, k, **law) for law in laws]
    evaluations = [evaluated(1000, k, **law) for law in laws]
    found, expected = drift(*states), drift(*evaluations)
    for name in ("mix", "concept"):
        one, two = getattr(found, name), getattr(expected, name)
        assert one.difference == pytest.approx(two.difference, rel=1e-6)
        assert one.standard_error == pytest.approx(two.standard_error, rel=1e-6)
    assert found.cause == expected.cause
    _, q = drawn(1000, k, seed=3)
    for reference in (states[0], finish(states[0]), finish(states[0]).to_json()):
        ahead = expected_loss(reference, q)
        right = expected_loss(evaluations[0], q)
        assert ahead.expected_loss == pytest.approx(right.expected_loss, rel=1e-6)
        assert ahead.mix_error == pytest.approx(right.mix_error, rel=1e-6)
    read = ScanState.from_json(states[0].to_json())
    assert expected_loss(read, q) == expected_loss(states[0], q)


@pytest.mark.slow
def test_a_sample_of_the_rows_splits_the_change_of_all(monkeypatch):
    for place in ("_scan.sample", "_recalibration.select"):
        monkeypatch.setattr(f"xent_metrics.{place}.enough_rows", lambda _: 1000)
    states = [accumulated(4000, 3, seed=1), accumulated(4000, 3, seed=2, slope=0.4)]
    assert [state.kept.n for state in states] == [1000, 1000]
    found = drift(*states)
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
    with pytest.raises(ValueError, match="by needs the current rows"):
        drift(evaluated(seed=2), state, by=(np.zeros(2000), None))
    first = finish(state)
    y, q = drawn(seed=1)
    frame = pd.DataFrame({"y": y, "p_0": q[:, 0], "p_1": q[:, 1]})
    second = accumulate(frame, target="y", proba="p_", labels=[0, 1], under=first)
    with pytest.raises(ValueError, match="must be the state of a first pass"):
        expected_loss(second, q)
    current = Evaluation.from_predictions(y, q)
    assert drift(accumulated(seed=5), current).cause == "nothing clear"
