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
    per_sample,
    perplexity,
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


def exact(p, q, clip=0):
    """Divergences of one pair of rows, divided by their sums, by mpmath."""
    with mpmath.workdps(60):
        a, b = ([mpmath.mpf(float(x)) for x in row] for row in (p, q))
        a, b = ([x / mpmath.fsum(row) for x in row] for row in (a, b))
        clip = mpmath.mpf(clip)

        def terms(u, v):
            return [
                (mpmath.inf if not max(y, clip) else x * mpmath.log(x / max(y, clip)))
                if x
                else mpmath.mpf(0)
                for x, y in zip(u, v, strict=True)
            ]

        mean = [(x + y) / 2 for x, y in zip(a, b, strict=True)]
        forward, reverse = mpmath.fsum(terms(a, b)), mpmath.fsum(terms(b, a))
        shannon = (mpmath.fsum(terms(a, mean)) + mpmath.fsum(terms(b, mean))) / 2
        return {
            kl_divergence: float(forward),
            reverse_kl_divergence: float(reverse),
            jeffreys_divergence: float(forward + reverse),
            jensen_shannon_divergence: float(shannon),
            kl_contributions: np.array([float(x) for x in terms(a, b)]),
        }


def every(p, q, **options):
    found = {}
    for measure in (
        kl_divergence,
        reverse_kl_divergence,
        jeffreys_divergence,
        jensen_shannon_divergence,
        kl_contributions,
    ):
        here = {} if measure is jensen_shannon_divergence else options
        if measure is not kl_contributions:
            here = {**here, "reduction": None}
        found[measure] = measure(p, q, **here)
    return found


class TestSubnormals:
    @pytest.mark.parametrize("tiny", [5e-324, 1e-310, 2e-308, 1e-300])
    @pytest.mark.parametrize("other", [0.5, 1e-4, 1e-3, 1e-305, 3e-310])
    @pytest.mark.parametrize("swapped", [False, True])
    @pytest.mark.parametrize("beside", [1, 40])
    def test_divergences_are_those_of_mpmath(self, tiny, other, swapped, beside):
        p, q = np.array([[1 - other, other]]), np.array([[1.0, tiny]])
        if swapped:
            p, q = q, p
        expected = exact(p[0], q[0])
        # Beside rows with zeros, and with nothing of note.
        p, q = (np.vstack([x, [[0, 1]] * beside, [[0.3, 0.7]]]) for x in (p, q))
        for measure, values in every(p, q, clip=0).items():
            np.testing.assert_allclose(
                values[0], expected[measure], rtol=1e-12, atol=1e-15
            )

    def test_the_divergence_is_the_cost_less_the_entropy(self):
        p, q = [[0.5, 0.5]], [[1.0, 1e-310]]
        assert kl_divergence(p, q, clip=0) == pytest.approx(356.207542233517, rel=1e-14)
        assert kl_divergence(p, q, clip=1e-309) == pytest.approx(
            -math.log(0.5) * -1 - 0.5 * math.log(1e-309), rel=1e-14
        )

    def test_costs_do_not_depend_on_zeros_beside_them(self):
        q = np.array([[1.0, 5e-324], [1.0, 0.0]])
        p = np.array([[0.5, 0.5], [1.0, 0.0]])
        alone = cross_entropy(p[:1], q[:1], clip=0)
        assert cross_entropy(p, q, clip=0, reduction=None)[0] == alone
        assert alone == pytest.approx(-0.5 * math.log(5e-324), rel=1e-15)


class TestRowsOfSinglePrecision:
    @pytest.mark.parametrize("n_classes", [2, 3, 10, 100])
    @pytest.mark.parametrize("alike", [False, True])
    @pytest.mark.parametrize("off", [1e-9, 5e-5])
    def test_divergences_are_those_of_the_rows_over_their_sums(
        self, n_classes, alike, off
    ):
        rng = np.random.default_rng(n_classes)
        p, q = rng.dirichlet(np.ones(n_classes), (2, 12))
        q = p * (1 + 1e-3 * rng.random(q.shape)) if alike else q
        q /= q.sum(axis=1, keepdims=True)
        p, q = ((1 + s * off) * x for s, x in ((-1, p), (1, q)))
        p, q = (x.astype(np.float32) for x in (p, q))
        found = every(p, q, clip=0)
        for row in range(len(p)):
            for measure, expected in exact(p[row], q[row]).items():
                np.testing.assert_allclose(
                    found[measure][row], expected, rtol=1e-9, atol=1e-15
                )

    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_no_divergence_is_negative(self, dtype):
        rng = np.random.default_rng(0)
        p = rng.dirichlet(np.ones(5), 500)
        p, q = (1 - 1e-4) * p, (1 + 1e-4) * p
        p, q = p.astype(dtype), q.astype(dtype)
        for measure, values in every(p, q).items():
            if measure is not kl_contributions:
                assert values.min() > -1e-15
                assert values.max() < 1e-5

    def test_rows_that_differ_by_a_factor_only_do_not_diverge(self):
        p = np.float32([[0.5, 0.25, 0.25]])
        for values in every(p, p * np.float32(1 - 1e-4)).values():
            np.testing.assert_allclose(values, 0, atol=1e-15)

    def test_a_table_of_all_measures_has_the_same_divergence(self):
        rng = np.random.default_rng(0)
        p, q = (
            rng.dirichlet(np.full(4, 0.1), (2, 400)) * (1 + 1e-4 * rng.random((400, 1)))
        ).astype(np.float32)
        table = per_sample(p, q)["kl_divergence"]
        np.testing.assert_allclose(
            table, kl_divergence(p, q, reduction=None), rtol=1e-12
        )

    def test_the_reverse_of_hard_labels_excludes_nothing_that_is_not_there(self):
        q = np.float32([[1 - 1e-4, 0.0]])
        assert reverse_kl_divergence([0], q, labels=[0, 1]) == 0
        assert reverse_kl_divergence([0], q, labels=[0, 1], clip=0) == 0
        q = [[1.0, 1e-20]]
        assert reverse_kl_divergence([0], q, labels=[0, 1], clip=0) == math.inf

    def test_costs_take_rows_as_given(self):
        q = np.float32([[0.7001, 0.3]])
        cost = -math.log(float(q[0, 0]))
        assert cross_entropy([0], q, labels=[0, 1]) == cost
        assert kl_divergence([0], q, labels=[0, 1]) == cost


@pytest.mark.filterwarnings("error")
class TestOverflow:
    def test_a_perplexity_is_infinite_past_the_largest_number(self):
        z = np.array([[0.0, -800.0]])
        assert perplexity([1], z, labels=[0, 1], from_logits=True) == math.inf

    def test_units_smaller_than_rounding_make_costs_infinite(self):
        options = {"labels": [0, 1], "from_logits": True, "base": 1 + 2**-52}
        z = np.array([[0.0, -1e300]])
        for value in (
            cross_entropy([1], z, **options, reduction=None)[0],
            kl_contributions([1], z, **options)[0, 1],
            per_sample([1], z, **options).loc[0, "cross_entropy"],
        ):
            assert value == math.inf

    def test_ratios_of_samples_may_overflow(self):
        for log_p, log_q in (([0.0, -1], [800.0, -1]), ([-1e308, 0], [1e308, 0])):
            estimate = kl_from_samples(log_p, log_q, estimator="nonnegative")
            assert estimate == math.inf
        assert kl_from_samples([0.0, 0], [800.0, 0]) == -400

    def test_sums_of_many_rows_may_overflow(self):
        z = np.tile([0.0, -1e305], (10_000, 1))
        y = np.ones(10_000, int)
        total = cross_entropy(y, z, labels=[0, 1], from_logits=True, reduction="sum")
        assert total == math.inf
        assert kl_from_samples([1e308] * 9000, [0.0] * 9000) == math.inf

    def test_large_weights_have_the_mean_of_small_ones(self):
        y, q, w = [0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.99, 0.01]], [1.0, 2.0, 3.0]
        large = cross_entropy(y, q, sample_weight=np.multiply(w, 1e307))
        assert large == pytest.approx(cross_entropy(y, q, sample_weight=w), rel=1e-15)
        summed = cross_entropy(
            y, q, sample_weight=np.multiply(w, 1e307), reduction="sum"
        )
        assert summed == pytest.approx(
            1e307 * sum(w * cross_entropy(y, q, reduction=None)), rel=1e-15
        )

    def test_half_precision_votes_are_votes(self):
        votes = np.array([[60_000, 4, 0], [1, 2, 1]], np.float16)
        q = [[0.5, 0.25, 0.25]] * 2
        assert kl_divergence(votes, q, target_type="votes") == kl_divergence(
            votes.astype(int), q
        )

    @pytest.mark.parametrize("unit", ["D", "s"])
    def test_dates_are_labels(self, unit):
        days = np.array(["2020-01-02", "2020-01-01"], f"M8[{unit}]")
        q = [[0.9, 0.1], [0.6, 0.4]]
        for labels in (np.sort(days), np.sort(days).astype("M8[D]").tolist()):
            each = cross_entropy(days, q, labels=labels, reduction=None)
            np.testing.assert_allclose(each, [-math.log(0.1), -math.log(0.6)])


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)])
@pytest.mark.parametrize("measure", [jensen_shannon_divergence, jeffreys_divergence])
def test_empty_tables_are_refused(measure, shape):
    with pytest.raises(ValueError, match="q must not be empty: it has"):
        measure(np.empty(shape), np.empty(shape))
