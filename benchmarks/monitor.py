"""How often a monitor raises a false alarm in a year, and how soon it finds a change.

    python benchmarks/monitor.py           # the table, 200 years for each row
    python benchmarks/monitor.py --quick   # a tenth of the years

A year has 365 days of 200 rows, and a reference of its own: 2,000 rows, unless another
number is given. Predictions are the softmax of normal logits, of two classes or more,
and class probabilities that of a slope times these: .8, unless a change is named. From
day 181 on the change holds. In clusters of five rows, of the reference too, labels
depend on each other by a Gaussian copula of correlation .3. The logits' standard
deviation is 2, or that given. "Bent" is a truth that no slope and intercept give: the
slope is .4 for log-odds of one sign and 1.2 for the others.

An alarm before the change, or without one, is false: at most 5 % of years may have any.
"""

import argparse
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, softmax

from xent_metrics import Evaluation, Monitor
from xent_metrics._drift.betting import log_evidence, log_threshold, shares_of
from xent_metrics._drift.running import start
from xent_metrics._drift.watched import sums_of
from xent_metrics._recalibration.sample import from_tables

DAYS, ROWS, HALF = 365, 200, 180
CORRELATION, IN_CLUSTER = 0.3, 5

Truth = Callable[[np.ndarray], np.ndarray]


def slope(value: float, intercept: float = 0.0) -> Truth:
    """Class probabilities whose logits are a slope times those predicted.

    The intercept is of the last class.
    """

    def truth(z: np.ndarray) -> np.ndarray:
        logits = value * z
        logits[:, -1] += intercept
        return softmax(logits, axis=1)

    return truth


def bent(z: np.ndarray) -> np.ndarray:
    """Class probabilities of two classes whose log-odds bend at 0."""
    x = z[:, 1] - z[:, 0]
    return softmax(np.stack([0 * x, np.where(x < 0, 0.4, 1.2) * x], axis=1), axis=1)


class Year(NamedTuple):
    """What a year is drawn from; predictions shift by ``mix`` where that is not 0."""

    title: str
    change: Truth | None = None
    before: Truth = slope(0.8)
    deviation: float = 2.0
    n_classes: int = 2
    clusters: bool = False
    n_reference: int = 2000
    mix: float = 0.0

    def draw(
        self, rng: np.random.Generator, n: int, *, late: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Labels, predictions, and clusters where there are any."""
        # Of two classes it is the difference of logits that has the deviation.
        scale = self.deviation / (np.sqrt(2) if self.n_classes == 2 else 1.0)
        z = rng.normal(0.0, scale, (n, self.n_classes))
        if late:
            z[:, -1] += self.mix
        q = softmax(z, axis=1)
        truth = self.change if late and self.change is not None else self.before
        p = truth(z)
        u, clusters = rng.random(n), None
        if self.clusters:
            clusters = np.arange(n) // IN_CLUSTER
            common = rng.normal(size=clusters.max() + 1)[clusters]
            own = rng.normal(size=n)
            u = ndtr(CORRELATION**0.5 * common + (1 - CORRELATION) ** 0.5 * own)
        y = (p.cumsum(axis=1) < u[:, np.newaxis]).sum(axis=1)
        return np.minimum(y, self.n_classes - 1), q, clusters

    def alarm(self, rng: np.random.Generator) -> int | None:
        """The day of the alarm, the first is 1; None without one.

        Days are measured together, and then looked at one by one.
        """
        y, q, clusters = self.draw(rng, self.n_reference, late=False)
        labels = range(self.n_classes)
        evaluation = Evaluation.from_predictions(y, q, labels=labels, groups=clusters)
        setup = Monitor(evaluation, periods=DAYS)._setup  # noqa: SLF001 - its core
        first = self.draw(rng, HALF * ROWS, late=False)
        second = self.draw(rng, (DAYS - HALF) * ROWS, late=True)
        y, q = (
            np.concatenate(both) for both in zip(first[:2], second[:2], strict=True)
        )
        if self.clusters:
            clusters = np.arange(len(y)) // IN_CLUSTER
        target = (y == np.arange(self.n_classes)[:, np.newaxis]).astype(float)
        sample = from_tables(np.log(q.T), target, np.ones(len(y)), clusters)
        ends = (np.arange(DAYS) + 1) * ROWS
        days = sums_of(
            setup.reference, sample, setup.watch, setup.tolerances, ends.tolist()
        )
        running = start(setup, DAYS)
        clock, capital, shares = running.clock, running.capital, shares_of(setup.watch)
        for sums in days:
            later = clock._replace(period=clock.period + 1)
            if clock.period and later.block > clock.block:
                capital = capital.next_block(setup.band, clock)
            clock, capital = later, capital.plus(sums)
            each = log_evidence(capital.log_values(setup.band, clock), shares)
            if np.logaddexp.reduce(each.ravel()) >= log_threshold(setup.alpha):
                return clock.period
        return None


YEARS = (
    Year("nothing changes"),
    Year("nothing changes, clusters", clusters=True),
    Year("other predictions", mix=1.5),
    Year("nothing changes, the truth is bent", before=bent),
    Year("nothing changes, 3 classes", n_classes=3),
    Year("slope .8 to .6", slope(0.6)),
    Year("slope .8 to .6, deviation 1.5", slope(0.6), deviation=1.5),
    Year(
        "slope .8 to .6, deviation 1.5, reference of 5,000",
        slope(0.6),
        deviation=1.5,
        n_reference=5000,
    ),
    Year("slope .8 to .6, clusters", slope(0.6), clusters=True),
    Year("slope .8 to .4", slope(0.4)),
    Year("intercept +.3", slope(0.8, 0.3)),
    Year(
        "slope .8 to .6, 3 classes, reference of 5,000",
        slope(0.6),
        n_classes=3,
        n_reference=5000,
    ),
)


def row(year: Year, n_years: int) -> str:
    """One row of the table."""
    rng = np.random.default_rng(0)
    days = [year.alarm(rng) for _ in range(n_years)]
    found = [day for day in days if day is not None]
    if year.change is None:
        return f"| {year.title} | {len(found) / n_years:.1%} | | |"
    delays = [day - HALF for day in found if day > HALF]
    early = (len(found) - len(delays)) / n_years
    delay = f"{np.median(delays):.0f}" if delays else ""
    return f"| {year.title} | {early:.1%} | {len(delays) / n_years:.0%} | {delay} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    n_years = 20 if parser.parse_args().quick else 200
    warnings.simplefilter("ignore")
    print("| year | false alarms | found | median days |\n|---|---|---|---|")
    for year in YEARS:
        print(row(year, n_years), flush=True)


if __name__ == "__main__":
    main()
