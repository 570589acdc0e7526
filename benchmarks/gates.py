"""How often sessions of gates fail: unchanged models, worse ones, lucky baselines.

Run ``python benchmarks/gates.py [N_SESSIONS]``; 400 sessions take about ten minutes.
A session has five checks of ``xent.no_worse``, one of each of ``TERMS``, of a model of
its own against a baseline from another sample. Lucky baselines are of cross-entropies.
"""

import sys
from collections.abc import Sequence

import numpy as np

from xent_metrics import Evaluation
from xent_metrics_pytest._baseline import Baseline
from xent_metrics_pytest._ledger import Ledger, Record
from xent_metrics_pytest._worse import Change, changes

ALPHA, N_CHECKS, N_ROWS = 0.05, 5, 1000
TERMS = ("cross_entropy", "miscalibration", "cross_entropy", "resolution", "skill")
POWERS = (1.0, 1.3, 0.8, 2.0, 1.0)  # how bold each model is


def evaluated(rng: np.random.Generator, power: float) -> Evaluation:
    q = rng.uniform(0.02, 0.98, size=N_ROWS)
    y = rng.uniform(size=N_ROWS) < q
    q = q**power / (q**power + (1 - q) ** power)
    return Evaluation.from_predictions(y, q, recalibration="slope-bias")


def baseline(evaluation: Evaluation) -> Baseline:
    return Baseline(evaluation=evaluation, rows=None, predictions=None, targets=None)


def session(found: Sequence[Change]) -> tuple[bool, int]:
    """Whether one of the changes fails, and how many are insufficient."""
    ledger = Ledger(
        alpha=ALPHA, insufficient="warn", update=False, declared=N_CHECKS, known={}
    )
    ledger.plan([])
    for one in found:
        status = one.status(ledger.at_once, ALPHA)
        ledger.records.append(
            Record(
                of="", term=one.term, value=one.worse, error=one.error,
                outcome=status, pvalue=one.pvalue,
            )
        )  # fmt: skip
    outcomes = [one.outcome for one in ledger.records]
    failed = "failed" in outcomes or bool(ledger.late())
    return failed, outcomes.count("insufficient")


def compared(
    rng: np.random.Generator,
    margins: Sequence[float],
    bold: Sequence[float] = POWERS,
) -> list[Change]:
    """The five changes of a session; ``bold`` are the models as they are now."""
    each = zip(TERMS, POWERS, bold, margins, strict=True)
    return [
        changes(
            baseline(evaluated(rng, before)), evaluated(rng, now), {term: margin}
        ).terms[0]
        for term, before, now, margin in each
    ]


def share(
    n_sessions: int,
    margins: Sequence[float],
    seed: int,
    bold: Sequence[float] = POWERS,
) -> tuple[float, float]:
    """Sessions of which a check fails, and insufficient checks of each."""
    rng = np.random.default_rng(seed)
    found = [session(compared(rng, margins, bold)) for _ in range(n_sessions)]
    failed, n_open = zip(*found, strict=True)
    return float(np.mean(failed)), float(np.mean(n_open))


def difference_of(seed: int, bold: float) -> tuple[float, float]:
    """The mean difference and error of the first check, from 200 pairs."""
    rng = np.random.default_rng(seed)
    found = [
        changes(
            baseline(evaluated(rng, POWERS[0])), evaluated(rng, bold), {TERMS[0]: 0.0}
        ).terms[0]
        for _ in range(200)
    ]
    worse, error = [one.worse for one in found], [one.error for one in found]
    return float(np.mean(worse)), float(np.mean(error))


def lucky(n_sessions: int, n_replaced: int, seed: int) -> float:
    """Sessions that fail after so many replacements by a better sample."""
    rng = np.random.default_rng(seed)
    pool = [evaluated(rng, 1.0) for _ in range(1000)]
    n_failed = 0
    for _ in range(n_sessions):
        drawn = [pool[k] for k in rng.choice(len(pool), N_CHECKS * (n_replaced + 2))]
        found = []
        for k in range(N_CHECKS):
            *before, now = drawn[k::N_CHECKS]
            best = min(before, key=lambda one: one.terms["cross_entropy"])
            found += changes(baseline(best), now, {"cross_entropy": 0.0}).terms
        n_failed += session(found)[0]
    return n_failed / n_sessions


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    none = (0.0,) * N_CHECKS
    failed, open_ = share(n, none, seed=1)
    print(f"unchanged models, margin 0: {failed:.1%} of {n} fail, {open_:.2f} open")
    failed, open_ = share(n, (0.02,) * N_CHECKS, seed=2)
    print(f"unchanged models, margin 0.02: {failed:.1%} fail, {open_:.2f} checks open")
    bold = (2.2, *POWERS[1:])
    worse, error = difference_of(3, bold[0])
    margins = (worse - 3.2 * error, *(0.02,) * (N_CHECKS - 1))
    failed, _ = share(n, margins, seed=4, bold=bold)
    print(f"one worse than its margin by 3.2 errors: {failed:.1%} fail")
    for n_replaced in (0, 1, 5, 20):
        failed = lucky(n, n_replaced, seed=5)
        print(f"baselines replaced {n_replaced} times if better: {failed:.1%} fail")


if __name__ == "__main__":
    main()
