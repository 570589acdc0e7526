"""MLflow as a tracker: the one file that talks to a tracking server.

A run is found or started in the caller's thread; everything else names it by its id, so
that no thread starts a run of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
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
from mlflow.exceptions import MissingConfigException, MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.uri import add_databricks_profile_info_to_artifact_uri

from ._delivery.address import is_folder, is_remote, lasting
from ._delivery.spool import Entry
from ._delivery.tracker import UnknownError, Where
from ._items.items import newest_of
from ._items.keys import no_such_model, no_such_run
from ._items.tables import TABLES, listed, tables

_ENTRY_OF_RUN = "xent/entry"
_TRIES = 5
_MOST_RUNS = 1000  # that are remembered
_BATCH, _BATCH_AGAIN = 1000, 100  # metrics
_NO_SUCH_MODEL = r"\b[Mm]odel (with ID )?'m-\S+' not found"
_NO_SUCH_RUN = r"\bRun (with id=|')\S*'? (was )?not found|for parameter 'run_id'"


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
        is_active = active is not None and active.info.run_id == run_id
        return Where(run_id, chosen, is_active=is_active)
    if active is not None:
        models = chosen or _made_by(active, step, limit)
        return Where(active.info.run_id, models, is_active=True)
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
        run = mlflow.start_run()
        _remember(uri, run, is_new=True)
        return Where(run.info.run_id, model_ids, is_active=True)
    except Exception as error:  # the evaluation is kept without a run
        if wanted and re.search(_NO_SUCH_RUN, str(error)):
            raise ValueError(no_such_run(wanted, " in MLFLOW_RUN_ID")) from error
        return Where(wanted, model_ids, error)


def has_active_run() -> bool:
    """Whether a run is active in this thread."""
    return mlflow.active_run() is not None


def end_run() -> None:
    """End the active run."""
    mlflow.end_run()


def experiment_of_new_runs() -> dict[str, str]:
    """Where MLflow would start a run, without asking the server.

    ``mlflow.set_experiment`` comes before the environment, as in MLflow; it has no
    public reader.
    """
    if chosen := getattr(mlflow.tracking.fluent, "_active_experiment_id", None):
        return {"id": chosen}
    if name := os.environ.get("MLFLOW_EXPERIMENT_NAME"):
        return {"name": name}
    return {"id": os.environ.get("MLFLOW_EXPERIMENT_ID", "0")}


def tags_of_new_runs() -> dict[str, str]:
    """The user, the source and what else MLflow would tag a run with here."""
    tags: dict[str, str] = resolve_tags()
    return {MLFLOW_RUN_NAME: _generate_random_name(), **tags}


def describe(dataset: Any) -> tuple[str | None, dict[str, str] | None]:
    """The name of a dataset, and the fields that MLflow keeps of it."""
    if dataset is None or isinstance(dataset, str):
        return dataset, None
    if isinstance(dataset, Dataset):
        found = dict(dataset)
    elif isinstance(dataset, mlflow.data.dataset.Dataset):
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
    own = f"tags.`{_ENTRY_OF_RUN}` = '{entry.id}'"
    if not _only_one_each(client, experiment, own):
        client.create_run(
            experiment,
            start_time=entry.timestamp,
            tags={**entry.run_tags, _ENTRY_OF_RUN: entry.id},
            run_name=entry.run_tags.get(MLFLOW_RUN_NAME),
        )
    run_id = _only_one_each(client, experiment, own)[entry.id]
    client.set_terminated(run_id, end_time=entry.timestamp)
    return run_id


def _only_one_each(client: MlflowClient, experiment: str, own: str) -> dict[str, str]:
    """The runs that were created for an entry, by their names in it.

    A server that dies before it answers may have created a run that MLflow then asks
    for once more: what is there twice is deleted.
    """
    found: dict[str, str] = {}
    token = None
    while True:
        page = client.search_runs([experiment], filter_string=own, page_token=token)
        for run in sorted(page, key=lambda run: bool(run.data.metrics), reverse=True):
            if run.data.tags[_ENTRY_OF_RUN] in found:
                client.delete_run(run.info.run_id)
            found.setdefault(run.data.tags[_ENTRY_OF_RUN], run.info.run_id)
        token = page.token
        if not token:
            return found


@dataclass(kw_only=True)
class _Run:
    """What this process knows of a run: what it read, and what it has written since.

    ``is_new`` says that it was read in the course of this call.
    """

    experiment_id: str
    artifacts: str
    tags: dict[str, str]
    params: set[str]
    models: set[str]
    datasets: set[tuple[str, str]]
    unsettled: bool = False
    is_new: bool = False


_runs: OrderedDict[tuple[str, str], _Run] = OrderedDict()


def ask(
    uri: str, entry: Entry, run_id: str | None, *, table: str | None, again: bool
) -> None:
    """Read the run, unless this process knows it and its list of tables."""
    if run_id is None:
        MlflowClient(uri).search_experiments(max_results=1)
        return
    run = _runs.get((uri, run_id))
    known = run is not None and (
        run.is_new or table is None or _is_older(run, entry) or _lists(run, table)
    )
    if again or not known:
        run = _read(uri, run_id)
    assert run is not None, "it is known, or was read"
    run.is_new = False
    _check_models(uri, run, entry)
    told = run.tags.get(f"{entry.folder}/unit", entry.unit)
    if told != entry.unit:
        _runs.pop((uri, run_id), None)  # it may be mended meanwhile
        msg = (
            f"one split must have one unit: run {run_id} has {entry.folder!r} in "
            f"{told}, the evaluation is in {entry.unit}; log it under another split."
        )
        raise UnitError(msg)


def _check_models(uri: str, run: _Run, entry: Entry) -> None:
    """Refuse what is no model before the run has it as an input, which stays."""
    for model_id in entry.model_ids:
        if model_id in run.models:
            continue
        try:
            MlflowClient(uri).get_logged_model(model_id)
        except MlflowException as error:
            of_files = isinstance(error, MissingConfigException)
            if of_files or error.error_code == "RESOURCE_DOES_NOT_EXIST":
                raise UnknownError(str(error), no_such_model(model_id)) from error
            raise


def _read(uri: str, run_id: str) -> _Run:
    try:
        found = MlflowClient(uri).get_run(run_id)
    except MlflowException as error:
        if re.search(_NO_SUCH_RUN, str(error)):
            raise UnknownError(str(error), no_such_run(run_id)) from error
        raise
    return _remember(uri, found)


def _remember(uri: str, found: Any, *, is_new: bool = False) -> _Run:
    """Note what a run holds, as it was just read."""
    inputs, outputs = found.inputs, found.outputs
    models = [
        *((inputs and inputs.model_inputs) or ()),
        *((outputs and outputs.model_outputs) or ()),
    ]
    run_id = found.info.run_id
    run = _Run(
        experiment_id=found.info.experiment_id,
        artifacts=found.info.artifact_uri,
        tags=dict(found.data.tags),
        params=set(found.data.params),
        models={each.model_id for each in models},
        datasets={
            (each.dataset.name, each.dataset.digest)
            for each in (inputs and inputs.dataset_inputs) or ()
        },
        is_new=is_new,
    )
    _runs[uri, run_id] = run
    while len(_runs) > _MOST_RUNS:
        with contextlib.suppress(KeyError):  # another thread was faster
            _runs.popitem(last=False)
    return run


def _run_of(uri: str, run_id: str) -> _Run:
    return _runs.get((uri, run_id)) or _read(uri, run_id)


def _is_older(run: _Run, entry: Entry) -> bool:
    """Whether the run has a newer entry of the same split."""
    newest = newest_of(run.tags, entry.folder)
    return newest is not None and (entry.step, entry.timestamp) < newest


def _lists(run: _Run, table: str) -> bool:
    return {"path": table, "type": "table"} in listed(run.tags)


def log_numbers(
    uri: str,
    entry: Entry,
    run_id: str,
    *,
    table: str | None,
    again: bool,
    sent: int,
    note: Callable[[int], None],
) -> str | None:
    """Log inputs, then metrics and, with the last of them, tags."""
    run = _run_of(uri, run_id)
    page = _page_of_run(uri, run.experiment_id, run_id)
    client = MlflowClient(uri)
    _log_inputs(client, run_id, run, entry)
    tags = {} if _is_older(run, entry) else _tags(run, entry, table)
    batches = _batches(_metrics(entry), entry, again=again)
    total = sum(map(len, batches))
    if total and sent == total:
        run.tags |= tags
        return page
    done = 0
    try:
        for batch in batches:
            done += len(batch)
            if done > sent or not batch:
                last = tags if done == total else {}
                # A run's params are fixed: a later step keeps the first ones.
                params = {
                    key: value
                    for key, value in entry.params.items()
                    if last and key not in run.params
                }
                client.log_batch(
                    run_id,
                    metrics=_new(client, run_id, batch)
                    if again and is_folder(uri)
                    else batch,
                    params=[Param(key, value) for key, value in params.items()],
                    tags=[RunTag(key, value) for key, value in last.items()],
                    synchronous=True,
                )
                run.params |= params.keys()
                note(done)
    except Exception:  # whatever it is, what is known of the run may be wrong now
        _runs.pop((uri, run_id), None)
        raise
    run.unsettled = run.unsettled or (
        table is not None and bool(tags) and not _lists(run, table)
    )
    run.tags |= tags
    return page


def _tags(run: _Run, entry: Entry, table: str | None) -> dict[str, str]:
    tags = dict(entry.tags)
    if table is not None:
        tags[f"{entry.folder}/table"] = table
        if not _lists(run, table):
            tags[TABLES] = tables({**run.tags, **tags})
    return tags


def _metrics(entry: Entry) -> list[Metric]:
    """All metrics of an entry, in an order that stays."""
    of_dataset = {}
    if entry.dataset is not None:
        of_dataset = {
            "dataset_name": entry.dataset["name"],
            "dataset_digest": entry.dataset["digest"],
        }
    return [
        Metric(key, value, entry.timestamp, entry.step, model_id=model_id, **of_dataset)
        for model_id in entry.model_ids or (None,)
        for key, value in entry.metrics.items()
    ] + [Metric(key, value, entry.timestamp, at) for key, value, at in entry.points]


def _batches(metrics: list[Metric], entry: Entry, *, again: bool) -> list[list[Metric]]:
    """Metrics as they are sent.

    Where some of a batch may be in the store, it has at most 100: MLflow 3.1 refuses
    a larger one for ever (mlflow#20807).
    """
    several = again or len(entry.model_ids) > 1
    size = _BATCH_AGAIN if several else _BATCH
    starts = range(0, max(len(metrics), 1), size)
    return [metrics[start : start + size] for start in starts]


def _new(client: MlflowClient, run_id: str, batch: list[Metric]) -> list[Metric]:
    """Those that a store of files, which keeps what it gets twice, does not have."""
    known = {
        (key, one.value, one.timestamp, one.step)
        for key in {each.key for each in batch}
        for one in client.get_metric_history(run_id, key)
    }
    return [
        one
        for one in batch
        if (one.key, one.value, one.timestamp, one.step) not in known
    ]


def _page_of_run(uri: str, experiment_id: str, run_id: str) -> str | None:
    """The address at which a server shows a run."""
    if not is_remote(uri):
        return None
    return f"{lasting(uri).rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"


def log_children(
    uri: str,
    entry: Entry,
    run_id: str,
    *,
    again: bool,
    sent: int,
    note: Callable[[int], None],
) -> None:
    """Log child runs; those that an earlier attempt created are written again."""
    if sent >= len(entry.children):
        return
    client = MlflowClient(uri)
    experiment = _run_of(uri, run_id).experiment_id
    own = (
        f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run_id}' AND "
        f"tags.`{_ENTRY_OF_RUN}` LIKE '{entry.id}-%'"
    )
    known = _only_one_each(client, experiment, own) if again else {}
    for place, child in enumerate(entry.children):
        if place < sent:
            continue
        name = f"{entry.id}-{place}"
        tags = {_ENTRY_OF_RUN: name, MLFLOW_PARENT_RUN_ID: run_id, **child["tags"]}
        made = known.get(name)
        if made is None:
            made = client.create_run(
                experiment, entry.timestamp, tags, child["name"]
            ).info.run_id
        metrics = [
            Metric(key, value, entry.timestamp, 0)
            for key, value in child["metrics"].items()
        ]
        for batch in _batches(metrics, entry, again=again):
            new = _new(client, made, batch) if again and is_folder(uri) else batch
            client.log_batch(made, metrics=new, synchronous=True)
        client.set_terminated(made, end_time=entry.timestamp)
        note(place + 1)
    _only_one_each(client, experiment, own)


def folder_for_files(uri: str, entry: Entry, run_id: str) -> str:
    """That of the split, or one beside it for what is older than the run's newest."""
    if _is_older(_run_of(uri, run_id), entry):
        return f"{entry.folder}/step-{entry.step}"
    return entry.folder


def log_file(uri: str, run_id: str, folder: str, path: Path) -> None:
    """Upload a file to a folder of the run's artifacts.

    A client of MLflow would ask for the run once more, and that of MLflow 3.1 uploads
    to the tracking server of the process.
    """
    where = add_databricks_profile_info_to_artifact_uri(
        _run_of(uri, run_id).artifacts, uri
    )
    get_artifact_repository(where, tracking_uri=uri).log_artifact(str(path), folder)


def settle_tables(uri: str, run_id: str) -> None:
    """List all tables of the run, even if others add theirs at the same time.

    Each writer sets a tag of its own for its table, and reads all of these tags after
    it has written the list, so the last writer has seen every table.
    """
    run = _run_of(uri, run_id)
    if not run.unsettled:
        return
    client = MlflowClient(uri)
    for _ in range(_TRIES):
        tags = client.get_run(run_id).data.tags
        wanted = tables(tags)
        if json.loads(wanted) == listed(tags):
            break
        client.set_tag(run_id, TABLES, wanted)
    run.unsettled = False


def _log_inputs(client: MlflowClient, run_id: str, run: _Run, entry: Entry) -> None:
    """Log the models and the dataset of the metrics, unless the run has them."""
    models = [each for each in entry.model_ids if each not in run.models]
    datasets = []
    if entry.dataset is not None:
        given = (entry.dataset["name"], entry.dataset["digest"])
        if given not in run.datasets:
            context = InputTag("mlflow.data.context", entry.folder.rpartition("/")[2])
            datasets = [DatasetInput(Dataset(**entry.dataset), [context])]
            run.datasets.add(given)
    if models or datasets:
        client.log_inputs(
            run_id,
            models=[LoggedModelInput(each) for each in models] or None,
            datasets=datasets or None,
        )
        run.models |= set(models)


_ADVICE = {
    r"\b401\b": (
        "the server does not accept the credentials: set MLFLOW_TRACKING_USERNAME and "
        "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, and for a replay "
        "MLFLOW_TRACKING_URI too, the one address to which it sends them"
    ),
    r"\b403\b": (
        "the user may not write there: ask for the right to edit the experiment, or "
        "log in as another user"
    ),
    r"Current state is deleted|must be in the 'active' state": (
        "the run is deleted: restore it with MlflowClient().restore_run, or name "
        "another with replay NAME --run-id ID"
    ),
    _NO_SUCH_MODEL: (
        "the server has no such model: log it again without the model, and delete the "
        "entry with purge NAME"
    ),
    _NO_SUCH_RUN: (
        "the server has no such run: name another with replay NAME --run-id ID, or "
        "the server that has it with --tracking-uri"
    ),
}


def advice(text: str) -> str | None:
    """What helps against an error that a server or MLflow has told."""
    for pattern, helps in _ADVICE.items():
        if re.search(pattern, text):
            return helps
    return None


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
