"""What ``xent-metrics evaluate --mlflow`` calls; an entry point of xent_metrics."""

from __future__ import annotations

import importlib.util
from typing import Any

from xent_metrics import Evaluation

from ._logging.log_evaluation import log_evaluation as log


def is_installed() -> bool:
    """Whether MLflow, which is an extra, is installed."""
    return importlib.util.find_spec("mlflow") is not None


def log_evaluation(evaluation: Evaluation, *, split: str, by: Any) -> str | None:
    """Log to the active run, that of MLFLOW_RUN_ID, or a new one; return its id.

    A new run is ended too. If no server answers, the id is None, and a warning says
    where the evaluation waits.
    """
    from . import _client  # noqa: PLC0415 - MLflow is loaded when first used

    was_active = _client.has_active_run()
    logged = log(evaluation, split=split, by=by, on_error="warn")
    if not was_active:
        _client.end_run()
    return logged.run_id
