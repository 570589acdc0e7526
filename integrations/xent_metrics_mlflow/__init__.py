"""MLflow integration of xent-metrics: every run carries its decomposition.

Importing it loads neither MLflow nor xent_metrics: MLflow itself imports it, to find
the evaluator, whenever ``mlflow.models.evaluate`` is called.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._autolog import autolog
    from ._evaluator import XentEvaluator
    from ._log import log_evaluation
    from ._result import LogError, LogResult, NotLoggedWarning

__all__ = [
    "LogError",
    "LogResult",
    "NotLoggedWarning",
    "XentEvaluator",
    "autolog",
    "log_evaluation",
]

_HOMES = {
    "LogError": "_result",
    "LogResult": "_result",
    "NotLoggedWarning": "_result",
    "XentEvaluator": "_evaluator",
    "autolog": "_autolog",
    "log_evaluation": "_log",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
