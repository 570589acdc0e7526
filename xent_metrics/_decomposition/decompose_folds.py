"""The terms of rows that models of several folds predicted: one map for each fold."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._inputs.groups import read_groups
from .._inputs.inputs import Inputs, UnseenLabelWarning
from .._inputs.labels import show
from .._inputs.messages import warn
from .._inputs.read_options import nats_per_unit
from .._kernels.table import FloatArray, IntArray
from .breakdown import terms_of_cells
from .decompose import (
    COLUMNS,
    Recalibration,
    active,
    check_recalibration,
    decompose_inputs,
    name_of,
    with_scaled_weights,
)
from .evidence import Correction, Data, evidence_of
from .folds import Folds, inputs_of_fold, rows_of_folds
from .frequencies import count_classes, frequency_costs
from .ladder import average
from .result import Decomposition
from .row_terms import RowTerms
from .terms import OF_THE_MAP, Maps, assemble, note_undefined_entropy, reasons
from .vote_entropy import VoteCorrection, check_correction


class FoldTerms(NamedTuple):
    """The result of all folds, the columns of the pass, and the terms of each fold.

    ``parts`` are the folds decomposed alone, by their name.
    """

    decomposition: Decomposition
    columns: dict[str, FloatArray]
    table: pd.DataFrame
    parts: Mapping[Any, Decomposition]


class _Part(NamedTuple):
    """A fold decomposed alone: which rows that count are its own, and its weight."""

    name: Any
    rows: IntArray
    share: float
    result: Decomposition

    @property
    def data(self) -> Data:
        return evidence_of(self.result).need("decompose_folds")


def decompose_folds(
    inputs: Inputs,
    folds: Folds,
    *,
    base: float | None,
    clip: float,
    recalibration: Recalibration,
    groups: Any = None,
    vote_correction: VoteCorrection = None,
    columns: Iterable[str] = (),
) -> FoldTerms:
    """Decompose with a map for each fold: terms are averages over the folds.

    The class frequencies are those of all rows, as no model is behind them: folds
    that are stratified have the same ones, and a correction in each fold for their
    chance would come to too much.
    """
    check_recalibration(recalibration)
    check_correction(vote_correction, inputs)
    inputs = with_scaled_weights(inputs)
    clusters = folds.clusters(read_groups(groups, inputs))
    measured = inputs.measure([*COLUMNS, *columns], clip=clip)
    frequencies = count_classes(inputs, clusters)
    parts = _decompose_each(
        inputs,
        folds,
        clusters,
        base=base,
        clip=clip,
        recalibration=recalibration,
        vote_correction=vote_correction,
    )
    rows = RowTerms(
        cross_entropy=active(measured.columns["cross_entropy"], inputs),
        recalibrated=_joined([(p.rows, p.data.rows.recalibrated) for p in parts]),
        frequencies=active(frequency_costs(inputs, frequencies.shares), inputs),
        entropy=_joined([(p.rows, p.data.rows.entropy) for p in parts]),
        predictive_entropy=active(measured.columns["predictive_entropy"], inputs),
        weights=np.ones(inputs.n)
        if inputs.weights is None
        else active(inputs.weights, inputs),
        clusters=None if clusters is None else active(clusters, inputs),
    )
    notes = reasons(
        len(inputs.labels),
        measured.at_zero,
        frequencies,
        clip,
        soft=inputs.target is not None,
    )
    _note_folds(notes, parts)
    if vote_correction is not None:
        note_undefined_entropy(notes, rows.entropy, vote_correction)
    data = Data(
        inputs=inputs,
        rows=rows,
        clusters=clusters,
        recalibration=recalibration,
        vote_correction=vote_correction,
        after=None,
        correction=_correction(parts, folds.copies(inputs)),
        again=functools.partial(
            _again,
            folds=folds,
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=groups,
            vote_correction=vote_correction,
        ),
        folds=folds,
    )
    result = assemble(
        data,
        frequencies,
        _maps(parts, recalibration, folds.copies(inputs)),
        notes,
        base=base,
        clip=clip,
        at_zero=measured.at_zero,
        n_unseen=sum(part.result.n_unseen for part in parts),
    )
    return FoldTerms(
        result,
        measured.columns,
        _table(result, parts),
        {part.name: part.result for part in parts},
    )


def warn_if_untrained(inputs: Inputs, parts: Mapping[Any, Decomposition]) -> None:
    """Warn of labels of classes that the model of their fold does not know."""
    found = sum(part.n_unseen for part in parts.values()) - inputs.n_unseen
    if found:
        folds = [name for name, part in parts.items() if part.n_unseen]
        warn(
            f"{found} rows have a label that the model of their fold was not trained "
            f"on (in fold {show(folds)}): its probability counts as 0.",
            UnseenLabelWarning,
        )


def _again(inputs: Inputs, **options: Any) -> Decomposition:
    """The same decomposition of other inputs."""
    return decompose_folds(inputs, **options).decomposition


def _decompose_each(
    inputs: Inputs,
    folds: Folds,
    clusters: IntArray | None,
    *,
    recalibration: Recalibration,
    **options: Any,
) -> list[_Part]:
    """Decompose each fold alone.

    A model that knows one class says nothing that a map could mend. Rows of a fold
    that holds one group cannot be told from independent ones, there.
    """
    place = np.arange(inputs.proba.n_rows)
    if inputs.active is not None:
        place = np.cumsum(inputs.active) - 1
    weights = np.ones(len(place)) if inputs.weights is None else inputs.weights
    parts = []
    for code, rows in rows_of_folds(folds, inputs):
        part = inputs_of_fold(inputs, rows, folds.known[code])
        groups = None if clusters is None else clusters[rows]
        if groups is not None and len(np.unique(groups)) == 1:
            groups = None
        result, _ = decompose_inputs(
            part,
            groups=groups,
            recalibration="none" if len(part.labels) == 1 else recalibration,
            **options,
        )
        share = float(weights[rows].sum()) / float(weights.sum())
        parts.append(_Part(folds.names[code], place[rows], share, result))
    return parts


def _joined(of_parts: Sequence[tuple[IntArray, FloatArray]]) -> FloatArray:
    """Values of the folds' rows in the order of all rows."""
    values = np.empty(sum(len(rows) for rows, _ in of_parts))
    for rows, own in of_parts:
        values[rows] = own
    return values


def _correction(parts: Sequence[_Part], copies: float) -> Correction | None:
    """The average correction; its variance if copies of a row vary as one."""
    found = [(part.share, part.data.correction) for part in parts]
    each = [(share, one) for share, one in found if one is not None]
    if len(each) < len(found):
        return None
    return Correction(
        optimism=sum(share * one.optimism for share, one in each),
        variance=copies * sum(share**2 * one.variance for share, one in each),
        debiased=all(one.debiased for _, one in each),
    )


def _note_folds(notes: dict[str, str], parts: Sequence[_Part]) -> None:
    """Say why terms of the map are NaN, or rough, in some folds."""
    for name in OF_THE_MAP:
        found = [part.result.notes.get(name) for part in parts]
        why = next((note for note in found if note), None)
        if why and name != "skill" and name not in notes:
            n = sum(note is not None for note in found)
            notes[name] = f"{why}, in {n} of {len(parts)} folds"


def _maps(parts: Sequence[_Part], recalibration: Recalibration, copies: float) -> Maps:
    """What the folds' maps have in common."""
    names = {part.result.recalibration for part in parts}
    return Maps(
        name=names.pop() if len(names) == 1 else name_of(recalibration),
        degrees_of_freedom=sum(part.result.degrees_of_freedom for part in parts),
        converged=all(part.result.converged for part in parts),
        ladder=average(
            [part.result.ladder for part in parts],
            [part.share for part in parts],
            copies,
        ),
    )


def _table(result: Decomposition, parts: Sequence[_Part]) -> pd.DataFrame:
    """The terms of each fold; averaged by weight they are those of the result."""
    data = evidence_of(result).need("decompose_folds")
    per_unit = nats_per_unit(result.base)
    each = []
    for part in parts:
        table = terms_of_cells(
            data,
            np.zeros(len(part.rows), dtype=np.int64),
            1,
            inside=part.rows,
            uncertainty=result.uncertainty * per_unit,
            per_unit=per_unit,
            correction=part.data.correction,
        )
        each.append(
            table.drop(columns="n_independent").assign(
                recalibration=part.result.recalibration,
                degrees_of_freedom=part.result.degrees_of_freedom,
            )
        )
    table = pd.concat(each)
    table.index = pd.Index([part.name for part in parts], name="fold")
    return table
