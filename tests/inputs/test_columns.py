"""Which columns of a frame are meant, and which class each of them is."""

import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    Evaluation,
    UnseenLabelWarning,
    accumulate,
    decompose,
    finish,
    per_sample,
    vote_counts,
)

rng = np.random.default_rng(0)
N = 400
CLASSES = [0, 1, 10]
PROBA = rng.dirichlet(np.ones(3), N)
LABELS = np.array(CLASSES)[rng.integers(3, size=N)]
EXPECTED = per_sample(LABELS, PROBA, labels=CLASSES)


@pytest.fixture
def frame():
    table = pd.DataFrame(PROBA, columns=[f"p_{c}" for c in CLASSES])
    return table.assign(label=LABELS, w=PROBA[:, 0])


def by_level():
    """The same as a frame of columns with two levels."""
    columns = {("p", str(c)): PROBA[:, k] for k, c in enumerate(CLASSES)}
    return pd.DataFrame({("label", ""): LABELS} | columns)


@pytest.mark.parametrize(
    "proba",
    [
        "p_",
        re.compile(r"p_(?P<cls>\d+)"),
        {0: "p_0", 1: "p_1", 10: "p_10"},
        {10: "p_10", 0: "p_0", 1: "p_1"},
    ],
    ids=["prefix", "pattern", "mapping", "mapping in another order"],
)
def test_columns_may_be_meant_in_many_ways(frame, proba):
    before = frame.copy()
    found = frame.xent.per_sample("label", proba)
    np.testing.assert_allclose(found, EXPECTED, rtol=1e-14)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("target", ["label", ("label", "")])
def test_an_upper_level_means_its_columns(target):
    pd.testing.assert_frame_equal(by_level().xent.per_sample(target, "p"), EXPECTED)


def test_a_level_may_have_levels_below():
    table = pd.concat({"a": by_level()["p"], "b": by_level()["p"] ** 0}, axis=1)
    table = pd.concat({"m": table, "y": by_level()[["label"]]}, axis=1)
    found = table.xent.per_sample(("y", "label", ""), ("m", "a"))
    pd.testing.assert_frame_equal(found, EXPECTED)


def test_a_list_may_name_columns_of_several_levels():
    names = [("p", str(c)) for c in CLASSES]
    found = by_level().xent.per_sample("label", names, labels=CLASSES)
    pd.testing.assert_frame_equal(found, EXPECTED)


def test_a_tuple_is_a_list(frame):
    names = ("p_0", "p_1", "p_10")
    found = frame.xent.per_sample("label", names, labels=CLASSES)
    pd.testing.assert_frame_equal(found, EXPECTED)


def test_columns_keep_their_order():
    table = pd.DataFrame(PROBA[:, ::-1], columns=["p_10", "p_1", "p_0"])
    evaluation = table.assign(label=LABELS).xent.evaluate("label", "p_")
    assert evaluation.labels == (10, 1, 0)
    assert evaluation.decomposition.cross_entropy == pytest.approx(
        EXPECTED["cross_entropy"].mean(), rel=1e-13
    )


def test_a_prefix_does_not_mean_other_columns_that_are_named(frame):
    frame = frame.rename(columns={"w": "p_w", "label": "p_label"})
    found = frame.xent.per_sample("p_label", "p_", sample_weight="p_w")
    pd.testing.assert_frame_equal(found, EXPECTED)


TYPES = {
    "int": LABELS,
    "small int": LABELS.astype("int8"),
    "bool": LABELS == 10,
    "float": LABELS.astype(float),
    "str": LABELS.astype(str),
    "object": LABELS.astype(str).astype(object),
    "objects of int": LABELS.astype(object),
    "category": pd.Categorical(LABELS.astype(str)),
    "category of int": pd.Categorical(LABELS),
    "string": pd.array(LABELS.astype(str), dtype="string"),
    "nullable int": pd.array(LABELS, dtype="Int16"),
    "nullable bool": pd.array(LABELS == 10, dtype="boolean"),
    "nullable float": pd.array(LABELS.astype(float), dtype="Float32"),
}
ARROW = ("int32[pyarrow]", "double[pyarrow]", "string[pyarrow]")


def check_type(values):
    """Labels of this type give the numbers of every other."""
    two = {str(value) for value in values} <= {"True", "False"}
    names = [False, True] if two else CLASSES
    proba = np.column_stack([1 - PROBA[:, 2], PROBA[:, 2]]) if two else PROBA
    table = pd.DataFrame(proba, columns=[f"p_{one}" for one in names])
    table = table.assign(label=values)
    expected = per_sample(LABELS == 10 if two else LABELS, proba, labels=names)
    pd.testing.assert_frame_equal(table.xent.per_sample("label", "p_"), expected)
    some = table[LABELS != 1] if not two else table[LABELS == 10]
    kept = LABELS != 1 if not two else LABELS == 10
    found = some.xent.per_sample("label", "p_")  # a class that no row has
    pd.testing.assert_frame_equal(found, expected[kept])
    evaluation = table.xent.evaluate("label", "p_", recalibration="none")
    assert {str(one).removesuffix(".0") for one in evaluation.labels} == {
        str(one) for one in names
    }


@pytest.mark.parametrize("values", TYPES.values(), ids=TYPES)
def test_labels_may_be_of_many_types(values):
    check_type(values)


@pytest.mark.parametrize("dtype", ARROW)
def test_labels_may_be_of_arrow_types(dtype):
    pytest.importorskip("pyarrow")
    values = LABELS.astype(str) if dtype.startswith("string") else LABELS
    check_type(pd.array(values, dtype=dtype))


@pytest.mark.parametrize(
    "dtype", ["float32", "Float32", "Float64", "double[pyarrow]", "float[pyarrow]"]
)
def test_probabilities_may_be_of_many_types(frame, dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    names = ["p_0", "p_1", "p_10"]
    found = frame.astype(dict.fromkeys(names, dtype)).xent.per_sample("label", "p_")
    single = dtype.startswith("float") or dtype == "Float32"
    np.testing.assert_allclose(found, EXPECTED, rtol=1e-4 if single else 1e-14)


def test_numbers_are_not_copied(frame):
    columns = {name: frame[name].to_numpy() for name in frame}
    # No result shows whether memory is shared.
    from xent_metrics._inputs.frames import read_frame  # noqa: PLC0415
    from xent_metrics._inputs.read_options import ReadOptions  # noqa: PLC0415

    found = read_frame(frame, target="label", proba="p_", options=ReadOptions())
    for name, column in zip(
        ["p_0", "p_1", "p_10"], found.inputs.proba.source, strict=True
    ):
        assert np.shares_memory(column, columns[name])


class TestTargetsInSeveralColumns:
    votes = rng.multinomial(9, PROBA[::-1])
    shares = votes / 9

    def frame(self, frame, table, names):
        return frame.assign(**dict(zip(names, table.T, strict=True)))

    @pytest.mark.parametrize(
        "target",
        [
            "v_",
            re.compile("v_(?P<cls>.+)"),
            ["v_0", "v_1", "v_10"],
            ["v_10", "v_0", "v_1"],
            {"10": "v_10", "0": "v_0", "1": "v_1"},
        ],
    )
    def test_targets_may_be_votes(self, frame, target):
        table = self.frame(frame, self.votes, ["v_0", "v_1", "v_10"])
        found = table.xent.per_sample(target, "p_")
        pd.testing.assert_frame_equal(found, per_sample(self.votes, PROBA))

    def test_targets_may_be_distributions(self, frame):
        table = self.frame(frame, self.shares, ["v_0", "v_1", "v_10"])
        found = table.xent.per_sample("v_", "p_")
        pd.testing.assert_frame_equal(found, per_sample(self.shares, PROBA))

    @pytest.mark.parametrize("kind", ["text", "numbers", "categories"])
    def test_targets_may_be_annotators(self, frame, kind):
        chosen = np.array(CLASSES)[rng.integers(3, size=(N, 4))].astype(object)
        chosen[3, 1:] = None
        names = ["ann", "bob", "cid", "dot"]
        if kind == "text":
            chosen = np.where(pd.isna(chosen), None, chosen.astype(str))
        table = self.frame(frame, chosen, names)
        if kind == "categories":
            table = table.astype(dict.fromkeys(names, "category"))
        options = {"target_type": "annotators"} if kind == "numbers" else {}
        if kind == "numbers":
            table = table.astype(dict.fromkeys(names, "Int64"))
        found = table.xent.per_sample(names, "p_", **options)
        votes = vote_counts(chosen).to_numpy()
        pd.testing.assert_frame_equal(found, per_sample(votes, PROBA))

    def test_an_annotation_that_is_no_class_is_refused(self, frame):
        table = frame.assign(a="0", b="7")
        with pytest.raises(ValueError, match="row 0, annotator 1 has '7'"):
            table.xent.per_sample(["a", "b"], "p_")

    def test_whole_numbers_under_other_names_must_say_what_they_are(self, frame):
        table = self.frame(frame, self.votes, ["ann", "bob", "cid"])
        with pytest.raises(ValueError, match="say what they hold: found 'ann', 'bob'"):
            table.xent.per_sample(["ann", "bob", "cid"], "p_")
        found = table.xent.per_sample(["ann", "bob", "cid"], "p_", target_type="votes")
        pd.testing.assert_frame_equal(found, per_sample(self.votes, PROBA))


class TestMissing:
    @pytest.fixture
    def frame(self, frame):
        frame = frame.assign(label=frame["label"].astype("Int64"), site=LABELS % 2)
        frame.loc[[3, 4], "label"] = pd.NA
        frame.loc[7, "p_1"] = np.nan
        frame.loc[9, "w"] = np.nan
        return frame

    kept = ~np.isin(np.arange(N), [3, 4, 7])

    def test_missing_values_are_refused_by_default(self, frame):
        with pytest.raises(ValueError, match="row 3 has no label"):
            frame.xent.per_sample("label", "p_")

    def test_rows_with_missing_values_are_dropped_on_request(self, frame):
        found = frame.xent.per_sample("label", "p_", on_missing="drop")
        pd.testing.assert_frame_equal(found, EXPECTED[self.kept])

    def test_the_count_is_in_the_result(self, frame):
        view = frame.xent(target="label", proba="p_", on_missing="drop")
        d = view.decompose()
        assert (d.n, d.n_dropped) == (397, 3)
        assert "rows left out, as a label or a probability is missing: 3" in repr(d)
        assert view.evaluate().decomposition == d
        assert view(sample_weight="w").decompose().n_dropped == 4
        clean = frame[self.kept].xent.decompose("label", "p_")
        assert clean.n_dropped == 0
        assert clean.terms == pytest.approx(d.terms, nan_ok=True)

    def test_the_count_of_each_group_is_in_its_summary(self, frame):
        view = frame.xent(target="label", proba="p_", on_missing="drop")
        missing = frame[~self.kept].groupby("site").size()
        for table in (view.summary(by="site"), view.decompose(by="site")):
            assert table["n_dropped"].sum() == 3
            for site, n in missing.items():
                assert table.loc[site, "n_dropped"] == n
        assert view.summary()["n_dropped"].tolist() == [3]

    def test_nothing_is_dropped_where_nothing_is_missing(self, frame):
        view = frame[self.kept].xent(target="label", proba="p_", on_missing="drop")
        assert view.summary(by="site")["n_dropped"].tolist() == [0, 0]

    def test_arrays_beside_the_frame_are_cut_too(self, frame):
        weights = np.arange(1.0, N + 1)
        found = frame.xent.decompose(
            "label",
            "p_",
            sample_weight=weights,
            groups=np.arange(N) // 2,
            on_missing="drop",
        )
        expected = decompose(
            LABELS[self.kept],
            PROBA[self.kept],
            sample_weight=weights[self.kept],
            groups=(np.arange(N) // 2)[self.kept],
        )
        assert found.terms == pytest.approx(expected.terms, rel=1e-12, nan_ok=True)

    def test_an_annotator_may_be_silent(self, frame):
        table = frame.assign(a=LABELS.astype(str), b=None).drop(index=7)
        found = table.xent.per_sample(["a", "b"], "p_", on_missing="drop")
        assert len(found) == N - 1

    def test_an_annotator_of_numbers_may_be_silent(self, frame):
        given = np.where(self.kept, LABELS, np.nan)
        table = frame.assign(a=given, b=np.nan).drop(index=7)
        view = table.xent(target=["a", "b"], proba="p_", target_type="annotators")
        d = view(on_missing="drop").decompose()
        assert (d.n, d.n_dropped) == (N - 3, 2)
        votes = table.drop(index=[3, 4])
        assert d.cross_entropy == votes.xent.decompose("a", "p_").cross_entropy

    @pytest.mark.parametrize("name", ["sample_weight", "groups"])
    @pytest.mark.parametrize("values", [[1.0, 2.0], np.ones((N, 2)), 1.5])
    def test_values_beside_the_frame_of_another_length_are_refused(
        self, frame, name, values
    ):
        with pytest.raises(
            ValueError, match=f"{name} must hold one value per row: its"
        ):
            frame.xent.decompose("label", "p_", on_missing="drop", **{name: values})

    def test_an_empty_column_is_refused(self, frame):
        with pytest.raises(ValueError, match="none of 400 rows has; look for a column"):
            frame.assign(label=None).xent.per_sample("label", "p_", on_missing="drop")

    def test_another_word_is_refused(self, frame):
        with pytest.raises(ValueError, match="must be 'raise' or 'drop': found 'skip'"):
            frame.xent.per_sample("label", "p_", on_missing="skip")


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
class TestOtherLibraries:
    def convert(self, library, frame):
        if library == "polars":
            return pytest.importorskip("polars").DataFrame(
                {name: frame[name].to_list() for name in frame}
            )
        return pytest.importorskip("pyarrow").table(
            {name: frame[name].to_list() for name in frame}
        )

    def test_other_libraries_give_the_same_numbers(self, library, frame):
        frame = frame.assign(text=LABELS.astype(str))
        for target in ("label", "text"):
            options = {"target": target, "proba": "p_", "sample_weight": "w"}
            expected = frame.xent(**options).evaluate()
            found = Evaluation.from_frame(self.convert(library, frame), **options)
            assert found == expected
            pd.testing.assert_frame_equal(found.per_sample, expected.per_sample)

    def test_missing_values_are_named_or_dropped(self, library, frame):
        frame = frame.assign(label=frame["label"].astype(object))
        frame.loc[2, "label"] = None
        table = self.convert(library, frame)
        options = {"target": "label", "proba": "p_"}
        with pytest.raises(ValueError, match="row 2 has no label"):
            Evaluation.from_frame(table, **options)
        found = Evaluation.from_frame(table, **options, on_missing="drop")
        assert found.decomposition.n_dropped == 1
        assert found.decomposition.n == N - 1

    def test_unknown_columns_are_named(self, library, frame):
        table = self.convert(library, frame)
        with pytest.raises(KeyError, match="'lable' is not a column.* mean 'label'"):
            Evaluation.from_frame(table, target="lable", proba="p_")


@pytest.mark.parametrize("frame", [[1, 2], {"a": [1]}, None])
def test_what_is_no_frame_is_refused(frame):
    with pytest.raises(TypeError, match="frame must be a DataFrame of pandas"):
        Evaluation.from_frame(frame, target="y", proba="p")


def test_lazy_frames_are_no_part_of_the_data(frame):
    polars = pytest.importorskip("polars")
    lazy = polars.LazyFrame({name: frame[name].to_list() for name in frame})
    with pytest.raises(TypeError, match="found a LazyFrame of polars; call collect"):
        accumulate(lazy, target="label", proba="p_")


class TestMistakes:
    def test_a_pattern_without_the_class_is_refused(self, frame):
        with pytest.raises(ValueError, match="proba must have a group named cls"):
            frame.xent.per_sample("label", re.compile(r"p_(\d+)"))

    def test_a_pattern_that_fits_nothing_is_refused(self, frame):
        with pytest.raises(KeyError, match="is not a pattern that fits a column"):
            frame.xent.per_sample("label", re.compile(r"q_(?P<cls>\d+)"))

    def test_an_unknown_level_is_refused(self):
        with pytest.raises(KeyError, match="q.* is not a column of the frame, nor"):
            by_level().xent.per_sample("label", "q")

    @pytest.mark.parametrize("proba", [["p_0", "p_2"], {0: "p_0", 2: "p_2"}])
    def test_an_unknown_name_in_a_list_is_refused(self, frame, proba):
        with pytest.raises(KeyError, match="'p_2' is not a column.*mean 'p_1', 'p_0'"):
            frame.xent.per_sample("label", proba)

    def test_names_that_occur_twice_are_refused(self, frame):
        frame = frame.rename(columns={"p_1": "p_0"})
        with pytest.raises(ValueError, match="'p_0' occurs 2 times; rename them"):
            frame.xent.per_sample("label", ["p_0", "p_10"])

    def test_names_that_occur_twice_in_a_table_are_refused(self):
        pa = pytest.importorskip("pyarrow")
        table = pa.table([[0, 1], [0.2, 0.7], [0.3, 0.6]], names=["y", "p", "p"])
        with pytest.raises(ValueError, match="unique"):
            accumulate(table, target="y", proba="p")

    def test_probabilities_that_are_text_are_refused(self, frame):
        with pytest.raises(ValueError, match="column 'p_0' is of type"):
            frame.assign(p_0="high").xent.per_sample("label", "p_")

    def test_classes_that_no_label_is_are_refused(self, frame):
        frame = frame.assign(label=[f"class {one}" for one in LABELS])
        with pytest.raises(ValueError, match="it holds 'class .* are '0', '1', '10'; "):
            frame.xent.decompose("label", "p_")

    def test_some_labels_that_no_column_is_are_unseen(self, frame):
        frame.loc[0, "label"] = 7
        with pytest.warns(UnseenLabelWarning, match="1 of 400 rows"):
            frame.xent.decompose("label", "p_")

    @pytest.mark.parametrize(
        "proba",
        [{"p_0", "p_1", "p_10"}, PROBA, pd.DataFrame(PROBA)],
        ids=["set", "array", "frame"],
    )
    def test_what_is_no_list_of_names_is_refused(self, frame, proba):
        with pytest.raises(TypeError, match="proba must name columns of the frame, in"):
            frame.xent.per_sample("label", proba)

    @pytest.mark.parametrize("labels", ["abc", 3, {0, 1, 10}])
    def test_labels_that_are_no_list_are_refused(self, frame, labels):
        with pytest.raises(TypeError, match="labels must be one class per column, in"):
            frame.xent.per_sample("label", "p_", labels=labels)

    @pytest.mark.parametrize(("proba", "n"), [("p_", 3), ("p_0", 2)])
    def test_an_empty_list_of_labels_is_refused(self, frame, proba, n):
        with pytest.raises(ValueError, match=f"0 labels for {n} columns; pass one"):
            frame.xent.per_sample("label", proba, labels=[])

    @pytest.mark.parametrize(
        ("target", "targets"), [(["label"], "auto"), ("label", "annotators")]
    )
    def test_one_column_of_probabilities_for_several_targets_is_refused(
        self, frame, target, targets
    ):
        with pytest.raises(
            ValueError, match="proba must be one column per class where"
        ):
            frame.xent.per_sample(target, "p_0", target_type=targets)

    def test_values_for_a_target_are_refused(self, frame):
        with pytest.raises(TypeError, match="target must name .* found a Series; pass"):
            frame.xent.per_sample(frame["label"], "p_")


@pytest.mark.parametrize(
    "proba",
    [range(3), np.arange(3), pd.RangeIndex(3), iter([0, 1, 2])],
    ids=lambda proba: type(proba).__name__,
)
def test_lists_of_columns_may_be_of_many_types(proba):
    table = pd.DataFrame(PROBA).assign(label=LABELS)
    found = table.xent.per_sample("label", proba, labels=CLASSES)
    pd.testing.assert_frame_equal(found, EXPECTED)


class TestNoLabelIsAClass:
    """Both vocabularies are shown, wherever the classes are from."""

    frame = pd.DataFrame({"y": ["0", "1"] * 50, "p_a": [0.8, 0.3] * 50}).assign(
        p_b=lambda table: 1 - table["p_a"]
    )
    doors = pytest.mark.parametrize(
        "door",
        [
            lambda frame, **how: frame.xent.summary("y", **how),
            lambda frame, **how: Evaluation.from_frame(frame, target="y", **how),
            lambda frame, **how: finish(accumulate(frame, target="y", **how)),
        ],
        ids=["accessor", "from_frame", "scan"],
    )

    @doors
    def test_where_classes_are_given(self, door):
        with pytest.raises(ValueError, match="it holds '0', '1', .* are 'x', 'z'; "):
            door(self.frame, proba=["p_a", "p_b"], labels=["x", "z"])

    @doors
    def test_where_columns_name_them(self, door):
        with pytest.raises(ValueError, match="it holds '0', '1', .* are 'a', 'b'; "):
            door(self.frame, proba="p_")
