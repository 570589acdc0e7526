import math
import pickle

import mpmath
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import jensenshannon
from scipy.special import log_softmax, softmax

from xent_metrics import (
    UnseenLabelWarning,
    cross_entropy,
    decompose_ensemble,
    entropy,
    kl_divergence,
)

from .conftest import ensemble

EPS = np.finfo(float).eps
SUMS = (
    ("member_cross_entropy", "ensemble_cross_entropy", "diversity"),
    ("member_cross_entropy", "geometric_cross_entropy", "geometric_diversity"),
    ("predictive_entropy", "member_entropy", "mutual_information"),
)


@st.composite
def members(draw):
    """Soft labels, members' predictions with exact zeros, members' weights."""
    n_members, n, n_classes = (
        draw(st.integers(a, b)) for a, b in ((1, 5), (1, 4), (2, 4))
    )
    values = st.one_of(
        st.just(0.0), st.floats(0, 1, allow_subnormal=False), st.just(1e-9)
    )
    raw = draw(hnp.arrays(np.float64, (n_members + 1, n, n_classes), elements=values))
    raw[..., 0] += raw.sum(axis=-1) < 1e-3
    tables = raw / raw.sum(axis=-1, keepdims=True)
    weights = draw(hnp.arrays(np.float64, n_members, elements=st.floats(0.01, 10)))
    return tables[0], tables[1:], weights


def naive(p, q, v, clip):
    """The terms of each row by their definitions, for targets p and weights v."""
    v = v / v.sum()
    clipped = np.maximum(q, clip)
    mean = np.einsum("mnk,m->nk", q, v)
    costs = -np.einsum("nk,mnk->mn", p, np.log(clipped))
    total = np.einsum("mnk,m->n", clipped, v)
    geometric = np.exp(np.einsum("mnk,m->nk", np.log(clipped), v))
    geometric /= geometric.sum(axis=1, keepdims=True)
    log_ratio = np.log(geometric * total[:, None]) - np.log(clipped)
    member_entropies = -np.einsum("mnk,mnk->mn", q, np.log(np.where(q > 0, q, 1)))
    both = np.where(q > 0, q / np.where(mean > 0, mean, 1), 1)
    return {
        "member_cross_entropy": v @ costs,
        "ensemble_cross_entropy": -(p * np.log(np.maximum(mean, clip))).sum(axis=1),
        "diversity": v
        @ np.einsum("nk,mnk->mn", p, np.log(np.maximum(mean, clip) / clipped)),
        "geometric_cross_entropy": -(p * np.log(geometric * total[:, None])).sum(
            axis=1
        ),
        "geometric_diversity": v @ np.einsum("nk,mnk->mn", geometric, log_ratio),
        "predictive_entropy": -(mean * np.log(np.where(mean > 0, mean, 1))).sum(axis=1),
        "member_entropy": v @ member_entropies,
        "mutual_information": v @ np.einsum("mnk,mnk->mn", q, np.log(both)),
    }


class TestIdentities:
    @settings(deadline=None)
    @given(members(), st.sampled_from([EPS, 1e-5, 0.01]), st.booleans())
    def test_terms_add_up(self, drawn, clip, soft):
        p, q, v = drawn
        y, labels = (p, None) if soft else (p.argmax(axis=1), range(p.shape[1]))
        result = decompose_ensemble(
            y,
            q,
            member_weights=v,
            labels=labels,
            target_type="distribution" if soft else "labels",
            sample_weight=np.arange(1.0, len(p) + 1),
            clip=clip,
        )
        rows = result.per_sample
        for whole, part, gain in SUMS:
            np.testing.assert_allclose(rows[whole], rows[part] + rows[gain], atol=4e-14)
            total = getattr(result, part) + getattr(result, gain)
            assert total == pytest.approx(getattr(result, whole), abs=4e-14)
        assert (rows["geometric_diversity"] >= 0).all()
        assert (rows["mutual_information"] >= 0).all()
        if not result.n_clipped_any:
            assert (rows["diversity"] >= 0).all()
        assert not result.notes

    @settings(deadline=None)
    @given(members(), st.sampled_from([EPS, 1e-5, 0.01]))
    def test_terms_are_their_definitions(self, drawn, clip):
        p, q, v = drawn
        result = decompose_ensemble(
            p, q, member_weights=v, target_type="distribution", clip=clip
        )
        for name, values in naive(p, q, v, clip).items():
            np.testing.assert_allclose(
                result.per_sample[name], values, rtol=1e-12, atol=1e-13
            )
        assert result.n_clipped == ((q < clip).any(axis=0) & (p > 0)).any(axis=1).sum()
        assert result.n_clipped_any == (q < clip).any(axis=(0, 2)).sum()

    @settings(deadline=None)
    @given(members(), st.sampled_from([0.0, EPS, 0.01]))
    def test_pairs_are_divergences(self, drawn, clip):
        _, q, v = drawn
        pairs = decompose_ensemble(
            q[0], q, member_weights=v, target_type="distribution", clip=clip
        ).pairwise_kl.to_numpy()
        for a, b in np.ndindex(pairs.shape):
            expected = 0.0
            if a != b:
                expected = kl_divergence(
                    q[a], q[b], target_type="distribution", clip=clip
                )
            assert pairs[a, b] == pytest.approx(expected, rel=1e-12, abs=1e-13)

    def test_members_that_are_alike_have_no_diversity(self):
        y, _, q, _, v = ensemble()
        q[1:] = q[0]
        result = decompose_ensemble(y, q, member_weights=v)
        for name in ("diversity", "geometric_diversity", "mutual_information"):
            assert 0 <= getattr(result, name) < 1e-30
        assert (result.pairwise_kl.abs() < 1e-16).all(axis=None)
        assert result.geometric_cross_entropy == pytest.approx(
            cross_entropy(y, q[0]), rel=1e-14
        )

    def test_one_member_has_no_diversity(self):
        y, _, q, _, _ = ensemble()
        q[0, 0] = [1, 0, 0]
        result = decompose_ensemble(y, q[:1], clip=0.01)
        assert result.diversity == result.geometric_diversity == 0
        expected = cross_entropy(y, q[0], clip=0.01)
        assert result.geometric_cross_entropy == pytest.approx(expected, rel=1e-15)


class TestReferences:
    def test_terms_of_members_are_the_measures(self):
        y, _, q, w, v = ensemble()
        share = v / v.sum()
        result = decompose_ensemble(y, q, member_weights=v, sample_weight=w, base=2)
        costs = [cross_entropy(y, m, sample_weight=w, base=2) for m in q]
        np.testing.assert_allclose(result.members["cross_entropy"], costs, rtol=1e-13)
        entropies = [entropy(m, sample_weight=w, base=2) for m in q]
        np.testing.assert_allclose(result.members["entropy"], entropies, rtol=1e-13)
        np.testing.assert_allclose(result.members["weight"], share, rtol=1e-15)
        mean = np.einsum("mnk,m->nk", q, share)
        geometric = softmax(np.einsum("mnk,m->nk", np.log(q), share), axis=1)
        for name, value in (
            ("member_cross_entropy", share @ costs),
            ("ensemble_cross_entropy", cross_entropy(y, mean, sample_weight=w, base=2)),
            (
                "geometric_cross_entropy",
                cross_entropy(y, geometric, sample_weight=w, base=2),
            ),
            (
                "geometric_diversity",
                share
                @ [kl_divergence(geometric, m, sample_weight=w, base=2) for m in q],
            ),
            ("predictive_entropy", entropy(mean, sample_weight=w, base=2)),
            (
                "mutual_information",
                share @ [kl_divergence(m, mean, sample_weight=w, base=2) for m in q],
            ),
        ):
            assert getattr(result, name) == pytest.approx(value, rel=1e-13)
        assert result.unit == "bits"

    def test_the_mutual_information_of_two_is_scipys_jensen_shannon(self):
        y, _, q, _, _ = ensemble(2)
        rows = decompose_ensemble(y, q).per_sample
        distance = jensenshannon(q[0], q[1], axis=1)
        np.testing.assert_allclose(rows["mutual_information"], distance**2, rtol=1e-12)

    @pytest.mark.parametrize("apart", [1e-2, 1e-5, 1e-7])
    def test_members_nearly_alike_keep_their_digits(self, apart):
        rng = np.random.default_rng(0)
        q = rng.dirichlet([2, 2, 2, 2]) * (1 + apart * rng.standard_normal((3, 4)))
        q /= q.sum(axis=1, keepdims=True)
        p = rng.dirichlet(np.ones(4))
        result = decompose_ensemble([p], q[:, None], clip=0)
        with mpmath.workdps(60):
            exact = [[mpmath.mpf(x) for x in row] for row in q]
            mean = [mpmath.fsum(column) / 3 for column in zip(*exact, strict=True)]
            gap = [
                mpmath.log(m) - mpmath.fsum(map(mpmath.log, column)) / 3
                for m, column in zip(mean, zip(*exact, strict=True), strict=True)
            ]
            total = mpmath.fsum(mean)
            lost = mpmath.fsum(
                m * mpmath.exp(-g) for m, g in zip(mean, gap, strict=True)
            )
            geometric = -mpmath.log(lost / total)
            diversity = mpmath.fsum(a * g for a, g in zip(p, gap, strict=True))
            information = mpmath.fsum(
                x * mpmath.log(x / m) / 3
                for row in exact
                for x, m in zip(row, mean, strict=True)
            )
            pair = mpmath.fsum(
                a * mpmath.log(a / b) for a, b in zip(*exact[:2], strict=True)
            )
        assert result.diversity == pytest.approx(float(diversity), rel=1e-11, abs=0)
        assert result.geometric_diversity == pytest.approx(
            float(geometric), rel=1e-11, abs=0
        )
        assert result.mutual_information == pytest.approx(
            float(information), rel=1e-11, abs=0
        )
        assert result.pairwise_kl.loc[0, 1] == pytest.approx(
            float(pair), rel=1e-14 / apart, abs=0
        )

    def test_standard_errors_are_sums_over_rows(self):
        y, _, q, w, _ = ensemble()
        for weights in (None, w):
            result = decompose_ensemble(y, q, sample_weight=weights)
            used = np.ones(len(y)) if weights is None else weights
            for name, value in result.terms.items():
                influence = used * (result.per_sample[name] - value)
                expected = math.sqrt(50 / 49 * (influence**2).sum()) / used.sum()
                assert result.standard_errors[name] == pytest.approx(expected)
        one = decompose_ensemble([0], q[:, :1], labels=[0, 1, 2])
        assert math.isnan(one.standard_errors["diversity"])

    def test_standard_errors_are_the_spread_of_samples(self):
        y, _, q, _, _ = ensemble(n=40_000)
        pieces = [
            decompose_ensemble(y[i : i + 200], q[:, i : i + 200], labels=range(3))
            for i in range(0, 40_000, 200)
        ]
        for name in pieces[0].terms:
            spread = np.std([getattr(piece, name) for piece in pieces], ddof=1)
            typical = np.mean([piece.standard_errors[name] for piece in pieces])
            # The spread of 200 values has a relative standard error of 5 %.
            assert typical == pytest.approx(spread, rel=0.2)


class TestZeros:
    Q = np.array([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]], [[0.5, 0.5, 0.0]]])

    def test_a_zero_costs_the_clip(self):
        result = decompose_ensemble([1], self.Q, labels=range(3))
        costs = [-math.log(EPS), 0, math.log(2)]
        assert result.members["cross_entropy"].tolist() == pytest.approx(costs)
        assert result.member_cross_entropy == pytest.approx(np.mean(costs), rel=1e-15)
        assert result.ensemble_cross_entropy == pytest.approx(math.log(2), rel=1e-14)
        assert result.geometric_cross_entropy == pytest.approx(math.log(2), rel=1e-7)
        assert (result.n_clipped, result.n_clipped_any) == (1, 1)
        assert "of the target below clip=2.2e-16: 1" in repr(result)
        assert "of any class below clip=2.2e-16: 1" in repr(result)

    def test_diversity_below_the_clip_can_be_negative(self):
        q = [[[1.0, 0.0]], [[1 - 1.8e-5, 1.8e-5]]]
        result = decompose_ensemble([1], q, labels=[0, 1], clip=1e-5)
        assert result.diversity == pytest.approx(-math.log(1.8) / 2)

    def test_without_a_clip_costs_are_infinite(self):
        q = np.concatenate([self.Q, [[[0.2, 0.3, 0.5]]]])[1:]
        result = decompose_ensemble([0], q, labels=range(3), clip=0)
        assert result.member_cross_entropy == result.diversity == math.inf
        assert result.ensemble_cross_entropy == pytest.approx(-math.log(0.7 / 3))
        assert result.geometric_cross_entropy == math.inf
        assert math.isfinite(result.geometric_diversity)
        assert result.mutual_information == pytest.approx(
            result.predictive_entropy - result.member_entropy
        )
        assert (result.n_infinite, result.n_clipped, result.n_clipped_any) == (1, 0, 0)
        assert "in 1 row a member gives its target 0" in result.notes["diversity"]
        assert math.isnan(result.standard_errors["diversity"])
        pairs = result.pairwise_kl
        assert pairs.loc[1, 0] == pairs.loc[2, 0] == math.inf
        assert pairs.loc[0, 1] == pytest.approx(math.log(2))

    def test_members_may_rule_out_every_class(self):
        result = decompose_ensemble([0], self.Q, labels=range(3), clip=0)
        assert result.geometric_diversity == math.inf
        assert math.isnan(result.geometric_cross_entropy)
        assert "rule out every class" in result.notes["geometric_cross_entropy"]
        assert "undefined: in 1 row " in repr(result)

    def test_what_all_members_rule_out_has_no_diversity(self):
        result = decompose_ensemble([2], self.Q, labels=range(3), clip=0)
        assert result.ensemble_cross_entropy == math.inf
        assert result.diversity == 0

    def test_an_unseen_label_costs_the_clip(self):
        y, _, q, _, _ = ensemble()
        with pytest.warns(UnseenLabelWarning, match="1 of 50 rows") as caught:
            result = decompose_ensemble([9, *y[1:]], q, labels=range(3))
        assert caught[0].filename == __file__
        first = result.per_sample.iloc[0]
        assert first["member_cross_entropy"] == first["ensemble_cross_entropy"]
        assert first["ensemble_cross_entropy"] == -math.log(EPS)
        assert first["diversity"] == 0
        assert (result.n_unseen, result.n_clipped, result.n_clipped_any) == (1, 1, 0)
        q[1, 5] = [1, 0, 0]
        y[5] = 0
        with pytest.warns(UnseenLabelWarning):
            result = decompose_ensemble([9, *y[1:]], q, labels=range(3))
        assert (result.n_unseen, result.n_clipped, result.n_clipped_any) == (1, 1, 1)


class TestTargets:
    def test_one_hot_is_a_label(self):
        y, _, q, _, _ = ensemble()
        assert decompose_ensemble(np.eye(3)[y], q) == decompose_ensemble(y, q)

    def test_votes_are_proportions(self):
        _, _, q, _, _ = ensemble()
        votes = np.random.default_rng(1).multinomial(8, [0.5, 0.3, 0.2], size=50)
        by_votes = decompose_ensemble(votes, q)
        assert by_votes == decompose_ensemble(votes / 8, q)
        mean = cross_entropy(votes, q.mean(axis=0))
        assert by_votes.ensemble_cross_entropy == pytest.approx(mean, rel=1e-14)

    def test_target_columns_align_by_name(self):
        _, p, q, _, _ = ensemble()
        frames = [pd.DataFrame(m, columns=list("abc")) for m in q]
        soft = pd.DataFrame(p, columns=list("abc"))[["c", "a", "b"]]
        assert decompose_ensemble(soft, frames) == decompose_ensemble(p, q)


class TestLogits:
    def test_logits_give_the_terms_of_probabilities(self):
        y, p, q, _, v = ensemble()
        logits = np.log(q) + 3
        for targets in (y, p):
            a = decompose_ensemble(targets, q, member_weights=v)
            b = decompose_ensemble(targets, logits, member_weights=v, from_logits=True)
            for name, value in a.terms.items():
                assert getattr(b, name) == pytest.approx(value, rel=1e-12)
            np.testing.assert_allclose(a.pairwise_kl, b.pairwise_kl, rtol=1e-10)

    def test_logits_reach_beyond_what_a_probability_can_say(self):
        logits = np.array([[[0.0, 2000.0]], [[2000.0, 0.0]], [[0.0, 3000.0]]])
        result = decompose_ensemble([0], logits, labels=[0, 1], from_logits=True)
        assert result.member_cross_entropy == pytest.approx(5000 / 3)
        assert result.ensemble_cross_entropy == pytest.approx(math.log(3))
        q_log = log_softmax(logits[:, 0].mean(axis=0))
        assert result.geometric_cross_entropy == pytest.approx(-q_log[0])
        assert result.pairwise_kl.loc[1, 2] == pytest.approx(3000)
        assert result.n_clipped == 0

    def test_minus_infinity_is_a_zero(self):
        logits = [[[0.0, -np.inf]], [[0.0, 0.0]]]
        result = decompose_ensemble([1], logits, labels=[0, 1], from_logits=True)
        assert result.member_cross_entropy == math.inf
        assert result.ensemble_cross_entropy == pytest.approx(math.log(4))
        assert result.pairwise_kl.loc[1, 0] == math.inf
        assert result.n_infinite == 1


class TestWeights:
    def test_weights_are_copies(self):
        y, p, q, _, _ = ensemble()
        w, v = np.arange(50) % 4, np.array([1, 0, 2, 1])
        for targets in (y, p):
            a = decompose_ensemble(targets, q, sample_weight=w, member_weights=v)
            b = decompose_ensemble(
                np.repeat(targets, w, axis=0), np.repeat(np.repeat(q, v, 0), w, 1)
            )
            for name, value in b.terms.items():
                assert getattr(a, name) == pytest.approx(value, rel=1e-13)
            assert (a.n, a.n_members) == (np.count_nonzero(w), 3)
            assert a.members.index.tolist() == [0, 2, 3]

    def test_scales_do_not_matter(self):
        y, _, q, w, v = ensemble()
        a = decompose_ensemble(y, q, sample_weight=w, member_weights=v)
        for scale in (1e-200, 7.0, 1e200):
            b = decompose_ensemble(
                y, q, sample_weight=w * scale, member_weights=v * scale
            )
            for name, value in a.terms.items():
                assert getattr(b, name) == pytest.approx(value, rel=1e-13)
                assert b.standard_errors[name] == pytest.approx(a.standard_errors[name])

    def test_a_row_of_weight_zero_may_hold_anything(self):
        y, _, q, w, _ = ensemble()
        w[7] = 0
        a = decompose_ensemble(y, q, sample_weight=w)
        q[2, 7] = np.nan
        b = decompose_ensemble(y, q, sample_weight=w)
        assert a == b
        pd.testing.assert_frame_equal(a.pairwise_kl, b.pairwise_kl)
        assert b.per_sample.iloc[7].isna().all()
        assert b.per_sample.drop(index=7).notna().all(axis=None)

    @pytest.mark.parametrize("clip", [0, EPS])
    def test_a_row_of_weight_zero_costs_nothing(self, clip):
        y, _, q, w, _ = ensemble()
        w[7], y[7], q[2, 7] = 0, 1, [1, 0, 0]
        result = decompose_ensemble(y, q, sample_weight=w, clip=clip)
        assert result.n_clipped == result.n_clipped_any == result.n_infinite == 0
        assert np.isfinite(result.members["cross_entropy"]).all()
        assert np.isfinite(result.pairwise_kl).all(axis=None)
        kept = np.arange(50) != 7
        expected = decompose_ensemble(y[kept], q[:, kept], sample_weight=w[kept])
        assert result.terms == pytest.approx(expected.terms, rel=1e-13)

    def test_weights_may_be_as_large_as_they_come(self):
        y, _, q, _, _ = ensemble()
        result = decompose_ensemble(y, q, member_weights=[1.7e308] * 4)
        assert result.terms == pytest.approx(decompose_ensemble(y, q).terms, rel=1e-14)

    def test_a_member_of_weight_zero_is_as_if_removed(self):
        y, _, q, _, _ = ensemble()
        a = decompose_ensemble(y, q[[0, 2]])
        q[1] = np.nan
        assert decompose_ensemble(y, q[:3], member_weights=[2, 0, 2]) == a


class TestResult:
    def test_the_repr_writes_the_sums_out(self):
        y, _, q, _, _ = ensemble(3, 1200)
        text = repr(decompose_ensemble(y, q, base=2))
        head, _, *lines = text.splitlines()
        assert head.endswith("of 3 members, in bits (1,200 rows, 3 classes)")
        for sums, start in zip(SUMS, (0, 4, 8), strict=True):
            for sign, name, line in zip(" =+", sums, lines[start:], strict=False):
                words = name.replace("_", " ").replace("cross ent", "cross-ent")
                assert line.startswith(f"  {sign} {words} ")
        assert "cross-entropies of the members: " in text
        assert "off the members' loss" in text
        assert "clip" not in text
        assert "weights" not in text
        weighted = decompose_ensemble(y, q, member_weights=[1, 1, 2])
        assert "weights of the members: 0.25 to 0.5" in repr(weighted)

    def test_the_frame_and_the_dict_hold_every_number(self):
        y, _, q, _, _ = ensemble()
        result = decompose_ensemble(y, q)
        frame = result.to_frame()
        assert frame["value"].to_dict() == result.terms
        assert frame["standard_error"].to_dict() == result.standard_errors
        fields = result.to_dict()
        assert fields["n_members"] == 4
        assert fields["diversity"] == result.diversity
        assert "per_sample" not in fields
        assert result.per_sample.columns.tolist() == list(result.terms)

    def test_results_are_equal_hashable_and_picklable(self):
        y, _, q, _, _ = ensemble()
        result = decompose_ensemble(y, q)
        again = pickle.loads(pickle.dumps(result))  # noqa: S301 - written just now
        assert again == result
        assert hash(again) == hash(result)
        pd.testing.assert_frame_equal(again.per_sample, result.per_sample)
        with pytest.raises(AttributeError, match="cannot assign to field"):
            result.diversity = 0.0
