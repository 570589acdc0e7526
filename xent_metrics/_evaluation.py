"""The evaluation, and how it is made from models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from numpy.typing import ArrayLike

from ._cv_results import predict_out_of_fold
from ._decomposition.decompose import Recalibration
from ._decomposition.vote_entropy import VoteCorrection
from ._evaluate import evaluate
from ._inputs.inputs import EPS, read
from ._inputs.targets import Targets
from ._listeners import tell
from ._measures.per_sample import index_of
from ._pickling import public
from ._predictions_evaluated import PredictionsEvaluated


class Classifier(Protocol):
    """What an evaluation asks of an estimator: its classes and probabilities."""

    classes_: Any

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Probabilities of shape (N, K), columns in the order of ``classes_``."""


@public
@dataclass(frozen=True, kw_only=True, repr=False)
class Evaluation(PredictionsEvaluated):
    """Predictions evaluated: the decomposition of their loss, and each row's part.

    Made by :meth:`from_predictions`, :meth:`from_frame`, :meth:`from_estimator`,
    :meth:`from_cv_results`, or :meth:`from_json`.

    Attributes
    ----------
    decomposition : Decomposition
        The terms of the mean cross-entropy.
    per_sample : DataFrame or None
        The measures of each row, as :func:`per_sample` gives them, after its ``label``
        (where it has one) and the class ``predicted``; before these the ``fold`` that
        it was tested in, where folds have models of their own; last its ``weight`` and
        the number of its ``group``, where these were given. None where the evaluation
        was read back without its rows.
    per_class : DataFrame
        The terms of each true class, as :meth:`Decomposition.by_class` gives them.
    labels : tuple
        The classes, in column order.
    folds : DataFrame or None
        The terms of each fold under its own recalibration map: as
        :meth:`Decomposition.by` gives them, with the map's name and degrees of
        freedom. None where one model predicted all rows.
    """

    @classmethod
    def from_estimator(
        cls,
        estimator: Classifier,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        *,
        targets: Targets = "auto",
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        recalibration: Recalibration = "auto",
        vote_correction: VoteCorrection = None,
    ) -> Self:
        """Evaluate a fitted classifier on held-out data.

        Parameters
        ----------
        estimator : fitted classifier
            With ``predict_proba`` and ``classes_``; columns follow the latter.
        X : array-like or DataFrame of N rows
            What the classifier predicts from.
        y : array-like of shape (N,) or (N, K)
            Hard labels, or target distributions, or vote counts.
        targets, sample_weight, groups, base, clip, recalibration, vote_correction
            As in :func:`decompose`.

        Returns
        -------
        Evaluation
            The decomposition and the table of rows, with the index of ``y`` or ``X``.

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.
        ValueError
            As in :func:`cross_entropy`.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from xent_metrics import Evaluation
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> model = GaussianNB().fit(X[:300], y[:300])
        >>> evaluation = Evaluation.from_estimator(model, X[300:], y[300:])
        >>> evaluation.decomposition.n
        269
        """
        proba = probabilities(estimator, X)
        inputs = read(
            y,
            proba,
            labels=estimator.classes_,
            targets=targets,
            sample_weight=sample_weight,
        )
        evaluated = evaluate(
            inputs,
            None,
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=groups,
            vote_correction=vote_correction,
            index=index_of(y, X, proba),
        )
        return tell(cls(**evaluated._asdict()))

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        *,
        targets: Targets = "auto",
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        recalibration: Recalibration = "auto",
        vote_correction: VoteCorrection = None,
    ) -> Self:
        """Evaluate the models of a cross-validation, each on the rows of its test fold.

        Parameters
        ----------
        cv_results : dict
            What ``cross_validate(..., return_estimator=True, return_indices=True)``
            returns.
        X : array-like or DataFrame of N rows
            What ``cross_validate`` was called with.
        y : array-like of shape (N,) or (N, K)
            The same; or target distributions, or vote counts, whose columns are the
            classes of all folds.
        targets, base, clip, vote_correction
            As in :func:`decompose`.
        sample_weight, groups : array-like of shape (N,), optional
            As in :func:`decompose`, one value for each row of ``X``.
        recalibration : str or object, default "auto"
            The map of each fold, as in :func:`decompose`.

        Returns
        -------
        Evaluation
            The decomposition, the table of rows, and that of ``folds``.

        Raises
        ------
        TypeError
            If the estimators have no ``predict_proba``.
        ValueError
            If the estimators or their indices are missing, if an estimator was not
            fitted, if ``X`` and ``y`` are not what was cross-validated, or as in
            :func:`cross_entropy`.

        Warns
        -----
        SmallSampleWarning
            If the smallest fold has less than 200 rows (or groups).
        UnseenLabelWarning
            If rows have a label that the model of their fold was not trained on.

        Notes
        -----
        Models of several folds are not one model, so each fold has a recalibration map
        of its own, debiased there. Every term is the average over the folds by their
        weight, but for the skill, which is the ratio of averages; the class
        frequencies behind uncertainty and resolution are those of all rows. Standard
        errors are those of the rows, taken as independent given the models.

        ``per_sample`` is in the order of ``X`` and has the index of ``y`` or ``X``, or
        else the number of the row. In repeated cross-validation a row occurs once a
        repeat, in the order of the folds: copies of a row are a group, so repeats do
        not make standard errors smaller than the rows allow, and ``n_effective``
        counts each row once. A class that the model of a fold was not trained on is
        an unseen label in that fold.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.model_selection import cross_validate
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from xent_metrics import Evaluation
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> results = cross_validate(
        ...     GaussianNB(), X, y, cv=2, return_estimator=True, return_indices=True
        ... )
        >>> options = {"recalibration": "temperature"}
        >>> evaluation = Evaluation.from_cv_results(results, X, y, **options)
        >>> round(evaluation.decomposition.miscalibration, 2)
        0.55
        >>> evaluation.folds[["n", "miscalibration"]].round(2)
                n  miscalibration
        fold
        0     285             0.9
        1     284             0.2
        """
        tested = predict_out_of_fold(cv_results, X, y, probabilities)
        inputs = read(
            tested.take(y, "y"),
            tested.proba,
            labels=tested.labels,
            targets=targets,
            sample_weight=tested.take(sample_weight, "sample_weight"),
        )
        evaluated = evaluate(
            inputs,
            tested.folds,
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=tested.take(groups, "groups"),
            vote_correction=vote_correction,
            index=tested.index_of_rows(index_of(y, X)),
        )
        return tell(cls(**evaluated._asdict()))


def probabilities(estimator: Any, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
    """The estimator's probabilities; one sentence where it has none."""
    predict_proba = getattr(estimator, "predict_proba", None)
    if predict_proba is None:
        msg = (
            "estimator must have predict_proba: "
            f"{type(estimator).__name__} has none; wrap it in "
            "sklearn.calibration.CalibratedClassifierCV, or choose a classifier that "
            "predicts probabilities."
        )
        raise TypeError(msg)
    return predict_proba(X)
