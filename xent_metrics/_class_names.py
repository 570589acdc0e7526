"""The classes that columns are named after, in the type of the labels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ._labels import Column, distinct

_READERS: Mapping[str, Callable[[str], Any]] = {
    "i": int,
    "u": int,
    "f": float,
    "b": {"True": True, "False": False}.__getitem__,
}


def cast_classes(texts: Sequence[Any], columns: Sequence[Column]) -> tuple[Any, ...]:
    """Texts as the labels that they spell, in columns of labels.

    A class that no row has takes the type of the labels where it can.
    """
    if any(not isinstance(text, str) for text in texts):
        return tuple(texts)
    dtype = columns[0].dtype
    kind = getattr(dtype, "kind", "O")
    if isinstance(dtype, pd.CategoricalDtype):
        return _spelled(texts, dtype.categories)
    if isinstance(dtype, pd.StringDtype) or kind in "US":
        return tuple(texts)
    if kind in _READERS:
        try:
            return tuple(_READERS[kind](text) for text in texts)
        except (KeyError, ValueError):
            return tuple(texts)
    return _spelled(texts, [label for one in columns for label in distinct(one)])


def _spelled(texts: Sequence[str], labels: Iterable[Any]) -> tuple[Any, ...]:
    by_text = {str(label): label for label in labels}
    found = {type(label) for label in by_text.values()}
    read: Callable[[str], Any] = str
    if len(found) == 1 and found <= {int, float, np.int64, np.float64}:
        read = found.pop()
    return tuple(
        by_text[text] if text in by_text else _try(read, text) for text in texts
    )


def _try(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return text


def pair_classes(
    targets: tuple[Any, ...],
    of_target: tuple[Any, ...],
    probas: tuple[Any, ...],
    of_proba: tuple[Any, ...],
) -> tuple[Any, ...] | None:
    """Target columns in the order of the probability columns; None if names differ.

    They pair by class where both are named after the classes, and by what their names
    say after a common prefix where these agree (v_cat with p_cat).
    """
    for ours, theirs in (
        (of_target, of_proba),
        (_texts(of_target), _texts(of_proba)),
        (_after_common_prefix(targets), _after_common_prefix(probas)),
    ):
        if set(ours) == set(theirs) and len(set(ours)) == len(targets):
            return tuple(targets[ours.index(one)] for one in theirs)
    return None


def _texts(names: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(map(str, names))


def _after_common_prefix(names: tuple[Any, ...]) -> tuple[str, ...]:
    texts = _texts(names)
    common = os.path.commonprefix(texts)  # noqa: RUF071 - names, not paths
    return tuple(text.removeprefix(common) for text in texts)
