"""States of parts: the same numbers as in memory, however the rows are split."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xent_metrics import Evaluation, UnseenLabelWarning, accumulate, finish, merge

# Costs of a result are never as large as the offsets that moments must bear.
from xent_metrics._scan.moments import Moments

from ..thinned import thinned
from .conftest import drawn

HARD = {"target": "y", "proba": "p_"}
SOFT = {"target": "v_", "proba": "p_"}
KINDS = {
    "labels": (drawn(400, 3), HARD),
    "two classes": (drawn(400, 2), HARD),
    "one column": (drawn(400, 2), {"target": "y", "proba": "p_1"}),
    "weights": (drawn(400, 3), HARD | {"sample_weight": "w"}),
    "distributions": (drawn(400, 3, targets="distributions"), SOFT),
    "weighted votes": (
        drawn(400, 3, targets="votes"),
        SOFT | {"sample_weight": "w", "target_type": "votes"},
    ),
}
# What does not depend on the map.
EXACT = (
    "cross_entropy",
    "entropy",
    "kl_divergence",
    "uncertainty",
    "skill",
    "predictive_entropy",
    "calibration_gap",
)


def in_memory(frame, options, **more):
    return Evaluation.from_frame(frame, **options, **more)


def parts_of(frame, cuts):
    """The rows between the cuts; those that have none are no part."""
    edges = [0, *sorted(cuts), len(frame)]
    pairs = itertools.pairwise(edges)
    return [frame.iloc[start:stop] for start, stop in pairs if stop > start]


def agree(found, expected, names, *, rel=1e-12):
    """Terms and standard errors are the same, but for rounding."""
    # A scan keeps no rows, and does not know the parts of the miscalibration.
    for name in set(names) - {"overconfidence", "underconfidence"}:
        value, error = getattr(expected, name), expected.standard_errors[name]
        assert getattr(found, name) == pytest.approx(
            value, rel=rel, abs=1e-14, nan_ok=True
        ), name
        assert found.standard_errors[name] == pytest.approx(
            error, rel=max(rel, 1e-11), abs=1e-14, nan_ok=True
        ), name


def same_tables(found, expected, *, abs_tol=1e-11):
    """Equal numbers, names, and notes."""
    assert found.index.tolist() == expected.index.tolist()
    assert list(found["note"]) == list(expected["note"])
    numbers = expected.drop(columns="note").to_numpy(dtype=float)
    np.testing.assert_allclose(
        found[expected.columns].drop(columns="note").to_numpy(dtype=float),
        numbers,
        rtol=1e-9,
        atol=abs_tol,
    )


class TestAnySplit:
    @pytest.mark.parametrize(
        "kind", thinned(KINDS, ["two classes", "weights", "distributions"])
    )
    @given(data=st.data())
    @settings(
        max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    def test_means_and_errors_are_those_in_memory(self, kind, data):
        frame, options = KINDS[kind]
        expected = in_memory(frame, options, recalibration="none").decomposition
        cuts = data.draw(st.lists(st.integers(0, len(frame)), max_size=8))
        parts = data.draw(st.permutations(parts_of(frame, cuts)))
        state = merge(accumulate(part, **options) for part in parts)
        found = finish(state, recalibration="none").decomposition
        agree(found, expected, EXACT)
        assert (found.n, found.n_classes) == (expected.n, expected.n_classes)
        assert found.n_effective == pytest.approx(expected.n_effective, rel=1e-12)

    @pytest.mark.parametrize(
        "kind", thinned(KINDS, ["labels", "one column", "weighted votes"])
    )
    @given(data=st.data())
    @settings(
        max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    def test_all_terms_are_those_in_memory_while_all_rows_are_kept(self, kind, data):
        frame, options = KINDS[kind]
        expected = in_memory(frame, options, recalibration="temperature")
        cuts = data.draw(st.lists(st.integers(0, len(frame)), max_size=5))
        parts = data.draw(st.permutations(parts_of(frame, cuts)))
        by = {"by": ["site", "shift"]}
        first = finish(
            merge(accumulate(part, **options, **by) for part in parts),
            recalibration="temperature",
        )
        second = merge(accumulate(part, **options, **by, under=first) for part in parts)
        found = finish(second, under=first)
        for one in (first, found):
            terms = one.decomposition
            agree(terms, expected.decomposition, terms.terms, rel=1e-8)
        same_tables(found.by_class, expected.by_class, abs_tol=1e-9)
        keys = frame[["site", "shift"]]
        of_groups = expected.decomposition.by(keys)
        same_tables(found.by_group[of_groups.columns], of_groups, abs_tol=1e-9)
        means = expected.summary(by=keys.to_dict("series"))
        same_tables(first.by_group.assign(note="")[means.columns], means)

    def test_states_merge_in_pairs_as_one_by_one(self):
        frame, options = KINDS["labels"]
        states = [accumulate(part, **options) for part in parts_of(frame, [90, 200])]
        one = finish(merge(states), recalibration="none")
        paired = merge([states[0], merge(states[1:])])
        agree(
            finish(paired, recalibration="none").decomposition,
            one.decomposition,
            EXACT,
        )

    def test_the_input_is_not_changed(self):
        frame = drawn(60, 3)
        before = frame.copy()
        states = [accumulate(part, **HARD) for part in parts_of(frame, [20])]
        text = [state.to_json() for state in states]
        merge(states)
        pd.testing.assert_frame_equal(frame, before)
        assert [state.to_json() for state in states] == text


class TestLargeOffsets:
    @given(st.floats(1e3, 1e7), st.integers(1, 6))
    @settings(max_examples=30, deadline=None)
    def test_scatter_keeps_its_digits(self, offset, n_parts):
        rng = np.random.default_rng(n_parts)
        values = offset + rng.normal(size=300)
        weights = rng.gamma(3.0, size=300)
        parts = np.array_split(np.arange(300), n_parts)
        found = Moments.empty(1, 1)
        for rows in parts:
            found = found.plus(Moments.of_rows(None, 1, weights[rows], [values[rows]]))
        mean = math.fsum(weights * values) / math.fsum(weights)
        squares = math.fsum((weights * (values - mean)) ** 2)
        expected = math.sqrt(300 / 299 * squares) / math.fsum(weights)
        assert found.mean[0, 0] == pytest.approx(mean, rel=1e-14)
        assert found.errors()[0, 0] == pytest.approx(expected, rel=1e-8)

    def test_cells_without_rows_count_for_nothing(self):
        one = Moments.of_rows(np.array([1, 1]), 3, None, [np.array([1.0, 3.0])])
        both = one.plus(Moments.empty(1, 3)).placed(np.array([2, 0, 1]), 4)
        assert both.n.tolist() == [2, 0, 0, 0]
        assert both.mean[0].tolist() == [2, 0, 0, 0]
        assert both.errors()[0, 0] == pytest.approx(1.0)
        assert np.isnan(both.errors()[0, 1:]).all()


class TestUnseenAndInfinite:
    def test_a_label_that_one_part_alone_holds_is_unseen_in_all(self):
        frame = drawn(600, 3)
        frame.loc[frame.index[-40:], "y"] = 7
        with pytest.warns(UnseenLabelWarning, match="40 of 600 rows have a label"):
            expected = in_memory(frame, HARD, recalibration="temperature-bias")
        parts = parts_of(frame, [200, 590])
        state = merge(accumulate(part, **HARD) for part in parts)
        with pytest.warns(UnseenLabelWarning, match="40 of 600 rows have a label"):
            first = finish(state, recalibration="temperature-bias")
        agree(
            first.decomposition,
            expected.decomposition,
            expected.decomposition.terms,
            rel=1e-8,
        )
        pd.testing.assert_series_equal(
            first.decomposition.ladder["miscalibration"],
            expected.decomposition.ladder["miscalibration"],
            rtol=1e-8,
        )
        second = merge(accumulate(part, **HARD, under=first) for part in parts)
        with pytest.warns(UnseenLabelWarning, match="40 of 600"):
            found = finish(second, under=first)
        same_tables(found.by_class, expected.by_class, abs_tol=1e-9)

    def test_unseen_labels_may_come_in_any_order(self):
        frame = drawn(300, 3)
        parts = [frame[:100].assign(y=9), frame[100:].assign(y=[5, 0] * 100)]
        with pytest.warns(UnseenLabelWarning, match="200 of 300 rows"):
            one = finish(
                merge(accumulate(part, **HARD) for part in parts),
                recalibration="none",
            )
        with pytest.warns(UnseenLabelWarning, match="200 of 300 rows"):
            two = finish(
                merge(accumulate(part, **HARD) for part in reversed(parts)),
                recalibration="none",
            )
        agree(one.decomposition, two.decomposition, EXACT)
        assert set(one.by_class.index) == set(two.by_class.index) == {0, 5, 9}

    def test_infinite_costs_are_those_in_memory(self):
        frame = drawn(400, 3)
        frame.loc[3, ["p_0", "p_1", "p_2"]] = 0.0
        frame.loc[3, f"p_{(frame['y'][3] + 1) % 3}"] = 1.0
        options = HARD | {"clip": 0}
        expected = in_memory(frame, options, recalibration="temperature").decomposition
        state = merge(accumulate(p, **options) for p in parts_of(frame, [2, 100]))
        found = finish(state, recalibration="temperature").decomposition
        assert found.cross_entropy == math.inf
        assert found.n_infinite == 1
        parts = ("overconfidence", "underconfidence")
        unknown = dict.fromkeys(parts, "undefined: a scan keeps no rows")
        assert found.notes == expected.notes | unknown
        agree(found, expected, found.terms, rel=1e-7)

    def test_a_state_whose_labels_are_all_unseen_cannot_be_finished(self):
        state = accumulate(drawn(300, 3).assign(y="cat"), **HARD)
        with pytest.raises(ValueError, match="it holds 'cat', the columns are '0', "):
            finish(state)

    # A warning of numpy would be an error in these.

    def test_an_infinite_cost_of_distributions_is_told_without_a_warning(self):
        frame = drawn(400, 3, targets="distributions")
        frame.loc[7, ["p_0", "p_1", "p_2"]] = [1.0, 0.0, 0.0]
        found = finish(accumulate(frame, **SOFT, clip=0), recalibration="none")
        assert found.decomposition.cross_entropy == math.inf

    def test_a_reference_is_told_beside_unseen_labels_of_infinite_cost(self):
        frame = drawn(400, 3).replace({"y": {2: 9}})
        state = accumulate(frame, **HARD, labels=[0, 1, 2], clip=0)
        with pytest.warns(UnseenLabelWarning):
            found = finish(state, recalibration="none")
        assert "reference" in found.to_json()

    def test_weights_whose_sums_round_leave_no_share_of_unseen_labels(self):
        frame = drawn(400, 3)
        for seed in range(5):
            frame["w"] = np.random.default_rng(seed).exponential(size=400)
            states = [
                accumulate(part, **HARD, labels=[0, 1, 2], sample_weight="w")
                for part in parts_of(frame, [130, 260])
            ]
            found = finish(merge(states), recalibration="none")
            assert "reference" in found.to_json()


class TestRowsWithoutWeight:
    def test_rows_of_weight_0_are_as_if_removed(self):
        frame = drawn(500, 3)
        frame.loc[::3, "w"] = 0.0
        frame.loc[::6, "p_0"] = np.nan
        options = HARD | {"sample_weight": "w"}
        expected = in_memory(frame, options, recalibration="none").decomposition
        state = merge(accumulate(p, **options) for p in parts_of(frame, [1, 250]))
        found = finish(state, recalibration="none").decomposition
        agree(found, expected, EXACT)
        assert found.n == expected.n

    @pytest.mark.parametrize("scale", [1e-200, 1e200])
    def test_weights_whose_squares_are_lost_are_refused(self, scale):
        frame = drawn(100, 3)
        frame["w"] *= scale
        with pytest.raises(ValueError, match="multiply all weights by a constant"):
            accumulate(frame, **HARD, sample_weight="w")

    def test_a_part_of_weight_0_counts_for_nothing(self):
        frame = drawn(400, 3)
        frame.loc[:99, "w"] = 0.0
        options = HARD | {"sample_weight": "w", "by": "site"}
        state = merge(accumulate(p, **options) for p in parts_of(frame, [100]))
        assert state.n == 300
        found = finish(state, recalibration="none")
        assert found.by_group["n"].sum() == 300

    def test_missing_rows_are_counted(self):
        frame = drawn(500, 3)
        frame["y"] = frame["y"].astype(float)
        frame.loc[:120, "y"] = np.nan
        options = HARD | {"on_missing": "drop"}
        state = merge(accumulate(p, **options) for p in parts_of(frame, [100]))
        result = finish(state, recalibration="none").decomposition
        assert (result.n, result.n_dropped) == (379, 121)

    def test_a_state_of_no_rows_cannot_be_finished(self):
        frame = drawn(20, 3).assign(y=np.nan)
        state = accumulate(frame, **HARD, on_missing="drop")
        assert state.n == 0
        with pytest.raises(ValueError, match="holds none, and 20 were left out"):
            finish(state)


class TestOneHotParts:
    def test_parts_without_disagreement_merge_with_others(self):
        frame = drawn(400, 3, targets="votes")
        frame.loc[:99, ["v_0", "v_1", "v_2"]] = [5, 0, 0]
        options = SOFT | {"target_type": "votes"}
        expected = in_memory(frame, options, recalibration="none").decomposition
        state = merge(accumulate(p, **options) for p in parts_of(frame, [100]))
        agree(finish(state, recalibration="none").decomposition, expected, EXACT)

    def test_one_hot_rows_are_labels(self):
        frame = drawn(400, 3)
        frame[["v_0", "v_1", "v_2"]] = np.eye(3)[frame["y"]]
        options = SOFT | {"target_type": "distribution"}
        expected = in_memory(frame, options, recalibration="temperature")
        state = merge(accumulate(p, **options) for p in parts_of(frame, [100]))
        found = finish(state, recalibration="temperature")
        assert math.isnan(found.decomposition.irreducible)
        assert "grouping_loss" not in found.by_class
        agree(
            found.decomposition,
            expected.decomposition,
            found.decomposition.terms,
            rel=1e-8,
        )


class TestWhatDoesNotMerge:
    @pytest.mark.parametrize("states", [None, 3])
    def test_what_is_no_iterable_is_refused(self, states):
        found = type(states).__name__
        with pytest.raises(
            TypeError, match=f"states must be an iterable of states: found {found}; "
        ):
            merge(states)

    def test_a_single_state_is_refused(self):
        state = accumulate(drawn(100, 3), **HARD)
        with pytest.raises(
            TypeError, match=r"found ScanState; pass merge\(\[first, second\]\)\."
        ):
            merge(state)

    def test_states_of_a_first_and_of_a_second_pass_are_refused(self):
        frame = drawn(400, 3)
        first = accumulate(frame, **HARD)
        second = accumulate(frame, **HARD, under=finish(first))
        with pytest.raises(
            ValueError, match="must have the same map: found none and [a-z]"
        ):
            merge([first, second])
