"""Logging evaluations to the active run automatically."""

from __future__ import annotations

import inspect
import logging
import numbers
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xent_metrics import add_listener, remove_listener

from .._calls import public
from .._items.items import folder_of
from .log_evaluation import log_evaluation

if TYPE_CHECKING:
    from xent_metrics import Evaluation

_logger = logging.getLogger("xent_metrics_mlflow")
_OWN = ("evaluation", "split", "run_id", "step")
_OPTIONS = tuple(
    name for name in inspect.signature(log_evaluation).parameters if name not in _OWN
)
_MOST_RUNS = 1000  # that are remembered


@public
def autolog(
    *, disable: bool = False, split: str = "test", at_most: int = 20, **options: Any
) -> None:
    """Log each evaluation of this package to the active run automatically.

    From then on each evaluation that is made inside an active run is logged there as
    :func:`log_evaluation` does it: one made by a ``from_...`` of
    :class:`~xent_metrics.Evaluation`, by ``df.xent.evaluate``, or by calling a scorer
    of ``xent_metrics.scorers`` with a fitted model. Without an active run in the same
    thread nothing is logged, and none is started.

    Parameters
    ----------
    disable : bool, default False
        Turn it off: nothing is logged automatically, and what was logged is forgotten.
    split : str, default "test"
        The data's name in keys, ``xent/<split>/<term>``. A run's second evaluation by
        that name is logged as "test-2", the third as "test-3", and so on, in a run
        that was resumed too.
    at_most : int, default 20
        How many evaluations of one run are logged. At the next a line in the log
        ``xent_metrics_mlflow`` says that no more are.
    **options
        Further options of :func:`log_evaluation`, such as ``page=False``, or
        ``deadline=0`` not to wait for the server.

    Raises
    ------
    TypeError
        If an option is none of :func:`log_evaluation`.
    ValueError
        If the split's name cannot be part of a key, or ``at_most`` is not positive.

    See Also
    --------
    xent_metrics.without_listeners : Evaluate, and log nothing.

    Notes
    -----
    What scikit-learn calls while it cross-validates or searches is not logged: there an
    evaluation is a fold's. ``Evaluation.from_cv_results`` of all folds is. In a loop of
    your own over folds or epochs use :func:`log_evaluation` with ``step``, within
    :func:`xent_metrics.without_listeners`.

    Called again it replaces the options. It does not touch ``mlflow.sklearn.autolog``,
    whose keys are others, and logging never fails an evaluation: why it could not be
    logged is in the log.

    Examples
    --------
    >>> import mlflow
    >>> from xent_metrics import Evaluation
    >>> from xent_metrics_mlflow import autolog
    >>> autolog(split="holdout", page=False)
    >>> with mlflow.start_run() as run:
    ...     evaluation = Evaluation.from_predictions([0, 1] * 100, [0.2, 0.7] * 100)
    ...     metrics = mlflow.get_run(run.info.run_id).data.metrics
    >>> autolog(disable=True)
    >>> round(metrics["xent/holdout/cross_entropy"], 4)
    0.2899
    """
    if disable:
        remove_listener(_log)
        _settings.forget()
        return
    _check(split, at_most, options)
    _settings.change(split, at_most, options)
    add_listener(_log)


def _check(split: Any, at_most: Any, options: Mapping[str, Any]) -> None:
    """Check options before there is anything to log."""
    folder_of(split)
    whole = isinstance(at_most, numbers.Integral) and not isinstance(at_most, bool)
    if not whole or at_most < 1:
        msg = (
            f"at_most must be a whole number of 1 or more: found {at_most!r}; pass 20."
        )
        raise ValueError(msg)
    for name in options:
        if name not in _OPTIONS:
            msg = (
                f"autolog takes disable, split, at_most{_listed(_OPTIONS)}: found "
                f"{name!r}; pass one of these."
            )
            raise TypeError(msg)


def _listed(names: Iterable[str]) -> str:
    return "".join(f", {name}" for name in names)


class _Settings:
    """What was asked for, and which names each run has used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[str, list[str]] = {}
        self.change("test", 20, {})

    def change(self, split: str, at_most: int, options: Mapping[str, Any]) -> None:
        """Take new options; runs keep the names that they have used."""
        with self._lock:
            self._split, self._at_most = split, at_most
            self._options = dict(options)

    def forget(self) -> None:
        """Return to the state before the first call."""
        with self._lock:
            self._used.clear()
        self.change("test", 20, {})

    def reserve(
        self, run_id: str, tags: Mapping[str, str]
    ) -> tuple[str, dict[str, Any]] | None:
        """The next name in a run, and the options; None where it has had enough."""
        with self._lock:
            used = self._used.setdefault(run_id, [])
            if len(self._used) > _MOST_RUNS:
                del self._used[next(iter(self._used))]
            if len(used) >= self._at_most:
                if len(used) == self._at_most:
                    used.append("")  # said once
                    _logger.warning(
                        "autolog logs at most %d evaluations of a run: run %s has "
                        "them; in a loop call log_evaluation with step=.",
                        self._at_most,
                        run_id,
                    )
                return None
            name, number = self._split, 1
            while name in used or f"{folder_of(name)}/schema" in tags:
                number += 1
                name = f"{self._split}-{number}"
            used.append(name)
            return name, dict(self._options)


_settings = _Settings()


def _log(evaluation: Evaluation) -> None:
    """Log to the active run of this thread, if there is one."""
    import mlflow  # noqa: PLC0415 - heavy: loaded when first used

    try:
        run = mlflow.active_run()
        if run is None:
            return
        found = _settings.reserve(run.info.run_id, run.data.tags)
        if found is None:
            return
        split, options = found
        log_evaluation(evaluation, split=split, run_id=run.info.run_id, **options)
    except Exception as error:  # logging must not fail the evaluation
        _logger.warning(
            "an evaluation was not logged: %s; log_evaluation says more.",
            error,
            exc_info=_logger.isEnabledFor(logging.DEBUG),
        )
