"""``python -m xent_metrics_mlflow status | replay | purge``: what waits to be sent."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ._delivery import spool
from ._delivery.address import lasting
from ._delivery.send import job_again, send, told

_BOUNDED = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
_CREDENTIALS = (
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_AWS_SIGV4",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
)
_TO_DO = """
{} in {root}, {}. Mend what the last attempts say, then:
    python -m xent_metrics_mlflow replay [NAME ...]         sends them, each once
    python -m xent_metrics_mlflow replay NAME --run-id ID   sends it to another run
    python -m xent_metrics_mlflow purge NAME ...            deletes them unsent"""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 1 if entries still wait, 2 if it cannot be run, else 0."""
    options = _parser().parse_args(arguments)
    try:
        folders = _chosen(options.entry)
        status: int = options.run(folders, options)
    except (OSError, ValueError) as error:
        print(told(error), file=sys.stderr)  # noqa: T201 - a command prints
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m xent_metrics_mlflow",
        description="Entries of the spool, which are not yet logged to MLflow runs.",
        epilog=(
            f"The spool is the folder that {spool.VARIABLE} names, or else "
            f"{spool.root()}. A replay sends the credentials of its environment to "
            "MLFLOW_TRACKING_URI, or to --tracking-uri, and to no other address."
        ),
    )
    commands = parser.add_subparsers(required=True, metavar="status | replay | purge")
    for name, run, text in (
        ("status", status, "list what waits; exit with 1 if something does"),
        ("replay", replay, "send it; exit with 1 if some of it still waits"),
        ("purge", purge, "delete it unsent"),
    ):
        command = commands.add_parser(name, help=text, description=f"{text}.")
        command.add_argument("entry", nargs="*", help="names or paths; default: all")
        command.set_defaults(run=run)
        if name == "replay":
            command.add_argument(
                "--tracking-uri", help="where to send; default: where each was to go"
            )
            command.add_argument(
                "--run-id", help="the run for one entry whose own run is gone"
            )
        if name == "purge":
            command.add_argument(
                "--all", action="store_true", help="every entry, where none is named"
            )
    return parser


def status(folders: Sequence[Path], _options: argparse.Namespace) -> int:
    """Print one line per entry, and what can be done with them."""
    for folder in folders:
        _say(folder, _told_of(folder))
    if folders:
        _print(_TO_DO.format(*_amount(folders), root=spool.root()))
    else:
        _say_nothing_waits()
    return int(bool(folders))


def replay(folders: Sequence[Path], options: argparse.Namespace) -> int:
    """Send entries, the oldest first; one that fails stays in the spool."""
    failed = 0
    if options.run_id is not None and len(options.entry) != 1:
        msg = (
            "--run-id must come with the name of one entry: found "
            f"{len(options.entry)}; see status."
        )
        raise ValueError(msg)
    spool.sweep(spool.root())
    if not folders:
        _say_nothing_waits()
    for folder in folders:
        try:
            error = _replay(folder, options.tracking_uri, options.run_id)
        except FileNotFoundError:
            error = None  # another process has sent it
        except (ImportError, OSError, ValueError) as found:
            error = told(found)
        failed += error is not None
        _say(folder, "sent" if error is None else error)
    return int(failed > 0)


def purge(folders: Sequence[Path], options: argparse.Namespace) -> int:
    """Delete entries without sending them."""
    if not options.entry and not options.all:
        msg = "purge must know what to delete: no entry is named; name some, or --all."
        raise ValueError(msg)
    spool.sweep(spool.root())
    if not folders:
        _say_nothing_waits()
    for folder in folders:
        spool.remove(folder)
        _say(folder, "deleted")
    return 0


def _replay(folder: Path, tracking_uri: str | None, run_id: str | None) -> str | None:
    """Send one entry; return why that failed, or None. Sent twice it is logged once."""
    entry = spool.read(folder)
    if run_id is not None:
        entry = replace(entry, run_id=run_id)
    from . import _client  # noqa: PLC0415 - status and purge need no MLflow

    own = os.environ.get("MLFLOW_TRACKING_URI", "")
    is_own = tracking_uri is not None or bool(own and lasting(own) == entry.address)
    uri = tracking_uri or (own if is_own else entry.address)
    job = job_again(folder, entry, uri, _client)
    with contextlib.nullcontext() if is_own else _without_credentials():
        send(job)
    return None if job.error is None else job.explain()


@contextlib.contextmanager
def _without_credentials() -> Iterator[None]:
    """Keep the environment's credentials from an address that is not its own."""
    kept = {name: os.environ.pop(name) for name in _CREDENTIALS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def _chosen(names: Sequence[str]) -> list[Path]:
    """The entries that are named, or all of them; a path names one out of the spool."""
    found = {folder.name: folder for folder in spool.entries(spool.root())}
    for name in names:
        path = Path(name).expanduser().absolute()
        if name not in found and os.sep in name and spool.is_entry(path):
            found[name] = path
        if name not in found:
            msg = (
                f"entry must be the name of one in {spool.root()}: found {name!r}; "
                "see status for the names."
            )
            raise ValueError(msg)
    return [found[name] for name in names] if names else list(found.values())


def _told_of(folder: Path) -> str:
    try:
        entry = spool.read(folder)
    except (OSError, ValueError) as error:
        return told(error)
    known = spool.state(folder)
    age = _age(time.time() - entry.timestamp / 1000)
    run = entry.run_id or known.run_id or "a new run"
    words = [f"{entry.folder} of {run} at {entry.address}, {age} old"]
    if known.error:
        tries = "1 attempt" if known.attempts == 1 else f"{known.attempts} attempts"
        words.append(f"{tries}, the last: {known.error}")
    else:
        words.append("not tried to the end yet")
    return "; ".join(words)


def _amount(folders: Sequence[Path]) -> tuple[str, str]:
    """How many entries there are, and how large they are."""
    size = 0
    for folder in folders:
        with contextlib.suppress(OSError):  # another process has sent it
            size += sum(path.stat().st_size for path in folder.iterdir())
    count = "1 entry waits" if len(folders) == 1 else f"{len(folders)} entries wait"
    return count, f"{size / 1e6:.1f} MB"


def _age(seconds: float) -> str:
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"


def _say(folder: Path, text: str) -> None:
    _print(f"{folder.name}: {text}")


def _say_nothing_waits() -> None:
    _print(f"the spool is empty: {spool.root()}")


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command prints


def _bound() -> None:
    """Limit MLflow's retries and timeouts, which take minutes by default."""
    for name, value in _BOUNDED.items():
        os.environ.setdefault(name, value)
    # These would attach the metrics to a model that the entry does not name.
    for name in ("MLFLOW_ACTIVE_MODEL_ID", "_MLFLOW_ACTIVE_MODEL_ID"):
        os.environ.pop(name, None)


if __name__ == "__main__":
    _bound()
    sys.exit(main())
