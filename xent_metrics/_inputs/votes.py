"""Votes of several annotators, counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._pickling import public
from .containers import as_frame, as_series, unpack
from .labels import check_labels, distinct, encode, label_index, show, sort_labels
from .nested import is_absent


@public
def vote_counts(
    annotations: Any, *, labels: Iterable[Any] | None = None
) -> pd.DataFrame:
    """Count the votes that annotators gave to each class of each sample.

    Parameters
    ----------
    annotations : array-like or DataFrame of shape (N, A)
        The class that each of A annotators chose for each of N samples; missing
        (NaN, None, NA) where one did not vote.
    labels : iterable of classes, optional
        The classes, in the order of the result's columns. Default: the sorted
        distinct annotations.

    Returns
    -------
    DataFrame of shape (N, K)
        Integer counts, one column per class, with the index of ``annotations``: pass
        it as ``y_true`` with ``target_type="votes"``. A sample without a vote has a row
        of zeros.

    Raises
    ------
    ValueError
        If an annotation is not among ``labels``.

    See Also
    --------
    decompose : Splits the loss of votes, with ``vote_correction=``.

    Examples
    --------
    >>> from xent_metrics import vote_counts
    >>> vote_counts([["cat", "dog", "cat"], ["dog", None, "dog"]])
       cat  dog
    0    2    1
    1    0    2
    """
    frame = _as_table(annotations)
    if frame.empty:
        msg = (
            "annotations must have one row per sample and one column per annotator: "
            f"found {frame.shape[0]} rows and {frame.shape[1]} columns; pass a table."
        )
        raise ValueError(msg)
    n_rows, n_annotators = frame.shape
    values = frame.to_numpy().ravel()
    voted = np.flatnonzero(~pd.isna(values))
    votes = _whole(values[voted])
    if labels is None:
        classes = sort_labels(distinct(votes))
    else:
        given = tuple(labels)
        classes = check_labels(given, len(given))
    codes, unseen = encode(votes, classes)
    if unseen:
        place = int(voted[np.argmax(codes >= len(classes))])
        row, annotator = divmod(place, n_annotators)
        msg = (
            f"annotations must be among the labels: row {row}, annotator {annotator} "
            f"has {unseen[0]!r}, the labels are {show(classes)}; add it to "
            "labels= or make it missing."
        )
        raise ValueError(msg)
    cells = voted // n_annotators * len(classes) + codes
    counts = np.bincount(cells, minlength=n_rows * len(classes))
    return pd.DataFrame(
        counts.reshape(n_rows, len(classes)), frame.index, label_index(classes)
    )


def _as_table(annotations: Any) -> pd.DataFrame:
    """One row per sample, one column per annotator; short rows lack the last ones."""
    frame = as_frame(annotations)
    if isinstance(frame, pd.DataFrame):
        columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
        each = [as_series(column, "it").array for column in columns]
        return pd.DataFrame(dict(enumerate(each)), index=frame.index)
    if frame is not None:
        names = frame.columns
        return pd.DataFrame({name: as_series(frame[name], "it") for name in names})
    rows, index = annotations, getattr(annotations, "index", None)
    for method in ("to_pylist", "to_list"):  # of a column that holds rows
        rows = getattr(rows, method)() if hasattr(rows, method) else rows
    if isinstance(rows, (list, tuple)):
        if any(isinstance(row, (list, tuple, np.ndarray)) for row in rows):
            rows = [[] if is_absent(row) else list(row) for row in rows]
    elif np.ndim(rows) in (1, 2):
        rows = unpack(rows, "annotations")
    else:
        msg = (
            "annotations must have one row per sample and one column per "
            f"annotator: found {annotations!r}; pass a table."
        )
        raise ValueError(msg)
    index = index if isinstance(index, pd.Index) else None
    dtype = object if isinstance(rows, (list, tuple)) else None
    return pd.DataFrame(rows, index=index, dtype=dtype)


def _whole(votes: NDArray[Any]) -> NDArray[Any]:
    """Votes as integers where missing ones alone made floats of them."""
    if votes.dtype.kind == "f" and (votes == np.floor(votes)).all():
        return votes.astype(np.int64)
    return votes
