"""What users rely on of every recalibration map, and of the choice among them."""

import math
import re

import numpy as np
import pytest

from xent_metrics import RecalibrationMap, decompose

# Fits to cells, samples and folds are compared with fits to all rows.
from xent_metrics._recalibration import select
from xent_metrics._recalibration.confusion import _sweep
from xent_metrics._recalibration.cross_validation import fixed_folds
from xent_metrics._recalibration.families import Spline
from xent_metrics._recalibration.grid import Grid
from xent_metrics._recalibration.sample import from_tables
from xent_metrics._recalibration.select import NAMES, fit_named, recalibrate
from xent_metrics._recalibration.softmax import fit, minimise

from ..draws import forecasts, labels_from, tempered
from ..thinned import thinned

SEVERAL = (
    "temperature",
    "temperature-bias",
    "slope-bias",
    "shared-spline",
    "dirichlet",
    "dirichlet-spline",
    "confusion",
    "adaptive-temperature",
    "class-temperature",
    "hierarchy",
    "kernel",
    "learned",
    "none",
)
TWO = (*SEVERAL, "spline", "isotonic")
each_map = pytest.mark.parametrize("name", thinned(TWO, set(TWO) - {"learned"}))


def draw(n=800, k=3, **options):
    return forecasts(n, k, **options)


def classes_of(name):
    return 2 if name in ("spline", "isotonic") else 3


EXACT = [
    (name, k)
    for name in TWO
    for k in (2, 3)
    if name != "confusion" and k <= classes_of(name)
]
QUICK = [(name, k) for name, k in EXACT if name != "learned"]


def sample_of(q, target, weights=None, clusters=None):
    weights = np.ones(len(q)) if weights is None else weights
    return from_tables(np.log(q).T.copy(), target.T.copy(), weights, clusters)


def numbers(d):
    return [*d.terms.values(), *d.standard_errors.values()]


class TestEveryMap:
    def test_all_names_are_here(self):
        assert {"auto", "cells", *TWO} == set(NAMES)

    @each_map
    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    def test_terms_add_up(self, name, weighted):
        p, y, q, w = draw(k=classes_of(name))
        for target in (y, p):
            d = decompose(
                target,
                q,
                sample_weight=w if weighted else None,
                recalibration=name,
            )
            total = d.uncertainty - d.resolution + d.miscalibration
            assert total == pytest.approx(d.cross_entropy, abs=1e-14)
            assert d.recalibration == name
            assert d.converged

    @pytest.mark.parametrize(("name", "k"), thinned(EXACT, QUICK))
    def test_targets_equal_to_the_predictions_are_calibrated(self, name, k):
        p, _, _, w = draw(k=k)
        d = decompose(p, p, sample_weight=w, recalibration=name)
        assert abs(d.miscalibration) < 1e-9
        assert abs(d.grouping_loss) < 1e-9

    def test_confusion_shrinks_such_targets_by_its_prior_alone(self):
        for n in (1000, 10_000):
            p, *_ = draw(n)
            d = decompose(p, p, recalibration="confusion")
            assert -1 / n < d.miscalibration < 0

    @each_map
    def test_a_second_fit_gives_the_same_numbers(self, name):
        _, y, q, w = draw(k=classes_of(name))
        one, two = (
            decompose(y, q, sample_weight=w, recalibration=name) for _ in range(2)
        )
        assert numbers(one) == pytest.approx(numbers(two), rel=0, abs=0, nan_ok=True)

    @each_map
    def test_arguments_are_left_as_they_were(self, name):
        _, y, q, w = draw(k=classes_of(name))
        groups = np.arange(len(y)) // 2
        given = [array.copy() for array in (y, q, w, groups)]
        decompose(y, q, sample_weight=w, groups=groups, recalibration=name)
        for before, after in zip(given, (y, q, w, groups), strict=True):
            assert (before == after).all()

    @each_map
    @pytest.mark.parametrize("scale", thinned([1e-3, 7.0], [7.0]))
    def test_scale_of_weights_does_not_matter(self, name, scale):
        _, y, q, w = draw(k=classes_of(name))
        one, two = (
            decompose(y, q, sample_weight=s * w, recalibration=name)
            for s in (1.0, scale)
        )
        assert numbers(one) == pytest.approx(numbers(two), rel=1e-8, nan_ok=True)

    # The kernel is the slowest.
    @pytest.mark.parametrize("name", thinned(TWO, set(TWO) - {"kernel", "learned"}))
    def test_order_of_classes_does_not_matter(self, name):
        k = classes_of(name)
        _, y, q, w = draw(n=1500, k=k)
        order = np.array([1, 0] if k == 2 else [2, 0, 1])
        one = decompose(y, q, sample_weight=w, labels=range(k), recalibration=name)
        two = decompose(
            y, q[:, order], sample_weight=w, labels=order, recalibration=name
        )
        # Folds follow the order of classes, knots are of one of two, and trees that
        # gain as much are told apart by it.
        loose = {"confusion": 1e-3, "spline": 1e-4, "learned": 1e-3}
        exact = loose.get(name, 1e-9)
        assert two.miscalibration == pytest.approx(one.miscalibration, abs=exact)
        assert two.refinement == pytest.approx(one.refinement, abs=exact)

    # Trees predict each row by those that did not see it; the recalibrator has all.
    @pytest.mark.parametrize("name", [name for name in TWO if name != "learned"])
    def test_recalibrator_has_the_losses_of_the_refinement(self, name):
        _, y, q, w = draw(k=classes_of(name))
        d = decompose(y, q, sample_weight=w, recalibration=name)
        c = d.recalibrator().predict_proba(q)
        cost = np.average(-np.log(c[np.arange(len(y)), y]), weights=w)
        optimism = d._evidence.data.after.optimism
        assert cost + optimism == pytest.approx(d.refinement, rel=1e-10)

    @each_map
    def test_perfect_separation_is_finite(self, name):
        y = np.repeat([0, 1], 150)
        q = np.where(y[:, None] == [0, 1], 0.9, 0.1)
        d = decompose(y, q, recalibration=name)
        assert math.isfinite(d.refinement)
        assert math.isfinite(d.standard_errors["refinement"])
        if name != "none":
            assert -0.01 < d.refinement < 0.05

    @each_map
    def test_few_distinct_forecasts_converge(self, name):
        rng = np.random.default_rng(0)
        q = rng.choice([0.1, 0.3, 0.5, 0.9], 2000)
        y = rng.random(2000) < q
        d = decompose(y, q, recalibration=name)
        assert d.converged
        error = d.standard_errors["miscalibration"]
        assert abs(d.miscalibration) <= 3 * error + 1e-3

    @pytest.mark.parametrize("name", thinned(SEVERAL, set(SEVERAL) - {"learned"}))
    def test_one_forecast_for_all_rows_resolves_nothing(self, name):
        rng = np.random.default_rng(0)
        y = rng.choice(3, 900, p=[0.5, 0.3, 0.2])
        d = decompose(y, np.tile([0.2, 0.3, 0.5], (900, 1)), recalibration=name)
        assert d.converged
        if name not in ("none", "temperature"):
            assert d.resolution == pytest.approx(0, abs=0.005)


class TestNamedWrongly:
    @pytest.mark.parametrize("given", ["platt", None, 3, object()])
    def test_an_unknown_map_is_refused(self, given):
        _, y, q, _ = draw()
        message = (
            "recalibration must be one of 'auto', 'temperature', .*or an object with "
            f"fit and predict: found {re.escape(repr(given))}; pass the name of a map."
        )
        with pytest.raises(ValueError, match=message):
            decompose(y, q, recalibration=given)

    @pytest.mark.parametrize("given", ["temprature", "Temperature"])
    def test_a_mistyped_map_is_corrected(self, given):
        _, y, q, _ = draw()
        message = f"found '{given}'; did you mean 'temperature'?"
        with pytest.raises(ValueError, match=re.escape(message)):
            decompose(y, q, recalibration=given)

    @pytest.mark.parametrize("name", ["spline", "isotonic"])
    def test_a_map_of_two_classes_is_refused_for_three(self, name):
        _, y, q, _ = draw()
        message = (
            f"recalibration='{name}' is for two classes: found 3; pass 'auto' or "
            "'shared-spline'."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            decompose(y, q, recalibration=name)


class TestNone:
    def test_miscalibration_is_zero(self):
        p, y, q, w = draw()
        for target in (y, p):
            d = decompose(target, q, sample_weight=w, recalibration="none")
            assert d.miscalibration == pytest.approx(0, abs=1e-15)
            assert d.refinement == pytest.approx(d.cross_entropy, abs=1e-15)
            assert d.degrees_of_freedom == 0
            same = d.recalibrator().predict_proba(q)
            assert same == pytest.approx(q, rel=1e-14)


class Shrink:
    """Mixes predictions with equal shares: a user's map, of one parameter."""

    def __init__(self):
        self.calls = []

    def fit(self, log_q, p, sample_weight):
        self.calls.append((log_q.shape, p.shape, sample_weight.shape))
        q = np.exp(log_q)
        shares = np.linspace(0, 1, 51)
        costs = [
            -(sample_weight * (p * np.log(self.mix(q, one))).sum(axis=1)).sum()
            for one in shares
        ]
        self.share = shares[int(np.argmin(costs))]

    @staticmethod
    def mix(q, share):
        return (1 - share) * q + share / q.shape[1]

    def predict(self, log_q):
        return self.mix(np.exp(log_q), self.share)


class Frequencies:
    """Predicts the frequencies of the classes."""

    def fit(self, log_q, p, sample_weight):
        self.shares = np.average(p, axis=0, weights=sample_weight)

    def predict(self, log_q):
        return np.tile(self.shares, (len(log_q), 1))


class Returns(Shrink):
    """Predicts what a function makes of the predictions."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def predict(self, log_q):
        return self.function(np.exp(log_q))


class TestOwnMap:
    def test_it_is_debiased_by_cross_validation_of_copies(self):
        _, y, q, w = draw()
        own = Shrink()
        d = decompose(y, q, sample_weight=w, recalibration=own)
        assert own.calls == []
        assert not hasattr(own, "share")
        assert d.recalibration == "Shrink"

        def costs(fitted, rows):
            c = fitted.predict(np.log(q[rows]))
            return -np.log(c[np.arange(len(c)), y[rows]])

        everything, held_out = np.arange(len(y)), np.empty(len(y))
        own.fit(np.log(q), np.eye(3)[y], w)
        inside = costs(own, everything)
        folds = fixed_folds(sample_of(q, np.eye(3)[y], w), stratified=False)
        for fold in range(5):
            part = Shrink()
            kept = folds != fold
            part.fit(np.log(q[kept]), np.eye(3)[y[kept]], w[kept])
            assert part.calls[0] == ((kept.sum(), 3), (kept.sum(), 3), (kept.sum(),))
            held_out[~kept] = costs(part, everything[~kept])
        expected = np.average((5 * inside + 4 * held_out) / 9, weights=w)
        assert d.refinement == pytest.approx(expected, rel=1e-12)
        assert d._evidence.maps["Shrink"].model.share == own.share

    @pytest.mark.slow
    def test_its_intercepts_are_debiased_too(self):
        # Of the frequencies alone, the optimism is (K - 1) / (2 n) on average.
        n, found = 200, []
        for seed in range(150):
            y = np.random.default_rng(seed).integers(4, size=n)
            d = decompose(y, np.full((n, 4), 0.25), recalibration=Frequencies())
            found.append(d._evidence.data.after.optimism)
        error = np.std(found) / math.sqrt(len(found))
        assert error < 0.1 * np.mean(found)
        assert np.mean(found) == pytest.approx(3 / (2 * n), abs=3 * error)

    def test_it_may_write_into_what_it_gets(self):
        def careless(q):
            q *= 0.5
            q += 0.5 / q.shape[1]
            return q

        class Careless(Returns):
            def fit(self, log_q, p, sample_weight):
                log_q[:] = p[:] = sample_weight[:] = 0

            def predict(self, log_q):
                np.exp(log_q, out=log_q)
                return careless(log_q)

        _, y, q, w = draw()
        found, expected = (
            decompose(y, q, sample_weight=w, recalibration=one)
            for one in (Careless(None), Returns(lambda q: careless(q.copy())))
        )
        assert found.terms == pytest.approx(expected.terms, rel=1e-12, nan_ok=True)

    def test_the_recalibrator_applies_it(self):
        _, y, q, _ = draw()
        d = decompose(y, q, recalibration=Shrink())
        share = d._evidence.maps["Shrink"].model.share
        found = d.recalibrator().predict_proba(q)
        assert found == pytest.approx((1 - share) * q + share / 3, abs=1e-13)

    def test_the_protocol_is_public(self):
        assert isinstance(Shrink(), RecalibrationMap)
        assert not isinstance(object(), RecalibrationMap)

    @pytest.mark.parametrize(
        ("function", "message"),
        [
            (
                lambda q: q[:, :2],
                "found shape (800, 2) for (800, 3); return the whole table.",
            ),
            (lambda q: q[:-1], "found shape (799, 3) for (800, 3)"),
            (lambda q: q.argmax(axis=1), "found shape (800,) for (800, 3)"),
            (lambda q: 2 * q, "row 0 is ["),
            (
                lambda q: np.where(np.arange(800)[: len(q), None] == 17, np.nan, q),
                "row 17 is [nan, nan, nan]; return rows that sum to 1.",
            ),
            (lambda q: q + np.array([2.0, -1.0, -1.0]), "row 0 is ["),
            (np.log, "row 0 is ["),
        ],
    )
    def test_what_predict_returns_must_be_probabilities(self, function, message):
        _, y, q, _ = draw()
        rule = (
            "predict of Returns must return (one probability per row and .*|proba.*): "
        )
        with pytest.raises(ValueError, match=rule + re.escape(message)):
            decompose(y, q, recalibration=Returns(function))

    def test_a_class_in_place_of_an_object_is_refused(self):
        _, y, q, _ = draw()
        with pytest.raises(ValueError, match="an object with fit and predict: found"):
            decompose(y, q, recalibration=Shrink)


@pytest.mark.slow
class TestManyRowsOfTwoClasses:
    @pytest.mark.parametrize("name", [one for one in TWO if one in select.LINEAR])
    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    def test_cells_give_the_fit_of_the_rows(self, name, weighted):
        _, y, q, w = draw(20_500, k=2)
        sample = sample_of(q, np.eye(2)[y], w if weighted else None)
        grid = Grid.of_rows(sample)
        family = select.LINEAR[name](grid.cells)
        found, exact = grid.fit(family, sample), fit(family, sample)
        assert found.converged
        mean = sample.mean(exact.losses)
        assert sample.mean(found.losses) == pytest.approx(mean, abs=1e-6)
        assert found.optimism == pytest.approx(exact.optimism, abs=1e-7)
        assert found.variance == pytest.approx(exact.variance, rel=0.01)

    @pytest.mark.parametrize("name", ["temperature", "temperature-bias", "spline"])
    @pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
    def test_knots_of_cells_do_as_well(self, name, weighted):
        _, y, q, w = draw(20_500, k=2)
        sample = sample_of(q, np.eye(2)[y], w if weighted else None)
        found = fit_named(name, sample)
        exact = fit(select.LINEAR[name](sample), sample)
        refinement = sample.mean(exact.losses) + exact.optimism
        assert sample.mean(found.losses) + found.optimism == pytest.approx(
            refinement, abs=1e-5
        )

    def test_knots_are_those_of_so_many_rows(self):
        _, y, q, w = draw(20_500, k=2)
        sample = sample_of(q, np.eye(2)[y], w)
        n_knots = len(Spline(Grid.of_rows(sample).cells).spline.knots)
        assert n_knots == pytest.approx(1.2 * sample.n_effective ** (1 / 3), abs=1)

    def test_no_jump_where_cells_begin(self):
        _, y, q, _ = draw(20_001, k=2)
        rows = decompose(y[:-1], q[:-1]).miscalibration
        cells = decompose(y, q).miscalibration
        assert cells == pytest.approx(rows, abs=1e-4)

    def test_targets_equal_to_the_predictions_are_calibrated(self):
        p, _, _, w = draw(20_500, k=2)
        d = decompose(p, p, sample_weight=w)
        assert abs(d.miscalibration) < 1e-6

    def test_groups_are_fitted_row_by_row(self):
        _, y, q, _ = draw(20_500, k=2)
        alone = decompose(y, q, recalibration="temperature")
        grouped = decompose(y, q, groups=np.arange(len(y)), recalibration="temperature")
        assert grouped.miscalibration == pytest.approx(alone.miscalibration, abs=1e-6)


class TestManyRowsOfSeveralClasses:
    @pytest.fixture
    def few(self, monkeypatch):
        """Choices are made on 600 rows."""
        monkeypatch.setattr(select, "_ENOUGH_VALUES", 1800)
        monkeypatch.setattr(select, "_ENOUGH_ROWS", 600)

    @pytest.mark.parametrize("power", [1.0, 2.0])
    def test_the_chosen_map_is_the_optimum_of_all_rows(self, power, few):
        _, y, q, w = draw(4000, power=power)
        q = q * [1.0, 1.5, 2.0] / (q @ [1.0, 1.5, 2.0])[:, np.newaxis]
        sample = sample_of(q, np.eye(3)[y], w)
        selection = recalibrate(sample, "auto")
        chosen = selection.chosen
        assert len(selection.tried_on) == 600
        assert {len(one.losses) for one in selection.trials} == {600}
        assert len(chosen.losses) == 4000
        assert chosen.converged
        family = chosen.recalibrate.family
        cold = minimise(family, sample)
        assert chosen.recalibrate.parameters == pytest.approx(
            cold.parameters, rel=1e-6, abs=1e-6
        )

    def test_a_warm_start_of_the_confusion_map_costs_nothing(self):
        _, y, q, w = draw(3000)
        sample = sample_of(q, np.eye(3)[y], w)
        part = sample.pick(np.arange(0, 3000, 5))
        warm = fit_named("confusion", sample, start=fit_named("confusion", part))
        cold = fit_named("confusion", sample)
        found, expected = (
            _sweep(sample, one.recalibrate).objective for one in (warm, cold)
        )
        assert found == pytest.approx(expected, abs=1e-6 * sample.n)

    def test_rows_are_always_the_same(self, few):
        _, y, q, _ = draw(3000)
        one, two = (recalibrate(sample_of(q, np.eye(3)[y]), "auto") for _ in range(2))
        assert (one.tried_on == two.tried_on).all()
        assert len(set(one.tried_on.tolist())) == 600
        assert one.chosen.optimism == two.chosen.optimism

    def test_clusters_stay_whole(self, few):
        _, y, q, _ = draw(3000)
        clusters = np.random.default_rng(1).integers(150, size=3000)
        rows = recalibrate(sample_of(q, np.eye(3)[y], None, clusters), "auto").tried_on
        kept = set(clusters[rows])
        assert 500 <= len(rows) <= 640
        assert np.isin(clusters, list(kept)).sum() == len(rows)

    def test_the_result_says_on_how_many_rows_maps_were_tried(self, few):
        _, y, q, _ = draw(3000)
        d = decompose(y, q)
        tried = d.ladder[d.ladder["refinement"].notna()]
        assert (tried["n"] == 600).all()
        assert d.n == 3000
        c = d.recalibrator().predict_proba(q)
        cost = -np.log(c[np.arange(len(y)), y]).mean()
        assert cost + d._evidence.data.after.optimism == pytest.approx(d.refinement)


class TestManyClasses:
    @pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")
    @pytest.mark.parametrize("k", [100, 1000])
    def test_more_classes_than_rows_leave_one_map(self, k):
        rng = np.random.default_rng(0)
        n = 3 * k // 4
        p = rng.dirichlet(np.full(k, 0.2), n)
        y = labels_from(p, rng)
        q = tempered(np.maximum(p, 1e-6), 1.5)
        d = decompose(y, q, labels=range(k))
        assert d.recalibration == "temperature"
        assert d.miscalibration > 0
        total = d.uncertainty - d.resolution + d.miscalibration
        assert total == pytest.approx(d.cross_entropy, abs=1e-13)
        left_out = d.ladder["note"].to_dict()
        assert left_out.pop("temperature") == ""
        assert set(left_out) == set(select._SEVERAL_CLASSES) - {"temperature"}
        assert left_out["temperature-bias"] == f"{k} parameters for {n} rows"

    def test_a_class_of_few_rows_converges(self):
        _, y, q, _ = draw(2000)
        q = np.column_stack([0.999 * q, np.full(len(q), 0.001)])
        y[[5, 900]] = 3
        d = decompose(y, q)
        assert d.converged
        assert d.miscalibration > 0
        assert math.isfinite(d.standard_errors["miscalibration"])


EXPLAINED_BY = {
    "temperature": lambda p: p**2,
    "temperature-bias": lambda p: p**2 * np.arange(1.0, p.shape[1] + 1),
}


class TestRoundingNeverChooses:
    """Soft labels that one map explains exactly are explained by richer ones too."""

    @pytest.mark.parametrize("seed", thinned(range(4), [1]))
    @pytest.mark.parametrize("name", EXPLAINED_BY)
    def test_the_simplest_exact_map_is_chosen(self, name, seed):
        n, k = [(5000, 3), (500, 3), (20_000, 4), (2000, 5)][seed]
        p, *_ = draw(n, k, seed=seed)
        q = EXPLAINED_BY[name](p)
        q /= q.sum(axis=1, keepdims=True)
        rng = np.random.default_rng(seed)
        nudged = q * (1 + 1e-15 * rng.choice([-1, 0, 1], q.shape))
        for predictions in (q, nudged):
            found = decompose(p, predictions)
            assert found.recalibration == name
            assert found.grouping_loss == pytest.approx(0, abs=1e-8)

    def test_rounding_is_no_miscalibration(self):
        p, *_ = draw()
        for target in (p, p * (1 + 1e-15), p / (1 + 1e-15)):
            found = decompose(target, p)
            assert found.recalibration == "none"
            assert "no clear miscalibration" in repr(found)
            assert found.ladder["share"].isna().all()
