"""Sending entries from another process, so that a training keeps its interpreter.

Drawing a page and talking to a server take about a second of Python, which a thread
would take from the training. The process ends after one attempt per entry.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .spool import VARIABLE

_COMMAND = "xent_metrics_mlflow"  # not __package__: this room has no __main__
_LONGEST = 600.0  # seconds; MLflow's tries are bounded in a replay


def replay_in_other_process(uri: str, folders: Sequence[Path]) -> None:
    """Replay entries of one spool; those that could not be sent stay in it."""
    if not folders or not sys.executable:
        return
    command = [
        *(sys.executable, "-m", _COMMAND, "replay", "--gently"),
        *(folder.name for folder in folders),
    ]
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": uri,  # not an argument: other users can see those
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        VARIABLE: str(folders[0].parent),
    }
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(  # noqa: S603 - this interpreter, and names of entries
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a signal that stops the training does not stop it
            timeout=_LONGEST,
            check=False,
        )
