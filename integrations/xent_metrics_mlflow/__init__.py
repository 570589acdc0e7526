"""MLflow integration of xent-metrics: every run carries its decomposition."""

from ._log import log_evaluation
from ._result import LogError, LogResult, NotLoggedWarning

__all__ = ["LogError", "LogResult", "NotLoggedWarning", "log_evaluation"]
