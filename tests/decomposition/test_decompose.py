import math
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xent_metrics import (
    Decomposition,
    Evaluation,
    SmallSampleWarning,
    UnseenLabelWarning,
    accumulate,
    cross_entropy,
    decompose,
    entropy,
    finish,
    kl_divergence,
)

from ..draws import forecasts

QUICK = {"recalibration": "temperature"}  # where any map will do


def draw(n=2000, n_classes=3, power=1.0, seed=0, *, unseen=False):
    p, y, q, w = forecasts(n, n_classes, power, seed, rare=False)
    if unseen:
        y[:40] = n_classes + y[:40] % 2
    return p, y, q, w


def split(y, q, **options):
    n_classes = np.shape(q)[1]
    return decompose(y, q, labels=range(n_classes), **options)


class TestIdentities:
    @pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
    @given(
        st.integers(200, 400),
        st.integers(2, 5),
        st.floats(0.3, 4),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
    def test_terms_add_up(self, n, n_classes, power, soft, weighted, unseen):
        p, y, q, w = draw(n, n_classes, power, unseen=unseen and not soft)
        d = split(p if soft else y, q, sample_weight=w if weighted else None)
        total = d.uncertainty - d.resolution + d.miscalibration
        assert total == pytest.approx(d.cross_entropy, abs=1e-14)
        assert d.entropy + d.kl_divergence == pytest.approx(d.cross_entropy, abs=1e-14)
        assert d.uncertainty - d.resolution == pytest.approx(d.refinement, abs=1e-14)
        assert d.predictive_entropy + d.calibration_gap == pytest.approx(
            d.cross_entropy, abs=1e-14
        )
        assert d.overconfidence + d.underconfidence == pytest.approx(
            d.miscalibration, abs=1e-14
        )
        if soft:
            assert d.irreducible + d.grouping_loss == pytest.approx(
                d.refinement, abs=1e-14
            )
            assert d.grouping_loss + d.miscalibration == pytest.approx(
                d.kl_divergence, abs=1e-14
            )

    def test_the_terms_are_the_measures(self):
        p, _, q, w = draw(power=2)
        d = split(p, q, sample_weight=w, base=2)
        for value, function in (
            (d.cross_entropy, cross_entropy),
            (d.kl_divergence, kl_divergence),
        ):
            assert value == pytest.approx(
                function(p, q, sample_weight=w, base=2), rel=1e-13
            )
        assert d.predictive_entropy == entropy(q, sample_weight=w, base=2)

    @pytest.mark.slow
    def test_scale_of_weights_and_order_of_rows_do_not_matter(self):
        _, y, q, w = draw(power=2)
        order = np.random.default_rng(1).permutation(len(y))
        before = split(y, q, sample_weight=w)
        after = split(y[order], q[order], sample_weight=1e-3 * w[order])
        assert list(after.terms.values()) == pytest.approx(
            list(before.terms.values()), rel=1e-10, nan_ok=True
        )

    @pytest.mark.parametrize("scale", [1e-200, 1e200])
    def test_weights_may_be_extreme(self, scale):
        _, y, q, w = draw(power=2)
        before, after = (
            split(y, q, sample_weight=s * w, **QUICK) for s in (1.0, scale)
        )
        assert list(after.terms.values()) == pytest.approx(
            list(before.terms.values()), rel=1e-12, nan_ok=True
        )

    def test_a_row_of_weight_zero_is_as_if_removed(self):
        _, y, q, w = draw(power=2)
        w[::3] = 0
        kept = w > 0
        before = split(y[kept], q[kept], sample_weight=w[kept], **QUICK)
        q[::3] = np.nan
        after = split(y, q, sample_weight=w, **QUICK)
        assert after.n == before.n
        assert list(after.terms.values()) == pytest.approx(
            list(before.terms.values()), rel=1e-12, nan_ok=True
        )

    def test_one_hot_is_a_label(self):
        _, y, q, _ = draw()
        assert split(np.eye(3)[y], q, **QUICK).terms == pytest.approx(
            split(y, q, **QUICK).terms, nan_ok=True, rel=0, abs=0
        )

    def test_bits_are_nats_over_log_2(self):
        _, y, q, _ = draw(power=2)
        nats, bits = split(y, q, **QUICK), split(y, q, base=2, **QUICK)
        assert bits.unit == "bits"
        assert bits.miscalibration == pytest.approx(nats.miscalibration / math.log(2))
        assert bits.skill == pytest.approx(nats.skill)


class TestEstimates:
    def test_uncertainty_is_millers_and_madows_for_labels(self):
        _, y, q, _ = draw()
        share = np.bincount(y) / len(y)
        plug_in = -(share * np.log(share)).sum()
        expected = plug_in + (3 - 1) / (2 * len(y))
        assert split(y, q, **QUICK).uncertainty == pytest.approx(expected, rel=1e-14)

    def test_temperature_is_the_best_one(self):
        _, y, q, w = draw(power=2)
        rows = np.arange(len(y))

        def cost(beta):
            return -(w * log_softmax(beta * np.log(q), axis=1)[rows, y]).sum()

        best = minimize_scalar(cost, bounds=(0.1, 2), options={"xatol": 1e-10})
        d = split(y, q, sample_weight=w, recalibration="temperature")
        fitted = d.parameters["temperature"]
        assert fitted == pytest.approx(1 / best.x, rel=1e-4)  # the ridge moves it

    def test_optimism_is_takeuchis(self):
        _, y, q, w = draw(n=400, power=2)
        d = split(y, q, sample_weight=w, recalibration="temperature")
        rows, z = np.arange(len(y)), np.log(q)
        w = w * w.sum() / (w @ w)
        c = np.exp(log_softmax(z / d.parameters["temperature"], axis=1))
        mean = (c * z).sum(axis=1)
        score = mean - z[rows, y]
        curvature = w @ ((c * z**2).sum(axis=1) - mean**2) + 0.01
        expected = w @ -np.log(c[rows, y]) + (w * score) @ (w * score) / curvature / 2
        assert d.refinement == pytest.approx(expected / w.sum(), rel=1e-12)

    def test_soft_targets_equal_to_the_predictions_are_calibrated(self):
        p, _, _, w = draw()
        d = split(p, p, sample_weight=w)
        assert abs(d.miscalibration) < 1e-15
        assert abs(d.grouping_loss) < 1e-15
        assert d.recalibration == "none"
        assert (
            "recalibration map: none, as a test of calibration does not reject the "
            "predictions"
        ) in repr(d)
        assert repr(d).endswith("no clear miscalibration: less than 2 standard errors")
        named = split(p, p, sample_weight=w, recalibration="temperature")
        assert named.parameters["temperature"] == pytest.approx(1, abs=1e-12)

    @pytest.mark.slow
    def test_miscalibration_has_no_bias_over_many_samples(self):
        # Of calibrated predictions the plug-in would say -1 / (2 n) on the average.
        n, draws = 300, 300
        found = np.array(
            [
                split(*draw(n, seed=s)[1:3], recalibration="temperature").miscalibration
                for s in range(draws)
            ]
        )
        error = found.std() / math.sqrt(draws)
        assert abs(found.mean()) < 2 * error
        assert found.mean() + 1 / (2 * n) > 3 * error

    def test_over_confidence_is_found_in_its_size(self):
        p, y, q, _ = draw(20_000, power=2)
        truth = kl_divergence(p, q)
        d = split(y, q)
        assert d.parameters["temperature"] == pytest.approx(2, abs=0.05)
        assert d.miscalibration == pytest.approx(truth, abs=0.01)
        assert d.calibration_gap > 0


class TestEdges:
    @pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
    def test_unseen_labels_are_recalibrated_to_their_frequency(self):
        _, y, q, _ = draw(unseen=True)
        d = split(y, q, **QUICK)
        known = split(y[40:], q[40:], **QUICK)
        assert d.n_unseen == d.n_clipped == 40
        share = np.bincount(y)[3:] / len(y)
        rest = 1 - share.sum()
        lumped = -(share @ np.log(share)) - rest * math.log(rest) + 2 / (2 * len(y))
        assert d.refinement == pytest.approx(rest * known.refinement + lumped, rel=1e-9)
        assert d.resolution > 0

    def test_exact_cost_is_infinite_and_says_why(self):
        _, y, q, _ = draw()
        q[0] = np.eye(3)[(y[0] + 1) % 3]
        d = split(y, q, clip=0, **QUICK)
        assert d.cross_entropy == d.miscalibration == math.inf
        assert math.isfinite(d.refinement)
        assert math.isfinite(d.resolution)
        assert (d.n_infinite, d.n_clipped) == (1, 0)
        assert "infinite: a probability of 0 for the target in 1 row" in repr(d)

    def test_one_class_only_leaves_terms_undefined(self):
        d = decompose([1] * 300, [[0.1, 0.9]] * 300, labels=[0, 1])
        assert d.cross_entropy == pytest.approx(-math.log(0.9))
        assert d.uncertainty == 0
        assert math.isnan(d.resolution)
        assert d.notes["resolution"] == "undefined: y_true holds one class only"

    @pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
    def test_labels_that_are_all_unseen_in_a_fold_leave_its_terms_undefined(self):
        y = np.array(["x", "y"] * 150 + ["a", "b"] * 150)
        q, folds = [[0.1, 0.9]] * 600, np.repeat([0, 1], 300)
        found = Evaluation.from_predictions(y, q, labels=["a", "b"], folds=folds)
        d = found.decomposition
        assert d.n_unseen == 300
        assert math.isnan(d.miscalibration)
        assert "no label of y_true is among the classes" in d.notes["miscalibration"]

    def test_perfect_separation_is_finite(self):
        y = np.repeat([0, 1], 150)
        q = np.where(y[:, None] == [0, 1], 0.99, 0.01)
        d = split(y, q, recalibration="temperature")
        assert 0 <= d.parameters["temperature"] < 1
        assert -0.01 < d.refinement < d.cross_entropy

    def test_perfect_predictions_cost_nothing(self):
        y = np.repeat([0, 1], 150)
        d = split(y, np.eye(2)[y])
        assert d.cross_entropy == 0
        assert d.miscalibration == pytest.approx(0, abs=1e-12)
        assert "refinement" not in d.notes

    def test_hard_zeros_and_ones_cost_the_clip(self):
        y = np.repeat([0, 1], 150)
        q = np.eye(2)[y]
        q[:3] = q[:3, ::-1]
        d = split(y, q)
        assert d.n_clipped == 3
        assert d.cross_entropy == pytest.approx(3 / 300 * -math.log(2**-52))

    def test_predictions_that_tell_nothing_resolve_nothing(self):
        y = np.repeat([0, 1], 150)
        d = split(y, np.full((300, 2), 0.5), recalibration="temperature")
        assert d.miscalibration == pytest.approx(0, abs=1e-15)
        assert d.resolution == pytest.approx(1 / 600)  # Miller and Madow's own

    def test_few_rows_warn(self):
        _, y, q, _ = draw(199)
        with pytest.warns(
            SmallSampleWarning, match="only 199 rows: terms are unreliable below"
        ):
            split(y, q)

    def test_a_class_without_rows_is_ordinary(self):
        _, y, q, _ = draw()
        q = np.column_stack([q * 0.9, np.full(len(q), 0.1)])
        assert math.isfinite(split(y, q).miscalibration)


class TestResult:
    def test_the_repr_writes_the_identity_out(self):
        _, y, q, _ = draw(power=2)
        d = split(y, q, sample_weight=np.linspace(1, 2, len(y)), **QUICK)
        text = repr(d)
        assert re.search(
            rf"= uncertainty +{d.uncertainty:.4f} ± 0.000\d  cost of predicting", text
        )
        assert "undefined" not in text
        assert "effective number of rows: 1,9" in text
        assert "irreducible" not in text

    def test_the_repr_of_distributions_has_both_identities(self):
        p, _, q, _ = draw(power=2)
        lines = [line.split()[:2] for line in repr(split(p, q)).splitlines()]
        signs = [line[0] for line in lines if line and line[0] in "=-+"]
        assert signs == ["=", "+", "+", "=", "-", "+"]

    def test_results_are_equal_hashable_and_picklable(self):
        _, y, q, _ = draw()
        d, again = (split(y, q, **QUICK) for _ in range(2))
        assert d == again
        assert hash(d) == hash(again)
        assert repr(pickle.loads(pickle.dumps(d))) == repr(d)  # noqa: S301 - our own

    def test_it_knows_what_was_asked_for(self):
        _, y, q, _ = draw()
        d = split(y, q, base=2)
        assert (d.base, d.has_data, d.recalibration_requested) == (2, True, "auto")
        read = pickle.loads(pickle.dumps(d))  # noqa: S301 - our own
        assert (read.base, read.has_data, read.recalibration_requested) == (
            2,
            False,
            None,
        )

    def test_the_frame_and_the_dict_hold_every_number(self):
        _, y, q, _ = draw()
        d = split(y, q, **QUICK)
        frame = d.to_frame()
        assert frame.loc["resolution", "value"] == d.resolution
        assert frame.loc["resolution", "standard_error"] > 0
        assert Decomposition(**d.to_dict(), _evidence=d._evidence) == d


class TestRealData:
    @pytest.mark.slow
    def test_a_third_of_the_loss_of_a_wide_resnet_is_miscalibration(self, real_data):
        model = np.load(real_data / "cifar10_wideresnet.npz")
        d = decompose(model["ground_truth"], model["predictions"])
        assert d.cross_entropy == pytest.approx(0.378, abs=5e-4)
        won = d.ladder["miscalibration"]
        assert won["temperature"] == pytest.approx(0.104, abs=5e-4)
        assert won["temperature-bias"] == pytest.approx(0.137, abs=5e-4)
        assert won.max() == pytest.approx(0.147, abs=1e-3)
        assert d.miscalibration == pytest.approx(won[d.recalibration], rel=1e-9)
        assert d.miscalibration > won["slope-bias"]

    def test_human_votes_split_the_loss_further(self, real_data):
        votes = np.load(real_data / "cifar10h_counts.npy")
        model = np.load(real_data / "cifar10_wideresnet.npz")
        q = pd.DataFrame(model["predictions"])
        d = decompose(votes, q, recalibration="temperature")
        assert d.cross_entropy == pytest.approx(0.774, abs=1e-3)
        assert d.irreducible == pytest.approx(0.154, abs=1e-3)
        assert d.grouping_loss == pytest.approx(0.285, abs=1e-3)
        assert d.miscalibration == pytest.approx(0.334, abs=1e-3)


@pytest.mark.slow
def test_many_parameters_do_not_flatter_a_nearly_separated_model():
    # Of 65 mistakes in 719 rows, a matrix of 111 parameters can learn most by heart.
    digits, y = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(
        digits, y, test_size=0.4, stratify=y, random_state=0
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train, y_train)
    d = decompose(y_test, model.predict_proba(test))
    half = np.arange(len(y_test)) % 2 == 0
    proba = model.predict_proba(test)
    fitted = decompose(y_test[half], proba[half], recalibration="dirichlet")
    elsewhere = cross_entropy(
        y_test[~half], fitted.recalibrator().predict_proba(proba[~half])
    )
    assert d.ladder.loc["dirichlet", "miscalibration"] < 0.045
    assert elsewhere > d.cross_entropy - d.miscalibration


def test_the_spline_follows_gross_over_confidence():
    x, y = load_breast_cancer(return_X_y=True)
    proba = cross_val_predict(GaussianNB(), x, y, cv=2, method="predict_proba")
    d = decompose(y, proba)
    refinement = d.ladder["refinement"]
    assert d.recalibration == "spline"
    assert refinement["spline"] == pytest.approx(refinement["temperature"], abs=0.02)


class TestConfidence:
    @pytest.mark.parametrize(
        ("power", "own", "other"),
        [
            (2.0, "overconfidence", "underconfidence"),
            (0.5, "underconfidence", "overconfidence"),
        ],
    )
    def test_bold_predictions_are_overconfident_and_flat_ones_under(
        self, power, own, other
    ):
        _, y, q, w = draw(2000, power=power)
        d = split(y, q, sample_weight=w, recalibration="temperature")
        assert d.terms[own] == pytest.approx(d.miscalibration, abs=1e-14)
        assert d.terms[other] == 0
        assert d.standard_errors[own] == pytest.approx(
            d.standard_errors["miscalibration"], rel=1e-12
        )

    def test_both_are_found_where_rows_differ(self):
        rng = np.random.default_rng(5)
        p = rng.uniform(0.05, 0.95, 20_000)
        y = (rng.uniform(size=20_000) < p).astype(int)
        # Too sure of the second class, not sure enough of the first.
        q = np.where(p > 0.5, 1 - (1 - p) / 3, 0.5 - (0.5 - p) / 2)
        cost, best = (
            -(p * np.log(each) + (1 - p) * np.log(1 - each)) for each in (q, p)
        )
        true = {
            "overconfidence": np.mean((p > 0.5) * (cost - best)),
            "underconfidence": np.mean((p <= 0.5) * (cost - best)),
        }
        d = decompose(y, q)
        for name, value in true.items():
            low, high = d.ci(0.999)[name]
            assert low < value < high
            assert high - low < value

    def test_each_has_its_rows_share_of_the_debiasing(self):
        _, y, q, w = draw(900, power=1.0, seed=2)
        d = split(y, q, sample_weight=w, recalibration="temperature-bias")
        top = np.arange(900), q.argmax(axis=1)
        c = d.recalibrator().predict_proba(q)
        lowered = c[top] < q[top]
        won = np.log(c[np.arange(900), y] / q[np.arange(900), y])
        optimism = np.average(won, weights=w) - d.miscalibration
        share = np.average(lowered, weights=w)
        assert 0 < share < 1
        assert d.overconfidence == pytest.approx(
            np.average(lowered * won, weights=w) - share * optimism, rel=1e-9
        )

    def test_labels_outside_the_classes_are_overconfidence(self):
        _, y, q, _ = draw(900, power=1.0, unseen=True)
        with pytest.warns(UnseenLabelWarning):
            d = split(y, q, recalibration="temperature")
        assert d.overconfidence > 0.9 * d.miscalibration
        assert d.overconfidence + d.underconfidence == pytest.approx(
            d.miscalibration, abs=1e-13
        )

    def test_folds_have_the_parts_of_their_own_maps(self):
        _, y, q, _ = draw(900, power=2.0)
        q[::2] = q[::2] ** 0.25 / (q[::2] ** 0.25).sum(axis=1, keepdims=True)
        folds = np.arange(900) % 2  # flat predictions in one, bold ones in the other
        found = Evaluation.from_predictions(
            y, q, labels=range(q.shape[1]), folds=folds, recalibration="temperature"
        ).decomposition
        alone = split(y[1::2], q[1::2], recalibration="temperature")
        assert found.overconfidence == pytest.approx(
            alone.overconfidence / 2, abs=0.02 * alone.overconfidence
        )
        assert found.overconfidence + found.underconfidence == pytest.approx(
            found.miscalibration, abs=1e-14
        )

    def test_one_alone_may_be_infinite(self):
        _, y, q, _ = draw(900)
        parts = {"overconfidence", "underconfidence"}
        q = np.array(q)
        q[0] = np.where(np.arange(q.shape[1]) == y[0], 0.0, 1.0 / (q.shape[1] - 1))
        found = split(y, q, clip=0)
        infinite = {name for name in parts if math.isinf(found.terms[name])}
        assert len(infinite) == 1
        assert parts & {*found.notes} == infinite
        table = pd.DataFrame(q).add_prefix("p_").assign(y=y)
        state = accumulate(table, target="y", proba="p_", clip=0)
        notes = finish(state).decomposition.notes
        assert notes["miscalibration"].startswith("infinite: a probability of 0")
        assert {notes[name] for name in parts} == {"undefined: a scan keeps no rows"}

    def test_a_scan_says_that_it_does_not_know_them(self):
        _, y, q, _ = draw(900)
        table = pd.DataFrame(q).add_prefix("p_").assign(y=y)
        found = finish(accumulate(table, target="y", proba="p_")).decomposition
        assert math.isnan(found.overconfidence)
        assert found.notes["overconfidence"] == "undefined: a scan keeps no rows"
        assert "overconfidence" not in repr(found)


class TestRuleOfThree:
    """Where no event was seen among n rows, 3 / n of them may be events."""

    @pytest.mark.parametrize("n", [200, 500])
    def test_the_cost_of_an_event_that_was_not_seen(self, n):
        d = decompose(np.zeros(n, int), np.full(n, 0.002), labels=[0, 1])
        dearer = math.log(0.998 / 0.002)
        low, high = d.ci()["cross_entropy"]
        assert high - d.cross_entropy == pytest.approx(3 / n * dearer, rel=1e-4)
        assert d.ci()["uncertainty"][1] > 3 / n * (1 + math.log(n / 3))
        assert low < 0

    @pytest.mark.parametrize("k", [2, 3])
    @pytest.mark.parametrize("sure", [0.95, 1.0])
    def test_predictions_that_are_all_right_may_be_wrong(self, k, sure):
        y = np.arange(500) % k
        q = np.full((500, k), (1 - sure) / (k - 1))
        q[np.arange(500), y] = sure
        d = decompose(y, q)
        # One event costs log(2 n + k) after the map, and at most -log(clip) before.
        half = {name: high - d.terms[name] for name, (_, high) in d.ci().items()}
        dearer = math.log(sure / max((1 - sure) / (k - 1), np.finfo(float).eps))
        assert half["cross_entropy"] == pytest.approx(3 / 500 * dearer, rel=1e-3)
        assert half["refinement"] == pytest.approx(
            3 / 500 * math.log(2 * 500 + 1), rel=0.01
        )
        assert half["resolution"] > 0.9 * half["refinement"]
        assert half["miscalibration"] > 0.005

    def test_groups_count_once(self):
        y = np.arange(600) % 2
        q = np.where(y, 0.95, 0.05)
        alone = decompose(y, q)
        pairs = decompose(y, q, groups=np.arange(600) // 3)
        alone, pairs = alone.standard_errors, pairs.standard_errors
        ratio = pairs["cross_entropy"] / alone["cross_entropy"]
        assert ratio == pytest.approx(3, rel=1e-9)
        # After the map an event costs log(2 n) for n rows or groups.
        ratio = pairs["refinement"] / alone["refinement"]
        assert ratio == pytest.approx(3 * math.log(400) / math.log(1200), rel=0.01)

    @pytest.mark.slow
    @pytest.mark.parametrize("events", [0.5, 1, 2, 4])
    def test_intervals_hold_the_cost_of_rare_events(self, events):
        held, n, q = [], 400, 0.005
        truth = -(events / n * math.log(q) + (1 - events / n) * math.log(1 - q))
        for seed in range(200):
            y = np.random.default_rng(seed).uniform(size=n) < events / n
            d = decompose(
                y.astype(int), np.full(n, q), labels=[0, 1], recalibration="none"
            )
            low, high = d.ci()["cross_entropy"]
            held.append(low <= truth <= high)
        assert np.mean(held) > 0.87

    def test_events_that_were_seen_leave_errors_as_they_are(self):
        _, y, q, _ = draw(900)
        d = split(y, q, recalibration="temperature")
        ce = -np.log(q[np.arange(900), y])
        assert d.standard_errors["cross_entropy"] == pytest.approx(
            ce.std(ddof=1) / 30, rel=1e-12
        )

    def test_an_event_that_would_cost_infinitely_much_has_a_finite_floor(self):
        y = np.arange(500) % 2
        d = decompose(y, y.astype(float), clip=0)
        assert d.cross_entropy == 0
        assert 0 < d.standard_errors["cross_entropy"] < 1
