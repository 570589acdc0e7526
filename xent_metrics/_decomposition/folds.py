"""Folds of a cross-validation: which model predicted each row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .._inputs.groups import number
from .._inputs.inputs import Inputs
from .._kernels.table import BoolArray, FloatArray, IntArray


class Folds(NamedTuple):
    """The fold of each row of a table, each predicted by a model of its own.

    ``codes`` numbers the fold of each row, and ``known`` says which classes the model
    of each fold knows, of shape (folds, classes). ``rows`` numbers the row of the data
    that each row is. ``seen`` says that models were tested on rows of their training.
    """

    names: tuple[Any, ...]
    codes: IntArray
    known: BoolArray
    rows: IntArray
    seen: bool = False

    @property
    def origins(self) -> IntArray | None:
        """The rows of the data, where one occurs more than once."""
        return self.rows if (np.diff(np.sort(self.rows)) == 0).any() else None

    def clusters(self, groups: IntArray | None) -> IntArray | None:
        """Rows that are not independent: groups, or the copies of a row."""
        return self.origins if groups is None else groups

    def copies(self, inputs: Inputs) -> float:
        """How often a row of the data that counts occurs, on average."""
        rows = inputs.counted(self.rows)
        return len(rows) / len(np.unique(rows))

    def weights_of_origins(self, inputs: Inputs, weights: FloatArray) -> FloatArray:
        """The weights of rows of the data that count, copies counted together."""
        if self.origins is None:
            return weights
        total = np.bincount(inputs.counted(self.rows), weights)
        return np.asarray(total[total > 0])


def read_folds(folds: Any, inputs: Inputs) -> Folds | None:
    """Folds as the user names them.

    A class whose column is 0 throughout a fold is one that its model does not know:
    so scikit-learn's ``cross_val_predict`` fills the columns of classes that are
    absent from the rows a model was trained on.
    """
    if folds is None:
        return None
    codes, names = number(folds, inputs, "folds")
    known = np.zeros((len(names), len(inputs.labels)), dtype=np.bool_)
    for start, block in inputs.proba.raw_blocks():
        of_row = codes[start : start + block.shape[1]]
        for k, column in enumerate(block):
            known[:, k] |= np.bincount(of_row, column != 0, len(names)) > 0
    if inputs.proba.kind == "logits":
        known[:] = True
    return Folds(tuple(names), codes, known, np.arange(len(codes)))


def refuse_folds(n_folds: int | None, method: str) -> None:
    """One sentence where each fold has a map of its own."""
    if n_folds is not None:
        msg = (
            f"{method} needs one map of all rows: this result has one for each of "
            f"{n_folds} folds; decompose the rows of one fold."
        )
        raise ValueError(msg)


def rows_of_folds(folds: Folds, inputs: Inputs) -> Iterator[tuple[int, IntArray]]:
    """The number of each fold, and its rows that count, where there are any."""
    order = np.argsort(folds.codes, kind="stable")
    if inputs.active is not None:
        order = order[inputs.active[order]]
    codes, starts = np.unique(folds.codes[order], return_index=True)
    yield from zip(codes.tolist(), np.split(order, starts[1:]), strict=True)


def inputs_of_fold(inputs: Inputs, rows: IntArray, known: BoolArray) -> Inputs:
    """Some rows that count, as their model saw them.

    A label of a class that the model does not know is an unseen one. Distributions
    and votes keep all classes: they have no unseen ones.
    """
    part = inputs.rows(rows)
    if part.codes is None:
        return part
    labels = (*part.labels, *part.unseen)
    inside = np.flatnonzero(known)
    outside = np.setdiff1d(part.codes, inside)
    place = np.empty(len(labels), dtype=np.int64)
    place[np.concatenate([inside, outside])] = np.arange(len(inside) + len(outside))
    if len(inside) < len(inputs.labels):
        part = part._replace(proba=part.proba.columns(inside))
    return part._replace(
        labels=tuple(labels[k] for k in inside),
        codes=place[part.codes],
        unseen=tuple(labels[k] for k in outside),
    )
