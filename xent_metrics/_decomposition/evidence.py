"""The data behind a decomposition: its inputs, its rows and the maps tried on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._inputs.inputs import Inputs
from .._kernels.table import FloatArray, IntArray
from .._pickling import pickled
from .._recalibration.fitted_map import FittedMap, Recalibrate
from .._recalibration.sample import Sample
from .._recalibration.select import Selection
from .folds import Folds
from .row_terms import RowTerms
from .vote_entropy import VoteCorrection


class Correction(NamedTuple):
    """How much costs after recalibration flatter it, and what comes of that.

    ``variance`` is that of the corrected optimum where there is nothing to win back;
    ``debiased`` says whether terms are freed of bias: not so for CORP's plug-in.
    """

    optimism: float
    variance: float
    debiased: bool


class After(NamedTuple):
    """What recalibration leaves: costs of the rows that count, and their optimism.

    ``sample`` are the rows with a known label: ``share_known`` is their weight, and
    ``shift`` is what the others, and telling them apart, add to the refinement.
    """

    sample: Sample
    selection: Selection
    costs: FloatArray
    optimism: float
    share_known: float
    shift: float

    @property
    def variance(self) -> float:
        """Variance of the refinement where the map has nothing to win."""
        return self.share_known**2 * self.selection.chosen.variance

    @property
    def correction(self) -> Correction:
        """What corrects the mean of the costs."""
        return Correction(self.optimism, self.variance, self.selection.debiased)


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """What a decomposition was computed from; ``clusters`` numbers all rows.

    ``correction`` is None where no map was fitted, ``after`` also where each fold of
    a cross-validation has a map of its own. ``again`` decomposes other inputs with the
    same options.
    """

    inputs: Inputs
    rows: RowTerms
    clusters: IntArray | None
    recalibration: Any
    vote_correction: VoteCorrection
    after: After | None
    correction: Correction | None
    again: Callable[..., Any]
    folds: Folds | None = None


@pickled
@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """The fitted maps by name, which last, and the data, which is not pickled.

    ``passed`` is what a pass over parts of the data leaves to the next one.
    """

    labels: tuple[Any, ...]
    clip: float
    base: float | None
    maps: Mapping[str, Recalibrate]
    data: Data | None
    passed: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "data": None}

    def need(self, method: str) -> Data:
        """The data; one sentence where the result came out of a pickle."""
        if self.data is None:
            msg = (
                f"{method} needs the data: this result has none, as it was scanned or "
                "read back; call decompose on the data."
            )
            raise ValueError(msg)
        return self.data


def maps_of(selection: Selection) -> dict[str, Recalibrate]:
    """The fitted maps by name; the chosen one is that of all rows."""
    fitted: tuple[FittedMap, ...] = (*selection.trials, selection.chosen)
    return {one.name: one.recalibrate for one in fitted}
