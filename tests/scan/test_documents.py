"""States as JSON and Arrow, and evaluations that were scanned."""

import base64
import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, ScanState, accumulate, finish, merge

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
        with pytest.raises(ValueError, match="its schema is 7, here it is 1"):
            ScanState.from_arrow(pa.table(row))


class TestWhatIsNoState:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("{", "Expecting"),
            ("[]", "found a list"),
            ("{}", "its schema is None, here it is 1"),
            ('{"schema": 2}', "its schema is 2, here it is 1"),
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
            ({"labels": (1, 2, 0)}, "the same labels: found 0, 1, 2 and 1, 2, 0;"),
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
