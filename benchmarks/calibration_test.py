"""Size and power of `Decomposition.miscalibration_test` at the 5 % level.

    python benchmarks/calibration_test.py                # all tables
    python benchmarks/calibration_test.py --draws 100    # fewer samples per setting

Predictions are softmax of normal logits. Under the null hypothesis labels, groups of
five rows whose labels correlate (rho .5, a Gaussian copula), labels with exponential
weights, votes and distributions (from Dirichlet distributions around the predictions)
are drawn from them, and 300 labels with log-normal weights; for the power, labels are
drawn from a tempered or shifted copy.
"""

import argparse
import time
import warnings

import numpy as np
from samples import spread
from scipy import special

from xent_metrics import SmallSampleWarning, decompose

ROWS = {2: 1000, 3: 1000, 10: 1000}
KINDS = (
    *("labels", "groups", "weights"),
    *("3 votes", "10 votes", "50 votes", "distributions"),
)
HEAVY = "heavy weights", 2, 300  # kind, classes, rows
PER_GROUP = 5
CONCENTRATION = 5.0
POWERS = ((1.25, 0.0), (1.0, 0.3))


def targets(p: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Targets whose expectation is ``p``."""
    n, k = p.shape
    if kind == "distributions" or kind.endswith("votes"):
        drawn = rng.standard_gamma(CONCENTRATION * p + 1e-12)
        drawn /= drawn.sum(axis=1, keepdims=True)
        if kind == "distributions":
            return drawn
        return rng.multinomial(int(kind.removesuffix(" votes")), drawn)
    uniform = rng.random(n)
    if kind == "groups":
        shared = np.repeat(rng.standard_normal(n // PER_GROUP), PER_GROUP)
        uniform = special.ndtr(np.sqrt(0.5) * (shared + rng.standard_normal(n)))
    return (uniform[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)


def weights(kind: str, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """Weights of rows, or None where all weigh the same."""
    if kind == HEAVY[0]:
        return rng.lognormal(size=n)
    return rng.exponential(size=n) if kind == "weights" else None


def pvalue(
    n: int, k: int, kind: str, slope: float, shift: float, seed: int
) -> tuple[float, float]:
    """The p-value of one sample, and the seconds that the test took."""
    rng = np.random.default_rng([seed, n, k])
    logits = 1.5 * rng.standard_normal((n, k))
    p = special.softmax(logits, axis=1)
    q = special.softmax(slope * logits + shift * np.eye(k)[0], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        result = decompose(
            targets(p, kind, rng),
            q,
            labels=range(k),
            target_type="votes" if kind.endswith("votes") else "auto",
            groups=np.arange(n) // PER_GROUP if kind == "groups" else None,
            sample_weight=weights(kind, n, rng),
            recalibration="temperature",
        )
    start = time.perf_counter()
    test = result.miscalibration_test()
    return test.pvalue, time.perf_counter() - start


def rejected(
    n: int, k: int, kind: str, slope: float, shift: float, draws: int
) -> tuple[float, float]:
    """The share of samples that are rejected, and the median time of a test."""
    calls = [(n, k, kind, slope, shift, seed) for seed in range(draws)]
    values, seconds = np.transpose(spread(pvalue, calls))
    return float(np.mean(values <= 0.05)), float(np.median(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draws", type=int, default=400)
    draws = parser.parse_args().draws
    print("| targets | K | n | size | ms |\n|---|---|---|---|---|")
    every = [(kind, k, n) for kind in KINDS for k, n in ROWS.items()]
    for kind, k, n in (*every, HEAVY):
        size, seconds = rejected(n, k, kind, 1.0, 0.0, draws)
        print(f"| {kind} | {k} | {n} | {size:.3f} | {seconds * 1e3:.0f} |")
    print(f"\nBinomial error of a size: {np.sqrt(0.05 * 0.95 / draws):.3f}.\n")
    print("| predictions | K | n | power |\n|---|---|---|---|")
    for slope, shift in POWERS:
        for k, n in ROWS.items():
            power, _ = rejected(n, k, "labels", slope, shift, draws)
            what = f"logits x {slope}" if slope != 1.0 else f"one logit + {shift}"
            print(f"| {what} | {k} | {n} | {power:.2f} |")


if __name__ == "__main__":
    main()
