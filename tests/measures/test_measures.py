import math

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import log_loss

from xent_metrics import (
    cross_entropy,
    entropy,
    kl_divergence,
    per_sample,
    perplexity,
    surprisal,
)

P, Q = (0.7, 0.2, 0.1), (0.5, 0.2, 0.3)
ROWS = [[0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6]]


@st.composite
def distributions(draw, n_tables=1):
    """Tables of probabilities of one shape, with exact zeros among them."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(2, 5)))
    tables = []
    for _ in range(n_tables):
        raw = draw(
            hnp.arrays(
                np.float64, shape, elements=st.floats(0, 1, allow_subnormal=False)
            )
        )
        raw[:, 0] += raw.sum(axis=1) < 1e-3
        tables.append(raw / raw.sum(axis=1, keepdims=True))
    return tables


class TestWorkedNumbers:
    def test_the_entropy_of_a_coin_is_log_2(self):
        assert entropy([[0.5, 0.5]]) == pytest.approx(0.693147, abs=5e-7)
        assert entropy([[1.0, 0.0]]) == 0

    def test_the_measures_of_one_pair_are_as_worked_out(self):
        assert entropy([P]) == pytest.approx(0.801819, abs=5e-7)
        assert cross_entropy([P], [Q]) == pytest.approx(0.927488, abs=5e-7)
        assert kl_divergence([P], [Q]) == pytest.approx(0.125669, abs=5e-7)
        assert kl_divergence([Q], [P]) == pytest.approx(0.161348, abs=5e-7)

    def test_the_divergence_of_thirds_is_as_worked_out(self):
        value = kl_divergence([[1 / 3, 2 / 3]], [[2 / 3, 1 / 3]])
        assert value == pytest.approx(0.231049, abs=5e-7)

    def test_the_costs_of_hard_labels_are_as_worked_out(self):
        each = cross_entropy([1, 2, 3], ROWS, reduction=None)
        assert each == pytest.approx([0.693147, 0.356675, 0.510826], abs=5e-7)
        assert cross_entropy([1, 2, 3], ROWS) == pytest.approx(0.520216, abs=5e-7)
        assert kl_divergence([1, 2, 3], ROWS) == cross_entropy([1, 2, 3], ROWS)

    def test_bits_are_nats_over_log_2(self):
        nats, bits = (cross_entropy([1, 2, 3], ROWS, base=b) for b in (None, 2))
        assert bits == nats / math.log(2)

    def test_one_hot_is_a_label(self):
        one_hot = np.eye(3)
        assert cross_entropy(one_hot, ROWS) == cross_entropy([1, 2, 3], ROWS)
        assert cross_entropy(one_hot.astype(int), ROWS) == cross_entropy(
            [1, 2, 3], ROWS
        )


class TestIdentities:
    @given(distributions(n_tables=2))
    def test_cross_entropy_is_entropy_plus_divergence(self, tables):
        p, q = tables
        ce = cross_entropy(p, q, target_type="distribution", reduction=None)
        kl = kl_divergence(p, q, target_type="distribution", reduction=None)
        np.testing.assert_allclose(ce, entropy(p, reduction=None) + kl, atol=1e-14)

    @given(distributions(n_tables=2))
    def test_the_divergence_is_not_negative_and_zero_where_equal(self, tables):
        p, q = tables
        assert (
            kl_divergence(p, q, target_type="distribution", reduction=None) > -1e-15
        ).all()
        same = kl_divergence(p, p, target_type="distribution", clip=0, reduction=None)
        assert (same == 0).all()

    @given(distributions())
    def test_the_entropy_is_between_zero_and_log_k(self, tables):
        values = entropy(tables[0], reduction=None)
        assert (values >= 0).all()
        assert (values <= math.log(tables[0].shape[1]) + 1e-15).all()

    @given(distributions(n_tables=2), st.randoms(use_true_random=False))
    def test_order_of_rows_and_classes_does_not_matter(self, tables, random):
        p, q = tables
        rows, classes = list(range(p.shape[0])), list(range(p.shape[1]))
        random.shuffle(rows)
        random.shuffle(classes)
        before = cross_entropy(p, q, target_type="distribution")
        after = cross_entropy(
            p[rows][:, classes], q[rows][:, classes], target_type="distribution"
        )
        assert after == pytest.approx(before, rel=1e-14, abs=1e-15)

    @given(distributions(n_tables=2), st.floats(1e-6, 1e6))
    def test_scale_of_weights_does_not_matter(self, tables, scale):
        p, q = tables
        w = np.arange(1.0, len(p) + 1)
        before = cross_entropy(p, q, target_type="distribution", sample_weight=w)
        after = cross_entropy(p, q, target_type="distribution", sample_weight=scale * w)
        assert after == pytest.approx(before, rel=1e-14, abs=1e-15)

    @given(st.integers(0, 40), st.integers(0, 40))
    def test_information_of_independent_events_adds_up(self, a, b):
        p, q = 2.0**-a, 0.7**b
        total = surprisal(p) + surprisal(q)
        assert surprisal(p * q) == pytest.approx(total, rel=1e-14, abs=1e-15)

    def test_one_column_is_enough_for_two_classes(self):
        q = np.array([0.2, 0.7, 0.9])
        both = np.column_stack([1 - q, q])
        assert cross_entropy([0, 1, 1], q) == cross_entropy([0, 1, 1], both)

    def test_the_perplexity_is_the_same_in_any_unit(self):
        bits = cross_entropy([1, 2, 3], ROWS, base=2)
        assert perplexity([1, 2, 3], ROWS) == pytest.approx(2**bits, rel=1e-15)
        assert perplexity([1, 2, 3], ROWS, reduction=None) == pytest.approx(
            [1 / 0.5, 1 / 0.7, 1 / 0.6]
        )

    def test_the_mean_is_the_sum_over_the_weights(self):
        w = [1.0, 2.0, 5.0]
        each = cross_entropy([1, 2, 3], ROWS, reduction=None)
        total = cross_entropy([1, 2, 3], ROWS, sample_weight=w, reduction="sum")
        assert total == pytest.approx(math.fsum(w * each), rel=1e-15)
        mean = cross_entropy([1, 2, 3], ROWS, sample_weight=w)
        assert mean == pytest.approx(math.fsum(w * each) / 8, rel=1e-15)


class TestReferences:
    @pytest.mark.parametrize("n_classes", [2, 3, 10, 65, 200])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_the_cross_entropy_is_scikit_learns(self, n_classes, weighted):
        rng = np.random.default_rng(n_classes)
        n = 3000
        q = rng.dirichlet(np.full(n_classes, 0.3), n)
        y = rng.integers(n_classes, size=n)
        w = rng.exponential(size=n) if weighted else None
        labels = list(range(n_classes))
        ours = cross_entropy(y, q, labels=labels, sample_weight=w)
        theirs = log_loss(y, q, labels=labels, sample_weight=w)
        assert ours == pytest.approx(theirs, rel=1e-12)

    @pytest.mark.parametrize("n_classes", [3, 100])
    def test_the_divergence_is_that_of_mpmath(self, n_classes):
        rng = np.random.default_rng(1)
        p, q = rng.dirichlet(np.full(n_classes, 0.2), (2, 20))
        q[0] = p[0]
        p[1, 0], q[1, 0] = 0.0, 0.25  # not a full row any more: rescaled below
        q[2] = p[2] * (1 + 1e-6 * rng.standard_normal(n_classes))
        p /= p.sum(axis=1, keepdims=True)
        q /= q.sum(axis=1, keepdims=True)
        ours = kl_divergence(p, q, clip=0, reduction=None)
        ours_ce = cross_entropy(p, q, clip=0, reduction=None)
        with mpmath.workdps(50):
            for row in range(len(p)):
                pairs = [
                    (mpmath.mpf(a), mpmath.mpf(b))
                    for a, b in zip(p[row], q[row], strict=True)
                    if a > 0
                ]
                kl = mpmath.fsum(a * mpmath.log(a / b) for a, b in pairs)
                ce = -mpmath.fsum(a * mpmath.log(b) for a, b in pairs)
                assert ours[row] == pytest.approx(float(kl), rel=1e-9, abs=1e-15)
                assert ours_ce[row] == pytest.approx(float(ce), rel=1e-14)

    def test_nearly_equal_rows_keep_their_digits(self):
        p = np.array([[0.3, 0.3, 0.4]])
        q = p + np.array([[1e-6, -1e-6, 0.0]])
        with mpmath.workdps(50):
            exact = mpmath.fsum(
                mpmath.mpf(a) * mpmath.log(mpmath.mpf(a) / mpmath.mpf(b))
                for a, b in zip(p[0], q[0], strict=True)
            )
        assert float(exact) < 1e-11
        assert kl_divergence(p, q) == pytest.approx(float(exact), rel=1e-9)

    def test_the_mean_is_the_exact_sum(self):
        rng = np.random.default_rng(2)
        q = rng.dirichlet(np.ones(4), 50_000)
        y = rng.integers(4, size=50_000)
        each = cross_entropy(y, q, reduction=None)
        assert cross_entropy(y, q) == pytest.approx(math.fsum(each) / 50_000, rel=1e-15)


class TestZeros:
    def test_a_zero_costs_the_clip(self):
        assert cross_entropy([1], [[1.0, 0.0]], labels=[0, 1]) == pytest.approx(
            -math.log(np.finfo(float).eps), rel=1e-15
        )

    def test_every_type_of_float_has_the_same_clip(self):
        costs = {
            cross_entropy([1], np.array([[1, 0]], dtype), labels=[0, 1])
            for dtype in (np.float16, np.float32, np.float64, np.int64)
        }
        assert len(costs) == 1

    def test_the_exact_cost_is_infinite(self):
        assert cross_entropy([1], [[1.0, 0.0]], labels=[0, 1], clip=0) == math.inf
        p = [[0.5, 0.5, 0.0]]
        assert kl_divergence(p, [[1.0, 0.0, 0.0]], clip=0) == math.inf
        assert kl_divergence(p, [[0.5, 0.5, 0.0]], clip=0) == 0

    def test_soft_and_hard_zeros_cost_the_same(self):
        soft = cross_entropy([[1e-9, 1 - 1e-9]], [[1.0, 0.0]], clip=1e-5)
        assert soft == pytest.approx(-math.log(1e-5), rel=1e-8)

    @pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
    def test_an_unseen_label_is_costed_as_a_zero(self):
        q = [[0.9, 0.1], [0.2, 0.8]]
        each = cross_entropy(["a", "z"], q, labels=["a", "b"], reduction=None)
        assert each[1] == -math.log(np.finfo(float).eps)


class TestLayouts:
    @pytest.mark.parametrize("n_classes", [3, 80])
    @pytest.mark.parametrize(
        "layout",
        [
            np.asfortranarray,
            lambda q: np.repeat(q, 2, axis=0)[::2],
            pd.DataFrame,
            lambda q: pd.DataFrame(q).astype("Float64"),
            lambda q: q.tolist(),
            lambda q: q.astype(object),
        ],
        ids=["fortran", "strided", "frame", "nullable", "list", "object"],
    )
    def test_every_layout_gives_the_same_number(self, layout, n_classes):
        rng = np.random.default_rng(3)
        q = rng.dirichlet(np.ones(n_classes), 700)
        p = rng.dirichlet(np.ones(n_classes), 700)
        y = rng.integers(n_classes, size=700)
        labels = list(range(n_classes))
        assert cross_entropy(y, layout(q), labels=labels) == cross_entropy(
            y, q, labels=labels
        )
        assert cross_entropy(p, layout(q)) == pytest.approx(
            cross_entropy(p, q), rel=1e-15
        )

    def test_nothing_passed_is_changed(self):
        q = np.array([[1.0, -0.0], [np.nextafter(1, 2), 0.0]])
        before = q.copy()
        q.flags.writeable = False
        assert cross_entropy([0, 0], q, labels=[0, 1]) == 0
        np.testing.assert_array_equal(q, before)

    @pytest.mark.parametrize(
        "labels", [["a", "b", "c"], [True, False, "x"], [1.5, 2, 7]]
    )
    def test_labels_count_in_the_order_given(self, labels):
        rng = np.random.default_rng(4)
        q = rng.dirichlet(np.ones(3), 50)
        codes = rng.integers(3, size=50)
        y = pd.Series([labels[c] for c in codes], dtype=object)
        assert cross_entropy(y, q, labels=labels) == cross_entropy(
            codes, q, labels=[0, 1, 2]
        )

    def test_frame_columns_name_the_classes(self):
        q = pd.DataFrame({"b": [0.1, 0.9], "a": [0.9, 0.1]})
        assert cross_entropy(["a", "b"], q) == -math.log(0.9)

    @pytest.mark.parametrize("dtype", ["category", "string", "object", "str"])
    def test_labels_may_be_of_many_types(self, dtype):
        y = pd.Series(["b", "a", "b"], dtype=dtype)
        q = [[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]
        each = cross_entropy(y, q, reduction=None)
        assert each == pytest.approx([-math.log(0.9), -math.log(0.8), -math.log(0.7)])

    def test_target_columns_align_by_name(self):
        p = pd.DataFrame({"b": [0.3, 0.5], "a": [0.7, 0.5]})
        q = pd.DataFrame({"a": [0.6, 0.5], "b": [0.4, 0.5]})
        expected = cross_entropy(p[["a", "b"]].to_numpy(), q.to_numpy())
        assert cross_entropy(p, q) == expected

    def test_votes_are_proportions(self):
        votes = np.array([[3, 1, 0], [0, 2, 2]])
        q = [[0.5, 0.3, 0.2], [0.2, 0.7, 0.1]]
        assert cross_entropy(votes, q) == cross_entropy(votes / 4, q)


class TestVotes:
    def test_nullable_integers_are_votes(self):
        votes = pd.DataFrame({"a": [1, 3], "b": [3, 1]})
        q = pd.DataFrame({"a": [0.5, 0.1], "b": [0.5, 0.9]})
        assert cross_entropy(votes.astype("Int64"), q) == cross_entropy(votes, q)

    def test_the_mean_over_rows_is_the_mean_over_single_votes(self):
        rng = np.random.default_rng(6)
        q = rng.dirichlet(np.ones(4), 30)
        votes = rng.multinomial(7, np.full(4, 0.25), size=30)
        row, vote = np.repeat(np.arange(30), 4), np.tile(np.arange(4), 30)
        each = -np.log(q[row, vote])
        single = math.fsum(votes.ravel() * each) / votes.sum()
        assert cross_entropy(votes, q) == pytest.approx(single, rel=1e-14)

    def test_plug_in_entropy_is_low_by_as_much_as_divergence_is_high(self):
        rng = np.random.default_rng(7)
        p, n_votes = np.array([0.5, 0.3, 0.2]), 50
        votes = rng.multinomial(n_votes, p, size=200_000)
        q = np.tile([0.4, 0.4, 0.2], (len(votes), 1))
        table = per_sample(votes, q)
        bias = (3 - 1) / (2 * n_votes)
        truth_h, truth_kl = entropy([p]), kl_divergence([p], q[:1])
        # The next term of the bias is of the order of 1 / n^2.
        low = truth_h - table["entropy"].mean()
        high = table["kl_divergence"].mean() - truth_kl
        assert low == pytest.approx(bias, abs=2 / n_votes**2)
        assert high == pytest.approx(bias, abs=2 / n_votes**2)


class TestPerSample:
    @pytest.mark.parametrize("soft", [False, True])
    def test_columns_are_the_measures(self, soft):
        rng = np.random.default_rng(5)
        q = rng.dirichlet(np.ones(3), 40)
        y = rng.dirichlet(np.ones(3), 40) if soft else rng.integers(3, size=40)
        table = per_sample(y, q, labels=[0, 1, 2], base=2)
        for name, function in (
            ("cross_entropy", cross_entropy),
            ("kl_divergence", kl_divergence),
        ):
            each = function(y, q, labels=[0, 1, 2], base=2, reduction=None)
            np.testing.assert_allclose(table[name], each, rtol=1e-13)
        predicted = entropy(q, base=2, reduction=None)
        np.testing.assert_array_equal(table["predictive_entropy"], predicted)
        p = y if soft else np.eye(3)[y]
        np.testing.assert_allclose(table["p_true"], (p * q).sum(axis=1), rtol=1e-14)
        np.testing.assert_array_equal(table["confidence"], q.max(axis=1))
        hit = p[np.arange(40), q.argmax(axis=1)]
        np.testing.assert_array_equal(table["correct"], hit)

    def test_the_index_is_kept(self):
        q = pd.DataFrame({"a": [0.5, 0.1], "b": [0.5, 0.9]}, index=["r1", "r2"])
        assert list(per_sample(["a", "b"], q).index) == ["r1", "r2"]

    @pytest.mark.parametrize("n", [3, 10_001])
    def test_few_rows_and_many_make_tables_of_one_form(self, n):
        q = pd.DataFrame({"a": [0.5] * n, "b": 0.5}, index=np.arange(n)[::-1])
        table = per_sample(np.resize(["a", "b"], n), q)
        one = per_sample(["a", "b"], [[0.5, 0.5], [0.5, 0.5]])
        assert table.index.equals(q.index)
        assert table.columns.equals(one.columns)
        assert set(table.dtypes) == {np.dtype(float)}
        assert table.iloc[:2].to_numpy().tolist() == one.to_numpy().tolist()

    def test_a_table_is_its_own(self):
        q = [[0.5, 0.5], [0.5, 0.5]]
        table = per_sample(["a", "b"], q)
        table.columns.name = "measure"
        table["entropy"] = 7.0
        table.loc[0, "confidence"] = 9.0
        other = per_sample(["a", "b"], q)
        assert other.columns.name is None
        assert other[["entropy", "confidence"]].to_numpy().tolist() == [[0.0, 0.5]] * 2
