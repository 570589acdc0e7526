"""A page is written wholly or not at all."""

import os
import socket
import stat

import pytest

from xent_metrics import Evaluation


@pytest.fixture
def write(hard, monkeypatch):
    """Write a page of some text, as an evaluation writes its own."""

    def call(path, text):
        monkeypatch.setattr(Evaluation, "to_html", lambda *_, **__: text)
        hard.write_html(path)

    return call


def test_the_page_is_utf_8_whatever_the_machine_prefers(write, tmp_path):
    path = tmp_path / "page.html"
    write(path, "Ünï ± 漢字")
    assert path.read_bytes() == "Ünï ± 漢字".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_a_path_may_be_text_and_what_was_there_is_replaced(write, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    write(str(path), "new")
    assert path.read_text() == "new"


def test_what_was_there_stays_if_writing_fails(write, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        write(path, "half \ud800")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, "new")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_a_link_keeps_pointing_at_its_file(write, tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "page.html", tmp_path / "link.html"
    target.write_text("old")
    link.symlink_to(target)
    write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_missing_folder_is_refused(write, tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match="path must be in a folder that exists: found no folder .*absent.*; "
        "create it first.",
    ):
        write(tmp_path / "absent" / "page.html", "text")


def test_a_folder_in_place_of_a_file_is_refused(write, tmp_path):
    with pytest.raises(
        IsADirectoryError,
        match="path must name a file: .* is a folder; add a file's name",
    ):
        write(tmp_path, "text")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [0o600, 0o640, 0o444])
def test_a_file_that_is_replaced_keeps_its_permissions(write, tmp_path, before):
    path = tmp_path / "page.html"
    path.write_text("old")
    path.chmod(before)
    write(path, "new")
    assert (path.read_text(), mode(path)) == ("new", before)


def test_a_new_file_has_the_permissions_that_the_process_gives(write, tmp_path):
    usual, path = tmp_path / "usual", tmp_path / "page.html"
    usual.touch()
    write(path, "new")
    assert mode(path) == mode(usual)


def test_the_owner_of_a_file_that_is_replaced_is_kept(write, tmp_path, monkeypatch):
    path, given = tmp_path / "page.html", []
    path.write_text("old")

    def chown(_, *owner):
        given.append(owner)
        raise PermissionError

    monkeypatch.setattr(os, "chown", chown)
    write(path, "new")
    assert given == [(path.stat().st_uid, path.stat().st_gid)]
    assert path.read_text() == "new"


REFUSED = (
    "path must name a regular file, or none yet: .* is a device, a pipe or a "
    "socket; pass a file's name, such as report.html."
)


def test_a_socket_stays_one(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as heard:
        heard.bind("socket")
        with pytest.raises(OSError, match=REFUSED):
            write("socket", "text")
    assert stat.S_ISSOCK((tmp_path / "socket").stat().st_mode)


def test_a_named_pipe_stays_one_also_behind_a_link(write, tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(OSError, match=REFUSED):
            write(path, "text")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_an_open_pipe_is_refused_by_its_number(write):
    reading, writing = os.pipe()
    try:
        with pytest.raises(OSError, match=REFUSED):
            write(f"/dev/fd/{writing}", "text")
    finally:
        os.close(reading)
        os.close(writing)


def test_a_link_to_nothing_becomes_that_of_the_page(write, tmp_path):
    link = tmp_path / "link.html"
    link.symlink_to(tmp_path / "page.html")
    write(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "page.html").read_text() == "new"


@pytest.mark.parametrize("path", [None, 3, b"page.html", "page\0.html"])
def test_what_is_no_path_is_refused(write, path):
    with pytest.raises(TypeError, match="path must be a path, as str or pathlib.Path"):
        write(path, "text")


@pytest.mark.parametrize("descriptor", [1, 2])
def test_the_file_that_is_printed_to_is_not_replaced(
    write, tmp_path, monkeypatch, descriptor
):
    log, fstat = tmp_path / "log.txt", os.fstat
    log.write_text("printed before")
    monkeypatch.setattr(
        os, "fstat", lambda one: log.stat() if one == descriptor else fstat(one)
    )
    with pytest.raises(
        OSError,
        match="path must name another file than the one that is printed to: .* is "
        "standard output or error; pass a file's name, such as report.html.",
    ):
        write(log, "text")
    assert log.read_text() == "printed before"


def test_a_name_that_the_disk_does_not_take_is_told_in_one_sentence(write, tmp_path):
    with pytest.raises(
        OSError, match=r"path must name a file that can be written: .* is not \(.*\); "
    ):
        write(tmp_path / ("a" * 300), "text")
    assert list(tmp_path.iterdir()) == []
