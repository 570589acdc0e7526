"""What states must have in common to merge, and what they count."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._inputs.labels import show
from .._pickling import pickled

HARD = ("cross_entropy", "predictive_entropy", "calibration_gap")
SOFT = (*HARD, "entropy", "kl_divergence")
UNDER = ("uncertainty", "resolution", "miscalibration", "refinement")


@pickled
class Contract(NamedTuple):
    """What states that merge have in common.

    ``labels`` are the classes in column order; ``soft`` says that targets are
    distributions or votes, ``under`` the map that a second pass is made with.
    """

    labels: tuple[Any, ...]
    soft: bool
    clip: float
    by: tuple[str, ...] = ()
    under: str = ""

    @property
    def measures(self) -> tuple[str, ...]:
        """What moments are kept of."""
        own = SOFT if self.soft else HARD
        if not self.under:
            return own
        return (*own, *UNDER, *(("grouping_loss",) if self.soft else ()))


@pickled
class Counts(NamedTuple):
    """Rows that met the clip or have an unseen label, and what was left out."""

    at_zero: int = 0
    n_unseen: int = 0
    n_dropped: int = 0
    n_skipped: int = 0


def check_contracts(first: Contract, second: Contract) -> None:
    """Refuse to merge what was not measured alike."""
    for name, ours, theirs in zip(Contract._fields, first, second, strict=True):
        if ours == theirs:
            continue
        found = f"{ours} and {theirs}"
        if name == "labels":
            found = f"{show(first.labels)} and {show(second.labels)}"
        what = {"soft": "kind of targets", "under": "map"}.get(name, name)
        msg = (
            f"states that are merged must have the same {what}: found {found}; pass "
            "the same options, and labels=, to each accumulate."
        )
        raise ValueError(msg)
