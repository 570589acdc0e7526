"""What an evaluation asks of an estimator: its classes and probabilities."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd

from .containers import as_frame, is_default
from .labels import as_labels, in_column_order


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


def classes_of(estimator: Any, proba: Any) -> tuple[Any, ...]:
    """The class of each column: by its name, where columns are named after classes."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        msg = (
            "estimator must have classes_, the class of each column of predict_proba: "
            f"{type(estimator).__name__} has none; set it when it is fitted."
        )
        raise TypeError(msg)
    labels = as_labels(classes)
    if len(labels) > 1 and np.shape(proba)[1:] == (1,):
        msg = (
            "predict_proba must return one column per class: "
            f"{type(estimator).__name__} returned a single one for {len(labels)} "
            "classes; return both columns, 1 - p and p."
        )
        raise ValueError(msg)
    return in_column_order(names_of(proba), labels)


def in_class_order(estimator: Any, proba: Any) -> tuple[Any, tuple[Any, ...]]:
    """The predictions with columns in the order of ``classes_``, and these.

    Soft labels without names are in that order, whatever that of a frame's columns is.
    """
    columns = classes_of(estimator, proba)
    labels = as_labels(estimator.classes_)
    frame = as_frame(proba)
    if frame is None or columns == labels:
        return proba, columns
    places = [columns.index(label) for label in labels]
    if isinstance(frame, pd.DataFrame):
        return frame.iloc[:, places], labels
    return frame[[frame.columns[place] for place in places]].to_native(), labels


def names_of(table: Any) -> tuple[Any, ...]:
    """Names of the columns of a frame, unless they are their positions."""
    frame = as_frame(table)
    if frame is None or is_default(frame.columns):
        return ()
    return tuple(frame.columns)
