"""Logging periods: the terms of each as a step, beside what was expected."""

from __future__ import annotations

import dataclasses
from typing import Any

from xent_metrics import OverTime

from .._calls import public
from .._delivery.deliver import OnError, Parcel, check, deliver, whole_step
from .._delivery.result import LogResult
from .._items.artifacts import Files
from .._items.items import Items, Point, folder_of, items_of, split_by_finiteness
from .._items.layout import grouped
from .._items.tables import table_as_json

TABLE = "over_time_table.json"


@public
def log_over_time(
    result: OverTime,
    *,
    name: str = "over_time",
    step: int = 0,
    run_id: str | None = None,
    on_error: OnError = "spool",
    deadline: float = 10.0,
) -> LogResult:
    """Log the terms of periods to an MLflow run: a step each, for its charts.

    Parameters
    ----------
    result : OverTime
        What :meth:`xent_metrics.XentAccessor.over_time` returned.
    name : str, default "over_time"
        Part of each key, ``xent/<name>/...``.
    step : int, default 0
        The step of the first period; the others follow. A table of later periods goes
        on with the number of those that the run has.
    run_id, on_error, deadline
        As in :func:`log_evaluation`.

    Returns
    -------
    LogResult
        The run's id, and what was logged; ``metrics`` are those without steps.

    Raises
    ------
    LogError
        As in :func:`log_evaluation`.
    TypeError
        If ``result`` is not an OverTime.
    ValueError
        As in :func:`log_evaluation`.

    Notes
    -----
    Each column of the table is a metric ``xent/<name>/<column>``, with its standard
    error as ``se/<column>``: the terms of the labelled rows and, with a reference,
    ``expected_loss``, ``excess``, ``share_outside`` and ``alert``, which is 1 or 0.
    A period without a value has no step there. ``line/<term>`` is the value to compare
    with, ``n_alerts`` how many periods have an alert. The tag ``xent/<name>/info``
    says which period each step is; the artifacts hold all of it as JSON and Markdown,
    and as a table.

    Examples
    --------
    >>> import mlflow
    >>> import pandas as pd
    >>> from xent_metrics_mlflow import log_over_time
    >>> df = pd.DataFrame({"y": [0, 1, 1, 0] * 100, "p": [0.2, 0.7, 0.9, 0.4] * 100})
    >>> df["when"] = pd.date_range("2026-01-05", periods=400, freq="h")
    >>> weeks = df.xent(target="y", proba="p").over_time("when", freq="W")
    >>> key = "xent/over_time/cross_entropy"
    >>> with mlflow.start_run() as run:
    ...     result = log_over_time(weeks)
    ...     steps = mlflow.MlflowClient().get_metric_history(run.info.run_id, key)
    >>> [(metric.step, round(metric.value, 2)) for metric in steps]
    [(0, 0.3), (1, 0.3), (2, 0.3)]
    """
    from .. import _client  # noqa: PLC0415 - MLflow is loaded when first used

    check(on_error, deadline, step)
    folder = folder_of(name, "name")
    if not isinstance(result, OverTime):
        msg = (
            f"result must be an OverTime: found {type(result).__name__}; pass "
            "df.xent(...).over_time('when')."
        )
        raise TypeError(msg)
    first = whole_step(step)
    return deliver(
        Parcel(
            what=_items(result, folder, first),
            unit=result.unit,
            files=lambda: _files(result, first),
            table=TABLE,
            name="table over time",
            of_model=False,
        ),
        _client,
        run_id=run_id,
        on_error=on_error,
        deadline=deadline,
        step=first,
    )


def _items(result: OverTime, folder: str, first: int) -> Items:
    periods = result.to_dict()["periods"].index.tolist()
    values = {f"line/{term}": value for term, value in result.lines.items()}
    if result.has_reference:
        values["n_alerts"] = float(len(result.alerts))
    settings = {
        "freq": result.freq,
        "level": result.level,
        "n": result.n,
        "n_labelled": result.n_labelled,
        "n_dropped": result.n_dropped,
        "first_step": first,
        "periods": periods,
    }
    found = items_of(folder, values, result.unit, settings)
    points: list[Point] = []
    left_out = dict(found.left_out)
    table = result.table.select_dtypes(["number", "bool"]).astype(float)
    for column in table.columns:
        key = f"{folder}/{grouped(column)}"
        steps, missing = split_by_finiteness(key, table[column].tolist(), first)
        points += steps
        left_out |= missing
    return dataclasses.replace(found, points=tuple(points), left_out=left_out)


def _files(result: OverTime, first: int) -> Files:
    table = result.to_dict()["periods"].reset_index()
    table.insert(0, "step", [first + place for place in range(len(table))])
    contents: dict[str, Any] = {
        "over_time.json": result.to_json().encode(),
        "over_time.md": result.to_markdown().encode(),
        TABLE: table_as_json(table),
    }
    return Files(contents=contents)
