"""What every scorer can be told, checked once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypedDict, get_args

from .._decomposition.recalibration import Recalibration, check_recalibration
from .._inputs.read_options import (
    EPS,
    ReadOptions,
    TargetType,
    check_clip,
    nats_per_unit,
)
from .._pickling import pickled

Multioutput = Literal["raw_values", "uniform_average"] | None


class ScorerOptions(TypedDict, total=False):
    """The same as keywords."""

    clip: float
    base: float | None
    recalibration: Recalibration
    target_type: TargetType
    rescale: bool
    multioutput: Multioutput


@pickled
@dataclass(frozen=True, kw_only=True)
class Options:
    """How predictions are read and scored."""

    names_before: ClassVar[Mapping[str, str]] = {"targets": "target_type"}

    clip: float = EPS
    base: float | None = None
    recalibration: Recalibration = "slope-bias"
    target_type: TargetType = "auto"
    rescale: bool = False
    multioutput: Multioutput = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "clip", check_clip(self.clip))
        nats_per_unit(self.base)
        check_recalibration(self.recalibration)
        check_one_of("target_type", self.target_type, get_args(TargetType))
        known = (None, "raw_values", "uniform_average")
        check_one_of("multioutput", self.multioutput, known)

    def reading(self, **given: Any) -> ReadOptions:
        """How an output is read, with its labels and weights."""
        return ReadOptions(
            base=self.base,
            clip=self.clip,
            rescale=self.rescale,
            target_type=self.target_type,
            **given,
        )

    def shown(self, *, with_map: bool) -> str:
        """What differs from the defaults, as keywords, and the map if it matters."""
        return ", ".join(
            f"{each.name}={getattr(self, each.name)!r}"
            for each in dataclasses.fields(self)
            if getattr(self, each.name) != each.default
            or (with_map and each.name == "recalibration")
        )


def check_one_of(name: str, value: Any, known: tuple[Any, ...]) -> None:
    """Refuse a value that is not among the known ones."""
    if value not in known:
        *most, last = map(repr, known)
        msg = (
            f"{name} must be {', '.join(most)} or {last}: found {value!r}; "
            "pass one of these."
        )
        raise ValueError(msg)
