"""The decomposition beside the truth and its peers: errors, intervals, tests, time.

    python benchmarks/decomposition.py                 # all tables
    python benchmarks/decomposition.py --quick         # a tenth of the replications
    python benchmarks/decomposition.py --only several  # one part
    python benchmarks/decomposition.py --quick --only several --laws tree hierarchy \
        --sizes 500 2000 --replications 20 10          # while a map is written

Labels are drawn from the laws of laws.py and models.py. An oracle knows the law c(Q) of
the label given the prediction: its mean of log c_y / q_y over the same rows errs only
as those rows do. Errors are in nats x 1e-4, times are of one thread's CPU. Peers that
are not installed are left out. XENT_METRICS_DATA names the folder of real predictions.
"""

import argparse
import os
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from laws import SEVERAL_CLASSES, TWO_CLASSES, Facts, Law, gaussian, linear
from peers import PEERS
from samples import (
    LAWS,
    TERMS,
    Replication,
    decomposition,
    peer_error,
    pvalue,
    replications,
    sample,
    spread,
    truths,
)

from xent_metrics import cross_entropy, decompose

REPLICATIONS = {
    "two classes": {500: 400, 2000: 400, 10_000: 100, 50_000: 40},
    "several classes": {500: 100, 2000: 100, 10_000: 20},
}
AT_MOST = {"two classes": 1.10, "several classes": 1.15}
N = 2000
PEER_REPLICATIONS = 30
TESTS = 40
UNIT = 1e4
TRUTH_DRAWS, FEWEST_DRAWS = 1_000_000, 200_000
REAL = ("cifar10_wideresnet.npz", "cifar100_wideresnet.npz")


class Options(NamedTuple):
    """How much to draw, and of what."""

    scale: float
    replications: list[int] | None
    laws: list[str] | None
    sizes: list[int] | None
    map: str

    def count(self, default: int) -> int:
        """Replications where the whole table has ``default``."""
        if self.replications:
            return self.replications[0]
        return max(2, round(default * self.scale))

    def scaled(self, number: int) -> int:
        """Rows where the whole table has ``number``."""
        return int(number * self.scale)

    def laws_of(self, group: str) -> tuple[Law, ...]:
        """The laws whose title holds one of the texts asked for."""
        wanted = self.laws or [""]
        return tuple(
            law for law in LAWS[group] if any(text in law.title for text in wanted)
        )

    def facts_of(self, group: str) -> dict[Law, Facts]:
        """What is true of them."""
        draws = max(self.scaled(TRUTH_DRAWS), FEWEST_DRAWS)
        return truths(self.laws_of(group), draws)

    def sizes_of(self, group: str) -> dict[int, int]:
        """Replications by numbers of rows."""
        every = REPLICATIONS[group]
        sizes = self.sizes or list(every)
        if self.replications and len(self.replications) == len(sizes):
            return dict(zip(sizes, self.replications, strict=True))
        return {n: self.count(every.get(n, min(every.values()))) for n in sizes}


class Line(NamedTuple):
    """What the samples of one law gave."""

    law: Law
    truth: float
    rmse: float
    oracle: float
    ratio: float
    ratio_error: float
    mean_error: float
    error: float
    coverage: tuple[float, ...]
    bias: float
    bias_error: float
    seconds: float
    maps: str
    best: str


def root_mean_square(values: Iterable[float]) -> float:
    return float(np.sqrt(np.mean(np.square(list(values)))))


def head(title: str, *columns: str) -> None:
    print(f"\n### {title}\n\n| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def say(sentence: str) -> None:
    print(f"\n{sentence}", flush=True)


def ratio_of(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Ratio of two root mean squares over the same samples, with its error."""
    squares = ours**2 / np.mean(ours**2), theirs**2 / np.mean(theirs**2)
    ratio = np.sqrt(np.mean(ours**2) / np.mean(theirs**2))
    error = np.std(squares[0] - squares[1]) / np.sqrt(len(ours)) / 2
    return float(ratio), float(ratio * error)


def line_of(law: Law, true: Facts, done: list[Replication]) -> Line:
    """Errors and intervals of one law; the bias is in standard errors."""
    found, oracle, errors = (
        np.array([getattr(each, name) for each in done])
        for name in ("found", "oracle", "standard_error")
    )
    ours, theirs = found - true.miscalibration, oracle - true.miscalibration
    ratio, ratio_error = (np.nan, np.nan) if law.calibrated else ratio_of(ours, theirs)
    truth = [getattr(true, name) for name in TERMS]
    intervals = np.array([each.intervals for each in done])
    inside = (intervals[..., 0] <= truth) & (truth <= intervals[..., 1])
    counts = Counter(each.recalibration for each in done).most_common(2)
    return Line(
        law,
        true.miscalibration,
        root_mean_square(ours),
        root_mean_square(theirs),
        ratio,
        ratio_error,
        mean_error=float(np.mean(found - oracle)),
        error=root_mean_square(found - oracle),
        coverage=tuple(inside.mean(axis=0)),
        bias=float(ours.mean() / errors.mean()),
        bias_error=float(ours.std() / errors.mean() / np.sqrt(len(done))),
        seconds=float(np.mean([each.seconds for each in done])),
        maps=", ".join(f"{name} {times / len(done):.0%}" for name, times in counts),
        best=best_map(done),
    )


def best_map(done: list[Replication]) -> str:
    """The map that, taken always, would be nearest to the oracle, and how near."""
    names = set.intersection(*(set(each.tried) for each in done))
    away = {
        name: root_mean_square(each.tried[name] - each.oracle for each in done)
        for name in names
    }
    best = min(sorted(away), key=lambda name: away[name])
    return f"{best} {away[best] * UNIT:.1f}"


def errors(group: str, n: int, count: int, options: Options) -> list[Line]:
    """Errors of miscalibration beside those of the oracle, and intervals."""
    head(
        f"Errors and 95 % intervals, {group}, n = {n:,}, {count} replications",
        *("law", "truth", "RMSE", "oracle's", "ratio"),
        *("less the oracle: mean", "RMS"),
        *(f"{name} covered" for name in TERMS),
        *("ms", "maps chosen", "best map of all, RMS"),
    )
    lines = []
    for law, true in options.facts_of(group).items():
        line = line_of(law, true, replications(law, n, count, options.map))
        lines.append(line)
        row(
            law.title,
            f"{line.truth:.4f}",
            *(f"{value * UNIT:.1f}" for value in (line.rmse, line.oracle)),
            "-" if law.calibrated else f"{line.ratio:.2f} +- {line.ratio_error:.2f}",
            f"{line.mean_error * UNIT:+.1f}",
            f"{line.error * UNIT:.1f}",
            *(f"{share:.0%}" for share in line.coverage),
            f"{line.seconds * 1000:.0f}",
            line.maps,
            line.best,
        )
    return lines


def errors_of_group(group: str, options: Options) -> None:
    """One table for each number of rows, and a summary of them all."""
    if not options.laws_of(group):
        return
    columns = {
        n: summary(errors(group, n, count, options), AT_MOST[group])
        for n, count in options.sizes_of(group).items()
    }
    head(f"Summary, {group}", "over laws", *(f"n = {n:,}" for n in columns))
    for name in next(iter(columns.values())):
        row(name, *(column[name] for column in columns.values()))


def summary(lines: list[Line], at_most: float) -> dict[str, str]:
    """What all laws together say of one number of rows."""
    told: dict[str, str] = {}
    wrong = [line for line in lines if not line.law.calibrated]
    right = [line for line in lines if line.law.calibrated]
    if wrong:
        worst = max(wrong, key=lambda line: line.ratio)
        mean = np.mean([line.ratio for line in wrong])
        error = root_mean_square(line.ratio_error for line in wrong) / len(wrong) ** 0.5
        told[f"RMSE / oracle's (wanted: {at_most:.2f}), not calibrated"] = (
            f"{mean:.3f} +- {error:.3f}; {worst.ratio:.2f} {worst.law.title}"
        )
    worst = max(lines, key=lambda line: line.error)
    told["RMS of error against the same-draw oracle, x 1e-4"] = (
        f"{np.mean([line.error for line in lines]) * UNIT:.1f}; "
        f"{worst.error * UNIT:.0f} {worst.law.title}"
    )
    worst = max(lines, key=lambda line: abs(line.mean_error))
    told["size of mean error against it, x 1e-4"] = (
        f"{np.mean([abs(line.mean_error) for line in lines]) * UNIT:.1f}; "
        f"{worst.mean_error * UNIT:+.0f} {worst.law.title}"
    )
    for place, name in enumerate(TERMS):
        least = min(lines, key=lambda line: line.coverage[place])
        told[f"{name} covered: mean; least"] = (
            f"{np.mean([line.coverage[place] for line in lines]):.1%}; "
            f"{least.coverage[place]:.0%} {least.law.title}"
        )
    if right:
        told["bias of calibrated laws, in standard errors"] = "; ".join(
            f"{line.bias:+.2f} +- {line.bias_error:.2f} (K = {line.law.n_classes})"
            for line in right
        )
    slowest = max(lines, key=lambda line: line.seconds)
    told["ms of CPU"] = (
        f"{np.mean([line.seconds for line in lines]) * 1000:.0f}; "
        f"{slowest.seconds * 1000:.0f} {slowest.law.title}"
    )
    return told


def beside_peers(options: Options) -> None:
    """Errors against the oracle of the same sample, ours and the peers'."""
    count = options.count(PEER_REPLICATIONS)
    for group, peers in PEERS.items():
        laws = [law for law in options.laws_of(group) if not law.votes]
        if not laws:
            continue
        for peer in peers:
            if not peer.installed:
                say(f"Left out: {peer.name}, as {peer.package} is not installed.")
        there = [peer for peer in peers if peer.installed]
        head(
            f"Peers, {group}, n = {N:,}, {count} replications: RMS of what is found "
            "less what the oracle finds",
            *("law", "ours", *(peer.name for peer in there)),
        )
        found = []
        for law in laws:
            done = replications(law, N, count)
            columns = [[each.found - each.oracle for each in done]]
            for peer in there:
                calls = [(peer, law, N, i) for i in range(count)]
                columns.append(spread(peer_error, calls))
            found.append([root_mean_square(column) for column in columns])
            row(law.title, *(f"{value * UNIT:.1f}" for value in found[-1]))
        ours, *theirs = np.mean(found, axis=0)
        row("mean", *(f"{value * UNIT:.1f}" for value in (ours, *theirs)))
        for peer, value in zip(there, theirs, strict=True):
            wanted = peer.times_smaller
            tail = f", wanted at least {wanted:.1f}x" if wanted else ""
            say(f"The error of {peer.name} is {value / ours:.1f}x ours{tail}.")


def rejections(options: Options) -> None:
    """How often the test rejects where there is no miscalibration."""
    count = options.count(TESTS)
    head(f"Test at 5 %, n = {N:,}, {count} samples", "law", "rejected")
    every = []
    for law in (law for group in LAWS for law in options.laws_of(group)):
        if law.calibrated:
            values = spread(pvalue, [(law, N, i) for i in range(count)])
            rejected = [value <= 0.05 for value in values]
            every += rejected
            share = np.mean(rejected)
            row(law.title, f"{share:.1%} +- {binomial_error(share, count):.1%}")
    if not every:
        return
    error = binomial_error(0.05, len(every))
    say(f"All: {np.mean(every):.1%}, wanted 5 % +- {error:.1%} (binomial error).")


def binomial_error(share: float, count: int) -> float:
    return float(np.sqrt(share * (1 - share) / count))


def soft_labels(_options: Options) -> None:
    """Targets that equal the predictions."""
    head("Soft labels equal to the predictions", "law", "n", "miscalibration, nats")
    worst = 0.0
    for law in (*TWO_CLASSES[:2], *SEVERAL_CLASSES[:4]):
        for n in (500, N):
            _, q, _ = sample(law, n, 0)
            found = decompose(q, q).miscalibration
            worst = max(worst, abs(found))
            row(law.title, f"{n:,}", f"{found:.1e}")
    say(f"Largest: {worst:.1e}, wanted below 1e-6.")


def cost(options: Options) -> None:
    """Time and memory of large samples."""
    head("Time and memory", "rows x classes", "wall s", "CPU s", "wanted s", "extra MB")
    n = options.scaled(1_000_000)
    many = Law(
        "over-confident", 1000, partial(gaussian, sd=2), partial(linear, slope=0.6)
    )
    for law, rows, wanted in (
        (TWO_CLASSES[1], n, 5),
        (SEVERAL_CLASSES[3], n, 60),
        (many, 10_000, 20),
    ):
        y, q, _ = sample(law, rows, 0)
        wall, cpu = time.perf_counter(), time.process_time()
        decomposition(y, q)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        tracemalloc.start()
        decomposition(y, q)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        size = f"{rows:,} x {law.n_classes}"
        row(size, f"{wall:.2f}", f"{cpu:.2f}", f"below {wanted}", f"{peak:.0f}")


def held_out(_options: Options) -> None:
    """What the map of one half of real predictions gains on the other half."""
    folder = os.environ.get("XENT_METRICS_DATA")
    if folder is None:
        say("Real predictions are left out: XENT_METRICS_DATA is unset.")
        return
    head(
        "Real predictions: CE gained by the other half's map, nats x 1e-4",
        *("file", "rows x classes", "first half", "second half", "mean", "maps"),
        *("miscalibration of all rows", "map"),
    )
    for path in (Path(folder, name) for name in REAL):
        if not path.exists():
            row(path.name, "not in the folder", *[""] * 6)
            continue
        with np.load(path) as data:
            y, q = data["ground_truth"], data["predictions"]
        order = np.random.default_rng(0).permutation(len(y))
        halves = np.array_split(order, 2)
        gains, maps = [], []
        for here, there in (halves[::-1], halves):
            fitted = decomposition(y[here], q[here])
            mended = fitted.recalibrator().predict_proba(q[there])
            before = cross_entropy(y[there], q[there], labels=range(q.shape[1]))
            after = cross_entropy(y[there], mended, labels=range(q.shape[1]))
            gains.append((before - after) * UNIT)
            maps.append(fitted.recalibration)
        whole = decomposition(y, q)
        low, high = whole.ci(0.95)["miscalibration"]
        row(
            path.name,
            "{:,} x {}".format(*q.shape),
            *(f"{gain:.1f}" for gain in (*gains, np.mean(gains))),
            ", ".join(maps),
            f"{whole.miscalibration * UNIT:.1f} ({low * UNIT:.1f} to "
            f"{high * UNIT:.1f})",
            whole.recalibration,
        )


PARTS: dict[str, Callable[[Options], None]] = {
    "two": lambda options: errors_of_group("two classes", options),
    "several": lambda options: errors_of_group("several classes", options),
    "peers": beside_peers,
    "tests": rejections,
    "soft": soft_labels,
    "real": held_out,
    "time": cost,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--only", choices=PARTS, help="one part of the tables")
    parser.add_argument(
        "--replications",
        nargs="+",
        type=int,
        help="samples of each law: one number, or one for each size",
    )
    parser.add_argument("--laws", nargs="+", help="laws whose title holds such a text")
    parser.add_argument("--sizes", nargs="+", type=int, help="numbers of rows")
    parser.add_argument("--map", default="auto", help="the map of errors and intervals")
    arguments = parser.parse_args()
    counts, sizes = arguments.replications or [0], arguments.sizes or []
    if len(counts) not in {1, len(sizes)}:
        parser.error("--replications takes one number, or one for each of --sizes")
    options = Options(
        scale=0.1 if arguments.quick else 1.0,
        replications=arguments.replications,
        laws=arguments.laws,
        sizes=arguments.sizes,
        map=arguments.map,
    )
    if not any(options.laws_of(group) for group in LAWS):
        parser.error(f"no law's title holds any of {arguments.laws}")
    for name, part in PARTS.items():
        if arguments.only in {None, name}:
            part(options)


if __name__ == "__main__":
    main()
