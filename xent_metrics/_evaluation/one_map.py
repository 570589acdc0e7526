"""Models decomposed under one recalibration map, so that their terms compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .._decomposition.decompose import decompose_inputs
from .._decomposition.decompose_folds import decompose_folds
from .._decomposition.evidence import evidence_of
from .._decomposition.folds import Folds
from .._decomposition.recalibration import Recalibration
from .._decomposition.result import Decomposition
from .._inputs.inputs import Inputs
from .._inputs.read_options import ReadOptions


class Side(NamedTuple):
    """What a model predicted; ``known`` is its own decomposition, if it has one."""

    inputs: Inputs
    folds: Folds | None
    known: Decomposition | None


class Alike(NamedTuple):
    """Decompositions under one map, and the map of each model that has its own."""

    decompositions: dict[str, Decomposition]
    own: dict[str, str]


class _Found(NamedTuple):
    """A decomposition, and the parts of it that have a map each."""

    result: Decomposition
    parts: Iterable[Decomposition]


def decompose_alike(
    sides: Mapping[str, Side], options: ReadOptions, recalibration: Recalibration
) -> Alike:
    """Decompose with the given map, or with the richest that any of them chooses."""
    found = {
        name: _decomposed(side, options, recalibration) for name, side in sides.items()
    }
    own = {
        name: side.known.recalibration
        for name, side in sides.items()
        if side.known is not None
    }
    if isinstance(recalibration, str) and recalibration == "auto":
        own = {name: one.result.recalibration for name, one in found.items()} | own
        shared = _richest(part for one in found.values() for part in one.parts)
        found = {
            name: one
            if one.result.recalibration == shared
            else _decomposed(sides[name], options, shared)
            for name, one in found.items()
        }
    return Alike({name: one.result for name, one in found.items()}, own)


def _richest(parts: Iterable[Decomposition]) -> Any:
    """The map with most degrees of freedom, of the parts that know most classes.

    What is fitted to several classes can be fitted to two, but not the reverse.
    """
    fitted = [part for part in parts if part.recalibration != "auto"]
    if not fitted:
        return "auto"
    return max(
        (part.n_classes, part.degrees_of_freedom, part.recalibration) for part in fitted
    )[-1]


def _decomposed(
    side: Side, options: ReadOptions, recalibration: Recalibration
) -> _Found:
    """Decompose with one map, or with one for each fold."""
    known = side.known
    if known is not None and _is_of(known, options, recalibration):
        return _Found(known, [known])
    if side.folds is None:
        result = decompose_inputs(side.inputs, options, recalibration=recalibration)[0]
        return _Found(result, [result])
    found = decompose_folds(
        side.inputs, side.folds, options, recalibration=recalibration
    )
    return _Found(found.decomposition, found.parts.values())


def _is_of(
    known: Decomposition, options: ReadOptions, recalibration: Recalibration
) -> bool:
    """Whether a decomposition is what these options give."""
    evidence = evidence_of(known)
    data = evidence.need("compare")
    asked = evidence.requested
    if not (isinstance(asked, str) and asked == recalibration):
        return False
    if recalibration == "auto" and data.folds is not None:
        return False  # it does not say what each fold chose
    return (
        data.vote_correction is None
        and (evidence.clip, evidence.base) == (options.clip, options.base)
        and _are_same(data.clusters, options.groups)
    )


def _are_same(first: Any, second: Any) -> bool:
    """Whether both are None, or equal numbers of groups."""
    if first is None or second is None:
        return first is second
    numbers = all(
        isinstance(one, np.ndarray) and one.dtype.kind in "iu"
        for one in (first, second)
    )
    return numbers and np.array_equal(first, second)
