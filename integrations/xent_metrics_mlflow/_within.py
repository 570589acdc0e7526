"""A call that may take no longer than some seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


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
