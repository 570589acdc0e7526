"""Scoring in cross-validation beside scikit-learn's log loss: CPU time.

    python benchmarks/scoring.py

Calls of a pair take turns; each ratio is the median of the pairs' ratios.
"""

import gc
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsClassifier

from xent_metrics.scorers import DecompositionScorer, get_scorer

FIVE = (
    "neg_cross_entropy",
    "neg_miscalibration",
    "neg_refinement",
    "resolution",
    "skill",
)
PAIRS = 7


def cpu_seconds(run: Callable[[], object]) -> float:
    gc.collect()
    before = time.process_time()
    run()
    return time.process_time() - before


def row(
    what: str,
    ours: Callable[[], object],
    other: Callable[[], object],
    wanted: float,
) -> None:
    """A line of the table: medians, and the median of the pairs' ratios."""
    ours(), other()
    pairs = []
    for turn in range(PAIRS):
        first, second = (ours, other) if turn % 2 else (other, ours)
        one, two = cpu_seconds(first), cpu_seconds(second)
        pairs.append((one, two) if turn % 2 else (two, one))
    times = [statistics.median(column) for column in zip(*pairs, strict=True)]
    ratio = statistics.median(a / b for a, b in pairs)
    print(
        f"| {what} | {times[0]:.2f} s | {times[1]:.2f} s | {ratio:.3f}x "
        f"| at most {wanted:.2f}x |",
        flush=True,
    )


def validated(
    model: BaseEstimator, data: tuple[np.ndarray, np.ndarray], scoring: object
) -> Callable[[], object]:
    return lambda: cross_validate(model, *data, scoring=scoring, cv=5)


def searched(data: tuple[np.ndarray, np.ndarray], scoring: object) -> Callable:
    search = GridSearchCV(
        LogisticRegression(),
        {"C": [0.01, 0.1, 1.0, 10.0]},
        scoring=scoring,
        refit=False,
    )
    return lambda: search.fit(*data)


def main() -> None:
    warnings.simplefilter("error")
    print("| work | ours | the other | ratio | wanted |\n|---|---|---|---|---|")
    every = DecompositionScorer()
    assert len(every.terms) == 10
    for n, k in ((2000, 2), (2000, 5), (5000, 3)):
        data = make_classification(n, 20, n_informative=10, n_classes=k, random_state=0)
        forest = RandomForestClassifier(100, random_state=0)
        row(
            f"10 terms against neg_log_loss, random forest of 100 trees, {n:,} x {k}",
            validated(forest, data, every),
            validated(forest, data, "neg_log_loss"),
            1.05,
        )
    data = make_classification(2000, 20, n_informative=10, random_state=0)
    for name in ("slope-bias", "temperature", "auto"):
        scorer = DecompositionScorer(recalibration=name)
        row(
            f"10 terms by {name} against neg_log_loss, small search of logistic "
            "regressions, 2,000 x 2",
            searched(data, scorer),
            searched(data, "neg_log_loss"),
            1.30,
        )
    five = {name: get_scorer(name) for name in FIVE}
    data = make_classification(4000, 20, n_informative=10, n_classes=3, random_state=0)
    neighbours = KNeighborsClassifier(20, algorithm="brute", metric="manhattan")
    row(
        "10 terms against five scorers, nearest neighbours, 4,000 x 3",
        validated(neighbours, data, every),
        validated(neighbours, data, five),
        0.60,
    )


if __name__ == "__main__":
    main()
