"""The entropy of the class probabilities behind a few votes, corrected."""

import math
import re

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import digamma, gammaln

from xent_metrics import Evaluation, SmallSampleWarning, decompose

from ..draws import tempered

CORRECTIONS = ("jackknife", "miller-madow", "dirichlet")
each_correction = pytest.mark.parametrize("correction", CORRECTIONS)


def draw(n=400, k=3, n_votes=7, seed=0, *, concentration=None):
    """Votes, class probabilities behind them, predictions and weights.

    The class probabilities are drawn around the predictions where there is a
    concentration; else the predictions are over-confident.
    """
    rng = np.random.default_rng(seed)
    q = rng.dirichlet(np.ones(k), n)
    if concentration is None:
        p = tempered(q, 0.5)
    else:
        p = rng.gamma(concentration * q)
        p /= p.sum(axis=1, keepdims=True)
    votes = rng.multinomial(n_votes, p)
    return votes, p, q, rng.exponential(size=n)


def entropy_of(p):
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def jackknife(counts):
    """The entropy with each single vote left out in turn, literally."""
    n = counts.sum()
    without = []
    for c, seen in enumerate(counts):
        for _ in range(seen):
            rest = counts - np.eye(len(counts), dtype=int)[c]
            without.append(entropy_of(rest / (n - 1)))
    return n * entropy_of(counts / n) - (n - 1) * np.mean(without)


def miller_madow(counts):
    n, seen = counts.sum(), (counts > 0).sum()
    return entropy_of(counts / n) + (seen - 1) / (2 * n)


def posterior_entropy(a):
    total = a.sum()
    return digamma(total + 1) - (a / total * digamma(a + 1)).sum()


class TestFormulas:
    @pytest.mark.parametrize(
        ("correction", "formula"),
        [("jackknife", jackknife), ("miller-madow", miller_madow)],
    )
    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    def test_a_correction_is_its_formula_of_the_counts_of_a_row(
        self, correction, formula, weighted
    ):
        votes, _, q, w = draw()
        votes = votes + np.random.default_rng(1).multinomial(
            np.arange(400) % 5, [0.6, 0.3, 0.1]
        )
        d = decompose(
            votes,
            q,
            sample_weight=w if weighted else None,
            vote_correction=correction,
        )
        expected = [formula(row) for row in votes]
        mean = np.average(expected, weights=w if weighted else None)
        assert d.irreducible == pytest.approx(mean, rel=1e-12)
        of_row = d._evidence.data.rows.entropy
        assert of_row == pytest.approx(np.array(expected), abs=1e-12)

    def test_dirichlet_is_the_mean_entropy_of_the_posterior(self):
        votes, _, q, w = draw(concentration=8)
        d = decompose(
            votes,
            q,
            sample_weight=w,
            recalibration="temperature",
            vote_correction="dirichlet",
        )
        c, n = d.recalibrator().predict_proba(q), votes.sum(axis=1)

        def cost(log_s):
            a = np.exp(log_s) * c
            rows = gammaln(a.sum(axis=1)) - gammaln(a.sum(axis=1) + n)
            rows += (gammaln(a + votes) - gammaln(a)).sum(axis=1)
            return -(w * rows).sum()

        s = np.exp(minimize_scalar(cost, bounds=(-3, 8), options={"xatol": 1e-9}).x)
        assert s == pytest.approx(8, rel=0.25)
        expected = [posterior_entropy(s * c[i] + votes[i]) for i in range(len(c))]
        assert d.irreducible == pytest.approx(np.average(expected, weights=w), rel=1e-6)

    def test_many_votes_need_no_correction(self):
        votes, p, q, _ = draw(n_votes=200_000)
        truth = np.mean([entropy_of(row) for row in p])
        for correction in (None, *CORRECTIONS):
            d = decompose(
                votes, q, vote_correction=correction, recalibration="temperature"
            )
            assert d.irreducible == pytest.approx(truth, abs=3e-4)

    def test_small_integers_do_not_overflow(self):
        votes, _, q, _ = draw(n_votes=200)
        one, two = (
            decompose(votes.astype(kind), q, vote_correction="jackknife")
            for kind in (np.uint8, np.int64)
        )
        assert one.irreducible == two.irreducible


class TestBias:
    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    @pytest.mark.slow
    def test_jackknife_removes_more_bias_than_miller_and_madow(self):
        votes, p, q, _ = draw(20_000, n_votes=5)
        truth = np.mean([entropy_of(row) for row in p])
        found = {
            correction: decompose(
                votes, q, recalibration="temperature", vote_correction=correction
            ).irreducible
            - truth
            for correction in ("jackknife", "miller-madow")
        }
        plug_in = np.mean([entropy_of(row / 5) for row in votes]) - truth
        assert plug_in < -0.15
        assert plug_in < found["miller-madow"] < found["jackknife"]
        assert abs(found["jackknife"]) < 0.2 * abs(plug_in)

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    @pytest.mark.parametrize("n_votes", [2, pytest.param(5, marks=pytest.mark.slow)])
    def test_dirichlet_has_no_bias_where_its_prior_holds(self, n_votes):
        votes, p, q, _ = draw(20_000, n_votes=n_votes, concentration=10)
        d = decompose(
            votes, q, recalibration="temperature", vote_correction="dirichlet"
        )
        truth = np.mean([entropy_of(row) for row in p])
        assert d.irreducible == pytest.approx(truth, abs=0.01)
        plug_in = decompose(votes, q, recalibration="none", target_type="votes")
        assert plug_in.irreducible < truth - 0.1


class TestIdentities:
    @each_correction
    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    def test_sums_stay_exact_and_the_rest_unchanged(self, correction, weighted):
        votes, _, q, w = draw()
        options = {
            "sample_weight": w if weighted else None,
            "recalibration": "temperature-bias",
        }
        before = decompose(votes, q, **options)
        after = decompose(votes, q, vote_correction=correction, **options)
        assert after.irreducible == after.entropy
        delta = after.irreducible - before.irreducible
        assert delta > 0.02
        for sign, name in (
            (1, "entropy"),
            (-1, "kl_divergence"),
            (-1, "grouping_loss"),
        ):
            change = after.terms[name] - before.terms[name]
            assert change == pytest.approx(sign * delta, abs=1e-14)
        changed = ("entropy", "irreducible", "kl_divergence", "grouping_loss")
        for name in set(before.terms) - set(changed):
            assert after.terms[name] == before.terms[name]
        total = after.irreducible + after.grouping_loss + after.miscalibration
        assert total == pytest.approx(after.cross_entropy, abs=1e-14)
        assert after.entropy + after.kl_divergence == pytest.approx(
            after.cross_entropy, abs=1e-14
        )

    @each_correction
    def test_the_result_names_the_correction(self, correction):
        votes, _, q, _ = draw()
        d = decompose(votes, q, vote_correction=correction, recalibration="temperature")
        assert d.vote_correction == correction
        assert f"correction for few votes: {correction}" in repr(d)
        assert d.to_dict()["vote_correction"] == correction

    @each_correction
    def test_rows_of_weight_zero_are_as_if_removed(self, correction):
        votes, _, q, w = draw()
        w[::3] = 0
        kept = w > 0
        options = {"vote_correction": correction, "recalibration": "temperature"}
        before = decompose(votes[kept], q[kept], sample_weight=w[kept], **options)
        votes[::3] = [1, 0, 0]
        votes[0] = 0
        after = decompose(votes, q, sample_weight=w, **options)
        assert after.terms == pytest.approx(before.terms, rel=1e-9)
        assert "irreducible" not in after.notes

    @pytest.mark.parametrize("correction", ["jackknife", "miller-madow"])
    def test_standard_error_is_that_of_the_corrected_rows(self, correction):
        votes, _, q, _ = draw()
        d = decompose(votes, q, vote_correction=correction, recalibration="temperature")
        h = d._evidence.data.rows.entropy
        expected = h.std(ddof=1) / math.sqrt(len(h))
        assert d.standard_errors["irreducible"] == pytest.approx(expected, rel=1e-10)

    @pytest.mark.parametrize("grouped", [False, True])
    def test_the_fit_of_the_concentration_is_in_its_standard_error(self, grouped):
        votes, _, q, w = draw(600, 5, 2, concentration=3.0)
        groups = np.arange(600) // 2 if grouped else None
        options = {"groups": groups, "recalibration": "none"}
        d = decompose(votes, q, sample_weight=w, vote_correction="dirichlet", **options)

        def rows(log_s):
            s = np.exp(log_s)
            a = s * q + votes
            ratio = gammaln(a) - gammaln(s * q)
            likelihood = gammaln(s) - gammaln(s + 2) + ratio.sum(axis=1)
            return likelihood, np.array([posterior_entropy(own) for own in a])

        log_s = minimize_scalar(
            lambda x: -w @ rows(x)[0], bounds=(-3, 5), method="bounded"
        ).x
        step = 1e-4
        (up, h_up), (down, h_down) = rows(log_s + step), rows(log_s - step)
        score = (up - down) / (2 * step)
        slope = w @ (h_up - h_down) / (2 * step) / w.sum()
        h = rows(log_s)[1]
        influence = h + slope * score * w.sum() / (w @ score**2)
        psi = w * (influence - w @ influence / w.sum())
        if grouped:
            psi = np.bincount(groups, psi)
        n = len(psi)
        expected = math.sqrt(n / (n - 1) * (psi @ psi)) / w.sum()
        for name in ("irreducible", "entropy"):
            assert d.standard_errors[name] == pytest.approx(expected, rel=1e-4)
        one = d.by(np.zeros(600))
        for name in ("irreducible", "grouping_loss", "kl_divergence"):
            assert one[f"{name}_se"].to_numpy() == pytest.approx(
                d.standard_errors[name], rel=1e-9
            )

    @pytest.mark.slow
    @pytest.mark.parametrize("folds", [False, True])
    def test_the_interval_of_dirichlet_holds_the_truth(self, folds):
        held = []
        for seed in range(60):
            votes, p, q, _ = draw(600, 10, 2, seed, concentration=5.0)
            if folds:
                whole = Evaluation.from_predictions(
                    votes,
                    q,
                    folds=np.arange(600) % 2,
                    vote_correction="dirichlet",
                    recalibration="none",
                )
                d = whole.decomposition
            else:
                d = decompose(
                    votes, q, vote_correction="dirichlet", recalibration="none"
                )
            truth = np.mean([entropy_of(row) for row in p])
            low, high = d.ci()["irreducible"]
            held.append(low < truth < high)
        assert np.mean(held) > 0.85


class TestSingleVotes:
    def test_the_jackknife_is_undefined_and_says_why(self):
        votes, _, q, _ = draw()
        votes[[3, 8]] = [0, 1, 0]
        d = decompose(votes, q, vote_correction="jackknife")
        reason = "undefined: 2 rows have one vote; leave them out by a weight of 0"
        for name in ("irreducible", "grouping_loss", "entropy", "kl_divergence"):
            assert math.isnan(d.terms[name])
            assert math.isnan(d.standard_errors[name])
            assert d.notes[name] == reason
        assert math.isfinite(d.miscalibration)
        assert math.isfinite(d.resolution)

    def test_one_row_with_one_vote_is_counted_in_the_singular(self):
        votes, _, q, _ = draw()
        votes[3] = [0, 1, 0]
        d = decompose(votes, q, vote_correction="jackknife")
        reason = "undefined: 1 row has one vote; leave it out by a weight of 0"
        assert d.notes["irreducible"] == reason

    def test_a_weight_of_zero_leaves_single_votes_out(self):
        votes, _, q, _ = draw()
        votes[[3, 8]] = [0, 1, 0]
        d = decompose(
            votes,
            q,
            sample_weight=votes.sum(axis=1) > 1,
            vote_correction="jackknife",
        )
        assert d.n == 398
        assert math.isfinite(d.irreducible)

    @pytest.mark.parametrize("correction", ["miller-madow", "dirichlet"])
    def test_other_corrections_are_defined(self, correction):
        votes, _, q, _ = draw()
        votes[[3, 8]] = [0, 1, 0]
        d = decompose(votes, q, vote_correction=correction, recalibration="temperature")
        assert math.isfinite(d.irreducible)

    def test_dirichlet_without_a_map_says_why(self):
        votes = np.tile([5, 0], (300, 1))
        d = decompose(votes, [[0.5, 0.5]] * 300, vote_correction="dirichlet")
        assert d.notes["irreducible"] == "undefined: y_true holds one class only"
        assert math.isnan(d.irreducible)


class TestWarnings:
    @pytest.mark.parametrize(("k", "n_votes"), [(3, 2), (3, 4), (10, 17)])
    def test_few_votes_warn(self, k, n_votes):
        votes, _, q, _ = draw(k=k, n_votes=n_votes)
        message = (
            f"the entropy of {n_votes} votes per row among {k} classes is too low, and "
            "so is irreducible: pass vote_correction='jackknife', and take it as a "
            "rough estimate."
        )
        with pytest.warns(SmallSampleWarning, match=re.escape(message)):
            decompose(votes, q, recalibration="temperature")

    @pytest.mark.parametrize(
        ("k", "n_votes", "correction"),
        [(3, 3, "jackknife"), (10, 10, "jackknife"), (3, 6, "miller-madow")],
    )
    def test_few_votes_for_the_classes_warn_although_corrected(
        self, k, n_votes, correction
    ):
        votes, _, q, _ = draw(k=k, n_votes=n_votes)
        message = (
            f"the entropy of {n_votes} votes per row among {k} classes is too low, and "
            f"so is irreducible: read it as a lower bound, as vote_correction="
            f"{correction!r} removes only a part of that, or collect more votes."
        )
        with pytest.warns(SmallSampleWarning, match=re.escape(message)):
            decompose(votes, q, recalibration="temperature", vote_correction=correction)

    @pytest.mark.parametrize(
        ("k", "n_votes", "correction"),
        [
            *((3, 5, None), (10, 18, None), (3, 4, "jackknife")),
            *((10, 11, "jackknife"), (3, 7, "miller-madow"), (10, 2, "dirichlet")),
        ],
    )
    def test_enough_votes_do_not_warn(self, k, n_votes, correction):
        votes, _, q, _ = draw(k=k, n_votes=n_votes)
        decompose(votes, q, recalibration="temperature", vote_correction=correction)

    def test_few_votes_of_rows_that_do_not_count_do_not_warn(self):
        votes, _, q, w = draw(n_votes=8)
        votes[:200], w[:200] = votes[:200] > 2, 0
        decompose(votes, q, sample_weight=w, target_type="votes")


class TestErrors:
    @each_correction
    @pytest.mark.parametrize("kind", ["labels", "distributions"])
    def test_targets_without_votes_are_refused(self, correction, kind):
        votes, p, q, _ = draw()
        what = "one label per row" if kind == "labels" else "distributions"
        message = (
            f"vote_correction requires vote counts: y_true holds {what}; pass counts "
            "with target_type='votes', or leave vote_correction out."
        )
        target = votes.argmax(axis=1) if kind == "labels" else p
        with pytest.raises(ValueError, match=re.escape(message)):
            decompose(target, q, labels=range(3), vote_correction=correction)

    @pytest.mark.parametrize("given", ["zahl", True, 3])
    def test_an_unknown_correction_is_refused(self, given):
        votes, _, q, _ = draw()
        message = (
            "vote_correction must be one of 'jackknife', 'miller-madow', 'dirichlet' "
            f"or None: found {given!r}; pass 'jackknife'."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            decompose(votes, q, vote_correction=given)

    @each_correction
    def test_parts_of_votes_are_refused(self, correction):
        votes, _, q, w = draw()
        parts = votes.astype(float)
        parts[7] += 0.5
        message = (
            "vote_correction requires whole votes: row 7 has a part of one; pass "
            "counts, or leave vote_correction out."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            decompose(parts, q, target_type="votes", vote_correction=correction)
        w[7] = 0
        d = decompose(
            parts, q, target_type="votes", sample_weight=w, vote_correction=correction
        )
        assert math.isfinite(d.irreducible)

    def test_missing_votes_keep_their_sentence(self):
        votes, _, q, _ = draw()
        missing = votes.astype(float)
        missing[7, 1] = np.nan
        with pytest.raises(ValueError, match="y_true must .*row 7"):
            decompose(missing, q, target_type="votes", vote_correction="jackknife")
