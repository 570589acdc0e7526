"""Metrics with steps of their own, and runs below a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

Point = tuple[str, float, int]  # key, value, step
Child = Mapping[str, Any]  # its name, metrics and tags


def split_by_finiteness(
    key: str, values: Iterable[float]
) -> tuple[list[Point], dict[str, float]]:
    """A value a step; those that are not finite, which no store keeps, by name."""
    points: list[Point] = []
    left_out: dict[str, float] = {}
    for step, value in enumerate(values):
        if math.isfinite(value):
            points.append((key, value, step))
        else:
            left_out[f"{key}[{step}]"] = value
    return points, left_out


def told_of(left_out: Mapping[str, float], folder: str) -> str:
    """The value of the tag that lists them; empty for none."""
    return ", ".join(
        f"{key.removeprefix(f'{folder}/')}={value}" for key, value in left_out.items()
    )
