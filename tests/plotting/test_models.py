import math

import numpy as np
import pytest

from xent_metrics import compare, decompose, plotting

from .conftest import expit

RNG = np.random.default_rng(0)
X = RNG.normal(0.0, 1.5, 600)
Y = (RNG.random(600) < expit(X)).astype(int)
Q = {"plain": expit(X), "bold": expit(3.0 * X)}


@pytest.fixture(scope="module")
def found():
    return {name: decompose(Y, q) for name, q in Q.items()}


def test_points_are_terms_with_their_standard_errors(found):
    ax = plotting.models(found)
    for drawn, (name, one) in zip(ax.containers, found.items(), strict=True):
        assert drawn.get_label() == name
        point, _, bars = drawn.lines
        at = [one.resolution, one.miscalibration]
        assert point.get_xydata()[0] == pytest.approx(at)
        across, up = (bar.get_segments()[0] for bar in bars)
        errors = one.standard_errors
        assert across[1, 0] - across[0, 0] == pytest.approx(2 * errors["resolution"])
        assert up[1, 1] - up[0, 1] == pytest.approx(2 * errors["miscalibration"])
    markers = {one.lines[0].get_marker() for one in ax.containers}
    assert len(markers) == len(found)


def test_lines_join_points_of_equal_cross_entropy(found):
    ax = plotting.models(found)
    whole = found["plain"].uncertainty
    lines = [one for one in ax.lines if one.get_linestyle() == ":"]
    costs = {text.get_text() for text in ax.texts if text.get_text().startswith("CE ")}
    assert len(lines) >= len(costs) >= 3
    on_lines = set()
    for line in lines:
        resolution, miscalibration = line.get_xydata().T
        cost = whole - resolution + miscalibration
        assert cost[0] == pytest.approx(cost[1])
        on_lines.add(f"CE {cost[0]:.4g}")
    assert costs <= on_lines


def test_names_do_not_hide_each_other(found):
    same = dict.fromkeys(["one", "two", "three", "four"], found["plain"])
    ax = plotting.models(same)
    ax.figure.canvas.draw()
    boxes = [one.get_window_extent() for one in ax.texts if one.get_text() in same]
    assert len(boxes) == 4
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_comparisons_and_evaluations_are_drawn(found):
    compared = compare({name: (Y, q) for name, q in Q.items()})
    names = [one.get_label() for one in plotting.models(compared).containers]
    assert names == list(compared.decompositions)
    best = min(found, key=lambda name: found[name].cross_entropy)
    title = plotting.models(found).get_title(loc="left")
    assert title.startswith(f"{best} has the lowest cross-entropy: ")


def test_models_without_a_place_are_named(found):
    zero = decompose(
        Y, np.where(np.arange(600) == np.argmax(Y), 0.0, Q["plain"]), clip=0
    )
    assert math.isinf(zero.miscalibration)
    ax = plotting.models(found | {"zero": zero})
    assert len(ax.containers) == len(found)
    assert "\nnot drawn: zero, infinite: a probability of 0" in ax.get_xlabel()
    ax = plotting.models({"zero": zero})
    assert ax.get_title(loc="left") == "No model has finite terms"


def test_maps_that_differ_are_named(found):
    other = decompose(Y, Q["bold"], recalibration="temperature")
    ax = plotting.models({"plain": found["plain"], "bold": other})
    assert ax.get_xlabel().endswith("\nrecalibration maps differ: spline, temperature")


def test_an_empty_mapping_is_refused():
    with pytest.raises(ValueError, match="models must not be empty: found no model"):
        plotting.models({})


def test_models_of_other_rows_are_refused(found):
    other = decompose(Y[:300], Q["bold"][:300])
    with pytest.raises(
        ValueError, match="models must have one uncertainty, that of the"
    ):
        plotting.models({"plain": found["plain"], "other": other})


def test_models_of_other_units_are_refused(found):
    bits = decompose(Y, Q["bold"], base=2)
    with pytest.raises(
        ValueError, match="models must have one unit: 'plain' is in nats"
    ):
        plotting.models({"plain": found["plain"], "bits": bits})


def test_models_without_names_are_refused(two):
    with pytest.raises(TypeError, match="models must be a mapping .* found list; pass"):
        plotting.models([two])


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="needs a Decomposition or an Eval.* found int"):
        plotting.models({"a": 3})
