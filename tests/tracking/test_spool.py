"""Entries on disk, addresses without secrets, and the commands that send them."""

import math
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from xent_metrics_mlflow import log_evaluation
from xent_metrics_mlflow.__main__ import main
from xent_metrics_mlflow._delivery import spool
from xent_metrics_mlflow._delivery.address import lasting, without_secrets

from .conftest import entry

QUICK = {"page": False}
RUN = "a" * 32


class TestSpool:
    @pytest.fixture(autouse=True)
    def _isolated(self, tracking):
        pass

    def test_only_the_user_can_read_it(self):
        folder = spool.write(entry(), {"a.json": b"{}"}, spool.root())
        for path in (spool.root(), folder):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for path in folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_it_reads_back(self):
        given = entry(
            run_id=None,
            experiment={"name": "ü"},
            metrics={"a": 0.1 + 0.2, "b": 5e-324, "c": -0.0, "d": 1e308},
            model_ids=("m-1",),
            dataset={"name": "n", "digest": "d"},
            later=("report.html",),
        )
        assert spool.read(spool.write(given, {}, spool.root())) == given

    def test_the_folder_of_the_user(self, monkeypatch, tmp_path):
        monkeypatch.delenv("XENT_METRICS_SPOOL")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        monkeypatch.setattr(sys, "platform", "linux")
        assert spool.root() == tmp_path / "state" / "xent-metrics" / "spool"
        monkeypatch.setattr(sys, "platform", "darwin")
        assert spool.root().parts[-4:-2] == ("Library", "Application Support")
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
        assert spool.root() == tmp_path / "local" / "xent-metrics" / "spool"

    def test_half_an_entry_is_none_and_is_swept(self):
        root = spool.root()
        folder = spool.write(entry(), {}, root)
        half = root / ".new-0"
        half.mkdir()
        gone = folder.rename(root / f".sent-{folder.name}")
        assert spool.entries(root) == []
        spool.sweep(root)
        assert half.exists()
        assert not gone.exists()
        os.utime(half, (1, 1))
        spool.sweep(root)
        assert not half.exists()

    def test_metrics_that_json_does_not_know(self):
        with pytest.raises(ValueError, match="not JSON compliant"):
            spool.write(entry(metrics={"a": math.nan}), {}, spool.root())
        assert list(spool.root().iterdir()) == []

    def test_taken_away_twice(self):
        folder = spool.write(entry(), {}, spool.root())
        spool.remove(folder)
        spool.remove(folder)
        assert list(spool.root().iterdir()) == []


class TestSecrets:
    @pytest.mark.parametrize(
        ("uri", "kept"),
        [
            ("https://u:p@h.org:5000/a?token=t#f", "https://h.org:5000/a"),
            ("http://h.org", "http://h.org"),
            ("postgresql://u:p@db/runs?password=p", "postgresql://db/runs"),
            ("databricks", "databricks"),
            ("https://u:p@ss@h.org/a", "https://h.org/a"),
            ("https://u:p@s@s@h.org:5000", "https://h.org:5000"),
            ("https://u:p/s@h.org/a", "https://h.org/a"),
            ("https://u:p#s?s@h.org:1/a", "https://h.org:1/a"),
            ("http://[::1]:5000/a@b", "http://[::1]:5000/a@b"),
            ("postgresql://u:p@ss@db/runs", "postgresql://db/runs"),
        ],
    )
    def test_of_an_address(self, uri, kept):
        assert lasting(uri) == kept

    def test_relative_paths_last(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert lasting("sqlite:///a.db") == f"sqlite:///{tmp_path}/a.db"
        assert lasting(f"sqlite:///{tmp_path}/a.db") == f"sqlite:///{tmp_path}/a.db"
        assert lasting("./mlruns") == (tmp_path / "mlruns").as_uri()
        assert lasting("file:///a/b") == "file:///a/b"

    def test_of_a_message(self):
        told = without_secrets("GET https://u:p@h/x?token=t failed; is it up?")
        assert told == "GET https://h/x failed; is it up?"

    def test_of_a_driver_that_takes_a_password_for_a_host(self):
        uri = "postgresql://u:hun@ter@2@db/runs"
        for host in ("ter@2@db", "2@db"):
            told = without_secrets(f'no host "{host}" at {uri}; is it up?', uri)
            assert told == 'no host "db" at postgresql://db/runs; is it up?'

    @pytest.mark.parametrize("password", ["hunter2", "hun@hunter2"])
    def test_nothing_on_disk_has_them(
        self, tracking, refusing, evaluation, said, password
    ):
        found = refusing(403)
        port = found.server_port
        tracking.set_tracking_uri(f"http://me:{password}@127.0.0.1:{port}")
        result = log_evaluation(evaluation, run_id=RUN, deadline=60, **QUICK)
        written = b"".join(path.read_bytes() for path in result.spooled.iterdir())
        assert f"http://127.0.0.1:{port}".encode() in written
        assert b"hunter2" not in written
        assert "hunter2" not in f"{result}{[each.getMessage() for each in said]}"

    def test_a_replay_takes_those_of_its_environment(
        self, tracking, refusing, evaluation, monkeypatch
    ):
        found = refusing(403)
        uri = f"http://me:hunter2@127.0.0.1:{found.server_port}"
        tracking.set_tracking_uri(uri)
        log_evaluation(evaluation, run_id=RUN, deadline=60, **QUICK)
        sent = []
        monkeypatch.setattr(
            "xent_metrics_mlflow.__main__.send", lambda job: sent.append(job.uri)
        )
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        main(["replay"])
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
        main(["replay"])
        assert sent == [uri, f"http://127.0.0.1:{found.server_port}"]

    def test_an_address_of_no_environment_gets_none(
        self, tracking, refusing, monkeypatch
    ):
        found, planted = refusing(403), refusing(403)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hunter2")
        for each in (found, planted):
            spool.write(entry(address=each.uri), {}, spool.root())
        monkeypatch.setenv("MLFLOW_TRACKING_URI", found.uri)
        assert main(["replay"]) == 1
        assert [each.get("Authorization") for each in found.headers] == [
            "Bearer hunter2"
        ]
        assert [each.get("Authorization") for each in planted.headers] == [None]
        assert "MLFLOW_TRACKING_TOKEN" in os.environ


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such users")
class TestSharedSpool:
    @pytest.fixture(autouse=True)
    def _isolated(self, tracking):
        pass

    @pytest.fixture
    def of_another(self, monkeypatch):
        """Make a path another user's, by what the system says of it."""
        theirs, lstat = set(), Path.lstat

        def told(path):
            found = lstat(path)
            if path not in theirs:
                return found
            return os.stat_result([*found[:4], os.geteuid() + 1, *found[5:10]])

        monkeypatch.setattr(Path, "lstat", told)
        return theirs.add

    def test_entries_of_others_are_let_be(self, of_another, capsys, refusing):
        own = spool.write(entry(), {}, spool.root())
        foreign = spool.write(entry(address=refusing(403).uri), {}, spool.root())
        of_another(foreign)
        assert spool.entries(spool.root()) == [own]
        assert main(["status"]) == 1
        assert main(["purge", foreign.name]) == 2
        assert main(["purge", "--all"]) == 0
        assert foreign.name not in capsys.readouterr().out
        assert foreign.exists()
        assert main(["replay"]) == 0

    def test_half_entries_of_others_are_let_be(self, of_another):
        spool.root().mkdir()
        half = spool.root() / ".sent-0"
        half.mkdir()
        of_another(half)
        spool.sweep(spool.root())
        assert half.exists()

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0,
        reason="only root can give files to others",
    )
    def test_those_that_cannot_be_read(self):
        own = spool.write(entry(), {}, spool.root())
        foreign = spool.write(entry(), {}, spool.root())
        for path in (foreign, *foreign.iterdir()):
            os.chown(path, 65534, 65534)
        assert spool.entries(spool.root()) == [own]

    def test_links_are_not_followed(self, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("hunter2")
        real = spool.write(entry(), {"a.json": b"{}"}, tmp_path / "elsewhere")
        (real / "b.json").symlink_to(secret)
        assert spool.files(real) == [real / "a.json"]
        spool.root().mkdir()
        (spool.root() / real.name).symlink_to(real)
        assert spool.entries(spool.root()) == []
        assert not spool.is_entry(spool.root() / real.name)


class TestCommands:
    @pytest.fixture(autouse=True)
    def _isolated(self, tracking):
        pass

    def test_nothing_waits(self, capsys):
        assert main(["status"]) == 0
        assert main(["replay"]) == 0
        assert main(["purge", "--all"]) == 0
        told = capsys.readouterr().out.splitlines()
        assert told == [f"the spool is empty: {spool.root()}"] * 3

    def test_what_waits_is_told(self, capsys):
        now = time.time_ns() // 1_000_000
        days = spool.write(entry(timestamp=now - 2 * 86_400_000), {}, spool.root())
        spool.note(days, spool.State(attempts=2, error="no answer"))
        new = spool.write(entry(run_id=None, timestamp=now), {}, spool.root())
        assert main(["status"]) == 1
        told = capsys.readouterr().out.splitlines()
        assert told[0] == (
            f"{days.name}: xent/test of {RUN} at http://127.0.0.1:1, 2 d old; "
            "2 attempts, the last: no answer"
        )
        assert told[1].startswith(f"{new.name}: xent/test of a new run at http")
        assert told[1].endswith(" s old; not tried to the end yet")

    def test_what_can_be_done_is_told(self, capsys):
        for count in ("1 entry waits", "2 entries wait"):
            folder = spool.write(entry(), {"a": bytes(400_000)}, spool.root())
            spool.note(folder, spool.State(attempts=1, error="no answer"))
            assert main(["status"]) == 1
            told = capsys.readouterr().out
            assert "; 1 attempt, the last: no answer" in told
            assert f"\n\n{count} in {spool.root()}, 0." in told
            for command in ("replay", "purge"):
                assert f"    python -m xent_metrics_mlflow {command} " in told

    def test_purge_asks_for_names_or_all(self, capsys):
        folders = [spool.write(entry(), {}, spool.root()) for _ in range(3)]
        assert main(["purge"]) == 2
        assert "name some, or --all" in capsys.readouterr().err
        assert main(["purge", folders[1].name]) == 0
        left = [folders[0].name, folders[2].name]
        assert sorted(path.name for path in spool.entries(spool.root())) == sorted(left)
        assert main(["purge", "--all"]) == 0
        assert spool.entries(spool.root()) == []

    def test_names_that_are_none(self, capsys):
        assert main(["replay", "nothing"]) == 2
        told = capsys.readouterr().err
        assert "found 'nothing'; see status for the names." in told
        assert told.count("\n") == 1

    def test_an_entry_of_another_version(self, capsys):
        folder = spool.write(entry(schema=9), {}, spool.root())
        assert main(["status"]) == 1
        assert main(["replay"]) == 1
        told = capsys.readouterr().out
        assert "must be what this version wrote" in told
        assert "schema 9" in told
        assert folder.exists()

    def test_help(self, capsys):
        with pytest.raises(SystemExit, match="0"):
            main(["--help"])
        assert "XENT_METRICS_SPOOL" in capsys.readouterr().out
