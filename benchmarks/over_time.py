"""How often df.xent.over_time has a false alert, and how often it finds a change.

    python benchmarks/over_time.py           # the table, 200 draws for each row
    python benchmarks/over_time.py --quick   # a tenth of the draws

Twelve weeks of 500 rows, and a reference of 2,000. Log-odds are normal with a standard
deviation of 2, and those of the labels .8 times these; in the last three weeks the
slope is the one named. In groups of five rows, of the reference too, labels depend on
each other by a Gaussian copula of correlation .3. An alert before the change, or
without one, is false: at most 5 % of draws may have any.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from scipy.special import expit, ndtr

from xent_metrics import Evaluation

WEEKS, ROWS, LATE, REFERENCE = 12, 500, 3, 2000
CORRELATION, IN_GROUP = 0.3, 5
CASES = (
    ("nothing changes", 0.8, 0.0, False),
    ("nothing changes, groups", 0.8, 0.0, True),
    ("nothing changes, 5 % of labels are 1", 0.8, -5.0, False),
    ("slope .8 to .4", 0.4, 0.0, False),
    ("slope .8 to .4, groups", 0.4, 0.0, True),
)


def draw(
    rng: np.random.Generator, n: int, late: np.ndarray, case: tuple
) -> pd.DataFrame:
    """Rows, of which some are late."""
    _, slope, mean, groups = case
    logit = rng.normal(mean, 2.0, n)
    group = np.arange(n) // (IN_GROUP if groups else 1)
    u = rng.random(n)
    if groups:
        common = rng.normal(size=group.max() + 1)[group]
        own = rng.normal(size=n)
        u = ndtr(CORRELATION**0.5 * common + (1 - CORRELATION) ** 0.5 * own)
    y = u < expit(np.where(late, slope, 0.8) * logit)
    return pd.DataFrame({"p": expit(logit), "y": y.astype(int), "group": group})


def alerts(rng: np.random.Generator, case: tuple) -> np.ndarray:
    """Which weeks have an alert."""
    n, groups = WEEKS * ROWS, "group" if case[3] else None
    before = draw(rng, REFERENCE, np.zeros(REFERENCE, dtype=bool), case)
    columns = {"target": "y", "proba": "p", "groups": groups}
    reference = Evaluation.from_frame(before, **columns)
    week = np.repeat(np.arange(WEEKS), ROWS)
    frame = draw(rng, n, week >= WEEKS - LATE, case)
    frame["when"] = pd.Timestamp("2026-01-05") + pd.to_timedelta(7 * week, unit="D")
    found = frame.xent(**columns).over_time("when", freq="W", reference=reference)
    return found.table["alert"].to_numpy(dtype=bool)


def row(case: tuple, n_draws: int) -> str:
    """One row of the table."""
    rng = np.random.default_rng(0)
    found = np.array([alerts(rng, case) for _ in range(n_draws)])
    early, late = found[:, : WEEKS - LATE], found[:, WEEKS - LATE :]
    if case[1] == 0.8:
        return f"| {case[0]} | {found.any(axis=1).mean():.1%} | |"
    return f"| {case[0]} | {early.any(axis=1).mean():.1%} | {late.mean():.0%} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    n_draws = 20 if parser.parse_args().quick else 200
    warnings.simplefilter("ignore")
    print("| twelve weeks | any false alert | late weeks found |\n|---|---|---|")
    for case in CASES:
        print(row(case, n_draws), flush=True)


if __name__ == "__main__":
    main()
