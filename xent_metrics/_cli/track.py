"""Logging an evaluation to MLflow, where ``--mlflow`` asks for it."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import redirect_stdout
from typing import Any

from .._evaluation.evaluation import Evaluation
from .errors import UsageError


def refuse_without_mlflow() -> None:
    """One sentence before any work is done."""
    if importlib.util.find_spec("mlflow") is None:
        msg = (
            "--mlflow needs the extra 'mlflow': it is not installed; "
            "pip install 'xent-metrics[mlflow]'."
        )
        raise UsageError(msg)


def log(evaluation: Evaluation, split: str, by: Any = None) -> str | None:
    """Log to the active run, that of MLFLOW_RUN_ID, or a new one; return its id.

    Where no server answers it is None, and a warning says where the evaluation waits.
    """
    import mlflow  # noqa: PLC0415 - an extra

    from xent_metrics_mlflow import log_evaluation  # noqa: PLC0415 - an extra

    was_active = mlflow.active_run() is not None
    # MLflow tells of runs on standard output, which is the results' alone.
    with redirect_stdout(sys.stderr):
        logged = log_evaluation(evaluation, split=split, by=by, on_error="warn")
        if not was_active:
            mlflow.end_run()
    return logged.run_id
