"""Maps by slope of the prediction, kernels and cells: each finds what it is for."""

import numpy as np
import pytest

from xent_metrics import decompose

from ..thinned import thinned

RNG = np.random.default_rng(0)


def softmax(z):
    odds = np.exp(z - z.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def drawn(c, seed=1):
    u = np.random.default_rng(seed).uniform(size=(len(c), 1))
    return (c.cumsum(axis=1)[:, :-1] < u).sum(axis=1)


def gaussian(n, k, sd=2.0):
    return softmax(sd * np.random.default_rng(2).standard_normal((n, k)))


def by_top_class(q):
    slope = np.linspace(0.4, 1.2, q.shape[1])[q.argmax(axis=1), np.newaxis]
    return softmax(slope * np.log(q))


def by_sharpness(q):
    log_q = np.log(q)
    sharp = (log_q.max(axis=1) - log_q.mean(axis=1))[:, np.newaxis]
    return softmax(np.where(sharp > 2.5, 0.4, 1.1) * log_q)


def by_group(q):
    """Classes are told from others of their group less well than they seem."""
    n, k = q.shape
    groups = q.reshape(n, k // 4, 4)
    whole = groups.sum(axis=2, keepdims=True)
    within = (groups / whole) ** 0.4
    within /= within.sum(axis=2, keepdims=True)
    return (whole * within).reshape(n, k)


def in_groups(n, k):
    rng = np.random.default_rng(3)
    between = np.repeat(3.0 * rng.standard_normal((n, k // 4)), 4, axis=1)
    return softmax(between + 1.5 * rng.standard_normal((n, k)))


def ring(q):
    """No slope of any log-probability can do this."""
    away = ((q - 1 / 3) ** 2).sum(axis=1, keepdims=True)
    share = np.exp(-(((away - 0.15) / 0.08) ** 2))
    return (1 - share) * q + share / 3


CASES = {
    "class-temperature": (gaussian(4000, 5), by_top_class),
    "adaptive-temperature": (gaussian(4000, 4), by_sharpness),
    "hierarchy": (in_groups(4000, 12), by_group),
    "kernel": (gaussian(4000, 3), ring),
    "cells": (gaussian(30, 3)[RNG.integers(30, size=4000)], ring),
}


@pytest.mark.parametrize("name", thinned(CASES, ["hierarchy", "cells"]))
def test_it_finds_what_simpler_maps_miss(name):
    q, truth = CASES[name]
    c = truth(q)
    y, rows = drawn(c), np.arange(len(q))
    oracle = np.mean(np.log(c[rows, y] / q[rows, y]))
    found = decompose(y, q, recalibration=name)
    simple = decompose(y, q, recalibration="temperature-bias")
    missed = oracle - simple.miscalibration
    assert missed > 0.015
    assert abs(oracle - found.miscalibration) < missed / 3
    low, high = found.ci()["miscalibration"]
    assert low < oracle < high + missed / 3
    mended = found.recalibrator().predict_proba(q)
    assert np.mean((mended - c) ** 2) < np.mean((q - c) ** 2) / 2


def test_cells_are_for_few_predictions():
    q = gaussian(300, 3)
    with pytest.raises(ValueError, match="few distinct predictions.* more than 100;"):
        decompose(drawn(q), q, recalibration="cells")


def test_cells_are_found_again_and_others_have_the_base_map():
    few = gaussian(6, 2)
    q = few[RNG.integers(6, size=3000)]
    c = np.clip(q[:, 1] + np.where(q[:, 1] > 0.5, -0.2, 0.1), 0.01, 0.99)
    y = drawn(np.stack([1 - c, c], axis=1))
    mended = decompose(y, q, recalibration="cells").recalibrator()
    of_cells = mended.predict_proba(few)[:, 1]
    for row, value in zip(few, of_cells, strict=True):
        observed = y[(q == row).all(axis=1)].mean()
        assert value == pytest.approx(observed, abs=0.03)
    other = mended.predict_proba([[0.5, 0.5]])
    assert other.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", ["dirichlet", "dirichlet-spline", "kernel"])
def test_maps_of_too_many_parameters_are_refused(name):
    q = gaussian(600, 150)
    with pytest.raises(ValueError, match="at most 20,000 parameters: 150 classes make"):
        decompose(drawn(q), q, labels=range(150), recalibration=name)


def test_class_temperatures_of_many_classes_are_refused():
    q = gaussian(300, 101)
    with pytest.raises(ValueError, match="at most 100 classes: found 101; pass"):
        decompose(drawn(q), q, labels=range(101), recalibration="class-temperature")
