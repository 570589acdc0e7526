import math
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
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
    cross_entropy,
    decompose,
    entropy,
    kl_divergence,
)

from ..draws import forecasts


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
    @settings(max_examples=30, deadline=None)
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
        before, after = (split(y, q, sample_weight=s * w) for s in (1.0, scale))
        assert list(after.terms.values()) == pytest.approx(
            list(before.terms.values()), rel=1e-12, nan_ok=True
        )

    def test_a_row_of_weight_zero_is_as_if_removed(self):
        _, y, q, w = draw(power=2)
        w[::3] = 0
        kept = w > 0
        before = split(y[kept], q[kept], sample_weight=w[kept])
        q[::3] = np.nan
        after = split(y, q, sample_weight=w)
        assert after.n == before.n
        assert list(after.terms.values()) == pytest.approx(
            list(before.terms.values()), rel=1e-12, nan_ok=True
        )

    def test_one_hot_is_a_label(self):
        _, y, q, _ = draw()
        assert split(np.eye(3)[y], q).terms == pytest.approx(
            split(y, q).terms, nan_ok=True, rel=0, abs=0
        )

    def test_bits_are_nats_over_log_2(self):
        _, y, q, _ = draw(power=2)
        nats, bits = split(y, q), split(y, q, base=2)
        assert bits.unit == "bits"
        assert bits.miscalibration == pytest.approx(nats.miscalibration / math.log(2))
        assert bits.skill == pytest.approx(nats.skill)


class TestEstimates:
    def test_uncertainty_is_millers_and_madows_for_labels(self):
        _, y, q, _ = draw()
        share = np.bincount(y) / len(y)
        plug_in = -(share * np.log(share)).sum()
        expected = plug_in + (3 - 1) / (2 * len(y))
        assert split(y, q).uncertainty == pytest.approx(expected, rel=1e-14)

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
        assert d.parameters["temperature"] == pytest.approx(1, abs=1e-12)

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
        d = split(y, q)
        known = split(y[40:], q[40:])
        assert d.n_unseen == d.n_clipped == 40
        share = np.bincount(y)[3:] / len(y)
        rest = 1 - share.sum()
        lumped = -(share @ np.log(share)) - rest * math.log(rest) + 2 / (2 * len(y))
        assert d.refinement == pytest.approx(rest * known.refinement + lumped, rel=1e-9)
        assert d.resolution > 0

    def test_exact_cost_is_infinite_and_says_why(self):
        _, y, q, _ = draw()
        q[0] = np.eye(3)[(y[0] + 1) % 3]
        d = split(y, q, clip=0)
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
        d = split(y, q, sample_weight=np.linspace(1, 2, len(y)))
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
        d = split(y, q)
        assert d == split(y, q)
        assert hash(d) == hash(split(y, q))
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
        d = split(y, q)
        frame = d.to_frame()
        assert frame.loc["resolution", "value"] == d.resolution
        assert frame.loc["resolution", "standard_error"] > 0
        assert Decomposition(**d.to_dict(), _evidence=d._evidence) == d


class TestRealData:
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
    assert d.recalibration == "temperature"
    assert d.ladder.loc["dirichlet", "miscalibration"] < 0.045
    assert elsewhere > d.cross_entropy - d.miscalibration


def test_the_spline_follows_gross_over_confidence():
    x, y = load_breast_cancer(return_X_y=True)
    proba = cross_val_predict(GaussianNB(), x, y, cv=2, method="predict_proba")
    d = decompose(y, proba)
    refinement = d.ladder["refinement"]
    assert d.recalibration == "spline"
    assert refinement["spline"] == pytest.approx(refinement["temperature"], abs=0.02)
