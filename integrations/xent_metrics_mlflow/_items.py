"""What to log: an evaluation as metrics and tags. Knows nothing of MLflow."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xent_metrics import Evaluation

SCHEMA = "1"
_SPLIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]*")
_COUNTS = ("n", "n_clipped", "n_infinite", "n_unseen")


@dataclass(frozen=True, kw_only=True)
class Items:
    """Metrics and tags of one evaluation; ``left_out`` names non-finite metrics."""

    metrics: dict[str, float]
    tags: dict[str, str]
    left_out: dict[str, float] = field(default_factory=dict)


def items(evaluation: Evaluation, split: str) -> Items:
    """Every term as ``xent/<split>/<term>``, every setting as a tag.

    Stores turn infinities and NaN into ordinary numbers, so a term that is not
    finite is never a metric: a tag lists it.
    """
    if not _SPLIT.fullmatch(split):
        msg = (
            "split must be letters, digits, '_', '-', '.' or spaces: "
            f"found {split!r}; pass a name like 'test'."
        )
        raise ValueError(msg)
    result = evaluation.decomposition
    prefix = f"xent/{split}/"
    values = result.terms | {name: float(getattr(result, name)) for name in _COUNTS}
    finite = {name: value for name, value in values.items() if math.isfinite(value)}
    left_out = {name: values[name] for name in values if name not in finite}
    settings = {
        "schema": SCHEMA,
        "unit": result.unit,
        "clip": repr(result.clip),
        "recalibration": result.recalibration,
    }
    if left_out:
        settings["non_finite"] = ", ".join(f"{k}={v}" for k, v in left_out.items())
    return Items(
        metrics={prefix + name: value for name, value in finite.items()},
        tags={prefix + name: value for name, value in settings.items()},
        left_out={prefix + name: value for name, value in left_out.items()},
    )
