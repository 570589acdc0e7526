import numpy as np
import pytest

from xent_metrics import Evaluation, plotting

from ..draws import labels_from


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def widths(ax, term):
    (found,) = (one for one in ax.containers if one.get_label() == term)
    return [bar.get_width() for bar in found.patches]


def test_classes_are_in_the_order_of_their_excess_of_the_loss(several):
    table = several.by_class
    shares = table["weight"] * table["cross_entropy"]
    whole = several.decomposition.cross_entropy
    excess = shares / whole - table["weight"]
    order = excess.sort_values(ascending=False).index
    ax = plotting.by_class(several)
    assert names(ax) == [f"{name}  {100 * excess[name]:+.1f}%" for name in order]
    for term in ("refinement", "miscalibration"):
        np.testing.assert_allclose(widths(ax, term), table.loc[order, term])
    costs = next(one for one in ax.lines if one.get_label() == "cross-entropy")
    np.testing.assert_allclose(costs.get_xdata(), table.loc[order, "cross_entropy"])
    assert ax.get_title(loc="left").startswith(f'Class "{order[0]}" has ')


def test_a_rare_class_of_costly_rows_comes_before_a_common_one():
    y = ["common"] * 360 + ["rare"] * 40
    q = [[0.7, 0.3]] * 360 + [[0.6, 0.4], [0.3, 0.7]] * 20
    evaluation = Evaluation.from_predictions(y, q, labels=["common", "rare"])
    held = evaluation.by_class["weight"] * evaluation.by_class["cross_entropy"]
    assert held["common"] > held["rare"]
    ax = plotting.by_class(evaluation)
    assert [name.split()[0] for name in names(ax)] == ["rare", "common"]


@pytest.mark.slow
def test_classes_that_are_left_out_are_counted(several):
    ax = plotting.by_class(several, at_most=3)
    table = several.by_class
    held = table["weight"] * table["cross_entropy"] / several.terms["cross_entropy"]
    share = 100 * round(held[(held - table["weight"]).idxmin()], 3)
    assert len(names(ax)) == 3
    left = f"\nnot drawn: 1 other class, {share:.3g}% of the loss"
    assert ax.get_xlabel().endswith(left)


def test_the_figure_grows_with_the_classes():
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(20), 2000)
    y = labels_from(q, rng)
    evaluation = Evaluation.from_predictions(y, q, recalibration="temperature")
    few, many = (plotting.by_class(evaluation, at_most=n) for n in (3, 20))
    assert few.figure.get_figheight() == 4.0
    assert many.figure.get_figheight() > 6.0


def test_the_legend_stays_inside_the_axes_beside_long_names():
    names = ["short", "a class with a rather long name"]
    y, q = [names[0], names[1]] * 200, [[0.8, 0.2], [0.6, 0.4]] * 200
    ax = plotting.by_class(Evaluation.from_predictions(y, q, labels=names))
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().x0 >= ax.get_window_extent().x0


def test_classes_of_infinite_cost_are_named(infinite):
    ax = plotting.by_class(infinite)
    assert names(ax) == ["1", "0"]
    assert [text.get_text().strip() for text in ax.texts] == ["cross-entropy infinite"]
    assert "a probability of 0 for the target in" in ax.get_xlabel()


def test_classes_with_too_few_rows_are_counted():
    y, q = ["a", "b"] * 200 + ["c"] * 3, np.tile([0.5, 0.3, 0.2], (403, 1))
    evaluation = Evaluation.from_predictions(y, q, labels=["a", "b", "c"])
    ax = plotting.by_class(evaluation)
    assert len(widths(ax, "refinement")) == 2
    assert "1 class with too few rows for all terms" in ax.get_xlabel()


def test_evaluations_that_were_read_back_are_drawn(several):
    read = Evaluation.from_json(several.to_json())
    assert names(plotting.by_class(read)) == names(plotting.by_class(several))


@pytest.mark.parametrize("at_most", [0, 1.5, True])
def test_at_most_must_be_a_whole_number(several, at_most):
    with pytest.raises(ValueError, match=f"at_most must be a whole .* {at_most}"):
        plotting.by_class(several, at_most=at_most)
