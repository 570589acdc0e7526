"""The object that holds an evaluation: its decomposition and its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd
from numpy.typing import ArrayLike

from ._decompose import warn_if_few
from ._decomposition import Decomposition
from ._inputs import EPS, read
from ._measures import PER_SAMPLE, index_of, per_sample_frame
from ._targets import Targets
from ._terms import Recalibration, decompose_inputs
from ._vote_entropy import VoteCorrection


class Classifier(Protocol):
    """What an evaluation asks of an estimator: its classes and probabilities."""

    classes_: Any

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Probabilities of shape (N, K), columns in the order of ``classes_``."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Predictions evaluated: the decomposition of their loss, and each row's part.

    Made by :meth:`from_estimator` or :meth:`from_predictions`.

    Attributes
    ----------
    decomposition : Decomposition
        The terms of the mean cross-entropy.
    per_sample : DataFrame
        The measures of each row, as :func:`per_sample` gives them.
    labels : tuple
        The classes, in column order.
    """

    decomposition: Decomposition
    per_sample: pd.DataFrame = field(repr=False, compare=False)
    labels: tuple[Any, ...]

    def __repr__(self) -> str:
        shape = self.per_sample.shape
        table = f"per_sample: a table of {shape[0]:,} rows and {shape[1]} columns"
        return f"Evaluation\n\n{self.decomposition!r}\n{table}"

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_proba: Any,
        *,
        labels: Iterable[Any] | None = None,
        targets: Targets = "auto",
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        rescale: bool = False,
        from_logits: bool = False,
        recalibration: Recalibration = "auto",
        vote_correction: VoteCorrection = None,
    ) -> Evaluation:
        """Evaluate predictions.

        Parameters
        ----------
        y_true : array-like of shape (N,) or (N, K)
            Hard labels, or target distributions, or vote counts.
        y_proba : array-like or DataFrame of shape (N, K) or (N,)
            Predicted probabilities.
        labels, targets, sample_weight, groups, base, clip, rescale, from_logits
            As in :func:`decompose`.
        recalibration, vote_correction
            As in :func:`decompose`.

        Returns
        -------
        Evaluation
            The decomposition and the table of rows.

        Raises
        ------
        ValueError
            As in :func:`cross_entropy`.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> y, q = ["a", "b"] * 200, [[0.8, 0.2], [0.4, 0.6]] * 200
        >>> evaluation = Evaluation.from_predictions(y, q)
        >>> round(evaluation.decomposition.cross_entropy, 4)
        0.367
        >>> evaluation.per_sample.shape
        (400, 7)
        """
        inputs = read(
            y_true,
            y_proba,
            labels=labels,
            targets=targets,
            sample_weight=sample_weight,
            rescale=rescale,
            from_logits=from_logits,
        )
        decomposition, columns = decompose_inputs(
            inputs,
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=groups,
            vote_correction=vote_correction,
            columns=PER_SAMPLE,
        )
        warn_if_few(decomposition)
        return cls(
            decomposition=decomposition,
            per_sample=per_sample_frame(
                columns, base=base, index=index_of(y_proba, y_true)
            ),
            labels=inputs.labels,
        )

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
    ) -> Evaluation:
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
        evaluation = cls.from_predictions(
            y,
            proba,
            labels=estimator.classes_,
            targets=targets,
            sample_weight=sample_weight,
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=groups,
            vote_correction=vote_correction,
        )
        index = index_of(y, X)
        if index is not None:
            evaluation.per_sample.index = index
        return evaluation


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
