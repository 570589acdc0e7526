"""The namespace of polars: the numbers of pandas' accessor, in frames of polars."""

import datetime as dt
import sys

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, scan

pl = pytest.importorskip("polars", reason="polars is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")

from xent_metrics.polars import XentNamespace  # noqa: E402

FAST = {"recalibration": "temperature"}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.02, 0.98, 900)
    start = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - times without a zone
    return pl.DataFrame(
        {
            "y": (rng.random(900) < p).astype(int),
            "p": p,
            "q": np.sqrt(p),
            "site": rng.choice(["north", "south", None], 900),
            "w": rng.uniform(0.5, 1.5, 900),
            "when": [start + dt.timedelta(hours=4 * row) for row in range(900)],
        }
    )


@pytest.fixture(scope="module")
def view(frame):
    return frame.xent(target="y", proba="p", **FAST)


@pytest.fixture(scope="module")
def pandas_view(frame):
    return frame.to_pandas().xent(target="y", proba="p", **FAST)


def same(table, expected, keys=()):
    assert isinstance(table, pl.DataFrame)
    if keys:
        expected = expected.rename_axis(keys).reset_index()
    assert table.columns == list(expected.columns)
    given = table.to_pandas()
    for name in table.columns:
        left, right = given[name], expected[name]
        if pd.api.types.is_float_dtype(right):
            np.testing.assert_allclose(left, right, rtol=1e-12, err_msg=name)
        else:
            assert left.fillna("-").tolist() == right.fillna("-").tolist(), name


class TestTables:
    def test_rows_are_those_of_pandas(self, view, pandas_view):
        same(view.per_sample(), pandas_view.per_sample())
        same(view.worst(5), pandas_view.worst(5), ["row"])
        worst = view.worst(2, by="site", columns=["w"])
        assert worst.columns[:2] == ["row", "site"]
        assert worst.height == 6

    def test_groups_are_the_first_columns(self, view, pandas_view):
        same(view.summary(), pandas_view.summary())
        same(view.summary(by="site"), pandas_view.summary(by="site"), ["site"])
        same(view.decompose(by="site"), pandas_view.decompose(by="site"), ["site"])
        same(view.by_class(), pandas_view.by_class(), ["class"])
        assert view.summary(by="site")["site"].null_count() == 1

    def test_groups_may_be_expressions(self, view, frame):
        month = pl.col("when").dt.month().alias("month")
        found = view.summary(by=[month, "site"])
        assert found.columns[:2] == ["month", "site"]
        sizes = frame.group_by(month, "site").len()["len"]
        assert sorted(found["n"]) == sorted(sizes)
        weighted = view.summary(sample_weight=pl.col("w") * 2)
        assert weighted["cross_entropy"].item() == pytest.approx(
            view.summary(sample_weight="w")["cross_entropy"].item(), rel=1e-12
        )

    def test_rows_left_out_are_told_by_numbers(self, frame):
        some = frame.with_columns(pl.when(pl.col("w") > 0.6).then("y").alias("y"))
        kept = np.flatnonzero(some["y"].is_not_null().to_numpy())
        view = some.xent(target="y", proba="p", on_missing="drop", **FAST)
        assert view.per_sample()["row"].to_list() == kept.tolist()
        row = view.worst(1)["row"].item()
        costs = -np.log(np.where(some["y"] == 1, some["p"], 1 - some["p"]))
        assert costs[row] == pytest.approx(costs[kept].max())
        evaluation = view.evaluate()
        assert evaluation.per_sample.index.tolist() == kept.tolist()


class TestResults:
    def test_results_are_those_of_pandas(self, view, pandas_view, frame):
        ours, theirs = view.decompose(), pandas_view.decompose()
        assert ours.terms == pytest.approx(theirs.terms, rel=1e-12, nan_ok=True)
        assert view.evaluate().labels == (0, 1)
        for other in ("q", frame.xent("y", "q", **FAST)):
            found = view.compare(other, names=("old", "new"))
            expected = pandas_view.compare("q", names=("old", "new"))
            assert found.differences["new"]["cross_entropy"].difference == (
                pytest.approx(
                    expected.differences["new"]["cross_entropy"].difference, rel=1e-12
                )
            )
        weeks = view.over_time("when", freq="MS").table
        assert weeks["n"].sum() == 900

    def test_features_are_columns_of_the_frame(self, view):
        assert view.slices(features=["site", "w"]) is not None
        assert view.reducible(features=["site", "w"]).lower() < 0.1

    def test_a_plot_is_that_of_the_evaluation(self, view, figures):
        pytest.importorskip("matplotlib", reason="matplotlib is not installed")
        assert view.plot("reliability", bins=5) is not None

    def test_what_is_bound_is_shown(self, view):
        assert repr(view).startswith("df.xent(target='y', proba='p'")

    def test_wrong_calls_are_answered(self, frame, view):
        with pytest.raises(TypeError, match="target must say which columns to read"):
            frame.xent.decompose()
        with pytest.raises(TypeError, match="'bse' is not an option here; did you me"):
            view.summary(bse=2)
        with pytest.raises(AttributeError, match="sumary.*did you mean"):
            view.sumary()


class TestLazyFrames:
    def test_the_namespace_computes_them(self, frame, view):
        lazy = frame.lazy().filter(pl.col("w") > 0)
        assert lazy.xent(target="y", proba="p", **FAST).summary().equals(view.summary())
        assert isinstance(XentNamespace(lazy), XentNamespace)

    def test_from_frame_computes_them(self, frame, view):
        given = {"target": "y", "proba": "p", **FAST}
        found = Evaluation.from_frame(frame.lazy(), **given)
        assert found.decomposition.terms == pytest.approx(
            view.decompose().terms, rel=1e-12, nan_ok=True
        )
        assert found.summary(by="site")["n"].sum() == 900

    @pytest.mark.parametrize("lazy", [False, True])
    def test_a_scan_reads_them_in_parts(self, frame, view, lazy):
        given = frame.lazy().filter(pl.col("w") > 0) if lazy else frame
        found = scan(given, target="y", proba="p", by="site", **FAST)
        expected = view.decompose().cross_entropy
        assert found.decomposition.cross_entropy == pytest.approx(expected, rel=1e-12)
        assert found.by_group["n"].sum() == 900

    def test_a_scan_of_one_computes_it_once(self, frame, tmp_path, monkeypatch):
        calls = []

        def seen(part):
            calls.append(part.height)
            return part

        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)
        lazy = frame.lazy().map_batches(seen, streamable=True)
        scan(lazy, target="y", proba="p")  # several passes
        assert sum(calls) == 900
        assert list(tmp_path.iterdir()) == []

    def test_a_column_that_is_not_there_is_named_before_it_is_computed(self, frame):
        def never(part):
            raise AssertionError(part)

        lazy = frame.lazy().map_batches(never)
        with pytest.raises(KeyError, match="'pp' is not a column"):
            scan(lazy, target="y", proba="pp")


def test_without_polars_the_module_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.delitem(sys.modules, "xent_metrics.polars")
    with pytest.raises(ImportError, match="needs polars: .* pip install polars"):
        __import__("xent_metrics.polars")
