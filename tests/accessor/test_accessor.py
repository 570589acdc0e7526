"""The accessor: views that hold columns and options, and what their methods give."""

import re

import numpy as np
import pandas as pd
import pytest

import xent_metrics
from xent_metrics import Evaluation, compare, cross_entropy, decompose, per_sample

rng = np.random.default_rng(0)
N = 600
CLASSES = [0, 1, 10]
PROBA = rng.dirichlet(np.ones(3), N)
OTHER = rng.dirichlet(np.ones(3), N)
LABELS = np.array(CLASSES)[rng.integers(3, size=N)]


@pytest.fixture
def frame():
    table = pd.DataFrame(PROBA, columns=[f"p_{c}" for c in CLASSES])
    table[[f"q_{c}" for c in CLASSES]] = OTHER
    table.index = pd.Index([f"row {i}" for i in range(N)], name="key")
    return table.assign(
        label=LABELS,
        group=np.where(np.arange(N) % 3, "a", None),
        half=np.arange(N) < N // 2,
        w=PROBA[:, 0],
    )


METHODS = {
    "evaluate": {},
    "per_sample": {},
    "summary": {},
    "summary by group": {"by": "group"},
    "summary by several": {"by": ["group", "half"]},
    "decompose": {},
    "decompose by group": {"by": "group"},
    "decompose by group alone": {"by": "half", "refit": True},
    "by_class": {},
    "worst": {},
    "worst by group": {"by": ["half"]},
    "compare": {"other": "q_"},
}


@pytest.mark.parametrize("name", METHODS)
class TestViews:
    def same(self, one, two):
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, two)
            return
        assert one == two

    def test_columns_are_bound_or_given(self, frame, name):
        method, extra = name.split(" ")[0], METHODS[name]
        before = frame.copy()
        quick = frame.xent(recalibration="temperature")
        view = quick(target="label", proba="p_", sample_weight="w", base=2)
        bound = getattr(view, method)(**extra)
        given = getattr(quick, method)(
            target="label", proba="p_", sample_weight="w", base=2, **extra
        )
        self.same(bound, given)
        over = quick(target="half", proba="q_", base=10, sample_weight="w")
        self.same(
            getattr(over, method)(target="label", proba="p_", base=2, **extra), given
        )
        pd.testing.assert_frame_equal(frame, before)


def test_columns_are_bound_in_the_order_of_every_method(frame):
    quick = frame.xent(recalibration="temperature")
    view = quick("label", "p_", base=2)
    assert view.decompose() == quick.decompose("label", "p_", base=2)


def test_a_view_of_a_view_changes_what_is_bound(frame):
    view = frame.xent(proba="p_")(target="label")(base=2)
    assert view.decompose() == decompose(LABELS, PROBA, labels=CLASSES, base=2)
    assert frame.xent(target="half")(proba="p_0")(base=2)(base=None).decompose() == (
        decompose(np.arange(N) < N // 2, PROBA[:, 0])
    )


def test_a_view_says_what_it_holds(frame):
    text = repr(frame.xent(target="label", proba="p_", base=2))
    assert text == (
        "df.xent(target='label', proba='p_', base=2) of 600 rows and 10 columns"
    )
    assert repr(frame.xent) == "df.xent() of 600 rows and 10 columns"


def test_a_view_reads_the_frame_anew(frame):
    view = frame.xent(target="label", proba="p_")
    before = view.summary()["cross_entropy"].item()
    frame["label"] = LABELS[::-1]
    assert view.summary()["cross_entropy"].item() != before


def test_rows_keep_their_index_and_order(frame):
    for table in (
        frame.xent.per_sample("label", "p_"),
        frame.xent.evaluate("label", "p_").per_sample,
    ):
        pd.testing.assert_index_equal(table.index, frame.index)


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
def test_every_door_gives_the_same_numbers(frame):
    view = frame.xent(target="label", proba="p_", sample_weight="w", groups="half")
    assert view.evaluate().decomposition == view.decompose()
    pd.testing.assert_frame_equal(view.by_class(), view.evaluate().by_class)
    pd.testing.assert_frame_equal(
        view.decompose(by="half"), view.decompose().by(frame["half"])
    )
    rows = view.per_sample()
    pd.testing.assert_frame_equal(rows, view.evaluate().per_sample[rows.columns])


def test_columns_may_be_a_list(frame):
    names = ["p_0", "p_1", "p_10"]
    options = {"labels": CLASSES, "recalibration": "temperature"}
    expected = decompose(LABELS, PROBA, **options)
    assert frame.xent.decompose("label", names, **options) == expected
    renamed = frame.rename(columns=dict(zip(names, CLASSES, strict=True)))
    view = renamed.xent(recalibration="temperature")
    assert view.decompose("label", CLASSES) == expected


def test_one_column_is_enough_for_two_classes(frame):
    frame["won"] = frame["label"] == 10
    each = frame.xent.per_sample("won", "p_10")["cross_entropy"]
    expected = cross_entropy(LABELS == 10, PROBA[:, 2], reduction=None)
    np.testing.assert_array_equal(each, expected)


def test_predictions_may_be_logits_or_scores(frame):
    names = [f"p_{c}" for c in CLASSES]
    expected = per_sample(LABELS, PROBA, labels=CLASSES)
    logits = frame.assign(**{name: np.log(frame[name]) + 2 for name in names})
    found = logits.xent.per_sample("label", "p_", from_logits=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    scores = frame.assign(**{name: 7 * frame[name] for name in names})
    found = scores.xent.per_sample("label", "p_", rescale=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


class TestSummary:
    def test_the_summary_of_all_is_the_decomposition(self, frame):
        table = frame.xent.summary("label", "p_", sample_weight="w", base=2)
        d = decompose(LABELS, PROBA, labels=CLASSES, sample_weight=PROBA[:, 0], base=2)
        assert list(table.index) == ["all"]
        assert table.loc["all", "n"] == N
        for name in ("cross_entropy", "predictive_entropy", "calibration_gap"):
            assert table.loc["all", name] == pytest.approx(getattr(d, name), rel=1e-12)
            error = table.loc["all", f"{name}_se"]
            assert error == pytest.approx(d.standard_errors[name], rel=1e-10)

    def test_groups_average_to_the_whole(self, frame):
        table = frame.xent.summary("label", "p_", by="group")
        assert table["n"].sum() == N
        kept = np.arange(N) % 3 != 0
        expected = cross_entropy(LABELS[kept], PROBA[kept], labels=CLASSES)
        assert table.loc["a", "cross_entropy"] == pytest.approx(expected, rel=1e-12)
        whole = (table["weight"] * table["cross_entropy"]).sum()
        assert whole == pytest.approx(cross_entropy(LABELS, PROBA), rel=1e-12)
        assert len(frame.xent.summary("label", "p_", by=["group", "half"])) == 4

    def test_groups_may_be_values(self, frame):
        view = frame.xent(target="label", proba="p_")
        expected = view.summary(by="half")
        for by in (frame["half"], {"half": frame["half"]}, frame[["half"]]):
            pd.testing.assert_frame_equal(view.summary(by=by), expected)
        array = view.summary(by=frame["half"].to_numpy())
        assert array.index.name is None
        assert array.to_numpy().tolist() == expected.to_numpy().tolist()

    def test_dependent_rows_have_the_errors_of_their_groups(self, frame):
        twice = pd.concat([frame, frame])
        twice["who"] = np.tile(np.arange(N), 2)
        found = twice.xent.summary("label", "p_", groups="who", by="half")
        expected = frame.xent.summary("label", "p_", by="half")
        for name in ("cross_entropy_se", "calibration_gap_se"):
            assert found[name].tolist() == pytest.approx(expected[name].tolist())


class TestCompare:
    def expected(self, names=("p_", "q_")):
        models = dict(zip(names, [(LABELS, PROBA), (LABELS, OTHER)], strict=True))
        return compare(models, labels=CLASSES)

    def test_the_other_model_may_be_columns_of_the_frame(self, frame):
        found = frame.xent(target="label", proba="p_").compare("q_")
        assert found == self.expected()
        assert found.baseline == "p_"

    @pytest.mark.slow
    def test_the_other_model_may_be_a_view_of_another_frame(self, frame):
        other = pd.DataFrame(OTHER, columns=CLASSES).assign(y=LABELS)
        view = other.xent(target="y", proba=CLASSES)
        found = frame.xent.compare(view, "label", "p_", names=("old", "new"))
        assert found == self.expected(("old", "new"))

    @pytest.mark.parametrize("names", ["ab", ("a",), ("a", "a"), ("a", "b", "c"), ()])
    def test_names_that_are_no_pair_are_refused(self, frame, names):
        with pytest.raises(ValueError, match="names must be two that differ: found"):
            frame.xent(target="label", proba="p_").compare("q_", names=names)

    @pytest.mark.slow
    def test_the_other_model_may_be_an_evaluation(self, frame):
        evaluation = Evaluation.from_predictions(LABELS, OTHER, labels=CLASSES)
        for other in (evaluation, evaluation.decomposition):
            found = frame.xent.compare(other, "label", "p_")
            assert found == self.expected(("this", "other"))

    def test_options_are_those_of_compare(self, frame):
        view = frame.xent(
            target="label", proba="p_", groups="key", recalibration="dirichlet"
        )
        frame["key"] = np.arange(N) // 2
        found = view.compare("q_", level=0.5)
        assert found.level == 0.5
        expected = compare(
            {"p_": (LABELS, PROBA), "q_": (LABELS, OTHER)},
            labels=CLASSES,
            groups=np.arange(N) // 2,
            recalibration="dirichlet",
        )
        assert found.decompositions == expected.decompositions

    def test_rows_that_either_misses_are_left_out(self, frame):
        frame.iloc[1, 0] = frame.iloc[5, 4] = np.nan
        options = {"recalibration": "temperature"}
        found = frame.xent.compare("q_", "label", "p_", on_missing="drop", **options)
        kept = ~np.isin(np.arange(N), [1, 5])
        assert found == frame[kept].xent.compare("q_", "label", "p_", **options)

    def test_other_targets_are_refused(self, frame):
        other = frame.assign(label=LABELS[::-1])
        with pytest.raises(ValueError, match="'this' and 'other' differ in 402 rows"):
            frame.xent.compare(other.xent(target="label", proba="q_"), "label", "p_")


class TestMistakes:
    def test_unknown_columns_are_named(self, frame):
        with pytest.raises(KeyError, match="'lable' is not a column.* mean 'label'"):
            frame.xent.per_sample("lable", "p_")
        with pytest.raises(KeyError, match="'z_' is not a column of the frame, nor"):
            frame.xent.per_sample("label", "z_")
        for by in ("grup", ["half", "grup"]):
            with pytest.raises(KeyError, match="'grup' is not a column.*mean 'group'"):
                frame.xent.summary("label", "p_", by=by)

    @pytest.mark.parametrize("missing", ["target", "proba"])
    def test_columns_that_are_not_given_are_asked_for(self, frame, missing):
        given = {"target": "label", "proba": "p_"}
        del given[missing]
        message = f"{missing} must say which columns to read: none is given or bound"
        with pytest.raises(TypeError, match=message):
            frame.xent(**given).summary()

    def test_options_that_do_not_exist_are_refused(self, frame):
        with pytest.raises(TypeError, match="'tarjet' is not an option.*mean 'target'"):
            frame.xent(tarjet="label")
        with pytest.raises(TypeError, match="'zzz' is not an option here; options are"):
            frame.xent.decompose("label", "p_", zzz=1)
        with pytest.raises(TypeError, match="'recalibration' is not an option here"):
            frame.xent.per_sample("label", "p_", recalibration="none")

    def test_a_target_of_several_columns_with_one_probability_is_refused(self, frame):
        message = "proba must be one column per class where target is a list of columns"
        with pytest.raises(ValueError, match=re.escape(message)):
            frame.xent.per_sample(["label"], "p_0")

    @pytest.mark.parametrize("empty", [[], {}])
    def test_an_empty_list_of_columns_is_refused(self, frame, empty):
        with pytest.raises(ValueError, match="proba must name columns: it is empty"):
            frame.xent.per_sample("label", empty)

    def test_an_empty_frame_is_refused(self, frame):
        with pytest.raises(ValueError, match="the frame must not be empty"):
            frame.iloc[:0].xent.summary("label", "p_")

    def test_columns_whose_classes_are_unknown_are_refused(self, frame):
        with pytest.raises(ValueError, match="it holds .* are 'p_0', 'p_1', 'p_10'; "):
            frame.xent.decompose("label", ["p_0", "p_1", "p_10"])


@pytest.mark.parametrize("name", ["sample_weight", "groups", "by"])
def test_series_in_another_order_are_refused(frame, name):
    values = {name: frame["w"].iloc[::-1]}
    with pytest.raises(ValueError, match=f"the frame and {name} must be in the same"):
        frame.xent.summary("label", "p_", **values)
    if name == "by":
        evaluation = frame.xent.evaluate("label", "p_")
        with pytest.raises(ValueError, match="per_sample and by must be in the same"):
            evaluation.summary(**values)


def test_a_series_of_the_frame_before_it_was_shuffled_is_refused():
    frame = pd.DataFrame({"y": [0, 1] * 200, "p": [0.2, 0.7] * 200, "g": range(400)})
    shuffled = frame.sample(frac=1, random_state=0)
    for name in ("by", "sample_weight", "groups"):
        with pytest.raises(ValueError, match=f"the frame and {name} must be"):
            shuffled.xent.summary("y", "p", **{name: frame["g"]})


def test_the_accessor_is_registered_on_import():
    assert pd.DataFrame.xent is xent_metrics.XentAccessor


class TestValuesThatCannotBeToldApart:
    lists = pd.Series([[1], [2]] * (len(LABELS) // 2))

    @pytest.mark.parametrize("name", ["by", "groups"])
    def test_keys_that_cannot_be_told_apart_are_refused(self, frame, name):
        values = self.lists.set_axis(frame.index)
        with pytest.raises(TypeError, match=f"{name} must hold values .* an unhash"):
            frame.xent.summary("label", "p_", **{name: values})

    def test_labels_that_cannot_be_told_apart_are_refused(self, frame):
        values = pd.Series([{1}, {2}] * (len(frame) // 2), frame.index)
        with pytest.raises(
            TypeError, match="y_true must hold one label per row: found"
        ):
            frame.assign(label=values).xent.summary("label", "p_")


@pytest.mark.parametrize("name", ["sample_weight", "groups"])
def test_columns_beside_the_rows_hold_one_value_in_each(frame, name):
    frame = frame.assign(rows=[[1.0, 2.0]] * len(frame))
    with pytest.raises(ValueError, match=f"{name} must hold one value per row: column"):
        frame.xent.summary("label", "p_", **{name: "rows"})


def test_values_are_no_columns_to_compare_with(frame):
    view = frame.xent(target="label", proba="p_")
    with pytest.raises(TypeError, match="other must be columns .* a tuple of values;"):
        view.compare((frame["label"], frame["label"]))
