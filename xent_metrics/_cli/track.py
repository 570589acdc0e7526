"""Logging an evaluation to MLflow, where ``--mlflow`` asks for it.

What logs is found by its entry point: this package imports no integration.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from importlib.metadata import entry_points
from typing import Any, Protocol

from .._evaluation.evaluation import Evaluation
from .errors import UsageError

GROUP = "xent_metrics.trackers"


class Tracker(Protocol):
    """What an entry point of the group loads: an object, or a module of functions."""

    def is_installed(self) -> bool:
        """Whether the library that it logs with is installed."""

    def log_evaluation(
        self, evaluation: Evaluation, *, split: str, by: Any
    ) -> str | None:
        """Log to a run; return its id, or None if no server answers."""


def find_tracker() -> Tracker:
    """Find what logs to MLflow, or say in one sentence that it is not installed."""
    for entry in entry_points(group=GROUP, name="mlflow"):
        found: Tracker = entry.load()
        if found.is_installed():
            return found
    msg = (
        "--mlflow needs the extra 'mlflow': it is not installed; "
        "pip install 'xent-metrics[mlflow]'."
    )
    raise UsageError(msg)


def log(
    tracker: Tracker, evaluation: Evaluation, split: str, by: Any = None
) -> str | None:
    """Log to a run and return its id; None if no server answers, after a warning."""
    # MLflow tells of runs on standard output, which is the results' alone.
    with redirect_stdout(sys.stderr):
        return tracker.log_evaluation(evaluation, split=split, by=by)
