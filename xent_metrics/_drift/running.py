"""A monitor's state, and how a batch of rows moves it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._decomposition.reference_map import ReferenceMap
from .._inputs.read_options import nats_per_unit, unit_name
from .._kernels.table import FloatArray
from .._recalibration.sample import Sample
from .alarm import Alarm
from .betting import (
    Band,
    Capital,
    Clock,
    directions_of,
    log_evidence,
    log_threshold,
    shares_of,
)
from .watched import MOST_COST, Sums, Watched, sums_of

_MOST_LOG = 700.0  # beyond, the exponential overflows


@dataclass(frozen=True, kw_only=True, eq=False)
class Setup:
    """What a monitor was made with; costs are in nats, and shown in the base's unit.

    ``tolerances`` has one value for each watched quantity.
    """

    reference: ReferenceMap
    watch: tuple[Watched, ...]
    tolerances: tuple[float, ...]
    band: Band
    alpha: float
    base: float | None
    grouped: bool

    @property
    def per_unit(self) -> float:
        """How many nats one unit holds."""
        return nats_per_unit(self.base)

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return unit_name(self.base)

    def scale(self, place: int) -> float:
        """What values of a watched quantity are divided by, for users."""
        return self.per_unit if self.watch[place].place is None else 1.0

    def unit_of(self, place: int) -> str:
        """The unit of a watched quantity."""
        return self.unit if self.watch[place].place is None else "probability"

    def half_widths(self) -> FloatArray:
        """Mean changes that are never found, under the reference's predictions."""
        widths = self.band.widths(self.band.directions)
        return np.asarray(widths + np.array(self.tolerances))


class Period(NamedTuple):
    """What is kept of a period; arrays have one value for each watched quantity.

    ``total`` and ``squares`` are sums over its units, ``width`` is how far the map's
    error may have moved the first. ``log_evidence`` is that at its end.
    """

    when: Any
    year: int
    number: int
    n: int
    n_unseen: int
    n_outside: int
    n_units: int
    total: FloatArray
    squares: FloatArray
    width: FloatArray
    log_evidence: float


class Batch(NamedTuple):
    """Rows of a period: those with a known label, and how many have none."""

    sample: Sample
    n_unseen: int
    when: Any


class Running(NamedTuple):
    """The state that batches move; ``pull`` is that of the last period."""

    clock: Clock
    year: int
    capital: Capital
    history: tuple[Period, ...]
    alarms: tuple[Alarm, ...]
    pull: FloatArray

    @property
    def current_alarm(self) -> Alarm | None:
        """The alarm of this year, if there was one."""
        if self.alarms and self.alarms[-1].year == self.year:
            return self.alarms[-1]
        return None


def start(setup: Setup, periods: int) -> Running:
    """The state before the first batch."""
    shape = setup.band.directions.shape
    return Running(Clock(periods), 1, Capital.start(*shape), (), (), np.zeros(shape))


def restarted(setup: Setup, running: Running) -> Running:
    """A new year: bets begin anew, the history stays."""
    fresh = start(setup, running.clock.periods)
    if not running.clock.period:
        return running
    return fresh._replace(
        year=running.year + 1, history=running.history, alarms=running.alarms
    )


def with_directions(setup: Setup, batch: Batch) -> Setup:
    """The setup with the directions of a batch, where the reference gave none.

    They are of predictions alone, which know nothing of the map's error.
    """
    if setup.band.is_known:
        return setup
    directions = directions_of(setup.reference, batch.sample, setup.watch)
    return dataclasses.replace(setup, band=setup.band._replace(directions=directions))


def advanced(setup: Setup, running: Running, batch: Batch) -> Running:
    """The state after a batch, with the alarm that it may have raised."""
    running = _at_period(setup, running, batch.when)
    history = running.history
    same = bool(history) and history[-1][1:3] == (running.year, running.clock.period)
    (sums,) = sums_of(setup.reference, batch.sample, setup.watch, setup.tolerances)
    capital = running.capital.plus(sums)
    each = log_evidence(
        capital.log_values(setup.band, running.clock), shares_of(setup.watch)
    )
    total = float(np.logaddexp.reduce(each.ravel()))
    pull = running.pull + sums.pull if same else sums.pull
    period = _period(setup, running, batch, sums, pull, total)
    if same:
        history, period = history[:-1], _joined(history[-1], period)
    running = running._replace(capital=capital, history=(*history, period), pull=pull)
    if running.current_alarm is None and total >= log_threshold(setup.alpha):
        alarm = _alarm(setup, running, each, total)
        running = running._replace(alarms=(*running.alarms, alarm))
    return running


def _at_period(setup: Setup, running: Running, when: Any) -> Running:
    """The state in the period that a batch belongs to: the last one, or another."""
    clock = running.clock
    if clock.period and when is not None and running.history[-1].when == when:
        return running
    if clock.period == clock.periods:
        running = restarted(setup, running)
        clock = running.clock
    later = clock._replace(period=clock.period + 1)
    capital = running.capital
    if clock.period and later.block > clock.block:
        capital = capital.next_block(setup.band, clock)
    return running._replace(clock=later, capital=capital)


def _period(
    setup: Setup,
    running: Running,
    batch: Batch,
    sums: Sums,
    pull: FloatArray,
    total: float,
) -> Period:
    number = running.clock.period
    log_q = batch.sample.tables()[0]
    return Period(
        when=number if batch.when is None else batch.when,
        year=running.year,
        number=number,
        n=batch.sample.n,
        n_unseen=batch.n_unseen,
        n_outside=int(np.count_nonzero(setup.reference.outside(log_q))),
        n_units=sums.n_units,
        total=sums.total,
        squares=sums.squares,
        width=setup.band.widths(pull),
        log_evidence=total,
    )


def _joined(first: Period, second: Period) -> Period:
    """Two parts of one period."""
    added = ("n", "n_unseen", "n_outside", "n_units", "total", "squares")
    sums = {name: getattr(first, name) + getattr(second, name) for name in added}
    return second._replace(when=first.when, **sums)


def _alarm(setup: Setup, running: Running, each: FloatArray, total: float) -> Alarm:
    """What the bet that has won most says."""
    place, side = np.unravel_index(int(np.argmax(each)), each.shape)
    sign = 1.0 if side == 0 else -1.0
    tolerance = setup.tolerances[place]
    of_year = [one for one in running.history if one.year == running.year]
    first = _began(of_year, int(place), sign, tolerance)
    since = of_year[first:]
    n, scale = sum(one.n_units for one in since), setup.scale(int(place))
    change = sum(float(one.total[place]) for one in since) / n
    squares = sum(float(one.squares[place]) for one in since)
    error = math.nan
    if n > 1:
        error = math.sqrt(max(squares - n * change**2, 0.0) / (n - 1) / n)
    width = sum(float(one.width[place]) for one in since) / n + tolerance
    return Alarm(
        when=of_year[-1].when,
        since=since[0].when,
        on=setup.watch[place].name,
        direction="higher" if side == 0 else "lower",
        change=change / scale,
        standard_error=error / scale,
        band=width / scale,
        evidence=math.exp(min(total, _MOST_LOG)),
        threshold=math.exp(log_threshold(setup.alpha)),
        period=running.clock.period,
        year=running.year,
        unit=setup.unit_of(int(place)),
    )


def _began(periods: Sequence[Period], place: int, sign: float, tolerance: float) -> int:
    """The period from which on the best single bet would have won most.

    With sums S of what lies beyond the band and Q of squares, that is S^2 / (2 Q).
    """
    beyond, squares, best, found = 0.0, 0.0, -math.inf, len(periods) - 1
    for k in range(len(periods) - 1, -1, -1):
        one = periods[k]
        beyond += sign * float(one.total[place]) - float(one.width[place])
        beyond -= one.n_units * tolerance
        squares += float(one.squares[place])
        won = beyond * abs(beyond) / squares if squares > 0 else 0.0
        if won > best:
            best, found = won, k
    return found


def limits(setup: Setup, running: Running) -> tuple[str, ...]:
    """What no alarm does not say, in sentences."""
    widths = setup.half_widths()
    inside = ", ".join(
        f"{one.name} ±{widths[k] / setup.scale(k):.4f}"
        for k, one in enumerate(setup.watch)
    )
    if not setup.band.is_known:
        inside = "known after the first batch"
    what = "groups" if setup.grouped else "rows"
    again = "; a group that comes back in another batch counts as a new one"
    dependence = f"{what} are taken as independent given their predictions"
    dependence += again if setup.grouped else "; pass groups= where they are not"
    found = [
        (
            f"a mean change inside the band is not found ({inside}); more rows in the "
            "reference narrow it"
        ),
        (
            "a change that leaves the watched means as they are, such as errors that "
            "cancel, is not seen"
        ),
        (
            "other predictions alone raise no alarm: labels are compared with what the "
            "reference's map expects of the same predictions"
        ),
        dependence,
        (
            "the reference's map must hold the truth, within its error; costs count up "
            f"to {MOST_COST / setup.per_unit:.4g} {setup.unit} per row"
        ),
    ]
    n = sum(one.n for one in running.history)
    outside = sum(one.n_outside for one in running.history)
    unseen = sum(one.n_unseen for one in running.history)
    if outside:
        found.append(
            f"{outside:,} of {n:,} rows ({outside / n:.1%}) have predictions beyond "
            "those of the reference, where its map is a guess"
        )
    if unseen:
        found.append(
            f"{unseen:,} rows whose label is not among the classes were left out"
        )
    return tuple(found)
