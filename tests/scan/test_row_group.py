"""Row groups, page by page: types, keys of folders, and how many rows are held."""

import numpy as np
import pandas as pd
import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import pyarrow.dataset as ds  # noqa: E402 - where the tests are not skipped

from xent_metrics import Evaluation, scan  # noqa: E402

# No public option says how many values are read at once.
from xent_metrics._scan import streams  # noqa: E402

from .conftest import drawn  # noqa: E402

HARD = {"target": "y", "proba": "p_", "recalibration": "none"}


@pytest.fixture
def frame():
    found = drawn(600, 3)
    return found.assign(site=np.where(found.index % 3, "north", "south"))


def cost(found):
    return found.decomposition.cross_entropy


def test_a_long_row_group_is_read_in_parts(frame, tmp_path, monkeypatch, tables):
    frame.to_parquet(tmp_path / "one.parquet")
    monkeypatch.setattr(streams, "_VALUES_AT_ONCE", 1)
    monkeypatch.setattr(streams, "_LEAST_ROWS", 50)
    scan(tmp_path / "one.parquet", **HARD)
    lengths = [len(table) for table in tables]
    assert max(lengths) == 50
    assert sum(lengths) == 600 + lengths[0]  # the first ones are looked at for labels


def test_files_may_have_other_types_and_columns(frame, tmp_path):
    first, second = frame[:300].assign(kind=1), frame[300:]
    single = {name: "float32" for name in frame if name.startswith("p_")}
    first.to_parquet(tmp_path / "1.parquet")
    second.astype({"y": "int32", **single}).to_parquet(tmp_path / "2.parquet")
    found = scan(tmp_path, by="kind", **HARD)
    expected = cost(Evaluation.from_frame(frame, **HARD))
    assert cost(found) == pytest.approx(expected, rel=1e-6)
    assert found.by_group["n"].tolist() == [300, 300]
    assert found.by_group.index.isna().tolist() == [False, True]


@pytest.mark.parametrize("infer", [False, True])
def test_keys_of_folders_are_texts_or_categories(frame, tmp_path, infer):
    ds.write_dataset(
        pa.Table.from_pandas(frame, preserve_index=False),
        tmp_path,
        format="parquet",
        partitioning=["site"],
        partitioning_flavor="hive",
    )
    flavour = ds.HivePartitioning.discover(infer_dictionary=infer)
    found = scan(ds.dataset(tmp_path, partitioning=flavour), by="site", **HARD)
    expected = frame["site"].value_counts().sort_index()
    pd.testing.assert_series_equal(
        found.by_group["n"], expected, check_names=False, check_index_type=False
    )


def test_a_dataset_may_have_options_of_its_own(frame, tmp_path):
    frame.to_parquet(tmp_path / "one.parquet", row_group_size=200)
    options = ds.ParquetReadOptions(dictionary_columns=["site"])
    dataset = ds.dataset(tmp_path, format=ds.ParquetFileFormat(read_options=options))
    found = scan(dataset, by="site", **HARD)
    assert cost(found) == pytest.approx(cost(Evaluation.from_frame(frame, **HARD)))
    assert found.by_group.index.tolist() == ["north", "south"]


def test_short_row_groups_are_read_together(frame, tmp_path, tables):
    frame.to_parquet(tmp_path / "one.parquet", row_group_size=7)
    found = scan(tmp_path / "one.parquet", **HARD)
    # The first rows are looked at for labels.
    assert [len(table) for table in tables] == [7, 600]
    assert cost(found) == pytest.approx(cost(Evaluation.from_frame(frame, **HARD)))
