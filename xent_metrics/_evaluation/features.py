"""Features of the rows of an evaluation: what they could win, and slices by them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd

from .._decomposition.evidence import Data, evidence_of
from .._decomposition.result import Decomposition
from .._features.bound import Predicted
from .._features.columns import Features, index_of_features, read_features
from .._features.reducible import Progress, Refined, reducible
from .._features.result import ReducibleLoss
from .._features.sliced import Slices, find_slices
from .._inputs.containers import is_default
from .._inputs.groups import read_groups
from .._inputs.read_options import nats_per_unit
from .._kernels.table import BoolArray, IntArray
from .._recalibration.sample import from_inputs
from .kept_frame import KeptFrame

SLICED = ("cross_entropy", "miscalibration")


def reducible_loss(
    result: Decomposition,
    table: pd.DataFrame | None,
    frame: KeptFrame | None,
    X: Any,  # noqa: N803 - scikit-learn's name
    *,
    learner: Any,
    groups: Any,
    random_state: Any,
    progress: Progress,
) -> ReducibleLoss:
    """What the features of the evaluated rows could still win, at least."""
    evidence = evidence_of(result)
    data = evidence.need("reducible")
    inputs = data.inputs
    if inputs.n_unseen:
        msg = (
            "reducible requires labels that are among the classes: "
            f"{inputs.n_unseen} of {inputs.n} rows have another; evaluate without them."
        )
        raise ValueError(msg)
    if data.folds is not None and data.folds.seen:
        msg = (
            "reducible requires rows that models were not trained on: folds of the "
            "cross-validation test rows of their own training; pass a cv whose train "
            "and test rows differ."
        )
        raise ValueError(msg)
    if np.isnan(result.refinement):
        msg = (
            "reducible requires a recalibration map: "
            f"{result.notes.get('refinement', 'it is undefined')}; evaluate more rows."
        )
        raise ValueError(msg)
    features, places, n_given = _aligned(X, data, table, frame)
    clusters = data.clusters
    if groups is not None:
        clusters = read_groups(_beside(groups, places, n_given), inputs)
    counted = inputs.active
    sample = from_inputs(inputs, counted, clip=evidence.clip, clusters=clusters)
    log_q, target = sample.tables()
    after, folds = data.after, data.folds
    rows = Predicted(
        log_q=log_q,
        target=target,
        weights=sample.weights,
        clusters=sample.clusters,
        fold_models=None if folds is None else inputs.counted(folds.codes),
    )
    refined = Refined(
        cross_entropies=data.rows.cross_entropy,
        refinement=result.refinement * nats_per_unit(evidence.base),
        recalibrate=None if after is None else after.selection.chosen.recalibrate,
        recalibration=result.recalibration,
        per_unit=nats_per_unit(evidence.base),
        unit=result.unit,
        row_index=_index(table, inputs.active),
    )
    return reducible(
        rows,
        features,
        refined,
        learner=learner,
        random_state=random_state,
        progress=progress,
    )


class _Evaluated(Protocol):
    @property
    def _frame(self) -> KeptFrame | None: ...


def measured_columns(evaluation: _Evaluated) -> tuple[Any, ...]:
    """The columns of the frame that were read as targets, probabilities, weights."""
    held = evaluation._frame  # noqa: SLF001 - for this package, not for its users
    return () if held is None else held.measured


def slices_of(
    result: Decomposition,
    table: pd.DataFrame | None,
    frame: KeptFrame | None,
    X: Any,  # noqa: N803 - scikit-learn's name
    *,
    max_slices: Any,
    term: Any,
) -> Slices:
    """Conditions on the features under which a term is larger than elsewhere."""
    evidence = evidence_of(result)
    data = evidence.need("slices")
    if term not in SLICED:
        msg = (
            f"term must be one of {', '.join(map(repr, SLICED))}: found {term!r}; "
            "for what features could win, call reducible(X).slices()."
        )
        raise ValueError(msg)
    features, *_ = _aligned(X, data, table, frame)
    values = data.rows.values()[term]
    if not np.isfinite(values).all():
        reason = result.notes.get(term, f"{term} is infinite or undefined")
        msg = (
            f"slices needs a finite {term} of each row: {reason}; evaluate with a clip "
            "above 0, or more rows."
        )
        raise ValueError(msg)
    return find_slices(
        values / nats_per_unit(evidence.base),
        features,
        weights=data.rows.weights,
        clusters=data.rows.clusters,
        max_slices=max_slices,
        term=term,
        unit=result.unit,
    )


def _index(table: pd.DataFrame | None, active: BoolArray | None) -> pd.Index[Any]:
    assert table is not None, "an evaluation with its data has its rows"
    return table.index if active is None else table.index[active]


def _aligned(
    X: Any,  # noqa: N803 - scikit-learn's name
    data: Data,
    table: pd.DataFrame | None,
    frame: KeptFrame | None,
) -> tuple[Features, IntArray, int]:
    """Features of the rows that count; places of evaluated rows in X; its rows.

    X has the rows as they were passed: before those with missing values were dropped,
    and in the order in which they were cross-validated.
    """
    assert table is not None, "an evaluation with its data has its rows"
    features = read_features(X)
    places = _places(features.n_rows, data, frame)
    own, theirs = table.index, index_of_features(X)
    if theirs is not None and not theirs.take(places).equals(own):
        places = _by_label(own, theirs, places)
    counted = places if data.inputs.active is None else places[data.inputs.active]
    return features.take(counted), places, features.n_rows


def _places(n: int, data: Data, frame: KeptFrame | None) -> IntArray:
    """The row of X of each evaluated row, by position."""
    n_rows = data.inputs.proba.n_rows
    if data.folds is not None:
        rows = data.folds.rows
        n_used = int(rows.max()) + 1
        if n < n_used or (n > n_used == len(np.unique(rows))):
            raise _length_error(n, n_used, "that was cross-validated")
        return rows
    kept = None if frame is None else frame.kept
    if kept is not None and n == len(kept):
        return np.flatnonzero(kept)
    if n == n_rows:
        return np.arange(n_rows)
    n_given = n_rows if kept is None else len(kept)
    raise _length_error(n, n_given, "that was passed")


def _length_error(n: int, n_given: int, which: str) -> ValueError:
    return ValueError(
        f"X must have one row for each row {which}: it has {n}, and {n_given} were "
        "evaluated; pass the features of the same rows."
    )


def _by_label(own: pd.Index[Any], theirs: pd.Index[Any], places: IntArray) -> IntArray:
    """The same by the labels of the rows, where both have some of their own."""
    if is_default(own) or is_default(theirs):
        return places
    if own.is_unique and theirs.is_unique and own.isin(theirs).all():
        return np.asarray(theirs.get_indexer(own), dtype=np.int64)
    msg = (
        "X must have the index of the rows that were evaluated: labels of rows are "
        "missing from it, or not unique; reindex it, or pass an array of rows in the "
        "same order."
    )
    raise ValueError(msg)


def _beside(groups: Any, places: IntArray, n: int) -> Any:
    """The groups of the evaluated rows, of one value for each row of X."""
    values = np.asarray(groups)
    if values.shape != (n,):
        msg = (
            "groups must hold one value for each row of X: its shape is "
            f"{values.shape} for {n} rows; pass one value per row."
        )
        raise ValueError(msg)
    return values[places]
