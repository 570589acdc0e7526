"""Predictions and targets of the rows that count, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._decomposition.evidence import Data, evidence_of
from .._inputs.inputs import InputBlock
from .._inputs.labels import show
from .._kernels.table import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from .._evaluation.evaluation import Evaluation


class ClassRows(NamedTuple):
    """Of each row, what was predicted for one class, and what came.

    The class is the same for all rows, or the likeliest of each. ``binary`` says
    whether targets are 0 or 1.
    """

    predicted: FloatArray
    observed: FloatArray
    weights: FloatArray
    clusters: IntArray | None
    binary: bool


def blocks(data: Data) -> Iterator[InputBlock]:
    """Blocks of the rows that count, as probabilities."""
    inputs = data.inputs
    logits = inputs.proba.kind == "logits"
    for block in inputs.blocks(inputs.active):
        yield block._replace(predicted=np.exp(block.predicted)) if logits else block


def place_of(of_class: Any, labels: tuple[Any, ...]) -> int | None:
    """The column of a class; None for the likeliest of each row."""
    if of_class is None:
        return 1 if len(labels) == 2 else None  # noqa: PLR2004
    if of_class not in labels:
        msg = (
            f"of_class must be one of the classes: found {of_class!r} among "
            f"{show(labels)}; pass one of them, or None."
        )
        raise ValueError(msg)
    return labels.index(of_class)


def classes_of(place: int | None, predicted: FloatArray) -> IntArray:
    """The column that each row is looked at in."""
    if place is None:
        return np.asarray(predicted.argmax(axis=0))
    return np.full(predicted.shape[1], place)


def table_of_rows(evaluation: Evaluation) -> pd.DataFrame:
    """The measures of each row; one sentence where they are gone."""
    table = evaluation.per_sample
    if table is None:
        msg = (
            "the plot needs the rows: this evaluation was scanned, or read back "
            "without them; write it with to_json(per_sample=True)."
        )
        raise ValueError(msg)
    return table


def rows_of_class(evaluation: Evaluation, place: int | None) -> ClassRows:
    """One class of every row: from the data, else from the table of rows."""
    data = evidence_of(evaluation.decomposition).data
    if data is None:
        return _from_table(evaluation, place)
    n = len(data.rows.weights)
    predicted, observed = np.empty(n), np.empty(n)
    for rows, q, p in blocks(data):
        columns = classes_of(place, q)
        each = np.arange(len(columns))
        predicted[rows], observed[rows] = q[columns, each], p[columns, each]
    return ClassRows(
        predicted,
        observed,
        data.rows.weights,
        data.rows.clusters,
        data.inputs.target is None,
    )


def _from_table(evaluation: Evaluation, place: int | None) -> ClassRows:
    """What the table of rows tells: the likeliest class, or both of two."""
    table, labels = table_of_rows(evaluation), evaluation.labels
    if place is not None and len(labels) > 2:  # noqa: PLR2004
        evidence_of(evaluation.decomposition).need("the plot of one of several classes")
    weights: FloatArray = np.ones(len(table))
    if "weight" in table:
        weights = table["weight"].to_numpy(np.float64)
    kept: BoolArray = weights > 0
    predicted = table["confidence"].to_numpy(np.float64)
    observed = table["correct"].to_numpy(np.float64)
    if place is not None:
        other = (table["predicted"] != labels[place]).to_numpy(np.bool_)
        predicted = np.where(other, 1.0 - predicted, predicted)
        observed = np.where(other, 1.0 - observed, observed)
    predicted, observed = predicted[kept], observed[kept]
    clusters = table["group"].to_numpy()[kept] if "group" in table else None
    binary = bool(np.isin(observed, (0.0, 1.0)).all())
    return ClassRows(predicted, observed, weights[kept], clusters, binary)
