"""An alias of a registered model, moved to a run that is no worse than another."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

from xent_metrics import Comparison

from .._calls import public
from .._items.items import folder_of
from .._items.keys import check_id, unknown
from .runs import compare_runs


@public
@dataclass(frozen=True, kw_only=True)
class Promotion:
    """Whether a version of a registered model has an alias now, and why.

    It is true where ``promoted`` is: ``if promote(...):``.

    Attributes
    ----------
    promoted : bool
        Whether the version has the alias now.
    reason : str
        Why, or why not, in one sentence.
    model : str
        The name of the registered model.
    version : str
        The version that the run made.
    alias : str
        The alias.
    comparison : Comparison or None
        The run compared with the one that it must be no worse than; None where there
        was none to compare with.

    Examples
    --------
    >>> from xent_metrics_mlflow import Promotion
    >>> found = Promotion(
    ...     promoted=False, reason="...", model="m", version="2", alias="champion"
    ... )
    >>> bool(found)
    False
    """

    promoted: bool
    reason: str
    model: str
    version: str
    alias: str
    comparison: Comparison | None = None

    def __bool__(self) -> bool:
        """Whether the version has the alias now."""
        return self.promoted


@public
def promote(
    run_id: str,
    *,
    alias: str,
    if_no_worse_than: str | None = None,
    margin: float = 0.0,
    model: str | None = None,
    split: str = "test",
    recalibration: Any = "temperature",
    level: float = 0.95,
) -> Promotion:
    """Give a run's registered model an alias, if the run is no worse than another.

    The two runs are compared row by row, by :func:`compare_runs`. The alias is set if
    the confidence interval of the difference of their cross-entropies, new minus old,
    does not reach above ``margin``.

    Parameters
    ----------
    run_id : str
        The id of the run whose model is to have the alias.
    alias : str
        The alias, such as "champion".
    if_no_worse_than : str, optional
        The id of the run to compare with. Default: the run of the version that has the
        alias now; where none has it, there is nothing to compare with and it is set.
    margin : float, default 0.0
        How much larger the cross-entropy may be, in the unit of the other run. With 0
        the run must be better beyond doubt; a negative margin asks for more.
    model : str, optional
        The registered model. Default: the one that has a version of the run.
    split : str, default "test"
        The split to compare on.
    recalibration : str or object, default "temperature"
        The map of both sides, as in :func:`xent_metrics.compare`. The cross-entropies
        do not depend on it.
    level : float, default 0.95
        The level of the confidence interval.

    Returns
    -------
    Promotion
        Whether the alias was set, and why or why not.

    Raises
    ------
    ImportError
        If pyarrow is not installed, which reads the rows.
    OSError
        If the server does not answer.
    TypeError
        If a run is not given by its id, or ``margin`` is not a number.
    ValueError
        If the run has no version of the registered model, or versions of several and
        ``model`` does not say which; if the version that has the alias has no run; or
        as in :func:`compare_runs`, such as for runs that were evaluated on other data.

    Notes
    -----
    If the run has several versions, the newest is used. To see the comparison without
    setting the alias, call :func:`compare_runs`.

    Examples
    --------
    >>> import mlflow
    >>> from xent_metrics import Evaluation
    >>> from xent_metrics_mlflow import log_evaluation, promote
    >>> y = [0, 1, 1, 0] * 100
    >>> predictions = {
    ...     "dull": [0.4, 0.6, 0.6, 0.5] * 100,
    ...     "sharp": [0.2, 0.7, 0.9, 0.4] * 100,
    ... }
    >>> def train(name):
    ...     evaluation = Evaluation.from_predictions(y, predictions[name])
    ...     with mlflow.start_run(run_name=name):
    ...         return log_evaluation(evaluation, page=False).run_id
    >>> def train_and_register(name):
    ...     run_id = train(name)
    ...     client = mlflow.MlflowClient()
    ...     client.create_registered_model("churn")
    ...     client.create_model_version("churn", f"runs:/{run_id}/model", run_id)
    ...     return run_id
    >>> found = promote(
    ...     train_and_register("dull"),
    ...     alias="champion",
    ...     if_no_worse_than=train("sharp"),
    ... )
    >>> found.promoted
    False
    >>> found.reason.split(": ")[-1].partition(" (")[0]
    "its cross-entropy differs from that of 'sharp' by +0.257405 nats"
    """
    from .. import _store  # noqa: PLC0415 - MLflow is loaded when first used

    folder_of(split)
    check_id("run_id", run_id)
    if if_no_worse_than is not None:
        check_id("if_no_worse_than", if_no_worse_than)
    _check_margin(margin)
    name = _store.read_run(run_id).info.run_name or run_id
    version = _version(_store.versions_of(run_id), run_id, model)
    holder = _store.version_with(version.name, alias)
    other = if_no_worse_than
    if other is None and holder is not None:
        other = _run_of(holder, alias)
    comparison = None
    if other not in (None, run_id):
        comparison = compare_runs(
            other, run_id, split=split, recalibration=recalibration, level=level
        )
        allowed, why = _judged(comparison, margin)
    else:
        allowed = True
        why = "nothing to compare with" if other is None else "it is the same run"
    if allowed:
        _store.set_alias(version.name, alias, str(version.version))
    what = f"version {version.version} of {version.name!r}, of run {name!r} ({run_id}),"
    done = "has" if allowed else "did not get"
    return Promotion(
        promoted=allowed,
        reason=f"{what} {done} the alias {alias!r}: {why}",
        model=version.name,
        version=str(version.version),
        alias=alias,
        comparison=comparison,
    )


def _check_margin(margin: Any) -> None:
    if isinstance(margin, bool) or not isinstance(margin, numbers.Real):
        msg = (
            f"margin must be a number: found {margin!r}; pass how much larger the "
            "cross-entropy may be."
        )
        raise TypeError(msg)
    if not math.isfinite(margin):
        msg = (
            f"margin must be finite: found {margin!r}; pass how much larger the "
            "cross-entropy may be."
        )
        raise ValueError(msg)


def _version(found: list[Any], run_id: str, model: str | None) -> Any:
    """The newest version of the run, of one registered model."""
    names = list(dict.fromkeys(each.name for each in found))
    if not names:
        msg = (
            f"the run must have a registered model: {run_id} has none; call "
            "mlflow.register_model first."
        )
        raise ValueError(msg)
    if model is None and len(names) > 1:
        msg = (
            f"the run must have versions of one registered model: {run_id} has some of "
            f"{', '.join(map(repr, names))}; pass model= with one of these."
        )
        raise ValueError(msg)
    if model is not None and model not in names:
        rule = f"model must be one that run {run_id} has a version of"
        raise ValueError(unknown(rule, model, names))
    return next(each for each in found if model in (None, each.name))


def _run_of(holder: Any, alias: str) -> str:
    if not holder.run_id:
        msg = (
            f"the version that has the alias must have a run: version {holder.version} "
            f"of {holder.name!r} has {alias!r} and no run; pass if_no_worse_than= with "
            "the id of the run to compare with."
        )
        raise ValueError(msg)
    run_id: str = holder.run_id
    return run_id


def _judged(comparison: Comparison, margin: float) -> tuple[bool, str]:
    """Whether the interval allows it, and what is said of it."""
    [new] = set(comparison.decompositions) - {comparison.baseline}
    change = comparison.differences[new]["cross_entropy"]
    unit = comparison.decompositions[comparison.baseline].unit
    allowed = change.high <= margin  # not for NaN
    verdict = "does not reach" if allowed else "reaches"
    if math.isnan(change.high):
        verdict = "has no end, so it may reach"
    return allowed, (
        f"its cross-entropy differs from that of {comparison.baseline!r} by "
        f"{change.difference:+.6g} {unit} ({100 * comparison.level:.6g}% interval "
        f"{change.low:.6g} to {change.high:.6g}), which {verdict} above the margin of "
        f"{margin:.6g}"
    )
