import pickle

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from xent_metrics import Evaluation, SmallSampleWarning, plotting

# Intervals are compared with published ones, which no plot gives as numbers.
from xent_metrics.plotting._bins import equal_mass, in_bins, wilson
from xent_metrics.plotting._rows import ClassRows, rows_of_class

from ..draws import labels_from


def line(ax, start):
    """The line whose label starts like this."""
    return next(one for one in ax.lines if one.get_label().startswith(start))


def observed(ax):
    return ax.containers[0].lines[0].get_xydata()


def bands(ax):
    return [one for one in ax.collections if isinstance(one, PolyCollection)]


def said(ax):
    texts = ax.get_legend().get_texts()
    return [" ".join(text.get_text().split()) for text in texts]


def test_the_map_is_that_of_the_recalibrator(two):
    ax = plotting.reliability(two)
    x, y = line(ax, "recalibration map (spline), 95% band").get_xydata().T
    expected = two.decomposition.recalibrator().predict_proba(x)[:, 1]
    np.testing.assert_allclose(y, expected, atol=1e-12)
    seen = rows_of_class(two, 1).predicted
    np.testing.assert_allclose([x.min(), x.max()], [seen.min(), seen.max()])
    low, high = bands(ax)[0].get_datalim(ax.transData).intervaly
    assert low < y.min() < y.max() < high
    assert ax.get_xlabel() == "predicted probability of yes"


def test_bins_are_means_of_rows(two):
    ax = plotting.reliability(two, bins=10)
    rows = rows_of_class(two, 1)
    codes = equal_mass(rows.predicted, rows.weights, 10)
    assert np.bincount(codes).tolist() == [150] * 10
    expected = [
        [rows.predicted[codes == k].mean(), rows.observed[codes == k].mean()]
        for k in range(10)
    ]
    np.testing.assert_allclose(observed(ax), expected)


def test_the_first_class_mirrors_the_second(two):
    first, second = (plotting.reliability(two, of_class=c) for c in ("no", "yes"))
    np.testing.assert_allclose(observed(first)[::-1], 1.0 - observed(second))
    x, y = line(first, "recalibration map").get_xydata().T
    after = two.decomposition.recalibrator().predict_proba(1.0 - x)
    np.testing.assert_allclose(y, after[:, 0], atol=1e-9)


def test_the_histogram_has_axes_inside_the_axes(two):
    ax = plotting.reliability(two)
    (below,) = ax.child_axes
    assert sum(bar.get_height() for bar in below.patches) == pytest.approx(1.0)
    assert below.get_xlim() == ax.get_xlim()
    assert len(ax.figure.axes) == 1


def test_several_classes_show_confidence_against_accuracy(several):
    ax = plotting.reliability(several, bins=8)
    x, y = observed(ax).T
    table = several.per_sample
    assert np.average(x) == pytest.approx(table["confidence"].mean())
    assert np.average(y) == pytest.approx(table["correct"].mean())
    assert ax.get_ylabel() == "accuracy"
    assert ax.get_xlabel() == "confidence (probability of the class predicted)"


def test_several_classes_show_the_mean_of_the_map_in_bins(several):
    ax = plotting.reliability(several, of_class="bee", bins=6)
    rows = rows_of_class(several, 1)
    codes = equal_mass(rows.predicted, rows.weights, 6)
    data = several.decomposition._evidence.need("test").inputs.proba.source
    after = several.decomposition.recalibrator().predict_proba(data)[:, 1]
    drawn = line(ax, "recalibration map (").get_xydata()
    np.testing.assert_allclose(drawn[:, 0], observed(ax)[:, 0])
    expected = [after[codes == k].mean() for k in range(6)]
    np.testing.assert_allclose(drawn[:, 1], expected)
    assert len(bands(ax)) == 1
    assert ax.get_title(loc="left").startswith("bee: predicted ")


def test_weights_of_rows_are_as_rows_that_are_repeated(two):
    rows = rows_of_class(two, 1)
    times = np.random.default_rng(0).integers(0, 3, 1500)
    weighted, repeated = (
        Evaluation.from_predictions(y, q, sample_weight=w, recalibration="temperature")
        for y, q, w in (
            (rows.observed.astype(int), rows.predicted, times),
            (
                np.repeat(rows.observed, times).astype(int),
                np.repeat(rows.predicted, times),
                None,
            ),
        )
    )
    one, other = (plotting.reliability(each) for each in (weighted, repeated))
    np.testing.assert_allclose(observed(one), observed(other))
    heights = [
        [bar.get_height() for bar in ax.child_axes[0].patches] for ax in (one, other)
    ]
    np.testing.assert_allclose(*heights)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"recalibration": "none"}, "no recalibration map: recalibration='none'"),
        ({"folds": [0, 1, 2] * 500}, "no recalibration map: each fold has its own"),
        ({"recalibration": "isotonic"}, "recalibration map (isotonic), no band"),
    ],
)
def test_the_legend_says_what_is_missing(two, options, why):
    rows = rows_of_class(two, 1)
    evaluation = Evaluation.from_predictions(
        rows.observed.astype(int), rows.predicted, **options
    )
    ax = plotting.reliability(evaluation)
    assert why in said(ax)
    assert not bands(ax)


def test_predictions_that_are_kept_as_they_are_are_said_to_be():
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(3), 600)
    y = (q.cumsum(axis=1) > rng.random((600, 1))).argmax(axis=1)
    evaluation = Evaluation.from_predictions(y, q)
    assert evaluation.decomposition.recalibration == "none"
    text = "no recalibration map: a test does not reject calibration"
    assert text in said(plotting.reliability(evaluation))


def test_one_class_only_has_no_map_and_says_why(one_class):
    text = "no recalibration map: undefined: y_true holds one class only"
    assert text in said(plotting.reliability(one_class))


def test_the_legend_stays_inside_the_axes():
    q = np.linspace(0.1, 0.9, 8)
    with pytest.warns(SmallSampleWarning, match="only 8 rows"):
        few = Evaluation.from_predictions([0, 1] * 4, q)
    ax = plotting.reliability(few)
    ax.figure.canvas.draw()
    assert any("8 independent rows: too few" in text for text in said(ax))
    assert ax.get_legend().get_window_extent().x0 >= ax.get_window_extent().x0


@pytest.mark.slow
def test_evaluations_that_were_read_back_are_drawn_without_the_map(two, several):
    read = Evaluation.from_json(two.to_json(per_sample=True))
    ax = plotting.reliability(read)
    np.testing.assert_allclose(observed(ax), observed(plotting.reliability(two)))
    assert "no recalibration map: the result came without it" in said(ax)
    read = Evaluation.from_json(several.to_json(per_sample=True))
    ax = plotting.reliability(read)
    np.testing.assert_allclose(observed(ax), observed(plotting.reliability(several)))
    with pytest.raises(ValueError, match="plot of one of several classes needs the"):
        plotting.reliability(read, of_class="ant")
    with pytest.raises(ValueError, match="the plot needs the rows: this evaluation"):
        plotting.reliability(Evaluation.from_json(two.to_json()))


def test_a_pickled_evaluation_keeps_map_and_band(two, several):
    copied = pickle.loads(pickle.dumps(two))  # noqa: S301 - our own
    ax = plotting.reliability(copied)
    assert len(bands(ax)) == 1
    copied = pickle.loads(pickle.dumps(several))  # noqa: S301 - our own
    without = "no recalibration map: the result came without its data"
    assert without in said(plotting.reliability(copied))


def test_unseen_labels_take_their_share_of_the_map():
    y, q = [0, 1, 1, 2] * 100, [0.2, 0.7, 0.9, 0.6] * 100
    with pytest.warns(UserWarning, match="not among"):
        evaluation = Evaluation.from_predictions(y, q, labels=[0, 1])
    after = line(plotting.reliability(evaluation), "recalibration map").get_ydata()
    assert after.max() <= 0.75


def test_an_unknown_class_is_refused(two):
    with pytest.raises(ValueError, match="of_class must be one of the classes: found"):
        plotting.reliability(two, of_class="maybe")


@pytest.mark.parametrize("bins", [0, 2.5, True])
def test_bins_must_be_a_number_of_them(two, bins):
    with pytest.raises(ValueError, match=f"bins must be a whole number .* {bins}"):
        plotting.reliability(two, bins=bins)


def test_equal_values_share_a_bin():
    codes = equal_mass(np.array([0.5, 0.1, 0.5, 0.5, 0.9]), np.ones(5), 5)
    assert codes.tolist() == [1, 0, 1, 1, 2]


def test_the_interval_is_wilsons():
    # Newcombe (1998), table I: 81 of 263, and 0 of 20.
    assert wilson(81 / 263, 263, 1.959964) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0.0, 20, 1.959964) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_intervals_know_of_groups_and_soft_targets():
    rng = np.random.default_rng(0)
    base = {
        "predicted": np.full(400, 0.5),
        "observed": np.repeat(rng.integers(0, 2, 40), 10).astype(float),
        "weights": np.ones(400),
    }
    alone = in_bins(ClassRows(**base, clusters=None, binary=True), 1, 1.96)
    groups = np.repeat(np.arange(40), 10)
    grouped = in_bins(ClassRows(**base, clusters=groups, binary=True), 1, 1.96)
    ratio = (grouped.high - grouped.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(10**0.5, rel=0.05)
    base["observed"] = rng.uniform(0.45, 0.55, 400)
    soft = in_bins(ClassRows(**base, clusters=None, binary=False), 1, 1.96)
    error = base["observed"].std(ddof=1) / 20
    assert soft.high - soft.low == pytest.approx(2 * 1.96 * error, rel=1e-3)


def test_logits_below_the_smallest_double_keep_their_place_on_the_map():
    rng = np.random.default_rng(0)
    logits = 60.0 * rng.standard_normal((600, 3))
    y = labels_from(rng.dirichlet([1, 1, 1], 600), rng)
    evaluation = Evaluation.from_predictions(
        y, logits, from_logits=True, recalibration="temperature"
    )
    ax = plotting.reliability(evaluation, of_class=0, bins=4)
    rows = rows_of_class(evaluation, 0)
    codes = equal_mass(rows.predicted, rows.weights, 4)
    found = evaluation.decomposition.recalibrator()
    after = found.predict_proba(logits, from_logits=True)[:, 0]
    drawn = line(ax, "recalibration map").get_ydata()
    expected = [after[codes == k].mean() for k in range(codes.max() + 1)]
    np.testing.assert_allclose(drawn, expected, rtol=1e-9)


def test_logits_of_sure_predictions_of_two_classes_are_drawn():
    logit = np.linspace(-900.0, 900.0, 400)
    evaluation = Evaluation.from_predictions(
        [0, 1] * 200, np.column_stack([np.zeros(400), logit]), from_logits=True
    )
    x, y = line(plotting.reliability(evaluation), "recalibration map").get_xydata().T
    assert x.min() < 1e-300
    assert x.max() == pytest.approx(1.0)
    assert np.isfinite(y).all()


class TestSeveralClasses:
    def test_both_axes_are_logits(self, several, two):
        ax = plotting.reliability(several)
        assert (ax.get_xscale(), ax.get_yscale()) == ("logit", "logit")
        assert plotting.reliability(two).get_xscale() == "linear"
        ticks = [float(label.get_text()) for label in ax.get_xticklabels()]
        np.testing.assert_allclose(ticks, ax.get_xticks(), rtol=1e-6)
        assert len(ticks) >= 3

    def test_all_that_is_drawn_lies_in_the_axes(self, several):
        ax = plotting.reliability(several, of_class="ant")
        low, high = ax.get_xlim()
        assert 0 < low < high < 1
        assert ((observed(ax) >= low) & (observed(ax) <= high)).all()
        (below,) = ax.child_axes
        assert below.get_xlim() == ax.get_xlim()
        heights = [bar.get_height() for bar in below.patches]
        assert sum(heights) == pytest.approx(1.0)

    def test_what_has_no_logit_is_at_the_edge(self):
        q = np.repeat([[0.6, 0.3, 0.1], [0.9, 0.1, 0.0], [0.2, 0.3, 0.5]], 100, axis=0)
        y = np.repeat([0, 0, 2], 100)
        y[::7] = 1
        evaluation = Evaluation.from_predictions(y, q, labels=[0, 1, 2])
        ax = plotting.reliability(evaluation, of_class=2)
        with np.errstate(all="raise"):
            ax.figure.canvas.draw()
        low, high = ax.get_xlim()
        assert ((observed(ax) > low) & (observed(ax) < high)).all()


class TestSeveralModels:
    @pytest.fixture
    def other(self, two):
        rows = rows_of_class(two, 1)
        y = np.where(rows.observed > 0, "yes", "no")
        q = np.sqrt(rows.predicted)
        q = q / (q + np.sqrt(1.0 - rows.predicted))
        return Evaluation.from_predictions(y, q, labels=["no", "yes"])

    def test_they_differ_in_colour_and_name(self, two, other):
        ax = plotting.reliability({"sharp": two, "$mild$": other})
        assert said(ax) == [
            "calibrated",
            "sharp: recalibration map (spline), 95% band",
            "$mild$: recalibration map (spline), 95% band",
            "sharp: observed, 95% intervals",
            "$mild$: observed, 95% intervals",
        ]
        first, second = (one.lines[0] for one in ax.containers)
        assert first.get_color() != second.get_color()
        assert first.get_marker() != second.get_marker()
        lines = [line(ax, f"{name}: recal") for name in ("sharp", "$mild$")]
        assert len({one.get_color() for one in lines}) == 2
        assert len({one.get_linestyle() for one in lines}) == 2
        assert len(ax.child_axes) == 1
        titles = ax.get_title(loc="left").split("\n")
        assert titles[0].startswith("sharp: Recalibration alone would remove")
        assert titles[-1].startswith("$mild$: ")

    def test_one_drawn_into_the_axes_of_another_numbers_both(self, two, other):
        ax = plotting.reliability(two)
        plotting.reliability(other, ax=ax)
        plotting.reliability(other, ax=ax, name="third")
        names = {text.partition(": ")[0] for text in said(ax)}
        assert names == {"calibrated", "model 1", "model 2", "third"}
        both = plotting.reliability({"a": two, "b": other})
        np.testing.assert_allclose(
            ax.containers[1].lines[0].get_xydata(),
            both.containers[1].lines[0].get_xydata(),
        )
        with pytest.raises(ValueError, match="axes can hold 3 models: found 3 in them"):
            plotting.reliability(two, ax=ax)

    @pytest.mark.slow
    def test_several_classes_share_axes_that_show_both(self, several, forecasts):
        p, _ = forecasts
        flat = Evaluation.from_predictions(
            several.per_sample["label"], p**0.2 / (p**0.2).sum(1, keepdims=True),
            labels=["ant", "bee", "cat", "dog"],
        )  # fmt: skip
        ax = plotting.reliability({"flat": flat, "sharp": several})
        low, high = ax.get_xlim()
        for container in ax.containers:
            x = container.lines[0].get_xdata()
            assert low < x.min() < x.max() < high

    def test_two_classes_are_refused_beside_several(self, two, several):
        with pytest.raises(ValueError, match="all have more: found one of two classes"):
            plotting.reliability({"two": two, "several": several})

    @pytest.mark.parametrize("n", [0, 4])
    def test_there_are_one_to_three(self, two, n):
        with pytest.raises(ValueError, match=f"one to 3 models: found {n}; draw"):
            plotting.reliability(dict.fromkeys("abcd"[:n], two))

    def test_whole_numbers_are_shown_as_such(self):
        evaluation = Evaluation.from_predictions([0.0, 1.0] * 200, [0.3, 0.6] * 200)
        ax = plotting.reliability(evaluation)
        assert ax.get_xlabel() == "predicted probability of 1"
