import numpy as np
import pandas as pd
import pytest

import xent_metrics
from xent_metrics import cross_entropy, decompose, per_sample

rng = np.random.default_rng(0)
CLASSES = [0, 1, 10]
PROBA = rng.dirichlet(np.ones(3), 400)
LABELS = np.array(CLASSES)[rng.integers(3, size=400)]


@pytest.fixture
def frame():
    table = pd.DataFrame(PROBA, columns=[f"p_{c}" for c in CLASSES])
    table.index = pd.Index([f"row {i}" for i in range(400)], name="key")
    return table.assign(
        label=LABELS, group=np.where(np.arange(400) % 3, "a", None), w=PROBA[:, 0]
    )


@pytest.mark.parametrize(
    "proba",
    ["p_", {0: "p_0", 1: "p_1", 10: "p_10"}, {10: "p_10", 0: "p_0", 1: "p_1"}],
    ids=["prefix", "mapping", "mapping in another order"],
)
def test_columns(frame, proba):
    before = frame.copy()
    expected = per_sample(LABELS, PROBA, labels=CLASSES)
    table = frame.xent.per_sample("label", proba)
    np.testing.assert_allclose(table, expected, rtol=1e-14)
    pd.testing.assert_index_equal(table.index, frame.index)
    pd.testing.assert_frame_equal(frame, before)


def test_columns_by_list(frame):
    names = ["p_0", "p_1", "p_10"]
    expected = decompose(LABELS, PROBA, labels=CLASSES)
    assert frame.xent.decompose("label", names, labels=CLASSES) == expected
    renamed = frame.rename(columns=dict(zip(names, CLASSES, strict=True)))
    assert renamed.xent.decompose("label", CLASSES) == expected


@pytest.mark.parametrize(
    "dtype", ["int8", "Int64", "float64", "str", "object", "category", "string"]
)
def test_prefix_gives_classes_of_the_type_of_the_labels(frame, dtype):
    expected = frame.xent.decompose("label", "p_")
    if dtype == "category":
        frame["label"] = frame["label"].astype(str)
    if dtype == "float64":
        frame = frame.rename(columns={f"p_{c}": f"p_{c}.0" for c in CLASSES})
    frame["label"] = frame["label"].astype(dtype)
    assert frame.xent.decompose("label", "p_") == expected


def test_a_class_that_no_row_has(frame):
    some = frame[frame["label"] != 10]
    mean = some.xent.per_sample("label", "p_")["cross_entropy"].mean()
    kept = LABELS != 10
    expected = cross_entropy(LABELS[kept], PROBA[kept], labels=CLASSES)
    assert mean == pytest.approx(expected, rel=1e-14)


def test_two_classes_from_one_column(frame):
    frame["won"] = frame["label"] == 10
    each = frame.xent.per_sample("won", "p_10")["cross_entropy"]
    expected = cross_entropy(LABELS == 10, PROBA[:, 2], reduction=None)
    np.testing.assert_array_equal(each, expected)


def test_target_distributions(frame):
    for c, column in zip("xyz", PROBA[::-1].T, strict=True):
        frame[f"t_{c}"] = column
    d = frame.xent.decompose(["t_x", "t_y", "t_z"], "p_")
    assert d == decompose(PROBA[::-1], PROBA)


def test_summary(frame):
    table = frame.xent.summary("label", "p_", sample_weight="w", base=2)
    d = decompose(LABELS, PROBA, labels=CLASSES, sample_weight=PROBA[:, 0], base=2)
    assert list(table.index) == ["all"]
    assert table.loc["all", "n"] == 400
    for name in ("cross_entropy", "predictive_entropy", "calibration_gap"):
        assert table.loc["all", name] == pytest.approx(getattr(d, name), rel=1e-12)


def test_summary_by_group(frame):
    table = frame.xent.summary("label", "p_", by="group")
    assert table["n"].sum() == 400
    kept = np.arange(400) % 3 != 0
    expected = cross_entropy(LABELS[kept], PROBA[kept], labels=CLASSES)
    assert table.loc["a", "cross_entropy"] == pytest.approx(expected, rel=1e-12)
    whole = (table["n"] * table["cross_entropy"]).sum() / 400
    assert whole == pytest.approx(cross_entropy(LABELS, PROBA), rel=1e-12)
    two = frame.assign(half=np.arange(400) < 200)
    assert len(two.xent.summary("label", "p_", by=["group", "half"])) == 4


def test_unknown_columns(frame):
    with pytest.raises(
        KeyError, match="'lable' is not a column of the frame.* mean 'label'"
    ):
        frame.xent.per_sample("lable", "p_")
    with pytest.raises(
        KeyError, match="'q_' is not a column of the frame, nor the prefix of one"
    ):
        frame.xent.per_sample("label", "q_")
    with pytest.raises(KeyError, match="columns are 'p_0', 'p_1', 'p_10', 'label'"):
        frame.xent.summary("label", "p_", by="zzzz")


def test_selections_that_make_no_sense(frame):
    with pytest.raises(ValueError, match="one column of labels .* found 1 columns"):
        frame.xent.per_sample(["label"], "p_0")
    with pytest.raises(ValueError, match="proba must name columns: it is empty"):
        frame.xent.per_sample("label", [])


def test_target_columns_pair_by_name(frame):
    for c, column in zip(CLASSES, PROBA.T, strict=True):
        frame[f"t_{c}"] = column
    d = frame.xent.decompose(["t_10", "t_0", "t_1"], "p_")
    assert d.kl_divergence == 0


def test_target_columns_pair_by_class():
    table = pd.DataFrame({"dog": [1, 3], "cat": [3, 1], "m": [0.7, 0.2]})
    table["n"] = 1 - table["m"]
    paired = table.xent.per_sample(["dog", "cat"], {"cat": "m", "dog": "n"})
    expected = per_sample([[3, 1], [1, 3]], table[["m", "n"]].to_numpy())
    pd.testing.assert_frame_equal(paired, expected)


def test_an_empty_frame(frame):
    with pytest.raises(ValueError, match="the frame must not be empty"):
        frame.iloc[:0].xent.summary("label", "p_")


def test_columns_whose_classes_are_unknown(frame):
    with pytest.raises(ValueError, match="none of 'p_0', 'p_1', 'p_10' is a label"):
        frame.xent.decompose("label", ["p_0", "p_1", "p_10"])


def test_registered_on_import():
    assert pd.DataFrame.xent is xent_metrics.XentAccessor
