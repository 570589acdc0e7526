"""The map that an earlier pass fitted, and what rows cost under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from .._decomposition.frequencies import Frequencies, frequency_costs
from .._inputs.inputs import Inputs
from .._kernels.table import FloatArray
from .._pickling import pickled
from .._recalibration.cross_validation import costs
from .._recalibration.fitted_map import Recalibrate
from .._recalibration.sample import from_inputs
from .._recalibration.softmax import SoftmaxMap, losses_and_gradient
from .sample import RowsKept

if TYPE_CHECKING:
    from .._evaluation.evaluation import Evaluation


@pickled
class Under(NamedTuple):
    """The map of an earlier pass, and the cost of predicting class frequencies.

    ``of_class`` holds that of each known class and, by their names, of the unseen ones
    in ``of_unseen``; ``of_knowing`` is what telling known from unseen costs a row of a
    known class. ``improve`` says that the map was fitted to a part of the rows and has
    parameters that the slopes of the cost of all rows can mend.
    """

    name: str
    recalibrate: Recalibrate
    of_class: FloatArray
    of_unseen: dict[Any, float]
    of_knowing: float
    improve: bool

    def measure(self, inputs: Inputs, clip: float) -> Measured:
        """Costs of the frequencies, and after the map, of rows that all count."""
        shares = np.exp(-np.append(self.of_class, self._unseen(inputs)))
        frequencies = frequency_costs(inputs, shares)
        known = inputs.known_rows()
        sample = from_inputs(inputs, known, clip=clip)
        gradient = None
        if self.improve and isinstance(self.recalibrate, SoftmaxMap):
            weights: FloatArray = np.ones(inputs.proba.n_rows)
            if inputs.weights is not None:
                weights = inputs.weights
            losses, gradient = losses_and_gradient(
                self.recalibrate.family,
                sample,
                weights if known is None else weights[known],
                self.recalibrate.parameters,
            )
        else:
            losses = costs(self.recalibrate, sample)
        after = frequencies.copy()
        after[slice(None) if known is None else known] = losses + self.of_knowing
        return Measured(frequencies, after, gradient)

    def _unseen(self, inputs: Inputs) -> list[float]:
        return [self.of_unseen[label] for label in inputs.unseen]


class Measured(NamedTuple):
    """What each row costs, in nats, and the slopes of the sum after the map."""

    frequencies: FloatArray
    after: FloatArray
    gradient: FloatArray | None


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
    evidence = getattr(decomposition, "_evidence", None)
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
