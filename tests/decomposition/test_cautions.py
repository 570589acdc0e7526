"""Warnings of results that are not to be read as they stand."""

import math
import re
import warnings

import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    TERMS,
    Evaluation,
    SmallSampleWarning,
    SwappedColumnsWarning,
    accumulate,
    decompose,
    finish,
)

from ..thinned import thinned

rng = np.random.default_rng(0)
P = rng.uniform(0.05, 0.95, 2000)
Y = (rng.uniform(size=2000) < P).astype(int)
LOGITS = np.log(P / (1 - P))
FRAME = pd.DataFrame({"y": Y, "p": 1 - P})
MESSAGE = "the columns of 0 and 1 look swapped, as the recalibration map falls"


@pytest.mark.parametrize(
    "swapped",
    [
        lambda: decompose(Y, 1 - P),
        lambda: decompose(Y, -LOGITS, from_logits=True),
        lambda: decompose(Y, np.c_[P, 1 - P], recalibration="slope-bias"),
        lambda: Evaluation.from_frame(FRAME, target="y", proba="p"),
        lambda: FRAME.xent.decompose("y", "p"),
        lambda: finish(accumulate(FRAME, target="y", proba="p")),
        lambda: Evaluation.from_predictions(Y, 1 - P, folds=np.arange(2000) % 2),
    ],
)
def test_swapped_columns_are_said(swapped):
    with pytest.warns(SwappedColumnsWarning, match=MESSAGE):
        swapped()


@pytest.mark.parametrize("a", thinned([1, 5], [1]))
@pytest.mark.slow
def test_poor_predictions_are_not_called_swapped(a):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(50):
            own = np.random.default_rng(seed)
            p = own.beta(a, 20, 500)
            decompose(own.uniform(size=500) < 0.05, p, labels=[False, True])
        decompose(Y, P**3)


@pytest.mark.parametrize("kept", [slice(None), slice(10, None)])
def test_a_row_of_much_weight_is_said(kept):
    w = np.ones(2000)
    w[17], w[: kept.start or 0] = 60.0, 0.0
    n = 2000 - (kept.start or 0)
    share = 60 / (n + 59)
    message = f"row 17 holds {share:.0%} of the weight: the terms depend on it, and "
    with pytest.warns(SmallSampleWarning, match=re.escape(message)):
        decompose(Y, P, sample_weight=w)


def test_rows_of_little_weight_are_not_said():
    w = np.ones(2000)
    w[17] = 40.0
    decompose(Y, P, sample_weight=w)
    decompose(Y[:300], P[:300], sample_weight=rng.exponential(size=300))


def test_few_rows_that_hold_most_of_the_loss_are_said():
    y, p = np.ones(2000, int), np.full(2000, 0.999)
    y[:8] = 0
    d = decompose(y, p, recalibration="temperature")
    costly, rest = -8 * math.log(0.001), -1992 * math.log(0.999)
    share = 5 * costly / 8 / (costly + rest)
    assert share > 0.5 > 4 * costly / 8 / (costly + rest)
    assert d.notes["cross_entropy"] == f"5 rows (0.2%) hold {share:.0%} of the loss"
    assert d.notes["cross_entropy"] in repr(d)
    assert "cross_entropy" not in decompose(Y, P).notes


class TestFewRows:
    OF_THE_MAP = tuple(name for name, term in TERMS.items() if term.needs_map)

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    @pytest.mark.parametrize("soft", [False, True])
    @pytest.mark.parametrize("groups", [None, np.arange(18) // 2])
    def test_below_ten_terms_of_the_map_are_nan_and_say_why(self, soft, groups):
        n = 9 if groups is None else 18
        y = np.arange(n) % 2
        q = np.c_[1 - P[:n], P[:n]]
        d = decompose(q if soft else y, q, groups=groups)
        why = "9 independent rows: too few for terms of the map, which require 10"
        for name, value in d.terms.items():
            if name in self.OF_THE_MAP:
                assert math.isnan(value)
                assert math.isnan(d.standard_errors[name])
                if soft or name != "grouping_loss":
                    assert d.notes[name] == why
            elif soft or name != "irreducible":
                assert math.isfinite(value)

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    def test_ten_rows_are_enough(self):
        d = decompose(np.arange(10) % 2, P[:10])
        assert math.isfinite(d.miscalibration)
        scanned = finish(accumulate(FRAME[:9], target="y", proba="p")).decomposition
        assert math.isnan(scanned.miscalibration)
        assert math.isfinite(scanned.cross_entropy)

    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    def test_a_fold_of_fewer_makes_the_whole_nan(self):
        folds = np.repeat([0, 1], [9, 300])
        found = Evaluation.from_predictions(Y[:309], P[:309], folds=folds)
        assert math.isnan(found.decomposition.miscalibration)
        assert found.decomposition.notes["miscalibration"].endswith("in 1 of 2 folds")


def test_the_text_of_folds_says_what_is_estimated():
    found = Evaluation.from_predictions(Y, P, folds=np.arange(2000) % 2)
    said = (
        "estimated: the mean loss of the fitted models on new rows, not of the "
        "procedure that fitted them"
    )
    assert said in repr(found.decomposition)
    assert said not in repr(decompose(Y, P))
