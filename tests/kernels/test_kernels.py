"""Every way in gives the same values: libraries, types, layouts, threads, logits."""

import math
import threading

import mpmath
import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    cross_entropy,
    decompose,
    decompose_ensemble,
    entropy,
    kl_divergence,
    per_sample,
)
from xent_metrics._kernels.per_row import threads
from xent_metrics._kernels.table import greatest, least

from ..draws import polars_frame
from ..thinned import thinned

RNG = np.random.default_rng(0)
N = 3000


def tables(n_classes, alpha=0.5, n=N):
    rng = np.random.default_rng(n_classes)
    p, q = rng.dirichlet(np.full(n_classes, alpha), (2, n))
    return p, q, rng.integers(n_classes, size=n)


def arrow_table(q):
    return pytest.importorskip("pyarrow").table(
        {str(c): column for c, column in enumerate(q.T)}
    )


def arrow_frame(q):
    pytest.importorskip("pyarrow")
    return pd.DataFrame(q, columns=[*map(str, range(q.shape[1]))]).astype(
        "double[pyarrow]"
    )


def memory_map(q, path):
    mapped = np.memmap(path, dtype=q.dtype, mode="w+", shape=q.shape)
    mapped[:] = q
    mapped.flush()
    return np.memmap(path, dtype=q.dtype, mode="r", shape=q.shape)


@pytest.mark.parametrize("n_classes", thinned([2, 3, 9, 64, 65, 130], [2, 9, 65]))
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("lib", [polars_frame, arrow_table, arrow_frame, "memmap"])
def test_frames_of_every_library_give_the_same_rows(lib, n_classes, soft, tmp_path):
    p, q, y = tables(n_classes)
    target = p if soft else y.astype(str)
    labels = [*map(str, range(n_classes))]
    other = memory_map(q, tmp_path / "q") if lib == "memmap" else lib(q)
    expected = per_sample(target, q, labels=labels)
    pd.testing.assert_frame_equal(per_sample(target, other, labels=labels), expected)


@pytest.mark.parametrize("name", ["polars", "pyarrow"])
def test_targets_of_every_library_give_the_same_number(name):
    library = pytest.importorskip(name)
    p, q, y = tables(3)
    names = ["a", "b", "c"]
    words = np.array(names)[y]
    make = library.Series if name == "polars" else library.array
    frame = library.DataFrame if name == "polars" else library.table
    assert cross_entropy(make(words.tolist()), q) == cross_entropy(words, q)
    assert cross_entropy(make(y.tolist()), q) == cross_entropy(y, q)
    shuffled = frame({n: p[:, k] for k, n in [(2, "c"), (0, "a"), (1, "b")]})
    assert cross_entropy(shuffled, q, labels=names) == cross_entropy(p, q)
    w = RNG.exponential(size=N)
    weighted = cross_entropy(y, q, sample_weight=make(w.tolist()))
    assert weighted == cross_entropy(y, q, sample_weight=w)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("n_classes", [3, 10, 100])
def test_short_floats_are_summed_as_doubles(dtype, n_classes):
    p, q, y = tables(n_classes, alpha=2)
    short = q.astype(dtype)
    exact = short.astype(np.float64)
    for target in (y, p):
        ours = per_sample(target, short, labels=range(n_classes))
        theirs = per_sample(target, exact, labels=range(n_classes), rescale=True)
        tolerance = 4 * n_classes * np.finfo(dtype).eps
        np.testing.assert_allclose(ours, theirs, atol=tolerance)
    each = cross_entropy(y, short, labels=range(n_classes), reduction=None)
    expected = -np.log(exact[np.arange(N), y])
    np.testing.assert_array_max_ulp(each, np.maximum(expected, 0), maxulp=4)


@pytest.mark.parametrize("n_classes", thinned([2, 10, 200], [2, 10]))
def test_threads_give_the_same_bits(n_classes, monkeypatch):
    monkeypatch.setattr("xent_metrics._kernels.per_row._ELEMENTS_PER_THREAD", 1)
    p, q, y = tables(n_classes, n=40_000)
    for target in (y, p):
        one = per_sample(target, q, labels=range(n_classes))
        two = per_sample(target, q, labels=range(n_classes), n_jobs=2)
        pd.testing.assert_frame_equal(one, two, check_exact=True)
        assert cross_entropy(target, q, labels=range(n_classes)) == cross_entropy(
            target, q, labels=range(n_classes), n_jobs=-1
        )


@pytest.mark.parametrize("n_classes", [10, 65, 100])
def test_refined_rows_do_not_depend_on_those_beside_them(n_classes, monkeypatch):
    monkeypatch.setattr("xent_metrics._kernels.per_row._ELEMENTS_PER_THREAD", 1)
    p, q, _ = tables(n_classes, alpha=1, n=20_000)
    near = np.flatnonzero(RNG.random(len(p)) < 5e-4)
    q[near] = 0.99 * p[near] + 0.01 * q[near]
    each = kl_divergence(p, q, reduction=None)
    two = kl_divergence(p, q, reduction=None, n_jobs=2)
    np.testing.assert_array_equal(two, each)
    alone = [kl_divergence(p[[row]], q[[row]]) for row in near]
    np.testing.assert_array_equal(alone, each[near])


def test_threads_name_the_first_bad_row(monkeypatch):
    monkeypatch.setattr("xent_metrics._kernels.per_row._ELEMENTS_PER_THREAD", 1)
    _, q, y = tables(3, n=60_000)
    q[50_000:, 0] += 1
    q[7, 0] += 1
    with pytest.raises(ValueError, match="row 7, class 0|row 7 sums"):
        cross_entropy(y, q, n_jobs=2)


def test_the_number_of_threads_grows_with_the_rows(monkeypatch):
    monkeypatch.setattr("xent_metrics._kernels.per_row._processors", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads(4, 10**9) == 4
    assert threads(-1, 10**9) == 8
    assert threads(4, 1_100_000) == 2
    assert threads(4, 10) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads(-1, 10**9) == 3
    found = []
    worker = threading.Thread(target=lambda: found.append(threads(4, 10**9)))
    worker.start()
    worker.join()
    assert found == [1]


def test_a_number_of_threads_is_a_whole_number_or_none(monkeypatch):
    monkeypatch.setattr("xent_metrics._kernels.per_row._processors", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads(None, 10**9) == 1
    assert threads(np.int64(4), 10**9) == 4
    assert threads(np.uint8(4), 10**9) == 4
    assert cross_entropy([0, 1], [0.5, 0.5], n_jobs=None) == pytest.approx(math.log(2))
    for n_jobs in (0, True, 1.0, "1"):
        with pytest.raises(
            ValueError,
            match=f"n_jobs must be a whole number and not 0: found {n_jobs!r}; pass 1",
        ):
            cross_entropy([0, 1], [0.5, 0.5], n_jobs=n_jobs)


class TestLogits:
    @pytest.mark.parametrize("n_classes", [2, 10, 100])
    def test_logits_give_the_measures_of_probabilities(self, n_classes):
        p, q, y = tables(n_classes, alpha=2)
        z = np.log(q) + RNG.normal(size=(N, 1)) * 100
        for target in (y, p):
            ours = per_sample(target, z, labels=range(n_classes), from_logits=True)
            theirs = per_sample(target, q, labels=range(n_classes))
            np.testing.assert_allclose(ours, theirs, atol=1e-12)
        np.testing.assert_allclose(
            entropy(z, from_logits=True, reduction=None),
            entropy(q, reduction=None),
            atol=1e-12,
        )

    def test_logits_are_finer_than_probabilities(self):
        assert cross_entropy([1], [[0.0, -100.0]], labels=[0, 1], from_logits=True) == (
            pytest.approx(100)
        )
        assert cross_entropy([[0.5, 0.5]], [[0.0, -800.0]], from_logits=True) == 400
        excluded = [[0.0, -math.inf]]
        assert cross_entropy([0], excluded, labels=[0, 1], from_logits=True) == 0
        assert cross_entropy([1], excluded, labels=[0, 1], from_logits=True) == math.inf
        p = [[0.5, 0.5]]
        assert cross_entropy(p, excluded, from_logits=True) == math.inf
        assert kl_divergence([[1.0, 0.0]], excluded, from_logits=True) == 0

    @pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
    def test_an_unseen_label_costs_the_clip(self):
        cost = cross_entropy(
            [5, 1], [[0.0, 1.0]] * 2, labels=[0, 1], from_logits=True, reduction=None
        )
        assert cost[0] == pytest.approx(-math.log(2**-52))

    def test_one_logit_is_enough_for_two_classes(self):
        z = RNG.normal(size=50)
        y = RNG.integers(2, size=50)
        expected = cross_entropy(y, 1 / (1 + np.exp(-z)))
        assert cross_entropy(y, z, from_logits=True) == pytest.approx(expected)

    def test_logits_give_the_terms_of_probabilities(self):
        _, q, y = tables(3)
        ours = decompose(y, np.log(q), from_logits=True)
        theirs = decompose(y, q)
        assert list(ours.terms.values()) == pytest.approx(
            list(theirs.terms.values()), rel=1e-9, nan_ok=True
        )

    @pytest.mark.parametrize(
        ("logits", "message"),
        [
            ([[0, math.nan]], "not be missing: row 0, class 1 is NaN"),
            ([[0, math.inf]], r"none of \+inf: row 0, class 1 is inf"),
            ([[-math.inf, -math.inf]], "finite logit in each row.*row 0 has only -inf"),
        ],
    )
    def test_bad_logits_are_refused(self, logits, message):
        with pytest.raises(ValueError, match=message):
            cross_entropy([0], logits, labels=[0, 1], from_logits=True)

    def test_logits_are_not_rescaled(self):
        with pytest.raises(ValueError, match="rescale and from_logits exclude"):
            cross_entropy([0], [[1, 2]], labels=[0, 1], rescale=True, from_logits=True)


@pytest.mark.parametrize("n_classes", [2, 5, 10])
def test_rows_are_within_four_ulp_of_the_largest_term_or_their_sum(n_classes):
    p, q, y = tables(n_classes, n=300)
    values = {
        "cross_entropy": cross_entropy(p, q, reduction=None, clip=0),
        "entropy": entropy(q, reduction=None),
        "kl_divergence": kl_divergence(p, q, reduction=None, clip=0),
        "hard": cross_entropy(y, q, labels=range(n_classes), reduction=None),
    }
    with mpmath.workdps(40):
        for row in range(len(p)):
            a, b = ([mpmath.mpf(x) for x in table[row]] for table in (p, q))
            terms = {
                "cross_entropy": [
                    -x * mpmath.log(z) for x, z in zip(a, b, strict=True)
                ],
                "entropy": [-z * mpmath.log(z) for z in b],
                "kl_divergence": [
                    x * mpmath.log(x / z) for x, z in zip(a, b, strict=True)
                ],
                "hard": [-mpmath.log(b[y[row]])],
            }
            for name, exact in terms.items():
                total = mpmath.fsum(exact)
                largest = float(max(abs(term) for term in [*exact, total]))
                error = abs(values[name][row] - float(total))
                assert error <= 4 * np.spacing(largest), (name, row)


@pytest.mark.slow
def test_means_of_a_million_rows_are_exact():
    _, q, y = tables(3, n=1_000_000)
    w = RNG.exponential(size=len(y))
    each = cross_entropy(y, q, reduction=None)
    assert cross_entropy(y, q) == pytest.approx(math.fsum(each) / len(y), rel=1e-15)
    exact = math.fsum(w * each) / math.fsum(w)
    assert cross_entropy(y, q, sample_weight=w) == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize("n_classes", thinned([2, 3, 10, 100], [2, 10]))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sure", [0.0, 0.999, 1 - 1e-9])
def test_means_are_those_of_the_rows(n_classes, dtype, sure, monkeypatch):
    monkeypatch.setattr("xent_metrics._kernels.per_row._ELEMENTS_PER_THREAD", 1)
    _, q, y = tables(n_classes, n=20_000)
    certain = np.eye(n_classes)[y]
    q = ((1 - sure) * q + sure * certain).astype(dtype)
    labels = range(n_classes)
    each = cross_entropy(y, q, labels=labels, reduction=None)
    mean = cross_entropy(y, q, labels=labels)
    assert mean == pytest.approx(math.fsum(each) / len(y), rel=1e-15)
    assert mean == cross_entropy(y, q, labels=labels, n_jobs=2)
    in_bits = cross_entropy(y, np.asfortranarray(q), labels=labels, base=2)
    assert in_bits == pytest.approx(mean / math.log(2), rel=1e-15)


@pytest.mark.parametrize("n_classes", [2, 10, 100])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("zeros", [False, True])
def test_costs_are_the_same_in_every_pass(n_classes, order, zeros):
    _, q, y = tables(n_classes, alpha=5)
    if zeros:
        q[5] = np.eye(n_classes)[y[5] - 1]
    q = np.asarray(q, order=order)
    labels = range(n_classes)
    report = per_sample(y, q, labels=labels)
    expected = cross_entropy(y, q, labels=labels, reduction=None)
    np.testing.assert_array_equal(report["cross_entropy"], expected)
    np.testing.assert_array_equal(report["kl_divergence"], expected)


@pytest.mark.parametrize("clip", [0, 1e-200, 2**-52, 0.2])
def test_sums_are_exact_where_labels_are_almost_or_quite_impossible(clip):
    _, q, y = tables(3)
    q[::7] = np.eye(3)[y[::7]]
    q[5], q[1000] = np.eye(3)[y[5] - 1], 1e-100
    q[1000, y[1000] - 1] = 1
    each = cross_entropy(y, q, clip=clip, reduction=None)
    assert cross_entropy(y, q, clip=clip, reduction="sum") == pytest.approx(
        math.fsum(each), rel=1e-15
    )


@pytest.mark.filterwarnings("ignore::xent_metrics.UnseenLabelWarning")
def test_sums_are_exact_where_labels_are_unseen():
    _, q, y = tables(3)
    y[50:60] = 3
    each = cross_entropy(y, q, labels=range(3), reduction=None)
    mean = cross_entropy(y, q, labels=range(3))
    assert mean == pytest.approx(math.fsum(each) / N, rel=1e-15)


@pytest.mark.parametrize("n_classes", [2, 10, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [(700, 800), (800, 700)])
def test_of_two_rules_broken_the_first_row_is_named(n_classes, dtype, rows):
    _, q, y = tables(n_classes, alpha=2)
    q = q.astype(dtype)
    q[rows[0]] *= 0.5
    q[rows[1], 0] -= 1
    for reduction in ("mean", None):
        with pytest.raises(ValueError, match=f"row {min(rows)}"):
            cross_entropy(y, q, labels=range(n_classes), reduction=reduction)


def test_ties_predict_the_first_class():
    q = [[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.2, 0.4, 0.4]]
    assert per_sample([0, 1, 2], q)["correct"].tolist() == [1, 0, 0]


@pytest.mark.parametrize("writeable", [True, False])
def test_extremes_of_values_that_may_be_read_only(writeable):
    for values in (np.array([3, -1, 7]), np.array([True, False]), np.array([2.0, 0.5])):
        values.flags.writeable = writeable
        assert (least(values), greatest(values)) == (min(values), max(values))
    values = np.array([1.0, math.nan, 2.0])
    values.flags.writeable = writeable
    assert math.isnan(least(values))
    assert math.isnan(greatest(values))


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("rows", [(10, 200), (10, 150_000), (100_000, 150_000)])
@pytest.mark.parametrize("target_is_first", [False, True])
def test_of_two_broken_tables_the_first_row_is_told(rows, target_is_first, n_jobs):
    q = np.full((200_000, 5), 0.2)
    p = q.copy()
    first, second = (p, q) if target_is_first else (q, p)
    first[rows[0], 1], second[rows[1], 3] = np.nan, np.nan
    name = "y_true" if target_is_first else "y_proba"
    with pytest.raises(ValueError, match=f"{name} must not be missing: row {rows[0]},"):
        kl_divergence(p, q, n_jobs=n_jobs)


def test_labels_and_weights_may_lie_at_any_place():
    rng = np.random.default_rng(0)
    y, w = rng.integers(3, size=500), rng.exponential(size=500)
    q, p = rng.dirichlet(np.ones(3), (2, 500))

    def unaligned(values):
        memory = np.zeros(values.nbytes + 3, np.uint8)
        found = np.ndarray(values.shape, values.dtype, memory.data, 3)
        found[...] = values
        return found

    ours, theirs = (
        decompose_ensemble(labels, [p, q], sample_weight=weights).to_json()
        + decompose(labels, q, sample_weight=weights, recalibration="none").to_json()
        for labels, weights in ((unaligned(y), unaligned(w)), (y, w))
    )
    assert ours == theirs
