"""Logging what moved since a reference: the change of the loss, and its cause."""

from __future__ import annotations

import math
from typing import Any

from xent_metrics import TERMS, Drift, Evaluation, drift

from .._calls import public
from .._delivery.deliver import OnError, Parcel, check, deliver
from .._delivery.result import LogResult
from .._items.artifacts import Files
from .._items.items import Items, folder_of, items_of
from .._items.layout import ERRORS
from .._items.tables import table_as_json
from .reference import evaluation_from_run

TABLE = "drift_table.json"


@public
def log_drift(
    reference: str | Evaluation,
    evaluation: Evaluation,
    *,
    split: str = "test",
    by: Any = None,
    name: str = "drift",
    step: int | None = None,
    run_id: str | None = None,
    on_error: OnError = "spool",
    deadline: float = 10.0,
) -> LogResult:
    """Log what moved since a reference to an MLflow run.

    Parameters
    ----------
    reference : str or Evaluation
        The id of the run that the reference was logged to, such as that of the
        training, or the evaluation itself.
    evaluation : Evaluation
        Labelled rows of now.
    split : str, default "test"
        What the reference was logged as, in the run of that id.
    by : column name, or as in :func:`xent_metrics.drift`, optional
        Groups; their parts in the change are in the artifacts.
    name : str, default "drift"
        Part of each key, ``xent/<name>/...``.
    step : int, optional
        The step of the metrics, such as the number of the week: one call per week, with
        the same run, makes a chart over time. Default: 0. Tags and files are those of
        the highest step, as in :func:`log_evaluation`.
    run_id, on_error, deadline
        As in :func:`log_evaluation`.

    Returns
    -------
    LogResult
        The run's id, and what was logged.

    Raises
    ------
    LogError
        As in :func:`log_evaluation`.
    TypeError
        If ``evaluation`` is not an Evaluation, or ``reference`` is neither one nor
        the id of a run.
    ValueError
        As in :func:`xent_metrics.drift` and :func:`evaluation_from_run`.

    Notes
    -----
    The metrics are ``mix``, ``concept`` and ``difference/<term>`` with their standard
    errors (``se/...``) and p-values (``pvalue/...``), ``expected_loss`` and
    ``share_outside``.
    The cause is in the tag ``xent/<name>/info``; the artifacts hold all of it as
    JSON and Markdown, and as a table.

    Examples
    --------
    >>> import mlflow
    >>> from xent_metrics import Evaluation
    >>> from xent_metrics_mlflow import log_drift, log_evaluation
    >>> q = [0.2, 0.7, 0.9, 0.4]
    >>> first = Evaluation.from_predictions([0, 1, 1, 0] * 100, q * 100)
    >>> later = Evaluation.from_predictions([0, 1, 0, 1, 0, 1, 1, 0] * 50, q * 100)
    >>> def logged(evaluation):
    ...     with mlflow.start_run() as run:
    ...         log_evaluation(evaluation)
    ...     return run.info.run_id
    >>> result = log_drift(logged(first), later)
    >>> round(result.metrics["xent/drift/difference/cross_entropy"], 2)
    0.33
    """
    from .. import _client  # noqa: PLC0415 - MLflow is loaded when first used

    check(on_error, deadline, step)
    folder = folder_of(name, "name")
    if not isinstance(evaluation, Evaluation):
        msg = (
            f"evaluation must be an Evaluation: found {type(evaluation).__name__}; "
            "pass Evaluation.from_predictions(y_true, y_proba)."
        )
        raise TypeError(msg)
    before, of_run = reference, None
    if isinstance(reference, str):
        before, of_run = evaluation_from_run(reference, split=split), reference
    elif hasattr(getattr(reference, "info", reference), "run_id"):  # a run itself
        msg = (
            "reference must be the id of a run, or an Evaluation: found "
            f"{type(reference).__name__}; pass run.info.run_id."
        )
        raise TypeError(msg)
    found = drift(before, evaluation, by=by)
    return deliver(
        Parcel(
            what=_items(found, folder, of_run),
            unit=found.unit,
            files=lambda: _files(found),
            table=TABLE,
            name="drift",
            of_model=False,
        ),
        _client,
        run_id=run_id,
        on_error=on_error,
        deadline=deadline,
        step=step,
    )


def _items(found: Drift, folder: str, reference: str | None) -> Items:
    soft = not math.isnan(found.current.irreducible)
    parts = {"mix": found.mix, "concept": found.concept}
    parts |= {
        f"difference/{term}": found.differences[term]
        for term in TERMS
        if soft or not TERMS[term].needs_soft_labels
    }
    values: dict[str, float] = {}
    for key, change in parts.items():
        values[key] = change.difference
        values[f"{ERRORS}/{key}"] = change.standard_error
        values[f"pvalue/{key}"] = change.pvalue
    values |= {
        "expected_loss": found.expected_loss,
        f"{ERRORS}/expected_loss": found.expected_loss_error,
        "share_outside": found.share_outside,
    }
    settings = {
        "cause": found.cause,
        "conclusion": found.conclusion,
        "reference_run": reference,
        "recalibration": found.recalibration,
        "level": found.level,
        "n": found.current.n,
        "n_reference": found.reference.n,
    }
    return items_of(folder, values, found.unit, settings)


def _files(found: Drift) -> Files:
    return Files(
        contents={
            "drift.json": found.to_json().encode(),
            "drift.md": found.to_markdown().encode(),
            TABLE: table_as_json(found.to_frame().reset_index()),
        }
    )
