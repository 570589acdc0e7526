import numpy as np
import pytest

from xent_metrics import Evaluation, plotting


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_points_are_rows_split_by_right_and_wrong(several):
    table = several.per_sample
    ax = plotting.entropy(several)
    for points, right in zip(ax.collections, (1.0, 0.0), strict=True):
        rows = table[table["correct"] == right]
        expected = rows[["predictive_entropy", "cross_entropy"]].to_numpy()
        np.testing.assert_allclose(points.get_offsets(), expected)
    share = f"{100 * table['correct'].mean():.3g}%"
    assert labels(ax)[1] == f"right ({share})"
    assert ax.get_xlabel() == "predictive entropy (nats)"


def test_means_of_the_groups_are_marked(several):
    table = several.per_sample
    marks = [
        one for one in plotting.entropy(several).lines if len(one.get_xdata()) == 1
    ]
    for mark, right in zip(marks, (1.0, 0.0), strict=True):
        mean = table[table["correct"] == right].mean(numeric_only=True)
        expected = [mean["predictive_entropy"], mean["cross_entropy"]]
        assert mark.get_xydata()[0] == pytest.approx(expected)


def test_the_diagonal_is_where_cost_is_entropy(several):
    (diagonal,) = (
        one
        for one in plotting.entropy(several).lines
        if one.get_label() == "CE = entropy"
    )
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())


def test_distributions_are_split_by_what_they_give_the_prediction(soft):
    assert labels(plotting.entropy(soft))[1].startswith(
        "target gives it a half or more"
    )


def test_of_many_rows_the_same_part_is_drawn():
    rng = np.random.default_rng(0)
    q = rng.uniform(size=6000)
    evaluation = Evaluation.from_predictions((rng.random(6000) < q).astype(int), q)
    one, other = (plotting.entropy(evaluation) for _ in range(2))
    n = 0
    for first, second in zip(one.collections, other.collections, strict=True):
        np.testing.assert_array_equal(first.get_offsets(), second.get_offsets())
        n += len(first.get_offsets())
    assert n == 5000
    assert one.get_xlabel().endswith("\na random 5,000 of 6,000 rows are drawn")


def test_infinite_costs_are_counted(infinite):
    ax = plotting.entropy(infinite)
    assert ax.get_xlabel().endswith("\nnot drawn: 1 row of infinite cost")
    assert sum(len(one.get_offsets()) for one in ax.collections) == 299


def test_rows_of_weight_0_are_as_if_removed():
    y, q = [0, 1] * 150, np.array([0.2, 0.9, 0.6] * 100)
    w = np.tile([1.0, 3.0, 0.0], 100)
    evaluation = Evaluation.from_predictions(y, q, sample_weight=w)
    ax = plotting.entropy(evaluation)
    assert sum(len(one.get_offsets()) for one in ax.collections) == 200
    right = (q >= 0.5) == (np.array(y) == 1)
    rows = evaluation.per_sample["cross_entropy"].to_numpy()
    mean = np.average(rows[right], weights=w[right])
    mark = next(one for one in ax.lines if one.get_label().startswith("mean"))
    assert mark.get_ydata()[0] == pytest.approx(mean)


def test_evaluations_that_were_read_back_are_drawn_if_they_have_rows(several):
    read = Evaluation.from_json(several.to_json(per_sample=True))
    one, other = (plotting.entropy(each) for each in (read, several))
    for first, second in zip(one.collections, other.collections, strict=True):
        np.testing.assert_allclose(first.get_offsets(), second.get_offsets())
    with pytest.raises(
        ValueError, match="the plot needs the rows: this evaluation was"
    ):
        plotting.entropy(Evaluation.from_json(several.to_json()))
