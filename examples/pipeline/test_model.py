"""The gate: pytest --xent-update accepts a model, pytest holds the next ones to it."""

import pandas as pd
import pytest

from xent_metrics import Evaluation
from xent_metrics_pytest import Gates


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    frame = pd.read_parquet("predictions.parquet")
    return Evaluation.from_frame(frame, target="label", proba="p_")


def test_the_model_is_good_enough(xent: Gates, evaluation: Evaluation) -> None:
    xent.check(evaluation, "cross_entropy < 0.6 and n >= 500")
    xent.check(evaluation, "cross_entropy.high < 0.7", by="half")


def test_the_model_is_no_worse(xent: Gates, evaluation: Evaluation) -> None:
    terms = ("cross_entropy", "resolution")
    xent.no_worse(evaluation, "digits", margin=0.1, terms=terms)
