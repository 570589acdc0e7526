"""What ``cross_validate`` leaves behind, as predictions of rows out of their folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._decomposition.folds import Folds
from .._inputs.arrays import read_columns
from .._inputs.containers import as_numpy
from .._inputs.estimators import in_class_order, probabilities
from .._inputs.inputs import check_index_order, check_length
from .._inputs.labels import check_labels, sort_labels
from .._kernels.table import IntArray


class OutOfFold(NamedTuple):
    """Predictions of rows by models that were not trained on them.

    Rows rise by their number in the data, which has ``n`` of them; copies of a row are
    in the order of their folds.
    """

    proba: NDArray[Any]
    labels: tuple[Any, ...]
    folds: Folds
    n: int

    def take(self, values: Any, name: str) -> Any:
        """The values of the rows, of one value for each row of the data."""
        if values is None:
            return None
        values = as_numpy(values, name)
        check_length(n_rows(values), self.n, (name, "X"))
        return take_rows(values, self.folds.rows)

    def index_of_rows(self, given: pd.Index[Any] | None) -> pd.Index[Any]:
        """The label of each row in the index of the data, or its number."""
        rows = self.folds.rows
        return pd.Index(rows) if given is None else given.take(rows)


def predict_out_of_fold(
    cv_results: Any,
    X: Any,  # noqa: N803 - scikit-learn's name
    y: Any,
) -> OutOfFold:
    """Predict the test rows of each fold; columns follow the classes of all folds."""
    estimators, test = _models_and_rows(cv_results)
    n = n_rows(X)
    check_length(n, n_rows(y), ("X", "y"))
    check_index_order(X, y, ("X", "y"))
    _check_extent(cv_results["indices"], n)
    tables, classes = [], []
    for fold, (estimator, rows) in enumerate(zip(estimators, test, strict=True)):
        name = f"predict_proba of fold {fold}"
        table, own = _predictions(estimator, take_rows(X, rows), fold, name)
        check_length(len(table), len(rows), (name, "its test indices"))
        tables.append(table)
        classes.append(own)
    labels = _union(classes)
    proba = np.zeros((sum(map(len, test)), len(labels)), np.result_type(*tables))
    known = np.zeros((len(test), len(labels)), dtype=np.bool_)
    done = 0
    for fold, (table, own) in enumerate(zip(tables, classes, strict=True)):
        columns = [labels.index(label) for label in own]
        proba[done : done + len(table), columns] = table
        known[fold, columns] = True
        done += len(table)
    rows = np.concatenate(test)
    folds = np.repeat(np.arange(len(test)), [len(one) for one in test])
    order = np.lexsort((folds, rows))
    names = tuple(range(len(test)))
    seen = _are_seen(cv_results["indices"])
    return OutOfFold(
        proba[order], labels, Folds(names, folds[order], known, rows[order], seen), n
    )


def n_rows(data: Any) -> int:
    """Number of rows of an array, a frame, a sparse matrix or a list."""
    shape = getattr(data, "shape", None)
    return int(shape[0]) if shape else len(data)


def take_rows(data: Any, rows: IntArray) -> Any:
    """Some rows of what scikit-learn takes as data, or of a column beside it."""
    if hasattr(data, "iloc"):
        return data.iloc[rows]
    if isinstance(data, (list, tuple)):
        return [data[row] for row in rows]
    if hasattr(data, "take") and hasattr(data, "column_names"):  # a table of pyarrow
        return data.take(rows)
    if hasattr(data, "__array_namespace__") and not isinstance(data, np.ndarray):
        space = data.__array_namespace__()
        return space.take(data, space.asarray(rows, device=data.device), axis=0)
    return data[rows]


def _models_and_rows(cv_results: Any) -> tuple[Sequence[Any], list[IntArray]]:
    """The fitted estimators and their test rows; one sentence where they lack."""
    if not isinstance(cv_results, Mapping):
        msg = (
            "cv_results must be what cross_validate returns: found "
            f"{type(cv_results).__name__}; pass cross_validate(..., "
            "return_estimator=True, return_indices=True)."
        )
        raise TypeError(msg)
    for key in ("estimator", "indices"):
        if key not in cv_results:
            msg = (
                "cv_results must hold the fitted estimators and the indices of their "
                f"folds: {key!r} is missing; call cross_validate with "
                "return_estimator=True and return_indices=True."
            )
            raise ValueError(msg)
    estimators = cv_results["estimator"]
    test = [np.asarray(rows, dtype=np.int64) for rows in cv_results["indices"]["test"]]
    return estimators, test


def _check_extent(indices: Any, n: int) -> None:
    """Refuse data that is shorter, or longer, than what was cross-validated."""
    used = np.unique(np.concatenate([*indices["train"], *indices["test"]]))
    n_used = int(used[-1]) + 1
    if n_used > n or (n_used == len(used) < n):
        msg = (
            "X and y must be the data that was cross-validated: the indices are of "
            f"{n_used} rows, X has {n}; pass what cross_validate was called with."
        )
        raise ValueError(msg)


def _are_seen(indices: Any) -> bool:
    """Whether a model was trained on a row that it is tested on."""
    pairs = zip(indices["train"], indices["test"], strict=True)
    return any(np.isin(test, train).any() for train, test in pairs)


def _predictions(
    estimator: Any, part: Any, fold: int, name: str
) -> tuple[NDArray[Any], tuple[Any, ...]]:
    """What the model of a fold predicts, and its classes, in column order."""
    if getattr(estimator, "classes_", None) is None and hasattr(estimator, "fit"):
        if not hasattr(estimator, "predict_proba"):
            probabilities(estimator, part)  # says that it has no probabilities
        msg = (
            f"the estimator of every fold must be fitted: {type(estimator).__name__} "
            f"of fold {fold} is not, as where its fit failed; call cross_validate with "
            "error_score='raise' to see why."
        )
        raise ValueError(msg)
    proba, classes = in_class_order(estimator, probabilities(estimator, part))
    columns = read_columns(proba, name)
    if columns.single is not None:
        msg = (
            f"{name} must have rows and columns: it has one dimension; return one "
            "column per class."
        )
        raise ValueError(msg)
    table = columns.source
    if isinstance(table, tuple):
        table = np.column_stack(table)
    return table, check_labels(classes, table.shape[1], name)


def _union(classes: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The classes of all folds, in the order that the folds agree on.

    That is the first fold's, or where folds lack classes, the sorted one if each fold
    sorts its own, as scikit-learn does.
    """
    union = tuple(dict.fromkeys(label for own in classes for label in own))
    if any(own != union for own in classes):
        try:
            if all(own == sort_labels(own) for own in classes):
                return sort_labels(union)
        except ValueError:  # classes that cannot be sorted keep their order
            pass
    return union
