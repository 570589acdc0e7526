"""What an estimator predicts for each of its outputs, as checked inputs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._evaluation.evaluation import probabilities
from .._inputs.arrays import as_frame
from .._inputs.inputs import Inputs, read
from ._once import warn_unseen
from ._options import Options
from ._several import Part, columns_of, parts_of_several

_ROWS_AND_COLUMNS = 2


class Output(NamedTuple):
    """One output, and how many of its rows have a label that is not a class."""

    inputs: Inputs
    n_unseen: int


def read_outputs(
    estimator: Any,
    X: Any,  # noqa: N803 - scikit-learn's name
    y_true: Any,
    *,
    sample_weight: Any,
    soft_labels: Any,
    options: Options,
    scorer: str,
) -> list[Output]:
    """Call ``predict_proba`` once; read its outputs against labels or soft labels."""
    proba = probabilities(estimator, X)
    parts = parts_of_several(estimator, proba, y_true, soft_labels, options)
    if parts is None:
        parts = [_only_part(estimator, proba, y_true, soft_labels)]
    outputs = []
    for part in parts:
        inputs = read(
            part.truth,
            part.proba,
            labels=part.classes,
            targets=options.targets,
            sample_weight=sample_weight,
            rescale=options.rescale,
            warn_unseen=False,
        )
        n_known = len(part.classes) - part.n_beyond
        unseen = inputs.unseen + part.classes[n_known:]
        n_unseen = inputs.n_unseen + _n_beyond(n_known, inputs)
        if n_unseen:
            warn_unseen(scorer, unseen, part.classes[:n_known])
        outputs.append(Output(inputs, n_unseen))
    return outputs


def _only_part(estimator: Any, proba: Any, y_true: Any, soft_labels: Any) -> Part:
    classes = _classes(estimator)
    names = _names(proba)
    if len(names) == len(classes) and set(names) == set(classes):
        classes = names
    if soft_labels is not None:
        return _widened(soft_labels, proba, classes)
    if np.shape(y_true)[1:] == (1,):
        y_true = columns_of(y_true)[0]
    return Part(y_true, proba, classes)


def _classes(estimator: Any) -> tuple[Any, ...]:
    """The class of each column."""
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        msg = (
            "estimator must have classes_, the class of each column of predict_proba: "
            f"{type(estimator).__name__} has none; set it when it is fitted."
        )
        raise TypeError(msg)
    return tuple(classes.tolist() if isinstance(classes, np.ndarray) else classes)


def _names(table: Any) -> tuple[Any, ...]:
    """Names of the columns of a frame, unless they are their positions."""
    frame = None if isinstance(table, np.ndarray) else as_frame(table)
    if frame is None or isinstance(frame.columns, pd.RangeIndex):
        return ()
    return tuple(frame.columns)


def _widened(soft_labels: Any, proba: Any, classes: tuple[Any, ...]) -> Part:
    """Soft labels, with predictions of 0 for the classes that only they name."""
    names, shape = _names(soft_labels), np.shape(soft_labels)
    if not names and len(shape) == _ROWS_AND_COLUMNS and shape[1] != len(classes):
        msg = (
            "soft_labels must have one column for each of the estimator's classes_: "
            f"found {shape[1]} for {len(classes)}; pass a DataFrame whose columns are "
            "the classes, as a training fold may lack one."
        )
        raise ValueError(msg)
    others = tuple(name for name in names if name not in classes)
    if not others or len(others) + len(classes) != len(names):
        return Part(soft_labels, proba, classes)
    table = np.asarray(proba)
    table = np.hstack([table, np.zeros((len(table), len(others)), table.dtype)])
    return Part(soft_labels, table, classes + others, n_beyond=len(others))


def _n_beyond(known: int, inputs: Inputs) -> int:
    """Rows whose soft labels give something to a class that the estimator lacks."""
    if known == len(inputs.labels):
        return 0
    if inputs.target is None:
        beyond = np.asarray(inputs.codes) >= known
    else:
        blocks = [block for _, block in inputs.target.raw_blocks()]
        beyond = np.concatenate([(block[known:] > 0).any(axis=0) for block in blocks])
    if inputs.active is not None:
        beyond = beyond & inputs.active
    return int(np.count_nonzero(beyond))
