"""The terms of rows that models of several folds predicted: one map for each fold."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._display.result import counted
from .._inputs.inputs import Inputs, UnseenLabelWarning
from .._inputs.labels import show
from .._inputs.messages import warn
from .._inputs.read_options import ReadOptions, nats_per_unit
from .._kernels.table import BoolArray, FloatArray, IntArray
from .assemble import Maps
from .breakdown import terms_of_cells
from .decompose import decompose_inputs
from .evidence import Data, evidence_of
from .folds import Folds, inputs_of_fold, rows_of_folds
from .ladder import average
from .recalibration import Correction, Recalibration, name_of
from .result import Decomposition
from .row_terms import RowTerms
from .steps import Measured, Options, measure, result_of, terms_of_each_row
from .terms import OF_THE_MAP
from .vote_entropy import VoteCorrection, VoteEntropy


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
    read_options: ReadOptions,
    *,
    recalibration: Recalibration,
    vote_correction: VoteCorrection = None,
    columns: Iterable[str] = (),
) -> FoldTerms:
    """Decompose with a map for each fold: terms are averages over the folds.

    The class frequencies are those of all rows, as no model is behind them: folds
    that are stratified have the same ones, and a correction in each fold for their
    chance would come to too much.
    """
    options = Options(read_options, recalibration, vote_correction)
    measured = measure(inputs, options, columns, folds)
    copies = folds.copies(measured.inputs)
    parts = _decompose_each(measured, folds)
    _note_folds(measured.notes, parts)
    rows = terms_of_each_row(
        measured,
        _joined([(part.rows, part.data.rows.recalibrated) for part in parts]),
        _joined_entropy(parts),
        _joined_lowered(parts),
    )
    result = result_of(
        measured,
        rows,
        _maps(parts, recalibration, copies),
        correction=_correction(parts, copies),
        n_unseen=sum(part.result.n_unseen for part in parts),
        again=functools.partial(
            decompose_folds,
            folds=folds,
            read_options=read_options,
            recalibration=recalibration,
            vote_correction=vote_correction,
        ),
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
        have, their = ("has", "its") if found == 1 else ("have", "their")
        warn(
            f"{counted(found, 'row')} {have} a label that the model of {their} fold "
            f"was not trained on (in fold {show(folds)}): its probability counts as 0.",
            UnseenLabelWarning,
        )


def _decompose_each(measured: Measured, folds: Folds) -> list[_Part]:
    """Decompose each fold alone.

    A model that knows one class says nothing that a map could mend. Rows of a fold
    that holds one group cannot be told from independent ones, there.
    """
    inputs, clusters, options = measured.inputs, measured.clusters, measured.options
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
            dataclasses.replace(options.read, groups=groups),
            recalibration="none" if len(part.labels) == 1 else options.recalibration,
            vote_correction=options.vote_correction,
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


def _joined_lowered(parts: Sequence[_Part]) -> BoolArray | None:
    """Whether the map of its fold lowers the confidence of each row."""
    values = np.empty(sum(len(part.rows) for part in parts), dtype=np.bool_)
    for part in parts:
        own = part.data.rows.lowered
        if own is None:
            return None
        values[part.rows] = own
    return values


def _joined_entropy(parts: Sequence[_Part]) -> VoteEntropy:
    """The entropy of the folds' rows, each with a concentration of its fold."""

    def joined(of_part: Callable[[RowTerms], FloatArray | None]) -> FloatArray | None:
        found = [(part.rows, of_part(part.data.rows)) for part in parts]
        if any(values is None for _, values in found):
            return None
        return _joined([(rows, one) for rows, one in found if one is not None])

    values = _joined([(part.rows, part.data.rows.entropy) for part in parts])
    return VoteEntropy(
        values,
        joined(lambda rows: rows.slopes),
        joined(lambda rows: rows.concentration),
    )


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
    """Say why terms of the map are NaN, or unreliable, in some folds."""
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
