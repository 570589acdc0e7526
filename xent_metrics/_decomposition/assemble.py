"""A decomposition put together from its terms, counts and maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from .._inputs.read_options import nats_per_unit, unit_name
from .evidence import Evidence
from .result import Decomposition
from .vote_entropy import VoteCorrection


@dataclass(frozen=True, kw_only=True, eq=False)
class Maps:
    """What a result says of its recalibration map, or of those of its folds."""

    name: str
    degrees_of_freedom: int = 0
    converged: bool = True
    parameters: Mapping[str, float] = field(default_factory=dict)
    ladder: pd.DataFrame


def assemble(
    values: Mapping[str, float],
    errors: Mapping[str, float],
    notes: Mapping[str, str],
    maps: Maps,
    evidence: Evidence,
    *,
    n: int,
    n_effective: float,
    n_unseen: int,
    at_zero: int,
    n_groups: int | None = None,
    n_folds: int | None = None,
    n_dropped: int = 0,
    n_skipped: int = 0,
    vote_correction: VoteCorrection = None,
) -> Decomposition:
    """The result of terms and their standard errors, both in nats.

    ``at_zero`` counts the rows whose cost met the clip, or is infinite without one.
    """
    base, clip = evidence.base, evidence.clip
    return Decomposition(
        **_in_unit(values, base),
        standard_errors=_in_unit(errors, base),
        n=n,
        n_effective=n_effective,
        n_groups=n_groups,
        n_folds=n_folds,
        n_classes=len(evidence.labels),
        n_clipped=at_zero if clip else 0,
        n_infinite=0 if clip else at_zero,
        n_unseen=n_unseen,
        n_dropped=n_dropped,
        n_skipped=n_skipped,
        unit=unit_name(base),
        clip=clip,
        recalibration=maps.name,
        degrees_of_freedom=maps.degrees_of_freedom,
        converged=maps.converged,
        vote_correction=vote_correction,
        parameters=dict(maps.parameters),
        notes=notes,
        ladder=maps.ladder,
        _evidence=evidence,
    )


def _in_unit(values: Mapping[str, float], base: float | None) -> dict[str, Any]:
    """Terms in the unit that was asked for; the skill has none."""
    per_unit = nats_per_unit(base)
    return {
        name: value / (1.0 if name == "skill" else per_unit)
        for name, value in values.items()
    }
