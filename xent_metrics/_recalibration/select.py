"""Fitting a map by name, and choosing one of the family where none is named."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import numpy as np

from .._kernels.sums import ROUNDING, standard_error
from .._kernels.table import FloatArray, IntArray
from .cells import Cells, are_few
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
from .fitted_map import LEARNED, FittedMap
from .flips import flipped
from .grid import Grid
from .isotonic import fit_isotonic
from .kernel import SHAPES, Kernel, shapes_for
from .one_thread import one_thread
from .sample import Sample
from .softmax import LinearSoftmax, SoftmaxMap, fit, minimise
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
    "learned",
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
_SEVERAL_CLASSES = (*(name for name in LINEAR if name != "spline"), "confusion")
_ONLY_TWO = ("spline", "isotonic")
# Maps that rows on a grid of the logit of two classes are enough for.
BY_LOGIT = tuple(name for name in LINEAR if name not in ("cells", "kernel"))
NAMES: tuple[str, ...] = get_args(MapName)

# A choice is made on so many values, but on no fewer rows than that.
_ENOUGH_VALUES, _ENOUGH_ROWS = 500_000, 10_000
_ROWS_OF_TWO_CLASSES = 20_000  # up to here every row is a point of its own
# Trees grow on so many values, within these numbers of rows.
_VALUES_OF_TREES, _FEWEST_ROWS_OF_TREES, _MOST_ROWS_OF_TREES = 200_000, 2_000, 20_000
_NOISE = 1.0  # standard errors
_LEVEL, _FLIPS = 0.05, 999  # of the test that keeps calibrated predictions
_MOST_OF_KERNEL, _LEAST_OF_HIERARCHY = 20, 6  # classes
_MOST_PARAMETERS = 2_500
_MOST_WORK = 2e10  # multiplications of one pass
_MOST_FEATURES = 1e7  # of all rows, classes and parameters
_ROWS_A_PARAMETER = 5
_QUICK, _PATIENCE = 100_000, 2.0  # probabilities, and seconds without a bar
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
        if recalibration == LEARNED:
            return _learn(sample)
        if isinstance(recalibration, str):
            fitted = fit_named(recalibration, sample).settled
        else:
            fitted = fit_custom(sample, recalibration)
        return Selection(fitted, (fitted,), {}, None)


def fit_named(
    name: str,
    sample: Sample,
    start: FittedMap | None = None,
    near: FittedMap | None = None,
) -> FittedMap:
    """Fit one map, from where it stopped on a part of the rows.

    Or from a temperature, or one with a bias, that was fitted to the same rows. Of many
    parameters the one that is ``near`` tells the optimism too.
    """
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
        family = LINEAR[name](sample)
        return fit(family, sample, _like(near, family), near)
    assert isinstance(start.recalibrate, SoftmaxMap), "the linear maps are such"
    found = start.recalibrate
    return fit(found.family, sample, found.parameters, near)


def _like(near: FittedMap | None, family: LinearSoftmax) -> FloatArray | None:
    """The parameters with which a family is a temperature, and a bias if it has one.

    The first of a class's own features is a constant.
    """
    if near is None:
        return None
    assert isinstance(near.recalibrate, SoftmaxMap), "the linear maps are such"
    beta, *bias = near.recalibrate.parameters.tolist()
    start: FloatArray = beta * family.identity
    own = start[family.n_shared :].reshape(family.n_classes, -1)
    if own.size and bias:
        own[:, 0] = bias
    return start


def _fit_kernel(sample: Sample) -> FittedMap:
    """The kernel of the shape that would predict best; finer ones while they gain."""
    best: FittedMap | None = None
    simpler = minimise(Dirichlet(sample), sample).parameters
    for shape in shapes_for(sample) or [SHAPES[0]]:
        kernel = Kernel(sample, shape)
        trial = fit(kernel, sample, kernel.like(simpler))
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
        return _choose_of_two_classes(sample)
    rows = _some_rows(sample, _rows_of_a_choice(sample.n_classes))
    part = sample if rows is None else sample.pick(rows)
    left_out = {name: _too_much(name, part) for name in _SEVERAL_CLASSES}
    left_out = {name: reason for name, reason in left_out.items() if reason}
    tried: dict[str, FittedMap] = {}
    for name in _shown([n for n in _SEVERAL_CLASSES if n not in left_out], part):
        near = tried.get("temperature-bias", tried.get("temperature"))
        tried[name] = fit_named(name, part, near=near)
    of_rising_size = sorted(tried.values(), key=lambda trial: trial.degrees_of_freedom)
    best, trials = _simplest_of_the_best(of_rising_size, part)
    if _is_calibrated(part, trials):
        best = fit_named("none", sample)
        trials = (fit_named("none", part), *trials)
    elif part is not sample:
        near = tried.get(best.name)
        best = fit_named(best.name, sample, start=best, near=near).settled
    # Where the map has nothing to win, any of those tried could have been chosen.
    floor = max(trial.variance for trial in trials) * part.n_independent**2
    variance = max(best.variance, floor / sample.n_independent**2)
    best = dataclasses.replace(best, variance=variance)
    return Selection(best, trials, left_out, rows)


def _learn(sample: Sample) -> Selection:
    """Trees on top of the map that is chosen; of many rows they grow on some."""
    chosen, trials, left_out, rows = _choose(sample)
    # Trees take each class that a target distribution has for a row of its own.
    labels = sum(np.count_nonzero(block.target) for block in sample.blocks()) / sample.n
    enough = int(_VALUES_OF_TREES / (labels * sample.n_classes))
    enough = min(max(enough, _FEWEST_ROWS_OF_TREES), _MOST_ROWS_OF_TREES)
    grow_on = _some_rows(sample, enough)
    from .learned import fit_learned  # noqa: PLC0415 - trees, which few ask for

    learned = fit_learned(sample, chosen, grow_on)
    tried = learned
    if rows is not None:
        tried = dataclasses.replace(learned, losses=learned.losses[rows])
    return Selection(learned, (*trials, tried), left_out, rows)


def _shown(names: list[str], sample: Sample) -> Iterable[str]:
    """The names; a bar shows how many of their fits are done, where these take long."""
    if sample.n * sample.n_classes < _QUICK:
        return names
    from tqdm import tqdm  # noqa: PLC0415 - loaded when used

    shown: Iterable[str] = tqdm(
        names,
        desc="fitting maps",
        unit="map",
        delay=_PATIENCE,
        disable=None,
        leave=False,
    )
    return shown


def _is_calibrated(sample: Sample, trials: Sequence[FittedMap]) -> bool:
    """Whether a test finds none of the linear maps to be better than the identity."""
    maps = [trial.recalibrate for trial in trials]
    families = [one.family for one in maps if isinstance(one, SoftmaxMap)]
    found = flipped(sample, families, _FLIPS, np.random.default_rng(_SEED))
    return float(np.mean(found >= found[0])) > _LEVEL


def _choose_of_two_classes(sample: Sample) -> Selection:
    """The spline, which holds the simpler maps, or a map of each of few predictions."""
    fitted = _fit_two_classes(sample)
    if not are_few(sample):
        return Selection(fitted[-1], fitted, {}, None)
    cells = fit_named("cells", sample)
    best, trials = _simplest_of_the_best([fitted[-1], cells], sample)
    return Selection(best, (*fitted[:-1], *trials), {}, None)


def _fit_two_classes(sample: Sample) -> tuple[FittedMap, ...]:
    """The ladder of two classes; the spline holds the others."""
    if not _is_long(sample):
        return tuple(fit_named(name, sample).settled for name in TWO_CLASSES)
    grid = Grid.of_rows(sample)
    return tuple(grid.fit(LINEAR[name](grid.cells), sample) for name in TWO_CLASSES)


def _simplest_of_the_best(
    tried: list[FittedMap], sample: Sample
) -> tuple[FittedMap, tuple[FittedMap, ...]]:
    """The simplest map that is as good as the best, but for noise; and all of them.

    What is compared is the estimated cost of the best parameters of each family, the
    mean cost here plus its optimism, and its slack, so that a flexible fit gains
    nothing where there is nothing to win. To take the smallest of many noisy costs
    would flatter it once more, so a simpler map is kept within a standard error of the
    difference, which holds the variance of the richer one. Where maps are equally
    good, as with soft labels that several of them explain, rounding would choose:
    that much is never a difference. The optimism of maps of many parameters is found
    only where it matters.
    """
    trials = list(tried)

    def cost(trial: FittedMap) -> float:
        return sample.mean(trial.losses) + trial.optimism + trial.slack

    def settle(place: int) -> bool:
        """Whether the trial was settled before."""
        known = trials[place].by_folds is None
        trials[place] = trials[place].settled
        return known

    def as_good(trial: FittedMap, best: FittedMap) -> bool:
        lost = trial.losses - best.losses
        error = standard_error(lost, sample.weights, sample.clusters)
        noise = math.hypot(error, math.sqrt(max(best.variance, 0.0)))
        rounding = ROUNDING * abs(cost(best))
        return cost(trial) - cost(best) <= _NOISE * noise + rounding

    while True:
        costs = [cost(trial) for trial in trials]
        place = costs.index(min(costs))
        if not settle(place):
            continue
        best = trials[place]
        simplest = next(i for i, trial in enumerate(trials) if as_good(trial, best))
        if settle(simplest):
            found = tuple(dataclasses.replace(one, by_folds=None) for one in trials)
            return found[simplest], found


def _too_much(name: str, sample: Sample) -> str:
    """Why a map is not worth trying on a sample: its size or shape; else nothing."""
    if name == "temperature":
        return ""
    unfit = _unfit(name, sample)
    if unfit or name in ("cells", "kernel"):
        return unfit
    k, n = sample.n_classes, sample.n
    sizes = {
        "slope-bias": 2 * k,
        "class-temperature": 2 * k,
        "dirichlet": k * (k + 1),
        "dirichlet-spline": k * (k + 5),
        "confusion": k * (k - 1),
    }
    n_parameters = sizes.get(name, k)
    if n_parameters * _ROWS_A_PARAMETER > sample.n_independent:
        return f"{n_parameters} parameters for {_rows_text(sample)}"
    if name == "confusion":
        return f"{k} classes" if float(n) * k**2 > _MOST_WORK / 10 else ""
    many = float(n) * k**2 > _MOST_FEATURES and name == "class-temperature"
    if many or n_parameters > _MOST_PARAMETERS or n * n_parameters**2 > _MOST_WORK:
        return f"{n_parameters} parameters"
    return ""


def _unfit(name: str, sample: Sample) -> str:
    """Why the shape of a sample, or its number of classes, has no use for a map."""
    k = sample.n_classes
    if name == "cells" and not are_few(sample):
        return "no few distinct predictions"
    if name == "kernel" and k <= _MOST_OF_KERNEL and not shapes_for(sample):
        return _rows_text(sample)
    most = _MOST_OF_KERNEL if name == "kernel" else k
    least = _LEAST_OF_HIERARCHY if name == "hierarchy" else k
    return "" if least <= k <= most else f"{k} classes"


def _rows_text(sample: Sample) -> str:
    what = "rows" if sample.clusters is None else "groups of rows"
    return f"{sample.n_independent:,.0f} {what}"


def enough_rows(n_classes: int) -> int:
    """How many rows of a scan are kept to fit maps to, at most."""
    return max(_ENOUGH_VALUES // n_classes, _ENOUGH_ROWS)


def fixed_part(sample: Sample) -> IntArray | None:
    """A fixed random part of the rows, as many as a choice requires; None is all."""
    return _some_rows(sample, enough_rows(sample.n_classes))


def _rows_of_a_choice(n_classes: int) -> int:
    """How many rows maps are tried on: enough for one with a bias, and no jump."""
    for_a_bias = (_ROWS_A_PARAMETER + 1) * n_classes
    if n_classes > _MOST_PARAMETERS:
        for_a_bias = 0
    return max(_ENOUGH_VALUES // n_classes, _ENOUGH_ROWS // 2, for_a_bias)


def _some_rows(sample: Sample, n: int) -> IntArray | None:
    """A fixed random part of the rows, clusters whole; None is all of them."""
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
