"""The confusion map and the cross-validation that debiases it."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import softmax

from xent_metrics import decompose

# The algorithm is followed step by step, and its folds are looked at.
from xent_metrics._recalibration import confusion
from xent_metrics._recalibration.confusion import Confusion, fit_confusion
from xent_metrics._recalibration.cross_validation import cross_validated, fixed_folds
from xent_metrics._recalibration.sample import from_tables
from xent_metrics._recalibration.select import fit_named

from ..draws import labels_from


def mixed(n, matrix, *, seed=0):
    """Predictions, class probabilities, which mix classes up, and labels."""
    rng = np.random.default_rng(seed)
    k = len(matrix)
    q = 0.98 * rng.dirichlet(np.full(k, 0.5), n) + 0.02 / k
    p = q @ matrix
    return q, p, labels_from(p, rng)


NOISE = 0.8 * np.eye(5) + 0.2 / 5
NEIGHBOURS = 0.75 * np.eye(5) + 0.25 * np.roll(np.eye(5), 1, axis=1)
each_matrix = pytest.mark.parametrize(
    "matrix", [NOISE, NEIGHBOURS], ids=["noise", "next"]
)


def sample_of(q, y, weights=None, clusters=None):
    target = y if np.ndim(y) > 1 else np.eye(q.shape[1])[y]
    weights = np.ones(len(q)) if weights is None else weights
    return from_tables(np.log(q).T.copy(), target.T.copy(), weights, clusters)


def objective(q, target, weights, beta, bias, matrix):
    """Cost and penalties, written out."""
    k = q.shape[1]
    c = softmax(beta * np.log(q) + bias, axis=1) @ matrix
    prior = 10 * (0.9 * np.eye(k) + 0.1 / k)
    return (
        -weights @ (target * np.log(c)).sum(axis=1)
        + 0.005 * ((beta - 1) ** 2 + bias @ bias)
        - (prior * np.log(matrix)).sum()
    )


def frequencies_of(part):
    """A map that predicts the frequencies of the rows it was fitted to."""
    target, w = part.tables()[1], part.weights
    share = target @ w / w.sum()
    return lambda log_q: np.repeat(share[:, np.newaxis], log_q.shape[1], axis=1)


def temperature_of(part):
    return fit_named("temperature", part).recalibrate


class TestFit:
    @pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
    def test_the_objective_never_rises(self, soft, monkeypatch):
        q, p, y = mixed(800, NEIGHBOURS)
        sample = sample_of(q, p if soft else y)
        found = []
        for n_steps in range(12):
            monkeypatch.setattr(confusion, "_MAX_STEPS", n_steps)
            at, _, converged = confusion._maximise(sample, None)
            found.append(confusion._sweep(sample, at).objective)
        assert converged
        assert (np.diff(found) <= 0).all()
        assert found[-1] < found[0] - 10

    def test_the_objective_is_the_cost_and_the_penalties(self):
        q, _, y = mixed(300, NOISE)
        weights = np.random.default_rng(1).exponential(size=300)
        sample = sample_of(q, y, weights)
        bias = np.linspace(-0.3, 0.4, 5)
        at = Confusion(1.3, bias, NEIGHBOURS + 0.01 * (1 - 5 * np.eye(5)) + 0.04)
        at.matrix[:] /= at.matrix.sum(axis=1, keepdims=True)
        expected = objective(q, np.eye(5)[y], sample.weights, 1.3, bias, at.matrix)
        found = confusion._sweep(sample, at).objective
        assert found == pytest.approx(expected, rel=1e-13)

    @each_matrix
    def test_scipy_finds_nothing_better_nearby(self, matrix):
        q, _, y = mixed(1000, matrix)
        sample = sample_of(q, y)
        at = fit_confusion(sample).recalibrate

        def cost(x):
            rows = softmax(x[6:].reshape(5, 5), axis=1)
            return objective(q, np.eye(5)[y], sample.weights, x[0], x[1:6], rows)

        x = np.concatenate([[at.beta], at.bias, np.log(at.matrix).ravel()])
        best = minimize(cost, x, method="L-BFGS-B").fun
        assert 0 <= cost(x) - best < 1e-6 * len(q)

    def test_rows_of_the_matrix_are_distributions(self):
        q, _, y = mixed(500, NEIGHBOURS)
        at = fit_confusion(sample_of(q, y)).recalibrate
        assert at.matrix.min() > 0
        assert at.matrix.sum(axis=1) == pytest.approx(1, abs=1e-14)
        assert at(np.log(q).T).sum(axis=0) == pytest.approx(1, abs=1e-14)

    @each_matrix
    @pytest.mark.slow
    def test_it_recovers_mixed_up_classes(self, matrix):
        q, p, y = mixed(20_000, matrix)
        d = decompose(y, q, recalibration="confusion")
        recalibrated = d.recalibrator().predict_proba(q)
        missed = (p * np.log(p / recalibrated)).sum(axis=1).mean()
        truth = (p * np.log(p / q)).sum(axis=1).mean()
        assert truth > 0.05
        assert missed < 0.0015  # d / (2 n) is 0.0007
        error = d.standard_errors["miscalibration"]
        assert abs(d.miscalibration - truth) < 2.5 * error
        logit_linear = decompose(y, q, recalibration="temperature-bias")
        assert logit_linear.miscalibration < truth - 0.01

    @pytest.mark.slow
    def test_auto_takes_it_for_mixed_up_classes(self):
        q, _, y = mixed(4000, NEIGHBOURS)
        assert decompose(y, q).recalibration == "confusion"


class TestCrossValidation:
    @pytest.mark.parametrize("n_clusters", [None, 60, 3])
    def test_it_is_a_share_of_what_held_out_rows_cost_more(self, n_clusters):
        n, k = 600, 3
        rng = np.random.default_rng(0)
        y, weights = rng.integers(k, size=n), rng.exponential(size=n)
        clusters = None if n_clusters is None else rng.integers(n_clusters, size=n)
        sample = sample_of(rng.dirichlet(np.ones(k), n), y, weights, clusters)

        def shares(rows, w):
            return np.bincount(y[rows], w[rows], k) / w[rows].sum()

        folds = fixed_folds(sample)
        n_folds = min(5, n_clusters or 5)
        assert set(folds) == set(range(n_folds))
        losses = -np.log(shares(np.arange(n), weights))[y]
        held_out = np.empty(n)
        for fold in range(n_folds):
            held_out[folds == fold] = -np.log(shares(folds != fold, weights))[
                y[folds == fold]
            ]
        worse = np.average(held_out - losses, weights=weights)
        expected = worse * (n_folds - 1) / (2 * n_folds - 1)
        found = cross_validated(sample, frequencies_of, losses)
        assert found == pytest.approx(expected, rel=1e-9)
        assert found > 0

    @pytest.mark.slow
    def test_it_is_takeuchis_on_average(self):
        n, found, takeuchis = 200, [], []
        for seed in range(150):
            sample = sample_of(*mixed(n, np.eye(4), seed=seed)[::2])
            fitted = fit_named("temperature", sample)
            takeuchis.append(fitted.optimism)
            found.append(cross_validated(sample, temperature_of, fitted.losses))
        assert np.mean(takeuchis) == pytest.approx(1 / (2 * n), rel=0.05)
        error = np.std(found) / np.sqrt(len(found))
        assert error < 0.1 * np.mean(found)
        assert abs(np.mean(found) - np.mean(takeuchis)) < 3 * error

    def test_folds_keep_clusters_whole(self):
        rng = np.random.default_rng(0)
        clusters = 7 * rng.integers(40, size=500)  # numbers need not be dense
        q, y = rng.dirichlet(np.ones(3), 500), rng.integers(3, size=500)
        folds = fixed_folds(sample_of(q, y, clusters=clusters))
        assert all(len(set(folds[clusters == one])) == 1 for one in clusters)
        assert set(folds) == set(range(5))

    def test_folds_spread_classes_evenly(self):
        rng = np.random.default_rng(0)
        y = np.repeat([0, 1, 2], [480, 100, 20])
        folds = fixed_folds(sample_of(rng.dirichlet(np.ones(3), 600), y))
        counts = np.array([np.bincount(folds[y == one], minlength=5) for one in (0, 2)])
        assert counts.tolist() == [[96] * 5, [4] * 5]

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    @pytest.mark.parametrize("n_groups", [10, 12])
    def test_few_groups_do_not_leave_the_map_biased(self, n_groups):
        q, _, y = mixed(600, NOISE)
        groups = np.arange(600) % n_groups
        d = decompose(y, q, groups=groups, recalibration="confusion")
        assert d.refinement > d._evidence.data.after.costs.mean() + 0.005
