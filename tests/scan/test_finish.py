"""Maps at scale: what they are fitted to, and passes under them."""

import pickle

import numpy as np
import pytest

from xent_metrics import Evaluation, accumulate, decompose, finish, merge

from ..thinned import thinned
from .conftest import drawn

HARD = {"target": "y", "proba": "p_"}


class Shrink:
    """A map of a user: the predictions, drawn to the uniform distribution."""

    def fit(self, log_q, p, sample_weight):
        grid = np.linspace(0.0, 0.9, 19)
        q = np.exp(log_q)
        costs = [
            -(sample_weight @ (p * np.log((1 - a) * q + a / q.shape[1])).sum(axis=1))
            for a in grid
        ]
        self.share = float(grid[int(np.argmin(costs))])

    def predict(self, log_q):
        return (1 - self.share) * np.exp(log_q) + self.share / log_q.shape[1]


@pytest.fixture
def few_kept(keep_rows):
    keep_rows(2000)


def passes(frame, recalibration, n_passes=6, n_parts=4, **options):
    """The evaluations of one pass after the other, while a pass finds a better map."""
    parts = [
        frame.iloc[rows] for rows in np.array_split(np.arange(len(frame)), n_parts)
    ]
    found = [
        finish(
            merge(accumulate(part, **HARD, **options) for part in parts),
            recalibration=recalibration,
        )
    ]
    while len(found) < n_passes:
        under = found[-1]
        state = merge(
            accumulate(part, **HARD, **options, under=under) for part in parts
        )
        found.append(finish(state, under=under))
        after = found[-1].decomposition._evidence.passed.under.name
        if after == state.contract.under:
            break
    return found


OF_THE_MAP = ("refinement", "miscalibration", "resolution")


def near(found, expected, *, within=0.1, errors=0.01):
    """Within a tenth of a standard error, and of the same standard errors."""
    for name in OF_THE_MAP:
        error = expected.standard_errors[name]
        away = getattr(found, name) - getattr(expected, name)
        assert abs(away) <= within * error, (name, away / error)
        assert found.standard_errors[name] == pytest.approx(error, rel=errors)


@pytest.mark.usefixtures("few_kept")
class TestMoreRowsThanAreKept:
    @pytest.mark.parametrize(
        "name",
        thinned(
            ["temperature", "temperature-bias", "slope-bias", "dirichlet"],
            ["temperature", "slope-bias"],
        ),
    )
    def test_slopes_find_the_fit_of_all_rows(self, name):
        frame = drawn(20_000, 4)
        expected = Evaluation.from_frame(frame, **HARD, recalibration=name)
        *_, found = passes(frame, name)
        near(found.decomposition, expected.decomposition, within=0.02)
        assert found.decomposition.parameters == pytest.approx(
            expected.decomposition.parameters, rel=1e-3
        )
        of_class = expected.by_class
        away = (found.by_class["miscalibration"] - of_class["miscalibration"]).abs()
        assert (away <= 0.1 * of_class["miscalibration_se"]).all()

    def test_the_result_says_what_it_was_fitted_to(self):
        one, *_, last = passes(drawn(20_000, 4), "temperature-bias")
        (note,) = one.decomposition.ladder["note"]
        assert note == "fitted to a random sample of 2,000 rows"
        assert f"its fit: {note}" in repr(one)
        (note,) = last.decomposition.ladder["note"]
        assert note == "fitted to all rows, in 3 passes"

    @pytest.mark.slow
    def test_a_sample_has_the_errors_of_a_sample(self):
        frame = drawn(20_000, 4)
        expected = Evaluation.from_frame(frame, **HARD, recalibration="temperature")
        (found,) = passes(frame, "temperature", 1)
        wide = expected.decomposition.standard_errors["miscalibration"]
        own = found.decomposition.standard_errors["miscalibration"]
        assert own == pytest.approx(wide * 10**0.5, rel=0.1)
        away = found.decomposition.miscalibration
        away -= expected.decomposition.miscalibration
        assert abs(away) < 3 * own
        assert found.decomposition.cross_entropy == pytest.approx(
            expected.decomposition.cross_entropy, rel=1e-12
        )

    @pytest.mark.parametrize(
        "recalibration",
        [pytest.param("confusion", marks=pytest.mark.slow), Shrink()],
    )
    def test_other_maps_stay_those_of_the_sample(self, recalibration):
        frame = drawn(20_000, 4)
        expected = Evaluation.from_frame(frame, **HARD, recalibration=recalibration)
        expected = expected.decomposition
        one, two = passes(frame, recalibration, 2)
        found = two.decomposition
        away = found.miscalibration - expected.miscalibration
        # Fits to so few rows scatter by that much, which the standard error holds.
        of_fit = one.decomposition._evidence.passed.variance**0.5
        assert abs(away) <= 3 * of_fit
        for name in OF_THE_MAP:
            wider = np.hypot(expected.standard_errors[name], of_fit)
            assert found.standard_errors[name] == pytest.approx(wider, rel=0.05)

    @pytest.mark.slow
    def test_one_choice_for_the_same_rows(self):
        frame = drawn(6000, 3)
        one = passes(frame, "auto", 1)[0]
        again = passes(frame, "auto", 1)[0]
        assert one == again
        expected = decompose(
            frame["y"], frame[["p_0", "p_1", "p_2"]].to_numpy(), recalibration="auto"
        )
        assert list(one.decomposition.ladder.index) == list(expected.ladder.index)

    def test_weights_find_the_fit_of_all_rows(self):
        frame = drawn(20_000, 3)
        expected = Evaluation.from_frame(
            frame, **HARD, sample_weight="w", recalibration="temperature-bias"
        )
        *_, found = passes(frame, "temperature-bias", sample_weight="w")
        near(found.decomposition, expected.decomposition, within=0.01)


class TestCellsOfTwoClasses:
    @pytest.mark.parametrize(
        "name",
        thinned(
            ["auto", "spline", "temperature", "temperature-bias", "isotonic"],
            ["temperature-bias", "spline"],
        ),
    )
    def test_one_pass_is_enough(self, few_kept, name):
        frame = drawn(30_000, 2)
        expected = Evaluation.from_frame(frame, **HARD, recalibration=name)
        one, two = passes(frame, name, 2)
        near(one.decomposition, expected.decomposition)
        near(two.decomposition, expected.decomposition)
        assert one.decomposition.recalibration == expected.decomposition.recalibration
        ladder, wanted = one.decomposition.ladder, expected.decomposition.ladder
        away = (ladder["miscalibration"] - wanted["miscalibration"]).abs()
        assert (away <= 0.1 * wanted["standard_error"]).all()
        if name != "isotonic":
            of_class = expected.by_class
            away = two.by_class["resolution"] - of_class["resolution"]
            assert (away.abs() <= 0.1 * of_class["resolution_se"]).all()

    def test_without_a_map_nothing_is_miscalibrated(self, few_kept):
        frame = drawn(30_000, 2)
        (found,) = passes(frame, "none", 1)
        assert found.decomposition.miscalibration == pytest.approx(0.0, abs=1e-12)

    @pytest.mark.slow
    def test_extreme_logits_have_cells_too(self, few_kept):
        frame = drawn(30_000, 2)
        frame.loc[::7, ["p_0", "p_1"]] = [1.0, 0.0]
        frame.loc[3::7, ["p_0", "p_1"]] = [0.0, 1.0]
        expected = Evaluation.from_frame(frame, **HARD)
        one, _ = passes(frame, "auto", 2)
        near(one.decomposition, expected.decomposition)
        assert one.decomposition.n_clipped == expected.decomposition.n_clipped


class TestUnder:
    def test_an_evaluation_of_a_pass_may_be_pickled(self):
        frame = drawn(500, 3)
        first = passes(frame, "temperature", 1)[0]
        sent = pickle.loads(pickle.dumps(first))  # noqa: S301 - our own
        state = accumulate(frame, **HARD, under=sent)
        assert finish(state, under=first) == finish(state, under=sent)

    def test_what_is_no_evaluation_of_a_pass_is_refused(self):
        frame = drawn(500, 3)
        other = Evaluation.from_frame(frame, **HARD, recalibration="temperature")
        for given, what in ((other, "one without"), (3, "int")):
            with pytest.raises(ValueError, match=f"recalibration map: found {what}; "):
                accumulate(frame, **HARD, under=given)

    def test_another_map_than_that_of_the_state_is_refused(self):
        frame = drawn(500, 3)
        first = passes(frame, "temperature", 1)[0]
        state = accumulate(frame, **HARD, under=first)
        with pytest.raises(ValueError, match=r"was temperature .*, found nothing;"):
            finish(state)
        with pytest.raises(ValueError, match="that was nothing, found temperature"):
            finish(accumulate(frame, **HARD), under=first)

    def test_terms_by_group_want_a_second_pass(self):
        frame = drawn(500, 3)
        one, two = passes(frame, "temperature", 2, by="site")
        assert "miscalibration" in two.summary("site")
        assert one.summary("site")["miscalibration"].isna().all()
        assert set(one.summary("site")["note"]) == {
            "terms of the map require a second pass, under the first"
        }
        assert two.summary(["site"])["miscalibration"].notna().all()
