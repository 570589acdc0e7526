"""Steps that all decompositions share, with one map or with a map for each fold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .._inputs.groups import read_groups
from .._inputs.inputs import Inputs
from .._inputs.read_options import ReadOptions
from .._kernels.table import BoolArray, FloatArray, IntArray
from .._recalibration.fitted_map import Recalibrate
from .._recalibration.sample import effective_number
from .._terms import PARTS
from .assemble import Maps, assemble
from .evidence import Data, Evidence, maps_of
from .folds import Folds
from .frequencies import Frequencies, count_classes, frequency_costs
from .rare_events import variances_of_unseen
from .recalibration import After, Correction, Recalibration, check_recalibration
from .result import Decomposition
from .row_terms import RowTerms
from .terms import (
    errors_of_rows,
    note_concentrated,
    note_undefined_entropy,
    reasons,
    terms_of_rows,
)
from .vote_entropy import VoteCorrection, VoteEntropy, check_correction
from .zeros import note_zeros

_COLUMNS = ("cross_entropy", "entropy", "kl_divergence", "predictive_entropy")


class Options(NamedTuple):
    """What is asked of a decomposition, of inputs that were read with ``read``."""

    read: ReadOptions
    recalibration: Recalibration
    vote_correction: VoteCorrection


class Measured(NamedTuple):
    """What rows tell before a map is fitted; ``clusters`` numbers all rows.

    ``columns`` are those of the pass, in nats. ``notes`` are those found so far.
    """

    inputs: Inputs
    options: Options
    folds: Folds | None
    clusters: IntArray | None
    columns: dict[str, FloatArray]
    at_zero: int
    frequencies: Frequencies
    notes: dict[str, str]


def measure(
    inputs: Inputs,
    options: Options,
    columns: Iterable[str],
    folds: Folds | None = None,
) -> Measured:
    """Check the options, measure each row, and count the classes."""
    check_recalibration(options.recalibration)
    check_correction(options.vote_correction, inputs)
    clusters = read_groups(options.read.groups, inputs)
    if folds is not None:
        clusters = folds.clusters(clusters)
    inputs = inputs.with_scaled_weights()
    rows = inputs.measure([*_COLUMNS, *columns], clip=options.read.clip)
    frequencies = count_classes(inputs, clusters)
    return Measured(
        inputs=inputs,
        options=options,
        folds=folds,
        clusters=clusters,
        columns=rows.columns,
        at_zero=rows.at_zero,
        frequencies=frequencies,
        notes=reasons(
            len(inputs.labels),
            rows.at_zero,
            frequencies,
            options.read.clip,
            n_independent=_n_independent(inputs, clusters),
            soft=inputs.target is not None,
        ),
    )


def _n_independent(inputs: Inputs, clusters: IntArray | None) -> int:
    """Rows that count, or their groups."""
    if clusters is None:
        return inputs.n
    return len(np.unique(inputs.counted(clusters)))


def terms_of_each_row(
    measured: Measured,
    recalibrated: FloatArray | None,
    entropy: VoteEntropy | None,
    lowered: BoolArray | None,
) -> RowTerms:
    """The terms of the rows that count.

    ``recalibrated`` are their costs after the map, and ``lowered`` says where that
    lowers their confidence; None where there is none. ``entropy`` takes the place of
    the entropy of the targets as they are.
    """
    inputs, columns = measured.inputs, measured.columns
    frequencies = frequency_costs(inputs, measured.frequencies.shares)
    if entropy is None:
        entropy = VoteEntropy(inputs.counted(columns["entropy"]))
    return RowTerms(
        cross_entropy=inputs.counted(columns["cross_entropy"]),
        recalibrated=np.full(inputs.n, np.nan)
        if recalibrated is None
        else recalibrated,
        frequencies=inputs.counted(frequencies),
        entropy=entropy.values,
        predictive_entropy=inputs.counted(columns["predictive_entropy"]),
        weights=np.ones(inputs.n)
        if inputs.weights is None
        else inputs.counted(inputs.weights),
        clusters=None
        if measured.clusters is None
        else inputs.counted(measured.clusters),
        slopes=entropy.slopes,
        concentration=entropy.concentration,
        lowered=lowered,
    )


def result_of(
    measured: Measured,
    rows: RowTerms,
    maps: Maps,
    *,
    correction: Correction | None,
    after: After | None = None,
    n_unseen: int,
    again: Callable[..., Any],
) -> Decomposition:
    """The result of rows and of what corrects the mean of their recalibrated costs."""
    inputs, options, folds = measured.inputs, measured.options, measured.folds
    if options.vote_correction is not None:
        note_undefined_entropy(measured.notes, rows.entropy, options.vote_correction)
    note_concentrated(measured.notes, rows)
    note_zeros(
        measured.notes,
        rows,
        inputs,
        at_zero=measured.at_zero,
        clip=options.read.clip,
        base=options.read.base,
    )
    data = Data(
        inputs=inputs,
        rows=rows,
        clusters=measured.clusters,
        recalibration=options.recalibration,
        vote_correction=options.vote_correction,
        after=after,
        correction=correction,
        again=again,
        folds=folds,
    )
    weights = rows.weights
    if folds is not None:
        weights = folds.weights_of_origins(inputs, weights)
    values = terms_of_rows(data, measured.frequencies)
    for name in PARTS:  # of which one alone may be infinite
        is_infinite = measured.notes.get(name, "").startswith("infinite")
        if is_infinite and math.isfinite(values[name]):
            del measured.notes[name]
    of_unseen = variances_of_unseen(
        inputs, after, measured.frequencies, rows, options.read.clip
    )
    fitted: Mapping[str, Recalibrate] = {}
    if after is not None:
        fitted = maps_of(after.selection)
    return assemble(
        values,
        errors_of_rows(rows, values, measured.frequencies, correction, of_unseen),
        measured.notes,
        maps,
        Evidence(
            labels=inputs.labels,
            clip=options.read.clip,
            base=options.read.base,
            maps=fitted,
            data=data,
        ),
        n=inputs.n,
        n_effective=effective_number(weights),
        n_groups=rows.n_clusters,
        n_folds=None if folds is None else len(np.unique(folds.codes)),
        n_unseen=n_unseen,
        at_zero=measured.at_zero,
        vote_correction=options.vote_correction,
    )
