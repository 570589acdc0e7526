"""Rows that gave their label a probability of 0: what they cost under the clip."""

from __future__ import annotations

import math

import numpy as np

from .._display.result import counted
from .._inputs.inputs import Inputs
from .._inputs.read_options import nats_per_unit, unit_name
from .._kernels.table import FloatArray
from .row_terms import RowTerms

KEY = "n_clipped"  # of the note
OF_ZERO = "a probability of 0"  # what it says, where none of them is above 0


def note_zeros(
    notes: dict[str, str],
    rows: RowTerms,
    inputs: Inputs,
    *,
    at_zero: int,
    clip: float,
    base: float | None,
) -> None:
    """Say what rows whose cost met the clip add to the loss."""
    total = float(rows.weights @ rows.cross_entropy)
    if not (at_zero and clip and 0 < total < math.inf):
        return
    mass, zero = _clipped(rows, inputs, clip)
    weight = float(rows.weights @ mass)
    notes[KEY] = zeros_note(
        at_zero,
        soft=inputs.target is not None,
        zero=zero,
        share=weight * -math.log(clip) / total,
        slope=weight / float(rows.weights.sum()) * math.log(10.0),
        clip=clip,
        base=base,
    )


def zeros_note(
    n: int,
    *,
    soft: bool,
    zero: bool,
    share: float,
    slope: float,
    clip: float,
    base: float | None,
) -> str:
    """What so many rows cost, and what ten times less of a clip would add, in nats."""
    what = OF_ZERO if zero else f"a probability below {clip:.2g}"
    its, verb = ("its", "costs") if n == 1 else ("their", "cost")
    whose = f"a class of {its} target" if soft else f"{its} label"
    part = "less than 1%" if share < 0.01 else f"{share:.0%}"  # noqa: PLR2004
    more = f"{slope / nats_per_unit(base):.2g} {unit_name(base)}"
    return (
        f"{counted(n, 'row')} with {what} for {whose} {verb} {part} of the loss "
        f"at clip={clip:.2g}; each clip ten times smaller adds {more}"
    )


def _clipped(rows: RowTerms, inputs: Inputs, clip: float) -> tuple[FloatArray, bool]:
    """How much of each row's target met the clip, and whether all of it met a 0."""
    mass = np.zeros(len(rows.cross_entropy))
    kept = inputs.active
    if inputs.target is None:  # few rows can have met it: their cost says which
        least = -math.log(clip) * (1.0 - 1e-9)
        places = np.flatnonzero(rows.cross_entropy >= least)
        of_all = places if kept is None else np.flatnonzero(kept)[places]
        inputs, kept = inputs.rows(of_all), None
    else:
        places = np.arange(len(mass))
    greatest = 0.0
    # Of logits only labels without a column meet the clip.
    floor = -math.inf if inputs.proba.kind == "logits" else clip
    for part, q, p in inputs.blocks(kept):
        inside = (q < floor) & (p > 0)
        found = np.where(inside, p, 0.0).sum(axis=0)
        unseen = p.sum(axis=0) == 0  # a label without a column
        mass[places[part]] = np.where(unseen, 1.0, found)
        greatest = max(greatest, float(q[inside].max(initial=0.0)))
    return mass, greatest == 0.0
