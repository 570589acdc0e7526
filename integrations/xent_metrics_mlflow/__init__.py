"""MLflow integration of xent-metrics: every run has its decomposition.

Importing it loads neither MLflow nor xent_metrics: MLflow itself imports it, to find
the evaluator, whenever ``mlflow.models.evaluate`` is called.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._delivery.result import LogError, LogResult, NotLoggedWarning
    from ._evaluator.evaluator import XentEvaluator
    from ._logging.autolog import autolog
    from ._logging.log_comparison import log_comparison
    from ._logging.log_cv_results import log_cv_results
    from ._logging.log_drift import log_drift
    from ._logging.log_evaluation import log_evaluation
    from ._logging.log_over_time import log_over_time
    from ._logging.log_search import log_search
    from ._logging.reference import evaluation_from_run
    from ._reading.promote import Promotion, promote
    from ._reading.runs import compare_runs, runs_frame

__all__ = [
    "LogError",
    "LogResult",
    "NotLoggedWarning",
    "Promotion",
    "XentEvaluator",
    "autolog",
    "compare_runs",
    "evaluation_from_run",
    "log_comparison",
    "log_cv_results",
    "log_drift",
    "log_evaluation",
    "log_over_time",
    "log_search",
    "promote",
    "runs_frame",
]

_HOMES = {
    "LogError": "_delivery.result",
    "LogResult": "_delivery.result",
    "NotLoggedWarning": "_delivery.result",
    "Promotion": "_reading.promote",
    "XentEvaluator": "_evaluator.evaluator",
    "autolog": "_logging.autolog",
    "compare_runs": "_reading.runs",
    "evaluation_from_run": "_logging.reference",
    "log_comparison": "_logging.log_comparison",
    "log_cv_results": "_logging.log_cv_results",
    "log_drift": "_logging.log_drift",
    "log_evaluation": "_logging.log_evaluation",
    "log_over_time": "_logging.log_over_time",
    "log_search": "_logging.log_search",
    "promote": "_reading.promote",
    "runs_frame": "_reading.runs",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    if name.startswith("_"):
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg, name=name)
    no_name = importlib.import_module("._calls", __name__).no_name
    raise no_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
