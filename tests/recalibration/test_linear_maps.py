"""Maps that are linear in their parameters, against dense re-implementations."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize
from scipy.special import log_softmax

# Derivatives, optima and knots are no part of a result.
from xent_metrics._recalibration import softmax
from xent_metrics._recalibration.cross_validation import cross_validated
from xent_metrics._recalibration.families import (
    Dirichlet,
    DirichletSpline,
    SharedSpline,
    SlopeBias,
    SlopeBiasOfTwo,
    Spline,
    Temperature,
    TemperatureBias,
)
from xent_metrics._recalibration.sample import from_tables
from xent_metrics._recalibration.select import fit_named
from xent_metrics._recalibration.softmax import (
    SoftmaxMap,
    debiased,
    fit,
    minimise,
    sweep,
    variability,
)
from xent_metrics._recalibration.spline import (
    NaturalSpline,
    even_knots,
    quantile_knots,
    roughness,
)

from ..draws import labels_from

FAMILIES = [
    Temperature,
    TemperatureBias,
    SlopeBias,
    Dirichlet,
    DirichletSpline,
    SharedSpline,
    Spline,
]
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)


def draw(family, n=250, *, soft=False, clusters=None, seed=0):
    """Over-confident predictions of weighted rows: the sample and plain tables."""
    rng = np.random.default_rng(seed)
    k = 2 if family is Spline else 3
    p = rng.dirichlet(np.ones(k), n)
    log_q = log_softmax(1.7 * np.log(p) + rng.normal(0, 0.3, (n, k)), axis=1)
    codes = labels_from(p, rng)
    target = rng.dirichlet(np.ones(k), n) if soft else np.eye(k)[codes]
    weights = rng.exponential(size=n)
    sample = from_tables(log_q.T.copy(), target.T.copy(), weights, clusters)
    return sample, log_q, target, weights * weights.sum() / (weights @ weights)


def takeuchi(one, sample):
    """The fit with Takeuchi's correction, however few its rows."""
    optimum = minimise(one, sample)
    return debiased(
        one,
        optimum,
        losses=optimum.sweep.losses,
        scatter=variability(one, sample, optimum.parameters),
        total=float(sample.weights.sum()),
        n_independent=sample.n_independent,
    )


@pytest.mark.parametrize("soft", [False, True], ids=["labels", "distributions"])
@pytest.mark.parametrize(
    "clusters", [None, np.arange(600) // 3], ids=["rows", "groups"]
)
def test_slopes_and_biases_of_two_classes_need_three_parameters(soft, clusters):
    """All five of the family give the same costs and the same corrections."""
    sample, log_q, *_ = draw(Spline, 600, soft=soft, clusters=clusters)
    three, five = (takeuchi(one(sample), sample) for one in (SlopeBiasOfTwo, SlopeBias))
    np.testing.assert_allclose(three.losses, five.losses, rtol=1e-11)
    np.testing.assert_allclose(
        three.recalibrate(log_q.T), five.recalibrate(log_q.T), rtol=1e-11
    )
    assert three.optimism == pytest.approx(five.optimism, rel=1e-9)
    assert three.variance == pytest.approx(five.variance, rel=1e-9)
    assert (three.degrees_of_freedom, five.degrees_of_freedom) == (3, 5)
    named = fit_named("slope-bias", sample)
    np.testing.assert_allclose(named.losses, three.losses, rtol=1e-11)


def natural(knots, x):
    """The cardinal natural splines of scipy, as lines beyond the outer knots."""
    spline = CubicSpline(knots, np.eye(len(knots)), bc_type="natural")
    inside = np.clip(x, knots[0], knots[-1])
    slopes = spline(inside, 1)  # at the outer knot for a value beyond it
    return spline(inside) + slopes * (x - inside)[..., np.newaxis]


def design(family, log_q):
    """Every feature of every class: a dense (rows, classes, parameters) table."""
    n, k = log_q.shape
    ones = np.ones((n, 1))
    shared, own = log_q[:, :, np.newaxis], [np.empty((n, 0))] * k
    if family.name == "temperature-bias":
        own = [ones] * k
    elif family.name == "slope-bias":
        own = [np.hstack([ones, log_q[:, [j]]]) for j in range(k)]
    elif family.name == "dirichlet":
        own = [np.hstack([ones, log_q])] * k
    elif family.name == "dirichlet-spline":
        basis = natural(family.spline.knots, log_q)
        own = [np.hstack([ones, log_q, basis[:, j]]) for j in range(k)]
    elif family.name == "shared-spline":
        shared, own = natural(family.spline.knots, log_q), [ones] * k
    elif family.name == "spline":
        x = log_q[:, 1] - log_q[:, 0]
        shared = np.column_stack([x, natural(family.spline.knots, x)])
        shared = np.stack([np.zeros_like(shared), shared], axis=1)
    width = own[0].shape[1]
    x = np.zeros((n, k, shared.shape[2] + k * width))
    x[:, :, : shared.shape[2]] = shared
    for j, features in enumerate(own):
        start = shared.shape[2] + j * width
        x[:, j, start : start + width] = features
    return x


def dense(family, log_q, target, weights):
    """Objective, gradient, Hessian and scores of the family as functions."""
    x = design(family, log_q)

    def predicted(parameters):
        return np.exp(log_softmax(x @ parameters, axis=1))

    def objective(parameters):
        away = parameters - family.identity
        cost = -(target * log_softmax(x @ parameters, axis=1)).sum(axis=1)
        return weights @ cost + 0.5 * away @ family.ridge @ away

    def scores(parameters):
        return np.einsum("nkp,nk->np", x, predicted(parameters) - target)

    def gradient(parameters):
        away = parameters - family.identity
        return weights @ scores(parameters) + family.ridge @ away

    def hessian(parameters):
        total = family.ridge.copy()
        for row, c, w in zip(x, predicted(parameters), weights, strict=True):
            total += w * row.T @ (np.diag(c) - np.outer(c, c)) @ row
        return total

    return objective, gradient, hessian, scores


class TestDerivatives:
    @each_family
    @pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
    def test_derivatives_are_finite_differences(self, family, soft):
        sample, *_ = draw(family, soft=soft)
        one = family(sample)
        at = one.identity + np.random.default_rng(1).normal(0, 0.2, len(one.identity))
        found, step = sweep(one, sample, at), 1e-5
        sides = [
            [sweep(one, sample, at + sign * step * unit) for sign in (1, -1)]
            for unit in np.eye(len(at))
        ]
        gradient = [(up.objective - down.objective) / 2 / step for up, down in sides]
        hessian = [(up.gradient - down.gradient) / 2 / step for up, down in sides]
        assert found.gradient == pytest.approx(np.array(gradient), rel=1e-6, abs=1e-5)
        assert found.hessian == pytest.approx(np.array(hessian), rel=1e-6, abs=1e-5)

    @each_family
    def test_the_objective_is_that_of_a_dense_design(self, family):
        sample, *tables = draw(family, soft=True)
        one = family(sample)
        objective, gradient, hessian, _ = dense(one, *tables)
        at = one.identity + np.random.default_rng(1).normal(0, 0.2, len(one.identity))
        found = sweep(one, sample, at)
        assert found.objective == pytest.approx(objective(at), rel=1e-12)
        assert found.gradient == pytest.approx(gradient(at), rel=1e-9, abs=1e-9)
        assert found.hessian == pytest.approx(hessian(at), rel=1e-9, abs=1e-9)


class TestOptimum:
    @each_family
    @pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
    def test_the_optimum_is_that_of_scipy(self, family, soft):
        sample, *tables = draw(family, soft=soft)
        one = family(sample)
        objective, gradient, hessian, _ = dense(one, *tables)
        best = minimize(
            objective,
            one.identity,
            jac=gradient,
            hess=hessian,
            method="trust-exact",
            options={"gtol": 1e-9},
        )
        found = minimise(one, sample)
        assert found.converged
        assert found.sweep.objective == pytest.approx(best.fun, rel=1e-13)
        assert found.parameters == pytest.approx(best.x, rel=1e-7, abs=1e-7)

    @each_family
    def test_the_map_has_the_losses_of_the_fit(self, family):
        sample, log_q, target, _ = draw(family)
        fitted = fit(family(sample), sample)
        c = fitted.recalibrate(log_q.T).T
        assert c.sum(axis=1) == pytest.approx(1, abs=1e-14)
        costs = -(target * np.log(c)).sum(axis=1)
        assert fitted.losses == pytest.approx(costs, rel=1e-10, abs=1e-12)

    @each_family
    def test_the_identity_changes_nothing(self, family):
        sample, log_q, *_ = draw(family)
        one = family(sample)
        c = one.probabilities(one.identity, log_q.T).T
        assert c == pytest.approx(np.exp(log_q), rel=1e-11)


class TestOptimism:
    @each_family
    @pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
    @pytest.mark.parametrize(
        "n_clusters", [pytest.param(None, marks=pytest.mark.slow), 400]
    )
    def test_it_is_takeuchis_by_a_sum_over_rows_or_clusters(
        self, family, soft, n_clusters
    ):
        n, clusters = 1200, None
        if n_clusters:
            clusters = np.random.default_rng(2).integers(n_clusters, size=n)
        sample, *tables = draw(family, n, soft=soft, clusters=clusters)
        one = family(sample)
        at = minimise(one, sample).parameters
        weights = tables[2]
        _, _, hessian, scores = dense(one, *tables)
        of_row = weights[:, np.newaxis] * scores(at)
        expected = np.zeros((len(at), len(at)))
        for number in range(n) if clusters is None else range(n_clusters):
            rows = [number] if clusters is None else clusters == number
            s = of_row[rows].sum(axis=0)
            expected += np.outer(s, s)
        found = variability(one, sample, at)
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-8)

        spread = np.linalg.solve(hessian(at), expected)
        independent = weights.sum()
        if clusters is not None:
            independent = min(independent, len(np.unique(clusters)))
        if len(at) > 0.1 * independent:
            spread *= independent / (independent - len(at))
        fitted = takeuchi(one, sample)
        total = weights.sum()
        assert fitted.optimism == pytest.approx(np.trace(spread) / 2 / total, rel=1e-6)
        variance = np.trace(spread @ spread) / 2 / total**2
        assert fitted.variance == pytest.approx(variance, rel=1e-6)

    def test_many_parameters_a_row_enlarge_it(self):
        sample, *tables = draw(Dirichlet, 60)
        one = Dirichlet(sample)
        fitted, n_effective = takeuchi(one, sample), tables[2].sum()
        assert fitted.degrees_of_freedom > 0.1 * n_effective
        at = fitted.recalibrate.parameters
        _, _, hessian, _ = dense(one, *tables)
        plain = np.trace(np.linalg.solve(hessian(at), variability(one, sample, at)))
        factor = n_effective / (n_effective - fitted.degrees_of_freedom)
        expected = factor * plain / (2 * n_effective)
        assert fitted.optimism == pytest.approx(expected, rel=1e-9)

    def test_it_is_cross_validated_where_rows_are_few(self):
        sample, *_ = draw(TemperatureBias, 300)
        one = TemperatureBias(sample)
        fitted = fit(one, sample).settled

        def fit_some(rows):
            return SoftmaxMap(one, minimise(one, rows).parameters)

        expected = cross_validated(sample, fit_some, fitted.losses, stratified=False)
        assert fitted.optimism == pytest.approx(expected, rel=1e-6)
        assert fitted.optimism != takeuchi(one, sample).optimism

    def test_features_are_kept_no_longer_than_the_fit(self):
        sample, *_ = draw(TemperatureBias, 300)
        one = TemperatureBias(sample)
        assert fit(one, sample).settled.converged
        assert sample.features_of(one) is None

    def test_it_is_takeuchis_where_rows_are_many(self):
        sample, *_ = draw(TemperatureBias, 2000)
        one = TemperatureBias(sample)
        assert fit(one, sample).optimism == takeuchi(one, sample).optimism


class TestManyParameters:
    """What is many is set to few here: the same optimum, by another way."""

    FAMILIES = (TemperatureBias, SlopeBias, SharedSpline)

    @pytest.fixture
    def many(self, monkeypatch):
        """More than one parameter is many."""
        return lambda: monkeypatch.setattr(softmax, "_MANY", 2)

    @pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)
    @pytest.mark.parametrize("tilted", [False, True])
    def test_the_optimum_is_the_same(self, family, tilted, many):
        sample, *_ = draw(family, 400)
        one = family(sample)
        tilt = 3.0 * np.cos(np.arange(len(one.identity))) if tilted else None
        expected = minimise(one, sample, tilt=tilt)
        many()
        found = minimise(one, sample, tilt=tilt)
        assert found.converged
        assert found.parameters == pytest.approx(expected.parameters, abs=1e-4)
        rounding = 1e-10 * sample.n
        assert found.sweep.objective == pytest.approx(
            expected.sweep.objective, abs=rounding
        )
        assert found.sweep.hessian == pytest.approx(expected.sweep.hessian, rel=1e-3)

    @pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)
    def test_folds_tell_the_same(self, family, many):
        sample, *_ = draw(family, 400)
        one = family(sample)
        expected = fit(one, sample).settled.optimism
        many()
        found = fit(one, sample).settled.optimism
        assert found == pytest.approx(expected, rel=1e-3)

    def test_what_folds_tell_of_constants_holds_for_a_richer_map(self, many):
        sample, *_ = draw(TemperatureBias, 400)
        spline = SharedSpline(sample)
        exact, takeuchis = fit(spline, sample).settled, takeuchi(spline, sample)
        many()
        near = fit(TemperatureBias(sample), sample)
        found = fit(spline, sample, near=near).settled
        told = near.settled.optimism - near.optimism
        assert found.optimism - takeuchis.optimism == pytest.approx(told, rel=1e-6)
        assert found.optimism == pytest.approx(exact.optimism, rel=0.25)

    def test_a_map_with_other_parameters_of_classes_has_folds_of_its_own(self, many):
        sample, *_ = draw(SlopeBias, 400)
        many()
        near = fit(TemperatureBias(sample), sample)
        one = SlopeBias(sample)
        alone, beside = fit(one, sample), fit(one, sample, near=near)
        assert beside.settled.optimism == alone.settled.optimism


class TestNaturalSpline:
    @pytest.mark.parametrize(
        "knots",
        [[-1.0, 2.0], [0.0, 1.0, 5.0], [-7.0, -6.9, -2.0, 0.0, 0.5, 3.0, 30.0]],
    )
    def test_it_is_scipys_and_lines_beyond_the_knots(self, knots):
        knots = np.array(knots)
        x = np.concatenate([np.linspace(-60, 60, 481), knots])
        spline = NaturalSpline(knots)
        expected = natural(knots, x)
        assert pytest.approx(expected, rel=1e-9, abs=1e-9) == spline.basis(x).T
        heights = np.random.default_rng(0).normal(size=len(knots))
        assert spline.value(x, heights) == pytest.approx(
            expected @ heights, rel=1e-9, abs=1e-9
        )

    def test_the_basis_keeps_the_shape_of_x(self):
        x = np.random.default_rng(0).normal(size=(3, 7))
        spline = NaturalSpline(np.array([-1.0, 0.0, 1.0]))
        basis = spline.basis(x)
        assert basis.shape == (3, 3, 7)  # classes, knots, rows
        assert basis[1, :, 4] == pytest.approx(spline.basis(x[1, 4:5])[:, 0], rel=1e-13)

    def test_heights_on_a_line_make_the_line(self):
        knots = np.array([-4.0, -1.0, 0.5, 6.0])
        x = np.linspace(-9, 9, 50)
        line = NaturalSpline(knots).value(x, 3 - 2 * knots)
        assert line == pytest.approx(3 - 2 * x, abs=1e-12)

    def test_roughness_is_the_sum_of_squared_second_differences(self):
        heights = np.random.default_rng(0).normal(size=7)
        expected = (np.diff(heights, n=2) ** 2).sum()
        assert heights @ roughness(7) @ heights == pytest.approx(expected)


class TestKnots:
    def test_knots_are_quantiles_of_distinct_values(self):
        x = np.random.default_rng(0).permutation(np.arange(1000.0))
        knots = quantile_knots(x, np.ones(1000), 5)
        assert knots.tolist() == [0, 299, 499, 699, 999]

    def test_weights_are_repetitions(self):
        rng = np.random.default_rng(0)
        x, times = rng.normal(size=400), rng.integers(1, 4, 400)
        weighted = quantile_knots(x, times.astype(float), 6)
        repeated = quantile_knots(np.repeat(x, times), np.ones(times.sum()), 6)
        assert (weighted == repeated).all()

    def test_ties_leave_fewer_knots(self):
        x = np.repeat([0.0, 1.0, 3.0], [500, 10, 600])
        assert quantile_knots(x, np.ones(len(x)), 9).tolist() == [0, 3]
        x = np.repeat([0.0, 1.0, 3.0], 300)
        assert quantile_knots(x, np.ones(len(x)), 9).tolist() == [0, 1, 3]

    def test_equal_values_have_two_knots_around_them(self):
        knots = quantile_knots(np.full(50, 2.0), np.ones(50), 9)
        assert knots.tolist() == [1.5, 2.5]

    def test_values_that_nearly_tie_are_one(self):
        x = np.array([0.0] * 30 + [1e-5] * 30 + [1.0] * 30)
        assert quantile_knots(x, np.ones(90), 6).tolist() == [0, 1]

    def test_even_knots_leave_out_the_two_lowest_values(self):
        x = np.array([-1000.0, -500.0, *range(9)])
        knots = even_knots(x, np.array([2.5, 5.5]), 3)
        assert knots.tolist() == [0, 2.5, 4, 5.5, 8]

    @pytest.mark.parametrize("x", [[1.0], [1.0, 1.0], [0.0, 4.0]])
    def test_even_knots_of_few_values_rise(self, x):
        knots = even_knots(np.array(x), np.array([0.0, 4.0]), 2)
        assert (np.diff(knots) > 0).all()
        assert {0.0, 4.0} <= set(knots.tolist())
