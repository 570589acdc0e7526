"""A part of the data as it was read: inputs, keys, and how its rows are named."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from .._decomposition.reference_map import ReferenceMap
from .._inputs.columns import Selector, cast_classes, choose
from .._inputs.frames import FrameTable, read_frame
from .._inputs.groups import Keys, read_keys
from .._inputs.inputs import Inputs
from .._inputs.labels import as_labels, distinct, label_index
from .._inputs.nested import Columns
from .._inputs.read_options import ReadOptions
from .._kernels.table import Table
from .against import check_reference, name_of_map
from .earlier_pass import Under
from .keys import plain
from .state import Contract

_TWO = 2  # classes


class Reading(NamedTuple):
    """What is read of a frame, and how: the options of :func:`accumulate`.

    ``share_kept`` is the share of the rows of which those that are kept are drawn,
    ``part`` a number that tells parts with the same rows apart, and ``reference`` what
    rows are measured against besides.
    """

    target: Selector
    proba: Selector
    by: tuple[Any, ...]
    options: ReadOptions
    share_kept: float = 1.0
    part: int = 0
    reference: ReferenceMap | None = None

    @classmethod
    def of(
        cls,
        target: Selector,
        proba: Selector,
        by: Any,
        *,
        labels: Any,
        sample_weight: Any,
        **others: Any,
    ) -> Self:
        """What a user passes, checked as far as no frame is needed."""
        options = ReadOptions(
            labels=None if labels is None else as_labels(labels),
            sample_weight=_column_name(sample_weight),
            **others,
        )
        return cls(target, proba, _key_names(by), options)

    @property
    def labels(self) -> tuple[Any, ...] | None:
        """The classes, where they were given."""
        labels: tuple[Any, ...] | None = self.options.labels
        return labels

    def with_labels(self, labels: tuple[Any, ...] | None) -> Self:
        """The same for known classes."""
        return self._replace(options=dataclasses.replace(self.options, labels=labels))

    def is_soft(self, frame: Any) -> bool:
        """Whether targets are distributions or votes."""
        table, target_type = FrameTable.of(frame), self.options.target_type
        taken = choose(table.columns, self.proba, "proba").names
        chosen = choose(table.columns, self.target, "target", taken=taken)
        if chosen.classes is not None or target_type == "annotators":
            return True
        tuples = target_type in ("distribution", "votes")
        return isinstance(table.column(chosen.names[0], tuples=tuples), Columns)

    def classes(self, frame: Any) -> tuple[Any, ...]:
        """The classes, by the names of the columns, of a frame without rows to read."""
        labels = self.labels or _labels_of_one_column(frame, self)
        if labels is not None:
            return labels
        table = FrameTable.of(frame)
        chosen = choose(table.columns, self.proba, "proba")
        y_true = choose(table.columns, self.target, "target", taken=chosen.names)
        of_rows = table.column(chosen.names[0], tuples=True)
        classes, cast = chosen.classes, chosen.cast
        if len(chosen.names) == 1 and isinstance(of_rows, Columns) and of_rows.names:
            classes, cast = of_rows.names, True
        assert classes is not None, "one column has labels"
        if not cast or y_true.classes is not None:
            return classes
        columns = [table.column(name) for name in y_true.names]
        plain = [one for one in columns if not isinstance(one, Columns)]
        return cast_classes(classes, plain) if plain else classes

    def contract(
        self, labels: tuple[Any, ...], frame: Any, under: Under | None
    ) -> Contract:
        """What the states of all parts have in common."""
        if self.reference is not None:
            check_reference(self.reference, labels, self.options.clip)
        return Contract(
            labels=labels,
            soft=self.is_soft(frame),
            clip=self.options.clip,
            by=self.by,
            under="" if under is None else under.name,
            reference="" if self.reference is None else name_of_map(self.reference),
        )

    def read(self, frame: Any) -> Part:
        """Read a frame, which may hold some of the classes only."""
        labels = self.labels or _labels_of_one_column(frame, self)
        found = read_frame(
            frame,
            target=self.target,
            proba=self.proba,
            options=dataclasses.replace(self.options, labels=labels),
            whole=False,
        )
        inputs, keys = found.inputs, None
        if inputs.codes is not None and self.is_soft(frame):
            # In other parts targets may be no labels.
            one_hot = np.eye(len(inputs.labels))[inputs.codes]
            inputs = inputs._replace(codes=None, target=Table(one_hot, name="y_true"))
        names = self.by
        if names:
            table = FrameTable.of(frame)
            columns = [_key(table, name) for name in names]
            if found.kept is not None:
                columns = [column[found.kept] for column in columns]
            columns = [plain(column) for column in columns]
            keys = read_keys(
                dict(zip(names, columns, strict=True)), inputs.proba.n_rows
            )
        return Part(inputs, keys, found.n_dropped)


class Part(NamedTuple):
    """Checked inputs; ``keys`` number the groups of all rows."""

    inputs: Inputs
    keys: Keys | None
    n_dropped: int


def _key_names(by: Any) -> tuple[Any, ...]:
    """The columns that rows are grouped by: one name or several."""
    if by is None:
        return ()
    if isinstance(by, (str, int)):
        return (by,)
    if isinstance(by, Sequence) and by and all(isinstance(one, str) for one in by):
        return tuple(by)
    found = type(by).__name__
    if isinstance(by, (list, tuple)):
        kinds = sorted({type(one).__name__ for one in by})
        found = f"a {found} of {' and '.join(kinds)}" if kinds else f"an empty {found}"
    msg = (
        f"by must be the name of a column, or a list of names: found {found}; pass "
        "names, as parts of the data are read one by one."
    )
    raise ValueError(msg)


def _labels_of_one_column(frame: Any, reading: Reading) -> tuple[Any, ...] | None:
    """The two classes of one column of probabilities: a part may hold one of them."""
    table = FrameTable.of(frame)
    chosen = choose(table.columns, reading.proba, "proba")
    if len(chosen.names) > 1:
        return None
    target = choose(table.columns, reading.target, "target", taken=chosen.names)
    if target.classes is not None:
        return None
    values = table.column(target.names[0])
    of_rows = table.column(chosen.names[0], tuples=True)
    n_classes = of_rows.shape[1] if isinstance(of_rows, Columns) else 2
    if isinstance(of_rows, Columns) and of_rows.names is not None:
        return None
    if isinstance(values, Columns):
        return values.names or tuple(range(n_classes))
    found = distinct(values)
    # A column without a label has a type alone.
    types = set(map(type, found)) or {values.dtype.type}
    if types <= {bool, np.bool_} and n_classes == _TWO:
        return (False, True)
    whole = bool not in types and all(issubclass(t, (int, np.integer)) for t in types)
    if whole and set(found) <= set(range(n_classes)):
        return tuple(range(n_classes))
    msg = (
        "labels must be given where proba is one column, as a part of the data may "
        f"hold some classes only: found labels of type {values.dtype}; pass "
        "labels= with the class of each probability, in order."
    )
    raise ValueError(msg)


def _key(table: FrameTable, name: Any) -> pd.Series[Any]:
    """A column of keys, one value per row."""
    column = table.column(name)
    if isinstance(column, Columns):
        msg = (
            f"by must be columns of one value per row: {name!r} holds rows; name "
            "another column."
        )
        raise ValueError(msg)  # noqa: TRY004 - the values are at fault
    if isinstance(column, pd.Series):
        return column
    numbers = column.dtype.kind in "iub"
    return pd.Series(column if numbers else label_index(column), copy=False)


def _column_name(given: Any) -> Any:
    """A weight is named, as parts of the data are read one by one."""
    if given is None or isinstance(given, (str, int)):
        return given
    msg = (
        "sample_weight must be the name of a column: found a "
        f"{type(given).__name__}; pass the name, as parts are read one by one."
    )
    raise TypeError(msg)
