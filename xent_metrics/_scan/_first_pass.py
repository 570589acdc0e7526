"""What a pass over all parts leaves to the next one, and where that finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._decomposition.frequencies import Frequencies
from .._pickling import pickled
from .._recalibration.fitted_map import Recalibrate
from ._rows_kept import RowsKept
from ._under import Under

if TYPE_CHECKING:
    from .._evaluation.evaluation import Evaluation


@pickled
@dataclass(frozen=True, kw_only=True, eq=False)
class FirstPass:
    """The map that was fitted, and how much its costs flatter it.

    ``n_fitted`` of ``n_known`` rows with a known label were fitted to. ``ladder`` is
    in nats; ``kept`` are the rows that a better map is found with.
    """

    name: str
    under: Under
    n_fitted: int
    n_known: int
    optimism: float
    variance: float
    debiased: bool
    degrees_of_freedom: int
    converged: bool
    parameters: Mapping[str, float]
    ladder: pd.DataFrame
    maps: Mapping[str, Recalibrate]
    beside: Frequencies
    kept: RowsKept
    n_passes: int = 1

    def with_ladder(self, tried: pd.DataFrame) -> FirstPass:
        """The same with the maps that were tried."""
        return replace(self, ladder=tried)

    @property
    def complete(self) -> bool:
        """Whether the map was fitted to all rows."""
        return self.n_fitted >= self.n_known

    @property
    def share_known(self) -> float:
        """Share of the weight of rows with a known label."""
        return float(self.beside.shares[0])

    @property
    def beside_optimism(self) -> float:
        """What telling known from unseen labels flatters the refinement by."""
        return self.beside.correction() if self.debiased else 0.0

    @property
    def shift(self) -> float:
        """What unseen labels add to the refinement."""
        return self.beside.entropy(debiased=self.debiased)


def first_pass(evaluation: Evaluation | Any) -> FirstPass:
    """What the evaluation of a first pass leaves to a second one."""
    decomposition = getattr(evaluation, "decomposition", None)
    evidence = getattr(decomposition, "evidence", None)
    found = getattr(evidence, "passed", None)
    if not isinstance(found, FirstPass):
        msg = (
            "under must be an evaluation that finish returned, with a recalibration "
            f"map: found {_what(evaluation)}; pass that of a first pass, pickled if "
            "it has to travel."
        )
        raise ValueError(msg)  # noqa: TRY004 - most often an evaluation, but no such one
    return found


def _what(given: Any) -> str:
    return "one without" if hasattr(given, "decomposition") else type(given).__name__
