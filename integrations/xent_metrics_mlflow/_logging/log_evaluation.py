"""Logging evaluations to runs."""

from __future__ import annotations

from typing import Any

from xent_metrics import Evaluation

from .._calls import public
from .._delivery.deliver import OnError, Parcel, check, deliver
from .._delivery.result import LogResult
from .._items import artifacts
from .._items.features import NONE, of_features
from .._items.items import Items, items
from .._items.rows import are_all


@public
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
    by: Any = None,
    features: Any = None,
    on_error: OnError = "spool",
    deadline: float = 10.0,
) -> LogResult:
    """Log an evaluation to an MLflow run: metrics, tags, its page and its rows.

    What is to be logged is written to disk before it is sent. If the server does not
    answer in time, the call returns, and the entry waits there: nothing is lost.

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
        The step of the metrics. Default: 0. Of several evaluations of one split the run
        has all metrics, and the tags and files of the one with the highest step, or
        else the newest; files of an older one that comes later are in
        ``xent/<split>/step-<step>/``.
    per_sample : bool, default True
        Whether the rows are logged: all of them, with what was predicted, as Parquet,
        and the 1000 most costly as a table to look at.
    page : bool, default True
        Whether the page of :meth:`xent_metrics.Evaluation.to_html` is logged.
    by : column name or names of per_sample, or values, optional
        Groups to show on the page, as in :meth:`xent_metrics.Evaluation.to_html`.
    features : array-like or DataFrame of N rows, optional
        The features of the rows, as :meth:`xent_metrics.Evaluation.reducible` takes
        them: what they could still win is logged as ``grouping_loss_at_least``,
        ``kl_divergence_at_least`` and ``entropy_at_most``, with their errors, and the
        slices of the loss and of that gain as the table ``slices.json``. Learners are
        fitted for that before anything is sent: seconds, for tens of thousands of rows.
    on_error : {"spool", "raise", "warn"}, default "spool"
        What happens when the run does not have all of it in time: the result says so
        in ``error`` and ``spooled``, and with "spool" a line goes to the log
        ``xent_metrics_mlflow``; with "warn" it is a warning; with "raise" an error. In
        all three cases the entry is kept.
    deadline : float, default 10.0
        Seconds to wait for the server. 0 does not wait: the call returns when the
        entry is on disk, which takes some milliseconds, and a thread draws the page
        and sends it. The end of the process, of a worker of multiprocessing too, waits
        for that, for at most 30 seconds.

    Returns
    -------
    LogResult
        The run's id, and what was logged.

    Raises
    ------
    LogError
        With ``on_error="raise"``, if the run does not have all of it in time.
    TypeError
        If ``evaluation`` is not an Evaluation, or if ``dataset`` is neither a name nor
        a dataset of MLflow.
    ValueError
        If an argument is not one of those above, if a key would be one that stores
        refuse, if no run is active off the main thread, or if the server answers in
        time that it has no run ``run_id``, none that MLFLOW_RUN_ID names, or no model
        ``model_id``, or if ``features`` are not those of the rows; then nothing is
        kept.

    Warns
    -----
    NotLoggedWarning
        With ``on_error="warn"``, if the run does not have all of it in time.

    Notes
    -----
    Stores keep infinities and NaN as ordinary numbers, so a value that is not finite
    is never a metric: ``non_finite`` in the tag ``xent/<split>/info`` lists it.
    That tag is a JSON of all settings, among them the recalibration map, the clip and
    the digest of the data. Map and clip are params of the run too, for charts of
    several runs and for searches; params of a run are fixed, so those of the first step
    stay.

    Every run has the cross-entropy, the entropy and the KL divergence, of hard labels
    too. The standard error of ``xent/<split>/<term>`` is ``xent/<split>/se/<term>``,
    so that charts of one section pair with those of the other. An error that is 0 or
    that of another term is no metric: for hard labels the entropy has none, and that of
    the KL divergence is that of the cross-entropy. :func:`runs_frame` has all of them.

    Terms of a class are ``xent/<split>/by_class/<term>_<class>``, with their errors in
    ``by_class/se/``; for hard labels its refinement is its uncertainty minus its
    resolution, and no metric. If the name of a class cannot be part of a key, or
    clashes with another, ``classes`` in the settings says which is meant. Of more than
    20 classes those 20 have metrics whose rows add most to the KL divergence (for hard
    labels, to the cross-entropy), and the settings name them; evaluation.json holds
    all.

    One split of a run has one unit: an evaluation in another is refused, and kept in
    the spool.

    The spool is the folder that ``XENT_METRICS_SPOOL`` names, or one of the user's
    state folder. Its entries hold no credentials: a replay takes those of its own
    environment, and sends them to ``MLFLOW_TRACKING_URI`` only. Entries that processes
    have left when they ended are sent by the next call to the same server, ten at a
    time; the others, and what has failed three times, by
    ``python -m xent_metrics_mlflow replay``.

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
    from .. import _client  # noqa: PLC0415 - MLflow is loaded when first used

    check(on_error, deadline, step)
    if not isinstance(evaluation, Evaluation):
        msg = (
            f"evaluation must be an Evaluation: found {type(evaluation).__name__}; "
            "pass what Evaluation.from_predictions returns."
        )
        raise TypeError(msg)
    name, described = _client.describe(dataset)
    found = of_features(evaluation, features)
    what = items(evaluation, split, dataset=name, beside=found)
    if by is not None:
        evaluation.summary(by)  # unknown groups are an error, not a missing page
    return deliver(
        parcel_of(
            evaluation,
            split,
            what,
            per_sample=per_sample,
            page=page,
            by=by,
            beside=found.files,
        ),
        _client,
        run_id=run_id,
        model_id=model_id,
        dataset=described,
        step=step,
        on_error=on_error,
        deadline=deadline,
    )


def parcel_of(
    evaluation: Evaluation,
    split: str,
    what: Items,
    *,
    per_sample: bool,
    page: bool,
    by: Any = None,
    beside: artifacts.Files = NONE.files,
) -> Parcel:
    """An evaluation's numbers and files, with others beside them."""
    shown = artifacts.names_to_show(evaluation, per_sample=per_sample, page=page)
    # A replay knows neither groups nor repeats: such a page is made here.
    alone = by is None and are_all(evaluation)
    later = [name for name in shown if alone or name != artifacts.PAGE]
    now = [name for name in shown if name not in later]

    def files() -> artifacts.Files:
        exact = artifacts.exact(evaluation, per_sample=per_sample).beside(beside)
        return exact.beside(artifacts.to_show(evaluation, split, now, by=by))

    return Parcel(
        what=what,
        unit=evaluation.decomposition.unit,
        files=files,
        later=tuple(later),
        show=lambda: artifacts.to_show(evaluation, split, later),
        table=artifacts.TABLE,
    )
