"""Delivering a parcel: written to disk first, then sent to its run in time."""

from __future__ import annotations

import contextlib
import errno
import logging
import numbers
import operator
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .._items.artifacts import Files
from .._items.items import Items
from .._items.keys import check_id
from . import spool
from .address import lasting
from .result import LogError, LogResult, NotLoggedWarning
from .send import Job, told
from .threads import sender
from .tracker import UnknownError

if TYPE_CHECKING:
    from .tracker import Tracker, Where

OnError = Literal["spool", "raise", "warn"]

_ON_ERROR = ("spool", "raise", "warn")
_ASK = 10.0  # seconds that a new run may take to start if the call does not wait
_HOUSE = "xent_metrics"  # and its integrations
_STEPS = 2**63  # stores keep steps in 64 bits
_logger = logging.getLogger("xent_metrics_mlflow")


def _nothing() -> Files:
    return Files(contents={})


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What one call logs: numbers, files, and the one unit of the split.

    ``later`` names the files that ``show`` makes from the others when there is time.
    ``table`` is the file that the run's page shows as a table, ``name`` is what
    messages call the parcel, and ``of_model`` says whether its metrics belong to a
    model too.
    """

    what: Items
    unit: str
    files: Callable[[], Files]
    later: tuple[str, ...] = ()
    show: Callable[[], Files] = _nothing
    table: str | None = None
    name: str = "evaluation"
    of_model: bool = True


def deliver(
    parcel: Parcel,
    tracker: Tracker,
    *,
    run_id: str | None,
    on_error: OnError,
    deadline: float,
    model_id: str | None = None,
    dataset: Mapping[str, str] | None = None,
    step: int | None = None,
) -> LogResult:
    """Log a parcel to a run."""
    for option, given in (("run_id", run_id), ("model_id", model_id)):
        if given is not None:
            check_id(option, given)
    what = parcel.what
    uri = tracker.tracking_uri()
    at = 0 if step is None else whole_step(step)
    where = tracker.find_run(run_id, model_id, at, deadline or _ASK)
    now = time.time_ns() // 1_000_000
    entry = spool.Entry(
        id=spool.new_id(),
        address=lasting(uri),
        run_id=where.run_id,
        experiment={} if where.run_id else tracker.experiment_of_new_runs(),
        run_tags={} if where.run_id else tracker.tags_of_new_runs(),
        folder=what.folder,
        unit=parcel.unit,
        metrics=what.metrics,
        points=what.points,
        children=what.children,
        tags=what.tags_at(at, now),
        params=what.params,
        timestamp=now,
        step=at,
        model_ids=where.model_ids if parcel.of_model else (),
        dataset=dataset,
        table=parcel.table,
        later=parcel.later if deadline == 0 else (),
        maker=spool.maker(),
    )
    files = parcel.files()
    if deadline > 0:
        files = files.beside(parcel.show())
    job = Job(
        uri=uri,
        tracker=tracker,
        entry=entry,
        folder=None,
        is_active=where.is_active,
        waited_for=deadline > 0,
    )
    unsecured = _secure(job, files.contents)
    if deadline == 0:
        job.later = lambda: parcel.show().contents
    late = _send_or_leave(job, where, deadline)
    named_run = run_id is not None and not where.is_active
    if named_run or model_id is not None:
        _refuse_unknown(job)
    result = _result(job, parcel, files.notes, where, late, unsecured)
    _tell(result, on_error, parcel.name, in_spool=not job.temporary)
    return result


def check(on_error: Any, deadline: Any, step: Any = None) -> None:
    """Check options before anything is computed."""
    if on_error not in _ON_ERROR:
        msg = (
            f"on_error must be one of {', '.join(map(repr, _ON_ERROR))}: found "
            f"{on_error!r}; pass 'spool' to go on."
        )
        raise ValueError(msg)
    number = isinstance(deadline, numbers.Real)
    if not (number and 0 <= deadline < float("inf")):
        msg = (
            f"deadline must be seconds, 0 or more: found {deadline!r}; pass 0 not to "
            "wait."
        )
        raise ValueError(msg)
    if step is not None:
        whole_step(step)


def whole_step(step: Any) -> int:
    """A step as an integer, of numpy or of a tensor too."""
    with contextlib.suppress(TypeError):
        truth = isinstance(step, bool) or str(getattr(step, "dtype", "")) == "bool"
        if not truth and abs(operator.index(step)) < _STEPS:
            return operator.index(step)
    msg = f"step must be a whole number: found {step!r}; pass the number of the epoch."
    raise ValueError(msg)


def _secure(job: Job, contents: Mapping[str, bytes]) -> str | None:
    """Write the entry to the spool; where that fails, elsewhere, and say why."""
    root = spool.root()
    try:
        job.folder = spool.write(job.entry, contents, root)
    except OSError as error:
        reason = error.strerror or str(error)
        mend = "free space" if error.errno == errno.ENOSPC else "make it writable"
        unsecured = (
            f"the spool must be writable: {reason} at {root}; {mend}, or name another "
            f"folder in {spool.VARIABLE}."
        )
    else:
        return None
    with contextlib.suppress(OSError):
        folder = Path(tempfile.mkdtemp(prefix=spool.TEMPORARY))
        try:
            job.folder = spool.write(job.entry, contents, folder)
            job.temporary = True
        except OSError:
            folder.rmdir()
            raise
    return unsecured


def _send_or_leave(job: Job, where: Where, deadline: float) -> str | None:
    """Have the entry sent, unless the server did not answer when asked for a run.

    Return what the server has not done by the deadline; None if it has done all, or if
    the call does not wait.
    """
    if where.error is not None:
        job.error = Exception(told(where.error, job.uri))
        if job.folder is not None:
            spool.note(job.folder, spool.State(attempts=1, error=job.explain()))
        return None
    thread = sender(job.uri)
    thread.submit(job)
    return thread.wait(job, deadline) if deadline > 0 else None


def _refuse_unknown(job: Job) -> None:
    """Raise if a call that waits named a run or a model that is not in the store."""
    if job.waited_for and job.done.is_set() and isinstance(job.error, UnknownError):
        if job.folder is not None:
            spool.remove(job.folder)
        raise ValueError(job.error.to_caller) from job.error


def _result(
    job: Job,
    parcel: Parcel,
    notes: dict[str, str],
    where: Where,
    late: str | None,
    unsecured: str | None,
) -> LogResult:
    sent = job.done.is_set() and job.error is None
    error = None
    if job.error is not None:
        error = job.explain()
    elif not sent:
        error = late
    kept = None if sent else job.folder
    return LogResult(
        run_id=job.run_id or where.run_id,
        metrics=parcel.what.metrics,
        left_out=parcel.what.left_out,
        artifacts=job.artifacts,
        notes=notes,
        spooled=kept,
        logged=sent,
        error=". ".join(filter(None, (error, unsecured))) or None,
        url=job.url,
    )


def _tell(result: LogResult, on_error: OnError, name: str, *, in_spool: bool) -> None:
    if result.error is None or result.logged:
        if result.error is not None:
            _logger.warning("%s", result.error)
        return
    entry = "" if in_spool else f" {result.spooled}"
    mend = (
        f"python -m xent_metrics_mlflow replay{entry} sends it."
        if result.spooled is not None
        else "log it again."
    )
    run = f"run {result.run_id}" if result.run_id else "a new run"
    message = f"{run} does not have all of the {name}: {result.error}; {mend}"
    if on_error == "raise":
        raise LogError(message, result)
    if on_error == "warn":
        warnings.warn(message, NotLoggedWarning, stacklevel=_level_of_the_caller())
    else:
        _logger.warning("%s", message)


def _level_of_the_caller() -> int:
    """How far above the caller of this the first frame is that is not of this house."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 - as warnings itself does
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith(_HOUSE):
        level, frame = level + 1, frame.f_back
    return level
