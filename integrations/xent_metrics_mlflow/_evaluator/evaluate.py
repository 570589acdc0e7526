"""An evaluation of what MLflow gives an evaluator: a model and data, or a frame."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import pandas as pd

from xent_metrics import Evaluation, without_listeners

from .._delivery.result import LogResult
from .._logging.log_evaluation import log_evaluation
from .probabilities import (
    DeclinedError,
    Probabilities,
    of_frame,
    of_model,
    of_output,
    shown,
    stacked,
)

_LOGGING = ("split", "per_sample", "page")
_BESIDE = ("sample_weight", "groups")
_BY = "by"
_DECOMPOSING = ("target_type", "base", "clip", "recalibration", "vote_correction")
_READING = ("rescale", "from_logits")
KEYS = ("proba", "labels", *_BESIDE, *_DECOMPOSING, *_READING, *_LOGGING, _BY)


def evaluate_and_log(
    model: Any,
    dataset: Any,
    config: Mapping[str, Any],
    predictions: str | None,
    *,
    run_id: str,
    strict: bool,
) -> LogResult:
    """Evaluate and log; the metrics, all of which are finite, are part of the result.

    Unknown options are an error with ``strict``; else they are another evaluator's.
    """
    if strict:
        check_keys(config)
    elif "sample_weights" in config:  # what MLflow's own evaluators call them
        config = {"sample_weight": config["sample_weights"], **config}
    with without_listeners():
        evaluation = evaluate_model(model, dataset, config, predictions)
    return log_evaluation(
        evaluation,
        run_id=run_id,
        by=_groups_to_show(dataset.features_data, config.get(_BY)),
        **{name: config[name] for name in _LOGGING if name in config},
    )


def check_keys(config: Mapping[str, Any]) -> None:
    """Refuse options that do not exist."""
    for key in config:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1)
            mend = f"did you mean {near[0]!r}?" if near else f"pass {', '.join(KEYS)}."
            msg = (
                "evaluator_config of 'xent' must hold options of its own: found "
                f"{key!r}; {mend}"
            )
            raise ValueError(msg)


def evaluate_model(
    model: Any, dataset: Any, config: Mapping[str, Any], predictions: str | None
) -> Evaluation:
    """Evaluate a model on a dataset of MLflow, or the predictions in it."""
    if dataset.labels_data is None:
        msg = "a classifier needs targets: the data has none; pass targets=."
        raise DeclinedError(msg)
    features = dataset.features_data
    index = features.index if isinstance(features, pd.DataFrame) else None
    truth = stacked(dataset.labels_data)
    options = {name: config[name] for name in _DECOMPOSING if name in config}
    options |= {name: config[name] for name in _READING if name in config}
    for name in _BESIDE:
        given = config.get(name)
        if isinstance(given, str):
            given = _column(features, given, name)
        if given is not None:
            options[name] = given
    found = _probabilities(model, dataset, config, predictions)
    _check_known(truth, found)
    if found.names is not None:
        return _of_columns(found, truth, dataset.targets_name, index, options)
    if index is not None and truth.ndim == 1:
        truth = pd.Series(truth, index=index)
    return Evaluation.from_predictions(
        truth, found.table, labels=found.labels, **options
    )


def _probabilities(
    model: Any, dataset: Any, config: Mapping[str, Any], predictions: str | None
) -> Probabilities:
    labels = _labels(config.get("labels"))
    proba, features = config.get("proba"), dataset.features_data
    if model is not None:
        beside = [config[name] for name in _BESIDE if isinstance(config.get(name), str)]
        if beside:
            features = features.drop(columns=list(dict.fromkeys(beside)))
        spare = _names(config.get(_BY)) or ()
        return of_model(model, features, proba, labels, predictions, spare=spare)
    if proba is not None:
        return of_frame(features, proba, labels)
    if dataset.predictions_data is None:
        msg = (
            "a static frame must say where its probabilities are: it names none; pass "
            "predictions=, or proba in the evaluator_config of 'xent'."
        )
        raise DeclinedError(msg)
    return of_output(dataset.predictions_data, labels)


def _labels(given: Any) -> tuple[Any, ...] | None:
    """The classes in order; an error for a text, and for what has no order."""
    if given is None:
        return None
    is_text = isinstance(given, (str, bytes))
    unordered = isinstance(given, (Mapping, AbstractSet))
    if is_text or unordered or not isinstance(given, Iterable):
        found = repr(given) if is_text else type(given).__name__
        msg = (
            "labels must be a list of classes, in the order of the columns: found "
            f"{found}; pass a list such as ['no', 'yes']."
        )
        raise TypeError(msg)
    return tuple(given)


def _of_columns(
    found: Probabilities,
    truth: Any,
    target: str | None,
    index: pd.Index[Any] | None,
    options: Mapping[str, Any],
) -> Evaluation:
    """Evaluate probabilities in columns, beside the targets in one of their own."""
    if len(found.table) != len(truth):
        msg = (
            "a model must predict one row per row of the data: found "
            f"{len(found.table)} for {len(truth)} rows; predict every row."
        )
        raise ValueError(msg)
    if truth.ndim > 1:
        names, labels = _in_the_order_of(found, truth.shape[1])
        table = found.table[names]
        if index is not None:
            table = table.set_axis(index)
        table = table.set_axis(pd.Index(labels, tupleize_cols=False), axis=1)
        return Evaluation.from_predictions(truth, table, labels=labels, **options)
    name: Any = target if target is not None else "target"
    while name in found.table:
        name = f"{name}_"
    frame = found.table.assign(**{name: truth})
    if index is not None:  # a model's output is in the order of its input
        frame = frame.set_axis(index)
    return Evaluation.from_frame(
        frame, target=name, proba=found.names, labels=found.labels, **options
    )


def _in_the_order_of(found: Probabilities, n: int) -> tuple[list[Any], list[Any]]:
    """Columns and their classes, in the order that values of the targets have too."""
    names, labels = found.names, found.labels
    if isinstance(names, Mapping) and set(labels or ()) == set(names):
        names = [names[label] for label in labels or ()]
    if labels is None or not isinstance(names, list) or len(names) != len(labels):
        msg = (
            "the class of each value of the targets must be known: found "
            f"{n} values per row; pass labels in the evaluator_config of 'xent', in "
            "their order, and proba as a list in that order or a mapping."
        )
        raise ValueError(msg)
    return names, list(labels)


def _groups_to_show(features: Any, by: Any) -> Any:
    """Columns of the data by name, or what was given."""
    names = _names(by)
    if names is None:
        return by
    return {name: _column(features, name, _BY).to_numpy() for name in names}


def _names(by: Any) -> list[str] | None:
    """The columns that are named; None where values are given."""
    if isinstance(by, str):
        return [by]
    if isinstance(by, list) and by and all(isinstance(name, str) for name in by):
        return by
    return None


def _column(features: Any, name: str, option: str) -> Any:
    if isinstance(features, pd.DataFrame) and name in features:
        return features[name]
    columns = list(features) if isinstance(features, pd.DataFrame) else []
    near = difflib.get_close_matches(name, map(str, columns), n=1)
    msg = f"{option} must name a column of the data: found {name!r}; " + (
        f"did you mean {near[0]!r}?" if near else "pass a column or values."
    )
    raise ValueError(msg)


def _check_known(truth: Any, found: Probabilities) -> None:
    """Refuse classes of which none is a target: they are named otherwise."""
    if truth.ndim > 1 or found.labels is None:
        return
    targets = pd.unique(truth).tolist()
    if set(found.labels).isdisjoint(targets):
        msg = (
            f"classes must be named as the targets are: {found.source} "
            f"{shown(found.labels)} and no target is one of them (targets are "
            f"{shown(targets)}); pass labels in the evaluator_config of 'xent', in the "
            "order of the columns."
        )
        raise ValueError(msg)
