"""What all results share: strict JSON, and their text in notebooks."""

from __future__ import annotations

import html
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any


class Result(ABC):
    """A result that is text, a dictionary and JSON."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """All scalars and mappings by name."""

    def to_json(self) -> str:
        """The same as strict JSON: what is not finite is a string."""
        return json.dumps(plain(self.to_dict()), allow_nan=False)

    def _repr_html_(self) -> str:
        """The text, for notebooks."""
        return f"<pre>{html.escape(repr(self))}</pre>"


def two_sided(level: float) -> float:
    """How many standard errors an interval of this level reaches to each side."""
    if not 0 < level < 1:
        msg = f"level must be in (0, 1): found {level!r}; pass 0.95."
        raise ValueError(msg)
    return NormalDist().inv_cdf(0.5 + level / 2.0)


def plain(value: Any) -> Any:
    """A value that JSON knows; the same for two NaN."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
