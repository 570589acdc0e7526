"""MLflow integration of xent-metrics: every run carries its decomposition."""

from ._log import LogResult, log_evaluation

__all__ = ["LogResult", "log_evaluation"]
