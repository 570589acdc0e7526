"""The learned map: trees out of fold, on top of the map that was chosen."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, accumulate, decompose, finish

# That folds keep groups whole, and that many rows are enough in part, cannot be seen
# from outside.
from xent_metrics._recalibration import learned, select

from ..draws import forecasts
from ..thinned import thinned

FINE = {"recalibration": "learned"}


def softmax(z):
    odds = np.exp(z - z.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def drawn(c, seed=1):
    u = np.random.default_rng(seed).uniform(size=(len(c), 1))
    return (c.cumsum(axis=1)[:, :-1] < u).sum(axis=1)


def stripes(n, seed=0):
    """Two classes, too sure and too unsure by turns of the logit."""
    logit = np.random.default_rng(seed).uniform(-3, 3, n)
    shift = np.where(np.floor(4 * logit) % 2 == 0, 1.5, -1.5)
    q, c = (1 / (1 + np.exp(-one)) for one in (logit, logit + shift))
    return q, c, (np.random.default_rng(seed + 1).uniform(size=n) < c).astype(int)


def checkerboard(n, k, seed=0):
    """Several classes, too sure on the white fields of two of them."""
    q = softmax(1.5 * np.random.default_rng(seed).standard_normal((n, k)))
    field = (q[:, :2] > np.median(q[:, :2], axis=0)).sum(axis=1) % 2
    return q, softmax(np.where(field, 2.5, 0.2)[:, np.newaxis] * np.log(q))


def gain_of(y, q, c):
    """What the map that is true gains on these rows."""
    rows = np.arange(len(y))
    return np.mean(np.log(c[rows, y] / q[rows, y]))


@pytest.mark.slow
def test_it_finds_stripes_that_splines_miss():
    q, c, y = stripes(3000)
    oracle = gain_of(y, *(np.stack([1 - one, one], axis=1) for one in (q, c)))
    found, spline = decompose(y, q, **FINE), decompose(y, q)
    assert spline.recalibration == "spline"
    assert oracle - spline.miscalibration > 0.1
    assert abs(oracle - found.miscalibration) < (oracle - spline.miscalibration) / 2
    low, high = found.ci()["miscalibration"]
    assert low < found.miscalibration < high
    fresh, truth, _ = stripes(3000, seed=5)
    mended = found.recalibrator().predict_proba(fresh)[:, 1]
    before = decompose(y, q).recalibrator().predict_proba(fresh)[:, 1]
    assert np.mean((mended - truth) ** 2) < np.mean((before - truth) ** 2) / 3


@pytest.mark.slow
@pytest.mark.parametrize("k", [4, 6])
def test_it_finds_a_checkerboard_of_several_classes(k):
    q, c = checkerboard(4000, k)
    y = drawn(c)
    oracle, found = gain_of(y, q, c), decompose(y, q, **FINE)
    others = found.ladder["miscalibration"].drop("learned").dropna()
    error = found.standard_errors["miscalibration"]
    assert oracle - others.max() > 3 * error
    assert others.max() + error < found.miscalibration < oracle
    fresh, truth = checkerboard(4000, k, seed=5)
    mended, before = (
        one.recalibrator().predict_proba(fresh) for one in (found, decompose(y, q))
    )
    assert np.mean((mended - truth) ** 2) < 0.8 * np.mean((before - truth) ** 2)


@pytest.mark.slow
def test_where_the_chosen_map_is_right_it_changes_nothing():
    draws = [forecasts(400, 2, seed=seed) for seed in range(6)]
    # Trees differ between versions of scikit-learn: in one of these they win nothing.
    y, q, w = next(
        (y, q, w)
        for _, y, q, w in draws
        if decompose(y, q, sample_weight=w, **FINE).parameters["coefficient"] == 0
    )
    found, plain = (
        decompose(y, q, sample_weight=w, recalibration=one)
        for one in ("learned", "auto")
    )
    assert found.terms == pytest.approx(plain.terms, rel=1e-12, nan_ok=True)
    assert found.standard_errors == pytest.approx(
        plain.standard_errors, rel=1e-12, nan_ok=True
    )
    fresh = np.linspace(0.01, 0.99, 50)
    assert (
        found.recalibrator().predict_proba(fresh)
        == plain.recalibrator().predict_proba(fresh)
    ).all()


def test_it_stands_in_the_ladder_above_the_map_beneath():
    q, _, y = stripes(500)
    found = decompose(y, q, **FINE)
    tried = decompose(y, q).ladder
    assert found.recalibration == "learned"
    assert found.ladder.index.tolist() == [*tried.index, "learned"]
    assert found.ladder["chosen"].tolist() == [False] * len(tried) + [True]
    of_it = found.ladder.loc["learned"]
    assert of_it["degrees_of_freedom"] == tried["degrees_of_freedom"].max() + 1
    assert of_it["miscalibration"] == pytest.approx(found.miscalibration, rel=1e-12)
    for name in ("refinement", "miscalibration"):
        assert found.ladder[name].iloc[:-1].tolist() == tried[name].tolist()


@pytest.mark.filterwarnings("ignore:the entropy of 3 votes")
@pytest.mark.parametrize("kind", thinned(["labels", "soft", "votes"], ["votes"]))
def test_terms_add_up_for_every_kind_of_target(kind):
    q, c, y = stripes(400)
    votes = np.random.default_rng(0).binomial(3, c)
    weights = np.random.default_rng(1).uniform(0.2, 3, len(y))
    target = {
        "labels": y,
        "soft": np.stack([1 - c, c], axis=1),
        "votes": np.stack([3 - votes, votes], axis=1),
    }[kind]
    d = decompose(target, q, sample_weight=weights, **FINE)
    total = d.uncertainty - d.resolution + d.miscalibration
    assert total == pytest.approx(d.cross_entropy, abs=1e-13)
    assert d.parameters["coefficient"] > 0
    assert d.miscalibration > 2 * d.standard_errors["miscalibration"]


@pytest.mark.slow
def test_votes_of_one_mind_are_labels():
    q, _, y = stripes(600)
    one, two = (decompose(each, q, **FINE) for each in (y, np.eye(2, dtype=int)[y]))
    assert one.miscalibration == pytest.approx(two.miscalibration, rel=1e-9)


@pytest.mark.slow
def test_the_scale_of_weights_does_not_matter():
    q, _, y = stripes(600)
    w = np.random.default_rng(1).uniform(0.2, 3, len(y))
    one, two = (decompose(y, q, sample_weight=each, **FINE) for each in (w, 8 * w))
    assert one.terms == pytest.approx(two.terms, rel=1e-9, nan_ok=True)


@pytest.mark.slow
def test_rows_of_no_weight_do_not_matter():
    q, _, y = stripes(600)
    w = np.where(np.arange(600) % 3 == 0, 0.0, 1.0)
    one = decompose(y, q, sample_weight=w, **FINE)
    two = decompose(y[w > 0], q[w > 0], **FINE)
    assert one.terms == pytest.approx(two.terms, rel=1e-9, nan_ok=True)


def test_a_second_fit_gives_the_same_numbers():
    q, _, y = stripes(600)
    one, two = (decompose(y, q, **FINE) for _ in range(2))
    assert one.terms == pytest.approx(two.terms, rel=0, abs=0, nan_ok=True)
    assert one.standard_errors == pytest.approx(
        two.standard_errors, rel=0, abs=0, nan_ok=True
    )


def test_the_recalibrator_travels():
    q, _, y = stripes(600)
    mended = decompose(y, q, **FINE).recalibrator()
    again = pickle.loads(pickle.dumps(mended))  # noqa: S301 - our own
    assert (again.predict_proba(q) == mended.predict_proba(q)).all()


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
def test_groups_are_never_on_both_sides_of_a_fold(monkeypatch):
    seen, boosted = [], learned.boosted

    def spied(table, is_category, rows, tell):
        seen.append(rows.folds)
        return boosted(table, is_category, rows, tell)

    monkeypatch.setattr(learned, "boosted", spied)
    q, _, y = stripes(600)
    groups = np.random.default_rng(0).integers(60, size=600)
    decompose(y, q, groups=groups, **FINE)
    (folds,) = seen
    assert len(set(folds)) == 5
    assert all(len(set(folds[groups == one])) == 1 for one in set(groups))


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
@pytest.mark.slow
def test_rows_of_a_group_alike_are_not_taken_for_a_pattern():
    # Each group has one label and nearly one prediction: trees that had seen rows of
    # it would know the label of the others.
    rng = np.random.default_rng(0)
    q = np.repeat(rng.uniform(0.2, 0.8, 150), 8) + rng.uniform(-1e-4, 1e-4, 1200)
    groups = np.repeat(np.arange(150), 8)
    y = np.repeat(rng.uniform(size=150) < q[::8], 8).astype(int)
    apart = decompose(y, q, groups=groups, **FINE)
    alone = decompose(y, q, **FINE)
    assert apart.parameters["coefficient"] < 0.1
    assert abs(apart.miscalibration) < 3 * apart.standard_errors["miscalibration"]
    assert alone.miscalibration > apart.miscalibration + 0.1


@pytest.mark.slow
def test_many_rows_grow_trees_on_some(monkeypatch):
    q, _, y = stripes(3000)
    whole = decompose(y, q, **FINE)
    monkeypatch.setattr(select, "_MOST_ROWS_OF_TREES", 1500)
    part = decompose(y, q, **FINE)
    assert part.n == 3000
    assert part.miscalibration == pytest.approx(whole.miscalibration, rel=0.2)
    assert part.parameters["coefficient"] > 0.3


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
def test_folds_of_one_label_leave_the_map_beneath():
    q, y = np.linspace(0.1, 0.9, 30), np.arange(30) == 20
    found, plain = (decompose(y, q, recalibration=one) for one in ("learned", "auto"))
    assert found.parameters["coefficient"] == 0
    assert found.terms == pytest.approx(plain.terms, rel=1e-12, nan_ok=True)


def test_many_classes_are_refused():
    q = softmax(np.random.default_rng(0).standard_normal((300, 51)))
    message = (
        "recalibration='learned' is for at most 50 classes: found 51; pass 'auto' or "
        "'hierarchy'."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        decompose(drawn(q), q, labels=range(51), **FINE)


def test_a_scan_refuses_it_and_says_what_helps():
    q, _, y = stripes(300)
    state = accumulate(pd.DataFrame({"y": y, "p": q}), target="y", proba="p")
    message = "requires all rows in memory; pass 'auto', or decompose a sample of rows."
    with pytest.raises(ValueError, match=re.escape(message)):
        finish(state, **FINE)


@pytest.mark.slow
def test_what_features_win_starts_from_the_map_beneath():
    q, _, y = stripes(1000)
    x = np.random.default_rng(3).standard_normal((1000, 1))
    evaluation = Evaluation.from_predictions(y, q, **FINE)
    plain = Evaluation.from_predictions(y, q)
    found, expected = (one.reducible(x) for one in (evaluation, plain))
    assert found.grouping_loss_at_least == expected.grouping_loss_at_least
    assert found.recalibration == "learned"
