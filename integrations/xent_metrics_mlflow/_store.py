"""What is read back from MLflow's store and its registry, and the alias that is set.

Errors of MLflow come out as ValueError or OSError, in one sentence.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from ._delivery.send import told
from ._items.keys import no_such_run, unknown

_PROGRESS = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"
_MISSING = "RESOURCE_DOES_NOT_EXIST"
_REFUSED = (_MISSING, "INVALID_PARAMETER_VALUE")


def read_run(run_id: str) -> Any:
    """A run, with its metrics and tags."""
    with _plain_errors():
        try:
            return MlflowClient().get_run(run_id)
        except MlflowException as error:
            # The other faults of parameters are those of the tracking URI.
            if error.error_code == _MISSING or "parameter 'run_id'" in str(error):
                raise ValueError(no_such_run(run_id)) from error
            raise


def read_file(run_id: str, path: str) -> bytes | None:
    """The contents of a file of a run; None if there is no such file."""
    client = MlflowClient()
    folder = path.rpartition("/")[0]
    with _plain_errors():
        if path not in {each.path for each in client.list_artifacts(run_id, folder)}:
            return None
        with tempfile.TemporaryDirectory(prefix="xent-metrics-") as own, _no_progress():
            return Path(client.download_artifacts(run_id, path, own)).read_bytes()


def experiment_ids(experiments: Sequence[Any] | None) -> list[str] | None:
    """The ids of experiments by name or id; None, the active one, stays None."""
    if experiments is None:
        return None
    with _plain_errors():
        return [_experiment_id(name) for name in experiments]


def read_runs(ids: Sequence[str] | None, filter_string: str) -> list[Any]:
    """The runs of experiments, newest first; default: of the active one."""
    with _plain_errors():
        found: list[Any] = mlflow.search_runs(
            ids,
            filter_string=filter_string,
            order_by=["attributes.start_time DESC"],
            output_format="list",
        )
    return found


def _experiment_id(name: Any) -> str:
    """The id of one experiment: asked for by name, then by id."""
    client, found = MlflowClient(), None
    if isinstance(name, str):
        found = client.get_experiment_by_name(name)
        if found is None and name.isascii() and name.isalnum():
            found = _experiment_with_id(client, name)
    if found is not None and found.lifecycle_stage == "active":
        known: str = found.experiment_id
        return known
    if found is not None:
        msg = (
            f"experiment must be one that was not deleted: found {name!r}; restore it "
            f"with MlflowClient().restore_experiment({found.experiment_id!r})."
        )
        raise ValueError(msg)
    rule = "experiment must be the name or id of one in the store"
    raise ValueError(unknown(rule, name, _names_of_experiments()))


def _experiment_with_id(client: MlflowClient, given: str) -> Any | None:
    try:
        return client.get_experiment(given)
    except MlflowException as error:
        if error.error_code in _REFUSED:
            return None
        raise


def _names_of_experiments() -> list[str]:
    """The names of all experiments."""
    found = _all(MlflowClient().search_experiments)
    return [each.name for each in found]


def _all(search: Callable[..., Any], *arguments: Any) -> list[Any]:
    """All that is found, page by page."""
    found, token = [], None
    while True:
        page = search(*arguments, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def versions_of(run_id: str) -> list[Any]:
    """The versions of registered models that a run made, the newest first."""
    with _plain_errors():
        found = _all(MlflowClient().search_model_versions, f"run_id = '{run_id}'")
    return sorted(found, key=lambda each: int(each.version), reverse=True)


def version_with(model: str, alias: str) -> Any | None:
    """The version of a registered model that has an alias; None if none has it."""
    with _plain_errors():
        aliases = MlflowClient().get_registered_model(model).aliases
        if alias not in aliases:
            return None
        return MlflowClient().get_model_version(model, aliases[alias])


def set_alias(model: str, alias: str, version: str) -> None:
    """Let a version of a registered model have an alias, which no other then has."""
    with _plain_errors():
        MlflowClient().set_registered_model_alias(model, alias, version)


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Raise what MLflow raises as ValueError if it refused, else as OSError."""
    try:
        yield
    except MlflowException as error:
        refused = error.error_code in _REFUSED
        kind: type[Exception] = ValueError if refused else OSError
        msg = f"MLflow must be able to answer: {told(error)}"
        raise kind(msg) from error


@contextlib.contextmanager
def _no_progress() -> Iterator[None]:
    """Turn off the progress bar that MLflow draws even for a single file."""
    before = os.environ.get(_PROGRESS)
    os.environ[_PROGRESS] = "false"
    try:
        yield
    finally:
        del os.environ[_PROGRESS]
        if before is not None:
            os.environ[_PROGRESS] = before
