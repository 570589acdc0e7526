"""The predictions and targets that an evaluation hands out."""

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation

from .animals import CODES, LABELS, NAMES, PROBA, TRUE, N, evaluated


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_probabilities_are_those_given(dtype):
    given = PROBA.astype(dtype)
    found = evaluated(q=given).probabilities()
    assert found.columns.tolist() == list(NAMES)
    assert found.to_numpy().dtype == dtype
    np.testing.assert_array_equal(found.to_numpy(), given)


def test_they_have_the_index_of_the_rows_and_are_a_copy():
    frame = pd.DataFrame(PROBA, columns=NAMES, index=[f"row {i}" for i in range(N)])
    evaluation = evaluated(q=frame)
    found = evaluation.probabilities()
    assert found.index.equals(evaluation.per_sample.index)
    found.iloc[0] = 0.0
    np.testing.assert_array_equal(evaluation.probabilities().iloc[0], PROBA[0])


def test_one_column_becomes_two():
    found = evaluated(LABELS == "ant", PROBA[:, 0], labels=None).probabilities()
    np.testing.assert_array_equal(found.to_numpy()[:, 1], PROBA[:, 0])
    np.testing.assert_array_equal(found.to_numpy()[:, 0], 1 - PROBA[:, 0])


def test_logits_and_scores_become_probabilities():
    of_logits = evaluated(q=np.log(PROBA) + 7, from_logits=True).probabilities()
    of_scores = evaluated(q=PROBA * 3, rescale=True).probabilities()
    for found in (of_logits, of_scores):
        np.testing.assert_allclose(found.to_numpy(), PROBA, rtol=1e-14)


def test_rows_of_weight_0_may_hold_anything():
    given, weights = PROBA.copy(), np.ones(N)
    given[0], weights[0] = 0.0, 0.0
    found = evaluated(q=given, rescale=True, sample_weight=weights).probabilities()
    assert found.iloc[0].isna().all()
    assert found.iloc[1:].notna().all(axis=None)


def test_hard_labels_have_no_targets():
    assert evaluated().targets() is None
    assert evaluated(np.eye(3)[CODES]).targets() is None


def test_distributions_and_votes_are_targets():
    votes = np.random.default_rng(0).multinomial(5, [0.2, 0.3, 0.5], N)
    np.testing.assert_array_equal(evaluated(TRUE).targets().to_numpy(), TRUE)
    found = evaluated(votes).targets()
    assert found.columns.tolist() == list(NAMES)
    assert found.to_numpy().dtype.kind == "i"
    np.testing.assert_array_equal(found.to_numpy(), votes)


@pytest.mark.parametrize("method", ["probabilities", "targets"])
def test_an_evaluation_read_back_has_neither(method):
    read = Evaluation.from_json(evaluated().to_json(per_sample=True))
    with pytest.raises(ValueError, match=f"{method} needs the data: this result has"):
        getattr(read, method)()
