"""Files of every format, in folders, globs and at addresses."""

import functools
import gzip
import http.server
import json
import re
import threading

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
from pyarrow import feather  # noqa: E402 - where the tests are not skipped

from xent_metrics import Evaluation, SkippedPartWarning, scan  # noqa: E402
from xent_metrics._scan import streams  # noqa: E402 - bounds what is read at once
from xent_metrics._scan.addresses import redacted  # noqa: E402 - what is written

from .conftest import drawn  # noqa: E402

COLUMNS = {"target": "y", "proba": "p_", "by": "site"}
PLAIN = {**COLUMNS, "recalibration": "none"}
NAMES = np.array(["cat", "NA", "01"])


@pytest.fixture(scope="module")
def rows():
    """Four hundred rows of three classes, whose names look like something else."""
    found = drawn(400, 3)
    named = {f"p_{place}": f"p_{name}" for place, name in enumerate(NAMES)}
    return found.assign(y=NAMES[found["y"]]).rename(columns=named)


def as_lines(frame):
    return frame.to_json(orient="records", lines=True, double_precision=15)


def write(frame, path):
    """Write a frame in the format that a name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name
    if name.endswith((".parquet", ".pq")):
        frame.to_parquet(path, index=False)
    elif name.endswith((".feather", ".arrow")):
        feather.write_feather(pa.Table.from_pandas(frame), str(path))
    elif name.endswith(".arrows"):
        table = pa.Table.from_pandas(frame)
        with pa.ipc.new_stream(str(path), table.schema) as stream:
            stream.write_table(table, max_chunksize=70)
    else:
        of_csv = ".csv" in name or ".tsv" in name
        separator = "\t" if ".tsv" in name else ","
        text = frame.to_csv(index=False, sep=separator) if of_csv else as_lines(frame)
        content = text.encode()
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return path


def of(evaluation):
    found = evaluation.decomposition
    return [found.n, *evaluation.by_group["n"], round(found.cross_entropy, 9)]


@pytest.fixture
def expected(rows):
    whole = Evaluation.from_frame(
        rows, target="y", proba="p_", recalibration="none"
    ).decomposition
    sizes = rows.groupby("site").size()
    return [whole.n, *sizes, round(whole.cross_entropy, 9)]


FORMATS = (
    *("csv", "tsv", "csv.gz", "jsonl", "ndjson", "json", "jsonl.gz"),
    *("parquet", "pq", "arrow", "feather", "arrows"),
)


@pytest.mark.parametrize("suffix", FORMATS)
def test_one_file_gives_the_numbers_of_the_frame(
    rows, tmp_path, expected, suffix, monkeypatch
):
    monkeypatch.setattr(streams, "_LEAST_ROWS", 90)
    monkeypatch.setattr(streams, "_VALUES_AT_ONCE", 1)
    monkeypatch.setattr(streams, "_LINES_AT_ONCE", 50)
    path = write(rows, tmp_path / f"x.{suffix}")
    assert of(scan(path, **PLAIN)) == expected


@pytest.mark.parametrize("suffix", ["csv", "jsonl.gz", "parquet", "arrow"])
class TestFolders:
    def test_folders_that_say_a_column_are_read(self, rows, tmp_path, expected, suffix):
        for site, part in rows.groupby("site"):
            path = tmp_path / f"site={site}" / f"part-0.{suffix}"
            write(part.drop(columns="site"), path)
        assert of(scan(tmp_path, **PLAIN)) == expected
        assert of(scan(f"{tmp_path}/site=*/part-*.{suffix}", **PLAIN)) == expected
        found = scan(f"{tmp_path}/site=[ns]*/*.{suffix}", **PLAIN)
        assert found.by_group.index.tolist() == ["north", "south"]

    def test_a_file_that_lacks_a_column_is_refused(self, rows, tmp_path, suffix):
        write(rows, tmp_path / f"1.{suffix}")
        write(rows.drop(columns="p_01"), tmp_path / f"2.{suffix}")
        if "json" in suffix:  # whose fields may be in any line
            with pytest.raises(ValueError, match=r"2\.\w+.*: y_proba .*missing"):
                scan(tmp_path, **PLAIN)
            return
        message = r"in .*2\..*'p_01' is not a column of the file"
        with pytest.raises(KeyError, match=message):
            scan(tmp_path, **PLAIN)


def test_labels_of_csv_are_numbers_where_those_of_all_files_are(tmp_path):
    lines = "y,p\n" + "0,0.2\n1,0.8\n" * 200
    (tmp_path / "1.csv").write_text(lines)
    assert scan(tmp_path, target="y", proba="p").labels == (0, 1)
    (tmp_path / "2.csv").write_text("y,p\n01,0.5\n")
    with pytest.raises(ValueError, match="labels must be given where proba is one"):
        scan(tmp_path, target="y", proba="p")


def test_the_keys_of_csv_are_as_written(rows, tmp_path):
    write(rows.assign(site="007"), tmp_path / "1.csv")
    write(rows.assign(site="7"), tmp_path / "2.csv")
    assert scan(tmp_path, **PLAIN).by_group.index.tolist() == ["007", "7"]


def test_lists_and_structs_of_json_hold_all_probabilities(rows, tmp_path):
    names = [f"p_{name}" for name in NAMES]
    probabilities = rows[names].to_numpy().tolist()
    named = [dict(zip(NAMES.tolist(), one, strict=True)) for one in probabilities]
    table = rows[["y", "site"]].assign(p=named, q=probabilities)
    lines = table.to_dict("records")
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    expected = scan(write(rows, tmp_path / "x.csv"), **PLAIN).decomposition
    given = {"target": "y", "recalibration": "none"}
    found = scan(path, proba="p", **given)
    assert found.labels == tuple(NAMES)
    assert found.decomposition.cross_entropy == pytest.approx(
        expected.cross_entropy, rel=1e-12
    )
    found = scan(path, proba="q", labels=NAMES.tolist(), **given).decomposition
    assert found.cross_entropy == pytest.approx(expected.cross_entropy, rel=1e-12)


BAD_LINES = {
    '{"y": 1, "p": 0.5}\n{"y": \n': r"x\.jsonl is not \(line 2 is not JSON, Expecting",
    '[{"y": 1, "p": 0.5}]\n': r"x\.jsonl is not \(line 1 holds no object, and each",
    '{"y": 1, "p": 0.5}\n{"y": "a", "p": 0.5}\n': r"one kind: 'y' is not, from line 1",
}


@pytest.mark.parametrize("text", BAD_LINES)
def test_lines_that_are_no_objects_of_one_kind_are_named(tmp_path, text):
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises((OSError, ValueError), match=BAD_LINES[text]):
        scan(path, target="y", proba="p")


@pytest.mark.parametrize("suffix", ["csv.gz", "jsonl.gz", "arrow"])
def test_a_file_that_ends_early_is_named_or_skipped(rows, tmp_path, suffix):
    path = write(rows, tmp_path / f"1.{suffix}")
    write(rows, tmp_path / f"2.{suffix}")
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(OSError, match=r"readable: .*1\..* is not \(.*; mend"):
        scan(tmp_path, **PLAIN)
    with pytest.warns(SkippedPartWarning, match="1 of 2 parts are left out"):
        found = scan(tmp_path, on_bad="skip", **PLAIN).decomposition
    assert (found.n, found.n_skipped) == (400, 1)


def test_rows_with_more_fields_than_names_are_refused(tmp_path):
    (tmp_path / "x.csv").write_text("y,p\n0,0.5,1\n")
    with pytest.raises(ValueError, match="one field per column in every row"):
        scan(tmp_path / "x.csv", target="y", proba="p")


def test_a_folder_of_several_formats_is_refused_by_name(rows, tmp_path):
    write(rows, tmp_path / "1.csv")
    write(rows, tmp_path / "2.parquet")
    with pytest.raises(ValueError, match=r"one format: found '.*1\.csv' and '.*2"):
        scan(tmp_path, **PLAIN)
    assert scan(f"{tmp_path}/*.csv", **PLAIN).decomposition.n == 400
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"must end in one of .*found '.*notes\.txt'"):
        scan(f"{tmp_path}/*.[ct]*", **PLAIN)


def test_a_name_without_a_suffix_is_parquet(rows, tmp_path, expected):
    rows.to_parquet(tmp_path / "part-00000", index=False)
    assert of(scan(tmp_path, **PLAIN)) == expected


class TestGlobs:
    def test_one_that_matches_nothing_is_refused(self, tmp_path):
        for pattern in ("*.csv", "none/*.csv", "**/x.csv"):
            with pytest.raises(FileNotFoundError, match="must match files: none matc"):
                scan(f"{tmp_path}/{pattern}", **PLAIN)

    def test_it_finds_files_at_any_depth_and_those_of_folders(self, rows, tmp_path):
        for name in ("a.csv", "b/c.csv", "b/d/e.csv", "b/_f.csv", ".g/h.csv"):
            write(rows, tmp_path / name)
        for pattern, n in (("**/*.csv", 3), ("b/**", 2), ("*", 3), ("?/*", 2)):
            found = scan(f"{tmp_path}/{pattern}", **PLAIN).decomposition.n
            assert (pattern, found) == (pattern, 400 * n)

    def test_a_relative_one_is_of_the_current_folder(self, rows, tmp_path, monkeypatch):
        write(rows, tmp_path / "a.csv")
        monkeypatch.chdir(tmp_path)
        assert scan("*.csv", **PLAIN).decomposition.n == 400

    def test_a_file_may_have_its_signs_in_its_name(self, rows, tmp_path):
        write(rows, tmp_path / "day[1]*.csv")
        write(rows, tmp_path / "day1.csv")
        assert scan(tmp_path / "day[1]*.csv", **PLAIN).decomposition.n == 400

    def test_it_may_be_one_of_several(self, rows, tmp_path):
        write(rows, tmp_path / "a1.csv")
        write(rows, tmp_path / "a2.csv")
        write(rows, tmp_path / "b.csv")
        found = scan([f"{tmp_path}/a*.csv", tmp_path / "b.csv"], **PLAIN)
        assert found.decomposition.n == 1200


class Ranges(http.server.SimpleHTTPRequestHandler):
    """A folder over HTTP, whose files are read from any byte on."""

    def send_head(self):
        if self.path.startswith("/closed"):
            return self.send_error(403)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            return super().send_head()
        path = self.translate_path(self.path)
        with open(path, "rb") as file:  # noqa: PTH123 - as its base class
            content = file.read()
        first, last = int(asked[1]), int(asked[2] or len(content) - 1)
        part = content[first : last + 1]
        self.send_response(206)
        last = first + len(part) - 1
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)
        return None

    def log_message(self, *args):
        """Be silent."""


@pytest.fixture
def server(tmp_path):
    """The address of a folder that is served on this machine."""
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    handler = functools.partial(Ranges, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


class TestAddresses:
    @pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz", "jsonl", "arrow"])
    def test_files_of_a_server_are_read(self, rows, tmp_path, server, expected, suffix):
        write(rows, tmp_path / f"x.{suffix}")
        address = f"http://{server}/x.{suffix}?signature=secret"
        assert of(scan(address, **PLAIN)) == expected

    def test_what_a_server_has_not_is_told_without_credentials(self, server):
        for name, why in (("none", r"' \(404"), ("closed", r"' \(403")):
            address = f"http://ann:secret@{server}/{name}.csv?signature=secret"
            message = rf"there is no 'http://127\..*/{name}\.csv{why}"
            with pytest.raises(FileNotFoundError, match=message) as error:
                scan(address, **PLAIN)
            assert "secret" not in str(error.value)

    @pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
    def test_file_systems_of_fsspec_are_read(self, rows, tmp_path, expected, suffix):
        fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
        memory = fsspec.filesystem("memory")
        for site, part in rows.groupby("site"):
            path = write(part.drop(columns="site"), tmp_path / f"{site}.{suffix}")
            memory.pipe(f"/rows/site={site}/0.{suffix}", path.read_bytes())
        try:
            for name in ("memory://rows", f"memory://rows/site=*/*.{suffix}"):
                assert of(scan(name, **PLAIN)) == expected
            with pytest.raises(FileNotFoundError, match="must match files: none match"):
                scan("memory://rows/none=*/x", **PLAIN)
        finally:
            memory.rm("/rows", recursive=True)

    def test_what_is_not_installed_is_named(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "fsspec.core", None)
        message = r"reading https:// needs fsspec: .* pip install 'fsspec\[http\]'\."
        with pytest.raises(ImportError, match=message):
            scan("https://ann:secret@host/x.csv", **PLAIN)

    @pytest.mark.parametrize("name", ["s3://KEY:SEC/RET@b/x.csv", "gs://a:SECRET@b/x"])
    def test_an_address_that_is_none_is_told_without_credentials(self, name):
        with pytest.raises(FileNotFoundError, match="there is no '") as error:
            scan(name, **PLAIN)
        assert not {"KEY", "SEC", "RET", "SECRET"} & {
            *re.split(r"\W", str(error.value))
        }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://k:s@bucket/a/b.csv?x=1#y", "s3://bucket/a/b.csv"),
        ("s3://k:s/r@bucket/a", "s3://bucket/a"),
        ("of 'https://u@h/x?sig=a;b' and C://d", "of 'https://h/x' and C://d"),
        ("/local/a@b?c.csv", "/local/a@b?c.csv"),
        ("https://host/a@1/x.csv", "https://host/a@1/x.csv"),
    ],
)
def test_addresses_are_shown_without_credentials(text, expected):
    assert redacted(text) == expected
