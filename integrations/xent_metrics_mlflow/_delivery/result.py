"""The result of logging, and what is raised or warned if it failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .._calls import public


@public
class LogError(RuntimeError):
    """An evaluation was not logged in time.

    Attributes
    ----------
    result : LogResult
        What was to be logged; ``spooled`` is where it waits to be replayed.
    """

    def __init__(self, message: str, result: LogResult) -> None:
        super().__init__(message)
        self.result = result


@public
class NotLoggedWarning(UserWarning):
    """An evaluation was not logged, but waits to be replayed."""


@public
@dataclass(frozen=True, kw_only=True, repr=False)
class LogResult:
    """What was logged where.

    Attributes
    ----------
    run_id : str or None
        The run; None if no run was active and the server did not answer when asked for
        a new one: a replay starts it.
    metrics : dict of str to float
        The metrics by key.
    left_out : dict of str to float
        Terms that are not finite; a tag of the run lists them.
    artifacts : tuple of str
        The paths of the files that were uploaded.
    notes : dict of str to str
        Why a file that was asked for is missing, by its name.
    spooled : Path or None
        The entry on disk, if the run does not have all of it yet:
        ``python -m xent_metrics_mlflow replay`` sends it. If the spool cannot be
        written, it is in a folder for temporary files, and the replay needs its path.
    logged : bool
        Whether the run has all of it.
    error : str or None
        Why the run does not have all of it; or, if it has, why the entry could not be
        written to the spool first.
    url : str or None
        The address of the run's page, if a server shows it.
    """

    run_id: str | None
    metrics: dict[str, float]
    left_out: dict[str, float]
    artifacts: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    spooled: Path | None = None
    logged: bool = False
    error: str | None = None
    url: str | None = None

    def __repr__(self) -> str:
        run = f"run {self.run_id}" if self.run_id else "a new run"
        found = f"{len(self.metrics)} metrics"
        if self.logged:
            found += f" and {len(self.artifacts)} artifacts are in {run}"
        elif self.spooled is not None:
            found += f" for {run} are queued in {self.spooled}"
        else:
            found += f" for {run} are not logged"
        return f"LogResult: {found}" + (f"; {self.error}" if self.error else "")
