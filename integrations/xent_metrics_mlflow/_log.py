"""Logging evaluations to runs."""

from __future__ import annotations

import errno
import logging
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from xent_metrics import Evaluation

from . import _artifacts, _spool
from ._address import lasting
from ._items import Items, items
from ._result import LogError, LogResult, NotLoggedWarning
from ._sender import Job, sender, told

if TYPE_CHECKING:
    from ._client import Where

OnError = Literal["spool", "raise", "warn"]

_ON_ERROR = ("spool", "raise", "warn")
_ASK = 10.0  # seconds that a new run may take to start where nothing waits
_logger = logging.getLogger("xent_metrics_mlflow")


def log_evaluation(
    evaluation: Evaluation,
    *,
    split: str = "test",
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Any = None,
    step: int | None = None,
    per_sample: bool = True,
    page: bool = True,
    on_error: OnError = "spool",
    deadline: float = 10.0,
) -> LogResult:
    """Log an evaluation to an MLflow run: metrics, tags, its page and its rows.

    What is to be logged is on disk before it is sent. Where the server does not answer
    in time, the call returns, and the entry waits there: nothing is lost.

    Parameters
    ----------
    evaluation : Evaluation
        What to log.
    split : str, default "test"
        The data it was made on; part of each key, ``xent/<split>/<term>``.
    run_id : str, optional
        The run. Default: the active run; with none, a run is started, as
        ``mlflow.log_metrics`` does it, but never off the main thread.
    model_id : str, optional
        The LoggedModel that the metrics belong to as well. Default: the active model,
        or the models that the active run has made.
    dataset : dataset of MLflow or str, optional
        What it was made on: an input of the run, or a name, which becomes a tag.
    step : int, optional
        The step of the metrics. Default: 0.
    per_sample : bool, default True
        Whether the rows are logged: all of them, with what was predicted, as Parquet,
        and the 1000 most costly as a table to look at.
    page : bool, default True
        Whether the page of :meth:`Evaluation.to_html` is logged.
    on_error : {"spool", "raise", "warn"}, default "spool"
        What happens when the run does not have all of it in time: the result says so
        in ``error`` and ``spooled``, and with "spool" a line goes to the log
        ``xent_metrics_mlflow``; with "warn" it is a warning; with "raise" an error. In
        all three cases the entry is kept.
    deadline : float, default 10.0
        Seconds to wait for the server. 0 does not wait: the call returns when the
        entry is on disk, which takes some milliseconds, and another process draws the
        page and sends it.

    Returns
    -------
    LogResult
        The run's id, and what was logged.

    Raises
    ------
    LogError
        With ``on_error="raise"``, if the run does not have all of it in time.
    TypeError
        If ``evaluation`` is none, or if ``dataset`` is neither a name nor a dataset of
        MLflow.
    ValueError
        If an argument is not one of those above, if a key would be one that stores
        refuse, or if no run is active off the main thread.

    Warns
    -----
    NotLoggedWarning
        With ``on_error="warn"``, if the run does not have all of it in time.

    Notes
    -----
    Stores keep infinities and NaN as ordinary numbers, so what is not finite is never
    a metric: the tag ``xent/<split>/non_finite`` lists it. Of more than 20 classes the
    first 20 have metrics; evaluation.json holds all. One split of a run has one unit:
    an evaluation in another is refused, and kept in the spool.

    The spool is the folder that ``XENT_METRICS_SPOOL`` names, or one of the user's
    state folder. Its entries hold no credentials: a replay takes those of its own
    environment.

    Examples
    --------
    >>> import mlflow
    >>> from xent_metrics import Evaluation
    >>> from xent_metrics_mlflow import log_evaluation
    >>> evaluation = Evaluation.from_predictions([0, 1] * 100, [0.2, 0.7] * 100)
    >>> with mlflow.start_run():
    ...     result = log_evaluation(evaluation, page=False)
    >>> round(result.metrics["xent/test/cross_entropy"], 4)
    0.2899
    >>> result.artifacts[0]
    'xent/test/evaluation.json'
    """
    from . import _client  # noqa: PLC0415 - MLflow is loaded when first used

    _check(evaluation, on_error, deadline, step)
    name, described = _client.describe(dataset)
    what = items(evaluation, split, dataset=name)
    shown = _artifacts.names_to_show(evaluation, per_sample=per_sample, page=page)
    uri = _client.tracking_uri()
    where = _client.find_run(run_id, model_id, step or 0, deadline or _ASK)
    now = time.time_ns() // 1_000_000
    entry = _spool.Entry(
        id=_spool.new_id(),
        address=lasting(uri),
        run_id=where.run_id,
        experiment={} if where.run_id else _client.experiment_of_new_runs(),
        folder=what.folder,
        unit=evaluation.decomposition.unit,
        metrics=what.metrics,
        tags=what.tags,
        timestamp=now,
        step=step or 0,
        model_ids=where.model_ids,
        dataset=described,
        later=tuple(shown) if deadline == 0 else (),
    )
    files = _artifacts.exact(evaluation, per_sample=per_sample)
    if deadline > 0:
        more = _artifacts.to_show(evaluation, split, shown)
        files = _artifacts.Files(
            contents=files.contents | more.contents, notes=files.notes | more.notes
        )
    job, unsecured = _secure(entry, files.contents, uri)
    if deadline == 0:
        job.later = lambda: _artifacts.to_show(evaluation, split, shown).contents
    _send_or_leave(job, where, deadline)
    result = _result(job, what, files.notes, where, deadline, unsecured)
    _tell(result, on_error)
    return result


def _check(evaluation: Any, on_error: Any, deadline: Any, step: Any) -> None:
    if not isinstance(evaluation, Evaluation):
        msg = (
            f"evaluation must be an Evaluation: found {type(evaluation).__name__}; "
            "pass what Evaluation.from_predictions returns."
        )
        raise TypeError(msg)
    if on_error not in _ON_ERROR:
        msg = (
            f"on_error must be one of {', '.join(map(repr, _ON_ERROR))}: found "
            f"{on_error!r}; pass 'spool' to go on."
        )
        raise ValueError(msg)
    if not (isinstance(deadline, (int, float)) and 0 <= deadline < float("inf")):
        msg = (
            f"deadline must be seconds, 0 or more: found {deadline!r}; pass 0 not to "
            "wait."
        )
        raise ValueError(msg)
    if not (step is None or isinstance(step, int)):
        msg = f"step must be a whole number: found {step!r}; pass the epoch's."
        raise ValueError(msg)


def _secure(
    entry: _spool.Entry, contents: Mapping[str, bytes], uri: str
) -> tuple[Job, str | None]:
    """Write the entry ahead; where the spool cannot take it, say so and go on."""
    root = _spool.root()
    try:
        return Job(uri=uri, entry=entry, folder=_spool.write(entry, contents, root)), (
            None
        )
    except OSError as error:
        reason = error.strerror or str(error)
        mend = "free space" if error.errno == errno.ENOSPC else "make it writable"
        unsecured = (
            f"the spool must be writable: {reason} at {root}; {mend}, or name another "
            f"folder in {_spool.VARIABLE}."
        )
    try:
        folder = Path(tempfile.mkdtemp(prefix="xent-metrics-"))
        written = _spool.write(entry, contents, folder)
    except OSError:
        return Job(uri=uri, entry=entry, folder=None), unsecured
    return Job(uri=uri, entry=entry, folder=written, temporary=True), unsecured


def _send_or_leave(job: Job, where: Where, deadline: float) -> None:
    """Have the entry sent, unless the server was silent when a run was asked for."""
    if where.error is not None:
        job.error = Exception(told(where.error))
        if job.folder is not None:
            _spool.note(job.folder, _spool.State(attempts=1, error=str(job.error)))
        return
    thread = sender(job.uri, apart=deadline == 0)
    thread.submit(job)
    if deadline > 0:
        thread.wait(job, deadline)


def _result(
    job: Job,
    what: Items,
    notes: dict[str, str],
    where: Where,
    deadline: float,
    unsecured: str | None,
) -> LogResult:
    sent = job.done.is_set() and job.error is None
    error = None
    if job.error is not None:
        error = told(job.error)
    elif not sent and deadline > 0:
        error = f"the server did not answer within {deadline:g} seconds"
    kept = None if sent or job.temporary else job.folder
    return LogResult(
        run_id=job.run_id or where.run_id,
        metrics=what.metrics,
        left_out=what.left_out,
        artifacts=job.artifacts if job.done.is_set() else (),
        notes=notes,
        spooled=kept,
        logged=sent,
        error=". ".join(filter(None, (error, unsecured))) or None,
        url=job.url,
    )


def _tell(result: LogResult, on_error: OnError) -> None:
    if result.error is None or result.logged:
        if result.error is not None:
            _logger.warning("%s", result.error)
        return
    mend = (
        "python -m xent_metrics_mlflow replay sends it."
        if result.spooled is not None
        else "log it again."
    )
    run = f"run {result.run_id}" if result.run_id else "a new run"
    message = f"{run} does not have all of the evaluation: {result.error}; {mend}"
    if on_error == "raise":
        raise LogError(message, result)
    if on_error == "warn":
        warnings.warn(message, NotLoggedWarning, stacklevel=3)
    else:
        _logger.warning("%s", message)
