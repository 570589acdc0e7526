"""Standard errors against sums over rows and clusters, written out."""

import dataclasses
import math
import re
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from xent_metrics import SmallSampleWarning, decompose
from xent_metrics._display.result import intervals

from ..draws import labels_from, tempered

SOFT_TERMS = ("irreducible", "grouping_loss")


def draw(n=400, k=3, power=2.0, seed=0, *, soft=False):
    """One-hot or soft targets, predictions and weights."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.arange(1.0, k + 1), n)
    q = tempered(p, power)
    if soft:
        p = np.stack([rng.dirichlet(20 * row + 0.1) for row in p])
        return p, q, rng.exponential(size=n)
    return np.eye(k)[labels_from(p, rng)], q, rng.exponential(size=n)


def influences(p, q, d, w):
    """What a row adds to each term, in nats."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ce = -(p * np.log(q)).sum(axis=1)
        h = -np.nansum(p * np.log(p), axis=1)
    c = d.recalibrator().predict_proba(q)
    after = -(p * np.log(c)).sum(axis=1)
    top = np.arange(len(q)), q.argmax(axis=1)
    lowered = c[top] < q[top]
    u = -(p * np.log(np.average(p, axis=0, weights=w))).sum(axis=1)
    expected = -(q * np.log(q)).sum(axis=1)
    return {
        "cross_entropy": ce,
        "entropy": h,
        "kl_divergence": ce - h,
        "uncertainty": u,
        "resolution": u - after,
        "miscalibration": ce - after,
        "overconfidence": lowered * (ce - after),
        "underconfidence": ~lowered * (ce - after),
        "refinement": after,
        "irreducible": h,
        "grouping_loss": after - h,
        "skill": -(ce - d.cross_entropy / d.uncertainty * u) / d.uncertainty,
        "predictive_entropy": expected,
        "calibration_gap": ce - expected,
    }


def of_clusters(psi, w, clusters):
    """SE^2 = G / (G - 1) sum over clusters of (sum w psi)^2 / W^2."""
    centred = w * (psi - np.average(psi, weights=w))
    sums = np.array([centred[clusters == one].sum() for one in np.unique(clusters)])
    n = len(sums)
    return math.sqrt(n / (n - 1) * (sums**2).sum()) / w.sum()


def labels_of(p):
    return p if (p < 1).all() else p.argmax(axis=1)


class TestFormulas:
    @pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    @pytest.mark.parametrize("n_groups", [None, 70])
    def test_every_term_is_a_sum_over_rows_or_clusters(self, soft, weighted, n_groups):
        p, q, w = draw(soft=soft)
        clusters = np.arange(len(q))
        if n_groups:
            clusters = np.random.default_rng(1).integers(n_groups, size=len(q))
        d = decompose(
            labels_of(p),
            q,
            sample_weight=w if weighted else None,
            groups=[f"g{one}" for one in clusters] if n_groups else None,
            recalibration="temperature-bias",
        )
        w = w if weighted else np.ones(len(q))
        expected = {
            name: of_clusters(psi, w, clusters)
            for name, psi in influences(p, q, d, w).items()
        }
        floor = math.sqrt(d._evidence.data.correction.variance)
        for name in ("overconfidence", "underconfidence"):
            expected[name] = max(expected[name], floor)
        if not soft:
            expected |= dict.fromkeys(SOFT_TERMS, math.nan)
        found = dict(d.standard_errors)
        if not soft:
            assert found.pop("entropy") == expected.pop("entropy") == 0
        assert found == pytest.approx(expected, rel=1e-9, nan_ok=True)
        assert d.n_groups == (len(np.unique(clusters)) if n_groups else None)

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    @pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
    def test_uncertainty_is_corrected_by_sums_over_clusters(self, weighted, soft):
        p, q, w = draw(soft=soft)
        w = w if weighted else np.ones(len(q))
        clusters = np.random.default_rng(1).integers(60, size=len(q))
        d = decompose(labels_of(p), q, sample_weight=w, groups=clusters)
        share = np.average(p, axis=0, weights=w)
        sums = [
            (w[:, np.newaxis] * (p - share))[clusters == one].sum(axis=0)
            for one in range(60)
        ]
        correction = (np.square(sums).sum(axis=0) / share).sum() / 2 / w.sum() ** 2
        expected = -(share * np.log(share)).sum() + correction
        assert d.uncertainty == pytest.approx(expected, rel=1e-13)

    def test_duplicates_in_groups_tell_nothing_new(self):
        p, q, _ = draw()
        y = labels_of(p)
        once = decompose(y, q, recalibration="none")
        twice = decompose(
            np.tile(y, 2),
            np.tile(q, (2, 1)),
            groups=np.tile(np.arange(len(y)), 2),
            recalibration="none",
        )
        assert twice.terms == pytest.approx(once.terms, rel=1e-12, nan_ok=True)
        assert twice.standard_errors == pytest.approx(
            once.standard_errors, rel=1e-12, nan_ok=True
        )

    def test_duplicates_in_groups_are_debiased_as_one(self):
        p, q, _ = draw(2000)
        y = labels_of(p)
        once = decompose(y, q, recalibration="temperature")
        twice = decompose(
            np.tile(y, 2),
            np.tile(q, (2, 1)),
            groups=np.tile(np.arange(len(y)), 2),
            recalibration="temperature",
        )
        # The ridge weighs half as much beside twice the rows.
        assert twice.refinement == pytest.approx(once.refinement, rel=1e-6)
        assert twice.standard_errors == pytest.approx(
            once.standard_errors, rel=1e-4, nan_ok=True
        )

    @pytest.mark.parametrize(
        "recalibration", ["temperature-bias", "dirichlet-spline", "shared-spline"]
    )
    def test_groups_of_one_row_are_no_groups(self, recalibration):
        p, q, w = draw()
        options = {"sample_weight": w, "recalibration": recalibration}
        alone = decompose(labels_of(p), q, **options)
        order = np.random.default_rng(1).permutation(len(q))
        grouped = decompose(labels_of(p), q, groups=order, **options)
        assert grouped.terms == pytest.approx(alone.terms, rel=1e-9, nan_ok=True)
        assert grouped.standard_errors == pytest.approx(
            alone.standard_errors, rel=1e-9, nan_ok=True
        )

    def test_integer_weights_in_groups_are_repetitions(self):
        p, q, _ = draw()
        y, times = labels_of(p), np.random.default_rng(1).integers(1, 4, len(p))
        weighted = decompose(y, q, sample_weight=times, recalibration="none")
        repeated = decompose(
            np.repeat(y, times),
            np.repeat(q, times, axis=0),
            groups=np.repeat(np.arange(len(y)), times),
            recalibration="none",
        )
        assert repeated.standard_errors == pytest.approx(
            weighted.standard_errors, rel=1e-12, nan_ok=True
        )


class TestFloors:
    def test_near_calibration_a_temperature_has_a_floor(self):
        # Weights of 1 and one parameter: tr((H^-1 J)^2) is about 1.
        n, at_floor, floors = 1000, 0, []
        for seed in range(20):
            p, q, _ = draw(n, power=1.0, seed=seed)
            d = decompose(labels_of(p), q, recalibration="temperature")
            floor = math.sqrt(d._evidence.data.after.variance)
            floors.append(floor)
            psi = influences(p, q, d, np.ones(n))["miscalibration"]
            error = of_clusters(psi, np.ones(n), np.arange(n))
            at_floor += error < floor
            expected = max(error, floor)
            found = d.standard_errors["miscalibration"]
            assert found == pytest.approx(expected, rel=1e-6)
        assert np.mean(floors) == pytest.approx(math.sqrt(1 / 2) / n, rel=0.05)
        assert 5 <= at_floor <= 17  # half of chi-squares of 1 are below 1/2

    @pytest.mark.slow
    def test_without_the_floor_intervals_would_miss_calibration(self):
        covered, bare = 0, 0
        for seed in range(150):
            p, q, _ = draw(500, power=1.0, seed=seed)
            d = decompose(labels_of(p), q, recalibration="temperature")
            low, high = d.ci()["miscalibration"]
            covered += low <= 0 <= high
            psi = influences(p, q, d, np.ones(500))["miscalibration"]
            error = of_clusters(psi, np.ones(500), np.arange(500))
            bare += abs(d.miscalibration) <= 1.96 * error
        assert covered >= 0.95 * 150
        assert bare < 0.9 * 150

    def test_the_resolution_of_predictions_that_tell_nothing_has_a_floor(self):
        y = np.repeat([0, 1], 150)
        q = np.tile([0.45, 0.55], (300, 1))
        d = decompose(y, q, recalibration="temperature")
        assert d.resolution == pytest.approx(0, abs=0.01)
        assert d.standard_errors["resolution"] > 1e-4

    def test_the_grouping_loss_has_the_floor_of_the_map(self):
        rng = np.random.default_rng(0)
        q = rng.dirichlet(np.ones(3), 600)
        p = np.stack([rng.dirichlet(2e4 * row) for row in q])  # nearly the truth
        d = decompose(p, q, recalibration="temperature-bias")
        floor = math.sqrt(d._evidence.data.after.variance)
        assert floor > 0
        for name in ("miscalibration", "grouping_loss"):
            assert d.standard_errors[name] >= floor

    def test_the_skill_of_the_class_frequencies_has_a_floor(self):
        # All of the skill is then the correction of the uncertainty, over it.
        rng = np.random.default_rng(0)
        y = rng.choice(3, 1000, p=[0.5, 0.3, 0.2])
        share = np.bincount(y) / 1000
        d = decompose(y, np.tile(share, (1000, 1)), recalibration="temperature")
        assert d.skill == pytest.approx(2 / 2000 / d.uncertainty)
        assert d.standard_errors["skill"] == pytest.approx(0.001 / d.uncertainty)

    def test_the_uncertainty_of_equally_frequent_classes_has_a_floor(self):
        # (K - 1) / (2 n^2) is the variance of half a chi-square of K - 1 over n.
        rng = np.random.default_rng(0)
        d = decompose(np.repeat(range(5), 80), rng.dirichlet(np.ones(5), 400))
        expected = math.sqrt(4 / 2) / 400
        assert d.standard_errors["uncertainty"] == pytest.approx(expected)

    def test_plug_in_estimates_have_no_floor(self):
        y = np.repeat([0, 1], 150)
        q = np.full((300, 2), 0.5)
        d = decompose(y, q, recalibration="isotonic")
        assert d.standard_errors["miscalibration"] == 0

    @pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
    def test_unseen_labels_leave_the_map_its_share(self):
        p, q, _ = draw(3000, power=1.0)
        y = labels_of(p)
        y[:600] = 7
        d = decompose(y, q, labels=range(3), recalibration="temperature")
        alone = decompose(
            y[600:], q[600:], labels=range(3), recalibration="temperature"
        )
        both = [one._evidence.data.after.variance for one in (d, alone)]
        assert both[0] == pytest.approx(0.8**2 * both[1], rel=1e-12)


class TestIntervals:
    @pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
    def test_intervals_are_z_standard_errors_around_the_value(self, level):
        p, q, _ = draw()
        d = decompose(labels_of(p), q, recalibration="temperature")
        z = NormalDist().inv_cdf((1 + level) / 2)
        intervals = d.ci(level)
        assert list(intervals) == list(d.terms)
        for name, (low, high) in intervals.items():
            if name in SOFT_TERMS:
                assert math.isnan(low)
                assert math.isnan(high)
                continue
            value, error = d.terms[name], d.standard_errors[name]
            assert (low + high) / 2 == pytest.approx(value, abs=1e-14)
            assert (high - low) / 2 == pytest.approx(z * error, abs=1e-14)

    def test_they_reach_to_what_a_richer_map_may_remove(self):
        p, q, _ = draw()
        d = decompose(labels_of(p), q)
        ladder = d.ladder.copy()
        assert ladder.loc["dirichlet", "degrees_of_freedom"] > d.degrees_of_freedom
        more = 0.05
        removed = ladder.loc[d.recalibration, "miscalibration"]
        ladder.loc["dirichlet", "miscalibration"] = removed + more
        ladder.loc["none"] = ladder.loc["dirichlet"]
        ladder.loc["none", ["degrees_of_freedom", "miscalibration"]] = 0, removed + 1
        d = dataclasses.replace(d, ladder=ladder)
        around = intervals(d.terms, d.standard_errors, 0.95)
        found = d.ci()
        for name in ("miscalibration", "resolution"):
            low, high = around[name]
            assert found[name] == pytest.approx((low, high + more), abs=1e-14)
        low, high = around["refinement"]
        assert found["refinement"] == pytest.approx((low - more, high), abs=1e-14)
        assert found["skill"] == around["skill"]
        last = repr(d).splitlines()[-1]
        assert last == (
            f"read the miscalibration as at least {d.miscalibration:.4f}: the "
            "dirichlet map may remove 0.0500 more, which is within noise"
        )

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    def test_too_few_rows_for_maps_that_mix_classes_are_said(self):
        p, q, _ = draw(n=100, k=30)
        text = repr(decompose(labels_of(p), q, labels=range(30)))
        assert re.search(
            r"at least -?\d\.\d{4}: 100 rows are too few to try maps that mix", text
        )
        p, q, _ = draw(k=2)
        assert "at least" not in repr(decompose(labels_of(p), q))

    @pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan, "a", None])
    def test_the_level_must_be_a_share(self, level):
        p, q, _ = draw()
        d = decompose(labels_of(p), q, recalibration="temperature")
        message = f"level must be in (0, 1): found {level!r}; pass 0.95."
        with pytest.raises(ValueError, match=re.escape(message)):
            d.ci(level)

    def test_errors_in_bits_are_errors_in_nats_over_log_2(self):
        p, q, w = draw(soft=True)
        nats = decompose(
            p, q, sample_weight=w, recalibration="temperature"
        ).standard_errors
        bits = decompose(
            p, q, sample_weight=w, recalibration="temperature", base=2
        ).standard_errors
        expected = {
            name: error / (1 if name == "skill" else math.log(2))
            for name, error in nats.items()
        }
        assert bits == pytest.approx(expected, rel=1e-13)

    @pytest.mark.parametrize("recalibration", ["auto", "isotonic"])
    def test_a_term_that_is_infinite_has_no_interval(self, recalibration):
        p, q, _ = draw(k=2)
        y = labels_of(p)
        q[0] = np.eye(2)[1 - y[0]]
        d = decompose(y, q, clip=0, recalibration=recalibration)
        infinite = {name for name, value in d.terms.items() if math.isinf(value)}
        assert infinite == {
            "cross_entropy",
            "kl_divergence",
            "miscalibration",
            "overconfidence",
            "skill",
            "calibration_gap",
        }
        undefined = {n for n, e in d.standard_errors.items() if math.isnan(e)}
        assert undefined == infinite | set(SOFT_TERMS)
        assert set(d.notes) == undefined
        for name in infinite:
            assert d.notes[name].endswith("for the target in 1 row")
        text = repr(d)
        assert "± nan" not in text
        assert "rows whose cost is infinite: 1" in text

    def test_a_term_that_is_undefined_has_no_interval(self):
        d = decompose([1] * 300, [[0.1, 0.9]] * 300, labels=[0, 1])
        undefined = {n for n, e in d.standard_errors.items() if math.isnan(e)}
        assert undefined == {*SOFT_TERMS, "refinement", "resolution"} | {
            "miscalibration",
            "overconfidence",
            "underconfidence",
            "skill",
        }


class TestGroups:
    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    def test_rows_of_weight_zero_have_any_group(self):
        p, q, w = draw()
        groups = np.arange(len(q)) // 4.0
        w[:7] = 0
        kept = w > 0
        before = decompose(
            labels_of(p)[kept], q[kept], sample_weight=w[kept], groups=groups[kept]
        )
        groups[:4] = np.nan
        after = decompose(labels_of(p), q, sample_weight=w, groups=groups)
        assert after.n_groups == before.n_groups == 99
        assert after.standard_errors == pytest.approx(
            before.standard_errors, rel=1e-9, nan_ok=True
        )

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    def test_groups_may_be_any_values(self):
        p, q, _ = draw()
        codes = np.random.default_rng(1).integers(50, size=len(q))
        kinds = (
            codes,
            [f"patient {one}" for one in codes],
            pd.Series(codes, index=codes).astype("Int64"),
            pd.Categorical.from_codes(codes, [str(one) for one in range(50)]),
            pd.Timestamp("2024-01-01") + pd.to_timedelta(codes, unit="D"),
        )
        y = labels_of(p)
        found = [
            decompose(y, q, groups=groups, recalibration="temperature")
            for groups in kinds
        ]
        for one in found:
            assert one.n_groups == 50
            assert one.standard_errors == pytest.approx(
                found[0].standard_errors, rel=1e-12, nan_ok=True
            )

    def test_few_groups_warn(self):
        p, q, _ = draw()
        message = "only 100 groups of rows: terms are unreliable below about 200"
        with pytest.warns(SmallSampleWarning, match=message):
            decompose(labels_of(p), q, groups=np.arange(400) // 4)

    def test_soft_labels_of_more_rows_than_a_block_has(self):
        rng = np.random.default_rng(0)
        p, q = rng.dirichlet(np.ones(3), (2, 30_000))
        clusters = np.arange(30_000) // 2
        d = decompose(p, q, groups=clusters, recalibration="temperature")
        share = p.mean(axis=0)
        sums = (p - share).reshape(-1, 2, 3).sum(axis=1)
        bias = 0.5 * ((sums**2).sum(axis=0) / share).sum() / 30_000**2
        plug_in = -(share * np.log(share)).sum()
        assert d.uncertainty - plug_in == pytest.approx(bias, rel=1e-9)

    @pytest.mark.parametrize(
        ("groups", "message"),
        [
            (
                [1, 2],
                "groups must hold one value per row: its shape is (2,) for 400 rows",
            ),
            (
                np.ones((400, 1)),
                "its shape is (400, 1) for 400 rows; pass a 1-D array.",
            ),
            ("a", "found 'a'; pass the column, such as df['a']."),
            (3, "its shape is () for 400 rows"),
            ([1] * 400, "groups must hold two groups or more: found one; leave groups"),
            (
                [1, None, *[2] * 398],
                "groups must not be missing: row 1 has none; give it a value",
            ),
            ([1, np.nan, *[2] * 398], "groups must not be missing: row 1 has none"),
        ],
    )
    def test_bad_groups_are_refused(self, groups, message):
        p, q, _ = draw()
        with pytest.raises(ValueError, match=re.escape(message)):
            decompose(labels_of(p), q, groups=groups)
