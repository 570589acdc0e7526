import gzip
import io
import sys

import numpy as np
import pandas as pd
import pytest

# The command line shows no frame that it has read.
from xent_metrics._cli.columns import Wanted
from xent_metrics._cli.errors import UsageError
from xent_metrics._cli.files import keyed, read
from xent_metrics._cli.terminal import stages
from xent_metrics._scan.streams import as_written

WANTED = Wanted(target=("label",), probas=("p_",), names=("site",), numbers=("w",))
READ = ["label", "site", "w", "p_cat", "p_dog", "p_eel"]


def table_of(file, wanted=WANTED):
    with stages() as shown:
        return read(str(file), wanted, shown)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_only_the_needed_columns_are_read(folder, frame, suffix):
    found = table_of(f"preds.{suffix}").frame
    pd.testing.assert_frame_equal(found, frame[READ], check_dtype=False)


@pytest.mark.parametrize(
    ("name", "separator"),
    [("x.tsv", "\t"), ("x.csv.gz", ","), ("x.tsv.gz", "\t"), ("X.CSV", ",")],
)
def test_separators_and_compression_are_told_by_the_name(
    folder, frame, name, separator
):
    text = frame.to_csv(sep=separator, index=False).encode()
    content = gzip.compress(text) if name.endswith("gz") else text
    (folder / name).write_bytes(content)
    pd.testing.assert_frame_equal(table_of(name).frame, frame[READ], check_dtype=False)


@pytest.mark.parametrize("suffix", ["pq", "arrow"])
def test_formats_may_have_other_names(folder, frame, suffix):
    path = folder / f"x.{suffix}"
    frame.to_parquet(path) if suffix == "pq" else frame.to_feather(path)
    pd.testing.assert_frame_equal(table_of(path).frame, frame[READ], check_dtype=False)


@pytest.mark.parametrize("known", [["cat", None, "dog", "eel"], ["dog", "eel", "cat"]])
def test_dictionaries_may_hold_nulls_and_a_value_twice(folder, frame, known):
    pa, feather = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.feather")
    labels = [None, *frame["label"][1:]] if None in known else frame["label"]
    codes = pa.array([known.index(label) for label in labels])
    values = pa.array([*known, known[0]])
    coded = pa.DictionaryArray.from_arrays(codes, values)
    table = pa.Table.from_pandas(frame)
    table = table.set_column(table.schema.get_field_index("label"), "label", coded)
    feather.write_feather(table, folder / "x.feather")
    found = table_of("x.feather").frame["label"]
    assert found.isna().tolist() == [label is None for label in labels]
    assert found[1:].tolist() == frame["label"][1:].tolist()


def test_standard_input_is_read_as_csv(frame, monkeypatch):
    content = frame.to_csv(index=False).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    pd.testing.assert_frame_equal(table_of("-").frame, frame[READ], check_dtype=False)


def test_labels_stay_as_written(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('\ufeffy,p_01,p_NA,site\n01,0.5,0.5,None\nNA,NA,0.5,""\n')
    found = table_of(path, Wanted(target=("y",), probas=("p_",), names=("site",))).frame
    assert found["y"].tolist() == ["01", "NA"]
    assert found["site"].tolist()[0] == "None"
    assert found.isna().to_numpy().tolist()[1] == [False, True, False, True]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "10", "2"], [1, 10, 2]),
        (["-1", "1"], [-1, 1]),
        (["1.0", "0.5"], [1.0, 0.5]),
        (["01", "1"], ["01", "1"]),
        (["1", "2.50"], ["1", "2.50"]),
        (["1", "1_0"], ["1", "1_0"]),
        (["nan", "1.0"], ["nan", "1.0"]),
        (["inf", "1.0"], ["inf", "1.0"]),
        (["9" * 30, "1"], ["9" * 30, "1"]),
        (["True", "False"], ["True", "False"]),
        (["a", "1"], ["a", "1"]),
    ],
)
def test_numbers_only_where_nothing_is_lost(texts, expected):
    found = as_written(pd.Series(texts)).tolist()
    assert found == expected
    assert [type(one) for one in found] == [type(one) for one in expected]


def test_missing_labels_leave_numbers_numbers():
    found = as_written(pd.Series(["1", None, "2"]))
    assert found.dtype == "Int64"
    assert found.isna().tolist() == [False, True, False]
    floats = as_written(pd.Series(["1.5", None]))
    np.testing.assert_array_equal(floats, [1.5, np.nan])
    assert as_written(pd.Series([None, None], dtype=object)).isna().all()


def test_several_targets_hold_numbers_unless_annotators(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("v_a,v_b,p_a,p_b\n1,02,0.5,0.5\n3,4,0.5,0.5\n")
    wanted = Wanted(target=("v_",), probas=("p_",))
    assert table_of(path, wanted).frame["v_b"].tolist() == [2, 4]
    wanted = Wanted(target=("v_a,v_b",), probas=("p_",), annotators=True)
    assert table_of(path, wanted).frame["v_b"].tolist() == ["02", "4"]


def test_keys_must_name_each_row_once(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,y,p\n007,a,0.5\n8,b,0.5\n8,b,0.5\n")
    wanted = Wanted(target=("y",), probas=("p",), names=("id",))
    with pytest.raises(UsageError, match="name each row once: '8' occurs twice in col"):
        keyed(table_of(path, wanted), "id", "x.csv")
    path.write_text("id,y,p\n007,a,0.5\n,b,0.5\n")
    with pytest.raises(UsageError, match="'id' is missing in row 1 of x.csv; fill it"):
        keyed(table_of(path, wanted), "id", "x.csv")
    path.write_text("id,y,p\n007,a,0.5\n8,b,0.5\n")
    table = keyed(table_of(path, wanted), "id", "x.csv")
    assert list(table.frame.index) == ["007", "8"]


def test_the_index_of_a_parquet_file_is_a_column(folder, frame):
    frame.set_index("id").to_parquet("indexed.parquet")
    wanted = Wanted(target=("label",), probas=("p_",), names=("id",))
    found = keyed(table_of("indexed.parquet", wanted), "id", "indexed.parquet").frame
    assert list(found.index) == list(frame["id"])


@pytest.fixture
def parted(folder, frame):
    """The predictions in folders by site, as CSV and as lines of JSON."""
    for site, part in frame.groupby("site"):
        for kind in ("csv", "jsonl"):
            path = folder / kind / f"site={site}" / f"part-0.{kind}"
            path.parent.mkdir(parents=True)
            rows = part.drop(columns="site")
            rows.to_csv(path, index=False) if kind == "csv" else rows.to_json(
                path, orient="records", lines=True, double_precision=15
            )
    return frame.sort_values("site", kind="stable").reset_index(drop=True)


@pytest.mark.parametrize(
    "file", ["csv", "jsonl", "csv/site=*/*.csv", "jsonl/site=*", "**/*.jsonl"]
)
def test_folders_and_globs_are_one_file(parted, file):
    found = table_of(file).frame[READ]
    pd.testing.assert_frame_equal(found, parted[READ], check_dtype=False)


def test_lists_and_structs_of_arrow_stay_those(folder, frame):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    names = ["p_cat", "p_dog", "p_eel"]
    structs = [dict(zip("cde", row, strict=True)) for row in frame[names].to_numpy()]
    table = pa.table(
        {
            "label": frame["label"],
            "list": list(frame[names].to_numpy()),
            "struct": structs,
        }
    )
    pq.write_table(table, "x.parquet")
    for name in ("list", "struct"):
        wanted = Wanted(target=("label",), probas=(name,))
        found = table_of("x.parquet", wanted).frame
        assert isinstance(found[name].dtype, pd.ArrowDtype)


def test_what_no_file_is_is_refused_by_what_was_written(folder):
    for file, message in {
        "none*.csv": r"FILE must match files: none matches 'none\*\.csv'; check the pa",
        "s3://KEY:SE/CRET@b/x.csv": "FILE must exist: there is no 's3://b/x.csv'",
        "*": "the files of a dataset must have one format: found .* and ",
    }.items():
        with pytest.raises(UsageError, match=message) as error:
            table_of(file)
        assert "CRET" not in str(error.value)


BAD = {
    "empty.csv": (b"", "FILE must not be empty: 'empty.csv' has no bytes"),
    "blank.csv": (b"\n\n", "blank.csv cannot be read: it has no text; check"),
    "head.csv": (b"label,p_a\n", "head.csv must have rows: it has names of col"),
    "latin.csv": (
        b"label,p_a\n\xe9,1\n",
        "latin.csv cannot be read: it must be text in UTF-8, and .*0xe9",
    ),
    "wide.csv": (b"label,p_a\na,1,2\n", "one field per column in every row"),
    "wider.csv": (
        b"label,p_a\na,1\na,1,2,3\n",
        "wider.csv cannot be read: Expected 2 fi",
    ),
    "twins.csv": (b"label,p_a,p_a\na,1,0\n", "'p_a' occurs 2 times in twins.csv"),
    "cut.csv.gz": (
        gzip.compress(b"label,p_a\na,1\n" * 99)[:30],
        "cut.csv.gz cannot b",
    ),
    "no.csv.gz": (b"label,p_a\na,1\n", "no.csv.gz cannot be read: Not a gzipped"),
    "no.parquet": (
        b"label,p_a\na,1\n",
        "read: Parquet magic bytes not found in footer; ch",
    ),
    "no.feather": (b"label,p_a\na,1\n", "no.feather cannot be read: "),
    "x.txt": (b"label,p_a\na,1\n", "must end in one of .csv, .*: found 'x.txt'; rena"),
}


@pytest.mark.parametrize("name", BAD)
def test_files_that_cannot_be_read_are_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        table_of(name, Wanted(target=("label",), probas=("p_",)))


def test_paths_that_are_no_files_are_refused(folder):
    (folder / "runs.csv").mkdir()
    with pytest.raises(UsageError, match="FILE must hold files: there is none in 'run"):
        table_of("runs.csv")
    with pytest.raises(UsageError, match="no 'pred.csv'; did you mean 'preds.csv'"):
        table_of("pred.csv")
    with pytest.raises(UsageError, match="there is no 'zzzz.csv'; check the path"):
        table_of("zzzz.csv")
    with pytest.raises(UsageError, match="there is no folder 'old' either; check the"):
        table_of("old/preds.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"target": ("lable",)},
            "'lable' is not a column of preds.csv, nor the prefi",
        ),
        ({"target": ("label", "x")}, "'x' is not a column of preds.csv; columns are"),
        ({"target": ("",)}, "--target must name columns: it is empty"),
        ({"probas": ("z_",)}, "'z_' is not a column of preds.csv, nor the prefix of o"),
        ({"probas": ("",)}, "--proba must name columns: it is empty"),
        ({"probas": ("p_cat,p_dgo",)}, "'p_dgo' is not a column .* mean 'p_dog'"),
        ({"probas": ("cat=p_cat,dog=p_x",)}, "'p_x' is not a column of preds.csv"),
        ({"probas": ("cat=p_cat,p_dog",)}, "must say the class of each column, or of"),
        ({"probas": ("cat=p_cat,dog",)}, "must say the class of each column, or of n"),
        ({"names": ("sight",)}, "'sight' is not a column of preds.csv; did you mean"),
        ({"numbers": ("ww",)}, "'ww' is not a column of preds.csv; did you mean 'w'"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_that_are_not_there_are_refused(folder, options, message, suffix):
    wanted = Wanted(**({"target": ("label",), "probas": ("p_",)} | options))
    with pytest.raises(
        UsageError, match=message.replace("preds.csv", f"preds.{suffix}")
    ):
        table_of(f"preds.{suffix}", wanted)
