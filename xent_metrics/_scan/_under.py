"""What each row costs after a map that an earlier pass has found."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._decomposition.frequencies import frequency_costs
from .._inputs.inputs import Inputs
from .._kernels.table import FloatArray
from .._pickling import pickled
from .._recalibration.cross_validation import costs
from .._recalibration.fitted_map import Recalibrate
from .._recalibration.sample import from_inputs
from .._recalibration.softmax import SoftmaxMap, losses_and_gradient


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
        known = known_rows(inputs)
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


def known_rows(inputs: Inputs) -> Any:
    """Which rows count and have a known label; None where all do."""
    known = inputs.active
    if inputs.unseen and inputs.codes is not None:
        of_known = inputs.codes < len(inputs.labels)
        known = of_known if known is None else known & of_known
    return known
