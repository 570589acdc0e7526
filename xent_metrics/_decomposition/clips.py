"""The terms of a decomposition under other clips, under the map that was chosen."""

from __future__ import annotations

from typing import Any

from .._inputs.read_options import ReadOptions
from .decompose import decompose_inputs
from .decompose_folds import decompose_folds
from .evidence import evidence_of
from .result import Decomposition

CLIPS = (2.0**-52, 1e-9, 1e-6, 1e-3)
TERMS_OF_CLIP = ("cross_entropy", "resolution", "miscalibration", "refinement")
_MOST = 5_000_000  # probabilities: beyond, maps take too long to be fitted again


def terms_by_clip(result: Decomposition) -> dict[float, dict[str, float]]:
    """The terms by clip, from the smallest; empty where no row's cost met it.

    Empty too where the data is gone, or is much.
    """
    evidence = evidence_of(result)
    data = evidence.data
    met = result.n_clipped or result.n_infinite
    if not met or data is None or result.n * result.n_classes > _MOST:
        return {}
    asked = data.recalibration
    recalibration: Any = result.recalibration if asked == "auto" else asked
    rows: dict[float, dict[str, float]] = {}
    for clip in sorted({result.clip, *CLIPS}):
        if clip == result.clip:
            rows[clip] = {name: getattr(result, name) for name in TERMS_OF_CLIP}
            continue
        options = ReadOptions(groups=data.clusters, base=evidence.base, clip=clip)
        if data.folds is None:
            found, _ = decompose_inputs(
                data.inputs, options, recalibration=recalibration
            )
        else:
            found = decompose_folds(
                data.inputs, data.folds, options, recalibration=recalibration
            ).decomposition
        rows[clip] = {name: getattr(found, name) for name in TERMS_OF_CLIP}
    return rows
