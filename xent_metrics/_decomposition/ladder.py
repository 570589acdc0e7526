"""The recalibration ladder: what each map tried would remove."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._kernels.sums import ROUNDING, standard_error
from .._kernels.table import FloatArray
from .._recalibration.fitted_map import FittedMap
from .._recalibration.select import Selection
from .recalibration import After

CLEAR = 2.0  # standard errors: less of a miscalibration may be none
_MIXING = ("dirichlet", "kernel")
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


def is_clear(value: float, error: float, cross_entropy: float) -> bool:
    """Whether a part of a cross-entropy is more than noise, and than rounding."""
    least = CLEAR * error
    if math.isfinite(cross_entropy):
        least += ROUNDING * abs(cross_entropy)
    return math.isfinite(value) and value > least


class Beyond(NamedTuple):
    """The richer map that may remove most, and how much more than the chosen one."""

    name: str
    more: float


def beyond(ladder: pd.DataFrame, chosen: str) -> Beyond | None:
    """What a richer map than the chosen one may remove beside it, by its estimate.

    That is within noise, or it would have been chosen; but it is on that side that
    the chosen map may miss something.
    """
    if chosen not in ladder.index:
        return None
    of_chosen = ladder.loc[chosen]
    richer = ladder["degrees_of_freedom"] > of_chosen["degrees_of_freedom"]
    more = (ladder["miscalibration"] - of_chosen["miscalibration"])[richer].dropna()
    if more.empty or not more.max() > 0.0:
        return None
    return Beyond(str(more.idxmax()), float(more.max()))


def too_rich(ladder: pd.DataFrame) -> list[str]:
    """The maps that mix any two classes, where rows are too few to try one of them."""
    mixing = ladder[ladder.index.isin(_MIXING)]
    left_out = mixing["refinement"].isna()
    too_few = left_out & mixing["note"].str.endswith("rows")
    return list(mixing.index[too_few]) if left_out.all() else []


def ladder(after: After | None, cross_entropy: float, per_unit: float) -> pd.DataFrame:
    """One row per map, from the simplest; those left out come last."""
    return frame_of({} if after is None else _rows(after, cross_entropy), per_unit)


def frame_of(rows: dict[str, tuple[Any, ...]], per_unit: float) -> pd.DataFrame:
    """The table of rows in nats, one row per map; ``share`` is found here."""
    table: dict[str, Any] = dict.fromkeys(COLUMNS, ())
    if rows:
        table = dict(zip(COLUMNS, zip(*rows.values(), strict=True), strict=True))
    for name in ("refinement", "miscalibration", "standard_error"):
        table[name] = np.array(table[name], dtype=np.float64) / per_unit
    if rows:
        chosen = table["chosen"].index(True)
        whole, error, left = (
            float(table[name][chosen])
            for name in ("miscalibration", "standard_error", "refinement")
        )
        clear = is_clear(whole, error, whole + left)
        table["share"] = table["miscalibration"] / (whole if clear else math.nan)
    return pd.DataFrame(table, index=pd.Index(list(rows), name="map"))


def _rows(after: After, cross_entropy: float) -> dict[str, tuple[Any, ...]]:
    sample, selection, known = after.sample, after.selection, after.share_known
    before = sample.costs()
    # What the clip costs rows whose label no map of known classes can remove.
    beyond = cross_entropy - known * sample.mean(before) - after.shift
    if selection.tried_on is not None:
        before = before[selection.tried_on]
        sample = sample.pick(selection.tried_on)
    rows: dict[str, tuple[Any, ...]] = {}
    for trial in selection.trials:
        gain = before - trial.losses
        won = beyond + known * (sample.mean(gain) - trial.optimism)
        error = standard_error(gain, sample.weights, sample.clusters)
        rows[trial.name] = row(
            trial,
            cross_entropy,
            won,
            known * max(error, math.sqrt(trial.variance)),
            n=sample.n,
            chosen=trial.name == selection.chosen.name,
        )
    return rows | untried(selection)


def row(
    trial: FittedMap,
    cross_entropy: float,
    won: float,
    error: float,
    *,
    n: int,
    chosen: bool,
    note: str = "",
) -> tuple[Any, ...]:
    """What a map that was tried removes, in nats."""
    return (
        trial.degrees_of_freedom,
        cross_entropy - won,
        won,
        error,
        math.nan,
        n,
        chosen,
        note if trial.converged else "did not converge",
    )


def untried(selection: Selection) -> dict[str, tuple[Any, ...]]:
    """Rows of the maps that were left out, with the reason."""
    unknown = (0, math.nan, math.nan, math.nan, math.nan, 0, False)
    return {name: (*unknown, why) for name, why in selection.left_out.items()}


def average(
    ladders: Sequence[pd.DataFrame], shares: Sequence[float], copies: float
) -> pd.DataFrame:
    """The ladders of folds as one, averaged by the folds' shares of the weight.

    Maps that not every fold tried come last. Folds are independent but for
    ``copies``, the number of folds that hold a row.
    """
    if not all(len(one) for one in ladders):
        return ladder(None, math.nan, 1.0)
    share = np.asarray(shares)
    tried = [one[one["refinement"].notna()] for one in ladders]
    chosen = pd.concat([one[one["chosen"]].iloc[:1] for one in ladders])
    whole = float(share @ chosen["miscalibration"].to_numpy())
    of_whole = _error(chosen["standard_error"].to_numpy(), share, copies)
    clear = is_clear(whole, of_whole, whole + float(share @ chosen["refinement"]))
    rows: dict[str, tuple[Any, ...]] = {}
    left_out: dict[str, tuple[Any, ...]] = {}
    for name in dict.fromkeys(name for one in ladders for name in one.index):
        found = [one.loc[[name]] for one in tried if name in one.index]
        if len(found) < len(ladders):
            why = f"not tried in {len(ladders) - len(found)} of {len(ladders)} folds"
            left_out[name] = (0, *[math.nan] * 4, 0, False, why)
            continue
        of_map = pd.concat(found)
        won = float(share @ of_map["miscalibration"].to_numpy())
        rows[name] = (
            int(of_map["degrees_of_freedom"].sum()),
            float(share @ of_map["refinement"].to_numpy()),
            won,
            _error(of_map["standard_error"].to_numpy(), share, copies),
            won / whole if clear else math.nan,
            int(of_map["n"].sum()),
            bool(of_map["chosen"].all()),
            "; ".join(dict.fromkeys(note for note in of_map["note"] if note)),
        )
    frame = pd.DataFrame.from_dict(
        rows | left_out, orient="index", columns=list(COLUMNS)
    )
    frame.index.name = "map"
    return frame


def _error(errors: FloatArray, shares: FloatArray, copies: float) -> float:
    """Standard error of a weighted sum of folds."""
    return math.sqrt(copies * float(((shares * errors) ** 2).sum()))
