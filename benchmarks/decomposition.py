"""The decomposition beside the truth and its peers: errors, intervals, tests, time.

    python benchmarks/decomposition.py                  # all tables
    python benchmarks/decomposition.py --quick          # a tenth of the replications
    python benchmarks/decomposition.py --only coverage  # one part

Labels are drawn from the laws of laws.py. An oracle knows the law c(Q) of the label
given the prediction: its mean of log c_y / q_y over the same rows errs only as those
rows do. Errors are in nats x 1e-4. Peers that are not installed are left out.
"""

import argparse
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from laws import DRAWS, SEVERAL_CLASSES, TWO_CLASSES
from peers import PEERS
from samples import (
    LAWS,
    decomposition,
    peer_error,
    pvalue,
    replications,
    sample,
    spread,
    truths,
)

from xent_metrics import decompose

REPLICATIONS = {
    "two classes": {500: 400, 2000: 400, 10_000: 100, 50_000: 40},
    "several classes": {2000: 100, 10_000: 20},
}
AT_MOST = {"two classes": 1.10, "several classes": 1.15}
N = 2000
PEER_REPLICATIONS = 30
TESTS = 40
UNIT = 1e4


class Options(NamedTuple):
    """How much to draw."""

    scale: float
    replications: int | None

    def count(self, default: int) -> int:
        """Replications where the whole table has ``default``."""
        return self.replications or max(2, round(default * self.scale))

    def scaled(self, number: int) -> int:
        """Rows or draws where the whole table has ``number``."""
        return int(number * self.scale)


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


def errors(group: str, n: int, options: Options) -> None:
    """Errors of miscalibration beside those of the oracle."""
    count = options.count(REPLICATIONS[group][n])
    head(
        f"Errors, {group}, n = {n:,}, {count} replications",
        *("law", "truth", "RMSE", "oracle's", "ratio", "bias", "map chosen most often"),
    )
    ratios, rmse, oracles = [], [], []
    for law, true in truths(group, options.scaled(DRAWS)).items():
        done = replications(law, n, count)
        ours = np.array([each.found for each in done]) - true.miscalibration
        theirs = np.array([each.oracle for each in done]) - true.miscalibration
        rmse.append(root_mean_square(ours))
        oracles.append(root_mean_square(theirs))
        ratio = "-"
        if not law.calibrated:
            ratios.append(ratio_of(ours, theirs))
            ratio = "{:.2f} +- {:.2f}".format(*ratios[-1])
        (name, times), *_ = Counter(each.recalibration for each in done).most_common()
        row(
            law.title,
            f"{true.miscalibration:.4f}",
            f"{rmse[-1] * UNIT:.1f}",
            f"{oracles[-1] * UNIT:.1f}",
            ratio,
            f"{np.mean(ours - theirs) * UNIT:+.1f}",
            f"{name} ({times / count:.0%})",
        )
    mean, error = np.mean(ratios, axis=0)[0], root_mean_square(e for _, e in ratios)
    say(
        f"Mean ratio {mean:.3f} +- {error / len(ratios) ** 0.5:.3f}, wanted at most "
        f"{AT_MOST[group]:.2f}, over the {len(ratios)} laws that are not calibrated "
        f"(of a calibrated one the oracle finds 0, always). Mean RMSE over all "
        f"{len(rmse)} laws: {np.mean(rmse) / np.mean(oracles):.3f} times the oracle's."
    )


def errors_of_group(group: str, options: Options) -> None:
    for n in REPLICATIONS[group]:
        errors(group, n, options)


def beside_peers(options: Options) -> None:
    """Errors against the oracle of the same sample, ours and the peers'."""
    count = options.count(PEER_REPLICATIONS)
    for group, peers in PEERS.items():
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
        for law in LAWS[group]:
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


def coverage(options: Options) -> None:
    """Intervals and tests of miscalibration."""
    for group in LAWS:
        coverage_of_group(group, options)
    rejections(options.count(TESTS))


def coverage_of_group(group: str, options: Options) -> None:
    """How often the 95 % interval of miscalibration holds the truth."""
    count = options.count(REPLICATIONS[group][N])
    head(
        f"Coverage, {group}, n = {N:,}, {count} replications",
        *("law", "truth / standard error", "kind", "covered", "wanted"),
    )
    shares, inside = [], 0
    for law, true in truths(group, options.scaled(DRAWS)).items():
        done = replications(law, N, count)
        truth = true.miscalibration
        size = truth / np.mean([each.standard_error for each in done])
        share = np.mean([each.low <= truth <= each.high for each in done])
        kind = "above 3 standard errors" if size > 3 else "near"
        kind, most = ("calibrated", 1.0) if law.calibrated else (kind, 0.98)
        shares.append(share)
        inside += 0.9 <= share <= most
        covered = f"{share:.1%} +- {binomial_error(share, count):.1%}"
        row(law.title, f"{size:.1f}", kind, covered, f"90 to {most * 100:.0f} %")
    say(f"As wanted: {inside} of {len(shares)} laws; mean {np.mean(shares):.1%}.")


def rejections(count: int) -> None:
    """How often the test rejects where there is no miscalibration."""
    head(f"Test at 5 %, n = {N:,}, {count} samples", "law", "rejected")
    every = []
    for law in TWO_CLASSES + SEVERAL_CLASSES:
        if law.calibrated:
            values = spread(pvalue, [(law, N, i) for i in range(count)])
            rejected = [value <= 0.05 for value in values]
            every += rejected
            share = np.mean(rejected)
            row(law.title, f"{share:.1%} +- {binomial_error(share, count):.1%}")
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
    for law, wanted in ((TWO_CLASSES[1], 5), (SEVERAL_CLASSES[3], 60)):
        y, q, _ = sample(law, n, 0)
        wall, cpu = time.perf_counter(), time.process_time()
        decomposition(y, q)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        tracemalloc.start()
        decomposition(y, q)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        size = f"{n:,} x {law.n_classes}"
        row(size, f"{wall:.2f}", f"{cpu:.2f}", f"below {wanted}", f"{peak:.0f}")


PARTS: dict[str, Callable[[Options], None]] = {
    "two": lambda options: errors_of_group("two classes", options),
    "several": lambda options: errors_of_group("several classes", options),
    "peers": beside_peers,
    "coverage": coverage,
    "soft": soft_labels,
    "time": cost,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--only", choices=PARTS, help="one part of the tables")
    parser.add_argument("--replications", type=int, help="samples of each law and size")
    arguments = parser.parse_args()
    options = Options(0.1 if arguments.quick else 1.0, arguments.replications)
    for name, part in PARTS.items():
        if arguments.only in {None, name}:
            part(options)


if __name__ == "__main__":
    main()
