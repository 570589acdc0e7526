"""MLflow integration of xent-metrics: every run carries its decomposition.

Importing it loads neither MLflow nor xent_metrics: MLflow itself imports it, to find
the evaluator, whenever ``mlflow.models.evaluate`` is called.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._autolog import autolog
    from ._comparison import log_comparison
    from ._cv import log_cv_results
    from ._evaluator import XentEvaluator
    from ._log import log_evaluation
    from ._result import LogError, LogResult, NotLoggedWarning
    from ._runs import compare_runs, runs_frame
    from ._search import log_search

__all__ = [
    "LogError",
    "LogResult",
    "NotLoggedWarning",
    "XentEvaluator",
    "autolog",
    "compare_runs",
    "log_comparison",
    "log_cv_results",
    "log_evaluation",
    "log_search",
    "runs_frame",
]

_HOMES = {
    "LogError": "_result",
    "LogResult": "_result",
    "NotLoggedWarning": "_result",
    "XentEvaluator": "_evaluator",
    "autolog": "_autolog",
    "compare_runs": "_runs",
    "log_comparison": "_comparison",
    "log_cv_results": "_cv",
    "log_evaluation": "_log",
    "log_search": "_search",
    "runs_frame": "_runs",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
