import json
import math

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, drift, expected_loss

from .sets import drawn, evaluated

REFERENCE = evaluated(seed=1)
SEVERAL = evaluated(k=4, seed=3)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_what_drift_expects_before_the_labels_are_known(k, weighted):
    map_ = {"recalibration": "temperature"}
    reference = evaluated(k=k, seed=1, options=map_)
    y, q = drawn(k=k, seed=2, centre=0.7)
    options = {}
    if weighted:
        weights = np.random.default_rng(0).exponential(size=2000)
        options = {"sample_weight": weights * (np.arange(2000) > 5)}
    found = expected_loss(reference, q, **options)
    later = Evaluation.from_predictions(y, q, labels=range(k), **options, **map_)
    split = drift(reference, later)
    assert found.expected_loss == pytest.approx(split.expected_loss, rel=1e-12)
    assert found.mix == pytest.approx(split.mix.difference, rel=1e-9)
    assert found.mix_error == pytest.approx(split.mix.standard_error, rel=1e-6)
    error = found.standard_errors["population"]
    assert error == pytest.approx(split.expected_loss_error, rel=1e-6)
    entropy = later.terms["predictive_entropy"]
    assert found.predictive_entropy == pytest.approx(entropy, rel=1e-12)
    assert found.reference_loss == reference.terms["cross_entropy"]


def test_the_three_intervals_hold_what_each_is_of():
    _, q = drawn(seed=2)
    errors = expected_loss(REFERENCE, q).standard_errors
    assert errors["rows"] < errors["population"] < errors["realised"]
    few = expected_loss(REFERENCE, q[:10]).standard_errors
    assert few["realised"] > 5 * errors["realised"]
    # One row is certain of itself: what is left open is the map, and its label.
    one = expected_loss(REFERENCE, q[:1])
    p = math.exp(-0.0) * one.standard_errors["realised"]
    assert p > one.standard_errors["rows"] > 0
    assert math.isnan(one.standard_errors["population"])


@pytest.mark.parametrize("reference", [REFERENCE, SEVERAL], ids=["two", "several"])
@pytest.mark.parametrize("n_groups", [3, 500])
def test_groups_of_rows_and_their_weight_make_the_whole(reference, n_groups):
    _, q = drawn(k=reference.decomposition.n_classes, seed=2)
    keys = np.arange(2000) % n_groups
    found = expected_loss(reference, q, by=keys)
    table = found.by_group
    assert (table["weight"] * table["expected_loss"]).sum() == pytest.approx(
        found.expected_loss
    )
    alone = expected_loss(reference, q[keys == 1])
    assert table.loc[1, "expected_loss"] == pytest.approx(alone.expected_loss)
    for of, error in alone.standard_errors.items():
        assert table.loc[1, f"{of}_se"] == pytest.approx(error, rel=1e-9)


def test_dependent_rows_widen_the_intervals():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(500), 4)
    z = 1.5 * rng.standard_normal(500)[group]
    shared = rng.standard_normal(500)[group]
    y = rng.random(2000) < 1 / (1 + np.exp(-z - shared))
    q = 1 / (1 + np.exp(-z))
    reference = Evaluation.from_predictions(y, q, groups=group)
    alone, grouped = (
        expected_loss(reference, q),
        expected_loss(reference, q, groups=group),
    )
    for of, times in {"population": 1.05, "rows": 1.0, "realised": 1.05}.items():
        assert grouped.standard_errors[of] >= times * alone.standard_errors[of]
    assert grouped.n_groups == 500


def test_columns_pair_by_name_and_labels_by_place():
    y, q = drawn(k=3, seed=4)
    names = np.array(["cat", "dog", "owl"])
    reference = Evaluation.from_predictions(names[y], q, labels=names)
    plain = expected_loss(reference, q).expected_loss
    frame = pd.DataFrame(q[:, [2, 0, 1]], columns=["owl", "cat", "dog"])
    assert expected_loss(reference, frame).expected_loss == pytest.approx(plain)
    turned = expected_loss(reference, q[:, [2, 0, 1]], labels=["owl", "cat", "dog"])
    assert turned.expected_loss == pytest.approx(plain)


def test_logits_and_one_column_are_read():
    _, q = drawn(seed=2)
    whole = expected_loss(REFERENCE, q).expected_loss
    assert expected_loss(REFERENCE, q[:, 1]).expected_loss == pytest.approx(whole)
    logits = expected_loss(REFERENCE, np.log(q), from_logits=True)
    assert logits.expected_loss == pytest.approx(whole)
    scaled = expected_loss(REFERENCE, 3 * q, rescale=True)
    assert scaled.expected_loss == pytest.approx(whole)
    bits = expected_loss(REFERENCE, q, base=2)
    assert bits.expected_loss == pytest.approx(whole / math.log(2))
    assert bits.unit == "bits"


def test_predictions_beyond_those_of_the_reference_are_marked():
    _, q = drawn(seed=2, centre=6.0)
    with pytest.warns(UserWarning, match="lie outside the range of the reference's"):
        found = expected_loss(REFERENCE, q)
    assert found.share_outside > 0.2
    assert "whose cost is a guess" in repr(found)
    inside = expected_loss(REFERENCE, drawn(seed=1)[1])
    assert inside.share_outside == 0


def test_a_probability_of_zero_costs_without_end_where_nothing_is_clipped():
    y, q = drawn(seed=1)
    reference = Evaluation.from_predictions(y, q, clip=0)
    q = q.copy()
    q[0] = [0, 1]
    found = expected_loss(reference, q)
    assert found.expected_loss == math.inf
    assert math.isnan(found.standard_errors["population"])


def test_what_cannot_be_expected_is_refused():
    _, q = drawn(k=4, seed=2)
    with pytest.raises(ValueError, match="one column per class: found 4 for the 2"):
        expected_loss(REFERENCE, q)
    with pytest.raises(ValueError, match="labels must be the classes of the reference"):
        expected_loss(SEVERAL, q, labels=[1, 2, 3, 4])
    with pytest.raises(ValueError, match="clip must be that of the reference"):
        expected_loss(SEVERAL, q, clip=0.1)
    with pytest.raises(TypeError, match="reference must be an Evaluation"):
        expected_loss(q, q)
    with pytest.raises(ValueError, match="of must be one of 'population', 'rows'"):
        expected_loss(SEVERAL, q).ci(of="all")
    with pytest.raises(ValueError, match="of must be one of 'population', 'rows'"):
        expected_loss(SEVERAL, q).plot(of="all")
    with pytest.raises(KeyError, match="found 'site', levels are unnamed; pass"):
        expected_loss(SEVERAL, q, by="site")


def test_a_result_is_text_a_table_and_strict_json():
    _, q = drawn(seed=2)
    found = expected_loss(REFERENCE, q, by=np.arange(2000) % 2)
    document = json.loads(found.to_json())
    assert document["expected_loss"] == found.expected_loss
    assert len(document["by_group"]) == 2
    frame = found.to_frame()
    assert tuple(frame.loc["rows", ["low", "high"]]) == found.ci(of="rows")
    assert "realised" in found.to_markdown()
    assert "what the model itself expects" in repr(found)
    assert found == expected_loss(REFERENCE, q, by=np.arange(2000) % 2)
    assert found != expected_loss(REFERENCE, q)
