"""What by= means: the groups that pandas makes of it."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, SmallSampleWarning, decompose

pl = pytest.importorskip("polars", reason="polars is not installed")
pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

N = 1000
rng = np.random.default_rng(0)
WHEN = pd.date_range("2026-01-01", periods=N, freq="h")


@pytest.fixture
def frame():
    shuffled = rng.permutation(N)
    table = pd.DataFrame(
        {
            "y": rng.integers(2, size=N),
            "p": rng.uniform(0.1, 0.9, N),
            "when": WHEN[shuffled],
            "plan": rng.choice(["x", "y", None], N),
            "size": pd.Categorical(
                rng.choice(["small", "large"], N), ["small", "huge", "large"]
            ),
            "count": pd.array(rng.choice([1, 2, None], N), dtype="Int64"),
        }
    )
    table.loc[[3, 5], "when"] = pd.NaT
    table.index = pd.MultiIndex.from_arrays(
        [np.arange(N) % 7, WHEN], names=["shop", "day"]
    )
    return table


BY = {
    "column": "plan",
    "column of categories": "size",
    "column of nullable numbers": "count",
    "level": "shop",
    "several": ["plan", "shop"],
    "one in a list": ["plan"],
    "Grouper of a column": pd.Grouper(key="plan", dropna=False, sort=True),
    "Grouper of a level": pd.Grouper(level="shop"),
    "Grouper of a level by number": pd.Grouper(level=0),
    "Grouper of times of a level": pd.Grouper(level="day", freq="W"),
    "Grouper of times": pd.Grouper(key="when", freq="MS"),
    "Grouper of times from their start": pd.Grouper(
        key="when", freq="37h", origin="start", closed="right", label="right"
    ),
    "function": lambda key: key[0] % 2,
    "array": np.arange(N) % 3,
    "list of values": (np.arange(N) % 3).tolist(),
    "Categorical": pd.Categorical(np.resize(["b", "a", None], N), ["b", "c", "a"]),
    "list of arrays": [np.arange(N) % 3, np.arange(N) % 2],
    "mixed": [
        "plan",
        pd.Grouper(key="when", freq="MS"),
        np.arange(N) % 2,
        "shop",
        lambda key: key[1].hour > 12,
    ],
}


@pytest.mark.parametrize("name", BY)
class TestGroupsArePandasOwn:
    def test_in_summaries(self, frame, name):
        cost = -np.log(np.where(frame["y"] == 1, frame["p"], 1 - frame["p"]))
        grouped = frame.assign(cost=cost).groupby(BY[name], dropna=False, observed=True)
        expected = grouped["cost"].agg(["size", "mean"]).query("size > 0")
        if isinstance(expected.index, pd.DatetimeIndex):
            expected.index.freq = None
        view = frame.xent(target="y", proba="p")
        for table in (view.summary(by=BY[name]), view.evaluate().summary(BY[name])):
            if "when" in table.index.names:  # pandas drops what has no time
                absent = table.index.get_level_values("when").isna()
                assert table["n"][absent].sum() == 2
                table = table[~absent]  # noqa: PLW2901 - the same, but for these
            pd.testing.assert_index_equal(table.index, expected.index, exact=False)
            assert table["n"].tolist() == expected["size"].tolist()
            np.testing.assert_allclose(table["cross_entropy"], expected["mean"])

    def test_in_terms_and_worst_rows(self, frame, name):
        view = frame.xent(target="y", proba="p", recalibration="none")
        summary, terms = view.summary(by=BY[name]), view.decompose(by=BY[name])
        pd.testing.assert_index_equal(terms.index, summary.index)
        pd.testing.assert_frame_equal(view.evaluate().by(BY[name]), terms)
        worst = view.worst(1, by=BY[name])
        assert len(worst) == len(summary)
        pd.testing.assert_frame_equal(view.evaluate().worst(1, by=BY[name]), worst)


def test_empty_bins_are_not_shown(frame):
    frame = frame.drop(columns="when").assign(when=WHEN).iloc[[0, 1, -2, -1]]
    found = frame.xent.summary("y", "p", by=pd.Grouper(key="when", freq="D"))
    assert found["n"].tolist() == [2, 2]
    assert found.index.to_list() == [WHEN[0], WHEN[-1].normalize()]


def test_times_are_binned_in_their_zone():
    times = pd.to_datetime(["2026-01-01 23:30", "2026-01-02 00:30"] * 100).to_numpy()
    frame = pl.DataFrame({"y": [0, 1] * 100, "p": [0.2, 0.7] * 100, "when": times})
    zone = pl.col("when").dt.replace_time_zone("Europe/Berlin")
    by = pd.Grouper(key="when", freq="D")
    for given in (frame.with_columns(zone), frame.with_columns(zone).to_arrow()):
        found = Evaluation.from_frame(given, target="y", proba="p").summary(by)
        assert found.index.day.tolist() == [1, 2]
        assert str(found.index.tz) == "Europe/Berlin"


def test_a_column_wins_over_a_level_of_its_name(frame):
    frame = frame.assign(shop=np.arange(N) % 2)
    assert len(frame.xent.summary("y", "p", by="shop")) == 2


def test_a_list_of_as_many_names_as_rows_is_names(frame):
    few = frame.iloc[:2].assign(y=[0, 1], plan="x", count=1)
    found = few.xent.summary("y", "p", by=["plan", "count"])
    assert found.index.names == ["plan", "count"]


class TestMissingValues:
    given = np.resize([1, 2, 3, 4], 400)
    absent = given == 2

    @pytest.mark.parametrize(
        "values",
        [
            np.ma.MaskedArray(given, absent),
            np.ma.MaskedArray(given.astype(float), absent),
            np.ma.MaskedArray(given.astype(str), absent),
            pa.array(given, mask=absent),
            pa.chunked_array([pa.array(given, mask=absent)]),
            pa.array(given.astype(str), mask=absent).dictionary_encode(),
            pl.Series(given).replace({2: None}),
            pl.Series(given.astype(str)).replace({"2": None}).cast(pl.Categorical),
            pd.arrays.IntegerArray(given, absent),
            np.where(absent, None, given),
            np.where(absent, None, given).tolist(),
        ],
        ids=lambda values: f"{type(values).__module__} {getattr(values, 'dtype', '')}",
    )
    def test_they_are_a_group_of_their_own(self, values):
        found = decompose([0, 1] * 200, [0.2, 0.7] * 200).by(values)
        assert [int(float(key)) for key in found.index[:3]] == [1, 3, 4]
        assert found.index.isna().tolist() == [False, False, False, True]
        assert found["n"].tolist() == [100] * 4

    def test_as_groups_they_are_refused(self):
        groups = np.ma.MaskedArray(self.given, self.absent)
        with pytest.raises(ValueError, match="groups must not be missing: row 1 has"):
            decompose([0, 1] * 200, [0.2, 0.7] * 200, groups=groups)

    def test_booleans_and_orders_of_polars_stay(self):
        frame = pl.DataFrame(
            {
                "y": [0, 1] * 200,
                "p": [0.2, 0.7] * 200,
                "won": [True, None, False, None] * 100,
                "size": pl.Series(
                    ["b", "a", None, "a"] * 100, dtype=pl.Enum(["b", "z", "a"])
                ),
            }
        )
        evaluation = Evaluation.from_frame(frame, target="y", proba="p")
        assert evaluation.summary("won").index[:2].to_list() == [False, True]
        assert evaluation.summary("won")["n"].tolist() == [100, 100, 200]
        assert evaluation.summary("size").index[:2].to_list() == ["b", "a"]


class TestManyGroups:
    def test_numbers_are_offered_bins(self):
        amount = np.r_[np.arange(4979) / 7, np.zeros(21)]
        df = pd.DataFrame({"y": [0, 1] * 2500, "p": 0.4, "amount": amount})
        message = (
            "by='amount' makes 4,979 groups of 5,000 rows, too few rows per group for "
            "their terms to say much; pass pd.cut(df['amount'], 10), or "
            "pd.qcut(df['amount'], 10) for equal counts."
        )
        for summary in (df.xent(target="y", proba="p").summary, self.of(df).summary):
            with pytest.warns(SmallSampleWarning, match=f"^{re.escape(message)}$"):
                assert len(summary(by="amount")) == 4979

    def of(self, df):
        return df.xent(target="y", proba="p").evaluate()

    @pytest.mark.parametrize(
        ("values", "mend"),
        [
            (pd.Series(range(400)), "pass pd.cut(values, 10)"),
            (pd.Series(WHEN[:400], name="t"), "pass pd.Grouper(key='t', freq=...)"),
            (pd.Series(WHEN[:400]).astype(str), "a column with fewer values"),
            (
                {"a": np.arange(400) % 2, "b": np.arange(400) / 3},
                "pass pd.cut(df['b'], 10), or pd.qcut(df['b'], 10) for equal counts",
            ),
        ],
    )
    def test_what_is_offered_fits_the_values(self, values, mend):
        result = decompose([0, 1] * 200, [0.2, 0.7] * 200)
        with pytest.warns(SmallSampleWarning, match=re.escape(mend)):
            result.by(values)

    @pytest.mark.parametrize("n", [50, 200])
    def test_groups_of_several_rows_or_few_groups_do_not_warn(self, n):
        result = decompose([0, 1] * 200, [0.2, 0.7] * 200)
        assert len(result.by(np.arange(400) % n)) == n


class TestMistakes:
    @pytest.mark.parametrize(
        ("by", "error", "message"),
        [
            (
                "plam",
                KeyError,
                "'plam' is not a column of the frame, nor a level of its index; did ",
            ),
            ("shoop", KeyError, "did you mean 'shop'?"),
            (["plan", "zzz"], KeyError, "columns are 'y', 'p', 'when', 'plan'"),
            (("a", "b"), KeyError, "('a', 'b') is not a column"),
            (pd.Grouper(key="wen", freq="D"), KeyError, "did you mean 'when'?"),
            (
                pd.Grouper(level="dya"),
                KeyError,
                "'dya' is not a level of the index; levels are 'shop', 'day'.",
            ),
            (pd.Grouper(level=2), KeyError, "2 is not a level of the index"),
            (
                pd.Grouper(key="p", freq="D"),
                TypeError,
                "by must group times where it has a freq: 'p' holds float64; convert",
            ),
            (
                pd.Grouper(),
                ValueError,
                "by must say what to group: pd.Grouper() has neither key nor level",
            ),
            ([], ValueError, "by must hold one key or more: it is empty"),
            (["plan", [1, 2]], ValueError, "by must hold one value per row: its shape"),
            (
                pd.Series([dt.date(2026, 1, 1), "x", 3, 4] * 250).to_numpy(),
                TypeError,
                "by must hold values that can be sorted, such as text or numbers: '<' ",
            ),
        ],
    )
    def test_the_error_says_what_to_do(self, frame, by, error, message):
        view = frame.xent(target="y", proba="p")
        for summary in (view.summary, view.evaluate().summary):
            with pytest.raises(error, match=re.escape(message)):
                summary(by=by)

    def test_columns_of_the_same_name_are_refused(self, frame):
        twice = pd.concat([frame, frame[["plan"]]], axis=1)
        with pytest.raises(ValueError, match="must be distinct: 'plan' occurs 2 times"):
            twice.xent.summary("y", "p", by="plan")

    def test_a_decomposition_has_no_columns(self):
        result = decompose([0, 1] * 200, [0.2, 0.7] * 200)
        message = "values must be one value per row: found 'plan', and a decomposition"
        with pytest.raises(ValueError, match=message):
            result.by("plan")
        assert result.by(lambda row: row // 100)["n"].tolist() == [100] * 4


def test_what_groupby_returns_is_no_key(frame):
    with pytest.raises(TypeError, match="by must be keys.* found a DataFrameGroupBy; "):
        frame.xent.summary("y", "p", by=frame.groupby("plan"))
