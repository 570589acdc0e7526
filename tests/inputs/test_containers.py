"""What holds labels, probabilities and weights: the number is that of plain lists."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from xent_metrics import (
    Evaluation,
    UnseenLabelWarning,
    accumulate,
    cross_entropy,
    entropy,
    finish,
    kl_divergence,
    per_sample,
    scan,
    vote_counts,
)
from xent_metrics.scorers import neg_cross_entropy

pytestmark = pytest.mark.filterwarnings("ignore::xent_metrics.SmallSampleWarning")

Y = ["a", "b", "c"]
P = [[0.75, 0.125, 0.125], [0.25, 0.5, 0.25], [0.125, 0.125, 0.75]]
RIGHT = -(2 * math.log(0.75) + math.log(0.5)) / 3
NAN = float("nan")


def close(value):
    return pytest.approx(value, rel=1e-12)


# -- labels -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "longdouble", ">f8", ">f2", ">i4", ">U1", "u8", "m8[h]"]
)
def test_labels_may_be_of_any_type_of_numpy(dtype):
    y = np.array([0, 1, 1]).astype(dtype)
    right = -(math.log(0.75) + math.log(0.5) + math.log(0.125)) / 3
    assert cross_entropy(y, [0.25, 0.5, 0.125]) == close(right)
    assert cross_entropy(y, [0.25, 0.5, 0.125], labels=y[:2]) == close(right)


@pytest.mark.parametrize(
    "make", [list, lambda y: np.array(y, dtype=np.uint64), pd.Series, pd.Index]
)
def test_whole_numbers_beyond_63_bits_are_not_rounded(make):
    y = [2**63 + 1, 0, 2**63 + 2]
    p = [P[1], P[0], P[2]]
    right = cross_entropy([1, 0, 2], p)
    assert cross_entropy(make(y), p) == right
    assert cross_entropy(make(y), p, labels=make(sorted(y))) == right
    huge = [2**70, 2**70 + 1, 2**70 + 2]
    assert cross_entropy(huge, P) == close(RIGHT)


@pytest.mark.parametrize("kind", [np.float16, np.longdouble, np.int8, np.str_])
def test_labels_that_are_given_may_be_values_of_numpy(kind):
    labels = [kind(0), kind(1), kind(2)]
    y = np.array(labels)
    assert cross_entropy(y, P, labels=labels) == close(RIGHT)
    assert cross_entropy(y.tolist(), P, labels=np.array(labels)) == close(RIGHT)


def test_labels_may_be_a_buffer():
    y = np.array([0, 1, 2])
    assert cross_entropy(memoryview(y), P, labels=memoryview(y)) == close(RIGHT)
    text = memoryview(np.array(Y))
    assert cross_entropy(text, P, labels=text) == close(RIGHT)


DAYS = [dt.date(2026, 3, day) for day in (1, 2, 3)]
TIMES = [dt.datetime(2026, 3, day, 12, tzinfo=dt.UTC) for day in (1, 2, 3)]
SPANS = [dt.timedelta(hours=n) for n in range(3)]


@pytest.mark.parametrize("labels", [DAYS, TIMES, SPANS], ids=["days", "times", "spans"])
def test_dates_times_and_spans_are_labels(labels):
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    holders = {
        "list": labels,
        "series": pd.Series(labels),
        "objects": pd.Series(labels, dtype=object),
        "polars": pl.Series(labels),
        "arrow": pa.array(labels),
        "arrow in pandas": pd.Series(pa.array(labels)).astype(
            pd.ArrowDtype(pa.array(labels).type)
        ),
    }
    falling = np.array(P)[:, ::-1]
    for name, y in holders.items():
        assert cross_entropy(y, P) == close(RIGHT), name
        for other, given in holders.items():
            found = cross_entropy(y, falling, labels=given[::-1])
            assert found == close(RIGHT), (name, other)


def test_days_of_numpy_are_dates_and_the_midnights_of_pandas():
    days = np.array(DAYS, dtype="M8[D]")
    for y in (days, DAYS, pd.Series(days), pd.Series(DAYS, dtype=object)):
        for labels in (days, DAYS, pd.Series(days), pd.Index(DAYS, dtype=object)):
            assert cross_entropy(y, P, labels=labels) == close(RIGHT)
    noon = [dt.datetime.combine(day, dt.time(12)) for day in DAYS]
    with pytest.raises(ValueError, match="y_true must hold labels that are classes"):
        cross_entropy(noon, P, labels=DAYS)


def test_days_of_several_annotators_may_be_of_several_types():
    frame = pd.DataFrame({"a": pd.Series(DAYS).astype("M8[s]"), "b": DAYS})
    counts = vote_counts(frame, labels=DAYS)
    assert counts.to_numpy().tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]


def test_annotators_may_be_columns_of_arrow_in_pandas():
    """Numpy has no times with a zone: such columns lose it on their way there."""
    pa = pytest.importorskip("pyarrow")
    coded = pa.array(TIMES, pa.timestamp("us", "UTC")).dictionary_encode()
    held = pd.arrays.ArrowExtensionArray(pa.chunked_array([coded]))
    frame = pd.DataFrame({"a": TIMES, "b": held}, index=["x", "y", "z"])
    counts = vote_counts(frame, labels=TIMES)
    assert counts.to_numpy().tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert counts.index.tolist() == ["x", "y", "z"]


def test_labels_that_are_masked_are_missing():
    y = np.ma.array([0, 1, 2], mask=[False, True, False])
    with pytest.raises(ValueError, match="y_true must not be missing: row 1 has no"):
        cross_entropy(y, P, labels=range(3))
    found = cross_entropy(y, P, labels=range(3), sample_weight=[1, 0, 1])
    assert found == close(-math.log(0.75))
    with pytest.raises(ValueError, match="sample_weight must be finite .* row 1 is"):
        cross_entropy(Y, P, sample_weight=np.ma.array([1, 1, 1], mask=[0, 1, 0]))


def test_nulls_of_indices_and_of_dictionaries_are_missing():
    pa = pytest.importorskip("pyarrow")
    known = pa.array(["c", None, "a", "b"])
    whole = pa.DictionaryArray.from_arrays(pa.array([2, 3, 0]), known)
    assert cross_entropy(whole, P) == close(RIGHT)
    for places in ([2, None, 0], [2, 1, 0]):
        y = pa.DictionaryArray.from_arrays(pa.array(places), known)
        for holder in (y, pa.chunked_array([y[:1], y[1:]])):
            with pytest.raises(ValueError, match="y_true must not be missing: row 1"):
                cross_entropy(holder, P, labels=Y)


def test_the_labels_of_a_scorer_may_be_a_frame_of_polars():
    pl = pytest.importorskip("polars")

    class Model:
        classes_ = TIMES

        def predict_proba(self, X):
            return X

    y = pl.DataFrame({"y": TIMES})
    assert neg_cross_entropy(Model(), np.array(P), y) == close(-RIGHT)


# -- probabilities -----------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", "longdouble", ">f2", ">f4", ">f8", object]
)
def test_probabilities_may_be_of_any_type_of_numpy(dtype):
    p = np.array(P).astype(dtype)
    precision = 1e-6 if p.dtype.itemsize < 8 else 1e-12
    for layout in (p, np.asfortranarray(p), p[::-1][::-1], np.repeat(p, 2, 1)[:, ::2]):
        assert cross_entropy(Y, layout) == pytest.approx(RIGHT, rel=precision)
        rows = pd.Series(list(layout))
        assert cross_entropy(Y, rows) == pytest.approx(RIGHT, rel=precision)


def test_bfloat16_is_read_exactly():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    p = np.array(P).astype(ml_dtypes.bfloat16)
    assert cross_entropy(Y, p) == pytest.approx(RIGHT, rel=1e-6)


def test_rows_that_are_masked_are_missing():
    """A row in a list is read as it is elsewhere, what is masked is no number."""
    rows = [np.ma.array(row) for row in P]
    assert cross_entropy(Y, rows) == close(RIGHT)
    assert cross_entropy(Y, [np.array(P[0]), *rows[1:]]) == close(RIGHT)
    rows[2] = np.ma.array(P[2], mask=[False, False, True])
    for held in (rows, [np.array(P[0]), *rows[1:]], pd.Series(rows)):
        with pytest.raises(ValueError, match="must not be missing: row 2, class 'c'"):
            cross_entropy(Y, held, labels=Y)
        found = cross_entropy(Y, held, labels=Y, sample_weight=[1, 1, 0])
        assert found == close(-(math.log(0.75) + math.log(0.5)) / 2)


def test_rows_may_be_columns_of_other_libraries():
    for row in (pd.Series, pd.array):
        assert cross_entropy(Y, [row(one) for one in P]) == close(RIGHT)
        votes = [row([4, 0]), row([1, 3])]
        found = entropy_of_votes(votes)
        assert found == close(entropy_of_votes([[4, 0], [1, 3]]))
    pl = pytest.importorskip("polars")
    assert cross_entropy(Y, [pl.Series(one) for one in P]) == close(RIGHT)


def entropy_of_votes(votes):
    return cross_entropy(votes, [[0.5, 0.5], [0.25, 0.75]], target_type="votes")


@pytest.mark.parametrize("row", [None, NAN, pd.NA])
def test_a_row_that_is_not_there_is_missing(row):
    rows = [P[0], row, P[2]]
    for held in (rows, pd.Series(rows), rows[1::-1]):
        with pytest.raises(ValueError, match="y_proba must not be missing: row"):
            cross_entropy(Y[: len(held)], held, labels=Y)
    found = cross_entropy(Y, rows, labels=Y, sample_weight=[1, 0, 1])
    assert found == close(-math.log(0.75))


def test_tables_may_be_structured_sparse_or_buffers():
    sparse = pytest.importorskip("scipy.sparse")
    order = [("c", 2), ("a", 0), ("b", 1)]
    table = np.zeros(3, dtype=[(name, "f8") for name, _ in order])
    for name, place in order:
        table[name] = np.array(P)[:, place]
    for p in (table, table.view(np.recarray), memoryview(np.array(P))):
        assert cross_entropy(Y, p) == close(RIGHT)
    for kind in ("csr_array", "csc_array", "coo_matrix"):
        assert cross_entropy(Y, getattr(sparse, kind)(np.array(P))) == close(RIGHT)


# -- names -------------------------------------------------------------------------


def test_whole_numbers_in_falling_order_name_columns():
    """Pandas holds such names as a range, as it holds those that nobody gave."""
    right = cross_entropy([1, 2, 2], [[0.25, 0.75], [0.5, 0.5], [0.125, 0.875]])
    falling = pd.DataFrame({2: [0.75, 0.5, 0.875], 1: [0.25, 0.5, 0.125]})
    falling.columns = pd.RangeIndex(2, 0, -1)
    for frame in (falling, falling[[1, 2]], falling[[2, 1]].copy()):
        assert cross_entropy([1, 2, 2], frame) == right
        assert Evaluation.from_predictions(
            [1, 2, 2], frame, recalibration="none"
        ).labels == tuple(frame.columns)
    with pytest.raises(ValueError, match="labels must be in the order of the columns"):
        cross_entropy([1, 2, 2], falling, labels=[1, 2])
    counts = pd.DataFrame({1: [4, 1, 0], 2: [0, 3, 2]})
    found = cross_entropy(counts, falling, target_type="votes")
    assert found == cross_entropy(
        counts[[2, 1]].to_numpy(), falling.to_numpy(), target_type="votes"
    )


def test_rows_that_are_reversed_are_in_another_order():
    y = pd.Series(Y)[::-1]
    p = pd.DataFrame(P).iloc[[0, 2, 1]]
    with pytest.raises(ValueError, match="same keys in different order"):
        cross_entropy(y, p)


def test_fields_of_mappings_name_columns():
    rows = [{0: 0.25, 1: 0.75}, {1: 0.5, 0: 0.5}]
    right = -(math.log(0.25) + math.log(0.5)) / 2
    for held in (rows, pd.Series(rows)):
        assert cross_entropy([0, 1], held) == close(right)
        with pytest.raises(ValueError, match="labels must be in the order of the col"):
            cross_entropy([0, 1], held, labels=[1, 0])
    with pytest.raises(ValueError, match="y_proba must have the same fields in every"):
        cross_entropy([0, 1], [{0: 0.25, 1: 0.75}, {0: 0.5, 2: 0.5}])


def test_fields_as_text_are_the_classes_they_spell(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    p = [{"2": third, "0": first, "1": second} for first, second, third in P]
    fields = pa.struct([(name, pa.float64()) for name in "201"])
    table = pa.table({"y": [0, 1, 2], "p": pa.array(p, fields)})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=1)
    options = {"target": "y", "proba": "p"}
    plain = {"recalibration": "none"}
    found = Evaluation.from_frame(table, **options, **plain)
    assert found.labels == (2, 0, 1)
    assert found.decomposition.cross_entropy == close(RIGHT)
    for evaluation in (
        finish(accumulate(table, **options), **plain),
        scan(tmp_path, **options, **plain),
        Evaluation.from_frame(table.to_pandas(), **options, **plain),
    ):
        assert evaluation.labels == (2, 0, 1)
        assert evaluation.decomposition.cross_entropy == close(RIGHT)
    empty = table.set_column(0, "y", pa.array([None] * 3, pa.int64()))
    assert accumulate(empty, on_missing="drop", **options).labels == (2, 0, 1)


# -- one column of two classes -------------------------------------------------------


def test_the_name_of_one_column_tells_its_class():
    y, p = ["a", "b", "b"], [0.25, 0.5, 0.875]
    of_b = -(math.log(0.75) + math.log(0.5) + math.log(0.875)) / 3
    of_a = -(math.log(0.25) + math.log(0.5) + math.log(0.125)) / 3
    assert cross_entropy(y, p) == close(of_b)
    for name, right in (("b", of_b), ("p_b", of_b), ("score", of_b), ("a", of_a)):
        assert cross_entropy(y, pd.Series(p, name=name)) == close(right)
    assert cross_entropy(y, pd.Series(p, name="b"), labels=["b", "a"]) == close(of_b)
    for name in ("p_a", "P(A)", "proba a"):
        with pytest.raises(ValueError, match="must say which class one column is"):
            cross_entropy(y, pd.Series(p, name=name))
    frame = pd.DataFrame({"y": y, "p_a": p})
    assert frame.xent.per_sample("y", {"a": "p_a"})["cross_entropy"].mean() == close(
        of_a
    )
    with pytest.raises(ValueError, match=r"pass proba=\{'a': 'p_a'\} or \{'b': 'p_a'"):
        frame.xent.per_sample("y", "p_a")


def test_a_class_without_a_word_is_not_looked_for_in_names():
    y, p = pd.Series(["", "1", "1"]), pd.Series([0.25, 0.5, 0.875], name="score")
    right = -(math.log(0.75) + math.log(0.5) + math.log(0.875)) / 3
    assert cross_entropy(y, p) == close(right)
    assert cross_entropy(["?", "+", "+"], p, labels=["?", "+"]) == close(right)


@pytest.mark.parametrize("dtype", ["category", "Int64", object, "int64[pyarrow]"])
def test_a_part_may_hold_whole_numbers_of_any_type(dtype):
    if "pyarrow" in str(dtype):
        pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"y": [0, 1, None, 0], "p": [0.25, 0.5, 0.5, 0.125]})
    frame["y"] = frame["y"].astype("Int64").astype(dtype)
    state = accumulate(frame, target="y", proba="p", on_missing="drop")
    assert state.labels == (0, 1)
    found = finish(state, recalibration="none").decomposition
    right = -(math.log(0.75) + math.log(0.5) + math.log(0.875)) / 3
    assert found.cross_entropy == close(right)
    assert (found.n, found.n_dropped) == (3, 1)


# -- tuples, and what is left of a part ----------------------------------------------


def test_votes_of_a_part_may_be_tuples_and_lists():
    frame = pd.DataFrame({"v": [(3, 1), [0, 2]], "p": [[0.75, 0.25], [0.5, 0.5]]})
    options = {
        "target": "v",
        "proba": "p",
        "target_type": "votes",
        "labels": ["a", "b"],
    }
    right = (0.75 * -math.log(0.75) + 0.25 * -math.log(0.25) - math.log(0.5)) / 2
    state = accumulate(frame, **options)
    found = finish(state, recalibration="none").decomposition.cross_entropy
    assert found == close(right)
    direct = Evaluation.from_frame(frame, **options, recalibration="none")
    assert direct.decomposition.cross_entropy == close(right)


def test_decimals_are_numbers():
    p = [[Decimal(one) for one in row] for row in P]
    assert cross_entropy(Y, p) == close(RIGHT)
    assert cross_entropy(Y, pd.DataFrame(p, columns=Y)) == close(RIGHT)
    pa = pytest.importorskip("pyarrow")
    table = pa.table(dict(zip(Y, zip(*p, strict=True), strict=True)))
    assert cross_entropy(Y, table) == close(RIGHT)


# -- how near to 1 sums must be --------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3, 10, 1000])
def test_rows_may_sum_to_one_to_single_precision(k):
    tolerance = 1e-6 * (1 + math.sqrt(k))
    p = np.full((4, k), 1 / k)
    p[2, 0] += 0.98 * tolerance
    assert math.isfinite(cross_entropy(np.zeros(4, int), p, labels=range(k)))
    p[2, 0] += 0.04 * tolerance
    with pytest.raises(ValueError, match=r"row 2 sums to 1(\.0000| \+ )"):
        cross_entropy(np.zeros(4, int), p, labels=range(k))


def test_a_sum_that_shows_as_one_is_printed_as_a_difference():
    p = np.array([[0.5, 0.5], [0.5, 0.500003]])
    with pytest.raises(ValueError, match=r"row 1 sums to 1 \+ 3e-06; pass res"):
        cross_entropy([0, 1], p)


def test_single_precision_may_have_travelled_as_double():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(10), 3000).astype(np.float32)
    y = rng.integers(0, 10, 3000)
    right = cross_entropy(y, p.astype(float), rescale=True)
    for held in (p, p.astype(float), p.tolist(), p.astype(">f4")):
        assert cross_entropy(y, held) == pytest.approx(right, rel=1e-6)
    third = np.full((3, 3), 1 / 3, np.float32).astype(float)
    assert cross_entropy(Y, third) == pytest.approx(math.log(3), rel=1e-6)
    assert kl_divergence(third, P) == pytest.approx(
        kl_divergence(np.full((3, 3), 1 / 3), P), rel=1e-5
    )


# -- log-probabilities -----------------------------------------------------------------

LOGS = [[math.log(one) for one in row] for row in P]
LOG = {"from_logits": "log_proba"}


def test_logarithms_of_probabilities_are_read_through_every_door(tmp_path):
    frame = pd.DataFrame(LOGS, columns=["p_a", "p_b", "p_c"]).assign(y=Y)
    named = {"target": "y", "proba": "p_", **LOG}
    plain = {"recalibration": "none"}
    assert cross_entropy(Y, LOGS, **LOG) == close(RIGHT)
    assert per_sample(Y, LOGS, **LOG)["cross_entropy"].mean() == close(RIGHT)
    assert entropy(LOGS, **LOG) == close(entropy(P))
    assert kl_divergence(P, LOGS, **LOG) == pytest.approx(0, abs=1e-15)
    for evaluation in (
        Evaluation.from_predictions(Y, LOGS, **LOG, **plain),
        Evaluation.from_frame(frame, **named, **plain),
        frame.xent(**named, **plain).evaluate(),
        finish(accumulate(frame, **named), **plain),
    ):
        assert evaluation.decomposition.cross_entropy == close(RIGHT)
    pytest.importorskip("pyarrow")
    frame.to_parquet(tmp_path / "rows.parquet")
    found = scan(tmp_path, **named, **plain).decomposition
    assert found.cross_entropy == close(RIGHT)


def test_logarithms_of_one_column_have_a_rest():
    p = [0.25, 0.5, 0.875]
    right = cross_entropy([0, 1, 1], p)
    logs = np.log(p)
    assert cross_entropy([0, 1, 1], logs, **LOG) == close(right)
    frame = pd.DataFrame({"y": [0, 1, 1], "p": logs})
    found = frame.xent.decompose("y", "p", **LOG, recalibration="none")
    assert found.cross_entropy == close(right)
    tiny = cross_entropy([0], [-1e-20], labels=[0, 1], clip=0, **LOG)
    assert tiny == close(20 * math.log(10))  # as 1 - exp(-1e-20) is 1e-20


def test_logarithms_must_be_those_of_probabilities():
    assert cross_entropy([0, 1], [[0.0, -math.inf], [-math.inf, 0.0]], **LOG) == 0
    logits = [[1.0, 2.0, 0.5], *LOGS[1:]]
    message = "must be logarithms of probabilities that sum to 1: those of row 0 sum to"
    with pytest.raises(ValueError, match=message):
        cross_entropy(Y, logits, **LOG)
    assert math.isfinite(cross_entropy(Y, logits, from_logits=True))
    with pytest.raises(ValueError, match="must be logarithms of prob.* row 0 sum to 2"):
        cross_entropy([0, 1], [math.log(2), -1.0], **LOG)
    with pytest.raises(ValueError, match="row 1, class 'a' is NaN"):
        cross_entropy(Y, [LOGS[0], [NAN, 0, 0], LOGS[2]], **LOG)
    with pytest.raises(ValueError, match="from_logits must be True, False or 'log_pr"):
        cross_entropy(Y, LOGS, from_logits="log")
    with pytest.raises(ValueError, match="rescale and from_logits exclude each other"):
        cross_entropy(Y, LOGS, rescale=True, **LOG)


def test_logarithms_in_single_precision_sum_to_one_to_rounding():
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (500, 10)).astype(np.float32)
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    y = rng.integers(0, 10, 500)
    right = cross_entropy(y, logits, from_logits=True)
    assert cross_entropy(y, logs, **LOG) == pytest.approx(right, rel=1e-6)
    travelled = logs.astype(np.float64)
    assert cross_entropy(y, travelled, **LOG) == pytest.approx(right, rel=1e-6)


# -- nothing is guessed, nothing is changed ----------------------------------------


def test_lazy_frames_say_how_they_are_collected():
    pl = pytest.importorskip("polars")
    lazy = pl.DataFrame(P, schema=Y, orient="row").lazy()
    for arguments in ((Y, lazy), (lazy, P)):
        with pytest.raises(TypeError, match=r"must be in memory: .* call collect\(\)"):
            cross_entropy(*arguments)


@pytest.mark.parametrize(
    "wrong", [(row for row in P), dict(enumerate(P)), {1, 2}, "abc", None]
)
def test_what_has_no_order_or_no_values_is_refused(wrong):
    with pytest.raises((TypeError, ValueError), match="y_proba must be an array, a"):
        cross_entropy(Y, wrong)


def test_some_labels_that_are_no_names_are_unseen_and_all_are_refused():
    frame = pd.DataFrame(P, columns=["a", "b", "x"])
    with pytest.warns(UnseenLabelWarning, match="1 of 3 rows"):
        cross_entropy(Y, frame)
    with pytest.raises(ValueError, match="y_true must hold labels that are classes"):
        cross_entropy([7, 8, 9], frame)


def test_what_is_passed_is_not_changed():
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[0, 0, 0])
    p = np.ma.array(P, mask=np.zeros((3, 3), bool))
    swapped = np.array(P, dtype=">f8")
    before = p.copy(), masked.copy(), swapped.copy()
    cross_entropy(Y, p, sample_weight=masked)
    cross_entropy(Y, swapped, rescale=True)
    for one, other in zip((p, masked, swapped), before, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    read_only = np.array(P)
    read_only.flags.writeable = False
    assert cross_entropy(Y, read_only, rescale=True) == close(RIGHT)
