"""Results of every kind, on data that is the same on every machine.

``python tests/golden/cases.py`` writes those that tests/data does not hold yet: a
result as JSON, and what can be pickled as a pickle. Run it with the lowest versions
that are declared: newer libraries read what older ones wrote, not always the reverse.
"""

import pickle
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from xent_metrics import (
    Evaluation,
    accumulate,
    compare,
    decompose,
    decompose_ensemble,
    finish,
    merge,
)
from xent_metrics.scorers import DecompositionScorer, get_scorer

DATA = Path(__file__).parent.parent / "data"
N = 240
TEMPERATURE = {"recalibration": "temperature"}  # the default when they were written
CLASSES = {2: ["no", "yes"], 3: ["ant", "bee", "cat"]}


def spread(n, seed):
    """Values in (0, 1) that fill it evenly, without a random generator."""
    return (np.arange(1, n + 1) * np.sqrt([2.0, 3, 5, 7, 11, 13, 17, 19])[seed]) % 1.0


def classes_of(k, *, n=N):
    """The true probability of each class: rows of softmax."""
    z = np.stack([3.0 * spread(n, seed) - 1.5 for seed in range(k)], axis=1)
    p = np.exp(z)
    return p / p.sum(axis=1, keepdims=True)


def bold(p):
    """Over-confident predictions with a shift of the class frequencies."""
    q = p**1.8 * np.linspace(1.0, 1.5, p.shape[1])
    return q / q.sum(axis=1, keepdims=True)


def drawn(p, seed=7):
    """Hard labels, as codes."""
    below = p.cumsum(axis=1)[:, :-1] < spread(len(p), seed)[:, np.newaxis]
    return below.sum(axis=1)


def counts(p, n_votes):
    """Votes of some annotators for each row."""
    k = p.shape[1]
    votes = [drawn(p, seed) for seed in range(8 - n_votes, 8)]
    return np.stack([(np.array(votes) == c).sum(axis=0) for c in range(k)], axis=1)


def labels_of(k):
    return np.array(CLASSES[k])[drawn(classes_of(k))]


def frame(k=3):
    """Labels, probabilities, a site, a group and a weight of each row."""
    names = [f"p_{name}" for name in CLASSES[k]]
    data = pd.DataFrame(bold(classes_of(k)), columns=names)
    return data.assign(
        label=labels_of(k),
        site=np.array(["north", "south", "west"])[(spread(N, 4) * 3).astype(int)],
        user=(spread(N, 5) * 40).astype(int),
        weight=0.5 + spread(N, 6),
    )


def hard(k, **options):
    return Evaluation.from_predictions(
        labels_of(k), bold(classes_of(k)), labels=CLASSES[k], **options
    )


def with_unseen_labels():
    y = labels_of(3).astype(object)
    y[::24] = "dog"
    return Evaluation.from_predictions(y, bold(classes_of(3)), labels=CLASSES[3])


def with_infinite_costs():
    q = bold(classes_of(2))
    q[::60] = [0.0, 1.0]
    return Evaluation.from_predictions(labels_of(2), q, labels=CLASSES[2], clip=0)


def with_missing_rows():
    data = frame()
    data.loc[::50, "label"] = None
    return Evaluation.from_frame(
        data, target="label", proba="p_", on_missing="drop", groups="user"
    )


def states(under=None):
    columns = {"target": "label", "proba": "p_", "by": "site", "under": under}
    data = frame()
    return merge([accumulate(part, **columns) for part in (data[:100], data[100:])])


def scanned_twice():
    first = finish(states(), recalibration="slope-bias")
    return finish(states(first), under=first)


def ensemble():
    p = classes_of(3)
    members = [bold(p), p, bold(bold(p))]
    return decompose_ensemble(labels_of(3), members, labels=CLASSES[3])


def comparison():
    p = classes_of(3)
    flat = np.sqrt(p)
    models = {"bold": bold(p), "true": p, "flat": flat / flat.sum(axis=1)[:, None]}
    y = labels_of(3)
    pairs = {name: (y, q) for name, q in models.items()}
    return compare(pairs, baseline="bold", labels=CLASSES[3], **TEMPERATURE)


RESULTS = {
    "hard_two_classes": lambda: hard(2),
    "hard_three_classes": lambda: hard(3),
    "bits": lambda: hard(3, base=2, recalibration="dirichlet"),
    "weights": lambda: hard(2, sample_weight=0.5 + spread(N, 6)),
    "groups": lambda: hard(3, groups=(spread(N, 5) * 40).astype(int)),
    "folds": lambda: hard(3, folds=np.arange(N) % 3, recalibration="temperature-bias"),
    "soft_labels": lambda: Evaluation.from_predictions(
        classes_of(3), bold(classes_of(3))
    ),
    "votes": lambda: Evaluation.from_predictions(
        counts(classes_of(3), 6), bold(classes_of(3)), vote_correction="jackknife"
    ),
    "few_votes": lambda: Evaluation.from_predictions(
        counts(classes_of(2), 3), bold(classes_of(2)), vote_correction="dirichlet"
    ),
    "unseen_labels": with_unseen_labels,
    "infinite_costs": with_infinite_costs,
    "missing_rows": with_missing_rows,
    "isotonic": lambda: hard(2, recalibration="isotonic"),
    "confusion": lambda: hard(3, recalibration="confusion"),
    "no_map": lambda: hard(3, recalibration="none"),
    "scan_of_one_pass": lambda: finish(states(), recalibration="temperature"),
    "scan_of_two_passes": scanned_twice,
    "scan_state": states,
    "ensemble": ensemble,
    "comparison": comparison,
}

MAPS = {
    2: ("spline", "isotonic"),
    3: (
        *("temperature", "temperature-bias", "slope-bias", "shared-spline"),
        *("dirichlet", "dirichlet-spline", "confusion"),
    ),
}


def mapped(k, name):
    q = bold(classes_of(k))
    return decompose(labels_of(k), q, labels=CLASSES[k], recalibration=name)


OTHERS = {
    **{
        f"map_{name}": partial(mapped, k, name)
        for k, names in MAPS.items()
        for name in names
    },
    "recalibrator": lambda: mapped(2, "spline").recalibrator(),
    "term_scorer": lambda: get_scorer("neg_miscalibration", **TEMPERATURE),
    "decomposition_scorer": lambda: DecompositionScorer(base=2, **TEMPERATURE),
}


def made(name):
    """A result by name; its warnings are what other tests are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {**RESULTS, **OTHERS}[name]()


def as_json(result):
    rows = {"per_sample": True} if isinstance(result, Evaluation) else {}
    return result.to_json(**rows)


def write():
    """Write what is missing; what is there is never written again."""
    for name in RESULTS:
        path = DATA / "golden" / f"{name}.json"
        if not path.exists():
            path.write_text(as_json(made(name)) + "\n")
    for name in [*RESULTS, *OTHERS]:
        path = DATA / "pickles" / f"{name}.pickle"
        if not path.exists():
            path.write_bytes(pickle.dumps(made(name), protocol=4))


if __name__ == "__main__":
    write()
