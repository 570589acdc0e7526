"""The compiled kernels beside those of numpy, which are the reference."""

import math
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xent_metrics import cross_entropy
from xent_metrics._kernels.compiled import compiled_pass as room
from xent_metrics._kernels.ensemble_block import ROW_TERMS, Target, measured
from xent_metrics._kernels.per_row import per_row, sum_of_label_costs
from xent_metrics._kernels.softmax import logarithms, softmax
from xent_metrics._kernels.sums import total
from xent_metrics._kernels.table import Table
from xent_metrics._recalibration.spline import NaturalSpline
from xent_metrics._scan.moments import Moments

from ..thinned import thinned

pytestmark = pytest.mark.skipif(
    room.loaded.module is None, reason=f"no compiled kernels: {room.loaded.why_not}"
)
LEVELS = room.loaded.module.levels() if room.loaded.module else ()
EPS = 2.0**-52
OF_LABELS = (
    *("cross_entropy", "kl_divergence", "predictive_entropy", "confidence"),
    *("predicted", "correct", "p_true"),
)
OF_TABLES = (
    *OF_LABELS,
    *("entropy", "reverse_kl_divergence", "jeffreys_divergence"),
    "jensen_shannon_divergence",
)
SIZES = st.sampled_from([1, 2, 3, 4, 7, 10, 15, 33, 64, 65, 100, 257, 1000, 5000])


@pytest.fixture(params=LEVELS)
def level(request):
    """Each instruction set that this processor has."""
    room.loaded.module.use(request.param)
    yield request.param
    room.loaded.module.use(room.loaded.level)


def both(make, monkeypatch):
    """What compiled kernels give, and what numpy does."""
    ours = make()
    with monkeypatch.context() as patch:
        patch.setattr(room, "loaded", room.Loaded(None, "", "a test"))
        return ours, make()


def awkward(rng, n, k):
    """Two tables of rows: ordinary, equal, nearly so, with zeros, tiny, off one."""
    p = rng.dirichlet(np.full(k, rng.choice([0.02, 0.5, 5.0])), n)
    q = rng.dirichlet(np.full(k, rng.choice([0.02, 0.5, 5.0])), n)
    near = p * np.exp(rng.normal(size=p.shape) * 10.0 ** rng.uniform(-9, -1, (n, 1)))
    kind = rng.integers(7, size=n)
    q = np.where((kind == 1)[:, None], near / near.sum(axis=1, keepdims=True), q)
    q = np.where((kind == 2)[:, None], p, q)
    labels = np.eye(k)[rng.integers(k, size=n)]
    p = np.where((kind == 3)[:, None], labels, p)
    for table in (p, q):
        some = (kind == 4) & (table[:, 0] < 0.5)
        table[some, 0] = rng.choice([0.0, 5e-324, 1e-310, 1e-290, 1e-17], some.sum())
        table[kind >= 3] /= table[kind >= 3].sum(axis=1, keepdims=True)
    q[kind == 5] *= 1 + 1e-7
    p[kind == 6] *= 1 - 1e-9
    return p, q


def agree(ours, theirs, p, q, names, clip, *, divided):
    """To units in the last place of the largest term of each row: four in each result.

    Roundings of a sum add up as the root of the number of its terms. Terms of the clip
    cancel, and rows that numpy divides by their sums are off by what that rounds.
    """
    apart = np.maximum(*(np.abs(table.sum(axis=1) - 1) for table in (p, q))) > 1e-14
    apart |= divided
    log_p, log_q = (np.log(np.maximum(table, 1e-300)) for table in (p, q))
    terms = [p * (log_p - log_q), p * log_p, q * log_q, p * np.maximum(log_q, -745)]
    largest = np.max([np.abs(term).max(axis=1) for term in terms], axis=0)
    for name in names:
        mine, reference = ours.columns[name], theirs.columns[name]
        finite = np.isfinite(reference)
        np.testing.assert_array_equal(np.isfinite(mine), finite, err_msg=name)
        scale = np.abs(reference[finite])
        if name not in ("cross_entropy", "confidence", "predicted", "correct"):
            scale = np.maximum(scale, largest[finite])
        if "divergence" in name:
            scale = np.maximum(scale + clip * q.shape[1], apart[finite])
        scale = np.maximum(scale, float(divided))
        spread = np.abs(mine[finite] - reference[finite])
        allowed = 8 * EPS * scale * np.sqrt(q.shape[1])
        assert np.max(spread - allowed, initial=0.0) == 0.0, (name, spread - allowed)


class TestAgreement:
    @given(
        seed=st.integers(0, 2**32 - 1),
        n=st.sampled_from([1, 2, 7, 63, 64, 65, 200]),
        k=SIZES,
        single=st.booleans(),
        order=st.sampled_from(
            ["C", "F", "columns", "mixed", "strided", "reversed", "unaligned"]
        ),
        clip=st.sampled_from([0.0, EPS, 1e-3]),
        kind=st.sampled_from(["probabilities", "proportions"]),
    )
    def test_values_counts_and_violations_are_those_of_numpy(
        self, seed, n, k, single, order, clip, kind
    ):
        rng = np.random.default_rng(seed)
        p, q = awkward(rng, n, k)
        if single:
            p, q = p.astype(np.float32), q.astype(np.float32)
        y = rng.integers(k, size=n)
        if kind == "proportions":
            p, q = p * rng.integers(1, 9, (n, 1)), q * 10.0 ** rng.integers(-9, 9)
        tables = [Table(laid_out(table, order), kind=kind) for table in (q, p)]
        with pytest.MonkeyPatch.context() as patch:
            for target, names in (
                (y, OF_LABELS),
                (tables[1], OF_TABLES),
                (None, ("predictive_entropy", "confidence", "predicted")),
            ):
                ours, theirs = both(
                    lambda target=target, names=names: per_row(
                        tables[0], target, names, clip=clip
                    ),
                    patch,
                )
                assert ours.at_zero == theirs.at_zero
                assert ours.proba_violation == theirs.proba_violation
                assert ours.target_violation == theirs.target_violation
                of_rows = [x / x.sum(axis=1, keepdims=True) for x in (p, q)]
                if kind == "probabilities":
                    of_rows = [p.astype(float), q.astype(float)]
                agree(
                    *(ours, theirs, *of_rows, names, clip),
                    divided=kind == "proportions",
                )
            costs = both(
                lambda: sum_of_label_costs(
                    tables[0], y, clip=clip, unseen=False, n_jobs=1
                ),
                patch,
            )
        assert costs[0][0] == pytest.approx(costs[1][0], rel=4 * EPS * np.sqrt(n + k))

    @pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf, -0.1, -1e-9, 1.2, 2.0])
    @pytest.mark.parametrize("k", [2, 3, 10, 40, 100])
    @pytest.mark.parametrize("of_target", [False, True])
    def test_what_breaks_a_rule_is_found_where_numpy_finds_it(
        self, level, monkeypatch, value, k, of_target
    ):
        rng = np.random.default_rng([k, of_target])
        p, q = rng.dirichlet(np.ones(k), (2, 500))
        table = p if of_target else q
        for row, column in ((321, k - 1), (400, 0)):
            table[row, column] = value
        ours, theirs = both(
            lambda: per_row(Table(q), Table(p), OF_TABLES, clip=EPS), monkeypatch
        )
        assert repr(ours.proba_violation) == repr(theirs.proba_violation)
        assert repr(ours.target_violation) == repr(theirs.target_violation)
        assert (ours.target_violation if of_target else ours.proba_violation).row == 321
        if not of_target:
            y = rng.integers(k, size=500)
            ours, theirs = both(
                lambda: sum_of_label_costs(
                    Table(q), y, clip=EPS, unseen=False, n_jobs=1
                ),
                monkeypatch,
            )
            assert repr(ours[1]) == repr(theirs[1])

    def test_rows_of_weight_0_may_break_rules(self, level, monkeypatch):
        rng = np.random.default_rng(0)
        q, y = rng.dirichlet(np.ones(4), 300), rng.integers(4, size=300)
        active = rng.random(300) < 0.8
        q[~active, 1] = rng.choice([np.nan, 7.0, 0.0], (~active).sum())
        q[:5, 0], q[:5, 1] = 0.0, q[:5, 0] + q[:5, 1]
        ours, theirs = both(
            lambda: per_row(Table(q), y, OF_LABELS, clip=EPS, active=active),
            monkeypatch,
        )
        assert ours.at_zero == theirs.at_zero
        assert ours.proba_violation is None
        for name in OF_LABELS:
            np.testing.assert_allclose(
                ours.columns[name], theirs.columns[name], rtol=1e-14, atol=1e-15
            )

    def test_labels_beyond_the_classes_cost_what_zero_does(self, level, monkeypatch):
        rng = np.random.default_rng(0)
        q, y = rng.dirichlet(np.ones(4), 300), rng.integers(6, size=300)
        ours, theirs = both(
            lambda: per_row(Table(q), y, OF_LABELS, clip=EPS, unseen=True), monkeypatch
        )
        assert ours.at_zero == theirs.at_zero > 50
        for name in OF_LABELS:
            np.testing.assert_allclose(
                ours.columns[name], theirs.columns[name], rtol=1e-14
            )


def laid_out(table, order):
    """The same values in another place."""
    if order == "columns":
        return tuple(np.ascontiguousarray(column) for column in table.T)
    if order == "mixed":
        columns = list(table.T)
        columns[::2] = [np.ascontiguousarray(column) for column in columns[::2]]
        return tuple(columns)
    if order == "unaligned":
        memory = np.empty(table.nbytes + 1, np.uint8)[1:]
        found = memory.view(table.dtype).reshape(table.shape)
        found[:] = table
        return found
    if order == "strided":
        return np.repeat(np.repeat(table, 2, axis=0), 3, axis=1)[::2, ::3]
    if order == "reversed":
        return np.ascontiguousarray(table[::-1, ::-1])[::-1, ::-1]
    return np.asarray(table, order=order)


class TestAccuracy:
    """Against mpmath, at each level."""

    def test_costs(self, level):
        rng = np.random.default_rng(1)
        x = np.concatenate(
            [
                *(rng.random(500), np.exp(rng.uniform(-700, 0, 500))),
                *(1 - np.exp(rng.uniform(-36, -1, 500)), [0.5, 1, np.nextafter(1, 0)]),
            ]
        )
        x = np.clip(x, 0, 1)
        q = np.stack([x, 1 - x], axis=1)
        found = per_row(Table(q), np.zeros(len(q), int), ["cross_entropy"], clip=0.0)
        with mpmath.workprec(120):
            exact = [float(-mpmath.log(mpmath.mpf(float(one)))) for one in x]
        np.testing.assert_array_max_ulp(
            found.columns["cross_entropy"], np.array(exact) + 0.0, maxulp=1
        )

    @pytest.mark.parametrize("k", [2, 5, 100])
    def test_divergences_of_nearly_equal_rows(self, level, k):
        rng = np.random.default_rng(k)
        q = rng.dirichlet(np.ones(k), 60)
        p = q * np.exp(rng.normal(size=q.shape) * 10.0 ** rng.uniform(-8, -1, (60, 1)))
        p /= p.sum(axis=1, keepdims=True)
        found = per_row(Table(q), Table(p), ["kl_divergence"], clip=0.0)
        with mpmath.workprec(200):
            exact = [divergence(*rows) for rows in zip(p, q, strict=True)]
        np.testing.assert_allclose(
            found.columns["kl_divergence"], exact, rtol=1e-13, atol=1e-31
        )


def divergence(p, q):
    """KL as a sum with 200 bits."""
    pairs = [
        (mpmath.mpf(float(a)), mpmath.mpf(float(b))) for a, b in zip(p, q, strict=True)
    ]
    return float(mpmath.fsum(a * mpmath.log(a / b) for a, b in pairs))


class TestRowsAlone:
    @pytest.mark.parametrize("k", [2, 7, 100])
    def test_a_single_label_has_the_value_that_it_has_alone(self, level, k):
        rng = np.random.default_rng(k)
        q, p = rng.dirichlet(np.ones(k), 64), np.eye(k)[rng.integers(k, size=64)]
        q[::2] *= 1 + 1e-7  # of which those beside them must know nothing
        found = per_row(Table(q), Table(p), OF_TABLES, clip=EPS).columns
        for row in range(64):
            one = slice(row, row + 1)
            alone = per_row(Table(q[one]), Table(p[one]), OF_TABLES, clip=EPS).columns
            for name in OF_TABLES:
                assert found[name][row] == alone[name][0], name

    @pytest.mark.parametrize("k", [2, 7, 100])
    def test_a_single_label_costs_what_it_does_among_distributions(self, level, k):
        rng = np.random.default_rng(k)
        q, codes = rng.dirichlet(np.ones(k), 64), rng.integers(k, size=64)
        p = np.eye(k)[codes]
        p[0] = 1.0 / k
        found = cross_entropy(p, q, reduction=None)
        expected = cross_entropy(codes, q, labels=range(k), reduction=None)
        np.testing.assert_array_equal(found[1:], expected[1:])


def ensemble(rng, n, k, n_members):
    """Predictions of classes, members and rows: unlike, nearly equal, with zeros."""
    q = rng.dirichlet(np.full(k, rng.choice([0.1, 1.0, 20.0])), (n_members, n))
    near = q[:1] * np.exp(
        rng.normal(size=q.shape) * 10.0 ** rng.uniform(-9, -1, (n, 1))
    )
    kind = rng.integers(5, size=n)[:, np.newaxis]
    q = np.where(kind == 1, near / near.sum(axis=-1, keepdims=True), q)
    q = np.where(kind == 2, q[:1], q)
    few = rng.random(n_members)[:, np.newaxis] < 0.5
    small = rng.choice([0.0, 5e-324, 1e-300, 1e-280, 1e-17], n)
    q[..., 0] = np.where((kind[:, 0] == 3) & few & (k > 1), small, q[..., 0])
    q /= q.sum(axis=-1, keepdims=True)
    return np.ascontiguousarray(q.transpose(2, 0, 1))


class TestEnsembles:
    @given(
        seed=st.integers(0, 2**32 - 1),
        n=st.sampled_from([1, 2, 7, 8, 9, 64, 131]),
        k=st.sampled_from([1, 2, 3, 10, 65, 300]),
        n_members=st.sampled_from([1, 2, 5, 11]),
        clip=st.sampled_from([0.0, EPS, 1e-3]),
        target=st.sampled_from(["labels", "unseen", "soft", "soft by row"]),
    )
    def test_they_are_measured_as_by_numpy(self, seed, n, k, n_members, clip, target):
        rng = np.random.default_rng(seed)
        q, weights = ensemble(rng, n, k, n_members), rng.dirichlet(np.ones(n_members))
        of_rows = rng.exponential(size=n) * (rng.random(n) < 0.9)
        codes = rng.integers(k, size=n)
        soft = np.ascontiguousarray(rng.dirichlet(np.full(k, 0.3), n).T)
        given_target = {
            "labels": Target(codes, None, None),
            "unseen": Target(codes, None, rng.random(n) < 0.3),
            "soft": Target(None, soft, None),
            "soft by row": Target(None, np.asfortranarray(soft), None),
        }[target]

        def make():
            with np.errstate(all="ignore"):
                return measured(
                    q, given_target, weights, of_rows, logits=False, clip=clip
                )

        with pytest.MonkeyPatch.context() as patch:
            ours, theirs = both(make, patch)
        with np.errstate(all="ignore"):
            largest = 1 - np.log(np.maximum(q.min(axis=(0, 1)), max(clip, 5e-324)))
        far = 4 * EPS * np.sqrt(k + n_members) * largest
        for found, expected in zip(ours[:3], theirs[:3], strict=True):
            finite = np.isfinite(expected)
            np.testing.assert_array_equal(found[~finite], expected[~finite])
            apart = np.where(finite, found, 0.0) - np.where(finite, expected, 0.0)
            assert (np.abs(apart) <= far).all(), np.max(np.abs(apart) / far)
        whole = np.where(np.isfinite(theirs.pairs), theirs.pairs, 0.0)
        far_of_pairs = far.max() * of_rows.sum() * np.sqrt(n) + 1e-300
        np.testing.assert_allclose(
            np.where(np.isfinite(theirs.pairs), ours.pairs, 0.0),
            whole,
            rtol=0,
            atol=far_of_pairs,
        )
        for name in ("infinite", "below"):
            one, other = getattr(ours, name), getattr(theirs, name)
            assert (one is not None and one.any()) == (
                other is not None and other.any()
            )
            if one is not None and other is not None:
                np.testing.assert_array_equal(one, other)

    def test_nearly_equal_members_keep_their_digits(self, level):
        rng = np.random.default_rng(3)
        n_members, k, n = 4, 5, 12
        q = rng.dirichlet(np.ones(k), n)[np.newaxis] * np.exp(
            1e-7 * rng.normal(size=(n_members, n, k))
        )
        q /= q.sum(axis=-1, keepdims=True)
        q = np.ascontiguousarray(q.transpose(2, 0, 1))
        weights = np.full(n_members, 1.0 / n_members)
        codes = rng.integers(k, size=n)
        found = measured(
            q,
            Target(codes, None, None),
            weights,
            np.ones(n),
            logits=False,
            clip=EPS,
        )
        columns = dict(zip(ROW_TERMS, found.columns, strict=True))
        with mpmath.workprec(200):
            for row in range(n):
                own = [[mpmath.mpf(float(v)) for v in each] for each in q[..., row]]
                mean = [sum(each) / n_members for each in own]
                information = sum(
                    v * mpmath.log(v / m) / n_members
                    for each, m in zip(own, mean, strict=True)
                    for v in each
                )
                geometric = [
                    mpmath.exp(sum(map(mpmath.log, each)) / n_members) for each in own
                ]
                # Rounding of rows that do not quite add up to one is not a divergence.
                apart = mpmath.log(sum(mean)) - mpmath.log(sum(geometric))
                c = codes[row]
                gain = mpmath.log(mean[c]) - mpmath.log(geometric[c])
                for name, exact in (
                    ("mutual_information", information),
                    ("geometric_diversity", apart),
                    ("diversity", gain),
                ):
                    assert columns[name][row] == pytest.approx(float(exact), rel=1e-8)

    @pytest.mark.parametrize("k", [2, 9, 100])
    def test_a_row_has_the_value_that_it_has_alone(self, level, k):
        rng = np.random.default_rng(k)
        q, weights = ensemble(rng, 21, k, 3), rng.dirichlet(np.ones(3))
        codes = rng.integers(k, size=21)

        def values(rows):
            block = np.ascontiguousarray(q[..., rows])
            target = Target(codes[rows], None, None)
            ones = np.ones(block.shape[2])
            with np.errstate(all="ignore"):
                return measured(block, target, weights, ones, logits=False, clip=EPS)

        whole = values(np.arange(21))
        for row in range(21):
            alone = values(np.array([row]))
            for one, all_ in zip(alone[:3], whole[:3], strict=True):
                np.testing.assert_array_equal(one[..., 0], all_[..., row])

    def test_labels_may_lie_apart(self, level):
        rng = np.random.default_rng(4)
        q = np.ascontiguousarray(rng.dirichlet(np.ones(3), (9, 2)).T)
        weights, ones = np.array([0.5, 0.5]), np.ones(9)
        apart = rng.integers(3, size=18)[::2]
        found, expected = (
            measured(
                q, Target(codes, None, None), weights, ones, logits=False, clip=EPS
            )
            for codes in (apart, apart.copy())
        )
        np.testing.assert_array_equal(found.columns, expected.columns)

    def test_tables_that_do_not_fit_are_refused(self):
        q, weights, odd = np.ones((2, 3, 4)), np.ones(3), np.empty(4, np.bool_)
        out = [np.empty(s) for s in ((8, 4), (3, 4), (3, 4), (2, 3, 4))]
        codes = np.zeros(4, np.int64)
        run = room.loaded.module.members
        for wrong in (
            (q, weights[:2], codes, None, 0.0, *out, odd),
            (q, weights, codes[:3], None, 0.0, *out, odd),
            (q, weights, None, None, 0.0, *out, odd),
            (q, weights, codes, np.ones((2, 4)), 0.0, *out, odd),
            (q, weights, None, np.ones((2, 5)), 0.0, *out, odd),
            (q, weights, codes, None, 0.0, *out, odd[:3]),
            (q, weights, codes, None, 0.0, *out[:3], out[0], odd),
            (q[..., ::2], weights, codes[:2], None, 0.0, *out, odd[:2]),
            (q, weights, codes, None, 0.0, *out, None),
        ):
            with pytest.raises(ValueError, match="must"):
                run(*wrong)

    def test_values_of_single_precision_are_refused(self):
        q, weights, odd = np.ones((2, 3, 1), np.float32), np.ones(3), np.empty(1, bool)
        out = [np.empty(s) for s in ((8, 1), (3, 1), (3, 1), (2, 3, 1))]
        with pytest.raises(ValueError, match="predictions must"):
            room.loaded.module.members(
                q, weights, np.zeros(1, np.int64), None, 0.0, *out, odd
            )


def _terms_of(spline, x):
    """The terms of a spline, in a part of a larger table."""
    whole = np.zeros((len(x), spline.weights.shape[1] + 2, x.shape[1]))
    spline.fill(x, whole[:, 1:-1])
    assert not whole[:, [0, -1]].any()
    return whole


class TestMaps:
    @pytest.mark.parametrize("k", [1, 2, 10, 100])
    @pytest.mark.parametrize("n", [1, 3, 8, 513, 1025])
    def test_it_is_that_of_numpy(self, level, k, n, monkeypatch):
        rng = np.random.default_rng(n)
        z = rng.normal(size=(k, n)) * 10.0 ** rng.uniform(-2, 2.5, n)
        z[:, 0] = 0.0
        z[-1, -1] -= 1e4
        (log_sum, c), (expected_sum, expected) = both(lambda: softmax(z), monkeypatch)
        np.testing.assert_allclose(c, expected, rtol=1e-13, atol=1e-320)
        np.testing.assert_allclose(log_sum, expected_sum, rtol=1e-15, atol=1e-15)

    def test_it_is_exact_to_rounding(self, level):
        rng = np.random.default_rng(1)
        low = np.concatenate(
            [rng.uniform(0, 40, 300), 10.0 ** rng.uniform(-20, 2.8, 300)]
        )
        log_sum, c = softmax(np.stack([np.zeros_like(low), -low]))
        with mpmath.workprec(120):
            for x, own, whole in zip(low, c[1], log_sum, strict=True):
                e = mpmath.exp(-mpmath.mpf(float(x)))
                exact = e / (1 + e)
                assert abs(mpmath.mpf(float(own)) - exact) <= 2 * EPS * exact
                assert abs(mpmath.mpf(float(whole)) - mpmath.log(1 + e)) <= EPS

    def test_what_is_missing_or_infinite_is_as_by_numpy(self, level, monkeypatch):
        z = np.zeros((3, 9))
        z[0, 1], z[1, 2], z[2, 3] = np.nan, np.inf, -np.inf
        z[:, 4] = -np.inf
        z[:2, 5] = -np.inf
        with np.errstate(all="ignore"):
            (log_sum, c), (expected_sum, expected) = both(
                lambda: softmax(z), monkeypatch
            )
        np.testing.assert_allclose(c, expected, rtol=1e-15)
        np.testing.assert_allclose(log_sum, expected_sum, rtol=1e-15)

    @pytest.mark.parametrize("order", ["C", "F"])
    def test_logarithms_are_those_of_the_c_library(self, level, order):
        rng = np.random.default_rng(2)
        x = 10.0 ** rng.uniform(-320, 308, (7, 11))
        x[0, :6] = [0.0, 5e-324, 1.0, np.inf, np.nan, 1.0 - 2.0**-53]
        given_x = np.array(x, order=order)
        with np.errstate(all="ignore"):
            found, expected = logarithms(given_x), np.log(x)
        assert found is given_x
        np.testing.assert_allclose(found, expected, rtol=3e-16)

    @pytest.mark.parametrize("n", [1, 5, 64])
    def test_terms_of_splines_are_those_of_numpy(self, level, n, monkeypatch):
        rng = np.random.default_rng(n)
        spline = NaturalSpline(np.sort(rng.normal(size=6)))
        x = np.concatenate([rng.normal(size=(3, n)) * 3, [[np.inf] * n, [np.nan] * n]])
        with np.errstate(invalid="ignore"):
            found, expected = both(lambda: spline.basis(x[:3]), monkeypatch)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
            terms, others = both(lambda: _terms_of(spline, x), monkeypatch)
            np.testing.assert_allclose(terms, others, rtol=1e-15, atol=1e-16)
            np.testing.assert_array_equal(spline.basis(x[0]), spline.basis(x[:1])[0])

    def test_tables_that_do_not_fit_are_refused(self):
        module = room.loaded.module
        with pytest.raises(ValueError, match="must"):
            module.softmax(np.ones((2, 3)), np.ones((2, 3)), np.ones(2), 3)
        with pytest.raises(ValueError, match="must"):
            module.softmax(np.ones((2, 3)), np.ones((2, 3)), np.ones(4), 4)
        with pytest.raises(ValueError, match="must"):
            module.logarithms(np.ones(4), np.ones(3))
        with pytest.raises(ValueError, match="must"):
            module.cubes(np.ones((2, 3)), 0.0, 1.0, np.zeros(2), np.ones((2, 4, 3)))


class TestSums:
    @pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 100, 5000, 100_001])
    def test_they_are_rounded_once(self, level, n):
        rng = np.random.default_rng(n)
        values = rng.exponential(size=n) * 10.0 ** rng.uniform(-20, 3, n)
        assert total(values) == math.fsum(values)
        values[::2] *= -1
        assert total(values) == pytest.approx(math.fsum(values), rel=1e-14)

    @pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan, 1e308])
    def test_what_is_not_finite_is_as_by_numpy(self, level, odd, monkeypatch):
        values = np.array([1.0, odd, odd, 2.0] * 50)
        with np.errstate(all="ignore"):
            found, expected = both(lambda: total(values), monkeypatch)
        np.testing.assert_equal(found, expected)

    def test_the_mean_cost_is_that_of_the_costs(self, level):
        rng = np.random.default_rng(5)
        q, y = rng.dirichlet(np.ones(4), 30_000), rng.integers(4, size=30_000)
        costs = cross_entropy(y, q, reduction=None)
        assert cross_entropy(y, q, reduction="sum") == total(costs)


class TestThreads:
    @pytest.mark.parametrize("k", thinned([2, 10, 100], [10]))
    def test_their_number_changes_no_bit(self, k):
        rng = np.random.default_rng(k)
        n = 2_000_000 // k
        q, y = rng.dirichlet(np.ones(k), n), rng.integers(k, size=n)
        q[::1000] *= 1 + 1e-6  # left to numpy
        rows = [
            per_row(Table(q), y, OF_LABELS, clip=EPS, n_jobs=n_jobs)
            for n_jobs in (1, 4)
        ]
        for name in OF_LABELS:
            np.testing.assert_array_equal(rows[0].columns[name], rows[1].columns[name])
        sums = [
            sum_of_label_costs(Table(q), y, clip=EPS, unseen=False, n_jobs=n_jobs)
            for n_jobs in (1, 4)
        ]
        assert sums[0] == sums[1]


class TestTurnedOff:
    def of(self, value):
        """What a new process says of its compiled kernels."""
        code = (
            "import warnings; warnings.simplefilter('ignore');"
            "from xent_metrics._kernels.compiled.compiled_pass import loaded as l;"
            "print(l.module is not None, l.level, l.why_not, sep='|')"
        )
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],  # what is installed, not what lies here
            env={"XENT_METRICS_COMPILED": value, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip().split("|")

    def test_by_the_environment(self):
        assert self.of("0") == ["False", "", "XENT_METRICS_COMPILED=0 turns them off"]

    @pytest.mark.slow
    def test_a_level_can_be_named(self):
        assert self.of(LEVELS[0]) == ["True", LEVELS[0], ""]
        assert self.of("x86-64-v9") == ["True", LEVELS[-1], ""]


class TestCells:
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("n_values", [1, 3, 9])
    def test_moments_are_those_of_numpy(self, monkeypatch, weighted, n_values):
        rng = np.random.default_rng(n_values)
        codes, groups = rng.integers(3, size=2000), rng.integers(40, size=2000)
        weights = rng.random(2000) if weighted else None
        values = list(rng.exponential(size=(n_values, 2000)))
        values[0][7] = np.inf
        groups[groups == 6] = 7  # a cell without rows
        ours, theirs = both(
            lambda: (
                Moments.of_rows(groups, 40, weights, values),
                Moments.of_rows(codes, 3, weights, values),
            ),
            monkeypatch,
        )
        for one, other in zip(ours, theirs, strict=True):
            for mine, reference in zip(one, other, strict=True):
                np.testing.assert_array_equal(mine, reference)

    def test_numbers_that_are_no_cells_are_refused(self):
        out = Moments.empty(1, 3)
        with pytest.raises(ValueError, match="codes"):
            room.loaded.module.cells(np.array([0, 3]), None, (np.zeros(2),), *out)
