"""How targets and predictions are read: options, units, and the rule for zeros."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .._kernels.softmax import logarithms
from .._kernels.table import FloatArray

EPS = float(np.finfo(np.float64).eps)
LEAST_NORMAL = float(np.finfo(np.float64).tiny)

TargetType = Literal["auto", "labels", "distribution", "votes"]
FrameTargetType = Literal["auto", "labels", "distribution", "votes", "annotators"]
OnMissing = Literal["raise", "drop"]
FromLogits = bool | Literal["log_proba"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadOptions:
    """The options that every door shares, with their defaults, checked.

    ``sample_weight`` and ``groups`` are values of the rows, or names of columns where
    a frame is read; ``on_missing`` is for frames alone.
    """

    labels: Any = None
    target_type: FrameTargetType = "auto"
    sample_weight: Any = None
    groups: Any = None
    base: float | None = None
    clip: float = EPS
    rescale: bool = False
    from_logits: FromLogits = False
    on_missing: OnMissing = "raise"

    def __post_init__(self) -> None:
        nats_per_unit(self.base)
        if self.from_logits not in (False, True, "log_proba"):
            msg = (
                "from_logits must be True, False or 'log_proba': found "
                f"{self.from_logits!r}; pass 'log_proba' for logarithms of "
                "probabilities that sum to 1."
            )
            raise ValueError(msg)
        object.__setattr__(self, "clip", check_clip(self.clip))

    @property
    def per_unit(self) -> float:
        """How many nats one unit of the base holds."""
        return nats_per_unit(self.base)


def nats_per_unit(base: float | None) -> float:
    """How many nats one unit of this base holds."""
    if base is None:
        return 1.0
    number = isinstance(base, numbers.Real)
    if not (number and base > 1 and math.isfinite(base)):
        msg = (
            "base must be finite and above 1: found "
            f"{base!r}; pass 2 for bits, or None for nats."
        )
        raise ValueError(msg)
    return math.log(base)


def unit_name(base: float | None) -> str:
    """The name of the unit."""
    nats_per_unit(base)
    if base is None or base == math.e:
        return "nats"
    names = {2.0: "bits", 10.0: "bans"}
    return names.get(float(base), f"base-{base:g} units")


def check_clip(clip: Any) -> float:
    """The floor of probabilities inside a logarithm: in [0, 1)."""
    number = type(clip) is float or isinstance(clip, numbers.Real)
    if not (number and 0 <= clip < 1):
        msg = f"clip must be in [0, 1): found {clip!r}; pass 0 for the exact cost."
        raise ValueError(msg)
    return float(clip)


def floor_of(clip: float, *, logits: bool = False) -> float:
    """The least probability that a map is given, whose logarithms must be finite.

    Logits are not clipped: they are as exact as doubles are.
    """
    return LEAST_NORMAL if logits else clip or EPS


def log_floored(table: FloatArray, clip: float, *, logits: bool) -> FloatArray:
    """Finite log-probabilities of probabilities, or of what logits were read to."""
    floor = floor_of(clip, logits=logits)
    if logits:
        least: FloatArray = np.maximum(table, np.log(floor))
        return least
    return logarithms(np.maximum(table, floor))
