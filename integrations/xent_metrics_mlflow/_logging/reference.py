"""The evaluation that a run was logged with, to compare later rows with."""

from __future__ import annotations

from xent_metrics import Evaluation

from .._calls import public
from .._items.artifacts import RESULT
from .._items.items import folder_of
from .._items.keys import check_id


@public
def evaluation_from_run(run_id: str, *, split: str = "test") -> Evaluation:
    """Read back the evaluation that a run was logged with.

    Parameters
    ----------
    run_id : str
        The run.
    split : str, default "test"
        What the evaluation was logged as.

    Returns
    -------
    Evaluation
        Without its rows. It can be the reference of :func:`xent_metrics.drift` and
        :func:`xent_metrics.expected_loss`, unless it was logged by an earlier build,
        whose documents lack what these need.

    Raises
    ------
    OSError
        If MLflow cannot answer.
    TypeError
        If ``run_id`` is no text.
    ValueError
        If there is no such run, or if it has no evaluation of that split.

    Examples
    --------
    >>> import mlflow
    >>> from xent_metrics import Evaluation, expected_loss
    >>> from xent_metrics_mlflow import evaluation_from_run, log_evaluation
    >>> reference = Evaluation.from_predictions([0, 1, 1, 0, 1] * 80, [0.4] * 400)
    >>> def logged(evaluation):
    ...     with mlflow.start_run() as run:
    ...         log_evaluation(evaluation)
    ...     return run.info.run_id
    >>> read = evaluation_from_run(logged(reference))
    >>> round(expected_loss(read, [0.4] * 100).expected_loss, 4)
    0.7541
    """
    from .. import _store  # noqa: PLC0415 - MLflow is loaded when first used

    check_id("run_id", run_id)
    path = f"{folder_of(split)}/{RESULT}"
    run = _store.read_run(run_id)
    content = _store.read_file(run_id, path)
    if content is None:
        name = run.info.run_name or run_id
        msg = (
            f"the run must have an evaluation of the split: run {name!r} ({run_id}) "
            f"has no {path}; log it with log_evaluation(evaluation, split={split!r})."
        )
        raise ValueError(msg)
    return Evaluation.from_json(content)
