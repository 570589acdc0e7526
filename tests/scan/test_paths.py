"""Which files a scan reads, what their folders say, and which are whole."""

import os
import warnings

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import pyarrow.dataset as ds  # noqa: E402 - where the tests are not skipped
import pyarrow.parquet as pq  # noqa: E402

from xent_metrics import Evaluation, SkippedPartWarning, scan  # noqa: E402

from .conftest import drawn  # noqa: E402

PLAIN = {"target": "y", "proba": "p_", "recalibration": "none"}


@pytest.fixture
def rows():
    """Three hundred rows, without a column that folders name."""
    return drawn(300, 3).drop(columns="site")


@pytest.fixture
def write(rows, tmp_path):
    """Write the rows to a path below the test's folder, with other columns."""

    def to(name, **columns):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.assign(**columns).to_parquet(path, index=False)
        return path

    return to


def n_of(dataset, **options):
    found = scan(dataset, **PLAIN, **options).decomposition
    return found.n, found.n_skipped


def groups_of(dataset):
    return scan(dataset, by="site", **PLAIN).by_group["n"].to_dict()


class TestLinks:
    def test_a_folder_in_itself_counts_once(self, write, tmp_path):
        write("data/deep/1.parquet")
        write("beside.parquet")
        for place, to in (("self", "."), ("deep/up", ".."), ("out", "../..")):
            (tmp_path / "data" / place).symlink_to(to, target_is_directory=True)
        assert n_of(tmp_path / "data") == (300, 0)

    def test_what_lies_elsewhere_is_followed_once(self, write, tmp_path):
        write("data/1.parquet")
        other = write("other/2.parquet")
        for name in ("a", "b"):
            (tmp_path / "data" / name).symlink_to(other.parent)
            (tmp_path / "data" / f"{name}.parquet").symlink_to(other)
        os.link(other, tmp_path / "data" / "hard.parquet")
        assert n_of(tmp_path / "data") == (600, 0)

    def test_a_path_without_links_names_the_keys(self, write, tmp_path):
        write("data/site=south/1.parquet")
        (tmp_path / "data" / "site=north").symlink_to("site=south")
        assert groups_of(tmp_path / "data") == {"south": 300}

    def test_a_link_to_nothing_is_named_or_skipped(self, write, tmp_path):
        write("data/1.parquet")
        (tmp_path / "data" / "2.parquet").symlink_to("gone.parquet")
        with pytest.raises(OSError, match=r"must be readable: .*2\.parquet is not \("):
            scan(tmp_path / "data", **PLAIN)
        with pytest.warns(SkippedPartWarning, match="1 of 2 parts are left out"):
            assert n_of(tmp_path / "data", on_bad="skip") == (300, 1)
        (tmp_path / "data" / "1.parquet").unlink()
        with pytest.raises(OSError, match=r"must be readable: .*2\.parquet is not \("):
            scan(tmp_path / "data", on_bad="skip", **PLAIN)

    def test_files_are_those_of_pyarrow_in_its_order(self, write, tmp_path, tables):
        names = ["b.parquet", "a/1.parquet", "a-b.parquet", "A.parquet", "10.parquet"]
        for number, name in enumerate([*names, "_c.parquet", ".d/1.parquet"]):
            write(name, shift=number)
        write("a/_e/1.parquet", shift=9)
        scan(tmp_path, by="shift", **PLAIN)
        found = [table["shift"][0].as_py() for table in tables[1:]]
        expected = ds.dataset(tmp_path).to_table(columns=["shift"])["shift"]
        assert found == expected.unique().to_pylist()
        assert len(found) == 5


class TestLists:
    def test_a_file_that_occurs_twice_is_refused(self, write, tmp_path):
        path, link = write("1.parquet"), tmp_path / "link.parquet"
        link.symlink_to(path)
        with pytest.raises(ValueError, match=r"once: .*1\.parquet occurs twice; leave"):
            scan([path, path], **PLAIN)
        with pytest.raises(
            ValueError, match=r"link\.parquet occurs twice, also as .*1"
        ):
            scan([path, link], on_bad="skip", **PLAIN)
        with pytest.raises(ValueError, match=r"once: .*1\.parquet occurs twice; leave"):
            scan(ds.dataset([str(path)] * 2), **PLAIN)

    def test_row_groups_of_one_file_are_no_repeats(self, write):
        whole = ds.dataset(write("1.parquet"))
        parts = [
            part
            for fragment in whole.get_fragments()
            for part in fragment.split_by_row_group()
        ]
        dataset = ds.FileSystemDataset(
            parts, whole.schema, whole.format, whole.filesystem
        )
        assert n_of(dataset) == (300, 0)

    def test_a_missing_file_is_named_or_skipped(self, write, tmp_path):
        paths = [tmp_path / "0.parquet", write("1.parquet")]
        with pytest.raises(FileNotFoundError, match=r"no '[^,]*0\.parquet'; check"):
            scan(paths, **PLAIN)
        with pytest.warns(SkippedPartWarning, match=r"1 of 2 .*0\.parquet is not \(th"):
            assert n_of(paths, on_bad="skip") == (300, 1)
        paths[1].unlink()
        with pytest.raises(FileNotFoundError, match=r"0\.parquet', .*1\.parquet'; che"):
            scan(paths, on_bad="skip", **PLAIN)

    def test_a_folder_among_files_is_refused(self, write, tmp_path):
        with pytest.raises(
            IsADirectoryError, match="must hold files only: .* is a fol"
        ):
            scan([write("1.parquet"), tmp_path], **PLAIN)

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            ([], "list without paths"),
            (["1.parquet", 2], "list with int"),
            ({"a": "1.parquet"}, "dict"),
            ((name for name in ["1.parquet"]), "generator"),
            (b"1.parquet", "bytes"),
        ],
    )
    def test_what_is_no_path_is_refused(self, given, found):
        with pytest.raises(TypeError, match=f"or a pyarrow dataset: found {found}; pa"):
            scan(given, **PLAIN)

    @pytest.mark.parametrize(
        "name", ["", "a\0b", "x" * 999, "file:///nothing", os.devnull]
    )
    def test_what_is_no_file_is_refused(self, name):
        with pytest.raises(
            FileNotFoundError, match="dataset must exist: there is no '"
        ):
            scan(name, **PLAIN)

    def test_an_address_is_a_path(self, write):
        assert n_of(write("1.parquet").as_uri()) == (300, 0)


class TestColumnsOfFiles:
    @pytest.mark.parametrize("on_bad", ["raise", "skip"])
    @pytest.mark.parametrize("name", ["p_2", "y", "weight"])
    def test_a_file_that_lacks_a_column_is_refused(
        self, rows, write, tmp_path, name, on_bad
    ):
        write("1.parquet", weight=1.0)
        second = rows.assign(weight=1.0).drop(columns=name)
        second.to_parquet(tmp_path / "2.parquet", index=False)
        message = rf"in .*2\.parquet, row group 0: '{name}' is not a column of the file"
        with pytest.raises(KeyError, match=message):
            scan(tmp_path, sample_weight="weight", on_bad=on_bad, **PLAIN)

    def test_one_that_is_not_read_may_be_lacking(self, write, tmp_path):
        write("1.parquet", site="north")
        write("2.parquet")
        assert n_of(tmp_path) == (600, 0)

    @pytest.mark.parametrize("root", ["0.parquet", "z.parquet", "deep/1.parquet"])
    def test_a_file_outside_of_the_folders_of_a_key_is_refused(
        self, write, tmp_path, root
    ):
        write("site=1/1.parquet")
        write(root)
        message = rf"{root}, row group 0: 'site' is not .*, nor a key of its folder;"
        with pytest.raises(KeyError, match=message):
            groups_of(tmp_path)
        assert n_of(tmp_path) == (600, 0)


class TestKeysOfFolders:
    @pytest.mark.parametrize("other", ["01", "+1", "-0", "1.0", "4294967297", "", "é"])
    def test_texts_stay_apart(self, write, tmp_path, other):
        write(f"site={other}/1.parquet")
        write("site=1/1.parquet")
        assert groups_of(tmp_path) == {other: 300, "1": 300}

    def test_whole_numbers_are_numbers(self, write, tmp_path):
        write("site=-7/1.parquet")
        write("site=10/1.parquet")
        assert groups_of(tmp_path) == {-7: 300, 10: 300}

    def test_a_missing_value_is_missing(self, write, tmp_path):
        write("site=__HIVE_DEFAULT_PARTITION__/1.parquet")
        found = scan(tmp_path, by="site", **PLAIN).by_group
        assert found.index.isna().tolist() == [True]
        assert found["n"].tolist() == [300]

    @pytest.mark.parametrize("value", [7, 0.5, "north", True])
    def test_a_column_may_be_in_the_files_too(self, write, tmp_path, value):
        write(f"site={value}/1.parquet", site=value)
        assert groups_of(tmp_path) == {value: 300}
        write(f"site={value}/2.parquet")
        assert groups_of(tmp_path) == {value: 600}

    def test_a_file_that_says_something_else_is_refused(self, write, tmp_path):
        write("site=1/1.parquet", site=np.r_[np.ones(299), 2])
        message = r"1\.parquet, row group 0: .* 'site' is 2\.0 in row 299, .* says '1'"
        with pytest.raises(ValueError, match=message):
            groups_of(tmp_path)
        assert n_of(tmp_path) == (300, 0)

    def test_two_values_are_refused(self, write, tmp_path):
        write("site=1/site=2/1.parquet")
        with pytest.raises(ValueError, match="a column one value: 'site' has two in"):
            scan(tmp_path, **PLAIN)

    def test_a_name_that_is_no_text_is_refused(self, write, tmp_path):
        write("site=%ff/1.parquet")
        with pytest.raises(
            ValueError, match="names of folders must be UTF-8: site=%ff"
        ):
            scan(tmp_path, **PLAIN)


class TestDatasets:
    def test_an_empty_one_is_refused(self, tmp_path):
        (tmp_path / "_SUCCESS").touch()
        for on_bad in ("raise", "skip"):
            with pytest.raises(ValueError, match="there is none in .*; check"):
                scan(tmp_path, on_bad=on_bad, **PLAIN)
        with pytest.raises(
            ValueError, match="there are no files or batches in the Fil"
        ):
            scan(ds.dataset(tmp_path), **PLAIN)

    def test_a_filter_is_refused(self, write):
        dataset = ds.dataset(write("1.parquet")).filter(ds.field("y") > 0)
        with pytest.raises(
            ValueError, match="must have no filter.*a filtered FileSyst"
        ):
            scan(dataset, **PLAIN)

    def test_several_may_be_one(self, write, rows):
        table = pa.Table.from_pandas(rows, preserve_index=False)
        parts = [ds.dataset(write("1.parquet")), ds.InMemoryDataset(table)]
        assert n_of(ds.dataset(parts)) == (600, 0)

    def test_a_bad_line_of_a_table_of_texts_is_named_or_skipped(self, rows, tmp_path):
        rows.to_csv(tmp_path / "1.csv", index=False)
        (tmp_path / "2.csv").write_text("y,p_0\n1\n")
        dataset = ds.dataset(tmp_path, format="csv")
        with pytest.raises(OSError, match=r"must be readable: .*2\.csv is not \("):
            scan(dataset, **PLAIN)
        with pytest.warns(SkippedPartWarning, match="1 of 2 parts"):
            assert n_of(dataset, on_bad="skip") == (300, 1)


class TestCorruptFiles:
    @pytest.mark.parametrize("own_options", [False, True])
    def test_a_flipped_bit_is_found_by_its_checksum(self, rows, tmp_path, own_options):
        path = tmp_path / "1.parquet"
        table = pa.Table.from_pandas(rows, preserve_index=False)
        pq.write_table(
            table,
            path,
            row_group_size=100,
            use_dictionary=False,
            compression="none",
            write_page_checksum=True,
        )
        column = pq.ParquetFile(path).metadata.row_group(1).column(0)
        content = bytearray(path.read_bytes())
        # The last byte but seven of the column: a digit of its last number.
        content[column.data_page_offset + column.total_compressed_size - 8] ^= 1
        path.write_bytes(bytes(content))
        dataset = path
        if own_options:
            given = ds.ParquetFragmentScanOptions(use_buffered_stream=True)
            kind = ds.ParquetFileFormat(default_fragment_scan_options=given)
            dataset = ds.dataset(path, format=kind)
        with pytest.raises(OSError, match=r"row group 1 is not \(.*CRC checksum"):
            scan(dataset, **PLAIN)
        with pytest.warns(SkippedPartWarning, match="1 of 3 parts"):
            found = scan(dataset, on_bad="skip", **PLAIN).decomposition
        kept = Evaluation.from_frame(rows.drop(index=range(100, 200)), **PLAIN)
        assert (found.n, found.n_skipped) == (200, 1)
        assert found.cross_entropy == pytest.approx(
            kept.decomposition.cross_entropy, rel=1e-12
        )

    @pytest.mark.parametrize("twentieth", range(20))
    def test_a_file_that_ends_early_is_named_or_skipped(
        self, write, tmp_path, twentieth
    ):
        path = write("1.parquet")
        write("2.parquet")
        schema = pq.read_schema(path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * twentieth // 20])
        for dataset in (tmp_path, ds.dataset(tmp_path, schema=schema)):
            with pytest.raises(
                OSError, match=r"readable: .*1\.parquet is not \(.*; mend"
            ):
                scan(dataset, **PLAIN)
            with pytest.warns(SkippedPartWarning, match="1 of 2 parts"):
                assert n_of(dataset, on_bad="skip") == (300, 1)

    def test_a_text_that_cannot_be_decoded_is_named_or_skipped(self, rows, tmp_path):
        table = pa.Table.from_pandas(
            rows.assign(site=["söuth"] * 299 + ["north"]), preserve_index=False
        )
        path = tmp_path / "1.parquet"
        pq.write_table(table, path, row_group_size=250, compression="none")
        content = path.read_bytes()
        place = content.rindex("ö".encode(), 0, content.index(b"north"))
        path.write_bytes(content[:place] + b"\xff\xff" + content[place + 2 :])
        with pytest.raises(OSError, match=r"row group 1 is not \(.*UTF8"):
            scan(path, by="site", **PLAIN)
        with pytest.warns(SkippedPartWarning, match="1 of 2 parts"):
            found = scan(path, by="site", on_bad="skip", **PLAIN)
        assert found.by_group["n"].to_dict() == {"söuth": 250}


class TestWorkers:
    @pytest.mark.parametrize("n_jobs", [None, np.int64(2), np.int32(-1)])
    def test_their_number_may_be_of_numpy(self, write, n_jobs):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert n_of(write("1.parquet"), n_jobs=n_jobs) == (300, 0)

    @pytest.mark.parametrize("n_jobs", [0, 2.5, "2", [1]])
    def test_what_is_no_number_of_them_is_refused(self, write, n_jobs):
        with pytest.raises(ValueError, match="n_jobs must be a whole number and not 0"):
            scan(write("1.parquet"), n_jobs=n_jobs, **PLAIN)
