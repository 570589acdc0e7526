"""The evaluator that ``mlflow.models.evaluate`` finds by its entry point, ``xent``."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from mlflow.models import EvaluationResult
from mlflow.models.evaluation import ModelEvaluator

_logger = logging.getLogger("xent_metrics_mlflow")
_NAME = "xent"


class XentEvaluator(ModelEvaluator):
    """Decompose the log loss of a classifier in ``mlflow.models.evaluate``.

    It goes by the name "xent", alone or beside others: ``evaluators=["default",
    "xent"]``. It takes a model that was logged in any way, a function, or a static
    frame of predictions; probabilities come from the ``predict_proba`` of the model
    within, else from what the model predicts.

    Its options are ``evaluator_config={"xent": {...}}``, all of them optional:

    proba : columns
        Where the probabilities are in a static frame, or in the frame that a model
        returns: a prefix, a list or a mapping from class to name, as in
        :class:`~xent_metrics.XentAccessor`.
    labels : sequence of classes
        The class of each column of probabilities, in their order. It is never guessed:
        without it, it must be known from the model's ``classes_``, or from the names
        of the columns.
    split : str
        The data's name in keys, ``xent/<split>/<term>``. Default "test".
    sample_weight, groups : column name or array-like
        As in :func:`~xent_metrics.decompose`; a column named here is no feature.
    target_type, base, clip, rescale, from_logits, recalibration, vote_correction
        As in :func:`~xent_metrics.decompose`.
    per_sample, page : bool
        As in :func:`log_evaluation`.
    by : column name or names, or array-like
        Groups to show on the page. A column named here is a feature too, unless the
        model was fitted to a frame without it.

    Notes
    -----
    What it finds is logged to the run as :func:`log_evaluation` does it. The metrics
    are part of the ``EvaluationResult``, by the same keys, and so are the files as its
    ``artifacts``, by their paths such as ``xent/test/report.html``; their content is
    read when it is asked for.

    ``mlflow.validate_evaluation_results`` takes thresholds on all metrics. What speaks
    for a model is a smaller ``xent/test/cross_entropy``, ``kl_divergence``,
    ``miscalibration`` or ``refinement`` (and, for soft labels, ``grouping_loss``), and
    a larger ``resolution`` or ``skill``; ``xent/test/n_clipped`` and ``n_unseen`` count
    rows that should not be there. ``entropy``, ``uncertainty`` and ``irreducible`` are
    of the data alone. A term that is not finite is no metric, so a threshold on it is
    not met. Changes from a baseline are compared without their errors: :func:`promote`
    decides by the confidence interval of a paired difference.

    If it is named and there are no probabilities, as when a function returns labels, a
    line in the log ``xent_metrics_mlflow`` says so, and the other evaluators go on.
    With ``evaluators=None`` MLflow asks every evaluator that is installed: there it
    never raises, and ignores options that are not its own.

    Examples
    --------
    >>> import mlflow
    >>> import pandas as pd
    >>> df = pd.DataFrame({"y": ["a", "b"] * 100, "p_a": [0.9, 0.4] * 100})
    >>> df["p_b"] = 1 - df["p_a"]
    >>> result = mlflow.models.evaluate(
    ...     data=df,
    ...     targets="y",
    ...     model_type="classifier",
    ...     evaluators="xent",
    ...     evaluator_config={"proba": "p_", "base": 2, "page": False},
    ... )
    >>> round(result.metrics["xent/test/cross_entropy"], 4)
    0.4445
    >>> sorted(result.artifacts)[0]
    'xent/test/evaluation.json'

    Thresholds, which raise ModelValidationFailedException where one is not met:

    >>> from mlflow.models import MetricThreshold
    >>> thresholds = {
    ...     "xent/test/cross_entropy": MetricThreshold(
    ...         threshold=0.5, greater_is_better=False
    ...     ),
    ...     "xent/test/skill": MetricThreshold(threshold=0.2, greater_is_better=True),
    ...     "xent/test/n_clipped": MetricThreshold(
    ...         threshold=0, greater_is_better=False
    ...     ),
    ... }
    >>> mlflow.validate_evaluation_results(thresholds, result)
    """

    def __init__(self) -> None:
        self._asked = 0

    def can_evaluate(
        self, *, model_type: str | None, evaluator_config: Any, **_others: Any
    ) -> bool:
        """Whether the model is a classifier.

        Parameters
        ----------
        model_type : str or None
            What ``mlflow.models.evaluate`` was given.
        evaluator_config : dict
            The options; they do not matter here.
        **_others
            What later versions of MLflow may add.

        Returns
        -------
        bool
            True for "classifier".
        """
        del evaluator_config
        # Before it runs an evaluator MLflow asks once; where none were named, it has
        # asked before, to choose among those that are installed.
        self._asked += 1
        return model_type == "classifier"

    def evaluate(
        self,
        *,
        dataset: Any,
        run_id: str,
        evaluator_config: Mapping[str, Any] | None,
        model: Any = None,
        predictions: str | None = None,
        **_others: Any,
    ) -> EvaluationResult | None:
        """Evaluate, log to the run, and return the metrics and files.

        Parameters
        ----------
        dataset : EvaluationDataset
            Features and targets, and the predictions where there is no model.
        run_id : str
            The run.
        evaluator_config : dict or None
            The options, as above.
        model : PyFuncModel, optional
            The model.
        predictions : str, optional
            The column of the model's output that holds the predictions.
        **_others
            What is for other evaluators. MLflow sends the metrics to the LoggedModel.

        Returns
        -------
        EvaluationResult or None
            Metrics by key, files by path; None where there is nothing to evaluate.

        Raises
        ------
        TypeError
            If ``labels`` is a text, or has no order.
        ValueError
            If an option is unknown, if the order of the classes is, or as in
            :func:`~xent_metrics.cross_entropy`; not where the evaluator was not named.
        """
        named = self._asked <= 1
        self._asked = 0
        config = dict(evaluator_config or {})
        if set(config) == {_NAME} and isinstance(config[_NAME], dict):
            config = dict(config[_NAME])
        with _forgiving(named=named):
            from .artifacts import artifacts_of  # noqa: PLC0415 - lazily
            from .evaluate import evaluate_and_log  # noqa: PLC0415 - lazily

            logged = evaluate_and_log(
                model,
                dataset,
                config,
                predictions,
                run_id=run_id,
                strict=named,
            )
            return EvaluationResult(
                metrics=logged.metrics,
                artifacts=artifacts_of(run_id, logged.artifacts),
                run_id=run_id,
            )
        return None


@contextlib.contextmanager
def _forgiving(*, named: bool) -> Iterator[None]:
    """Log why there is nothing to evaluate; if it was not named, any error too."""
    with contextlib.ExitStack() as stack:
        if not named:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:  # unnamed, it must not stop the others
            if named and not getattr(error, "declines", False):
                raise
            quiet = not named and getattr(error, "expected", False)
            level = logging.INFO if quiet else logging.WARNING
            _logger.log(level, "evaluator 'xent' did not evaluate: %s", error)


XentEvaluator.__module__ = "xent_metrics_mlflow"  # where it is found
