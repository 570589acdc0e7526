"""Isotonic recalibration: the CORP decomposition of model-diagnostics."""

import math

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from xent_metrics import decompose


def rows(*, ties, weighted):
    """Over-confident forecasts, labels and weights, without a random number."""
    i = np.arange(400)
    q = 0.02 + 0.96 * (i * (math.sqrt(5) - 1) / 2 % 1)
    odds = (q / (1 - q)) ** 0.5
    y = (i * math.sqrt(2) % 1 < odds / (1 + odds)).astype(int)
    if ties:
        q = q.round(1).clip(0.05, 0.95)
    return y, q, 1.0 + i % 7 if weighted else None


# Miscalibration, discrimination, uncertainty and score as decompose and LogLoss of
# model_diagnostics.scoring 1.5.0 give them for y, q and weights=w of these rows.
FROZEN = {
    (False, False): (
        0.06168322386689873,
        0.07134247397652294,
        0.6923469670899616,
        0.6826877169803374,
    ),
    (True, False): (
        0.045459393144316906,
        0.058875486314573955,
        0.6923469670899616,
        0.6789308739197045,
    ),
    (False, True): (
        0.07003459025883696,
        0.06852597766936075,
        0.6923688681242675,
        0.6938774807137437,
    ),
    (True, True): (
        0.050778270051739516,
        0.05532832782055108,
        0.6923688681242675,
        0.6878188103554559,
    ),
}
each_case = pytest.mark.parametrize(("ties", "weighted"), FROZEN)


def terms(y, q, w=None, **options):
    d = decompose(y, q, sample_weight=w, recalibration="isotonic", **options)
    return (d.miscalibration, d.resolution, d.uncertainty, d.cross_entropy)


class TestCorp:
    @each_case
    def test_terms_equal_the_numbers_of_model_diagnostics(self, ties, weighted):
        found = terms(*rows(ties=ties, weighted=weighted))
        assert found == pytest.approx(FROZEN[ties, weighted], abs=1e-12)

    @each_case
    def test_terms_equal_those_of_model_diagnostics(self, ties, weighted):
        scoring = pytest.importorskip("model_diagnostics.scoring")
        y, q, w = rows(ties=ties, weighted=weighted)
        theirs = scoring.decompose(y, q, weights=w, scoring_function=scoring.LogLoss())
        columns = ("miscalibration", "discrimination", "uncertainty", "score")
        expected = tuple(float(theirs[name][0]) for name in columns)
        assert terms(y, q, w) == pytest.approx(expected, abs=1e-12)
        assert expected == pytest.approx(FROZEN[ties, weighted], abs=1e-12)

    def test_nothing_is_debiased(self):
        y, q, _ = rows(ties=True, weighted=False)
        d = decompose(y, q, recalibration="isotonic")
        share = y.mean()
        plug_in = -share * math.log(share) - (1 - share) * math.log(1 - share)
        assert d.uncertainty == pytest.approx(plug_in, rel=1e-14)
        assert d.resolution >= 0
        assert d.miscalibration >= 0

    def test_forecasts_that_are_their_frequencies_are_calibrated(self):
        q = np.repeat([0.25, 0.5, 0.75], 100)
        y = np.concatenate(
            [np.arange(100) < 25, np.arange(100) < 50, np.arange(100) < 75]
        )
        assert terms(y, q)[0] == pytest.approx(0, abs=1e-15)

    def test_labels_that_forecasts_separate_cost_nothing_after_the_map(self):
        y = np.repeat([0, 1], 150)
        d = decompose(y, np.linspace(0.2, 0.8, 300), recalibration="isotonic")
        assert d.refinement == 0
        assert d.miscalibration == d.cross_entropy
        assert d.resolution == d.uncertainty == pytest.approx(math.log(2))


class TestMap:
    def test_the_map_is_scikit_learns(self):
        y, q, w = rows(ties=False, weighted=True)
        d = decompose(y, q, sample_weight=w, recalibration="isotonic")
        expected = IsotonicRegression().fit(q, y, sample_weight=w).predict(q)
        found = d.recalibrator().predict_proba(q)
        assert found[:, 1] == pytest.approx(expected, abs=1e-12)
        assert found.sum(axis=1) == pytest.approx(1, abs=1e-15)
        assert d.degrees_of_freedom == len(np.unique(expected.round(12)))

    def test_forecasts_beyond_those_seen_take_the_nearest_level(self):
        y, q, _ = rows(ties=False, weighted=False)
        recalibrator = decompose(y, q, recalibration="isotonic").recalibrator()
        inside = recalibrator.predict_proba([q.min(), q.max()])
        outside = recalibrator.predict_proba([0.0, 1.0])
        assert (inside == outside).all()

    def test_soft_targets_that_rise_with_the_forecast_are_met(self):
        _, q, w = rows(ties=False, weighted=True)
        p = np.stack([1 - q**2, q**2], axis=1)  # rises with q: a perfect map
        table = np.stack([1 - q, q], axis=1)
        d = decompose(p, table, sample_weight=w, recalibration="isotonic")
        assert d.grouping_loss == pytest.approx(0, abs=1e-14)
        assert d.miscalibration == pytest.approx(d.kl_divergence, abs=1e-14)
