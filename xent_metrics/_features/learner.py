"""Learners that predict rows which they did not see, of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._kernels.table import FloatArray
from .._recalibration.trees import (
    CrossFitted,
    Predict,
    Rows,
    Smoothing,
    labelled,
    smoothing,
    take,
)


def of_user(
    learner: Any, table: Any, rows: Rows, tell: Callable[[], None]
) -> CrossFitted:
    """The same of a classifier that the user passed, fitted to copies of it."""
    from sklearn.base import clone  # noqa: PLC0415 - heavy

    log_g = np.empty_like(rows.target)
    predict: list[Predict] = []
    for outside, inside in rows.inside():
        model = clone(learner)
        part, labels, weights = labelled(table, rows, outside)
        if np.ptp(weights) > 0:
            _check_weighs(learner)
            model.fit(part, labels, sample_weight=weights)
        else:
            model.fit(part, labels)

        smooth = smoothing(rows, outside)

        def of_fold(
            part: Any, model: Any = model, smooth: Smoothing = smooth
        ) -> FloatArray:
            found = np.asarray(model.predict_proba(part), dtype=np.float64)
            return smooth.of(found, model.classes_)

        predict.append(of_fold)
        log_g[:, inside] = np.log(of_fold(take(table, inside)))
        tell()
    return CrossFitted(log_g, predict)


def check_learner(learner: Any) -> None:
    """A classifier with probabilities, which can be copied before it is fitted."""
    if isinstance(learner, type) or not all(
        hasattr(learner, name) for name in ("fit", "predict_proba", "get_params")
    ):
        msg = (
            "learner must be a classifier of scikit-learn's kind with predict_proba: "
            f"found {learner!r}; pass such as RandomForestClassifier(), or None for "
            "boosted trees."
        )
        raise TypeError(msg)


def _check_weighs(learner: Any) -> None:
    from sklearn.utils.validation import has_fit_parameter  # noqa: PLC0415 - heavy

    if not has_fit_parameter(learner, "sample_weight"):
        msg = (
            "learner must take sample_weight where rows have weights, or target "
            f"distributions or votes: fit of {type(learner).__name__} does not; pass "
            "another one, or None for boosted trees."
        )
        raise TypeError(msg)
