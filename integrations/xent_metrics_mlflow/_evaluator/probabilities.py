"""Where the probabilities of a model are, and which class each column stands for."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

_COLUMNS = 2  # dimensions of a table
_MOST_SHOWN = 5  # classes that a message lists
_HOW = "pass labels in the evaluator_config of 'xent', in the order of the columns."


class DeclinedError(Exception):
    """There is nothing here that could be evaluated."""

    declines = expected = True


class ClassOrderError(ValueError):
    """The class of each column is not known, and is not guessed."""

    expected = True


class Probabilities(NamedTuple):
    """Probabilities as an array, or as columns ``names`` of a frame.

    ``source`` says where the classes are from, for messages.
    """

    table: Any
    labels: tuple[Any, ...] | None
    names: Any = None
    source: str = "labels are"


def of_model(
    model: Any,
    features: Any,
    proba: Any,
    labels: tuple[Any, ...] | None,
    predictions: str | None,
    *,
    spare: Sequence[str] = (),
) -> Probabilities:
    """Those of the model within, where it has ``predict_proba``, or of its output.

    ``spare`` are columns that need not be features.
    """
    raw = _raw_model(model)
    if proba is None and hasattr(raw, "predict_proba"):
        return _of_classifier(raw, _without(features, spare, raw), labels)
    output = _opened(model.predict(features))
    if proba is not None:
        return of_frame(output, proba, labels)
    if isinstance(output, pd.DataFrame):
        if predictions in output:
            output = output[predictions]
        elif output.shape[1] == 1:
            output = output.iloc[:, 0]
    return of_output(output, labels)


def of_output(output: Any, labels: tuple[Any, ...] | None) -> Probabilities:
    """Predictions as columns or dicts that name their classes, or without names."""
    output = _opened(output)
    if isinstance(output, pd.DataFrame):
        return _of_all_columns(output, labels)
    return of_values(output, labels)


def _opened(output: Any) -> Any:
    """A frame in place of dicts: one of columns, or one per row in any sequence."""
    if isinstance(output, dict):
        return pd.DataFrame(output)
    is_column = isinstance(output, (list, tuple, pd.Series)) or (
        isinstance(output, np.ndarray) and output.ndim == 1
    )
    if is_column and len(output) and all(isinstance(row, dict) for row in output):
        return pd.DataFrame(list(output))
    return output


def of_frame(frame: Any, proba: Any, labels: tuple[Any, ...] | None) -> Probabilities:
    """Columns of a frame, chosen by the option ``proba``."""
    if not isinstance(frame, pd.DataFrame):
        msg = (
            "proba must say which columns of a DataFrame to read: found "
            f"{type(frame).__name__}; leave proba out."
        )
        raise ValueError(msg)  # noqa: TRY004 - the option is at fault
    return Probabilities(frame, labels, names=proba, source="columns are")


def of_values(values: Any, labels: tuple[Any, ...] | None) -> Probabilities:
    """Predictions without names: one row per sample, or those of the second class."""
    table = stacked(values)
    if table.ndim == _COLUMNS and table.shape[1] == 1:
        table = table[:, 0]
    numbers = table.dtype.kind == "f" and table.ndim <= _COLUMNS
    if numbers and table.ndim == 1:
        numbers = not np.isin(table, (0.0, 1.0)).all()
    if not numbers or not table.size:
        msg = (
            "a model must predict probabilities: its predictions are "
            f"{_described(table)}; log a classifier with predict_proba, or return an "
            "array of shape (N, K)."
        )
        raise DeclinedError(msg)
    if labels is None:
        kind = "the class of each column"
        if table.ndim == 1:
            kind = "which class a single column is the probability of"
        msg = (
            f"{kind} must be known: the predictions are an array without names; {_HOW}"
        )
        raise ClassOrderError(msg)
    return Probabilities(table, labels)


def stacked(values: Any) -> Any:
    """As an array of numbers or labels; arrays in a column become rows of a table."""
    values = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    if values.dtype != object or values.ndim != 1 or not all(map(_is_row, values)):
        return values
    if len({len(row) for row in values}) > 1:
        msg = (
            "arrays in a column must be of one length: found several; give every row "
            "one value per class."
        )
        raise ValueError(msg)
    return np.asarray(values.tolist())


def _is_row(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, (list, tuple))


def _raw_model(model: Any) -> Any:
    """The model within, if its flavour hands it out."""
    try:
        return model.get_raw_model()
    except (AttributeError, NotImplementedError):
        return None


def _of_classifier(
    raw: Any, features: Any, labels: tuple[Any, ...] | None
) -> Probabilities:
    values = raw.predict_proba(features)
    if isinstance(values, list):
        msg = (
            "a classifier must have one output: it has "
            f"{len(values)}; evaluate each output by itself."
        )
        raise DeclinedError(msg)
    classes = _classes(raw)
    if labels is None and classes is None:
        msg = (
            f"the class of each column must be known: the model has no classes_; {_HOW}"
        )
        raise ClassOrderError(msg)
    if labels is None or classes is None:
        found = labels if classes is None else classes
        return Probabilities(values, found, source="the model's classes_ are")
    if set(labels) == set(classes) and labels != classes:
        msg = (
            "labels must be in the order of the columns: found "
            f"{shown(labels)} where the model's classes_ are {shown(classes)}; leave "
            "labels out."
        )
        raise ValueError(msg)
    return Probabilities(values, labels)


def _without(features: Any, spare: Sequence[str], raw: Any) -> Any:
    """The features without columns that the model was not fitted to."""
    known = getattr(raw, "feature_names_in_", None)
    if known is None or not isinstance(features, pd.DataFrame):
        return features
    unknown = set(spare).difference(known)
    return features.drop(columns=[name for name in features if name in unknown])


def _classes(raw: Any) -> tuple[Any, ...] | None:
    classes = getattr(raw, "classes_", None)
    return None if classes is None else tuple(pd.Index(np.asarray(classes)))


def _of_all_columns(
    output: pd.DataFrame, labels: Sequence[Any] | None
) -> Probabilities:
    """A frame with one column per class, named by its class or by its place."""
    if any(column.dtype.kind != "f" for _, column in output.items()):
        msg = (
            "columns that a model returns must all be probabilities: found "
            f"{shown(output.columns)}; pass proba in the evaluator_config of 'xent'."
        )
        raise DeclinedError(msg)
    if labels is not None:
        # With its names, which say it if labels are in another order.
        return Probabilities(output.reset_index(drop=True), tuple(labels))
    if isinstance(output.columns, pd.RangeIndex):
        msg = (
            "the class of each column must be known: the predictions are columns "
            f"without names; {_HOW}"
        )
        raise ClassOrderError(msg)
    return Probabilities(output, None, names=list(output.columns), source="columns are")


def shown(values: Iterable[Any]) -> str:
    """Values as users write them; at most the first five."""
    first = [
        value.item() if isinstance(value, (np.str_, np.number, np.bool_)) else value
        for value in itertools.islice(values, _MOST_SHOWN + 1)
    ]
    more = ", ..." * (len(first) > _MOST_SHOWN)
    return ", ".join(map(repr, first[:_MOST_SHOWN])) + more


def _described(table: Any) -> str:
    if table.ndim == 1:
        return f"labels or numbers such as {shown(table[:1])}" if len(table) else "none"
    return f"an array of {table.dtype} of shape {table.shape}"
