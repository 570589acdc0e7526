"""Fitting a map by name, and choosing one of the family where none is named."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import numpy as np

from .._kernels.sums import ROUNDING, standard_error
from .._kernels.table import IntArray
from .cells import Cells
from .confusion import fit_confusion
from .custom import RecalibrationMap, fit_custom
from .families import (
    Dirichlet,
    DirichletSpline,
    SharedSpline,
    SlopeBias,
    Spline,
    Temperature,
    TemperatureBias,
    slope_bias,
)
from .fitted_map import FittedMap
from .grid import Grid
from .isotonic import fit_isotonic
from .kernel import SHAPES, Kernel, shapes_for
from .one_thread import one_thread
from .sample import Sample
from .softmax import LinearSoftmax, SoftmaxMap, fit
from .varying_slopes import AdaptiveTemperature, ClassTemperature, Hierarchy

MapName = Literal[
    "auto",
    "temperature",
    "temperature-bias",
    "hierarchy",
    "adaptive-temperature",
    "slope-bias",
    "class-temperature",
    "shared-spline",
    "dirichlet",
    "dirichlet-spline",
    "kernel",
    "cells",
    "confusion",
    "spline",
    "isotonic",
    "none",
]

LINEAR: Mapping[str, Callable[[Sample], LinearSoftmax]] = MappingProxyType(
    {
        family.name: family
        for family in (
            Temperature,
            TemperatureBias,
            Hierarchy,
            AdaptiveTemperature,
            SlopeBias,
            ClassTemperature,
            SharedSpline,
            Dirichlet,
            DirichletSpline,
            Kernel,
            Cells,
            Spline,
        )
    }
    | {SlopeBias.name: slope_bias}
)
TWO_CLASSES = ("temperature", "temperature-bias", "spline")
# Of these one is chosen; the others go by name.
_SEVERAL_CLASSES = (
    "temperature",
    "temperature-bias",
    "slope-bias",
    "shared-spline",
    "dirichlet",
    "dirichlet-spline",
    "confusion",
)
_ONLY_TWO = ("spline", "isotonic")
# Maps that rows on a grid of the logit of two classes are enough for.
BY_LOGIT = tuple(name for name in LINEAR if name not in ("cells", "kernel"))
NAMES: tuple[str, ...] = get_args(MapName)

# A choice is made on so many values, but on no fewer rows than that.
_ENOUGH_VALUES, _ENOUGH_ROWS = 500_000, 10_000
_ROWS_OF_TWO_CLASSES = 20_000  # up to here every row is a point of its own
_NOISE = 0.5  # standard errors
_MOST_PARAMETERS = 2_500
_MOST_WORK = 2e10  # multiplications of one pass
_ROWS_A_PARAMETER = 5
_SEED = 0


class Selection(NamedTuple):
    """The chosen map, all that were tried, and why others were not.

    ``trials`` are fitted to the rows numbered ``tried_on``, or to all where it is
    None; the chosen map is fitted to all.
    """

    chosen: FittedMap
    trials: tuple[FittedMap, ...]
    left_out: Mapping[str, str]
    tried_on: IntArray | None

    @property
    def debiased(self) -> bool:
        """Whether terms are freed of bias: not so for CORP's plug-in."""
        return self.chosen.name != "isotonic"


def recalibrate(sample: Sample, recalibration: str | RecalibrationMap) -> Selection:
    """Fit the named map, the user's own, or the best of the family."""
    with one_thread():
        if recalibration == "auto":
            return _choose(sample)
        if isinstance(recalibration, str):
            fitted = fit_named(recalibration, sample)
        else:
            fitted = fit_custom(sample, recalibration)
        return Selection(fitted, (fitted,), {}, None)


def fit_named(name: str, sample: Sample, start: FittedMap | None = None) -> FittedMap:
    """Fit one map, from where it stopped on a part of the rows."""
    if name in _ONLY_TWO and sample.n_classes != 2:  # noqa: PLR2004
        msg = (
            f"recalibration={name!r} is for two classes: found {sample.n_classes}; "
            "pass 'auto' or 'shared-spline'."
        )
        raise ValueError(msg)
    if name in _OWN_WAYS and (start is None or name == "confusion"):
        return _OWN_WAYS[name](sample, start)
    if has_grid(sample, name):
        grid = Grid.of_rows(sample)
        return grid.fit(LINEAR[name](grid.cells), sample)
    if start is None:
        return fit(LINEAR[name](sample), sample)
    assert isinstance(start.recalibrate, SoftmaxMap), "the linear maps are such"
    return fit(start.recalibrate.family, sample, start.recalibrate.parameters)


def _fit_kernel(sample: Sample) -> FittedMap:
    """The kernel of the shape that would predict best; finer ones while they gain."""
    best: FittedMap | None = None
    for shape in shapes_for(sample) or [SHAPES[0]]:
        trial = fit(Kernel(sample, shape), sample)
        gain = math.inf
        if best is not None:
            gain = sample.mean(best.losses - trial.losses)
            gain += 2.0 * (best.optimism - trial.optimism)
        if gain <= 0:
            break
        best = trial
    assert best is not None, "there is one shape at least"
    return best


_OWN_WAYS: Mapping[str, Callable[[Sample, FittedMap | None], FittedMap]] = {
    "none": lambda sample, _: FittedMap(
        name="none", losses=sample.costs(), recalibrate=np.exp
    ),
    "isotonic": lambda sample, _: fit_isotonic(sample),
    "confusion": fit_confusion,
    "kernel": lambda sample, _: _fit_kernel(sample),
}


def has_grid(sample: Sample, name: str) -> bool:
    """Whether a map is fitted to a grid of the logits, rather than to the rows."""
    return _is_long(sample) and name in BY_LOGIT


def _is_long(sample: Sample) -> bool:
    """Whether rows are two-class, alone and many: a grid of their logits will do."""
    alone = sample.n_classes == 2 and sample.clusters is None  # noqa: PLR2004
    return alone and sample.n > _ROWS_OF_TWO_CLASSES


def _choose(sample: Sample) -> Selection:
    """The spline for two classes; else the best of the family, tried on some rows."""
    if sample.n_classes == 2:  # noqa: PLR2004
        fitted = _fit_two_classes(sample)
        return Selection(fitted[-1], fitted, {}, None)
    rows = _some_rows(sample)
    part = sample if rows is None else sample.pick(rows)
    left_out = {name: _too_much(name, part) for name in _SEVERAL_CLASSES}
    left_out = {name: reason for name, reason in left_out.items() if reason}
    trials = tuple(
        fit_named(name, part) for name in _SEVERAL_CLASSES if name not in left_out
    )
    best = _simplest_of_the_best(trials, part)
    chosen = best if part is sample else fit_named(best.name, sample, start=best)
    return Selection(chosen, trials, left_out, rows)


def _fit_two_classes(sample: Sample) -> tuple[FittedMap, ...]:
    """The ladder of two classes; the spline holds the others."""
    if not _is_long(sample):
        return tuple(fit_named(name, sample) for name in TWO_CLASSES)
    grid = Grid.of_rows(sample)
    return tuple(grid.fit(LINEAR[name](grid.cells), sample) for name in TWO_CLASSES)


def _simplest_of_the_best(trials: tuple[FittedMap, ...], sample: Sample) -> FittedMap:
    """The simplest map that would predict as well as the best, but for noise.

    A map's cost on new rows is its mean cost here plus twice its optimism (Takeuchi,
    1976): half for what fitting hid, half for what a fit to so few rows lacks. To
    take the smallest of many noisy costs would flatter the fit once more, so a
    simpler map is kept within half a standard error of the difference. Where maps are
    equally good, as with soft labels that several of them explain, rounding would
    choose: that much is never a difference.
    """

    def cost(trial: FittedMap) -> float:
        return sample.mean(trial.losses) + 2.0 * trial.optimism

    best = min(trials, key=cost)
    rounding = ROUNDING * abs(cost(best))
    for trial in trials:
        lost = trial.losses - best.losses
        noise = standard_error(lost, sample.weights, sample.clusters)
        if cost(trial) - cost(best) <= _NOISE * noise + rounding:
            return trial
    return best


def _too_much(name: str, sample: Sample) -> str:
    """Why a map is not worth trying on a sample: its size; else nothing."""
    k, n = sample.n_classes, sample.n
    sizes = {
        "slope-bias": 2 * k,
        "dirichlet": k * (k + 1),
        "dirichlet-spline": k * (k + 5),
    }
    n_parameters = sizes.get(name, k if name != "confusion" else k * (k - 1))
    if name == "temperature":
        return ""
    if n_parameters * _ROWS_A_PARAMETER > sample.n_independent:
        what = "rows" if sample.clusters is None else "groups of rows"
        return f"{n_parameters} parameters for {sample.n_independent:,.0f} {what}"
    if name == "confusion":
        return f"{k} classes" if float(n) * k**2 > _MOST_WORK / 10 else ""
    if n_parameters > _MOST_PARAMETERS or float(n) * n_parameters**2 > _MOST_WORK:
        return f"{n_parameters} parameters"
    return ""


def enough_rows(n_classes: int) -> int:
    """How many rows a choice is made on, at most."""
    return max(_ENOUGH_VALUES // n_classes, _ENOUGH_ROWS)


def fixed_part(sample: Sample) -> IntArray | None:
    """A fixed random part of the rows, as many as a choice requires; None is all."""
    return _some_rows(sample)


def _some_rows(sample: Sample) -> IntArray | None:
    """A fixed random part of the rows, clusters whole; None is all of them."""
    n = enough_rows(sample.n_classes)
    if sample.n <= n:
        return None
    rng = np.random.default_rng(_SEED)
    if sample.clusters is None:
        return np.sort(rng.permutation(sample.n)[:n])
    sizes = np.bincount(sample.clusters)
    order = rng.permutation(len(sizes))
    kept = np.zeros(len(sizes), dtype=np.bool_)
    kept[order[: max(int(np.searchsorted(np.cumsum(sizes[order]), n)), 2)]] = True
    return np.flatnonzero(kept[sample.clusters])
