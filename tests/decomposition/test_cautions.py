"""Warnings of results that are not to be read as they stand."""

import warnings

import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    Evaluation,
    SwappedColumnsWarning,
    accumulate,
    decompose,
    finish,
)

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


@pytest.mark.parametrize("a", [1, 5])
def test_poor_predictions_are_not_called_swapped(a):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(50):
            own = np.random.default_rng(seed)
            p = own.beta(a, 20, 500)
            decompose(own.uniform(size=500) < 0.05, p, labels=[False, True])
        decompose(Y, P**3)
