"""The table of runs. Knows their metrics and tags, not the server they are from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from xent_metrics import TERMS

_TAGS = ("unit", "recalibration", "clip", "data")
_SPLIT = re.compile(r"xent/([^/]+)/schema")
_NATS = {"nats": 1.0, "bits": math.log(2), "bans": math.log(10)}


def table_of_runs(runs: Iterable[Any], folder: str, unit: str | None) -> pd.DataFrame:
    """One row per run: what it is, its settings, its terms, its counts."""
    _check_unit(unit)
    rows = [_row(run, folder) for run in runs]
    units = list(dict.fromkeys(row["unit"] for row in rows))
    if unit is None and len(units) > 1:
        msg = (
            f"terms of several units must not be in one column: {folder!r} of these "
            f"runs is in {', '.join(units)}; pass unit='nats' to convert."
        )
        raise ValueError(msg)
    if unit is not None:
        for row in rows:
            _convert(row, unit)
    found = {key for row in rows for key in row}
    terms = [key for term in TERMS for key in (term, f"{term}_se") if key in found]
    first = ["run_id", "name", "start_time", "status", *_TAGS, "n"]
    counts = sorted(found.difference(first, terms))
    table = pd.DataFrame(rows, columns=[*first, *terms, *counts])
    return table.assign(
        start_time=pd.to_datetime(table["start_time"], unit="ms", utc=True),
        clip=table["clip"].astype(float),
    )


def splits_of(runs: Iterable[Any]) -> list[str]:
    """The splits of evaluations that runs were logged with, as they occur."""
    found = (_SPLIT.fullmatch(key) for run in runs for key in run.data.tags)
    return list(dict.fromkeys(each[1] for each in found if each))


def _row(run: Any, folder: str) -> dict[str, Any]:
    tags, prefix = run.data.tags, f"{folder}/"
    own = {
        key.removeprefix(prefix): value
        for key, value in run.data.metrics.items()
        if key.startswith(prefix) and "/" not in key.removeprefix(prefix)
    }
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "start_time": run.info.start_time,
        "status": run.info.status,
        **{name: tags.get(prefix + name) for name in _TAGS},
        **_not_finite(tags.get(f"{prefix}non_finite", "")),
        **own,
    }


def _not_finite(told: str) -> dict[str, float]:
    """Terms that are no metrics, by their tag: "cross_entropy=inf, skill=-inf"."""
    parts = (part.partition("=") for part in told.split(", "))
    return {
        name: float(value)
        for name, _, value in parts
        if name.removesuffix("_se") in TERMS and value in ("inf", "-inf", "nan")
    }


def _check_unit(unit: Any) -> None:
    if unit is not None and unit not in _NATS:
        msg = (
            f"unit must be one of {', '.join(map(repr, _NATS))}: found {unit!r}; leave "
            "it out to have the terms as they were logged."
        )
        raise ValueError(msg)


def _convert(row: dict[str, Any], unit: str) -> None:
    """Terms and their standard errors in another unit."""
    factor = _nats_of(row["unit"]) / _NATS[unit]
    for key in row:
        term = key.removesuffix("_se")
        if term in TERMS and TERMS[term].has_unit and row["unit"] != unit:
            row[key] *= factor
    row["unit"] = unit


def _nats_of(unit: str) -> float:
    """How many nats one unit is: "bits", or "base-3 units"."""
    if unit in _NATS:
        return _NATS[unit]
    return math.log(float(unit.removeprefix("base-").removesuffix(" units")))
