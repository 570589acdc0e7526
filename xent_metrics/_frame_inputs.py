"""Columns of a frame, of pandas or another library, as checked inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from ._class_names import cast_classes, pair_classes
from ._frame_columns import (
    FrameTable,
    FrameTargets,
    OnMissing,
    UsedColumns,
    annotated,
    as_values,
    rows_kept,
)
from ._frames import Columns, numbers
from ._inputs import Inputs, check_index_order, read
from ._kernels.table import BoolArray
from ._labels import Column, check_labels, show
from ._selection import Chosen, Selector, choose
from ._targets import Targets
from ._votes import vote_counts


class FrameInputs(NamedTuple):
    """What was read from a frame; ``kept`` is None where every row was."""

    inputs: Inputs
    groups: Any
    row_index: pd.Index[Any] | None
    kept: BoolArray | None

    @property
    def n_dropped(self) -> int:
        """Number of rows left out, as their label or a probability is missing."""
        return 0 if self.kept is None else int(np.count_nonzero(~self.kept))


def read_frame(
    frame: Any,
    *,
    target: Selector,
    proba: Selector,
    labels: Sequence[Any] | None,
    targets: FrameTargets,
    sample_weight: Any,
    groups: Any,
    rescale: bool,
    from_logits: bool,
    on_missing: OnMissing,
    beside: Selector | None = None,
    whole: bool = True,
) -> FrameInputs:
    """Read targets, predictions, weights and groups from the columns of a frame.

    Rows that miss a value in the columns ``beside`` are dropped with the others. Of a
    frame that is not the ``whole`` data, no label may be among the classes.
    """
    table = FrameTable(frame)
    named = [one for one in (sample_weight, groups) if _is_name(one)]
    for name, values in (("sample_weight", sample_weight), ("groups", groups)):
        check_index_order(frame, values, ("the frame", name), strict=True)
    y_true = choose(table.columns, target, "target", taken=named)
    y_proba = choose(table.columns, proba, "proba", taken=[*y_true.names, *named])
    used = UsedColumns(
        target=[table.column(name) for name in y_true.names],
        proba=[table.column(name) for name in y_proba.names],
        beside={
            name: table.column(given) if _is_name(given) else given
            for name, given in (("sample_weight", sample_weight), ("groups", groups))
        },
    )
    others = () if beside is None else choose(table.columns, beside, "other").names
    kept = rows_kept(used, [table.column(name) for name in others], on_missing, targets)
    if kept is not None:
        used = used.rows(kept)
    given = None
    if labels is not None:
        one_column = y_proba.classes is None
        given = check_labels(labels, 2 if one_column else len(y_proba.names))
    inputs = _read(
        y_true,
        y_proba,
        used,
        given,
        targets,
        whole=whole,
        rescale=rescale,
        from_logits=from_logits,
    )
    index = table.index if kept is None or table.index is None else table.index[kept]
    return FrameInputs(inputs, used.beside["groups"], index, kept)


def _read(
    y_true: Chosen,
    y_proba: Chosen,
    used: UsedColumns,
    given: tuple[Any, ...] | None,
    targets: FrameTargets,
    *,
    whole: bool,
    **options: Any,
) -> Inputs:
    options["sample_weight"] = used.beside["sample_weight"]
    if y_proba.classes is None:
        if y_true.classes is not None or targets == "annotators":
            msg = (
                "proba must be one column a class where target is a list of columns, "
                f"or annotators: found the one column {y_proba.names[0]!r}; pass the "
                "columns of all classes."
            )
            raise ValueError(msg)
        return read(
            used.target[0],
            used.proba[0],
            labels=given,
            targets=targets,
            warn_unseen=whole,
            **options,
        )
    classes = y_proba.classes
    several = y_true.classes is not None
    voted = targets == "annotators" or (several and annotated(used.target, targets))
    if y_proba.cast and (voted or not several):
        classes = cast_classes(classes, used.target)
    probabilities = Columns(
        tuple(
            numbers(column, "y_proba", f" column {name!r}")
            for name, column in zip(y_proba.names, used.proba, strict=True)
        ),
        None,
    )
    labels = given or classes
    if voted:
        votes = _votes(used.target, labels)
        return read(votes, probabilities, labels=labels, targets="votes", **options)
    kind = cast("Targets", targets)
    if y_true.classes is not None:
        names = pair_classes(y_true.names, y_true.classes, y_proba.names, classes)
        if names is None:
            names = y_true.names  # by position
            if targets == "auto":
                _refuse_whole_numbers(names, used.target)
        by_name = dict(zip(y_true.names, used.target, strict=True))
        laws = Columns(
            tuple(numbers(by_name[n], "y_true", f" column {n!r}") for n in names), None
        )
        return read(laws, probabilities, labels=labels, targets=kind, **options)
    inputs = read(
        used.target[0],
        probabilities,
        labels=labels,
        targets=kind,
        warn_unseen=False,
        **options,
    )
    return _known(inputs, given, y_true.names[0]) if whole else inputs


def _known(inputs: Inputs, given: tuple[Any, ...] | None, target: Any) -> Inputs:
    """Refuse columns of which none is named after a label."""
    if given is None and inputs.n_unseen == inputs.n:
        msg = (
            "the class of each probability column must be known: none of "
            f"{show(inputs.labels)} is a label of {target!r}; pass labels= in the "
            "order of the columns, or proba={class: column}."
        )
        raise ValueError(msg)
    inputs.warn_of_unseen()
    return inputs


def _refuse_whole_numbers(names: tuple[Any, ...], columns: Sequence[Column]) -> None:
    """Votes are named after the classes; else they could be annotators' labels."""
    if all(getattr(column.dtype, "kind", "O") in "iub" for column in columns):
        msg = (
            "target columns of whole numbers must be named after the classes, or say "
            f"what they hold: found {show(names)}; pass targets='votes', or "
            "targets='annotators' where each holds the label that one of them gave."
        )
        raise ValueError(msg)


def _votes(columns: Sequence[Column], labels: tuple[Any, ...]) -> pd.DataFrame:
    annotations = pd.DataFrame(
        {number: as_values(column) for number, column in enumerate(columns)},
        dtype=object,
    )
    return vote_counts(annotations, labels=labels)


def _is_name(given: Any) -> bool:
    return isinstance(given, (str, int)) or (
        isinstance(given, tuple) and all(isinstance(one, str) for one in given)
    )
