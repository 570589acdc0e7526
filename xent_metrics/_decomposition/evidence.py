"""The data behind a decomposition: its inputs, its rows and the maps tried on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from .._inputs.inputs import Inputs
from .._kernels.table import IntArray
from .._pickling import pickled
from .._recalibration.fitted_map import FittedMap, Recalibrate
from .._recalibration.recalibrator import Recalibrator
from .._recalibration.select import Selection
from .folds import Folds, refuse_folds
from .recalibration import After, Correction, Recalibration
from .reference_map import ReferenceMap, fit_reference
from .row_terms import RowTerms
from .vote_entropy import VoteCorrection


@dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """What a decomposition was computed from; ``clusters`` numbers all rows.

    ``correction`` is None where no map was fitted, ``after`` also where each fold of
    a cross-validation has a map of its own. ``again`` decomposes other inputs with the
    same options; what it returns begins with the result.
    """

    inputs: Inputs
    rows: RowTerms
    clusters: IntArray | None
    recalibration: Recalibration
    vote_correction: VoteCorrection
    after: After | None
    correction: Correction | None
    again: Callable[..., Any]
    folds: Folds | None = None


@pickled
@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """The fitted maps by name, which last, and the data, which is not pickled.

    ``passed`` is what a pass over parts of the data leaves to the next one,
    ``reference`` what a result that was read back says of other rows. ``scanned`` is
    the state that a first pass has left, and ``later`` fits what it says of others.
    """

    labels: tuple[Any, ...]
    clip: float
    base: float | None
    maps: Mapping[str, Recalibrate] = field(default_factory=dict)
    data: Data | None = None
    passed: Any = None
    reference: ReferenceMap | None = None
    scanned: Any = None
    later: Callable[[], ReferenceMap] | None = None

    def __getstate__(self) -> dict[str, Any]:
        state = {**vars(self), "data": None, "scanned": None, "later": None}
        fitted = state.pop("reference_map", self.reference)
        return {**state, "reference": fitted}

    @cached_property
    def reference_map(self) -> ReferenceMap | None:
        """What the rows say of others: fitted when it is first asked for.

        It is the most flexible map, whichever the terms are of. None where no one map
        is defined for all rows, and where the rows are gone without it.
        """
        data = self.data
        if data is None and self.later is not None:
            return self.later()
        if data is None or data.after is None:
            return self.reference
        costs = data.rows.cross_entropy
        return fit_reference(data.inputs, data.clusters, costs, self.clip)

    @property
    def requested(self) -> Recalibration | None:
        """The recalibration that was asked for; None without the data."""
        return None if self.data is None else self.data.recalibration

    def need(self, method: str) -> Data:
        """The data; one sentence where the result came out of a pickle."""
        if self.data is None:
            msg = (
                f"{method} needs the data: this result has none, as it was scanned or "
                "read back; call decompose on the data."
            )
            raise ValueError(msg)
        return self.data


class _Result(Protocol):
    @property
    def _evidence(self) -> Evidence: ...


def evidence_of(result: _Result) -> Evidence:
    """What a result was computed from: for this package, not for its users."""
    return result._evidence  # noqa: SLF001 - see above


def fitted_recalibrator(
    evidence: Evidence, name: str, *, n_folds: int | None
) -> Recalibrator:
    """The fitted map of this name, where one map is that of all rows."""
    refuse_folds(n_folds, "recalibrator")
    maps = evidence.maps
    if not maps:
        evidence.need("recalibrator")
    if name not in maps:
        found = ", ".join(map(repr, maps)) or "none"
        msg = (
            f"name must be a map that was fitted: found {name!r}, fitted are "
            f"{found}; decompose with recalibration={name!r}."
        )
        raise ValueError(msg)
    return Recalibrator(
        name=name,
        labels=evidence.labels,
        recalibrate=maps[name],
        clip=evidence.clip,
    )


def maps_of(selection: Selection) -> dict[str, Recalibrate]:
    """The fitted maps by name; the chosen one is that of all rows."""
    fitted: tuple[FittedMap, ...] = (*selection.trials, selection.chosen)
    return {one.name: one.recalibrate for one in fitted}
