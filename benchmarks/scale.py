"""Files larger than memory: time, memory, and how cost grows, beside DuckDB and Polars.

    python benchmarks/scale.py make FOLDER [--rows 100_000_000] [--float32]
    python benchmarks/scale.py time FOLDER
    python benchmarks/scale.py slopes

``time`` runs each work in a process of its own, in turn, three times after a warm-up
that leaves the files in the page cache. Seconds are those of the work, without imports;
memory is the most that the process ever held, pages of files included, and the most of
it that was anonymous, which is looked at 50 times a second. A peer that is not
installed is left out. ``slopes`` makes files of its own and prints the slopes of lines
through the logarithms of CPU seconds and of size.
"""

import argparse
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROWS_OF_FILE, ROWS_OF_GROUP, GROUPS = 10_000_000, 1_000_000, 1000
THREADS = 2
SEED, NOISE = 20_240_901, 0.2
PEERS = ("duckdb", "polars")
LOOK = 0.02  # seconds between two looks at the memory


# -- data -------------------------------------------------------------------


def block(
    number: int, rows: int, classes: int, groups: int, kind: type
) -> dict[str, np.ndarray]:
    """Columns of some rows; one label in five is noise that predictions ignore."""
    rng = np.random.default_rng([SEED, number])
    p = rng.standard_exponential((classes, rows), dtype=kind)
    p /= p.sum(axis=0)
    u = rng.random(rows, dtype=kind)
    y, below = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=kind)
    for k in range(classes - 1):
        below += p[k]
        y += u >= below
    noisy = rng.random(rows, dtype=kind) < NOISE
    y[noisy] = rng.integers(classes, size=np.count_nonzero(noisy))
    columns = {f"p_{k}": p[k] for k in range(classes)}
    return {**columns, "y": y, "g": rng.integers(groups, size=rows)}


def make(
    folder: Path,
    rows: int,
    *,
    classes: int = 10,
    groups: int = GROUPS,
    of_group: int = ROWS_OF_GROUP,
    kind: type = np.float64,
) -> None:
    """Write Parquet files, a row group at a time."""
    pa = importlib.import_module("pyarrow")
    pq = importlib.import_module("pyarrow.parquet")
    folder.mkdir(parents=True, exist_ok=True)
    for file, first in enumerate(range(0, rows, ROWS_OF_FILE)):
        writer = None
        last = min(first + ROWS_OF_FILE, rows)
        for start in range(first, last, of_group):
            size = min(of_group, last - start)
            found = block(start, size, classes, groups, kind)
            table = pa.table(found)
            if writer is None:
                path = folder / f"part-{file:04}.parquet"
                writer = pq.ParquetWriter(path, table.schema, use_dictionary=["y", "g"])
            writer.write_table(table, row_group_size=of_group)
        writer.close()


def size_of(folder: Path) -> float:
    """Gigabytes of the files."""
    return sum(one.stat().st_size for one in folder.glob("*.parquet")) / 1e9


# -- the works, each in a process of its own --------------------------------


def ours(folder: str, recalibration: str = "none", n_jobs: int = THREADS) -> float:
    scan = importlib.import_module("xent_metrics").scan
    found = scan(
        folder,
        target="y",
        proba="p_",
        by="g",
        recalibration=recalibration,
        n_jobs=n_jobs,
        progress=False,
    )
    return found.decomposition.cross_entropy


def duckdb(folder: str) -> float:
    """A sum of products: faster than CASE, a list, or a filter for each class."""
    module = importlib.import_module("duckdb")
    files = f"read_parquet('{folder}/*.parquet')"
    with module.connect(config={"threads": THREADS}) as connection:
        columns = connection.execute(f"describe from {files}").fetchall()
        classes = [name for name, *_ in columns if name.startswith("p_")]
        chosen = " + ".join(f"(y = {k})::int * {p}" for k, p in enumerate(classes))
        query = f"select -avg(ln({chosen})) from {files}"  # noqa: S608 - our own names
        return connection.execute(query).fetchall()[0][0]


def polars(folder: str) -> float:
    """When and then: faster than a sum of products, as fast as filters."""
    pl = importlib.import_module("polars")
    frame = pl.scan_parquet(f"{folder}/*.parquet")
    classes = [n for n in frame.collect_schema().names() if n.startswith("p_")]
    chosen = pl.col(classes[-1])
    for k, name in list(enumerate(classes))[-2::-1]:
        chosen = pl.when(pl.col("y") == k).then(pl.col(name)).otherwise(chosen)
    return frame.select(-chosen.log().mean()).collect(engine="streaming").item()


WORKS: dict[str, Callable[[str], float]] = {
    "ours": ours,
    "duckdb": duckdb,
    "polars": polars,
    "temperature": lambda folder: ours(folder, "temperature"),
    "auto": lambda folder: ours(folder, "auto"),
    "one": lambda folder: ours(folder, n_jobs=1),
}


def held(kind: str) -> float:
    """Megabytes that this process holds: VmHWM is the most of all, RssAnon now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(kind):
            return int(line.split()[1]) / 1024
    raise LookupError(kind)


@contextmanager
def watched() -> Iterator[list[float]]:
    """The most anonymous memory, as far as it is seen, in a list of one."""
    most, done = [held("RssAnon")], threading.Event()

    def look() -> None:
        while not done.wait(LOOK):
            most[0] = max(most[0], held("RssAnon"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def child(work: str, folder: str) -> None:
    """Do a work and print what it took."""
    name = {"temperature": "ours", "auto": "ours", "one": "ours"}.get(work, work)
    module = "xent_metrics" if name == "ours" else name
    importlib.import_module(module)
    if name == "ours":
        importlib.import_module("pyarrow.dataset")
    with watched() as anonymous:
        wall, cpu = time.perf_counter(), time.process_time()
        value = WORKS[work](folder)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    found = {
        "wall": wall,
        "cpu": cpu,
        "held": held("VmHWM"),
        "anonymous": anonymous[0],
        "value": value,
    }
    print(json.dumps(found))


def run(work: str, folder: Path) -> dict[str, float]:
    """What a work takes in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "child", work, str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"POLARS_MAX_THREADS": str(THREADS), "OPENBLAS_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1])


# -- commands ---------------------------------------------------------------


def compare(folder: Path, times: int, maps: list[str]) -> None:
    """Print ours beside the peers', and the passes with a map."""
    works = ["ours"]
    for peer in PEERS:
        if importlib.util.find_spec(peer) is None:
            print(f"{peer} is not installed and is left out.")
        else:
            works.append(peer)
    print(f"{folder}: {size_of(folder):.1f} GB, {THREADS} threads each\n")
    run(works[-1], folder)
    rounds = [{work: run(work, folder) for work in works} for _ in range(times)]
    print("| work | wall s | CPU s | MB at most | MB anonymous | CE |")
    print("|---|---|---|---|---|---|")
    for work in works:
        print(row(work, [one[work] for one in rounds]))
    for work in maps:
        print(row(work, [run(work, folder)]), flush=True)
    print("\n| work | peer | ratio | wanted |\n|---|---|---|---|")
    for peer in works[1:]:
        for kind in ("wall", "cpu"):
            ratio = statistics.median(a["ours"][kind] / a[peer][kind] for a in rounds)
            print(f"| scan, {kind} time | {peer} | {ratio:.2f}x | at most 1.3x |")


def row(work: str, found: list[dict[str, float]]) -> str:
    """Medians of time and the most of memory."""
    wall, cpu = (statistics.median(a[kind] for a in found) for kind in ("wall", "cpu"))
    most, own = (max(one[kind] for one in found) for kind in ("held", "anonymous"))
    value = found[0]["value"]
    return f"| {work} | {wall:.2f} | {cpu:.2f} | {most:.0f} | {own:.0f} | {value:.9f} |"


def slopes() -> None:
    """Print how cost grows with groups, parts and rows."""
    rows = 2_000_000
    sizes = {
        "groups": [
            (groups, {"rows": rows, "groups": groups})
            for groups in (10, 100, 1000, 10_000, 100_000)
        ],
        "parts": [
            (rows // size, {"rows": rows, "of_group": size})
            for size in (1_000_000, 250_000, 62_500, 15_625, 4000, 1000)
        ],
        "rows": [
            (n, {"rows": n})
            for n in (250_000, 500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000)
        ],
    }
    for name, cases in sizes.items():
        print(f"\n| {name} | CPU s | MB at most |")
        print("|---|---|---|")
        found = list(measured(cases))
        x, seconds = np.log([[n, cpu] for n, cpu, _ in found]).T
        for n, cpu, most in found:
            print(f"| {n:,} | {cpu:.2f} | {most:.0f} |")
        steps = np.diff(seconds) / np.diff(x)
        slope = np.polyfit(x, seconds, 1)[0]
        print(f"log-log slope {slope:.2f}; of the last step {steps[-1]:.2f}")


def measured(cases: list[tuple[int, dict[str, int]]]) -> Iterator[tuple[float, ...]]:
    """Size, CPU seconds and memory of one job on data of each case."""
    for n, options in cases:
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), **options)
            found = [run("one", Path(name)) for _ in range(3)]
            yield n, min(a["cpu"] for a in found), max(a["held"] for a in found)


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("make")
    one.add_argument("folder", type=Path)
    one.add_argument("--rows", type=int, default=100_000_000)
    one.add_argument("--classes", type=int, default=10)
    one.add_argument("--float32", action="store_true")
    two = commands.add_parser("time")
    two.add_argument("folder", type=Path)
    two.add_argument("--times", type=int, default=3)
    two.add_argument("--maps", nargs="*", default=["temperature", "auto"])
    commands.add_parser("slopes")
    three = commands.add_parser("child")
    three.add_argument("work")
    three.add_argument("folder")
    given = parser.parse_args()
    if given.command == "make":
        kind = np.float32 if given.float32 else np.float64
        make(given.folder, given.rows, classes=given.classes, kind=kind)
        print(f"{given.rows:,} rows, {size_of(given.folder):.1f} GB")
    elif given.command == "time":
        compare(given.folder, given.times, given.maps)
    elif given.command == "slopes":
        slopes()
    else:
        child(given.work, given.folder)


if __name__ == "__main__":
    main()
