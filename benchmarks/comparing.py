"""Comparisons under one recalibration map: what is miscalibration, and what is not.

    python benchmarks/comparing.py               # all tables, about five minutes
    python benchmarks/comparing.py --draws 20    # fewer draws of each

The second model adds constants to the logits of the first, so that both have the same
refinement. Where both see the true logits, a map that can move class frequencies makes
them one model, and a difference is what its fit leaves; where each sees them through
noise of its own, of one size, the rows' refinements differ, but not their mean.
"""

import argparse
from itertools import product

import numpy as np
from samples import spread
from scipy.special import softmax
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from xent_metrics import Evaluation, compare
from xent_metrics.scorers import DecompositionScorer

NOISE = 0.5
SHIFT = 1.0
DRAWS = {(2, 500): 200, (2, 2000): 200, (3, 2000): 60}  # by classes and rows
MAPS = ("temperature", "auto")
TERMS = ("refinement", "miscalibration")


def flagged(k: int, n: int, noise: float, recalibration: str, draw: int) -> list[bool]:
    """Whether each term differs at 5 % in one draw."""
    rng = np.random.default_rng((k, n, draw))
    z = rng.normal(0.0, 1.5, (n, k))
    p = softmax(z, axis=1)
    y = (p.cumsum(axis=1)[:, :-1] < rng.random((n, 1))).sum(axis=1)
    first, second = (z + noise * rng.normal(size=(n, k)) for _ in range(2))
    second[:, -1] += SHIFT
    models = {"a": (y, softmax(first, axis=1)), "b": (y, softmax(second, axis=1))}
    found = compare(models, labels=range(k), recalibration=recalibration)
    return [found.differences["b"][term].pvalue < 0.05 for term in TERMS]


def shifts(draws: int | None) -> None:
    """How often a shift of the logit is taken for a difference of refinement."""
    columns = ("classes", "n", "the models see", "map", "draws", *TERMS)
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    seen = {0.0: "the same logits", NOISE: "logits with noise of their own"}
    for ((k, n), default), noise, name in product(DRAWS.items(), seen, MAPS):
        count = draws or default
        calls = [(k, n, noise, name, draw) for draw in range(count)]
        share, other = np.mean(spread(flagged, calls), axis=0)
        error = (share * (1 - share) / count) ** 0.5
        cells = (k, f"{n:,}", seen[noise], name, count, f"{share:.1%} +- {error:.1%}")
        print("| " + " | ".join(map(str, cells)) + f" | {other:.0%} |", flush=True)


def balanced() -> None:
    """What class_weight="balanced" costs, by the doors that tell."""
    X, y = make_classification(
        20_000, weights=[0.95], flip_y=0.02, class_sep=0.6, random_state=0
    )
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    models = {
        weight: LogisticRegression(class_weight=weight).fit(X_train, y_train)
        for weight in (None, "balanced")
    }
    alone = {
        str(weight): Evaluation.from_estimator(model, X_test, y_test)
        for weight, model in models.items()
    }
    both = [one.decomposition for one in alone.values()]
    rows = {
        "evaluate": {term: both[1].terms[term] - both[0].terms[term] for term in TERMS}
    }
    for name in MAPS:
        found = compare(alone, recalibration=name).differences["balanced"]
        rows[f"compare, {name}"] = {term: found[term].difference for term in TERMS}
    for name in ("temperature", "slope-bias", "auto"):
        scorer = DecompositionScorer(recalibration=name)
        plain, other = (scorer(model, X_test, y_test) for model in models.values())
        rows[f"scorer, {name}"] = {
            term: plain[f"neg_{term}"] - other[f"neg_{term}"] for term in TERMS
        }
    print('\n| "balanced" less plain | refinement | miscalibration |\n|---|---|---|')
    for door, terms in rows.items():
        print(
            f"| {door} | {terms['refinement']:+.4f} | {terms['miscalibration']:+.4f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, help="draws of each row of the table")
    arguments = parser.parse_args()
    shifts(arguments.draws)
    balanced()


if __name__ == "__main__":
    main()
