"""Runs read back: two compared row by row, and all of them as a table."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xent_metrics import Comparison, SmallSampleWarning, UnseenLabelWarning, compare

from .._calls import public
from .._items.artifacts import ROWS
from .._items.items import folder_of
from .._items.keys import check_id, unknown
from .._items.rows import Rows, evaluate_rows, read_rows
from .align import in_one_order
from .table import splits_of, table_of_runs

if TYPE_CHECKING:
    import pandas as pd


@public
def compare_runs(
    run_a: str,
    run_b: str,
    *,
    split: str = "test",
    recalibration: Any = "auto",
    level: float = 0.95,
) -> Comparison:
    """Compare two runs row by row, from the rows that :func:`log_evaluation` logged.

    Parameters
    ----------
    run_a, run_b : str
        The ids of the runs. Differences are those of ``run_b`` from ``run_a``.
    split : str, default "test"
        The split of both.
    recalibration : str or object, default "auto"
        The map of both, as in :func:`xent_metrics.compare`.
    level : float, default 0.95
        The level of the confidence intervals.

    Returns
    -------
    Comparison
        The models by the names of their runs, in the unit and with the clip of
        ``run_a``.

    Raises
    ------
    ImportError
        If pyarrow is not installed, which reads the rows.
    TypeError
        If a run is not given by its id.
    OSError
        If the server does not answer.
    ValueError
        If both are one run, if a run does not exist or has no rows of the split, or if
        the two were evaluated on different data, saying which rows lack or have other
        targets or weights; or as in :func:`xent_metrics.compare`.

    Notes
    -----
    Rows are paired by their ids, the index of ``per_sample``, in whatever order they
    are; without an index of their own these are the places of the rows. What is read is
    Parquet and JSON: nothing is unpickled.

    Examples
    --------
    >>> import mlflow
    >>> from xent_metrics import Evaluation
    >>> from xent_metrics_mlflow import compare_runs, log_evaluation
    >>> y = [0, 1, 1, 0] * 100
    >>> predictions = {
    ...     "dull": [0.4, 0.6, 0.6, 0.5] * 100,
    ...     "sharp": [0.2, 0.7, 0.9, 0.4] * 100,
    ... }
    >>> def train_and_log(name):
    ...     evaluation = Evaluation.from_predictions(y, predictions[name])
    ...     with mlflow.start_run(run_name=name):
    ...         return log_evaluation(evaluation, page=False).run_id
    >>> comparison = compare_runs(train_and_log("dull"), train_and_log("sharp"))
    >>> round(comparison.differences["sharp"]["cross_entropy"].difference, 4)
    -0.2574
    """
    folder_of(split)
    check_id("run_a", run_a)
    check_id("run_b", run_b)
    if run_a == run_b:
        msg = (
            f"run_a and run_b must be different runs: found {run_a} twice; pass the id "
            "of another run."
        )
        raise ValueError(msg)
    (name_a, first), (name_b, second) = (_read(one, split) for one in (run_a, run_b))
    told = f"{name_a!r} ({run_a})", f"{name_b!r} ({run_b})"
    if name_a == name_b:
        name_a, name_b = f"{name_a} ({run_a[:8]})", f"{name_b} ({run_b[:8]})"
    second = in_one_order(first, second, told)
    with warnings.catch_warnings():
        for said_before in (SmallSampleWarning, UnseenLabelWarning):
            warnings.simplefilter("ignore", said_before)
        evaluations = {
            name: evaluate_rows(
                rows, recalibration=rows.about["recalibration"] or recalibration
            )
            for name, rows in ((name_a, first), (name_b, second))
        }
    return compare(
        evaluations,
        base=first.about["base"],
        clip=first.about["clip"],
        recalibration=recalibration,
        level=level,
    )


def _read(run_id: str, split: str) -> tuple[str, Rows]:
    """The name of a run, and its rows."""
    folder = folder_of(split)
    from .. import _store  # noqa: PLC0415 - MLflow is loaded when first used

    run = _store.read_run(run_id)
    name = run.info.run_name or run_id
    known = splits_of([run])
    if known and split not in known:
        rule = f"split must be one of run {name!r} ({run_id})"
        raise ValueError(unknown(rule, split, known))
    data = _store.read_file(run_id, f"{folder}/{ROWS}")
    if data is None:
        msg = (
            f"runs must have the rows of the split: run {name!r} ({run_id}) has no "
            f"{folder}/{ROWS}; log it with per_sample=True, where pyarrow is installed."
        )
        raise ValueError(msg)
    try:
        rows = read_rows(data)
    except ImportError as error:
        msg = (
            "the rows of runs need pyarrow: it is not installed; pip install "
            "'xent-metrics[arrow]'."
        )
        raise ImportError(msg) from error
    if "labels" not in rows.about:
        msg = (
            f"runs must have rows with what was predicted: {folder}/{ROWS} of run "
            f"{name!r} ({run_id}) is of an evaluation that was read back; evaluate "
            "again."
        )
        raise ValueError(msg)
    return name, rows


@public
def runs_frame(
    experiment: str | Sequence[str] | None = None,
    *,
    split: str = "test",
    unit: str | None = None,
    filter_string: str = "",
) -> pd.DataFrame:
    """The decomposition of all runs as a table, one row per run.

    Parameters
    ----------
    experiment : str or sequence of str, optional
        The names or ids of experiments. Default: the active one.
    split : str, default "test"
        The split that runs were logged with; others have no row.
    unit : {"nats", "bits", "bans"}, optional
        Convert all terms to this unit. Default: as they were logged, if that is one
        unit.
    filter_string : str, optional
        Which runs, in the language of ``mlflow.search_runs``.

    Returns
    -------
    DataFrame
        The newest first: ``run_id``, ``name``, ``start_time`` (UTC), ``status``,
        ``unit``, ``recalibration``, ``clip``, ``data``, ``n``, then each term with its
        ``<term>_se`` behind it, and the counts. Infinite terms, which are not metrics,
        are read from their tag.

    Raises
    ------
    ValueError
        If an experiment does not exist, if runs were logged and none of them has the
        split, or if runs have several units and ``unit`` does not say which to convert
        to.
    OSError
        If the server does not answer.

    Notes
    -----
    ``data`` is a digest of row ids, targets and weights: runs that have the same can be
    compared by :func:`compare_runs`. The terms of runs with several ``recalibration``
    maps, or values of ``clip``, were not measured alike.

    Examples
    --------
    >>> import mlflow
    >>> from xent_metrics import Evaluation
    >>> from xent_metrics_mlflow import log_evaluation, runs_frame
    >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
    >>> with mlflow.start_run(run_name="calm"):
    ...     result = log_evaluation(evaluation, page=False)
    ...     table = runs_frame()
    >>> table[["name", "unit", "n", "cross_entropy", "cross_entropy_se"]].round(4)
       name  unit      n  cross_entropy  cross_entropy_se
    0  calm  nats  400.0         0.2899            0.0044
    """
    from .. import _store  # noqa: PLC0415 - MLflow is loaded when first used

    folder = folder_of(split)
    given: Sequence[Any] | None = None
    if experiment is not None:
        one = isinstance(experiment, str) or not isinstance(experiment, Sequence)
        given = [experiment] if one else experiment
    logged = f"tags.`{folder}/schema` != ''"
    wanted = f"{filter_string} AND {logged}" if filter_string else logged
    ids = _store.experiment_ids(given)
    found = _store.read_runs(ids, wanted)
    if not found:
        known = splits_of(_store.read_runs(ids, filter_string))
        if known and split not in known:
            rule = "split must be one that these runs have"
            raise ValueError(unknown(rule, split, known))
    return table_of_runs(found, folder, unit)
