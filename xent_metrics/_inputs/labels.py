"""Class labels: which class each column is, and which column each label means."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._kernels.table import BoolArray, IntArray, greatest, least
from .containers import unpack
from .text_labels import distinct_text, encode_text

# Integer labels that span at most this many values are looked up in a table.
_MOST_SPAN = 1 << 16
_PAIR = 2  # classes
_FEW = 256  # labels: a call of numpy costs more than to look at each
_INT64 = np.dtype(np.int64)
_BEYOND = 1 << 63  # what int64 does not hold

Column: TypeAlias = "NDArray[Any] | pd.Series[Any]"
_WHOLE = 2.0**53  # below, floats are exact


class Encoded(NamedTuple):
    """Labels as codes: the column of each label, or K, K + 1, ... for unseen ones."""

    codes: IntArray
    unseen: tuple[Any, ...]


def check_labels(
    labels: Iterable[Any], n_classes: int, name: str = "y_proba"
) -> tuple[Any, ...]:
    """The classes in column order; they must be distinct and as many as columns."""
    found = as_labels(labels)
    nested = [label for label in found if not isinstance(label, Hashable)]
    if nested:
        msg = (
            f"labels must hold one class per column: found {nested[0]!r} among them; "
            "pass a list of classes in one dimension."
        )
        raise TypeError(msg)
    if len(found) != n_classes:
        msg = (
            f"labels must name the class of each column of {name}: "
            f"{len(found)} labels for {n_classes} columns; pass one label per column, "
            "in column order."
        )
        raise ValueError(msg)
    if len(set(found)) != n_classes:
        twice = next(label for label in found if found.count(label) > 1)
        msg = (
            f"labels must be distinct: {twice!r} occurs twice; "
            "pass each class once, in column order."
        )
        raise ValueError(msg)
    return found


def as_labels(labels: Any) -> tuple[Any, ...]:
    """The classes as Python and pandas know them, whatever holds them."""
    if isinstance(labels, (str, set, frozenset)) or not isinstance(labels, Iterable):
        msg = (
            "labels must be one class per column, in column order: found "
            f"{labels!r}; pass a list of classes."
        )
        raise TypeError(msg)
    sized = hasattr(labels, "__len__") or hasattr(labels, "__array_namespace__")
    if sized and not isinstance(labels, (list, tuple, range)):
        labels = unpack(labels, "labels", tuples=False)
    if isinstance(labels, (pd.Series, np.ndarray)):
        # Times as pandas has them: of some units numpy makes numbers.
        times = labels.dtype.kind in "mM" and labels.dtype != "M8[D]"
        labels = pd.Index(labels) if times else labels.tolist()
    return tuple(map(_as_label, labels))


def label_text(label: Any) -> str:
    """A label as text: whole numbers without a point, also those held as floats."""
    if isinstance(label, float) and label.is_integer() and abs(label) < _WHOLE:
        return str(int(label))
    return str(label)


def label_index(
    labels: Sequence[Any] | NDArray[Any] | pd.Index[Any], name: Any = None
) -> pd.Index[Any]:
    """Labels as an index, also of text that no file could hold (lone surrogates)."""
    index: pd.Index[Any]
    try:
        index = pd.Index(labels, name=name, tupleize_cols=False)
    except UnicodeEncodeError:
        index = pd.Index(labels, dtype=object, name=name, tupleize_cols=False)
    return index


def places_of(names: Sequence[Any], labels: Sequence[Any]) -> list[int | None]:
    """The place of each name among the labels: equal, or the same as text."""
    by_value: dict[Any, int] = {label: place for place, label in enumerate(labels)}
    by_text: dict[str, int] = {}
    for place, label in enumerate(labels):
        by_text.setdefault(str(label), place)
    return [
        by_value[name]
        if isinstance(name, Hashable) and name in by_value
        else by_text.get(str(name))
        for name in names
    ]


def _places_by_name(names: Sequence[Any], labels: Sequence[Any]) -> list[int | None]:
    """The same; or by what differs in the names, where that is just the labels."""
    places = places_of(names, labels)
    texts = [name for name in names if isinstance(name, str)]
    if any(place is not None for place in places) or len(texts) < len(names):
        return places
    start = len(os.path.commonprefix(texts))  # noqa: RUF071 - names, not paths
    backwards = [text[start:][::-1] for text in texts]
    end = len(os.path.commonprefix(backwards))  # noqa: RUF071 - names, not paths
    inner = places_of([text[start : len(text) - end] for text in texts], labels)
    return inner if set(inner) == set(range(len(labels))) else places


def in_column_order(
    names: Sequence[Any] | None, labels: tuple[Any, ...]
) -> tuple[Any, ...]:
    """The labels in the order of the columns that are named after them."""
    if not names or len(names) != len(labels):
        return labels
    places = _places_by_name(names, labels)
    if set(places) == set(range(len(labels))):
        return tuple(labels[place] for place in places if place is not None)
    check_order(names, labels)
    return labels


def check_order(names: Sequence[Any] | None, labels: Sequence[Any]) -> None:
    """Refuse labels that are not in the order of columns named after them.

    Whole numbers may be places of columns, unless they are just the labels.
    """
    if not names or len(names) != len(labels):
        return
    places = _places_by_name(names, labels)
    wrong = [i for i, place in enumerate(places) if place not in (None, i)]
    numbers = all(isinstance(name, (int, np.integer)) for name in names)
    if wrong and not (numbers and set(places) != set(range(len(labels)))):
        msg = (
            "labels must be in the order of the columns, which have names: column "
            f"{wrong[0]} is {names[wrong[0]]!r}, its label {labels[wrong[0]]!r}; "
            "reorder one by the other, or pass an array."
        )
        raise ValueError(msg)


def _as_label(label: Any) -> Any:
    """A label of Arrow, of a tensor, or of numpy, as a hashable value."""
    if hasattr(label, "as_py"):  # a scalar of Arrow
        return label.as_py()
    if isinstance(label, (np.datetime64, np.timedelta64)):
        return pd.Index([label])[0]
    if isinstance(label, np.longdouble):
        return float(label) if float(label) == label else label
    if hasattr(label, "detach") or isinstance(label, (np.generic, np.ndarray)):
        return label.item() if label.ndim == 0 else label
    return label


def infer_and_encode(
    y_true: Column, n_classes: int, name: str = "y_proba"
) -> tuple[tuple[Any, ...], Encoded]:
    """The sorted distinct labels, when they are as many as the columns; the codes."""
    labels = _infer(y_true, n_classes, name)
    if isinstance(y_true, np.ndarray) and y_true.dtype == _INT64 and labels:
        first, last = labels[0], labels[-1]
        if last - first == n_classes - 1:  # integers without a gap need no search
            return labels, Encoded(y_true - first if first else y_true, ())
    return labels, encode(y_true, labels)


def _infer(y_true: Column, n_classes: int, name: str) -> tuple[Any, ...]:
    found = distinct(y_true)
    if isinstance(y_true.dtype, pd.CategoricalDtype):
        categories = y_true.dtype.categories.tolist()  # also those that no row has
        found = categories if len(categories) == n_classes else found
    if n_classes == 1 and len(found) > 1:
        msg = (
            f"{name} must have one column per class: it has a single column for "
            f"{len(found)} labels; for two classes pass the probabilities of the "
            "second as a 1-D array."
        )
        raise ValueError(msg)
    if len(found) != n_classes:
        one = " (a single one counts as two)" if n_classes == _PAIR < len(found) else ""
        msg = (
            "labels must be given where y_true does not hold each class: "
            f"{len(found)} distinct labels for {n_classes} columns of {name}{one}; "
            "pass labels= with the class of each column, in column order."
        )
        raise ValueError(msg)
    return sort_labels(found)


def sort_labels(labels: Sequence[Any]) -> tuple[Any, ...]:
    """Labels in ascending order."""
    try:
        return tuple(sorted(labels))
    except TypeError:
        msg = (
            "labels must be given where the classes cannot be sorted: found "
            f"{show(labels)}; pass labels= with the class of each column, in column "
            "order."
        )
        raise ValueError(msg) from None


def encode(y_true: Column, labels: Sequence[Any]) -> Encoded:
    """Codes of labels that are not missing."""
    codes = _look_up(y_true, labels)
    if codes is y_true or not codes.size or least(codes) >= 0:
        return Encoded(codes, ())
    outside = codes < 0
    extra, names = pd.factorize(np.asarray(y_true[outside], dtype=object))
    codes = codes.copy()
    codes[outside] = len(labels) + extra
    return Encoded(codes, tuple(names))


def missing(y_true: Column) -> BoolArray | None:
    """Where a label is missing; None where none is."""
    absent = np.asarray(pd.isna(y_true), dtype=np.bool_)
    return absent if absent.any() else None


def show(labels: Sequence[Any], at_most: int = 5) -> str:
    """A few labels as text for a message."""
    text = ", ".join(repr(label) for label in labels[:at_most])
    return text + (", ..." if len(labels) > at_most else "")


def _look_up(y_true: Column, labels: Sequence[Any]) -> IntArray:
    """The column of each label; negative where there is none."""
    codes: IntArray
    if isinstance(y_true, pd.Series):
        return _look_up_extension(y_true, labels)
    kind = y_true.dtype.kind
    if kind in "US":
        return encode_text(y_true, labels)
    if kind == "b":
        by_value = [labels.index(v) if v in labels else -1 for v in (False, True)]
        return np.array(by_value).take(y_true.view(np.uint8))
    if kind in "iu" and set(map(type, labels)) == {int}:
        found = _look_up_integers(y_true, labels)
        if found is not None:
            return found
    if kind == "O" and set(map(type, labels)) in ({pd.Timestamp}, {dt.date}):
        y_true = _as_times(y_true)
        kind = y_true.dtype.kind
    index = pd.Index(labels, dtype=_index_type(y_true.dtype, labels))
    if kind == "M" and set(map(type, labels)) == {dt.date}:
        index = pd.DatetimeIndex(list(labels))
    of_rows = pd.Index(y_true, dtype=object if kind == "O" else None)
    codes = index.get_indexer(of_rows).astype(np.int64, copy=False)
    return codes


def _as_times(y_true: NDArray[Any]) -> NDArray[Any]:
    """Dates of Python, and times of pandas, as numpy has them; all else as it is."""
    types = set(map(type, y_true))
    if types == {dt.date}:
        return y_true.astype("M8[D]")
    if types <= {dt.date, pd.Timestamp} and not any(
        getattr(one, "tzinfo", None) for one in y_true
    ):
        return pd.DatetimeIndex(list(y_true)).to_numpy()
    return y_true


def _index_type(dtype: np.dtype[Any], labels: Sequence[Any]) -> Any:
    """The type of an index of the labels in which labels of this type are found."""
    if dtype.kind == "O":
        return object
    whole = dtype == np.uint64 and set(map(type, labels)) == {int} and min(labels) >= 0
    return np.uint64 if whole else None


def _look_up_integers(y_true: NDArray[Any], labels: Sequence[int]) -> IntArray | None:
    """Codes by range, or by a table where the labels lie close together."""
    in_order = labels == tuple(range(len(labels)))
    # As unsigned numbers, negative ones are the largest: one search is enough.
    wide = y_true.dtype == np.int64
    if wide and in_order and greatest(y_true.view(np.uint64)) < len(labels):
        return y_true
    low, high = int(least(y_true)), int(greatest(y_true))
    if max(high, *labels) >= _BEYOND:
        return None
    if low >= 0 and high < len(labels) and in_order:
        return y_true.astype(np.int64, copy=False)
    first = min(low, *labels)
    span = max(high, *labels) - first + 1
    if span > _MOST_SPAN:
        return None
    table = np.full(span, -1, dtype=np.int64)
    table[np.array(labels) - first] = np.arange(len(labels))
    return table.take(y_true.astype(np.int64, copy=False) - first)


def _look_up_extension(y_true: pd.Series[Any], labels: Sequence[Any]) -> IntArray:
    """Codes of a pandas type of its own: categories, Arrow or nullable values."""
    dtype = y_true.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        of_category = _look_up(as_column(dtype.categories), labels)
        return of_category.take(y_true.cat.codes.to_numpy())
    if isinstance(dtype, pd.StringDtype) and dtype.storage != "python":
        import pyarrow as pa  # noqa: PLC0415 - such a column has loaded it
        import pyarrow.compute as pc  # noqa: PLC0415 - such a column has loaded it

        texts = [label if isinstance(label, str) else None for label in labels]
        places = pc.index_in(
            pa.array(y_true), value_set=pa.array(texts, pa.large_string())
        )
        return np.asarray(pc.fill_null(places, -1), dtype=np.int64)
    return _look_up(_without_extension(y_true), labels)


def _without_extension(y_true: pd.Series[Any]) -> NDArray[Any]:
    """Values that are not missing as a numpy array of the nearest type."""
    kind = getattr(y_true.dtype, "kind", "O")
    types: dict[str, Any] = {"i": np.int64, "u": np.uint64, "b": np.bool_, "f": float}
    return y_true.to_numpy(dtype=types.get(kind, object))


def as_column(y_true: Any) -> Column:
    """Labels as a numpy array, or as a series where pandas has a type of its own."""
    if isinstance(y_true, pd.Series):
        if not isinstance(y_true.dtype, np.dtype):
            return y_true
        y_true = y_true.to_numpy()
    if isinstance(y_true, (list, tuple)) and len({type(label) for label in y_true}) > 1:
        return _objects(y_true)
    column = np.asarray(y_true)
    if column.dtype.kind != "f":
        return column
    if isinstance(_first(y_true), int):
        # Beyond 63 bits: numpy would make floats of them, of which some are equal.
        return _objects(y_true)
    if column.dtype.itemsize not in (4, 8):
        doubles = column.astype(np.float64)  # pandas knows neither half nor long ones
        same = (doubles == column) | np.isnan(doubles)
        return doubles if same.all() else column.astype(object)
    return column


def _first(labels: Any) -> Any:
    return labels[0] if isinstance(labels, (list, tuple)) and labels else None


def _objects(labels: Sequence[Any]) -> NDArray[Any]:
    column = np.empty(len(labels), dtype=object)
    column[:] = labels
    return column


def distinct(y_true: Column) -> list[Any]:
    """Distinct labels that are not missing."""
    if isinstance(y_true, np.ndarray):
        if y_true.dtype.kind in "US":
            return distinct_text(y_true)
        if y_true.dtype.kind in "iu" and y_true.size <= _FEW:
            return sorted(set(y_true.tolist()))
        if y_true.dtype.kind in "iu":
            low = least(y_true)
            if greatest(y_true) - low < _MOST_SPAN:
                wide = y_true
                if y_true.dtype != np.uint64:
                    wide = y_true.astype(np.int64, copy=False)
                steps = wide - wide.dtype.type(low) if low else wide
                counts = np.bincount(steps.astype(np.int64, copy=False))
                return [low + step for step, n in enumerate(counts.tolist()) if n]
    try:
        objects = isinstance(y_true, np.ndarray) and y_true.dtype == object
        values = pd.Series(y_true, dtype=object if objects else None).dropna().unique()
    except TypeError as error:
        msg = (
            f"y_true must hold one label per row: found an {error}; pass distributions "
            "and votes as (N, K), one column per class."
        )
        raise TypeError(msg) from None
    found: list[Any] = np.asarray(values, dtype=object).tolist()
    return found
