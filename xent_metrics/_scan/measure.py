"""The rows of a part of the data, measured: a state, and the rows that it may keep."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .._decomposition.reference_map import ReferenceMap
from .._inputs.inputs import Inputs
from .._kernels.table import FloatArray, IntArray
from .._recalibration.sample import from_inputs
from .._terms import TERMS
from .against import measured_against
from .earlier_pass import Under
from .logit_cells import sums_of_labels
from .moments import Covariance, Moments
from .reading import Part
from .sample import RowsKept, bound, drawn
from .state import Contract, Counts, Groups, ScanState, no_rows

_AT_ONCE = 1 << 18  # rows, whose sums are then short enough to lose no digits
_MOST_VALUES = 1 << 22  # of a table of distributions that is held at once
_SEEDING = 256  # rows that tell one part from another


def measured(
    part: Part,
    contract: Contract,
    under: Under | None,
    reference: ReferenceMap | None,
    before: Groups | None = None,
) -> tuple[ScanState, Inputs]:
    """The state of a part without any of its rows, and its rows that count.

    ``before`` are groups of rows before, whose table of keys is taken where it is that
    of these.
    """
    inputs = part.inputs
    _check_weights(inputs.weights)
    names = [
        name
        for name in ("cross_entropy", "predictive_entropy", "entropy", "kl_divergence")
        if name in contract.measures
    ]
    found = inputs.measure(names, clip=contract.clip)
    columns = found.columns
    codes = None if part.keys is None else part.keys.codes
    n_unseen = inputs.n_unseen
    if inputs.active is not None:
        rows = np.flatnonzero(inputs.active)
        inputs = inputs.rows(rows)
        columns = {name: values[rows] for name, values in columns.items()}
        codes = None if codes is None else codes[rows]
    n_groups = 1 if part.keys is None else len(part.keys.groups)
    gradient = by_group = None
    with np.errstate(invalid="ignore"):
        if under is not None:
            of_frequencies, after, gradient = under.measure(inputs, contract.clip)
            columns |= {"uncertainty": of_frequencies, "refinement": after}
        if reference is not None:
            against, by_group = measured_against(reference, inputs, codes, n_groups)
            excess = columns["cross_entropy"] - against["expected_loss"]
            columns |= {**against, "excess": excess}
        values = [
            columns[name] if name in columns else TERMS[name].of(columns)
            for name in contract.measures
        ]
    counts = Counts(found.at_zero, n_unseen, part.n_dropped)
    state = dataclasses.replace(
        no_rows(contract, counts, inputs.unseen, part.keys, before),
        gradient=gradient,
        slopes=None if by_group is None else by_group.sum(axis=0),
    )
    if state.groups is not None:
        state = dataclasses.replace(
            state, groups=state.groups._replace(slopes=by_group)
        )
    rows_counted = _Rows(inputs, values, codes, n_groups)
    add = _with_soft_labels if contract.soft else _with_labels
    at_once = _AT_ONCE
    if contract.soft:
        at_once = max(_MOST_VALUES // len(contract.labels), 1024)
    for some in rows_counted.parts(at_once):
        state = add(state, some)
    return state, inputs


def with_rows(
    kept: RowsKept, inputs: Inputs, clip: float, *, share: float, part: int
) -> RowsKept:
    """A sample of the rows before and of those of the inputs, of which a share may."""
    known = inputs.known_rows()
    n = inputs.proba.n_rows if known is None else int(np.count_nonzero(known))
    most = min(share, float(kept.below[0]))
    rows, keys = drawn(float(kept.n_seen[0]), n, (_seed_of(inputs), part), most)
    below = bound(kept, keys, most)
    rows, keys = rows[keys < below], keys[keys < below]
    few = inputs.rows(rows if known is None else np.flatnonzero(known)[rows])
    seen = np.array([float(n)])
    if not len(rows):
        return kept.under(below)._replace(n_seen=kept.n_seen + seen)
    log_q, target = from_inputs(few, None, clip=clip).tables()
    if few.codes is not None:
        target = few.codes[np.newaxis].astype(np.float64)
    entropy: FloatArray = np.zeros(len(rows))
    if few.target is not None:
        entropy = few.measure(["entropy"], clip=clip).columns["entropy"]
    weights = np.ones(len(rows)) if few.weights is None else few.weights
    own = RowsKept(seen, np.array([below]), keys, log_q, target, weights, entropy)
    return kept.plus(own)


class _Rows(NamedTuple):
    """Rows that count: their measures, and the number of the group of each."""

    inputs: Inputs
    values: list[FloatArray]
    codes: IntArray | None
    n_groups: int

    def parts(self, at_once: int) -> Iterator[_Rows]:
        """So many rows at a time."""
        n = self.inputs.proba.n_rows
        if n <= at_once:
            yield self
            return
        for start in range(0, n, at_once):
            part = slice(start, min(start + at_once, n))
            yield _Rows(
                self.inputs.rows(part),
                [values[part] for values in self.values],
                None if self.codes is None else self.codes[part],
                self.n_groups,
            )


def _check_weights(weights: FloatArray | None) -> None:
    """Weights are not scaled, as all parts must have one scale."""
    if weights is None:
        return
    with np.errstate(over="ignore", under="ignore"):
        squares = float(weights @ weights)
    if not 0.0 < squares < np.inf:
        msg = (
            "sample_weight must have squares whose sum is finite and above 0: it is "
            f"{squares:g} in this part; multiply all weights by a constant, as their "
            "scale is free."
        )
        raise ValueError(msg)


def _with_labels(state: ScanState, rows: _Rows) -> ScanState:
    """With rows of hard labels: a class is a cell, and so is a group."""
    inputs, values, codes, n_groups = rows
    assert inputs.codes is not None
    w, n_classes = inputs.weights, len(inputs.labels) + len(inputs.unseen)
    classes = Moments.of_rows(inputs.codes, n_classes, w, values)
    groups = None
    if codes is not None:
        groups = Moments.of_rows(codes, n_groups, w, values)
    cells = state.cells
    if cells is not None:
        known = inputs.known_rows()
        some = inputs if known is None else inputs.rows(np.flatnonzero(known))
        cells = cells + sums_of_labels(some, state.contract.clip)
    return dataclasses.replace(
        state,
        whole=state.whole.plus(classes.together(np.zeros(n_classes, np.int64), 1)),
        classes=state.classes.plus(classes),
        groups=_grown(state.groups, groups),
        cells=cells,
    )


def _with_soft_labels(state: ScanState, rows: _Rows) -> ScanState:
    """With rows of distributions, each of which is a part of every class."""
    inputs, values, codes, n_groups = rows
    w = inputs.weights
    p = inputs.target_table()
    share = state.shares + p.sum(axis=1)
    of_class = []
    for own in p:
        inside = np.flatnonzero(own)
        weights = own[inside] if w is None else own[inside] * w[inside]
        of_class.append(
            Moments.of_rows(None, 1, weights, [value[inside] for value in values])
        )
    classes = Moments(
        *(np.concatenate(one, axis=-1) for one in zip(*of_class, strict=True))
    )
    groups = None
    if codes is not None:
        groups = Moments.of_rows(codes, n_groups, w, values)
    assert state.covariance is not None
    return dataclasses.replace(
        state,
        whole=state.whole.plus(Moments.of_rows(None, 1, w, values)),
        classes=state.classes.plus(classes),
        groups=_grown(state.groups, groups),
        covariance=state.covariance.plus(
            Covariance.of_rows(np.vstack([p, values[0]]), w)
        ),
        shares=share,
    )


def _grown(groups: Groups | None, moments: Moments | None) -> Groups | None:
    """The same groups with more rows."""
    if groups is None or moments is None:
        return groups
    return groups._replace(moments=groups.moments.plus(moments))


def _seed_of(inputs: Inputs) -> int:
    """A number that differs from part to part, as keys must."""
    source = inputs.proba.source
    first = source[0] if isinstance(source, tuple) else source
    return zlib.crc32(first[:_SEEDING].tobytes())
