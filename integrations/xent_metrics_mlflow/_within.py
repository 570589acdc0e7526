"""Calls within bounds: of time, and of what they say."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

_PROGRESS = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"


def within(limit: float, call: Callable[..., Any], **options: Any) -> Any:
    """What a call raises within some seconds; None where it returns."""
    silent = f"the server did not answer within {limit:g} seconds"
    raised: list[BaseException] = [TimeoutError(silent)]

    def run() -> None:
        try:
            call(**options)
            raised.clear()
        except Exception as error:  # noqa: BLE001 - handed to the caller
            raised[:] = [error]

    thread = threading.Thread(target=run, daemon=True, name="xent-metrics-ask")
    thread.start()
    thread.join(limit)
    return raised[0] if raised else None


@contextlib.contextmanager
def no_progress() -> Iterator[None]:
    """MLflow draws a bar for a single file too, unless its environment says not to."""
    before = os.environ.get(_PROGRESS)
    os.environ[_PROGRESS] = "false"
    try:
        yield
    finally:
        del os.environ[_PROGRESS]
        if before is not None:
            os.environ[_PROGRESS] = before
