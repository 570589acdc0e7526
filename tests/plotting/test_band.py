"""The covariance of a fitted map, and the band that comes of it."""

import numpy as np
import pytest

from xent_metrics import decompose

# No result holds the derivatives of a map.
from xent_metrics._recalibration.band import deviations, probability_slopes

from ..draws import labels_from, tempered
from .conftest import expit


def at(predicted):
    log_q = np.log([1.0 - predicted, predicted])
    return log_q, np.ones(len(predicted), dtype=np.int64)


def draw(rng, n, slope=0.6, bias=0.3):
    x = rng.normal(0.0, 1.8, n)
    return (rng.random(n) < expit(slope * x + bias)).astype(int), expit(x)


@pytest.mark.slow
def test_deviations_are_those_of_fits_to_new_samples():
    grid, rng = np.array([0.05, 0.3, 0.6, 0.9]), np.random.default_rng(1)
    log_q, second = at(grid)
    fitted, said = [], []
    for _ in range(400):
        y, q = draw(rng, 400)
        found = decompose(y, q, recalibration="temperature-bias")
        recalibrate = found.recalibrator().recalibrate
        mean, slopes = probability_slopes(recalibrate, log_q, second)
        fitted.append(mean)
        said.append(deviations(recalibrate, slopes))
    assert np.mean(said, axis=0) == pytest.approx(np.std(fitted, axis=0), rel=0.15)


@pytest.mark.parametrize("name", ["temperature", "slope-bias", "dirichlet", "auto"])
def test_slopes_are_derivatives(name):
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 400)
    y, q = labels_from(p, rng), tempered(p)
    fitted = decompose(y, q, recalibration=name).recalibrator().recalibrate
    log_q, classes = np.log(q[:9].T), np.array([0, 1, 2] * 3)
    mean, slopes = probability_slopes(fitted, log_q, classes)
    for k in range(len(fitted.parameters)):
        step = np.zeros(len(fitted.parameters))
        step[k] = 1e-6
        up, down = (
            fitted.family.probabilities(fitted.parameters + s, log_q)[
                classes, np.arange(9)
            ]
            for s in (step, -step)
        )
        np.testing.assert_allclose(slopes[k], (up - down) / 2e-6, atol=1e-8)
    np.testing.assert_array_equal(mean, fitted(log_q)[classes, np.arange(9)])


@pytest.mark.slow
def test_the_covariance_depends_neither_on_the_scale_of_weights_nor_on_the_grid():
    y, q = draw(np.random.default_rng(0), 30_000)
    grid = np.array([0.1, 0.5, 0.9])
    log_q, second = at(grid)
    found = []
    for options in (
        {},  # many rows alone: fitted on a grid of their logits
        {"groups": np.arange(30_000)},
        {"sample_weight": np.full(30_000, 7.0)},
    ):
        result = decompose(y, q, recalibration="spline", **options)
        fitted = result.recalibrator().recalibrate
        found.append(deviations(fitted, probability_slopes(fitted, log_q, second)[1]))
    np.testing.assert_allclose(found[1], found[0], rtol=2e-3)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-9)


def test_groups_that_repeat_rows_do_not_narrow_the_band():
    y, q = draw(np.random.default_rng(0), 500)
    log_q, second = at(np.array([0.2, 0.7]))
    found = []
    for times in (1, 4):
        result = decompose(
            np.repeat(y, times),
            np.repeat(q, times),
            groups=np.repeat(np.arange(500), times),
            recalibration="temperature-bias",
        )
        fitted = result.recalibrator().recalibrate
        found.append(deviations(fitted, probability_slopes(fitted, log_q, second)[1]))
    np.testing.assert_allclose(found[1], found[0], rtol=0.01)


def test_other_maps_have_no_slopes():
    y, q = draw(np.random.default_rng(0), 400)
    log_q, second = at(np.array([0.2, 0.7]))
    for name in ("isotonic", "confusion"):
        fitted = decompose(y, q, recalibration=name).recalibrator().recalibrate
        assert probability_slopes(fitted, log_q, second)[1] is None
