"""Frames against arrays: rows, groups and the page, printed as ratios.

Run ``python benchmarks/frames.py``. Times are CPU seconds, the least of several runs,
with one thread. "at least" and "at most" are what the project asks of itself.
"""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from xent_metrics import Evaluation, per_sample

N, K, GROUPS = 1_000_000, 10, 1000


def least(run: Callable[[], object], times: int = 7) -> float:
    run()
    found = []
    for _ in range(times):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


def line(what: str, seconds: float, peer: str, of_peer: float, bar: str) -> None:
    print(f"| {what} | {seconds:.3f} | {peer} | {seconds / of_peer:.2f} | {bar} |")


def main() -> None:
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(K), N)
    y = rng.integers(K, size=N)
    frame = pd.DataFrame(q, columns=[f"p_{k}" for k in range(K)])
    frame["y"] = y
    frame["text"] = pd.Series(y.astype(str))
    frame["group"] = rng.integers(GROUPS, size=N)
    frame["name"] = pd.Series(frame["group"].astype(str).astype("category"))

    print(f"{N:,} rows, {K} classes, {GROUPS} groups\n")
    print("| work | seconds | peer | ratio | at most |")
    print("|---|---|---|---|---|")
    arrays = least(lambda: per_sample(y, q, labels=range(K)))
    for target in ("y", "text"):
        view = frame.xent(target=target, proba="p_")
        found = least(view.per_sample)
        line(f"per_sample of a frame, {target}", found, "arrays", arrays, "1.3")

    evaluation = frame.xent.evaluate("y", "p_", recalibration="none")
    frame["cost"] = evaluation.per_sample["cross_entropy"]
    for key in ("group", "name"):
        groups = frame.groupby(key, observed=True)["cost"]
        peer = least(lambda key=key: frame.groupby(key, observed=True)["cost"].mean())
        assert len(groups) == GROUPS
        found = least(lambda key=key: evaluation.summary(frame[key]))
        line(f"summary(by={key})", found, "groupby-mean", peer, "3")
        found = least(lambda key=key: evaluation.decomposition.by(frame[key]), 3)
        line(f"decomposition.by({key})", found, "groupby-mean", peer, "")

    few = slice(10_000)
    small = Evaluation.from_predictions(y[few], q[few], recalibration="temperature")
    small.to_html()
    start = time.perf_counter()
    page = small.to_html(by=frame["group"][few] % 7)
    took = time.perf_counter() - start
    print(f"\nPage of 10,000 rows: {took:.2f} s (at most 3), {len(page) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
