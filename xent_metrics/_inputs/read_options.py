"""Units of information: nats, bits, and any other base."""

from __future__ import annotations

import math
import numbers


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
