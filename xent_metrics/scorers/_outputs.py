"""From an estimator to inputs, one for each output."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._inputs.containers import as_frame, native
from .._inputs.estimators import in_class_order, names_of, probabilities
from .._inputs.inputs import Inputs, UnseenLabelWarning, read
from .._inputs.labels import as_labels, show
from ._options import Options

_given: dict[tuple[str, frozenset[Any]], Any] = {}


def warn_unseen(scorer: str, unseen: Iterable[Any], classes: tuple[Any, ...]) -> None:
    """Warn of labels that an estimator does not know: once per scorer and label set.

    Python shows a warning once per place, but forgets that at every
    ``warnings.catch_warnings``, and scikit-learn enters one for each fold. Remembered
    here is who listens: a new listener, such as a test that records, is told anew.
    """
    labels = tuple(unseen)
    key = scorer, frozenset((*labels, *classes))
    listener = getattr(warnings, "_showwarnmsg_impl", None)
    if _given.get(key, _given) is listener:
        return
    warnings.warn(
        "some rows have a label that is not among the estimator's classes_ "
        f"({show(labels)} among {show(classes)}), as where a training fold lacks a "
        "class: its probability counts as 0; DecompositionScorer counts such rows "
        "where its terms hold 'n_unseen'.",
        UnseenLabelWarning,
        stacklevel=1,
    )
    _given[key] = listener


_ROWS_AND_COLUMNS = 2
_ROUNDING = 1e-3


class Part(NamedTuple):
    """One output as it was found; ``n_beyond`` classes are not the estimator's."""

    truth: Any
    proba: Any
    classes: tuple[Any, ...]
    n_beyond: int = 0


def parts_of_several(
    estimator: Any, proba: Any, y_true: Any, soft_labels: Any, options: Options
) -> list[Part] | None:
    """The outputs, refused where nobody asked for several; None for a single one."""
    classes = getattr(estimator, "classes_", None)
    votes = ""
    if _has_tables(proba) or _has_lists(classes):
        n = len(proba) if _has_tables(proba) else np.shape(proba)[1]
    elif soft_labels is None and _is_multilabel(proba, y_true, options):
        n = np.shape(proba)[1]
        classes = [(0, 1)] * n
        votes = ", or target_type='votes' if these are votes"
    else:
        return None
    found = f"{type(estimator).__name__} predicts {n} outputs"
    if options.multioutput is None:
        msg = (
            f"y_true must hold one label per row: {found}; pass "
            "multioutput='uniform_average' to the scorer for their mean, or "
            f"'raw_values' for the score of each{votes}."
        )
        raise ValueError(msg)
    if soft_labels is not None:
        msg = (
            f"soft_labels must belong to one output: {found}; score each output by an "
            "estimator of its own."
        )
        raise ValueError(msg)
    shape = np.shape(y_true)
    if shape[1:] != (n,) or classes is None or len(classes) != n:
        msg = (
            f"y_true must have one column per output: its shape is {shape}, and "
            f"{found}; pass a column for each, and list the classes_ of each."
        )
        raise ValueError(msg)
    tables = proba if _has_tables(proba) else np.asarray(proba).T
    return [
        Part(truth, table, as_labels(each))
        for truth, table, each in zip(columns_of(y_true), tables, classes, strict=True)
    ]


def columns_of(y_true: Any) -> list[Any]:
    """The labels of each output."""
    if hasattr(y_true, "toarray"):
        y_true = y_true.toarray()
    frame = as_frame(y_true)
    if isinstance(frame, pd.DataFrame):
        return [frame.iloc[:, column] for column in range(frame.shape[1])]
    if frame is not None:
        return [native(frame[name]) for name in frame.columns]
    return list(np.asarray(y_true).T)


def _has_tables(proba: Any) -> bool:
    return isinstance(proba, (list, tuple)) and all(
        np.ndim(table) == _ROWS_AND_COLUMNS for table in proba
    )


def _has_lists(classes: Any) -> bool:
    return isinstance(classes, (list, tuple)) and any(map(np.ndim, classes))


def _is_multilabel(proba: Any, y_true: Any, options: Options) -> bool:
    """Whether each column of 0 and 1 is an output: not so for one-hot labels."""
    shape = np.shape(y_true)
    if (
        len(shape) != _ROWS_AND_COLUMNS
        or shape[1] == 1
        or options.target_type != "auto"
    ):
        return False
    truth, table = np.column_stack(columns_of(y_true)), np.asarray(proba)
    if table.shape != truth.shape or not np.isin(truth, (0, 1)).all():
        return False
    if options.multioutput is not None or (truth.sum(axis=1) != 1).any():
        return True
    sums_to_one = np.allclose(table.sum(axis=1), 1.0, atol=_ROUNDING)
    return not (sums_to_one or options.rescale)


_ROWS_AND_COLUMNS = 2


class Output(NamedTuple):
    """One output, and how many of its rows have a label that is not a class."""

    inputs: Inputs
    n_unseen: int


def read_outputs(
    estimator: Any,
    X: Any,  # noqa: N803 - scikit-learn's name
    y_true: Any,
    *,
    sample_weight: Any,
    soft_labels: Any,
    options: Options,
    scorer: str,
) -> list[Output]:
    """Call ``predict_proba`` once; read its outputs against labels or soft labels."""
    proba = probabilities(estimator, X)
    parts = parts_of_several(estimator, proba, y_true, soft_labels, options)
    if parts is None:
        parts = [_only_part(estimator, proba, y_true, soft_labels)]
    outputs = []
    for part in parts:
        inputs = read(
            part.truth,
            part.proba,
            options.reading(labels=part.classes, sample_weight=sample_weight),
            warn_unseen=False,
        )
        if inputs.n_unseen == inputs.n and not _may_be_a_fold(inputs):
            msg = (
                "y_true must hold labels that are the estimator's classes_: it holds "
                f"{show(inputs.unseen)}, these are {show(inputs.labels)}; score on "
                "labels of the vocabulary that it was trained on."
            )
            raise ValueError(msg)
        n_known = len(part.classes) - part.n_beyond
        unseen = inputs.unseen + part.classes[n_known:]
        n_unseen = inputs.n_unseen + _n_beyond(n_known, inputs)
        if n_unseen:
            warn_unseen(scorer, unseen, part.classes[:n_known])
        outputs.append(Output(inputs, n_unseen))
    return outputs


def _may_be_a_fold(inputs: Inputs) -> bool:
    """Whether the labels are one that a training fold may lack: of the same type."""
    kinds = {type(label) for label in inputs.labels}
    return len(inputs.unseen) == 1 and type(inputs.unseen[0]) in kinds


def _only_part(estimator: Any, proba: Any, y_true: Any, soft_labels: Any) -> Part:
    proba, classes = in_class_order(estimator, proba)
    if soft_labels is not None:
        return _widened(soft_labels, proba, classes)
    if np.shape(y_true)[1:] == (1,):
        y_true = columns_of(y_true)[0]
    return Part(y_true, proba, classes)


def _widened(soft_labels: Any, proba: Any, classes: tuple[Any, ...]) -> Part:
    """Soft labels, with predictions of 0 for the classes that only they name."""
    names, shape = names_of(soft_labels), np.shape(soft_labels)
    if not names and len(shape) == _ROWS_AND_COLUMNS and shape[1] != len(classes):
        msg = (
            "soft_labels must have one column for each of the estimator's classes_: "
            f"found {shape[1]} for {len(classes)}; pass a DataFrame whose columns are "
            "the classes, as a training fold may lack one."
        )
        raise ValueError(msg)
    others = tuple(name for name in names if name not in classes)
    if not others or len(others) + len(classes) != len(names):
        return Part(soft_labels, proba, classes)
    table = np.asarray(proba)
    table = np.hstack([table, np.zeros((len(table), len(others)), table.dtype)])
    return Part(soft_labels, table, classes + others, n_beyond=len(others))


def _n_beyond(known: int, inputs: Inputs) -> int:
    """Rows whose soft labels give something to a class that the estimator lacks."""
    if known == len(inputs.labels):
        return 0
    if inputs.target is None:
        beyond = np.asarray(inputs.codes) >= known
    else:
        blocks = [block for _, block in inputs.target.raw_blocks()]
        beyond = np.concatenate([(block[known:] > 0).any(axis=0) for block in blocks])
    if inputs.active is not None:
        beyond = beyond & inputs.active
    return int(np.count_nonzero(beyond))
