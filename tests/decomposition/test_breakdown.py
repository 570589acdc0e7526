"""Groups, classes, the ladder, recalibrators and the test of calibration."""

import math
import pickle
import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import MiscalibrationTest, decompose

from ..draws import forecasts, targets_from

TERMS = ("cross_entropy", "uncertainty", "resolution", "miscalibration", "refinement")
SOFT = ("kl_divergence", "irreducible", "grouping_loss")
SIMPLE = (
    *("temperature", "temperature-bias", "class-temperature", "slope-bias"),
    *("adaptive-temperature", "shared-spline", "dirichlet"),
)
SEVERAL = (
    *SIMPLE,
    *("hierarchy", "dirichlet-spline", "kernel", "cells", "confusion"),
)
KINDS = ("labels", "distributions", "votes")
each_kind = pytest.mark.parametrize("kind", KINDS)


def draw(n=900, k=3, power=2.0, seed=0, *, kind="labels"):
    """Targets, predictions and weights."""
    return forecasts(n, k, power, seed, kind=kind)[1:]


def check_sums(table, d, names):
    assert table["weight"].sum() == pytest.approx(1, abs=1e-12)
    for name in names:
        whole = (table["weight"] * table[name]).sum()
        assert whole == pytest.approx(d.terms[name], abs=1e-12)
        assert (table[f"{name}_se"] >= 0).all()
    balance = table["uncertainty"] - table["resolution"] + table["miscalibration"]
    assert balance.to_numpy() == pytest.approx(
        table["cross_entropy"].to_numpy(), abs=1e-12
    )


class TestBy:
    @each_kind
    @pytest.mark.parametrize("options", [{}, {"base": 2}, {"recalibration": "none"}])
    @pytest.mark.parametrize("grouped", [False, True], ids=["alone", "grouped"])
    def test_cells_sum_to_the_whole(self, kind, options, grouped):
        y, q, w = draw(kind=kind)
        w[::10] = 0
        groups = np.arange(len(q)) // 3 if grouped else None
        d = decompose(y, q, sample_weight=w, groups=groups, **options)
        sites = np.random.default_rng(1).choice(["b", "a", "c"], len(q))
        table = d.by(sites)
        soft = kind != "labels"
        names = TERMS + SOFT * soft
        check_sums(table, d, names)
        assert table.index.tolist() == ["a", "b", "c"]
        assert table["n"].sum() == d.n
        columns = [one for name in names for one in (name, f"{name}_se")]
        assert table.columns.tolist() == ["n", "weight", *columns, "note"]

    def test_a_cell_is_the_mean_of_its_rows(self):
        y, q, w = draw()
        d = decompose(y, q, sample_weight=w)
        sites = np.arange(len(q)) % 2 == 0
        table = d.by(sites)
        c = d.recalibrator().predict_proba(q)
        after = -np.log(c[np.arange(len(y)), y])
        cost = -np.log(q[np.arange(len(y)), y])
        optimism = d._evidence.data.after.optimism
        row = table.loc[True]
        expected = np.average((cost - after)[sites], weights=w[sites]) - optimism
        assert row["miscalibration"] == pytest.approx(expected, rel=1e-9)
        centred = (cost - np.average(cost[sites], weights=w[sites]))[sites] * w[sites]
        n = sites.sum()
        error = math.sqrt(n / (n - 1) * centred @ centred) / w[sites].sum()
        assert row["cross_entropy_se"] == pytest.approx(error, rel=1e-12)
        assert row["n"] == n
        assert row["weight"] == pytest.approx(w[sites].sum() / w.sum())

    def test_errors_go_by_groups_of_dependent_rows(self):
        y, q, _ = draw()
        twice = decompose(
            np.tile(y, 2),
            np.tile(q, (2, 1)),
            groups=np.tile(np.arange(len(y)), 2),
            recalibration="none",
        )
        once = decompose(y, q, recalibration="none")
        sites = np.arange(len(y)) % 4
        tables = once.by(sites), twice.by(np.tile(sites, 2))
        for name in ("cross_entropy_se", "uncertainty_se"):
            assert tables[0][name].to_numpy() == pytest.approx(
                tables[1][name].to_numpy(), rel=1e-12
            )

    def test_one_cell_is_the_whole(self):
        y, q, w = draw(kind="votes")
        d = decompose(y, q, sample_weight=w, vote_correction="jackknife")
        row = d.by(np.zeros(len(q))).loc[0.0]
        for name in TERMS + SOFT:
            assert row[name] == pytest.approx(d.terms[name], abs=1e-14)
        for name in set(TERMS + SOFT) - {"uncertainty"}:
            error = d.standard_errors[name]
            assert row[f"{name}_se"] == pytest.approx(error, rel=1e-12)

    def test_an_infinite_row_stays_in_its_cell(self):
        y, q, _ = draw()
        q[4] = np.eye(3)[(y[4] + 1) % 3]
        d = decompose(y, q, clip=0, recalibration="temperature")
        sites = np.arange(len(q)) % 3
        table = d.by(sites)
        assert table["cross_entropy"].map(math.isinf).tolist() == [False, True, False]
        assert table["miscalibration"].map(math.isinf).tolist() == [False, True, False]
        assert np.isfinite(table["refinement"]).all()
        finite = table.drop(columns="note").loc[[0, 2]]
        assert np.isfinite(finite.to_numpy(float)).all()
        assert d.by_class()["cross_entropy"].map(math.isinf).sum() == 1

    def test_an_infinite_cost_of_distributions_is_in_every_class(self):
        y, q, _ = draw(kind="distributions")
        q[4] = np.eye(3)[0]
        table = decompose(y, q, clip=0).by_class()  # a warning would be an error
        assert np.isinf(table["cross_entropy"]).all()

    def test_an_undefined_row_stays_in_its_cell(self):
        y, q, _ = draw(kind="votes")
        y[4] = [1, 0, 0]
        d = decompose(y, q, vote_correction="jackknife")
        table = d.by(np.arange(len(q)) % 3)
        for name in SOFT:
            assert table[name].isna().tolist() == [False, True, False]

    @pytest.mark.parametrize(
        ("values", "index"),
        [
            (pd.Series(["x", "y"] * 450, dtype="category"), ["x", "y"]),
            (np.array(["x", "y"] * 450), ["x", "y"]),
            ([True, False] * 450, [False, True]),
            (pd.Series([2, 1] * 450, index=range(5, 905)), [1, 2]),
        ],
    )
    def test_values_may_be_of_many_kinds(self, values, index):
        y, q, _ = draw()
        table = decompose(y, q, recalibration="temperature").by(values)
        assert table.index.tolist() == index
        assert (table["n"] == 450).all()

    def test_values_may_be_a_series_of_polars(self):
        polars = pytest.importorskip("polars")
        y, q, _ = draw()
        d = decompose(y, q, recalibration="temperature")
        table = d.by(polars.Series(["x", "y"] * 450))
        assert table.index.tolist() == ["x", "y"]

    def test_a_cell_of_one_row_has_no_errors(self):
        y, q, _ = draw()
        table = decompose(y, q, recalibration="temperature").by(np.arange(len(q)) == 5)
        assert table.loc[True, "n"] == 1
        assert math.isnan(table.loc[True, "cross_entropy_se"])
        assert math.isfinite(table.loc[True, "cross_entropy"])

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (
                ["a"],
                "values must hold one value per row: its shape is (1,) for 900 rows",
            ),
            ({}, "values must hold one key or more: it is empty; pass a column."),
            (
                "site",
                (
                    "values must be one value per row: found 'site', and a "
                    "decomposition has no columns; pass the values of that column."
                ),
            ),
        ],
    )
    @pytest.mark.parametrize("refit", [False, True])
    def test_bad_values_are_refused(self, values, message, refit):
        y, q, _ = draw()
        d = decompose(y, q, recalibration="none")
        with pytest.raises(ValueError, match=re.escape(message)):
            d.by(values, refit=refit)


class TestRefit:
    @each_kind
    def test_each_cell_is_decomposed_alone(self, kind):
        y, q, w = draw(1100, kind=kind)
        w[::10] = 0
        groups = np.arange(len(q)) // 2
        options = {"recalibration": "temperature-bias", "base": 2}
        d = decompose(y, q, sample_weight=w, groups=groups, **options)
        sites = np.repeat(["n", "s"], [500, 600])
        table = d.by(sites, refit=True)
        assert table["weight"].sum() == pytest.approx(1)
        for site, row in table.iterrows():
            rows = sites == site
            alone = decompose(
                y[rows], q[rows], sample_weight=w[rows], groups=groups[rows], **options
            )
            assert row["n"] == alone.n
            for name in TERMS + SOFT * (kind != "labels"):
                assert row[name] == pytest.approx(alone.terms[name], rel=1e-9)
                error = alone.standard_errors[name]
                assert row[f"{name}_se"] == pytest.approx(error, rel=1e-9)

    def test_means_over_cells_are_those_of_the_whole(self):
        y, q, w = draw()
        d = decompose(y, q, sample_weight=w, recalibration="temperature")
        table = d.by(np.arange(len(q)) % 2, refit=True)
        whole = (table["weight"] * table["cross_entropy"]).sum()
        assert whole == pytest.approx(d.cross_entropy, rel=1e-12)

    def test_it_finds_what_one_map_hides(self):
        _, q, _ = draw(4000, k=2, power=1.0)
        rng = np.random.default_rng(3)
        y = (rng.random(4000) < q[:, 1]).astype(int)
        bold = q**2 / (q**2).sum(axis=1, keepdims=True)
        shy = np.sqrt(q) / np.sqrt(q).sum(axis=1, keepdims=True)
        first = np.arange(4000) < 2000
        d = decompose(y, np.where(first[:, None], bold, shy))
        assert (d.by(first, refit=True)["miscalibration"] > 0.01).all()
        assert d.miscalibration < d.by(first, refit=True)["miscalibration"].min()


class TestByClass:
    @each_kind
    def test_classes_sum_to_the_whole(self, kind):
        y, q, w = draw(kind=kind)
        w[::10] = 0
        d = decompose(y, q, sample_weight=w)
        table = d.by_class()
        check_sums(table, d, TERMS + SOFT * (kind != "labels"))
        assert table.index.tolist() == [0, 1, 2]

    @pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
    def test_unseen_classes_come_last(self):
        y, q, w = draw()
        y[:50] = 9
        d = decompose(
            y, q, labels=range(3), sample_weight=w, recalibration="temperature"
        )
        table = d.by_class()
        check_sums(table, d, TERMS)
        assert table.index.tolist() == [0, 1, 2, 9]
        assert table.loc[9, "n"] == 50
        assert table.loc[9, "cross_entropy"] == pytest.approx(-math.log(2**-52))

    def test_a_class_counts_by_its_share_of_the_target(self):
        p, q, w = draw(kind="distributions")
        table = decompose(p, q, sample_weight=w).by_class()
        cost = -(p * np.log(q)).sum(axis=1)
        expected = [np.average(cost, weights=w * p[:, k]) for k in range(3)]
        assert table["cross_entropy"].to_numpy() == pytest.approx(expected, rel=1e-12)
        assert table["weight"].to_numpy() == pytest.approx(w @ p / w.sum())

    def test_classes_without_rows_are_left_out(self):
        y, q, _ = draw()
        q = np.column_stack([0.9 * q, np.full(len(q), 0.1)])
        names = np.array(["a", "b", "c"])[y]
        table = decompose(names, q, labels=["a", "b", "c", "z"]).by_class()
        assert table.index.tolist() == ["a", "b", "c"]


class TestLadder:
    def test_the_ladder_of_several_classes_goes_from_the_simplest(self):
        y, q, w = draw(2000)
        d = decompose(y, q, sample_weight=w, base=2)
        assert d.ladder["degrees_of_freedom"].iloc[:-2].is_monotonic_increasing
        untried = {"hierarchy": "3 classes", "cells": "no few distinct predictions"}
        assert d.ladder["note"].iloc[-2:].to_dict() == untried
        ladder = d.ladder.iloc[:-2]
        assert {*ladder.index, *untried} == {*SEVERAL}
        assert ladder.index.name == "map"
        assert ladder.index[ladder["chosen"]].tolist() == [d.recalibration]
        chosen = ladder.loc[d.recalibration]
        assert chosen["miscalibration"] == pytest.approx(d.miscalibration, rel=1e-12)
        assert chosen["refinement"] == pytest.approx(d.refinement, rel=1e-12)
        error = d.standard_errors["miscalibration"]
        assert chosen["standard_error"] == pytest.approx(error, rel=1e-12)
        assert chosen["degrees_of_freedom"] == d.degrees_of_freedom
        assert chosen["share"] == 1
        assert (ladder["note"] == "").all()
        assert (ladder["n"] == 2000).all()
        total = (ladder["refinement"] + ladder["miscalibration"]).to_numpy()
        assert total == pytest.approx(d.cross_entropy, rel=1e-12)
        share = ladder["miscalibration"] / d.miscalibration
        assert ladder["share"].to_numpy() == pytest.approx(share.to_numpy(), rel=1e-9)

    def test_each_row_is_the_decomposition_by_that_name(self):
        y, q, w = draw(2000)
        d = decompose(y, q, sample_weight=w)
        # What folds tell of a map that is not in question is not asked.
        settled = ["temperature", "temperature-bias", "slope-bias", d.recalibration]
        for name, row in d.ladder.loc[settled].iterrows():
            alone = decompose(y, q, sample_weight=w, recalibration=name)
            assert row["miscalibration"] == pytest.approx(
                alone.miscalibration, rel=1e-9
            )
            error = alone.standard_errors["miscalibration"]
            assert row["standard_error"] == pytest.approx(error, rel=1e-9)

    def test_the_ladder_of_two_classes_ends_with_the_spline(self):
        y, q, _ = draw(k=2)
        ladder = decompose(y, q).ladder
        assert ladder.index.tolist() == ["temperature", "temperature-bias", "spline"]
        assert ladder["chosen"].tolist() == [False, False, True]

    def test_the_ladder_of_a_named_map_is_that_map(self):
        y, q, _ = draw()
        ladder = decompose(y, q, recalibration="dirichlet").ladder
        assert ladder.index.tolist() == ["dirichlet"]
        assert ladder["chosen"].all()

    def test_the_map_none_wins_nothing(self):
        y, q, _ = draw()
        ladder = decompose(y, q, recalibration="none").ladder
        assert ladder["miscalibration"].abs().max() < 1e-15

    def test_the_ladder_is_empty_where_nothing_can_be_fitted(self):
        ladder = decompose([1] * 300, [[0.1, 0.9]] * 300, labels=[0, 1]).ladder
        assert len(ladder) == 0
        assert "share" in ladder.columns

    @pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
    @pytest.mark.slow
    def test_unseen_labels_do_not_break_its_sums(self):
        y, q, w = draw(2000)
        y[:100] = 9
        d = decompose(y, q, labels=range(3), sample_weight=w)
        chosen = d.ladder.loc[d.recalibration]
        assert chosen["miscalibration"] == pytest.approx(d.miscalibration, rel=1e-9)

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    @pytest.mark.parametrize("k", [100, 1000])
    def test_the_ladder_says_what_was_left_out_and_why(self, k):
        y, q, _ = draw(150, k=k, power=1.0)
        d = decompose(y, q, labels=range(k))
        left_out = d.ladder[d.ladder["note"] != ""]
        assert {*left_out.index} == {*SEVERAL} - {"temperature"}
        assert left_out["note"]["kernel"] == f"{k} classes"
        assert left_out["note"]["cells"] == "no few distinct predictions"
        others = left_out["note"].drop(["kernel", "cells"])
        assert others.str.fullmatch(r"\d+ parameters for 150 rows").all()
        assert left_out["refinement"].isna().all()
        assert not left_out["chosen"].any()
        message = (
            "name must be a map that was fitted: found 'dirichlet', fitted are 'none', "
            "'temperature'; decompose with recalibration='dirichlet'."
        )
        assert d.recalibration == "none"
        with pytest.raises(ValueError, match=re.escape(message)):
            d.recalibrator("dirichlet")


class TestRecalibrator:
    @pytest.mark.slow
    def test_it_reproduces_the_losses_of_every_rung(self):
        y, q, w = draw(2000)
        d = decompose(y, q, sample_weight=w)
        trials = d._evidence.data.after.selection.trials
        tried = d.ladder[d.ladder["refinement"].notna()]
        assert [one.name for one in trials] == tried.index.tolist()
        for trial in trials:
            c = d.recalibrator(trial.name).predict_proba(q)
            cost = -np.log(c[np.arange(len(y)), y])
            assert cost == pytest.approx(trial.losses, rel=1e-9, abs=1e-12)
            assert c.sum(axis=1) == pytest.approx(1, abs=1e-13)

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_columns_of_frames_go_by_name(self, library):
        frame = pytest.importorskip(library).DataFrame
        y, q, _ = draw()
        names = ["ant", "bee", "cat"]
        d = decompose(np.array(names)[y], frame(dict(zip(names, q.T, strict=True))))
        recalibrator = d.recalibrator()
        assert recalibrator.labels == ("ant", "bee", "cat")
        expected = recalibrator.predict_proba(q)
        turned = frame({one: q[:, names.index(one)] for one in ("cat", "ant", "bee")})
        assert (recalibrator.predict_proba(turned) == expected).all()

    def test_two_classes_may_be_given_by_the_second(self):
        y, q, _ = draw(k=2)
        recalibrator = decompose(y, q).recalibrator()
        one, two = recalibrator.predict_proba(q[:, 1]), recalibrator.predict_proba(q)
        assert one == pytest.approx(two, abs=1e-12)

    def test_logits_are_recalibrated_as_probabilities(self):
        y, q, _ = draw()
        recalibrator = decompose(y, np.log(q), from_logits=True).recalibrator()
        logits = np.log(q) + 3.0
        found = recalibrator.predict_proba(logits, from_logits=True)
        assert found == pytest.approx(recalibrator.predict_proba(q), abs=1e-12)

    def test_scores_are_recalibrated_as_probabilities(self):
        y, q, _ = draw()
        recalibrator = decompose(y, q).recalibrator()
        found = recalibrator.predict_proba(7 * q, rescale=True)
        assert found == pytest.approx(recalibrator.predict_proba(q), abs=1e-12)

    def test_bad_predictions_are_refused(self):
        y, q, _ = draw()
        recalibrator = decompose(y, q).recalibrator()
        message = (
            "y_proba must have one column per class: found 2 for 3 classes; pass the "
            "columns in the order of labels."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            recalibrator.predict_proba(q[:, :2] / q[:, :2].sum(axis=1, keepdims=True))
        with pytest.raises(ValueError, match="proba must .*row 0"):
            recalibrator.predict_proba(2 * q)


class TestPickle:
    @pytest.fixture
    def loaded(self):
        y, q, _ = draw()
        d = decompose(y, q, groups=np.arange(len(q)) // 2)
        return d, pickle.loads(pickle.dumps(d))  # noqa: S301 - our own

    def test_a_pickle_keeps_all_numbers_and_maps(self, loaded):
        before, after = loaded
        assert after == before
        assert repr(after) == repr(before)
        pd.testing.assert_frame_equal(after.ladder, before.ladder)
        _, q, _ = draw(50, seed=1)
        for name in before.ladder.index[before.ladder["refinement"].notna()]:
            one, two = (each.recalibrator(name).predict_proba(q) for each in loaded)
            assert (one == two).all()

    def test_a_pickle_leaves_the_data_behind(self, loaded):
        y, q, _ = draw(50_000)
        size = len(pickle.dumps(decompose(y, q, recalibration="temperature")))
        assert size < 20_000

    @pytest.mark.parametrize(
        ("method", "call"),
        [
            ("by", lambda d: d.by([1] * 900)),
            ("by_class", lambda d: d.by_class()),
            ("miscalibration_test", lambda d: d.miscalibration_test()),
        ],
    )
    def test_what_needs_the_data_says_so(self, loaded, method, call):
        message = (
            f"{method} needs the data: this result has none, as it was scanned or "
            "read back; call decompose on the data."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            call(loaded[1])


class TestMiscalibrationTest:
    @each_kind
    def test_over_confidence_is_found(self, kind):
        y, q, _ = draw(kind=kind)
        d = decompose(y, q, recalibration="temperature", base=2)
        found = d.miscalibration_test(n_resamples=99)
        assert isinstance(found, MiscalibrationTest)
        assert found.pvalue == 0.01
        assert found.statistic > found.null_distribution.max()
        assert found.null_distribution.shape == (99,)

    @pytest.mark.slow
    @each_kind
    @pytest.mark.parametrize(("k", "per_group"), [(2, 1), (3, 2)])
    def test_calibrated_predictions_have_uniform_p_values(self, k, per_group, kind):
        values, n = [], 200
        groups = np.repeat(np.arange(n), per_group) if per_group > 1 else None
        for seed in range(120):
            rng = np.random.default_rng(seed)
            p = rng.dirichlet(np.ones(k), n)
            if kind == "distributions":  # around the predictions, not equal to them
                y = np.array([rng.dirichlet(5 * row) for row in p])
            else:
                y = targets_from(p, kind, rng)
            y, q = (np.repeat(each, per_group, axis=0) for each in (y, p))
            d = decompose(
                y, q, labels=range(k), groups=groups, recalibration="temperature"
            )
            values.append(d.miscalibration_test(n_resamples=99).pvalue)
        # Binomial bounds that 120 uniform values keep to in all but 1 of 1000 cases.
        assert np.count_nonzero(np.array(values) <= 0.05) <= 15
        assert 17 <= np.count_nonzero(np.array(values) <= 0.25) <= 45

    def test_neither_the_unit_nor_the_scale_of_the_weights_matters(self):
        y, q, w = draw(600, power=1.0)
        nats, bits = (
            decompose(
                y, q, sample_weight=scale * w, recalibration="none", base=base
            ).miscalibration_test(n_resamples=60, random_state=1)
            for base, scale in ((None, 1.0), (2, 8.0))
        )
        assert bits.pvalue == nats.pvalue
        assert bits.null_distribution == pytest.approx(
            nats.null_distribution, rel=1e-9, abs=1e-9
        )

    def test_the_statistic_is_that_of_a_reference(self):
        # Two classes and a temperature alone: one score a row, so that the statistic
        # is a square, whatever the ridge, and the bias and spline may only add to it.
        rng = np.random.default_rng(3)
        p = rng.uniform(0.1, 0.9, 300)
        y = (rng.uniform(size=300) < p).astype(int)
        logit = np.log(p / (1 - p))
        found = decompose(y, p).miscalibration_test(n_resamples=400)
        signs = np.ones((401, 300))
        own = np.random.default_rng(0)
        signs[1:] -= 2.0 * own.integers(0, 2, (400, 300), dtype=np.int8)
        squares = (signs @ ((p - y) * logit)) ** 2
        z = (squares - squares.mean()) / squares.std()
        assert (found.null_distribution >= z[1:] - 1e-9).all()
        assert found.statistic >= z[0] - 1e-9

    @pytest.mark.parametrize("kind", ["labels", "votes"])
    def test_the_same_call_gives_the_same_bits(self, kind):
        y, q, w = draw(600, kind=kind)
        d = decompose(y, q, sample_weight=w, groups=np.arange(len(q)) // 2)
        one, two = (d.miscalibration_test(n_resamples=30) for _ in range(2))
        three = d.miscalibration_test(
            n_resamples=30, random_state=np.random.default_rng(0)
        )
        assert (one.null_distribution == two.null_distribution).all()
        assert (one.null_distribution == three.null_distribution).all()
        other = d.miscalibration_test(n_resamples=30, random_state=8)
        assert (one.null_distribution != other.null_distribution).any()

    def test_rows_of_a_group_are_flipped_as_one(self):
        y, q, _ = draw(400)
        options = {"recalibration": "temperature"}
        one = decompose(y, q, sample_weight=np.full(400, 2.0), **options)
        groups = np.arange(400)
        two = decompose(
            np.repeat(y, 2),
            np.repeat(q, 2, axis=0),
            groups=np.repeat(groups, 2),
            **options,
        )
        assert one.miscalibration_test().pvalue == two.miscalibration_test().pvalue

    def test_more_rows_than_are_flipped_alone_share_their_signs(self):
        y, q, _ = draw(10_000, power=1.0, seed=4)
        calibrated = decompose(y, q, recalibration="temperature").miscalibration_test()
        assert calibrated.pvalue > 0.05
        y, q, _ = draw(10_000, power=1.2, seed=4)
        bold = decompose(y, q, recalibration="temperature").miscalibration_test()
        assert bold.pvalue == 0.001

    def test_rows_of_weight_zero_do_not_count(self):
        y, q, w = draw(600, kind="votes")
        w[::3] = 0
        kept = w > 0
        options = {"recalibration": "temperature"}
        before = decompose(y[kept], q[kept], sample_weight=w[kept], **options)
        after = decompose(y, q, sample_weight=w, **options)
        found, expected = (
            one.miscalibration_test(n_resamples=5) for one in (after, before)
        )
        assert found.null_distribution == pytest.approx(
            expected.null_distribution, rel=1e-9, abs=1e-9
        )

    def test_an_infinite_cost_is_beyond_all_flips(self):
        y, q, _ = draw(power=1.0)
        q[0] = np.eye(3)[(y[0] + 1) % 3]
        d = decompose(y, q, clip=0, recalibration="temperature")
        found = d.miscalibration_test(n_resamples=9)
        assert found.statistic == math.inf
        assert found.pvalue == 0.1

    def test_distributions_equal_to_the_predictions_are_calibrated(self):
        p, _, _ = draw(kind="distributions")
        found = decompose(p, p).miscalibration_test()
        assert found.statistic == 0
        assert found.pvalue == 1

    def test_an_undefined_miscalibration_cannot_be_tested(self):
        d = decompose([1] * 300, [[0.1, 0.9]] * 300, labels=[0, 1])
        message = (
            "miscalibration_test needs a miscalibration: it is undefined here; see "
            "notes for the reason."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            d.miscalibration_test()

    @pytest.mark.parametrize("n", [0, 2.5, "a", None, True])
    def test_some_resamples_are_needed(self, n):
        y, q, _ = draw()
        with pytest.raises(
            ValueError,
            match=f"n_resamples must be a whole number of 1 or more: found {n!r}; pass",
        ):
            decompose(y, q, recalibration="none").miscalibration_test(n_resamples=n)

    @pytest.mark.parametrize("state", [-1, 1.5, "a"])
    def test_what_is_no_source_of_draws_is_refused(self, state):
        y, q, _ = draw()
        d = decompose(y, q, recalibration="none")
        with pytest.raises(
            ValueError,
            match=f"random_state must be a whole number of 0 or more, or a numpy Gen.*"
            f"found {state!r}; pass 0.",
        ):
            d.miscalibration_test(n_resamples=1, random_state=state)

    def test_numbers_of_numpy_are_numbers(self):
        y, q, _ = draw()
        d = decompose(y, q, recalibration="temperature")
        one = d.miscalibration_test(n_resamples=3, random_state=7)
        two = d.miscalibration_test(n_resamples=np.int8(3), random_state=np.int64(7))
        assert np.array_equal(one.null_distribution, two.null_distribution)
        assert two.pvalue == one.pvalue
