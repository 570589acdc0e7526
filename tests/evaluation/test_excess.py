"""Shares of the loss beyond those of the rows, and labels that stay whole numbers."""

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation

# The order of groups is asked for directly: pages, plots and the command line show it.
from xent_metrics._evaluation.excess import shares_of
from xent_metrics._inputs.labels import label_text

from ..draws import forecasts


def cells(weight, cost, error=0.01):
    columns = {"weight": weight, "cross_entropy": cost, "cross_entropy_se": error}
    return pd.DataFrame(columns)


def test_excess_is_the_share_of_the_loss_less_that_of_the_rows():
    held = shares_of(cells([0.5, 0.3, 0.2], [1.0, 0.5, 3.0]))
    np.testing.assert_allclose(held.loss, np.array([0.5, 0.15, 0.6]) / 1.25)
    np.testing.assert_allclose(held.excess, held.loss - [0.5, 0.3, 0.2])
    assert held.order.tolist() == [2, 0, 1]
    assert held.excess.sum() == pytest.approx(0.0)
    assert held.clear.tolist() == [False, False, True]


def test_what_noise_explains_is_not_clear():
    noisy = shares_of(cells([0.5, 0.5], [1.0, 1.1], error=0.2))
    assert not noisy.clear.any()
    exact = shares_of(cells([0.5, 0.5], [1.0, 1.1], error=0.001))
    assert exact.clear.tolist() == [False, True]


@pytest.mark.parametrize("cost", [[np.inf, 1.0], [0.0, 0.0]])
def test_a_loss_that_has_no_shares_is_ranked_by_cost(cost):
    held = shares_of(cells([0.5, 0.5], cost))
    assert np.isnan(held.excess).all()
    assert held.order.tolist() == [0, 1]
    assert not held.clear.any()


@pytest.mark.slow
def test_equal_groups_are_seldom_called_clear():
    rng = np.random.default_rng(0)
    found = []
    for seed in range(60):
        _, y, q, _ = forecasts(400, seed=seed)
        options = {"recalibration": "none"}
        evaluation = Evaluation.from_predictions(y, q, **options)
        table = evaluation.summary(rng.integers(8, size=400))
        found.append(shares_of(table).clear.any())
    assert np.mean(found) <= 0.1


@pytest.mark.parametrize(
    ("label", "text"),
    [(1.0, "1"), (np.float64(-2), "-2"), (0.5, "0.5"), (3, "3"), (True, "True"),
     ("1.0", "1.0"), (1e300, "1e+300"), (np.inf, "inf")],
)  # fmt: skip
def test_labels_that_are_whole_numbers_have_no_point(label, text):
    assert label_text(label) == text


def test_integers_stay_integers_beside_rows_without_a_label():
    y, q = [0, 1, 1, 2] * 100, np.tile([0.2, 0.5, 0.3], (400, 1))
    weight = np.r_[0.0, np.ones(399)]
    evaluation = Evaluation.from_predictions(y, q, sample_weight=weight)
    rows = evaluation.per_sample
    assert pd.isna(rows["label"].iloc[0])
    assert {type(one) for one in rows["label"].iloc[1:]} == {int}
    assert str(evaluation.worst(1)["label"].iloc[0]) in {"0", "2"}
    back = Evaluation.from_json(evaluation.to_json(per_sample=True))
    pd.testing.assert_frame_equal(back.per_sample, rows)
    counts = evaluation.summary("label")["n"]
    assert counts.to_dict() == {0: 99, 1: 200, 2: 100}
