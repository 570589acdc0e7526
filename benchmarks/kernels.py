"""The kernels beside their peers: CPU time and memory, measured in one run.

    python benchmarks/kernels.py            # the tables of benchmarks/README.md
    python benchmarks/kernels.py --quick    # a tenth of the rows

Each work is timed in turn with its peer, five times after a warm-up, as CPU time of
the whole process; the table shows medians and their ratio. Extra memory is the peak
that numpy allocates above what the call returns.
"""

import argparse
import gc
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import NamedTuple

import floor
import numpy as np
import pandas as pd
import scipy.stats
from sklearn.metrics import log_loss

from xent_metrics import cross_entropy, entropy, kl_divergence, per_sample
from xent_metrics._inputs.labels import encode

warnings.filterwarnings("ignore", message="The y_prob values do not sum to one")
RNG = np.random.default_rng(0)


class Work(NamedTuple):
    """One row of the table."""

    name: str
    peer_name: str
    ours: Callable[[], object]
    peer: Callable[[], object]
    at_least: float
    aim: float
    repeat: int = 1


def table(n: int, k: int, dtype: str = "float64") -> np.ndarray:
    """Draw rows of probabilities."""
    rows = RNG.exponential(size=(n, k)).astype(dtype)
    rows /= rows.sum(axis=1, keepdims=True)
    return rows


def similar(rows: np.ndarray, noise: float) -> np.ndarray:
    """Rows whose logarithms differ by Gaussian noise, as a model's do from others'."""
    near = rows * np.exp(noise * RNG.standard_normal(rows.shape))
    near /= near.sum(axis=1, keepdims=True)
    return near


def separate_pieces(y: np.ndarray, q: np.ndarray) -> tuple[object, ...]:
    """Compute what the fused pass yields with the usual libraries."""
    n, k = q.shape
    one_hot = np.zeros_like(q)
    one_hot[np.arange(n), y] = 1
    q_true = q[np.arange(n), y]
    return (
        log_loss(y, q, labels=np.arange(k)),
        scipy.stats.entropy(one_hot, axis=1),
        scipy.stats.entropy(one_hot, q, axis=1),
        scipy.stats.entropy(q, axis=1),
        q.max(axis=1),
        q.argmax(axis=1) == y,
        q_true,
    )


def works(scale: float) -> list[Work]:
    """Set the works up."""
    rows: list[Work] = []
    for n, k, dtype, least, aim in (
        (1_000_000, 10, "float64", 12, 20),
        (5_000_000, 10, "float32", 12, 20),
        (50_000, 1000, "float64", 16, 25),
    ):
        n_rows = int(n * scale)
        q, y = table(n_rows, k, dtype), RNG.integers(k, size=n_rows)
        labels = np.arange(k)
        size = f"{n_rows:,} x {k} {dtype}"
        rows.append(
            Work(
                f"hard-label CE, checked, {size}",
                "sklearn log_loss",
                lambda q=q, y=y, labels=labels: cross_entropy(y, q, labels=labels),
                lambda q=q, y=y, labels=labels: log_loss(y, q, labels=labels),
                least,
                aim,
            )
        )
        rows.append(
            Work(
                f"entropy per row, {size}",
                "scipy entropy",
                lambda q=q: entropy(q, reduction=None),
                lambda q=q: scipy.stats.entropy(q, axis=1),
                3.8,
                6,
            )
        )
        if dtype == "float32":
            continue
        p = table(n_rows, k, dtype)
        rows += [
            Work(
                f"KL of two tables, {size}",
                "scipy entropy",
                lambda p=p, q=q: kl_divergence(p, q, reduction=None),
                lambda p=p, q=q: scipy.stats.entropy(p, q, axis=1),
                6,
                9,
            ),
            *(
                Work(
                    f"KL of tables that differ by {noise:g}, {size}",
                    "scipy entropy",
                    lambda p=near, q=q: kl_divergence(p, q, reduction=None),
                    lambda p=near, q=q: scipy.stats.entropy(p, q, axis=1),
                    8,
                    12,
                )
                for noise in (0.3, 1e-3)
                for near in [similar(q, noise)]
            ),
            Work(
                f"the fused pass, {size}",
                "sklearn + scipy + numpy",
                lambda q=q, y=y, labels=labels: per_sample(y, q, labels=labels),
                lambda q=q, y=y: separate_pieces(y, q),
                9,
                14,
            ),
        ]
    q, y = table(100, 3), RNG.integers(3, size=100)
    rows.append(
        Work(
            "call overhead, 100 x 3",
            "sklearn log_loss",
            lambda: cross_entropy(y, q),
            lambda: log_loss(y, q),
            40,
            60,
            repeat=200,
        )
    )
    names = np.array([f"class {i:04d}" for i in range(100)])
    words = names[RNG.integers(100, size=int(1_000_000 * scale))]
    classes = tuple(names.tolist())
    for kind, column in (("numpy U10", words), ("pandas str", pd.Series(words))):
        rows.append(
            Work(
                f"string labels, {kind}, {len(words):,}",
                "np.unique",
                lambda column=column: encode(column, classes),
                lambda column=column: np.unique(column, return_inverse=True),
                10,
                20,
            )
        )
    return rows


def seconds(function: Callable[[], object], repeat: int) -> float:
    """CPU seconds of one call."""
    gc.collect()
    start = time.process_time()
    for _ in range(repeat):
        function()
    return (time.process_time() - start) / repeat


def extra_memory(function: Callable[[], object]) -> float:
    """Megabytes allocated at the peak, above what is returned."""
    gc.collect()
    tracemalloc.start()
    result = function()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return (peak - held) / 2**20


def share_of_logarithms(n: int, k: int) -> str:
    """Say what share of the entropy's time numpy's logarithm alone takes."""
    q = table(n, k)
    out = np.empty_like(q)
    rows = max(1, 32_768 // k)
    parts = [(q[i : i + rows], out[i : i + rows]) for i in range(0, n, rows)]

    def logarithms() -> None:
        for part, memory in parts:
            np.log(part, out=memory)

    def entropies() -> None:
        entropy(q, reduction=None)

    pairs = [(seconds(logarithms, 1), seconds(entropies, 1)) for _ in range(6)][1:]
    share = statistics.median(log / whole for log, whole in pairs)
    alone = statistics.median(log for log, _ in pairs)
    return (
        f"np.log of {n:,} x {k} values alone: {alone * 1e3:.0f} ms, "
        f"{share:.0%} of their entropies"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--only", default="", help="works whose name holds this text")
    options = parser.parse_args()
    head = ("work", "peer", "ours", "peer's", "ratio", "at least", "aim", "extra MB")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for work in works(0.1 if options.quick else 1.0):
        if options.only not in work.name:
            continue
        pairs = [
            (seconds(work.ours, work.repeat), seconds(work.peer, work.repeat))
            for _ in range(6)
        ][1:]
        ours, peer = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(theirs / mine for mine, theirs in pairs)
        memory = extra_memory(work.ours), extra_memory(work.peer)
        print(
            f"| {work.name} | {work.peer_name} | {ours * 1e3:.3f} ms | "
            f"{peer * 1e3:.3f} ms | {ratio:.1f}x | {work.at_least}x | {work.aim}x | "
            f"{memory[0]:.1f} ({memory[1]:.0f}) |",
            flush=True,
        )
    if not options.only:
        print()
        for n, k in ((1_000_000, 10), (50_000, 1000)):
            print(share_of_logarithms(n // 10 if options.quick else n, k))
        print()
        floor.main(quick=options.quick)


if __name__ == "__main__":
    main()
