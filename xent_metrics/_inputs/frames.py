"""Columns of a frame, read as inputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._kernels.table import BoolArray
from .arrays import numbers, one_column, read_columns
from .columns import (
    Chosen,
    Selector,
    cast_classes,
    choose,
    pair_classes,
    twin_columns,
    unknown_column,
)
from .containers import as_frame, native, refuse_lazy, unpack
from .inputs import Inputs, check_index_order, read
from .labels import Column, as_column, check_labels, show
from .nested import Columns, Single
from .read_options import FrameTargetType, ReadOptions
from .votes import vote_counts
from .weights import NoRowsError


class FrameTable:
    """A frame's columns by name."""

    def __init__(self, frame: Any) -> None:
        self.given = frame
        arrow = _is_plain_table(frame)
        found = frame if arrow else as_frame(frame)
        if found is None:
            refuse_lazy(frame, "frame")
            msg = (
                "frame must be a DataFrame of pandas or polars, or a table of pyarrow: "
                f"found {type(frame).__name__}; collect or convert it."
            )
            raise TypeError(msg)
        if not len(found):
            msg = "the frame must not be empty: it has no rows; pass at least one."
            raise ValueError(msg)
        pandas = isinstance(found, pd.DataFrame)
        self.columns: Sequence[Any] = found.column_names if arrow else found.columns
        self.index: pd.Index[Any] | None = found.index if pandas else None
        self._frame = native(found)

    @classmethod
    def of(cls, frame: Any) -> FrameTable:
        """The columns of a frame, or these columns: those of a part are asked often."""
        return frame if isinstance(frame, FrameTable) else cls(frame)

    def column(self, name: Any, *, tuples: bool = False) -> Column | Columns:
        """The column of that name, without a copy where numpy knows its type.

        One that holds rows (lists, arrays, structs, and ``tuples`` where these are no
        labels) is several columns.
        """
        if name not in self.columns:
            raise unknown_column(self.columns, name)
        column = self._frame[name]
        if isinstance(column, pd.DataFrame):
            raise twin_columns(name, column.shape[1])
        found = unpack(column, str(name), tuples=tuples)
        if not isinstance(found, (pd.Series, np.ndarray, list, Columns)):
            found = read_columns(found, str(name))  # a frame of structs' fields
        return found if isinstance(found, (pd.Series, Columns)) else as_column(found)


def _is_plain_table(frame: Any) -> bool:
    """Whether it is a table of pyarrow, whose columns have a name of their own each."""
    root, kind = type(frame).__module__.partition(".")[0], type(frame).__name__
    if root != "pyarrow" or kind != "Table":
        return False
    return len(set(frame.column_names)) == len(frame.column_names)


class FrameInputs(NamedTuple):
    """What was read from a frame; ``kept`` is None where every row was.

    In ``options`` weights and groups are values of the rows that were kept;
    ``row_index`` numbers these where a frame without an index lost rows;
    ``measured`` are the columns of targets, probabilities and weights.
    """

    inputs: Inputs
    options: ReadOptions
    row_index: pd.Index[Any] | None
    kept: BoolArray | None
    measured: tuple[Any, ...]

    @property
    def n_dropped(self) -> int:
        """Number of rows left out, as their label or a probability is missing."""
        return 0 if self.kept is None else int(np.count_nonzero(~self.kept))


def read_frame(
    frame: Any,
    *,
    target: Selector,
    proba: Selector,
    options: ReadOptions,
    beside: Selector | None = None,
    whole: bool = True,
) -> FrameInputs:
    """Read targets, predictions, weights and groups from the columns of a frame.

    Rows that miss a value in the columns ``beside`` are dropped with the others. Of a
    frame that is not the ``whole`` data, no label may be among the classes.
    """
    table, y_true, y_proba, used = _chosen(frame, target, proba, options)
    weight = [options.sample_weight] if _is_name(options.sample_weight) else []
    others = () if beside is None else choose(table.columns, beside, "other").names
    kept = _rows_kept(used, [table.column(name) for name in others], options)
    if kept is not None:
        used = used.rows(kept)
    given = None
    if options.labels is not None:
        given = check_labels(options.labels, _n_classes(used.proba))
    options = dataclasses.replace(options, labels=given, **used.beside)
    inputs = _read(y_true, y_proba, used, options, whole=whole)
    index = table.index
    if kept is not None:
        index = pd.Index(np.flatnonzero(kept)) if index is None else index[kept]
    measured = (*y_true.names, *y_proba.names, *weight)
    return FrameInputs(inputs, options, index, kept, measured)


class FramePredictions(NamedTuple):
    """Predictions in a frame, of rows of which some have no label.

    ``labelled`` says which have one, of all rows; ``kept`` which rows these values are
    of, or is None where all. ``is_single`` says that one column stands for two classes.
    """

    columns: Columns
    sample_weight: Any
    groups: Any
    labelled: BoolArray
    kept: BoolArray | None
    is_single: bool

    def rows(self, some: BoolArray) -> FramePredictions:
        """Some of the rows that these values are of."""
        weights, groups = self.sample_weight, self.groups
        return self._replace(
            columns=self.columns.rows(some),
            sample_weight=None if weights is None else weights[some],
            groups=None if groups is None else groups[some],
        )


def read_frame_predictions(
    frame: Any, *, target: Selector, proba: Selector, options: ReadOptions
) -> FramePredictions:
    """Read predictions, weights and groups from a frame, whether labels are there.

    With ``on_missing="drop"`` rows that miss anything but a label are left out.
    """
    _, y_true, y_proba, used = _chosen(frame, target, proba, options)
    voted = _annotated(used.target, options.target_type)
    missing = [_missing(column) for column in used.target]
    absent = np.logical_and.reduce(missing) if voted else np.logical_or.reduce(missing)
    kept = None
    if options.on_missing == "drop":
        beside = [values for values in used.beside.values() if values is not None]
        others = [_missing(column) for column in (*used.proba, *beside)]
        kept = ~np.logical_or.reduce(others)
        used = used.rows(kept)
    of_labels = used.target if voted or y_true.classes is None else None
    columns = _read_proba(y_proba, used.proba, of_labels, options)
    return FramePredictions(
        columns,
        **used.beside,
        labelled=~absent,
        kept=kept,
        is_single=columns.single is not None,
    )


class _UsedColumns(NamedTuple):
    """The columns that are read, and the values beside them."""

    target: list[Column | Columns]
    proba: list[Column | Columns]
    beside: dict[str, Any]

    def rows(self, kept: BoolArray) -> _UsedColumns:
        """Some of the rows."""
        return _UsedColumns(
            [_rows(column, kept) for column in self.target],
            [_rows(column, kept) for column in self.proba],
            {
                name: None if values is None else _rows(values, kept)
                for name, values in self.beside.items()
            },
        )


def _rows(column: Any, kept: BoolArray) -> Any:
    return column.rows(kept) if isinstance(column, Columns) else column[kept]


def _beside(table: FrameTable, given: Any, name: str) -> Any:
    """Weights or groups: a column by its name, or values."""
    if not _is_name(given):
        return _unpacked(given, name)
    column = table.column(given)
    if isinstance(column, Columns):
        msg = (
            f"{name} must hold one value per row: column {given!r} holds a row in "
            "each; pass another column."
        )
        raise ValueError(msg)  # noqa: TRY004 - the values are at fault
    return column


def _unpacked(values: Any, name: str) -> Any:
    """Values beside the rows as an array, a column of pandas, or None."""
    if values is None:
        return None
    found = unpack(values, name, tuples=False)
    if isinstance(found, Columns):
        return values
    return found if isinstance(found, pd.Series) else np.asarray(found)


def _n_classes(proba: list[Column | Columns]) -> int:
    """How many classes columns of probabilities have: two, if it is one column."""
    if len(proba) > 1:
        return len(proba)
    return proba[0].shape[1] if isinstance(proba[0], Columns) else 2


def _rows_kept(
    used: _UsedColumns,
    others: Sequence[Column | Columns],
    options: ReadOptions,
) -> BoolArray | None:
    """Which rows have all that is read; None where all have, or must have."""
    on_missing = options.on_missing
    if on_missing not in ("raise", "drop"):
        msg = (
            f"on_missing must be 'raise' or 'drop': found {on_missing!r}; pass 'drop' "
            "to leave out rows that miss a label or a probability."
        )
        raise ValueError(msg)
    if on_missing == "raise":
        return None
    of_target = [_missing(column) for column in used.target]
    # Of several annotators, some may say nothing.
    some = _annotated(used.target, options.target_type)
    absent = (
        np.logical_and.reduce(of_target) if some else np.logical_or.reduce(of_target)
    )
    beside = {name: one for name, one in used.beside.items() if one is not None}
    for name, values in beside.items():
        if values.shape != absent.shape:
            msg = (
                f"{name} must hold one value per row: its shape is {values.shape} for "
                f"{len(absent)} rows; pass the name of a column, or a 1-D array."
            )
            raise ValueError(msg)
    for column in (*used.proba, *beside.values(), *others):
        absent |= _missing(column)
    if not absent.any():
        return None
    if absent.all():
        msg = (
            "a row must have a label and all probabilities: none of "
            f"{len(absent)} rows has; look for a column that is empty."
        )
        error = NoRowsError(msg)
        error.n_missing = len(absent)
        raise error
    kept: BoolArray = np.logical_not(absent)
    return kept


def _missing(column: Any) -> BoolArray:
    if isinstance(column, Columns):
        return column.missing()
    return np.asarray(pd.isna(column), dtype=np.bool_)


def _is_name(given: Any) -> bool:
    return isinstance(given, (str, int)) or (
        isinstance(given, tuple) and all(isinstance(one, str) for one in given)
    )


def _chosen(
    frame: Any, target: Selector, proba: Selector, options: ReadOptions
) -> tuple[FrameTable, Chosen, Chosen, _UsedColumns]:
    """A frame, its columns of targets and predictions, and the values that are read."""
    table = FrameTable.of(frame)
    of_rows = (("sample_weight", options.sample_weight), ("groups", options.groups))
    named = [values for _, values in of_rows if _is_name(values)]
    for name, values in of_rows:
        check_index_order(table.given, values, ("the frame", name), strict=True)
    y_true = choose(table.columns, target, "target", taken=named)
    y_proba = choose(table.columns, proba, "proba", taken=[*y_true.names, *named])
    soft = options.target_type in ("distribution", "votes")
    used = _UsedColumns(
        target=[table.column(name, tuples=soft) for name in y_true.names],
        proba=[table.column(name, tuples=True) for name in y_proba.names],
        beside={name: _beside(table, given, name) for name, given in of_rows},
    )
    return table, y_true, y_proba, used


def _read(
    y_true: Chosen,
    y_proba: Chosen,
    used: _UsedColumns,
    options: ReadOptions,
    *,
    whole: bool,
) -> Inputs:
    given, target_type = options.labels, options.target_type
    target, several = used.target, y_true.classes is not None
    if len(target) == 1 and isinstance(target[0], Columns) and _holds_text(target[0]):
        target, several = list(target[0].columns), True
    voted = target_type == "annotators" or (several and _annotated(target, target_type))
    predicted = _read_proba(
        y_proba, used.proba, target if voted or not several else None, options
    )
    if predicted.single is not None and (voted or several):
        msg = (
            "proba must be one column per class where target is a list of columns, "
            f"or annotators: found the one column {y_proba.names[0]!r}; pass the "
            "columns of all classes."
        )
        raise ValueError(msg)
    if voted:
        known = given or predicted.names
        if known is None:
            msg = (
                "labels must be given where columns of probabilities have no names: "
                f"{y_proba.names[0]!r} holds rows of them; pass labels= with the class "
                "of each, in order."
            )
            raise ValueError(msg)
        options = dataclasses.replace(options, target_type="votes")
        return read(_votes(target, known), predicted, options)
    if several:
        soft = _read_soft(y_true, y_proba, target, predicted.names, target_type)
        return read(soft, predicted, options)
    return read(target[0], predicted, options, warn_unseen=whole)


def _read_proba(
    chosen: Chosen,
    columns: list[Column | Columns],
    labelled: Sequence[Column | Columns] | None,
    options: ReadOptions,
) -> Columns:
    """The probabilities, named after the classes if their names say these.

    ``labelled`` are columns of labels, whose type the classes have.
    """
    name, classes = chosen.names[0], chosen.classes
    plain = [one for one in labelled or () if not isinstance(one, Columns)]
    if len(columns) == 1 and isinstance(columns[0], Columns):
        found = columns[0]
        classes = found.names
        if classes is not None and plain:
            classes = cast_classes(classes, plain)
        return found._replace(names=classes)
    if len(columns) == 1:
        # A list of one name says no more than the name does.
        said = () if classes is None or classes == chosen.names else classes
        values = numbers(columns[0], "y_proba", f"column {name!r}")
        single = Single(name, said, "proba")
        logits = options.from_logits
        return one_column(values, "y_proba", single, logits=logits)
    assert classes is not None, "several columns have names"
    if chosen.cast and plain:
        classes = cast_classes(classes, plain)
    each = tuple(
        numbers(column, "y_proba", f"column {name!r}")
        for name, column in zip(chosen.names, columns, strict=True)
    )
    return Columns(each, classes)


def _read_soft(
    y_true: Chosen,
    y_proba: Chosen,
    target: Sequence[Column | Columns],
    classes: tuple[Any, ...] | None,
    target_type: FrameTargetType,
) -> Columns:
    """Columns of distributions or votes in the order of the probabilities."""
    names = None
    if classes is not None and y_true.classes is not None:
        names = pair_classes(y_true.names, y_true.classes, y_proba.names, classes)
    if names is None:
        names = y_true.names  # by position
        if target_type == "auto":
            _refuse_whole_numbers(names, target)
    by_name = dict(zip(y_true.names, target, strict=True))
    return Columns(
        tuple(numbers(by_name[n], "y_true", f"column {n!r}") for n in names), None
    )


def _holds_text(columns: Columns) -> bool:
    return any(column.dtype.kind == "O" for column in columns.columns)


def _annotated(
    columns: Sequence[Column | Columns], target_type: FrameTargetType
) -> bool:
    """Whether each column has the labels that one annotator gave."""
    if target_type == "auto":
        return not all(map(_is_number, columns))
    return target_type == "annotators"


def _is_number(column: Column | Columns) -> bool:
    return isinstance(column, Columns) or _kind(column) in "fiub"


def _kind(column: Column) -> str:
    return getattr(column.dtype, "kind", "O")


def _votes(
    columns: Sequence[Column | Columns], labels: tuple[Any, ...]
) -> pd.DataFrame:
    each: list[Any] = []
    for column in columns:
        each += column.columns if isinstance(column, Columns) else [column]
    annotations = pd.DataFrame(dict(enumerate(each)), dtype=object)
    return vote_counts(annotations, labels=labels)


def _refuse_whole_numbers(
    names: tuple[Any, ...], columns: Sequence[Column | Columns]
) -> None:
    """Votes are named after the classes; else they could be annotators' labels."""
    if all(not isinstance(one, Columns) and _kind(one) in "iub" for one in columns):
        msg = (
            "target columns of whole numbers must be named after the classes, or say "
            f"what they hold: found {show(names)}; pass target_type='votes', or "
            "target_type='annotators' where each holds the label that one of them gave."
        )
        raise ValueError(msg)
