"""How often the band of the reliability plot holds the true recalibration map.

    python benchmarks/band.py           # the tables
    python benchmarks/band.py --quick   # a tenth of the replications

Labels are drawn from the laws of laws.py. Two classes: the share of rows at whose
prediction the band holds the law of the label. Several: the share of bins in which it
holds the mean law of the class predicted. The least is that of the worst tenth of rows,
or bin, in the order of predictions.
"""

import argparse
import warnings
from statistics import NormalDist

import numpy as np
from laws import SEVERAL_CLASSES, TWO_CLASSES, Law, draw_labels

from xent_metrics import Evaluation
from xent_metrics.plotting._bins import in_bins
from xent_metrics.plotting._map_curve import map_curve
from xent_metrics.plotting._rows import classes_of, rows_of_class

N_BINS, TENTHS = 15, 10
Z = NormalDist().inv_cdf(0.975)


def held(law: Law, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """Where the band holds the truth, in the order of predictions; None without one."""
    q, c = law.draw(rng, n)
    labels = range(law.n_classes)
    evaluation = Evaluation.from_predictions(draw_labels(rng, c), q, labels=labels)
    place = 1 if law.n_classes == 2 else None
    rows = rows_of_class(evaluation, place)
    bins = in_bins(rows, N_BINS, Z)
    drawn = map_curve(evaluation, place, rows, bins, Z)
    if drawn.low is None or drawn.high is None:
        return None
    truth = c[np.arange(n), classes_of(place, q.T)]
    if place is None:
        mean = np.bincount(bins.codes, truth) / np.bincount(bins.codes)
        return (drawn.low <= mean) & (mean <= drawn.high)
    order = np.argsort(rows.predicted, kind="stable")
    low, high = (
        np.interp(rows.predicted[order], drawn.predicted, side)
        for side in (drawn.low, drawn.high)
    )
    inside = (low <= truth[order]) & (truth[order] <= high)
    return np.array([part.mean() for part in np.array_split(inside, TENTHS)])


def coverage(law: Law, n: int, replications: int) -> str:
    """One row of a table."""
    rng = np.random.default_rng(0)
    found = [held(law, n, rng) for _ in range(replications)]
    kept = [one for one in found if one is not None]
    if not kept:
        return f"| {law.title} | {n:,} | no band | |"
    width = max(map(len, kept))
    full = np.array([one for one in kept if len(one) == width])
    mean = np.mean([one.mean() for one in kept])
    least = full.mean(axis=0).min()
    note = "" if len(kept) == len(found) else f" ({len(found) - len(kept)} without)"
    return f"| {law.title} | {n:,} | {mean:.1%}{note} | {least:.1%} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    scale = 10 if parser.parse_args().quick else 1
    warnings.simplefilter("ignore")
    print("| law | rows | held | least |\n|---|---|---|---|")
    for laws, sizes in (
        (TWO_CLASSES, {500: 200, 2000: 200}),
        (SEVERAL_CLASSES, {2000: 30}),
    ):
        for law in laws:
            for n, replications in sizes.items():
                print(coverage(law, n, max(replications // scale, 3)), flush=True)


if __name__ == "__main__":
    main()
