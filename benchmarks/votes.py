"""The entropy behind a few votes: bias of each correction, and intervals of one.

    python benchmarks/votes.py                # both tables
    python benchmarks/votes.py --draws 50     # fewer samples per setting

Class probabilities are drawn from Dirichlet distributions around the predictions, and
votes from these. Figures are in nats x 1e-4.
"""

import argparse
import warnings

import numpy as np
from samples import spread
from scipy import special

from xent_metrics import SmallSampleWarning, decompose

N = 500
CONCENTRATION = 5.0
VOTES = (2, 3, 5, 10, 20)
CLASSES = (2, 3, 5, 10)
CORRECTIONS = (None, "miller-madow", "jackknife", "dirichlet")
UNIT = 1e4


def sample(k: int, n_votes: int, seed: int) -> list[tuple[float, float, bool]]:
    """Error, standard error and whether the interval holds, by correction."""
    rng = np.random.default_rng([k, n_votes, seed])
    q = rng.dirichlet(np.ones(k), N)
    p = rng.standard_gamma(CONCENTRATION * q + 1e-12)
    p /= p.sum(axis=1, keepdims=True)
    votes, truth = (
        rng.multinomial(n_votes, p),
        float(special.entr(p).sum(axis=1).mean()),
    )
    found = []
    for correction in CORRECTIONS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SmallSampleWarning)
            result = decompose(
                votes,
                q,
                target_type="votes",
                recalibration="temperature",
                vote_correction=correction,
            )
        low, high = result.ci()["irreducible"]
        error = result.irreducible - truth
        found.append((error, result.standard_errors["irreducible"], low < truth < high))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draws", type=int, default=200)
    draws = parser.parse_args().draws
    print("| K | votes | bias: none | miller-madow | jackknife | dirichlet ", end="")
    print("| its sd | its mean error | its coverage |\n|" + "---|" * 9)
    for k in CLASSES:
        for n_votes in VOTES:
            found = spread(sample, [(k, n_votes, seed) for seed in range(draws)])
            errors, theirs, held = np.moveaxis(np.array(found, dtype=float), 2, 0)
            biases = " | ".join(f"{bias * UNIT:.0f}" for bias in errors.mean(axis=0))
            print(
                f"| {k} | {n_votes} | {biases} | {errors[:, -1].std() * UNIT:.0f} | "
                f"{theirs[:, -1].mean() * UNIT:.0f} | {held[:, -1].mean():.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
