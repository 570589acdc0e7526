"""The kernels beside what bounds them: one read pass of the table, and compiled loops.

    python benchmarks/kernels.py            # prints these tables after the peers'
    python benchmarks/floor.py              # these tables alone
    python benchmarks/floor.py --quick      # a tenth of the rows

The read pass is `np.add.reduce(table, axis=None)`, the cheapest that reads each value
once; sums of rows (`axis=1`) are printed beside it. The loops are those of floor.c,
built here with the compiler that is at hand; without one their columns are empty.
"""

import argparse
import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from xent_metrics import cross_entropy, kl_divergence, per_sample

RNG = np.random.default_rng(0)
FLAGS = ["-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-shared", "-fPIC"]
CLIP = float(np.finfo(float).eps)
SIZES = (
    (1_000_000, 10, "float64", 3.0, 9.0),
    (50_000, 1000, "float64", 1.7, 5.5),
    (5_000_000, 10, "float32", 5.0, 11.0),
    (5_000_000, 2, "float64", 6.0, 15.0),
)


def build() -> ctypes.CDLL | None:
    """Compile the loops; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source = Path(__file__).with_name("floor.c")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "floor.so")
        command = [compiler, *FLAGS, str(source), "-o", str(library), "-lmvec", "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"floor.c was not built: {done.stderr.strip()}")
            return None
        return ctypes.CDLL(str(library))


def loop(
    library: ctypes.CDLL,
    name: str,
    first: np.ndarray,
    second: np.ndarray,
    out_rows: int,
) -> Callable[[], np.ndarray]:
    """A compiled loop over two arrays; it raises where it finds a bad row."""
    table = first if second.ndim == 1 else second
    n, k = table.shape
    tolerance = float(np.finfo(table.dtype).eps) ** 0.5
    function = getattr(library, f"{name}_f{table.dtype.itemsize * 8}")
    function.restype = ctypes.c_int64

    def run() -> np.ndarray:
        out = np.empty((out_rows, n) if out_rows else 1)
        bad = function(
            *(ctypes.c_void_p(array.ctypes.data) for array in (first, second)),
            *(ctypes.c_int64(size) for size in (n, k)),
            *(ctypes.c_double(value) for value in (tolerance, CLIP)),
            ctypes.c_void_p(out.ctypes.data),
        )
        if bad >= 0:
            msg = f"a rule is broken near row {bad}"
            raise ValueError(msg)
        return out

    return run


def seconds(function: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def side_by_side(functions: list[Callable[[], object]], turns: int = 9) -> np.ndarray:
    """Seconds of each function in each turn; a first turn warms up."""
    return np.array([[seconds(f) for f in functions] for _ in range(turns + 1)][1:])


def table(n: int, k: int, dtype: str) -> np.ndarray:
    """Draw rows of probabilities."""
    rows = RNG.exponential(size=(n, k)).astype(dtype)
    rows /= rows.sum(axis=1, keepdims=True)
    return rows


def against_bounds(scale: float) -> None:
    """Print the table of ratios to one read pass and to the loops."""
    library = build()
    if library is None:
        print("No C compiler was found: the loops' columns are empty.")
    head = (
        "work | ms | read pass, ms | ratio | at most | rows' sums, ms | C, ms | ratio"
    )
    print(f"| {head} | at most | C / read pass |")
    print("|" + "---|" * 10)
    for n, k, dtype, ce_aim, report_aim in SIZES:
        n_rows = int(n * scale)
        q, y = table(n_rows, k, dtype), RNG.integers(k, size=n_rows)
        labels = np.arange(k)
        works = [
            (
                "hard-label CE",
                lambda q=q, y=y, labels=labels: cross_entropy(y, q, labels=labels),
                ("cross_entropy", q, y, 0),
                f"{ce_aim:g}x",
                "1.4x",
            ),
            (
                "fused report",
                lambda q=q, y=y, labels=labels: per_sample(y, q, labels=labels),
                ("report", q, y, 5),
                f"{report_aim:g}x",
                "",
            ),
        ]
        if dtype == "float64":
            p = table(n_rows, k, dtype)
            works.append(
                (
                    "KL per row",
                    lambda p=p, q=q: kl_divergence(p, q, reduction=None),
                    ("kl", p, q, 1),
                    "",
                    "2.5x",
                )
            )
        for name, ours, (kernel, first, second, out_rows), aim, c_aim in works:
            functions = [
                ours,
                lambda q=q: np.add.reduce(q, axis=None),
                lambda q=q: np.add.reduce(q, axis=1),
            ]
            if library is not None:
                functions.append(loop(library, kernel, first, second, out_rows))
            times = side_by_side(functions)
            medians = [f"{1e3 * t:.1f}" for t in np.median(times, axis=0)]
            cells = [
                f"{name}, {n_rows:,} x {k} {dtype}",
                medians[0],
                medians[1],
                f"{np.median(times[:, 0] / times[:, 1]):.1f}x",
                aim,
                medians[2],
            ]
            if library is None:
                cells += ["", "", c_aim, ""]
            else:
                cells += [
                    medians[3],
                    f"{np.median(times[:, 0] / times[:, 3]):.2f}x",
                    c_aim,
                    f"{np.median(times[:, 3] / times[:, 1]):.1f}x",
                ]
            print("| " + " | ".join(cells) + " |", flush=True)


def slope(sizes: list[int], works: list[Callable[[], object]]) -> float:
    """Slope of the logarithm of the time in the logarithm of the size."""
    times = np.median(side_by_side(works, 5), axis=0)
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def slopes(scale: float) -> None:
    """Print how cost grows with the rows (K = 10) and the classes (2e6 values)."""
    rows = [int(n * scale) for n in (125_000, 250_000, 500_000, 1_000_000, 2_000_000)]
    classes = [2, 5, 10, 30, 100, 300, 1000]
    n_values = int(4_000_000 * scale)
    by_rows = [(table(n, 10, "float64"), RNG.integers(10, size=n)) for n in rows]
    by_classes = [
        (table(n_values // k, k, "float64"), RNG.integers(k, size=n_values // k))
        for k in classes
    ]
    measures = {
        "hard-label CE": lambda q, y: cross_entropy(y, q, labels=range(q.shape[1])),
        "fused report": lambda q, y: per_sample(y, q, labels=range(q.shape[1])),
        "KL per row": lambda q, _: kl_divergence(q[::-1].copy(), q, reduction=None),
    }
    print("| log-log slope of CPU time | in N, K = 10 | in K, N fixed |")
    print("|---|---|---|")
    for name, measure in measures.items():
        in_rows = slope(rows, [lambda d=data, m=measure: m(*d) for data in by_rows])
        # At a fixed number of values N K: the slope at fixed N is one more.
        in_classes = 1 + slope(
            classes, [lambda d=data, m=measure: m(*d) for data in by_classes]
        )
        print(f"| {name} | {in_rows:.2f} | {in_classes:.2f} |", flush=True)


def main(*, quick: bool = False) -> None:
    """Print both tables."""
    scale = 0.1 if quick else 1.0
    against_bounds(scale)
    print()
    slopes(scale)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    main(quick=parser.parse_args().quick)
