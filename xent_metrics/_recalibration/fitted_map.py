"""What the fit of a recalibration map leaves behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .._kernels.table import FloatArray

# Log q of shape (classes, rows) to class probabilities of the same shape.
Recalibrate = Callable[[FloatArray], FloatArray]
LEARNED = "learned"  # the map whose room is loaded when it is asked for


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedMap:
    """A recalibration map fitted on the evaluated rows.

    ``losses`` are the cross-entropies of the rows after the map, ``optimism`` is how
    much their mean flatters it, and ``variance`` is that of the estimated optimum
    where the map has nothing to win: the variance of the weighted chi-square.
    ``slack`` is how much more than by its optimism a fit with a ridge flatters itself
    there.
    ``by_folds`` tells the optimism where parameters are many; None where it is known.
    """

    name: str
    losses: FloatArray
    recalibrate: Recalibrate
    optimism: float = 0.0
    variance: float = 0.0
    slack: float = 0.0
    degrees_of_freedom: int = 0
    parameters: Mapping[str, float] = field(default_factory=dict)
    converged: bool = True
    by_folds: Callable[[], float] | None = field(default=None, repr=False)

    @property
    def settled(self) -> FittedMap:
        """The same with the optimism that folds tell, if they are to."""
        if self.by_folds is None:
            return self
        return dataclasses.replace(self, optimism=self.by_folds(), by_folds=None)
