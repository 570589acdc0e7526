"""Targets: hard labels as codes, distributions and votes as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .._kernels.table import BoolArray, FloatArray, IntArray, Table
from .arrays import read_columns
from .containers import as_frame, is_plain, native, unpack
from .labels import (
    Column,
    Encoded,
    as_column,
    encode,
    infer_and_encode,
    missing,
    places_of,
    show,
)
from .nested import Columns
from .read_options import FrameTargetType


def labels_or_columns(y_true: Any, target_type: FrameTargetType) -> Column | Columns:
    """Labels as one column, distributions and votes as several."""
    if target_type not in ("auto", "labels", "distribution", "votes"):
        msg = (
            "target_type must be 'auto', 'labels', 'distribution' or 'votes', or of "
            f"columns of a frame 'annotators': found {target_type!r}; pass one of them."
        )
        raise ValueError(msg)
    if not (is_plain(y_true) or isinstance(y_true, Columns)):
        soft = target_type in ("distribution", "votes")
        y_true = unpack(y_true, "y_true", tuples=soft)
        if not soft:
            y_true = _only_column(y_true)
    shape = _shape(y_true)
    if len(shape) == 1 and target_type in ("auto", "labels"):
        return as_column(y_true)
    if len(shape) != 2 or target_type == "labels":  # noqa: PLR2004 - rows and columns
        wanted = (
            "one label per row" if target_type == "labels" else "one column per class"
        )
        msg = (
            f"y_true must hold {wanted} for target_type={target_type!r}: its shape is "
            f"{shape}; pass labels as (N,), distributions and votes as (N, K)."
        )
        raise ValueError(msg)
    return read_columns(y_true, "y_true")


def _only_column(y_true: Any) -> Any:
    """The one column of a frame; all else as it is."""
    if isinstance(y_true, (np.ndarray, list, tuple, pd.Series)):
        return y_true
    frame = as_frame(y_true)
    if frame is None or frame.shape[1] != 1:
        return y_true
    column = frame.iloc[:, 0] if hasattr(frame, "iloc") else frame[frame.columns[0]]
    return unpack(native(column), "y_true")


def _shape(y_true: Any) -> tuple[int, ...]:
    shape = getattr(y_true, "shape", None)
    if shape is None and isinstance(y_true, (list, tuple)):
        nested = len(y_true) > 0 and isinstance(y_true[0], (list, tuple, np.ndarray))
        return (len(y_true), len(y_true[0])) if nested else (len(y_true),)
    return tuple(np.shape(y_true) if shape is None else shape)


def check_hard(y_true: Column, active: BoolArray | None) -> None:
    """Refuse missing labels and numbers that are not labels."""
    kind = y_true.dtype.kind if isinstance(y_true, np.ndarray) else "O"
    if kind not in "fOMm":
        return
    absent = missing(y_true)
    if absent is not None:
        if active is not None:
            absent = absent & active
        if absent.any():
            row = int(np.argmax(absent))
            msg = (
                f"y_true must not be missing: row {row} has no label, the first of "
                f"{int(absent.sum())}; drop it or give it weight 0."
            )
            raise ValueError(msg)
    if kind == "f":
        broken = (y_true != np.floor(y_true)) & ~np.isnan(y_true)
        if broken.any():
            row = int(np.argmax(broken))
            msg = (
                f"y_true must hold class labels: row {row} is {y_true[row]:g}; for "
                "one distribution pass two dimensions, [[...]]."
            )
            raise ValueError(msg)


def encode_some(
    y_true: Column,
    known: tuple[Any, ...] | None,
    active: BoolArray,
    n_classes: int,
    name: str = "y_proba",
) -> tuple[tuple[Any, ...], Encoded]:
    """Classes, and codes of all rows; one of weight 0 takes the first class."""
    counted = y_true[active]
    if known:
        classes, some = known, encode(counted, known)
    else:
        classes, some = infer_and_encode(counted, n_classes, name)
    codes = np.zeros(len(y_true), dtype=np.int64)
    codes[active] = some.codes
    return classes, Encoded(codes, some.unseen)


def read_soft(
    columns: Columns,
    classes: tuple[Any, ...],
    target_type: FrameTargetType,
    name: str = "y_proba",
) -> Table:
    """Distributions or votes as a table whose columns follow ``classes``."""
    source = align(columns, classes, ("y_true", name))
    table = Table(source, name="y_true", eps=columns.eps)
    whole_numbers = table.dtype.kind in "iub"
    if target_type == "distribution" or (target_type == "auto" and not whole_numbers):
        return table
    if target_type == "auto":
        totals = _totals(table)
        if (totals != 1).any() and _greatest(table) <= 1:
            row = int(np.argmax(totals != 1))
            msg = (
                "y_true of 0 and 1 must say what it means where rows do not sum to "
                f"1: row {row} sums to {int(totals[row])}; pass target_type='votes' "
                "for vote counts (several labels per row are not supported)."
            )
            raise ValueError(msg)
    return Table(source, kind="proportions", name="y_true")


def align(
    columns: Columns,
    classes: tuple[Any, ...],
    names: tuple[str, str] = ("y_true", "y_proba"),
) -> Any:
    """Columns in the order of the classes: by name if they have any."""
    if columns.single is not None or columns.names is None:
        n_found = (
            len(columns.source)
            if isinstance(columns.source, tuple)
            else columns.source.shape[1]
        )
        if n_found != len(classes):
            mend = (
                "pass labels in one dimension, y_true.ravel()."
                if n_found == 1
                else f"pass the columns in the order of {names[1]}."
            )
            msg = (
                f"{names[0]} must have one column per class: {n_found} for "
                f"{len(classes)} classes; {mend}"
            )
            raise ValueError(msg)
        return columns.source
    places = places_of(columns.names, classes)
    if len(places) != len(classes) or set(places) != set(range(len(classes))):
        msg = (
            f"{names[0]} columns must be the classes of {names[1]}: found "
            f"{show(columns.names)} for {show(classes)}; rename the "
            "columns or pass labels=."
        )
        raise ValueError(msg)
    return tuple(columns.columns[places.index(place)] for place in range(len(classes)))


def one_hot_codes(table: Table, active: BoolArray | None) -> IntArray | None:
    """The label of each row where every row holds a single one; else None."""
    codes = np.empty(table.n_rows, dtype=np.int64)
    for start, block in table.raw_blocks():
        part = slice(start, start + block.shape[1])
        ones = block == 1
        if active is None and np.count_nonzero(ones) != block.shape[1]:
            return None
        one_hot = (ones.sum(axis=0) == 1) & ((block != 0).sum(axis=0) == 1)
        if active is not None:
            one_hot |= ~active[part]
        if not one_hot.all():
            return None
        codes[part] = np.argmax(ones, axis=0)
    return codes


def _totals(table: Table) -> FloatArray:
    totals = np.empty(table.n_rows)
    for start, block in table.raw_blocks():
        totals[start : start + block.shape[1]] = block.sum(axis=0)
    return totals


def _greatest(table: Table) -> float:
    return max(float(block.max()) for _, block in table.raw_blocks())
