"""Logging evaluations to runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._items import items

if TYPE_CHECKING:
    from xent_metrics import Evaluation


@dataclass(frozen=True, kw_only=True)
class LogResult:
    """What was logged where.

    Attributes
    ----------
    run_id : str
        The run that holds it.
    metrics : dict of str to float
        The metrics by key.
    left_out : dict of str to float
        Terms that are not finite; a tag of the run lists them.
    """

    run_id: str
    metrics: dict[str, float]
    left_out: dict[str, float]


def log_evaluation(
    evaluation: Evaluation,
    *,
    split: str = "test",
    run_id: str | None = None,
    step: int = 0,
) -> LogResult:
    """Log the decomposition of an evaluation to an MLflow run, in one batch.

    Parameters
    ----------
    evaluation : Evaluation
        From ``Evaluation.from_estimator`` or ``from_predictions``.
    split : str, default "test"
        The data it was made on; part of each key, ``xent/<split>/<term>``.
    run_id : str, optional
        The run. Default: the active run; with none, a run is started.
    step : int, default 0
        The step of the metrics.

    Returns
    -------
    LogResult
        The run's id and what was logged.

    Raises
    ------
    ValueError
        If the split's name cannot be part of a key.

    Examples
    --------
    >>> import mlflow
    >>> from xent_metrics import Evaluation
    >>> from xent_metrics_mlflow import log_evaluation
    >>> evaluation = Evaluation.from_predictions([0, 1] * 100, [0.2, 0.7] * 100)
    >>> with mlflow.start_run():
    ...     result = log_evaluation(evaluation)
    >>> round(result.metrics["xent/test/cross_entropy"], 4)
    0.2899
    """
    from . import _client  # noqa: PLC0415 - MLflow is loaded when first used

    what = items(evaluation, split)
    run = run_id or _client.current_run_id()
    _client.send(what, run, step)
    return LogResult(run_id=run, metrics=what.metrics, left_out=what.left_out)
