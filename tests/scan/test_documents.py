"""States as JSON and Arrow, and evaluations that were scanned."""

import base64
import dataclasses
import datetime as dt
import itertools
import json
import re
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, ScanState, accumulate, finish, merge

from ..thinned import thinned
from .conftest import drawn
from .test_states import KINDS

HARD = {"target": "y", "proba": "p_"}


def keyed():
    """Rows with keys of several types, and missing ones."""
    frame = drawn(300, 3)
    frame["day"] = pd.Timestamp("2026-03-01") + pd.to_timedelta(frame["shift"], "h")
    frame["score"] = np.where(frame["shift"] > 0, np.nan, 0.5)
    frame["flag"] = frame["shift"] > 0
    return frame


class TestRoundTrips:
    @pytest.mark.parametrize("kind", KINDS)
    def test_json_is_exact(self, kind):
        frame, options = KINDS[kind]
        state = accumulate(frame, **options, by=["site", "shift"])
        text = state.to_json()
        found = ScanState.from_json(text)
        assert found.to_json() == text
        assert finish(found, recalibration="none") == finish(
            state, recalibration="none"
        )
        json.loads(text, parse_constant=pytest.fail)

    def test_what_is_not_finite_comes_back(self):
        frame = drawn(300, 2)
        frame.loc[0, ["p_0", "p_1"]] = [0.0, 1.0]
        frame.loc[0, "y"] = 0
        state = accumulate(frame, **HARD, clip=0)
        text = state.to_json()
        found = ScanState.from_json(text.encode())
        result = finish(found, recalibration="none").decomposition
        assert result.cross_entropy == np.inf

    @pytest.mark.parametrize("by", ["day", "score", "flag", ["day", "site"]])
    def test_keys_keep_their_types(self, by):
        frame = keyed()
        one = accumulate(frame[:100], **HARD, by=by)
        two = accumulate(frame[100:], **HARD, by=by)
        mixed = merge([ScanState.from_json(one.to_json()), two])
        expected = finish(merge([one, two]), recalibration="none").by_group
        found = finish(mixed, recalibration="none").by_group
        pd.testing.assert_frame_equal(found, expected)

    def test_a_second_pass_may_go_through_json(self):
        frame = drawn(400, 3)
        first = finish(accumulate(frame, **HARD), recalibration="temperature")
        state = accumulate(frame, **HARD, under=first, by="site")
        found = ScanState.from_json(state.to_json())
        assert finish(found, under=first) == finish(state, under=first)


BERLIN = "Europe/Berlin"
# Three keys of each type, of which the last may be missing.
TYPES = {
    "text": ["a", "nan", None],
    "half characters": ["\ud800", "\ud83d\ude00", None],
    "large numbers": [10**30, 10**30 + 1, None],
    "numbers and text": [1, "1", 1.5],
    "booleans": [True, False, None],
    "dates": [dt.date(2026, 1, 1), dt.date(2026, 1, 2), None],
    "times of a day": [dt.time(1, 2), dt.time(1, 2, 3, 4), None],
    "moments": [pd.Timestamp(f"2026-01-0{k}").to_pydatetime() for k in (1, 2)] + [None],
    "moments of zones": [
        pd.Timestamp("2026-01-01", tz=BERLIN),
        pd.Timestamp("2026-01-01", tz="UTC"),
        None,
    ],
    "decimals": [Decimal("0.1"), Decimal("0.10001"), None],
    "bytes": [b"a", b"\xff", None],
    "identifiers": [uuid.UUID(int=1), uuid.UUID(int=2), None],
    "numbers of numpy": [np.int64(1), np.float32(0.1), None],
    "pairs": [(1, "a"), (1, None), (2, "a")],
    "nothing": [None, np.nan, pd.NA],
}
DTYPES = {
    **{name: ["a", "nan", None] for name in ("str", "string")},
    **{name: [1, 2, None] for name in ("Int64", "Int8", "UInt64", "Float64")},
    **{name: [1, 2, 3] for name in ("int32", "uint8", "float32")},
    "uint64": [1, 2, 2**64 - 1],
    "float64": [0.1, -0.0, np.nan],
    "boolean": [True, False, None],
    "datetime64[ns]": ["2026-01-01", "2026-01-02 03:04:05.123456789", None],
    f"datetime64[ns, {BERLIN}]": ["2026-01-01T00:00Z", "2026-01-02T00:00Z", None],
    "timedelta64[ns]": [pd.Timedelta(1, "h"), pd.Timedelta(2, "ns"), None],
    "period[M]": ["2026-01", "2026-02", None],
    "interval[float64, right]": [pd.Interval(0, 1), pd.Interval(1, 2), None],
    "category": [3, 1, None],
}
KEYS = {
    **{name: pd.Series(values * 40, dtype=object) for name, values in TYPES.items()},
    **{name: pd.Series(values * 40, dtype=name) for name, values in DTYPES.items()},
    "infinite": pd.Series([np.inf, -np.inf, np.nan] * 40),
}

QUICK = (
    *("numbers and text", "moments of zones", "pairs"),
    *("Int64", "category", "infinite"),
)


def groups_of(state):
    return finish(state, recalibration="none").by_group


@pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
class TestGroupsOfEveryType:
    @pytest.mark.parametrize(
        "several",
        [False, pytest.param(True, marks=pytest.mark.slow)],
        ids=["one key", "two keys"],
    )
    @pytest.mark.parametrize("kind", thinned(KEYS, QUICK))
    def test_they_come_back_and_merge_with_others(self, kind, several):
        frame = drawn(120, 2)[["y", "p_0", "p_1", "shift"]].assign(key=KEYS[kind])
        by = ["key", "shift"] if several else "key"
        whole = accumulate(frame, **HARD, by=by)
        expected = groups_of(whole)
        assert expected["n"].sum() == 120
        read = ScanState.from_json(whole.to_json())
        pd.testing.assert_frame_equal(read.groups.keys, whole.groups.keys)
        pd.testing.assert_frame_equal(groups_of(read), expected)
        parts = [frame[:1], frame[1:3], frame[3:50], frame[50:]]
        states = [accumulate(part, **HARD, by=by) for part in parts]
        through = [ScanState.from_json(state.to_json()) for state in states]
        for some in (states, through, [*states[:2], *through[2:]]):
            pd.testing.assert_frame_equal(groups_of(merge(some)), expected)
        result = finish(whole, recalibration="none")
        found = Evaluation.from_json(result.to_json())
        pd.testing.assert_frame_equal(found.by_group, expected)

    def test_a_missing_group_is_not_the_text_nan(self):
        frame = pd.DataFrame({"p": [0.2, 0.7] * 150, "y": [0, 1] * 150})
        frame["g"] = ["a", "nan", None] * 100
        state = accumulate(frame, target="y", proba="p", by="g")
        n = finish(ScanState.from_json(state.to_json())).summary("g")["n"]
        assert n.index[:2].tolist() == ["a", "nan"]
        assert pd.isna(n.index[2])
        assert n.tolist() == [100, 100, 100]

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            (
                [
                    pd.Series([1, 2, None], dtype="Int64"),
                    pd.Series([1, 2, 3], dtype="int32"),
                    pd.Series([1.0, 2.0, np.nan]),
                    pd.Series([1, 2, None], dtype=object),
                    pd.Series([1, 2, None], dtype="category"),
                ],
                {1: 5, 2: 5, 3: 1, None: 4},
            ),
            (
                [
                    pd.Series(["a", "nan", None], dtype="string"),
                    pd.Series(["a", "b", None], dtype="category"),
                    pd.Series(["b", "a", None], dtype=object),
                    pd.Series([None, None, np.nan], dtype=object),
                ],
                {"a": 3, "b": 2, "nan": 1, None: 6},
            ),
            (
                [pd.Series([True, False]), pd.Series([True, None], dtype="boolean")],
                {False: 1, True: 2, None: 1},
            ),
            (
                [
                    pd.Series([2**64 - 1, 2], dtype="uint64"),
                    pd.Series([2, None], dtype="Int64"),
                ],
                {2: 2, 2**64 - 1: 1, None: 1},
            ),
            (
                [
                    pd.Series([2**53 + 1], dtype="int64"),
                    pd.Series([2.0**53]),
                ],
                {2**53 + 1: 1, 2**53: 1},
            ),
        ],
    )
    def test_columns_of_other_types_hold_the_same_groups(self, columns, expected):
        states = [
            accumulate(
                drawn(len(column), 2)[["p_1"]].assign(y=1, key=column),
                target="y",
                proba="p_1",
                by="key",
            )
            for column in columns
        ]
        types = set()
        for some in (states, states[::-1], [*states[1:], states[0]]):
            read = [ScanState.from_json(state.to_json()) for state in some]
            for found in (groups_of(merge(some)), groups_of(merge(read))):
                keys = [None if pd.isna(key) else key for key in found.index]
                assert dict(zip(keys, found["n"], strict=True)) == expected
                assert len(keys) == len(expected)
                types.add(str(found.index.dtype))
        assert len(types) == 1

    def test_dictionaries_of_arrow_hold_the_same_groups(self):
        pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        frame = drawn(120, 2)
        text = pa.dictionary(pa.int32(), pa.string())
        types = (text, pa.string(), pa.large_string())
        frames = [
            frame.assign(key=pd.Series(["a", "b", None] * 40, dtype=pd.ArrowDtype(one)))
            for one in types
        ] + [frame.assign(key=["a", "b", None] * 40)]
        states = [accumulate(f, **HARD, by=["key", "shift"]) for f in frames]
        n = groups_of(merge(states)).groupby("key", dropna=False)["n"].sum()
        assert n.to_list() == [160, 160, 160]
        for state in states:
            read = ScanState.from_arrow(state.to_arrow())
            pd.testing.assert_frame_equal(groups_of(read), groups_of(state))

    def test_groups_that_cannot_be_read_back_are_not_written(self):
        frame = drawn(120, 2).assign(key=[frozenset([k]) for k in (1, 2)] * 60)
        state = accumulate(frame, **HARD, by="key")
        message = "must be text, numbers, booleans, .* of type frozenset; convert them"
        with pytest.raises(TypeError, match=message):
            state.to_json()

    @pytest.mark.parametrize(
        "labels",
        [
            (dt.date(2026, 1, 1), dt.date(2026, 1, 2)),
            (
                pd.Timestamp("2026-01-01", tz=BERLIN),
                pd.Timestamp("2027-01-01", tz=BERLIN),
            ),
            (Decimal("0.1"), Decimal("0.2")),
            (b"a", b"\xff"),
            (False, True),
            ("nan", "None"),
            ((1, "a"), (1, "b")),
        ],
        ids=lambda labels: type(labels[0]).__name__,
    )
    def test_labels_come_back(self, labels):
        frame = drawn(120, 2)
        frame["y"] = pd.Series([labels[k] for k in frame["y"]], dtype=object)
        options = {"target": "y", "proba": ["p_0", "p_1"]}
        one = accumulate(frame[:50], **options, labels=labels)
        two = ScanState.from_json(one.to_json())
        assert two.labels == one.labels == labels
        assert [type(label) for label in two.labels] == [type(x) for x in labels]
        assert merge([one, two]).n == 100
        other = accumulate(frame, **options, labels=["x", "y"])
        read = ScanState.from_json(other.to_json())
        assert set(read.unseen) == set(labels)
        assert len((other + read).unseen) == 2


class TestArrow:
    def test_states_are_batches_of_one_row(self):
        pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        frame = keyed()
        states = [
            accumulate(part, **HARD, by="day") for part in (frame[:50], frame[50:])
        ]
        batches = [state.to_arrow() for state in states]
        assert {batch.num_rows for batch in batches} == {1}
        assert {batch.schema for batch in batches} == {ScanState.arrow_schema()}
        table = pa.Table.from_batches(batches)
        found = ScanState.from_arrow(table)
        assert found.to_json() == merge(states).to_json()
        one = ScanState.from_arrow(batches[0])
        assert one.to_json() == states[0].to_json()

    def test_a_table_without_rows_is_refused(self):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        empty = ScanState.arrow_schema().empty_table()
        with pytest.raises(ValueError, match="states must hold one state or more"):
            ScanState.from_arrow(empty)

    def test_what_holds_no_states_is_refused(self):
        pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        with pytest.raises(ValueError, match=r"found the columns \['x'\]"):
            ScanState.from_arrow(pa.table({"x": [1]}))
        row = {"schema_version": [7], "header": ["{}"], "numbers": [b""]}
        with pytest.raises(ValueError, match="its schema is 7, here it is 2"):
            ScanState.from_arrow(pa.table(row))


class TestWhatIsNoState:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("{", "Expecting"),
            ("[]", "found a list"),
            ("{}", "its schema is None, here it is 2"),
            ('{"schema": 3}', "its schema is 3, here it is 2"),
            ('{"schema": 1}', "the state lacks its part 'labels'"),
            ('{"schema": 1, "schema": 1}', "the key 'schema' occurs twice"),
            ('{"schema": NaN}', "NaN is no value of strict JSON"),
            ("[" * 10**5, r"it cannot be read \(RecursionError"),
            (3, "must be str, bytes"),
        ],
    )
    def test_texts_that_are_no_state_are_refused(self, text, why):
        message = f"a state must be read from what to_json or to_arrow wrote: .*{why}"
        with pytest.raises(ValueError, match=message):
            ScanState.from_json(text)

    @pytest.mark.parametrize(
        ("name", "value", "why"),
        [
            ("soft", 1, "'soft' of the state must be true or false, found 1"),
            ("clip", "x", "'clip' of the state must be a finite number, found 'x'"),
            ("clip", 2, r"its clip must be in \[0, 1\), found 2"),
            ("labels", [0, 0, 1], "its labels must be distinct, found 0, 0, 1"),
            ("labels", [0, 1], "its numbers must be those of its header: cells are"),
            ("by", ["x"], r"its keys must be those of \('x',\), found 'site'"),
            ("counts", {}, "'counts' lacks its part 'at_zero'"),
            ("x", 1, "the state has an unknown part 'x'"),
            ("numbers", "*", "it cannot be read"),
        ],
    )
    def test_parts_that_no_state_has_are_refused(self, name, value, why):
        found = json.loads(accumulate(drawn(60, 3), **HARD, by="site").to_json())
        message = f"{why}.*; write it again with this"
        with pytest.raises(ValueError, match=message):
            ScanState.from_json(json.dumps(found | {name: value}))

    def test_groups_that_are_twice_there_are_refused(self):
        found = json.loads(accumulate(drawn(60, 3), **HARD, by="site").to_json())
        found["keys"]["columns"][0]["values"] = ["north", "north", "west"]
        with pytest.raises(ValueError, match="its groups must be distinct, and one or"):
            ScanState.from_json(json.dumps(found))

    def test_numbers_that_no_rows_leave_are_refused(self):
        pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        (row,) = accumulate(drawn(60, 3), **HARD).to_arrow().to_pylist()
        shapes = json.loads(row["header"])["shapes"]
        starts = itertools.accumulate(
            (int(np.prod(shape)) for shape in shapes.values()), initial=0
        )
        place = dict(zip(shapes, starts, strict=False))
        for name, value, why in (
            ("whole.n", 1.5, "'whole.n' must hold whole numbers"),
            ("whole.weight", -1.0, "must hold finite numbers of 0 or more"),
            ("kept.target", 3.0, "'kept.target' must hold numbers of classes"),
            ("kept.log_q", 1.0, "must hold logarithms of probabilities"),
            ("whole.mean", 1e200, "must hold numbers of at most 1e[+]154"),
        ):
            numbers = np.frombuffer(row["numbers"], dtype="<f8").copy()
            numbers[place[name]] = value
            found = {
                "schema_version": [2],
                "header": [row["header"]],
                "numbers": [numbers.tobytes()],
            }
            with pytest.raises(ValueError, match=why):
                ScanState.from_arrow(pa.table(found))
        with pytest.raises(TypeError, match="found a int; pass what to_arrow gave"):
            ScanState.from_arrow(3)

    def test_torn_numbers_are_refused(self):
        found = json.loads(accumulate(drawn(60, 2), **HARD).to_json())
        fewer = base64.b64decode(found["numbers"])[:-24]
        found["numbers"] = base64.b64encode(fewer).decode()
        with pytest.raises(ValueError, match="numbers for"):
            ScanState.from_json(json.dumps(found))

    def test_every_part_is_needed(self):
        found = json.loads(accumulate(drawn(60, 2), **HARD).to_json())
        for name in found:
            torn = {key: value for key, value in found.items() if key != name}
            with pytest.raises(ValueError, match="a state must be read from"):
                ScanState.from_json(json.dumps(torn))


class TestStatesThatDoNotMerge:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"labels": (0, 1, 3)}, "the same labels: found 0, 1, 2 and 0, 1, 3;"),
            ({"clip": 1e-3}, "the same clip: found"),
            ({"by": "site"}, "the same by: found () and ('site',);"),
        ],
    )
    def test_states_of_other_options_do_not_merge(self, options, message):
        frame = drawn(60, 3)
        states = [accumulate(frame, **HARD), accumulate(frame, **HARD, **options)]
        with pytest.raises(ValueError, match=re.escape(message)):
            merge(states)

    def test_states_of_other_targets_do_not_merge(self):
        soft = drawn(60, 3, targets="distributions")
        states = [
            accumulate(drawn(60, 3), **HARD),
            accumulate(soft, target="v_", proba="p_", labels=(0, 1, 2)),
        ]
        with pytest.raises(ValueError, match="the same kind of targets: found False"):
            merge(states)

    def test_a_first_pass_and_a_second_do_not_merge(self):
        frame = drawn(300, 3)
        state = accumulate(frame, **HARD)
        first = finish(state, recalibration="temperature")
        with pytest.raises(ValueError, match="the same map: found"):
            merge([state, accumulate(frame, **HARD, under=first)])

    def test_nothing_and_what_is_no_state_do_not_merge(self):
        with pytest.raises(ValueError, match="there is none; accumulate a part"):
            merge([])
        with pytest.raises(TypeError, match="number 1 is of type int; pass"):
            merge([accumulate(drawn(60, 2), **HARD), 3])
        with pytest.raises(TypeError, match="state must be one that accumulate"):
            finish([])


@pytest.fixture(scope="module")
def scanned():
    frame = keyed()
    options = HARD | {"by": "site"}
    first = finish(accumulate(frame, **options), recalibration="temperature")
    return finish(accumulate(frame, **options, under=first), under=first)


class TestEvaluationsWithoutRows:
    def test_json_comes_back(self, scanned):
        found = Evaluation.from_json(scanned.to_json())
        assert found == scanned
        pd.testing.assert_frame_equal(found.by_group, scanned.by_group)

    def test_what_wants_rows_is_refused(self, scanned):
        assert scanned.per_sample is None
        assert scanned.summary().loc["all", "n"] == 300
        for call in (
            lambda e: e.worst(),
            lambda e: e.summary("shift"),
        ):
            with pytest.raises(ValueError, match="has no rows, as it was scanned"):
                call(scanned)
        with pytest.raises(ValueError, match="by needs the data: this result has none"):
            scanned.decomposition.by([1])

    def test_the_map_recalibrates(self, scanned):
        table = scanned.decomposition.recalibrator().predict_proba([[0.2, 0.3, 0.5]])
        assert table.sum() == pytest.approx(1.0)

    @pytest.mark.usefixtures("without_plots")
    def test_its_page_has_groups(self, scanned):
        pytest.importorskip("jinja2", reason="jinja2 is not installed")
        pytest.importorskip("matplotlib", reason="matplotlib is not installed")
        page = scanned.to_html(by="site")
        assert "The loss by group" in page
        assert "north" in page
        assert "costliest rows are left out" in page
        assert "Parts left out" not in page
        found = dataclasses.replace(scanned.decomposition, n_skipped=2)
        page = dataclasses.replace(scanned, decomposition=found).to_html()
        assert "Parts left out, as they cannot be read" in page

    @pytest.mark.usefixtures("figures")
    def test_plots_that_want_no_rows_are_drawn(self, scanned):
        pytest.importorskip("matplotlib", reason="matplotlib is not installed")
        scanned.plot("waterfall")
        scanned.plot("by_class")
