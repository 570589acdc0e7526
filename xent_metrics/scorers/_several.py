"""Estimators of several outputs: what belongs to each.

scikit-learn knows two forms: a list of tables with a list of ``classes_``, and one
table whose columns are probabilities of yes (multilabel networks, one against rest,
and chains of classifiers).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._inputs.arrays import as_frame
from ._options import Options

_ROWS_AND_COLUMNS = 2
_ROUNDING = 1e-3


class Part(NamedTuple):
    """One output as it was found; ``n_beyond`` classes are not the estimator's."""

    truth: Any
    proba: Any
    classes: tuple[Any, ...]
    n_beyond: int = 0


def parts_of_several(
    estimator: Any, proba: Any, y_true: Any, soft_labels: Any, options: Options
) -> list[Part] | None:
    """The outputs, refused where nobody asked for several; None for a single one."""
    classes = getattr(estimator, "classes_", None)
    votes = ""
    if _has_tables(proba) or _has_lists(classes):
        n = len(proba) if _has_tables(proba) else np.shape(proba)[1]
    elif soft_labels is None and _is_multilabel(proba, y_true, options):
        n = np.shape(proba)[1]
        classes = [(0, 1)] * n
        votes = ", or targets='votes' if these are votes"
    else:
        return None
    found = f"{type(estimator).__name__} predicts {n} outputs"
    if options.multioutput is None:
        msg = (
            f"y_true must hold one label a row: {found}; pass "
            "multioutput='uniform_average' to the scorer for their mean, or "
            f"'raw_values' for the score of each{votes}."
        )
        raise ValueError(msg)
    if soft_labels is not None:
        msg = (
            f"soft_labels must belong to one output: {found}; score each output by an "
            "estimator of its own."
        )
        raise ValueError(msg)
    shape = np.shape(y_true)
    if shape[1:] != (n,) or classes is None or len(classes) != n:
        msg = (
            f"y_true must have one column an output: its shape is {shape}, and {found};"
            " pass a column for each, and list the classes_ of each."
        )
        raise ValueError(msg)
    tables = proba if _has_tables(proba) else np.asarray(proba).T
    return [
        Part(truth, table, tuple(np.asarray(each).tolist()))
        for truth, table, each in zip(columns_of(y_true), tables, classes, strict=True)
    ]


def columns_of(y_true: Any) -> list[Any]:
    """The labels of each output."""
    if hasattr(y_true, "toarray"):
        y_true = y_true.toarray()
    frame = as_frame(y_true)
    if isinstance(frame, pd.DataFrame):
        return [frame.iloc[:, column] for column in range(frame.shape[1])]
    return list(np.asarray(y_true).T)


def _has_tables(proba: Any) -> bool:
    return isinstance(proba, (list, tuple)) and all(
        np.ndim(table) == _ROWS_AND_COLUMNS for table in proba
    )


def _has_lists(classes: Any) -> bool:
    return isinstance(classes, (list, tuple)) and any(map(np.ndim, classes))


def _is_multilabel(proba: Any, y_true: Any, options: Options) -> bool:
    """Whether each column of 0 and 1 is an output: not so for one-hot labels."""
    shape = np.shape(y_true)
    if len(shape) != _ROWS_AND_COLUMNS or shape[1] == 1 or options.targets != "auto":
        return False
    truth, table = np.column_stack(columns_of(y_true)), np.asarray(proba)
    if table.shape != truth.shape or not np.isin(truth, (0, 1)).all():
        return False
    if options.multioutput is not None or (truth.sum(axis=1) != 1).any():
        return True
    sums_to_one = np.allclose(table.sum(axis=1), 1.0, atol=_ROUNDING)
    return not (sums_to_one or options.rescale)
