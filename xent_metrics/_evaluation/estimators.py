"""What an evaluation asks of an estimator: its classes and probabilities."""

from __future__ import annotations

from typing import Any, Protocol


class Classifier(Protocol):
    """What an evaluation asks of an estimator: its classes and probabilities."""

    classes_: Any

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Probabilities of shape (N, K), columns in the order of ``classes_``."""


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
