"""A page is written wholly or not at all."""

import os

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
        match="path must be that of a file: .* is a folder; add a file's name",
    ):
        write(tmp_path, "text")
