"""Two runs compared on their rows: what pairs them, and what is refused."""

import logging
import pickle

import mlflow
import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, SmallSampleWarning, compare
from xent_metrics_mlflow import compare_runs, log_evaluation

from . import old_layout
from .conftest import new_run

rng = np.random.default_rng(0)
N = 400
NAMES = ["ant", "bee", "cat"]
SHARP = rng.dirichlet(np.ones(3), N)
DULL = 0.5 * SHARP + 0.5 / 3
CODES = np.array([rng.choice(3, p=row) for row in SHARP])
LABELS = np.array(NAMES)[CODES]
WEIGHTS = rng.random(N)


@pytest.fixture(autouse=True)
def store(tracking):
    return tracking


def evaluated(y=LABELS, q=SHARP, **options):
    return Evaluation.from_predictions(
        y, q, **{"recalibration": "temperature", "labels": NAMES} | options
    )


def framed(q, index):
    return pd.DataFrame(q, columns=NAMES, index=index)


@pytest.fixture
def logged(store):
    """Log an evaluation to a new run; return its id."""

    def log(evaluation, name, **options):
        run_id = new_run(store, run_name=name)
        assert log_evaluation(evaluation, run_id=run_id, page=False, **options).logged
        return run_id

    return log


def test_it_is_compare(logged):
    options = {"base": 2, "clip": 1e-3, "sample_weight": WEIGHTS}
    first, second = (evaluated(q=q, **options) for q in (DULL, SHARP))
    found = compare_runs(logged(first, "dull"), logged(second, "sharp"), level=0.9)
    wanted = compare({"dull": first, "sharp": second}, base=2, clip=1e-3, level=0.9)
    assert found == wanted
    assert found.to_json() == wanted.to_json()
    assert found.baseline == "dull"


@pytest.mark.slow
def test_another_split_and_another_map(logged):
    runs = [
        logged(evaluated(q=q, recalibration="auto"), name, split="holdout")
        for name, q in (("a", DULL), ("b", SHARP))
    ]
    found = compare_runs(*runs, split="holdout", recalibration="dirichlet")
    assert found.decompositions["a"].recalibration == "dirichlet"
    told = rf"split must be one of run 'a' \({runs[0]}\), 'holdout': found 'test'; pass"
    with pytest.raises(ValueError, match=told):
        compare_runs(*runs)
    with pytest.raises(ValueError, match="found 'hold-out'; did you mean 'holdout'[?]"):
        compare_runs(*runs, split="hold-out")


@pytest.mark.slow
def test_rows_are_paired_by_their_ids(logged):
    ids = np.array([f"row {k}" for k in range(N)])
    order = rng.permutation(N)
    first = evaluated(q=framed(DULL, ids))
    second = evaluated(LABELS[order], framed(SHARP[order], ids[order]))
    found = compare_runs(logged(first, "a"), logged(second, "b"))
    wanted = compare({"a": evaluated(q=DULL), "b": evaluated()})
    assert found.to_json() == wanted.to_json()


@pytest.mark.slow
def test_the_order_of_classes_is_free(logged):
    turned = evaluated(q=SHARP[:, ::-1], labels=NAMES[::-1])
    found = compare_runs(logged(evaluated(), "a"), logged(turned, "b"))
    assert found.differences["b"]["cross_entropy"].difference == pytest.approx(0)


@pytest.mark.slow
def test_soft_targets(logged):
    votes = rng.multinomial(9, [0.2, 0.3, 0.5], N)
    first, second = (
        evaluated(pd.DataFrame(votes, columns=NAMES), q) for q in (DULL, SHARP)
    )
    found = compare_runs(logged(first, "a"), logged(second, "b"))
    assert found.to_json() == compare({"a": first, "b": second}).to_json()
    votes = votes.copy()
    votes[5] = votes[5][[1, 2, 0]]
    other = evaluated(pd.DataFrame(votes, columns=NAMES))
    with pytest.raises(ValueError, match=r"targets differ in 1 row \(5\)"):
        compare_runs(logged(first, "a"), logged(other, "b"))
    with pytest.raises(ValueError, match=r"targets differ in 400 rows \(0, 1, 2, 3, 4"):
        compare_runs(logged(first, "a"), logged(evaluated(), "b"))


@pytest.mark.slow
def test_folds(logged):
    folds = np.arange(N) % 2
    first, second = (evaluated(q=q, folds=folds) for q in (DULL, SHARP))
    found = compare_runs(logged(first, "a"), logged(second, "b"))
    assert found.to_json() == compare({"a": first, "b": second}).to_json()


@pytest.mark.slow
def test_few_rows_were_warned_of_before(logged):
    rows = slice(100)
    with pytest.warns(SmallSampleWarning, match="terms are unreliable below about 200"):
        runs = [
            logged(evaluated(LABELS[rows], q[rows]), name)
            for q, name in ((DULL, "a"), (SHARP, "b"))
        ]
    compare_runs(*runs)  # warnings are errors here


@pytest.mark.slow
def test_runs_of_schema_1(logged, store, tmp_path):
    first, second = evaluated(q=DULL), evaluated()
    before = new_run(store, run_name="before")
    old_layout.log(store, before, first, tmp_path)
    found = compare_runs(before, logged(second, "now"))
    assert found.to_json() == compare({"before": first, "now": second}).to_json()


@pytest.mark.slow
def test_runs_of_one_name(logged):
    runs = [logged(evaluated(q=q), "same") for q in (DULL, SHARP)]
    found = compare_runs(*runs)
    assert set(found.decompositions) == {f"same ({run[:8]})" for run in runs}


class TestWhatDiffers:
    def refused(self, logged, *others):
        runs = [logged(each, name) for each, name in zip(others, "ab", strict=True)]
        with pytest.raises(ValueError, match="runs must be evaluated on the same") as e:
            compare_runs(*runs)
        told = str(e.value)
        for name, run in zip("ab", runs, strict=True):
            assert f"'{name}' ({run})" in told
            told = told.replace(f" ({run})", "")
        assert "\n" not in told
        assert told.endswith("; evaluate both on one test set.")
        return told

    def test_the_number_of_rows(self, logged):
        told = self.refused(logged, evaluated(), evaluated(LABELS[:-3], SHARP[:-3]))
        assert "one has 400 rows, the other 397" in told
        assert "'b' lacks 3 rows (397, 398, 399)" in told

    @pytest.mark.slow
    def test_which_rows(self, logged):
        told = self.refused(
            logged,
            evaluated(q=framed(SHARP, range(N))),
            evaluated(q=framed(SHARP, range(1, N + 1))),
        )
        assert "'b' lacks 1 row (0) and 'a' lacks 1 row (400)" in told
        assert "the targets differ in" in told

    def test_targets(self, logged):
        labels = LABELS.copy()
        labels[[3, 7]] = [NAMES[(CODES[k] + 1) % 3] for k in (3, 7)]
        told = self.refused(logged, evaluated(), evaluated(labels))
        assert "of 'a' and 'b' the targets differ in 2 rows (3, 7); evaluate" in told

    @pytest.mark.slow
    def test_weights(self, logged):
        weights = WEIGHTS.copy()
        weights[2] /= 2
        told = self.refused(
            logged,
            evaluated(sample_weight=WEIGHTS),
            evaluated(sample_weight=weights),
        )
        assert "the weights differ in 1 row (2)" in told

    @pytest.mark.slow
    def test_ids_that_are_not_unique(self, logged):
        ids = np.arange(N) // 2
        told = self.refused(
            logged,
            evaluated(q=framed(SHARP, ids)),
            evaluated(q=framed(SHARP, ids[::-1])),
        )
        assert "row ids occur several times, and in another order" in told

    @pytest.mark.slow
    def test_what_does_not_matter(self, logged):
        labels, weights = LABELS.copy(), WEIGHTS.copy()
        weights[4] = 0
        labels[4] = NAMES[(CODES[4] + 1) % 3]
        runs = [
            logged(evaluated(y, sample_weight=w), name)
            for y, w, name in ((LABELS, weights, "a"), (labels, 7 * weights, "b"))
        ]
        found = compare_runs(*runs)
        change = found.differences["b"]["cross_entropy"].difference
        assert change == pytest.approx(0, abs=1e-12)


class TestWhatIsRefused:
    def test_one_run(self, logged):
        run = logged(evaluated(), "a")
        with pytest.raises(ValueError, match="must be different runs: found .* twice"):
            compare_runs(run, run)

    def test_a_run_itself(self, logged):
        run = logged(evaluated(), "a")
        with pytest.raises(TypeError, match="run_b must be an id as text: found Run;"):
            compare_runs(run, mlflow.get_run(run))

    @pytest.mark.slow
    def test_a_run_without_rows(self, logged):
        runs = [logged(evaluated(), "a"), logged(evaluated(), "b", per_sample=False)]
        with pytest.raises(
            ValueError, match="log it with per_sample=True, where pyarr"
        ):
            compare_runs(*runs)

    def test_an_id_of_no_run(self, logged):
        run = logged(evaluated(), "a")
        told = "a run must be given by its id: the store has none with 'a'; pass run.in"
        with pytest.raises(ValueError, match=told):
            compare_runs(run, "a")
        with pytest.raises(ValueError, match=told):
            compare_runs("a", "b")
        with pytest.raises(ValueError, match=r"none with '\.\./a'; pass"):
            compare_runs("../a", "b c")

    def test_an_address_that_is_none(self, tracking):
        tracking.set_tracking_uri("foo://bar")
        told = "MLflow must be able to answer: .* unsupported URI 'foo://bar'"
        with pytest.raises(ValueError, match=told):
            compare_runs("a", "b")

    def test_rows_without_probabilities(self, logged):
        read = Evaluation.from_json(evaluated().to_json(per_sample=True))
        runs = [logged(evaluated(), "a"), logged(read, "b")]
        with pytest.raises(
            ValueError, match="is of an evaluation that was read back; "
        ):
            compare_runs(*runs)

    def test_a_split_that_is_no_name(self):
        with pytest.raises(ValueError, match="split must be letters, digits"):
            compare_runs("a", "b", split="../x")

    @pytest.mark.slow
    def test_without_pyarrow(self, logged, monkeypatch):
        runs = [logged(evaluated(), name) for name in "ab"]
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
        with pytest.raises(
            ImportError, match="the rows of runs need pyarrow: it is no"
        ):
            compare_runs(*runs)


@pytest.mark.slow
def test_a_map_of_the_users_own_can_be_compared(logged):
    """Its rows were logged; only the map cannot be: another takes its place."""
    from sklearn.base import BaseEstimator  # noqa: PLC0415 - of this test alone

    class Same(BaseEstimator):
        def fit(self, log_q, p, sample_weight=None):
            return self

        def predict(self, log_q):
            return np.exp(log_q)

    runs = [
        logged(evaluated(q=q, recalibration=Same()), name)
        for name, q in (("a", DULL), ("b", SHARP))
    ]
    found = compare_runs(*runs)
    wanted = compare(
        {
            name: evaluated(q=q, recalibration="auto")
            for name, q in (("a", DULL), ("b", SHARP))
        }
    )
    assert found.recalibration == wanted.recalibration != "Same"


def test_nothing_is_unpickled_and_nothing_is_said(logged, monkeypatch, capfd):
    runs = [logged(evaluated(q=q), name) for name, q in (("a", DULL), ("b", SHARP))]
    # Calls that tests before have given up may still try to reach their servers.
    pool = logging.getLogger("urllib3.connectionpool")
    monkeypatch.setattr(pool, "disabled", True)
    capfd.readouterr()
    with monkeypatch.context() as patched:
        for name in ("load", "loads", "Unpickler"):
            patched.setattr(pickle, name, lambda *_, **__: pytest.fail("unpickled"))
        compare_runs(*runs)
    assert capfd.readouterr() == ("", "")
