"""The frame that an evaluation keeps: its columns as groups, and beside worst rows."""

import copy
import pickle
import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation

pl = pytest.importorskip("polars", reason="polars is not installed")

N = 400
rng = np.random.default_rng(0)


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "y": rng.integers(2, size=N),
            "p": rng.uniform(0.1, 0.9, N),
            "w": rng.uniform(1, 2, N),
            "plan": rng.choice(["x", "y"], N),
            "age": rng.integers(20, 60, N),
            "confidence": rng.uniform(size=N),
        },
        index=pd.Index([f"row {i}" for i in range(N)], name="key"),
    )


def evaluated(frame, **options):
    options = {"target": "y", "proba": "p", "sample_weight": "w"} | options
    return Evaluation.from_frame(frame, **options)


def kinds(frame):
    """The frame in every library, without its index."""
    plain = frame.reset_index(drop=True)
    columns = {name: plain[name].to_numpy() for name in plain.columns}
    of_polars = pl.DataFrame(columns)
    return {"pandas": plain, "polars": of_polars, "pyarrow": of_polars.to_arrow()}


FEATURES = ["plan", "age", "confidence_frame"]


class TestWorst:
    def test_features_come_after_the_measures(self, frame):
        for name, given in kinds(frame).items():
            evaluation = evaluated(given)
            found = evaluation.worst(5)
            measures = evaluation.per_sample.columns.tolist()
            assert found.columns.tolist() == measures + FEATURES, name
            own = frame.reset_index(drop=True).loc[found.index]
            for feature in FEATURES:
                expected = own[feature.removesuffix("_frame")]
                assert found[feature].tolist() == expected.tolist()
            pd.testing.assert_frame_equal(
                found[measures], evaluation.worst(5, columns=[])
            )

    @pytest.mark.parametrize("by", ["plan", ["plan"], ["plan", "age"]])
    def test_a_column_that_groups_is_shown_once(self, frame, by):
        found = evaluated(frame).worst(1, by=by).columns.tolist()
        names = by if isinstance(by, list) else [by]
        assert found[: len(names)] == names
        assert [found.count(name) for name in names] == [1] * len(names)

    def test_a_feature_in_bins_is_shown_as_it_was_too(self, frame):
        found = evaluated(frame).worst(1, by=pd.cut(frame["age"], 3))
        assert found["age_frame"].isin(frame["age"]).all()
        for bin_of_age, age in zip(found["age"], found["age_frame"], strict=True):
            assert age in bin_of_age

    def test_columns_may_be_chosen(self, frame):
        evaluation = evaluated(frame)
        measures = evaluation.per_sample.columns.tolist()
        for columns in (["p", "age"], ["age"], "age", ["age", "age"]):
            expected = list(
                dict.fromkeys([columns] if isinstance(columns, str) else columns)
            )
            found = evaluation.worst(2, columns=columns).columns.tolist()
            assert found == measures + expected
        with pytest.raises(KeyError, match="'aeg' is not a column.*mean 'age'"):
            evaluation.worst(2, columns=["aeg"])

    def test_no_two_columns_have_one_name(self, frame):
        frame = frame.assign(confidence_frame=1)
        found = evaluated(frame).worst(2).columns
        assert found.is_unique
        assert found[-2:].tolist() == ["confidence_frame_frame", "confidence_frame"]

    def test_the_accessor_shows_the_same(self, frame):
        view = frame.xent(target="y", proba="p", sample_weight="w")
        for options in ({}, {"by": "plan"}, {"columns": "age"}, {"columns": []}):
            pd.testing.assert_frame_equal(
                view.worst(3, **options), evaluated(frame).worst(3, **options)
            )


class TestMissing:
    def test_rows_align_where_some_were_dropped(self, frame):
        frame.loc[frame.index[[0, 7, 300]], "p"] = np.nan
        for name, given in kinds(frame).items():
            evaluation = evaluated(given, on_missing="drop")
            kept = frame.reset_index(drop=True).dropna()
            found = evaluation.summary("plan")
            sizes = kept.groupby("plan").size()
            assert found["n"].to_dict() == sizes.to_dict(), name
            rows = evaluation.worst(N)
            assert len(rows) == N - 3
            assert rows["age"].tolist() == kept.loc[rows.index, "age"].tolist(), name

    def test_values_are_of_all_rows_or_of_those_kept(self, frame):
        frame.loc[frame.index[[0, 7, 300]], "p"] = np.nan
        evaluation = evaluated(frame, on_missing="drop")
        expected = evaluation.summary("plan")
        for by in (frame["plan"], frame["plan"].drop(frame.index[[0, 7, 300]])):
            pd.testing.assert_frame_equal(evaluation.summary(by), expected)
        with pytest.raises(ValueError, match="one value per row: its shape is"):
            evaluation.summary(frame["plan"].iloc[1:])


def test_groups_by_name_are_those_by_values(frame):
    for given in kinds(frame).values():
        evaluation = evaluated(given)
        site = frame["plan"].reset_index(drop=True)
        for method in (evaluation.summary, evaluation.by):
            pd.testing.assert_frame_equal(method("plan"), method(site))
        assert evaluation.summary("predicted")["n"].sum() == N


@pytest.mark.usefixtures("without_plots")
def test_a_page_has_groups_by_name_and_no_features(frame):
    pytest.importorskip("jinja2")
    frame["remark"] = "hidden text"
    page = evaluated(frame).to_html(by="plan")
    assert page == evaluated(frame).to_html(by=frame["plan"])
    assert "hidden text" not in page


class TestTheFrameIsKeptAsItWas:
    def change(self, frame):
        frame.loc[:, "plan"] = "changed"
        frame["age"] = -1
        del frame["confidence"]
        frame.index.name = "other"

    def test_later_changes_change_nothing(self, frame):
        evaluation = evaluated(frame)
        before = evaluation.summary("plan"), evaluation.worst(3)
        self.change(frame)
        pd.testing.assert_frame_equal(evaluation.summary("plan"), before[0])
        pd.testing.assert_frame_equal(evaluation.worst(3), before[1])
        assert evaluation.per_sample.index.name == "key"

    def test_a_frame_of_polars_may_be_changed_too(self, frame):
        given = kinds(frame)["polars"]
        evaluation = evaluated(given)
        before = evaluation.summary("plan")
        given[0, "plan"] = "changed"
        given.drop_in_place("age")
        pd.testing.assert_frame_equal(evaluation.summary("plan"), before)
        assert "age" in evaluation.worst(1)


class TestTheFrameStaysHere:
    def test_it_is_not_compared_nor_shown(self, frame):
        evaluation = evaluated(frame)
        bare = evaluated(frame.drop(columns=["plan", "age"]))
        assert evaluation == bare
        assert repr(evaluation) == repr(bare)
        assert evaluation.to_dict(per_sample=True).keys() == bare.to_dict().keys()

    @pytest.mark.parametrize(
        "again",
        [
            lambda one: pickle.loads(pickle.dumps(one)),  # noqa: S301 - our own
            copy.copy,
            copy.deepcopy,
            lambda one: Evaluation.from_json(one.to_json(per_sample=True)),
        ],
        ids=["pickle", "copy", "deepcopy", "json"],
    )
    def test_copies_say_that_it_is_gone(self, frame, again):
        frame["plan"] = "no such text elsewhere"
        evaluation = evaluated(frame)
        found = again(evaluation)
        assert found == evaluation
        assert b"no such text elsewhere" not in pickle.dumps(evaluation)
        gone = "the evaluation holds no frame: it was made of arrays or read back"
        with pytest.raises(
            ValueError, match=f"found 'plan'.*pass the values, as {gone}"
        ):
            found.summary("plan")
        with pytest.raises(ValueError, match=re.escape(f"found ['age'], and {gone}")):
            found.worst(2, columns=["age"])
        expected = evaluation.worst(2, columns=[])
        pd.testing.assert_frame_equal(found.worst(2), expected)
        pd.testing.assert_frame_equal(
            found.summary(frame["plan"]), evaluation.summary("plan")
        )
