"""MLflow as a tracker: the one file that talks to a tracking server.

A run is found or started in the caller's thread; everything else names it by its id, so
that no thread starts a run of its own.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    Metric,
    Param,
    RunTag,
)
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from mlflow.utils.uri import add_databricks_profile_info_to_artifact_uri

from ._delivery.address import is_remote, lasting
from ._delivery.spool import Entry
from ._delivery.tracker import Where
from ._items.tables import TABLES, listed, tables

_ENTRY_OF_RUN = "xent/entry"
_TRIES = 5


class UnitError(ValueError):
    """The run has the split in another unit."""


def tracking_uri() -> str:
    """The address of the store, as MLflow has it."""
    uri: str = mlflow.get_tracking_uri()
    return uri


def find_run(
    run_id: str | None, model_id: str | None, step: int, limit: float
) -> Where:
    """Find the run that ``mlflow.log_metrics`` would log to, or start one.

    Starting one waits for the server for about ``limit`` seconds at most.
    """
    active = mlflow.active_run()
    model_id = model_id or mlflow.get_active_model_id()
    chosen = () if model_id is None else (model_id,)
    if run_id is not None:
        return Where(run_id, chosen)
    if active is not None:
        return Where(active.info.run_id, chosen or _made_by(active, step, limit))
    if threading.current_thread() is not threading.main_thread():
        msg = (
            "run_id must be given off the main thread: no run is active in thread "
            f"{threading.current_thread().name!r}, and a run started there would be "
            "a stray one; pass run_id=run.info.run_id."
        )
        raise ValueError(msg)
    return _new_run(chosen, limit)


def _made_by(active: Any, step: int, limit: float) -> tuple[str, ...]:
    """The models that a run made at a step; MLflow 3.1 asks the server for them."""
    found = [active.outputs]

    def ask() -> None:
        found[0] = MlflowClient().get_run(active.info.run_id).outputs

    if active.outputs is None:
        _within(limit, ask)
    outputs = found[0].model_outputs if found[0] else []
    return tuple(each.model_id for each in outputs if each.step == step)


def _new_run(model_ids: tuple[str, ...], limit: float) -> Where:
    """Start a run, if the server answers."""
    uri, wanted = tracking_uri(), os.environ.get("MLFLOW_RUN_ID")
    try:
        if is_remote(uri):
            error = _within(limit, MlflowClient(uri).search_experiments, max_results=1)
            if error is not None:
                return Where(wanted, model_ids, error)
        return Where(mlflow.start_run().info.run_id, model_ids)
    except Exception as error:  # noqa: BLE001 - the evaluation is kept without a run
        return Where(wanted, model_ids, error)


def has_active_run() -> bool:
    """Whether a run is active in this thread."""
    return mlflow.active_run() is not None


def end_run() -> None:
    """End the active run."""
    mlflow.end_run()


def experiment_of_new_runs() -> dict[str, str]:
    """Where MLflow would start a run, without asking the server."""
    if name := os.environ.get("MLFLOW_EXPERIMENT_NAME"):
        return {"name": name}
    return {"id": os.environ.get("MLFLOW_EXPERIMENT_ID", "0")}


def describe(dataset: Any) -> tuple[str | None, dict[str, str] | None]:
    """The name of a dataset, and the fields that MLflow keeps of it."""
    if dataset is None or isinstance(dataset, str):
        return dataset, None
    if isinstance(dataset, Dataset):
        found = dict(dataset)
    elif hasattr(dataset, "to_dict") and hasattr(dataset, "digest"):
        found = dataset.to_dict()
    else:
        msg = (
            "dataset must be a name or a dataset of MLflow: found "
            f"{type(dataset).__name__}; pass what mlflow.data.from_pandas returns."
        )
        raise TypeError(msg)
    return found["name"], {
        name: str(value) for name, value in found.items() if value is not None
    }


def start_run_of(uri: str, entry: Entry) -> str:
    """The run that was started for an entry before, or a new one."""
    client = MlflowClient(uri)
    experiment = entry.experiment.get("id")
    if experiment is None:
        name = entry.experiment["name"]
        found = client.get_experiment_by_name(name)
        experiment = client.create_experiment(name) if found is None else None
        experiment = experiment or found.experiment_id
    mine = client.search_runs(
        [experiment], filter_string=f"tags.`{_ENTRY_OF_RUN}` = '{entry.id}'"
    )
    run = mine[0] if mine else None
    if run is None:
        run = client.create_run(
            experiment, start_time=entry.timestamp, tags={_ENTRY_OF_RUN: entry.id}
        )
    run_id: str = run.info.run_id
    client.set_terminated(run_id, end_time=entry.timestamp)
    return run_id


def log_numbers(
    uri: str, entry: Entry, run_id: str, *, table: str | None
) -> str | None:
    """Log inputs, then metrics and tags in one batch; return the run's page."""
    client = MlflowClient(uri)
    run = client.get_run(run_id)
    told = run.data.tags.get(f"{entry.folder}/unit", entry.unit)
    if told != entry.unit:
        msg = (
            f"one split must have one unit: run {run_id} has {entry.folder!r} in "
            f"{told}, the evaluation is in {entry.unit}; log it under another split."
        )
        raise UnitError(msg)
    _log_inputs(client, run, entry)
    tags = dict(entry.tags)
    if table is not None:
        tags[f"{entry.folder}/table"] = table
        tags[TABLES] = tables({**run.data.tags, **tags})
    of_dataset = {}
    if entry.dataset is not None:
        of_dataset = {
            "dataset_name": entry.dataset["name"],
            "dataset_digest": entry.dataset["digest"],
        }
    metrics = [
        Metric(key, value, entry.timestamp, entry.step, model_id=model_id, **of_dataset)
        for model_id in entry.model_ids or (None,)
        for key, value in entry.metrics.items()
    ]
    client.log_batch(
        run_id,
        metrics=metrics
        + [Metric(key, value, entry.timestamp, at) for key, value, at in entry.points],
        # A run's params are fixed: a later step keeps the first, and its tag says more.
        params=[
            Param(key, value)
            for key, value in entry.params.items()
            if key not in run.data.params
        ],
        tags=[RunTag(key, value) for key, value in tags.items()],
        synchronous=True,
    )
    return _page_of_run(uri, run.info.experiment_id, run_id)


def _page_of_run(uri: str, experiment_id: str, run_id: str) -> str | None:
    """The address at which a server shows a run."""
    if not is_remote(uri):
        return None
    return f"{lasting(uri).rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"


def log_children(uri: str, entry: Entry, run_id: str) -> None:
    """Log child runs; those that an earlier attempt created are written again."""
    if not entry.children:
        return
    client = MlflowClient(uri)
    experiment = client.get_run(run_id).info.experiment_id
    own = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run_id}'"
    known = {
        run.data.tags.get(_ENTRY_OF_RUN): run.info.run_id
        for run in client.search_runs([experiment], filter_string=own)
    }
    for place, child in enumerate(entry.children):
        name = f"{entry.id}-{place}"
        tags = {_ENTRY_OF_RUN: name, MLFLOW_PARENT_RUN_ID: run_id, **child["tags"]}
        made = known.get(name)
        if made is None:
            made = client.create_run(
                experiment, entry.timestamp, tags, child["name"]
            ).info.run_id
        client.log_batch(
            made,
            metrics=[
                Metric(key, value, entry.timestamp, 0)
                for key, value in child["metrics"].items()
            ],
            synchronous=True,
        )
        client.set_terminated(made, end_time=entry.timestamp)


def log_file(uri: str, run_id: str, folder: str, path: Path) -> None:
    """Upload a file to a folder of the run's artifacts.

    MLflow 3.1 uploads to the tracking server of the process, not of the client.
    """
    client = MlflowClient(uri)
    if uri == tracking_uri():
        client.log_artifact(run_id, str(path), folder)
        return
    where = add_databricks_profile_info_to_artifact_uri(
        client.get_run(run_id).info.artifact_uri, uri
    )
    get_artifact_repository(where, tracking_uri=uri).log_artifact(str(path), folder)


def settle_tables(uri: str, run_id: str) -> None:
    """List all tables of the run, even if others add theirs at the same time.

    Each writer sets a tag of its own for its table, and reads all of these tags after
    it has written the list, so the last writer has seen every table.
    """
    client = MlflowClient(uri)
    for _ in range(_TRIES):
        tags = client.get_run(run_id).data.tags
        wanted = tables(tags)
        if json.loads(wanted) == listed(tags):
            return
        client.set_tag(run_id, TABLES, wanted)


def _log_inputs(client: MlflowClient, run: Any, entry: Entry) -> None:
    """Log the models and the dataset of the metrics, unless the run has them."""
    known = {each.model_id for each in run.inputs.model_inputs or ()}
    if run.outputs:
        known |= {each.model_id for each in run.outputs.model_outputs or ()}
    models = [LoggedModelInput(each) for each in entry.model_ids if each not in known]
    datasets = []
    if entry.dataset is not None:
        context = InputTag("mlflow.data.context", entry.folder.rpartition("/")[2])
        datasets = [DatasetInput(Dataset(**entry.dataset), [context])]
        given = (entry.dataset["name"], entry.dataset["digest"])
        for each in run.inputs.dataset_inputs or ():
            if (each.dataset.name, each.dataset.digest) == given:
                datasets = []
    if models or datasets:
        client.log_inputs(
            run.info.run_id, models=models or None, datasets=datasets or None
        )


def _within(limit: float, call: Callable[..., Any], **options: Any) -> Any:
    """What a call raises, or a TimeoutError after ``limit`` seconds; else None."""
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
