"""The recalibration ladder: what each map tried would win back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from ._evidence import After
from ._reduce import standard_error

CLEAR = 2.0  # standard errors: less of a miscalibration may be none
COLUMNS = (
    "degrees_of_freedom",
    "refinement",
    "miscalibration",
    "standard_error",
    "share",
    "n",
    "chosen",
    "note",
)


def ladder(after: After | None, cross_entropy: float, per_unit: float) -> pd.DataFrame:
    """One row a map, from the simplest; those left out come last."""
    rows = {} if after is None else _rows(after, cross_entropy)
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS))
    frame.index.name = "map"
    for name in ("refinement", "miscalibration", "standard_error"):
        frame[name] = frame[name].astype(np.float64) / per_unit
    if rows:
        chosen = frame[frame["chosen"]].iloc[0]
        whole, error = float(chosen["miscalibration"]), float(chosen["standard_error"])
        clear = math.isfinite(whole) and whole > CLEAR * error
        frame["share"] = frame["miscalibration"] / (whole if clear else math.nan)
    return frame


def _rows(after: After, cross_entropy: float) -> dict[str, tuple[Any, ...]]:
    sample, selection, known = after.sample, after.selection, after.share_known
    before = sample.costs()
    # What the clip costs rows whose label no map of known classes can win back.
    beyond = cross_entropy - known * sample.mean(before) - after.shift
    if selection.tried_on is not None:
        before = before[selection.tried_on]
        sample = sample.pick(selection.tried_on)
    rows: dict[str, tuple[Any, ...]] = {}
    for trial in selection.trials:
        gain = before - trial.losses
        won = beyond + known * (sample.mean(gain) - trial.optimism)
        error = standard_error(gain, sample.weights, sample.clusters)
        rows[trial.name] = (
            trial.degrees_of_freedom,
            cross_entropy - won,
            won,
            known * max(error, math.sqrt(trial.variance)),
            math.nan,
            sample.n,
            trial.name == selection.chosen.name,
            "" if trial.converged else "did not converge",
        )
    unknown = (0, math.nan, math.nan, math.nan, math.nan, 0, False)
    return rows | {name: (*unknown, why) for name, why in selection.left_out.items()}
