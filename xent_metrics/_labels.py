"""Class labels: which class each column is, and which column each label means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ._blocks import BoolArray, IntArray


class Encoded(NamedTuple):
    """Labels as codes: the column of each label, or K, K + 1, ... for unseen ones."""

    codes: IntArray
    unseen: tuple[Any, ...]


def check_labels(labels: Iterable[Any], n_classes: int) -> tuple[Any, ...]:
    """The classes in column order; they must be distinct and as many as columns."""
    if isinstance(labels, str):
        msg = (
            "labels must be one class a column: found the single text "
            f"{labels!r}; pass a list of classes, in column order."
        )
        raise TypeError(msg)
    found = tuple(_plain(label) for label in labels)
    if len(found) != n_classes:
        msg = (
            "labels must name the class of each column of y_proba: "
            f"{len(found)} labels for {n_classes} columns; pass one label a column, "
            "in column order."
        )
        raise ValueError(msg)
    seen = set()
    for label in found:
        if label in seen:
            msg = (
                f"labels must be distinct: {label!r} occurs twice; "
                "pass each class once, in column order."
            )
            raise ValueError(msg)
        seen.add(label)
    return found


def infer_labels(y_true: pd.Series[Any], n_classes: int) -> tuple[Any, ...]:
    """The sorted distinct labels, when they are as many as the columns."""
    values = y_true.dropna().unique()
    distinct = [_plain(value) for value in values]
    if n_classes == 1 and len(distinct) > 1:
        msg = (
            "y_proba must have one column a class: it has a single column for "
            f"{len(distinct)} labels; for two classes pass the probabilities of the "
            "second as a 1-D array."
        )
        raise ValueError(msg)
    if len(distinct) != n_classes:
        msg = (
            "labels must be given where y_true does not hold each class: "
            f"{len(distinct)} distinct labels for {n_classes} columns of y_proba; "
            "pass labels= with the class of each column, in column order."
        )
        raise ValueError(msg)
    try:
        return tuple(sorted(distinct))
    except TypeError:
        msg = (
            "labels must be given where the classes cannot be sorted: y_true holds "
            f"{show(distinct)}; pass labels= with the class of each column, "
            "in column order."
        )
        raise ValueError(msg) from None


def encode(y_true: pd.Series[Any], labels: Sequence[Any]) -> Encoded:
    """Codes of labels that are not missing."""
    if isinstance(y_true.dtype, pd.CategoricalDtype):
        of_category = encode(pd.Series(y_true.cat.categories), labels).codes
        codes = of_category[y_true.cat.codes.to_numpy()]
    else:
        codes = _look_up(y_true, labels)
    outside = (codes < 0) | (codes >= len(labels))
    if not outside.any():
        return Encoded(codes, ())
    extra, names = pd.factorize(y_true[outside].astype(object))
    codes = codes.copy()
    codes[outside] = len(labels) + extra
    return Encoded(codes, tuple(_plain(name) for name in names))


def _look_up(y_true: pd.Series[Any], labels: Sequence[Any]) -> IntArray:
    index = pd.Index(labels)
    values = y_true
    if np.bool_ in (values.dtype, index.dtype):
        index, values = index.astype(object), values.astype(object)
    codes: IntArray = index.get_indexer(pd.Index(values)).astype(np.int64, copy=False)
    return codes


def missing(y_true: pd.Series[Any]) -> BoolArray | None:
    """Where a label is missing; None where none is."""
    absent = y_true.isna().to_numpy(dtype=np.bool_)
    return absent if absent.any() else None


def show(labels: Sequence[Any], at_most: int = 5) -> str:
    """A few labels as text for a message."""
    text = ", ".join(repr(label) for label in labels[:at_most])
    return text + (", ..." if len(labels) > at_most else "")


def _plain(label: Any) -> Any:
    """A numpy scalar as the Python value that prints and compares alike."""
    return label.item() if isinstance(label, np.generic) else label
