"""What moved, and the loss before labels: what is found, and what intervals hold.

    python benchmarks/drift.py                  # all tables, about half an hour
    python benchmarks/drift.py --draws 50       # fewer draws of each
    python benchmarks/drift.py --only time      # one part: cover or time

The reference has Gaussian logits and a miscalibration that bends; of the current rows
one thing differs. What is true of each scenario is an average over 400,000 predictions
whose class probabilities are known, without labels.
"""

import argparse
import time
import warnings
from functools import cache, partial
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from laws import draw_labels, linear, wave
from laws import softmax as probabilities
from samples import spread

from xent_metrics import (
    TERMS,
    Drift,
    Evaluation,
    OutsideReferenceWarning,
    decompose,
    drift,
    expected_loss,
)

SIZES = (500, 5000)
CLASSES = (2, 5)
DRAWS = {500: 300, 5000: 200}
N_TRUTH = 400_000
LEVEL = 0.95
CLEAR = 4.0  # standard errors
PARTS = ("mix", "concept", "expected_loss", "rows", "realised")
COMPARED = ("cross_entropy", "uncertainty", "resolution", "miscalibration", "skill")


class Scenario(NamedTuple):
    """What differs in the current rows: predictions, labels, or class frequencies.

    ``centre`` and ``sd`` are those of the last class's logit; ``slope`` and ``bias``
    change the logits of the labels' law, ``prior`` how often the last class is drawn.
    """

    name: str
    cause: str
    centre: float = 0.3
    sd: float = 1.5
    slope: float = 1.0
    bias: float = 0.0
    prior: float = 0.0


SCENARIOS = (
    Scenario("none", "nothing clear"),
    Scenario("mild covariate shift", "mix", centre=1.0),
    Scenario("strong covariate shift", "mix", centre=1.8, sd=1.8),
    Scenario("prior shift", "prior shift", prior=1.0),
    Scenario("intercept error", "constant shift", bias=1.0),
    Scenario("concept change", "concept change", slope=0.6),
)
BEFORE = SCENARIOS[0]


class Facts(NamedTuple):
    """What is true of a scenario."""

    before: float
    now: float
    expected: float
    entropy: float


def law(q: np.ndarray) -> np.ndarray:
    """The labels' probabilities in the reference: over-confident, with a bend."""
    return wave(linear(q, slope=0.75), height=0.3)


def draw(
    rng: np.random.Generator, n: int, k: int, scenario: Scenario
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and the probabilities of their labels."""
    last = np.eye(k)[-1]
    odds = np.exp(scenario.prior)
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    while sum(len(q) for q, _ in kept) < n:
        z = scenario.sd * rng.standard_normal((2 * n, k)) + scenario.centre * last
        q = probabilities(z)
        p = linear(law(q), slope=scenario.slope, bias=scenario.bias * last)
        weight = 1.0 + (odds - 1.0) * p[:, -1]
        rows = rng.random(len(p)) < weight / max(odds, 1.0)
        p = p * np.where(last > 0, odds, 1.0) / weight[:, None]
        kept.append((q[rows], p[rows]))
    q, p = (np.concatenate(parts)[:n] for parts in zip(*kept, strict=True))
    return q, p


def loss(q: np.ndarray, p: np.ndarray) -> float:
    return -float((p * np.log(q)).sum(axis=1).mean())


@cache
def facts(k: int, scenario: Scenario) -> Facts:
    """Averages over predictions whose labels' probabilities are known."""
    rng = np.random.default_rng((k, N_TRUTH))
    before = loss(*draw(rng, N_TRUTH, k, BEFORE))
    q, p = draw(rng, N_TRUTH, k, scenario)
    return Facts(before, loss(q, p), loss(q, law(q)), loss(q, q))


@cache
def true_terms(k: int, scenario: Scenario) -> dict[str, float]:
    """Terms that follow from the probabilities of labels given predictions."""
    rng = np.random.default_rng((k, N_TRUTH, 1))
    q, p = draw(rng, N_TRUTH, k, scenario)
    shares = p.mean(axis=0)
    cost, uncertainty = loss(q, p), loss(shares[None], shares[None])
    refinement = loss(p, p)
    return {
        "cross_entropy": cost,
        "uncertainty": uncertainty,
        "resolution": uncertainty - refinement,
        "miscalibration": cost - refinement,
        "skill": 1 - cost / uncertainty,
    }


def changes(k: int, scenario: Scenario) -> dict[str, float]:
    """What is true of the difference of each term."""
    now, before = true_terms(k, scenario), true_terms(k, BEFORE)
    return {term: now[term] - before[term] for term in COMPARED}


def held(
    k: int,
    n: int,
    scenario: Scenario,
    seed: int,
    true: Facts,
    change: dict[str, float],
) -> dict[str, float]:
    """Whether each interval of one draw holds the truth, and what was said.

    What is true is passed: processes do not share what one of them has kept.
    """
    rng = np.random.default_rng((seed, n, k))
    sets = []
    for one in (BEFORE, scenario):
        q, p = draw(rng, n, k, one)
        y = draw_labels(rng, p)
        sets.append((Evaluation.from_predictions(y, q, labels=range(k)), q))
    (before, _), (now, q) = sets
    found = drift(before, now, level=LEVEL)
    with warnings.catch_warnings():  # of predictions outside the reference's range
        warnings.simplefilter("ignore", OutsideReferenceWarning)
        ahead = expected_loss(before, q)
    realised = -np.log(q[np.arange(n), draw_labels(rng, law(q))]).mean()
    truths = {
        "mix": (true.expected - true.before, (found.mix.low, found.mix.high)),
        "concept": (true.now - true.expected, (found.concept.low, found.concept.high)),
        "expected_loss": (true.expected, ahead.ci(LEVEL)),
        "rows": (loss(q, law(q)), ahead.ci(LEVEL, of="rows")),
        "realised": (realised, ahead.ci(LEVEL, of="realised")),
    }
    for term in COMPARED:
        one = found.differences[term]
        truths[term] = change[term], (one.low, one.high)
    result = {
        name: low <= value <= high for name, (value, (low, high)) in truths.items()
    }
    return {
        **result,
        "cause": found.cause,
        "effect": effect(found, scenario.cause),
        "outside": found.share_outside,
        "error": abs(ahead.expected_loss - true.now),
        "of reference": abs(before.terms["cross_entropy"] - true.now),
        "of entropy": abs(ahead.predictive_entropy - true.now),
    }


def effect(found: Drift, cause: str) -> float:
    """How far what a cause is told by is from none, in standard errors.

    A prior shift is told by the shift of the logits and by predictions that moved.
    """
    if cause == "mix":
        return abs(found.mix.difference) / found.mix.standard_error
    if cause == "concept change":
        return abs(found.concept.difference) / found.concept.standard_error
    told_by = {
        "constant shift": ["no shift"],
        "prior shift": ["no shift", "same predictions"],
    }
    pvalues = [max(found.pvalues[name], 1e-300) for name in told_by.get(cause, [])]
    return min((-NormalDist().inv_cdf(one / 2.0) for one in pvalues), default=0.0)


def table(columns: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def tables(draws: int | None, sizes: tuple[int, ...]) -> None:
    """Coverage of all intervals, how near estimates are, and the causes named."""
    cover, near, named = [], [], []
    for k in CLASSES:
        for n in sizes:
            for scenario in SCENARIOS:
                count = draws or DRAWS[n]
                true = facts(k, scenario), changes(k, scenario)
                calls = [(k, n, scenario, i, *true) for i in range(count)]
                found = spread(held, calls)
                title = [str(k), f"{n:,}", scenario.name]
                cells = [
                    f"{np.mean([one[name] for one in found]):.3f}"
                    for name in (*PARTS, *COMPARED)
                ]
                outside = np.mean([one["outside"] for one in found])
                cover.append([*title, str(count), *cells, f"{outside:.1%}"])
                errors = [
                    np.mean([one[name] for one in found])
                    for name in ("error", "of reference", "of entropy")
                ]
                near.append([*title, *(f"{1e4 * error:.0f}" for error in errors)])
                causes = [one["cause"] for one in found]
                effects = np.array([one["effect"] for one in found])
                clear = (effects > CLEAR) | (scenario is BEFORE)
                right = np.array([cause == scenario.cause for cause in causes])
                of_clear = f"{right[clear].mean():.0%}" if clear.any() else ""
                prior = np.mean([cause == "prior shift" for cause in causes])
                values = (
                    *(f"{np.median(effects):.1f}", f"{clear.mean():.0%}"),
                    *(of_clear, f"{prior:.0%}"),
                )
                named.append([*title, scenario.cause, *values])
                print(title, cells, errors, values, flush=True)
    heads = ["classes", "n", "scenario"]
    print("\nIntervals of 95 % that hold the truth\n")
    table([*heads, "draws", *PARTS, *COMPARED, "outside"], cover)
    print("\nMean error as an estimate of the current loss, x 1e-4\n")
    table([*heads, "expected loss", "reference's loss", "model's entropy"], near)
    print("\nThe cause that is named; effects in standard errors\n")
    columns = ["cause", "effect", "clear", "named where clear", "called prior shift"]
    table([*heads, *columns], named)


def times() -> None:
    """Seconds of an expected loss, beside those of a fused pass with labels."""
    rng = np.random.default_rng(0)
    columns = ["classes", "rows", "one pass with labels", "expected loss", "ratio"]
    rows = []
    for k in (2, 10):
        q, p = draw(rng, 1_000_000, k, BEFORE)
        y = draw_labels(rng, p)
        reference = Evaluation.from_predictions(y[:20_000], q[:20_000], labels=range(k))
        expected_loss(reference, q[:1000])
        calls = {
            "pass": partial(decompose, y, q, labels=range(k), recalibration="none"),
            "expected": partial(expected_loss, reference, q),
        }
        seconds = {}
        for name, call in calls.items():
            each = []
            for _ in range(3):
                start = time.process_time()
                call()
                each.append(time.process_time() - start)
            seconds[name] = min(each)
        ratio = seconds["expected"] / seconds["pass"]
        cells = [f"{one:.2f} s" for one in seconds.values()]
        rows.append([str(k), "1,000,000", *cells, f"{ratio:.2f}"])
    table(columns, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int)
    parser.add_argument("--rows", type=int, nargs="*", default=SIZES)
    parser.add_argument("--only", choices=("cover", "time"))
    asked = parser.parse_args()
    assert set(COMPARED) <= set(TERMS)
    if asked.only != "time":
        tables(asked.draws, tuple(asked.rows))
    if asked.only != "cover":
        times()
