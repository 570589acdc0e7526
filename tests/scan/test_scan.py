"""Parquet files and other datasets, in one call."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import joblib  # noqa: E402 - where the tests are not skipped
import pyarrow.dataset as ds  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from xent_metrics import (  # noqa: E402
    Evaluation,
    SkippedPartWarning,
    SmallSampleWarning,
    UnseenLabelWarning,
    add_listener,
    remove_listener,
    scan,
)

# No public option says how many rows are a task, or values are read at once.
from xent_metrics._scan import dataset, streams  # noqa: E402

from .conftest import drawn  # noqa: E402
from .test_states import agree, same_tables  # noqa: E402

HARD = {"target": "y", "proba": "p_"}
FAST = HARD | {"recalibration": "temperature"}


class TestWhatIsRead:
    @pytest.mark.parametrize("recalibration", ["auto", "temperature", "none"])
    def test_a_folder_gives_the_numbers_of_the_frame(
        self, parquet, predictions, recalibration
    ):
        options = HARD | {"recalibration": recalibration}
        expected = Evaluation.from_frame(predictions, **options)
        found = scan(parquet, by="site", **options)
        terms = found.decomposition
        agree(terms, expected.decomposition, terms.terms, rel=1e-7)
        assert terms.recalibration == expected.decomposition.recalibration
        if recalibration != "none":
            same_tables(found.by_class, expected.by_class, abs_tol=1e-7)
            by = expected.decomposition.by(predictions["site"])
            same_tables(found.summary("site")[by.columns], by, abs_tol=1e-7)

    def test_paths_files_and_datasets_are_the_same(self, parquet, tmp_path):
        expected = scan(parquet, **FAST)
        files = sorted(parquet.iterdir())
        assert scan(files, **FAST) == expected
        assert scan([str(one) for one in files], **FAST) == expected
        assert scan(str(parquet), **FAST) == expected
        assert scan(ds.dataset(parquet), **FAST) == expected
        table = ds.dataset(parquet).to_table()
        (tmp_path / "one.parquet").touch()
        pq.write_table(table, tmp_path / "one.parquet")
        one = scan(tmp_path / "one.parquet", **FAST).decomposition
        agree(one, expected.decomposition, one.terms, rel=1e-9)
        one = scan(ds.InMemoryDataset(table), **FAST).decomposition
        agree(one, expected.decomposition, one.terms, rel=1e-9)
        ds.write_dataset(table, tmp_path / "feather", format="feather")
        feather = ds.dataset(tmp_path / "feather", format="feather")
        one = scan(feather, **FAST).decomposition
        agree(one, expected.decomposition, one.terms, rel=1e-9)

    def test_folders_may_name_keys(self, predictions, tmp_path):
        table = pa.Table.from_pandas(predictions, preserve_index=False)
        ds.write_dataset(
            table,
            tmp_path / "hive",
            format="parquet",
            partitioning=["shift", "site"],
            partitioning_flavor="hive",
        )
        found = scan(tmp_path / "hive", by=["site", "shift"], **FAST)
        expected = Evaluation.from_frame(predictions, **FAST)
        keys = predictions[["site", "shift"]]
        by = expected.decomposition.by(keys)
        same_tables(found.by_group[by.columns], by, abs_tol=1e-7)

    def test_only_the_columns_that_are_wanted_are_read(self, parquet, tables):
        scan(parquet, by="shift", sample_weight="w", **HARD, recalibration="none")
        found = {frozenset(table.column_names) for table in tables}
        assert found == {frozenset(("p_0", "p_1", "p_2", "shift", "w", "y"))}

    @pytest.mark.slow
    def test_small_batches_give_the_same_numbers(self, parquet, monkeypatch):
        expected = scan(parquet, **FAST).decomposition
        monkeypatch.setattr(streams, "_VALUES_AT_ONCE", 1)
        monkeypatch.setattr(streams, "_LEAST_ROWS", 7)
        found = scan(parquet, **FAST).decomposition
        agree(found, expected, found.terms, rel=1e-8)

    def test_columns_may_be_of_other_types(self, predictions, tmp_path):
        frame = predictions.assign(
            y=predictions["y"].map({0: "ant", 1: "bee", 2: "cat"}),
            day=pd.Timestamp("2026-01-01") + pd.to_timedelta(predictions["shift"], "D"),
        ).rename(columns={"p_0": "p_ant", "p_1": "p_bee", "p_2": "p_cat"})
        frame[["p_ant", "p_bee"]] = frame[["p_ant", "p_bee"]].astype("float64")
        for kind in (object, "category"):
            frame["y"] = frame["y"].astype(kind)
            frame.to_parquet(tmp_path / "one.parquet", row_group_size=99)
            found = scan(tmp_path / "one.parquet", by="day", **FAST)
            assert found.labels == ("ant", "bee", "cat")
            expected = Evaluation.from_frame(frame, **FAST).decomposition
            agree(found.decomposition, expected, expected.terms, rel=1e-7)
            assert len(found.by_group) == 2

    def test_one_column_of_booleans_needs_no_labels(self, tmp_path):
        frame = drawn(500, 2)
        frame["y"] = frame["y"].astype(bool)
        frame.sort_values("y").to_parquet(tmp_path / "x.parquet", row_group_size=100)
        options = {"target": "y", "proba": "p_1", "recalibration": "temperature"}
        found = scan(tmp_path / "x.parquet", **options)
        assert found.labels == (False, True)
        expected = Evaluation.from_frame(frame, **options).decomposition
        agree(found.decomposition, expected, expected.terms, rel=1e-7)

    def test_one_column_of_texts_wants_labels(self, tmp_path):
        frame = drawn(500, 2)
        frame["y"] = frame["y"].map({0: "no", 1: "yes"})
        frame.to_parquet(tmp_path / "x.parquet")
        options = {"target": "y", "proba": "p_1", "recalibration": "none"}
        with pytest.raises(ValueError, match="labels must be given where proba is one"):
            scan(tmp_path / "x.parquet", **options)
        found = scan(tmp_path / "x.parquet", labels=["no", "yes"], **options)
        expected = Evaluation.from_frame(frame, **options).decomposition
        agree(found.decomposition, expected, ["cross_entropy", "uncertainty"])

    def test_unseen_labels_warn_once(self, predictions, tmp_path):
        frame = predictions.copy()
        frame.loc[frame.index[-3:], "y"] = 5
        frame.to_parquet(tmp_path / "x.parquet", row_group_size=100)
        with pytest.warns(UnseenLabelWarning, match="3 of 1000 rows") as caught:
            scan(tmp_path / "x.parquet", **FAST)
        assert len(caught) == 1

    def test_missing_rows_are_named_or_dropped(self, predictions, tmp_path):
        frame = predictions.copy()
        frame.loc[:349, "p_1"] = np.nan
        frame.to_parquet(tmp_path / "x.parquet", row_group_size=100)
        with pytest.raises(ValueError, match="row group 0: .* row 0") as caught:
            scan(tmp_path / "x.parquet", **FAST)
        assert str(tmp_path) in str(caught.value)
        found = scan(tmp_path / "x.parquet", on_missing="drop", **FAST).decomposition
        assert (found.n, found.n_dropped) == (650, 350)


class TestWorkers:
    def test_any_number_gives_the_same_bits(self, parquet, monkeypatch):
        monkeypatch.setattr(dataset, "_ROWS_A_TASK", 200)
        expected = scan(parquet, by="site", **FAST).to_json()
        for n_jobs in (2, 3, -1):
            assert scan(parquet, by="site", n_jobs=n_jobs, **FAST).to_json() == expected

    @pytest.mark.parametrize(
        "backend",
        [
            pytest.param("loky", marks=pytest.mark.slow),
            pytest.param("multiprocessing", marks=pytest.mark.slow),
            "threading",
        ],
    )
    def test_any_backend_of_joblib_gives_the_same_bits(
        self, parquet, monkeypatch, backend
    ):
        monkeypatch.setattr(dataset, "_ROWS_A_TASK", 200)
        expected = scan(parquet, **FAST).to_json()
        with joblib.parallel_config(backend=backend, n_jobs=2):
            assert scan(parquet, **FAST).to_json() == expected

    def test_a_backend_without_generators_gives_the_same_bits(
        self, parquet, monkeypatch
    ):
        monkeypatch.setattr(dataset, "_ROWS_A_TASK", 100)
        expected = scan(parquet, **FAST).to_json()
        from joblib._parallel_backends import ThreadingBackend  # noqa: PLC0415

        monkeypatch.setattr(ThreadingBackend, "supports_return_generator", False)
        assert scan(parquet, n_jobs=2, **FAST).to_json() == expected

    def test_progress_is_told(self, parquet, monkeypatch):
        monkeypatch.setattr(dataset, "_ROWS_A_TASK", 200)
        told = []
        scan(
            parquet,
            **HARD,
            recalibration="none",
            progress=lambda done, of: told.append((done, of)),
        )
        assert told == [(i, len(told)) for i in range(1, len(told) + 1)]

    def test_progress_is_shown_where_it_is_asked_for(self, parquet, capsys):
        scan(parquet, **HARD, recalibration="none", progress=True)
        assert "scanning" in capsys.readouterr().err
        scan(parquet, **HARD, recalibration="none", progress=False)
        scan(parquet, **HARD, recalibration="none")
        assert capsys.readouterr().err == ""

    def test_listeners_hear_of_the_last_pass_only(self, parquet):
        heard = []
        add_listener(heard.append)
        try:
            found = scan(parquet, **FAST)
        finally:
            remove_listener(heard.append)
        assert heard == [found]


def break_row_group(path, group):
    """Overwrite the first pages of a row group with noise."""
    column = pq.ParquetFile(path).metadata.row_group(group).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + column.total_compressed_size] = b"\xff" * (
        column.total_compressed_size
    )
    path.write_bytes(bytes(content))


class TestBadParts:
    def test_a_corrupt_row_group_is_named_or_skipped(self, parquet, predictions):
        path = parquet / "1.parquet"
        break_row_group(path, 2)
        with pytest.raises(
            OSError, match=r"1\.parquet, row group 2 is not \("
        ) as error:
            scan(parquet, **FAST)
        assert "pass on_bad='skip' to leave it out" in str(error.value)
        left_out = r"1 of 8 parts are left out: every .* row group 2 is not \(.*\)\.$"
        with pytest.warns(SkippedPartWarning, match=left_out):
            found = scan(parquet, on_bad="skip", **FAST).decomposition
        assert found.n_skipped == 1
        assert "parts left out, as they cannot be read: 1" in repr(found)
        kept = predictions.drop(index=range(800, 950))
        expected = Evaluation.from_frame(kept, **FAST).decomposition
        agree(found, expected, found.terms, rel=1e-7)

    def test_a_torn_file_is_named_or_skipped(self, parquet, predictions):
        path = parquet / "0.parquet"
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(OSError, match=r"0\.parquet is not \("):
            scan(
                ds.dataset(parquet, schema=pq.read_schema(parquet / "1.parquet")),
                **FAST,
            )
        dataset = ds.dataset(parquet, schema=pq.read_schema(parquet / "1.parquet"))
        with pytest.warns(SkippedPartWarning, match="1 of 5 parts"):
            found = scan(dataset, on_bad="skip", **FAST).decomposition
        expected = Evaluation.from_frame(predictions[500:], **FAST).decomposition
        agree(found, expected, found.terms, rel=1e-7)

    @pytest.mark.parametrize("several", [False, True])
    def test_the_first_file_may_be_torn(self, parquet, several):
        path = parquet / "0.parquet"
        path.write_bytes(path.read_bytes()[:-100])
        given = sorted(parquet.iterdir()) if several else parquet
        with pytest.raises(OSError, match=r"is not \("):
            scan(given, **FAST)
        with pytest.warns(SkippedPartWarning, match=r"1 of 5 parts.*0\.parquet is not"):
            found = scan(given, on_bad="skip", **FAST).decomposition
        assert (found.n, found.n_skipped) == (500, 1)

    def test_files_that_are_all_torn_are_refused(self, parquet):
        for path in parquet.iterdir():
            path.write_bytes(b"PAR1")
        with pytest.raises(OSError, match="every part of a dataset must be readable"):
            scan(parquet, on_bad="skip", **FAST)

    def test_a_file_that_goes_away_is_named_or_skipped(self, parquet):
        dataset = ds.dataset(parquet)
        (parquet / "1.parquet").unlink()
        with pytest.raises(OSError, match=r"1\.parquet is not \("):
            scan(dataset, **FAST)
        with pytest.warns(SkippedPartWarning):
            found = scan(dataset, on_bad="skip", **FAST)
        assert found.decomposition.n == 500

    def test_a_folder_that_goes_away_is_refused(self, parquet):
        dataset = ds.dataset(parquet)
        shutil.rmtree(parquet)
        with pytest.raises(ValueError, match="none was found, and 2 parts could not"):
            scan(dataset, on_bad="skip", **FAST)

    def test_an_empty_folder_is_refused(self, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(
            (ValueError, KeyError), match="empty|hold rows|not a column"
        ):
            scan(tmp_path / "empty", **FAST)

    def test_a_row_that_breaks_a_rule_is_named(self, predictions, tmp_path):
        frame = predictions.copy()
        frame.loc[455, "p_0"] = 1.5
        frame.to_parquet(tmp_path / "x.parquet", row_group_size=200)
        message = r"in .*x\.parquet, row group 2: y_proba .* row 55"
        with pytest.raises(ValueError, match=message):
            scan(tmp_path / "x.parquet", **FAST)

    def test_the_row_counts_from_its_batch(self, predictions, tmp_path, monkeypatch):
        frame = predictions.copy()
        frame.loc[455, "p_0"] = 1.5
        frame.to_parquet(tmp_path / "x.parquet")
        monkeypatch.setattr(streams, "_VALUES_AT_ONCE", 1)
        monkeypatch.setattr(streams, "_LEAST_ROWS", 100)
        with pytest.raises(ValueError, match=r"\(counting from row 400\) .* row 55"):
            scan(tmp_path / "x.parquet", n_jobs=2, **FAST)


class TestWrongInputs:
    def test_a_path_that_does_not_exist_is_refused(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="dataset must exist: there is no"):
            scan(tmp_path / "nothing.parquet", **HARD)

    def test_a_file_that_is_no_parquet_is_refused(self, tmp_path):
        (tmp_path / "x.parquet").write_text("y,p_0,p_1\n")
        message = (
            r"readable: .*x\.parquet is not \(Parquet magic bytes not found in footer\)"
            "; mend it, or pass on_bad='skip' to leave it out"
        )
        with pytest.raises(OSError, match=message):
            scan(tmp_path / "x.parquet", **HARD)

    def test_a_frame_is_refused(self, predictions):
        with pytest.raises(TypeError, match=r"found DataFrame; pass a path, or call"):
            scan(predictions, **HARD)

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"target": "label"}, KeyError, "'label' is not a column of the frame"),
            ({"by": "town"}, KeyError, "'town' is not a column of the frame"),
            ({"by": [1, 2]}, ValueError, "or a list of names: found a list of int; "),
            ({"by": []}, ValueError, "or a list of names: found an empty list; pass"),
            ({"by": pd.Series(["a"])}, ValueError, "of names: found Series; pass nam"),
            ({"by": [pd.Series(["a"])]}, ValueError, "found a list of Series; pass "),
            ({"sample_weight": "v"}, KeyError, "'v' is not a column"),
            ({"sample_weight": [1]}, TypeError, "must be the name of a column: found"),
            ({"on_bad": "drop"}, ValueError, "on_bad must be 'raise' or 'skip'"),
            ({"base": 0.5}, ValueError, "base must be finite and above 1"),
            ({"clip": 2}, ValueError, "clip must be in"),
            ({"n_jobs": 0}, ValueError, "n_jobs must be a whole number and not 0"),
            ({"n_jobs": "2"}, ValueError, "n_jobs must be a whole number and not 0"),
            ({"recalibration": "spine"}, ValueError, "did you mean 'spline'"),
            ({"recalibration": "isotonic"}, ValueError, "is for two classes: found 3"),
            ({"target_type": "vote"}, ValueError, "target_type must be"),
            ({"on_missing": "skip"}, ValueError, "on_missing must be"),
        ],
    )
    def test_bad_options_are_refused(self, parquet, options, error, message):
        with pytest.raises(error, match=re.escape(message)):
            scan(parquet, **{**HARD, **options})

    def test_few_rows_warn_once(self, tmp_path):
        drawn(60, 2).to_parquet(tmp_path / "x.parquet")
        with pytest.warns(SmallSampleWarning, match="only 60 rows") as caught:
            scan(tmp_path / "x.parquet", **FAST)
        assert len(caught) == 1

    @pytest.mark.slow
    def test_one_worker_loads_what_it_needs(self, parquet):
        code = (
            "import sys, xent_metrics\n"
            f"xent_metrics.scan({str(parquet)!r}, target='y', proba='p_', "
            "recalibration='none', progress=False)\n"
            "print({'joblib', 'narwhals', 'scipy', 'sklearn', 'tqdm'} & {*sys.modules})"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "set()"

    def test_a_missing_pyarrow_is_named(self):
        code = (
            "import sys; sys.modules['pyarrow'] = None\n"
            "import xent_metrics\n"
            "try:\n    xent_metrics.scan('x', target='y', proba='p_')\n"
            "except ImportError as error:\n    print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith("scan needs pyarrow: it is not installed; pip")
