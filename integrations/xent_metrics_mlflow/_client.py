"""How to log: the one file that talks to a tracking server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag

if TYPE_CHECKING:
    from ._items import Items


def current_run_id() -> str:
    """The active run, or a new one as ``mlflow.log_metrics`` starts it."""
    run = mlflow.active_run() or mlflow.start_run()
    run_id: str = run.info.run_id
    return run_id


def send(items: Items, run_id: str, step: int) -> None:
    """Write metrics and tags to a run in one batch."""
    now = int(time.time() * 1000)
    MlflowClient().log_batch(
        run_id,
        metrics=[Metric(key, value, now, step) for key, value in items.metrics.items()],
        tags=[RunTag(key, value) for key, value in items.tags.items()],
    )
