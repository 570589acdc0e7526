import json
import pickle

import numpy as np
import pytest

from xent_metrics import Evaluation, drift, expected_loss

from ..thinned import thinned
from .sets import drawn, evaluated


@pytest.mark.parametrize(
    ("n", "k"),
    thinned(
        [(1000, 2), (1000, 3), (200, 5), (300, 12), (200, 24)], [(1000, 2), (200, 5)]
    ),
)
def test_a_document_is_a_reference(n, k):
    reference = evaluated(n, k, seed=1)
    text = reference.to_json()
    read = Evaluation.from_json(text)
    assert read.to_json() == text
    y, q = drawn(n, k, seed=2, centre=0.2)
    assert expected_loss(read, q) == expected_loss(reference, q)
    assert expected_loss(text, q) == expected_loss(reference, q)
    current = Evaluation.from_predictions(y, q, labels=range(k))
    before, after = drift(read, current), drift(reference, current)
    assert before.mix == after.mix
    assert before.concept == after.concept
    assert before.pvalues == after.pvalues


def test_groups_have_a_concept_where_the_rows_of_the_reference_are_gone():
    read = Evaluation.from_json(evaluated(seed=1).to_json())
    keys = np.arange(2000) % 2
    found = drift(read, evaluated(seed=2, slope=0.4), by=(None, keys))
    assert found.by_group["concept"].sum() == pytest.approx(found.concept.difference)
    assert found.by_group["mix"].isna().all()


def test_a_pickle_keeps_the_map_once_it_was_fitted():
    reference, (_, q) = evaluated(seed=1), drawn(seed=2)
    found = expected_loss(reference, q)
    assert expected_loss(pickle.loads(pickle.dumps(reference)), q) == found  # noqa: S301


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"map": "isotonic"}, "there is no map 'isotonic'"),
        ({"parameters": [1.0]}, "'parameters' of the reference must hold"),
        ({"covariance": "AAAA"}, "'covariance' of the reference must hold"),
        ({"knots": [[1.0, 0.0]]}, "'knots' of the reference must rise"),
        ({"frequencies": [0.9, 0.9]}, "'frequencies' of the reference must be shares"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_map_that_was_changed_is_refused(change, message):
    document = json.loads(evaluated(seed=1).to_json())
    document["reference"] |= change
    with pytest.raises(ValueError, match=message):
        Evaluation.from_json(json.dumps(document))


def test_a_document_without_a_map_says_so():
    document = json.loads(evaluated(seed=1).to_json())
    document["reference"] = None
    read = Evaluation.from_json(json.dumps(document))
    with pytest.raises(ValueError, match="it was read back without its map"):
        expected_loss(read, drawn(seed=2)[1])
