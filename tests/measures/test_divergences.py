import math

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy as scipy_entropy

from xent_metrics import (
    cross_entropy,
    expected_accuracy_bound,
    jeffreys_divergence,
    jensen_shannon_divergence,
    kl_contributions,
    kl_divergence,
    kl_from_samples,
    reverse_kl_divergence,
)

P, Q = [[0.7, 0.2, 0.1]], [[0.5, 0.2, 0.3]]
RNG = np.random.default_rng(0)


@st.composite
def pairs(draw):
    seed, n_classes = draw(st.integers(0, 10**6)), draw(st.integers(2, 5))
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.full(n_classes, draw(st.floats(0.3, 3))), (2, 20))
    if draw(st.booleans()):  # some exact zeros, some equal rows
        p[:5, 0], q[3:8, -1] = 0, 0
        p, q = (x / x.sum(axis=1, keepdims=True) for x in (p, q))
        q[8:10] = p[8:10]
    return p, q


class TestWorkedNumbers:
    def test_contributions_of_one_row_are_as_worked_out(self):
        each = kl_contributions(P, Q)[0]
        assert each == pytest.approx([0.235531, 0, -0.109861], abs=5e-7)
        each = kl_contributions([[1 / 3, 2 / 3]], [[2 / 3, 1 / 3]])[0]
        assert each == pytest.approx([-0.231049, 0.462098], abs=5e-7)

    def test_the_reverse_divergence_is_as_worked_out(self):
        assert reverse_kl_divergence(P, Q) == pytest.approx(0.161348, abs=5e-7)

    def test_estimates_from_samples_outside_the_support_are_as_worked_out(self):
        # With x drawn from p in exact proportion the estimates are the expectations.
        x = np.repeat([0, 1], [6, 4])
        log_p, log_q = np.log([0.6, 0.4])[x], np.log([0.5, 0.3])[x]
        ratio = kl_from_samples(log_p, log_q)
        assert ratio == pytest.approx(0.2245, abs=5e-5)
        without = kl_from_samples(log_p, log_q, estimator="nonnegative")
        assert without == pytest.approx(0.0245, abs=5e-5)
        with_it = kl_from_samples(
            log_p, log_q, estimator="nonnegative", support_mass=0.8
        )
        assert with_it == pytest.approx(ratio, rel=1e-14)


class TestIdentities:
    @given(pairs())
    def test_contributions_sum_to_the_divergence(self, tables):
        p, q = tables
        total = kl_contributions(p, q).sum(axis=1)
        np.testing.assert_allclose(
            total, kl_divergence(p, q, reduction=None), atol=1e-13
        )

    @given(pairs())
    def test_the_reverse_is_the_divergence_the_other_way_round(self, tables):
        p, q = tables
        np.testing.assert_allclose(
            reverse_kl_divergence(p, q, reduction=None),
            kl_divergence(q, p, reduction=None),
            atol=1e-13,
        )

    @given(pairs())
    def test_jeffreys_is_both(self, tables):
        p, q = tables
        both = kl_divergence(p, q, reduction=None) + kl_divergence(q, p, reduction=None)
        ours = jeffreys_divergence(p, q, reduction=None)
        np.testing.assert_allclose(ours, both, atol=1e-13)
        other = jeffreys_divergence(q, p, reduction=None)
        np.testing.assert_allclose(ours, other, atol=1e-13)

    @given(pairs())
    def test_jensen_shannon_is_symmetric_bounded_and_scipys(self, tables):
        p, q = tables
        ours = jensen_shannon_divergence(p, q, reduction=None)
        swapped = jensen_shannon_divergence(q, p, reduction=None)
        np.testing.assert_allclose(ours, swapped, atol=1e-16)
        assert (ours >= 0).all()
        assert (ours <= math.log(2) + 1e-15).all()
        np.testing.assert_allclose(ours, jensenshannon(p, q, axis=1) ** 2, atol=1e-14)
        assert (jensen_shannon_divergence(p, p, reduction=None) == 0).all()

    @given(pairs())
    def test_accuracy_of_a_drawn_guess_is_at_least_its_bound(self, tables):
        p, q = tables
        accuracy = (p * q).sum(axis=1)
        bound = expected_accuracy_bound(p, q, reduction=None)
        assert (bound <= accuracy + 1e-15).all()
        assert expected_accuracy_bound(p, q) <= accuracy.mean() + 1e-15

    @given(pairs())
    def test_the_gradient_by_the_logits_is_q_minus_p(self, tables):
        p, q = tables
        z, step = np.log(np.maximum(q, 1e-3)), 1e-5
        softmax = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        for measure in (cross_entropy, kl_divergence):
            up, down = (
                measure(p, z + sign * step * np.eye(z.shape[1])[0], from_logits=True)
                for sign in (1, -1)
            )
            expected = (softmax - p)[:, 0].mean()
            assert (up - down) / (2 * step) == pytest.approx(expected, abs=1e-8)


class TestReferences:
    def test_the_divergence_is_scipys(self):
        p, q = RNG.dirichlet(np.ones(70), (2, 100))
        ours = kl_divergence(p, q, reduction=None)
        np.testing.assert_allclose(ours, scipy_entropy(p, q, axis=1), rtol=1e-13)

    def test_jensen_shannon_of_nearly_equal_rows_keeps_its_digits(self):
        p = np.array([[0.3, 0.3, 0.4]])
        q = p + np.array([[1e-6, -1e-6, 0]])
        with mpmath.workdps(50):
            a, b = ([mpmath.mpf(x) for x in row[0]] for row in (p, q))
            m = [(x + y) / 2 for x, y in zip(a, b, strict=True)]
            exact = mpmath.fsum(
                (x * mpmath.log(x / z) + y * mpmath.log(y / z)) / 2
                for x, y, z in zip(a, b, m, strict=True)
            )
        ours = jensen_shannon_divergence(p, q)
        assert ours == pytest.approx(float(exact), rel=1e-9)

    def test_the_reverse_of_hard_labels_depends_on_the_clip(self):
        q = RNG.dirichlet(np.ones(3), 50)
        y = RNG.integers(3, size=50)
        p = np.maximum(np.eye(3)[y], 1e-6)
        expected = (q * np.log(q / p)).sum(axis=1)
        ours = reverse_kl_divergence(y, q, labels=range(3), clip=1e-6, reduction=None)
        np.testing.assert_allclose(ours, expected, rtol=1e-9)
        assert reverse_kl_divergence([0], [[1.0, 0.0]], labels=[0, 1], clip=0) == 0
        assert reverse_kl_divergence(y, q, labels=range(3), clip=0) == math.inf

    def test_contributions_of_hard_labels_are_their_costs(self):
        each = kl_contributions([1, 0], [[0.2, 0.8], [0.5, 0.5]])
        expected = [[0, -math.log(0.8)], [-math.log(0.5), 0]]
        np.testing.assert_allclose(each, expected)

    def test_samples_of_two_normals_estimate_their_divergence(self):
        x = np.random.default_rng(3).normal(size=100_000)
        log_p, log_q = -(x**2) / 2, -((x - 0.1) ** 2) / 2  # KL is 0.005
        plain = kl_from_samples(log_p, log_q)
        steady = kl_from_samples(log_p, log_q, estimator="nonnegative")
        assert plain == pytest.approx(0.005, abs=4 * 0.1 / math.sqrt(1e5))
        assert steady == pytest.approx(0.005, abs=2e-4)


def test_frames_pair_by_name():
    p = pd.DataFrame({"a": [0.7], "b": [0.3]})
    q = pd.DataFrame({"b": [0.4], "a": [0.6]})
    expected = jensen_shannon_divergence([[0.7, 0.3]], [[0.6, 0.4]])
    assert jensen_shannon_divergence(p, q) == expected


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ([0.7, 0.3], [[0.5, 0.5]], r"p must have rows and columns: .* pass \[p\]"),
        ([[0.7, 0.3]], [0.5, 0.5], r"q must have rows and columns"),
        ([[0.7, 0.2]], [[0.5, 0.5]], "p must have rows that sum to 1: row 0 sums to"),
        ([[0.5, 0.5]], [[0.7, 0.2]], "q must have rows that sum to 1: row 0 sums to"),
        (
            [[0.5, 0.5]] * 2,
            [[0.5, 0.5]],
            "p and q must have as many rows: found 2 and 1",
        ),
        ([[1.0]], [[0.5, 0.5]], "p must have one column per class: 1 for 2 classes"),
    ],
)
def test_tables_that_do_not_pair_are_refused(p, q, message):
    with pytest.raises(ValueError, match=message):
        jensen_shannon_divergence(p, q)


@pytest.mark.parametrize(
    ("log_p", "log_q", "options", "message"),
    [
        ([0.0], [0.0, 1.0], {}, r"their shapes are \(1,\) and \(2,\)"),
        ([], [], {}, r"their shapes are \(0,\)"),
        ([0, -math.inf], [0, 0], {}, "log_p must be finite .* sample 1 has -inf and 0"),
        ([0.0], [math.nan], {}, "log_q not missing: sample 0 has 0 and nan"),
        ([0.0], [0.0], {"support_mass": 2}, r"support_mass must be in \[0, 1\]"),
        ([0.0], [0.0], {"estimator": "k3"}, "estimator must be 'ratio' or .*'k3'"),
    ],
)
def test_samples_that_do_not_pair_are_refused(log_p, log_q, options, message):
    with pytest.raises(ValueError, match=message):
        kl_from_samples(log_p, log_q, **options)


def test_bounds_do_not_add_up():
    with pytest.raises(ValueError, match="found 'sum'; bounds do not add up"):
        expected_accuracy_bound(P, Q, reduction="sum")
