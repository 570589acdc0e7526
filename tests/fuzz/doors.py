"""A case in plain values of Python, what is right of it, and the doors it goes through.

Probabilities are multiples of 1/64, which every type holds, and rows of them sum to 1.
"""

import math
import random
import warnings
from contextlib import suppress
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from xent_metrics import (
    Evaluation,
    cross_entropy,
    decompose,
    kl_divergence,
    per_sample,
    scorers,
)

from .containers import KINDS, Unfit, snapshot
from .harness import ALLOWED, NO_FAULT, Tally, is_sentence

CLIP = float(np.finfo(float).eps)
PARTS = 64
NEAR = {"halves": 2e-6, "singles": 2e-6}  # single precision; else 1e-12
SLOW = 0.1  # the share of trials that go through doors that take milliseconds
PLAIN = {"recalibration": "none"}
# Kinds of labels of which numpy makes an array of their own.
OF_NUMPY = ("places", "integers", "small", "booleans", "text", "digits", "bytes")


class Case(NamedTuple):
    """What is to be passed; ``places`` are those of the labels among the classes."""

    classes: tuple[Any, ...]
    kind: str
    rows: list[list[float | None]]
    places: list[int | None]
    soft: list[list[float | None]] | None
    target_type: str
    weights: list[float | None] | None

    @property
    def labels(self):
        return [None if one is None else self.classes[one] for one in self.places]

    def right(self, *, drop=False):
        """The cross-entropy, or None where it must be refused."""
        costs = [self._cost(row) for row in range(len(self.rows))]
        return self.mean(costs, drop=drop)

    def mean(self, costs, *, drop=False):
        """The mean of values of the rows, of which some may be None."""
        weights = self.weights or [1.0] * len(costs)
        pairs = list(zip(costs, weights, strict=True))
        if drop:
            pairs = [pair for pair in pairs if None not in pair]
        if any(w is None or (w > 0 and one is None) for one, w in pairs):
            return None
        total = math.fsum(w for _, w in pairs)
        return math.fsum(w * one for one, w in pairs if w) / total if total else None

    def counted(self, costs):
        """The values of rows that have a weight; None for the others."""
        weights = self.weights or [1.0] * len(costs)
        return [one if w else None for one, w in zip(costs, weights, strict=True)]

    def entropy(self):
        """The mean entropy of the targets."""
        own = [-sum(q * math.log(q) for q in _shares(row) if q) for row in self.soft]
        return self.mean(own)

    def _cost(self, row):
        predicted, place = self.rows[row], self.places[row]
        if self.soft is None:
            target = [float(place == one) for one in range(len(self.classes))]
            missing = place is None
        else:
            target, missing = _shares(self.soft[row]), None in self.soft[row]
        if missing or None in predicted:
            return None
        pairs = zip(target, predicted, strict=True)
        return -math.fsum(p * math.log(max(q, CLIP)) for p, q in pairs if p)


def _shares(row):
    return [0.0 if one is None else one / sum(row) for one in row]


def drawn(draw, *, target_type="labels", nulls=True):
    """A case of few rows, in which each class has one."""
    k = draw.choice([2, 2, 3, 3, 5])
    kind = draw.choice([kind for kind, values in KINDS.items() if len(values) >= k])
    n = draw.randint(k, 9)
    rows = [_proportions(draw, k) for _ in range(n)]
    places = [*range(k), *(draw.randrange(k) for _ in range(n - k))]
    draw.shuffle(places)
    soft = None
    if target_type == "votes":
        soft = [[draw.randrange(4) for _ in range(k)] for _ in range(n)]
        for row in soft:
            row[draw.randrange(k)] += 2
    elif target_type == "distribution":
        soft = [_proportions(draw, k) for _ in range(n)]
    weights = None
    if draw.random() < 0.4:
        weights = [draw.choice([0.0, 0.5, 1.0, 3.0]) for _ in range(n)]
        weights[draw.randrange(n)] = 1.0
    case = Case(tuple(KINDS[kind][:k]), kind, rows, places, soft, target_type, weights)
    if nulls and draw.random() < 0.25:
        for _ in range(draw.choice([1, 1, 2])):
            _add_null(case, draw)
    return case


def _proportions(draw, k):
    ends = [0, *sorted(draw.randint(0, PARTS) for _ in range(k - 1)), PARTS]
    return [(b - a) / PARTS for a, b in pairwise(ends)]


def _add_null(case, draw):
    row, k = draw.randrange(len(case.rows)), len(case.classes)
    match draw.choice(["weight", "target", "row", "cell"]):
        case "weight" if case.weights:
            case.weights[row] = None
        case "target" if case.soft:
            case.soft[row] = [None] * k
        case "target":
            case.places[row] = None
        case "cell" if k > 2:
            case.rows[row][draw.randrange(k)] = None
        case _:
            case.rows[row] = [None] * k


class Trial(NamedTuple):
    """Doors to call, and what is right: a number, or None where all must refuse."""

    family: str
    doors: dict[str, Any]
    right: float | None
    near: float = 1e-12
    given: tuple[Any, ...] = ()  # which must not be changed


def judged(build, n, *, refused=False):
    """Build trials and judge them; something must have come of each family."""
    tally, families = Tally(), set()
    for number in tally.trials(n):
        with suppress(Unfit):
            trial = build(random.Random(number))  # noqa: S311 - no secret
            families |= {(trial.family, "done")} if trial.right is not None else set()
            _judge(tally, number, trial)
    assert families or refused
    tally.check(at_least=sorted(families))


def _judge(tally, number, trial):
    family, _, right, near, given = trial
    before = [snapshot(one) for one in given]
    for name, call in trial.doors.items():
        found = _outcome(call)
        tally.counts[family, "done" if isinstance(found, float) else "refused"] += 1
        if isinstance(found, float) and right is not None:
            if not abs(found - right) <= near * max(1.0, abs(right)):
                tally.fail(f"{family} {name}", number, f"{found} for {right}")
        elif isinstance(found, float) or right is not None or not _allowed(found):
            tally.fail(f"{family} {name}", number, f"{found!r} for {right}")
    if [snapshot(one) for one in given] != before:
        tally.fail(family, number, "an argument was changed")


def _outcome(call):
    """A number, or whatever was raised."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for category in NO_FAULT:
                warnings.simplefilter("ignore", category)
            return call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
        return error


def _allowed(error):
    foreign = isinstance(error, UnicodeError) or not isinstance(error, ALLOWED)
    return is_sentence(error) and not foreign


def array_doors(case, y, p, w, labels, draw):
    """Functions that take a target and predictions, as calls without arguments."""
    every = {} if w is None else {"sample_weight": w}
    every |= {"labels": labels, "target_type": case.target_type}

    def of_rows():
        costs = per_sample(y, p, **every)["cross_entropy"].tolist()
        return case.mean(case.counted(costs))

    found = {"cross_entropy": lambda: cross_entropy(y, p, **every)}
    if draw.random() < 0.5:
        found["per_sample"] = of_rows
    if case.soft is not None:
        found["kl"] = lambda: kl_divergence(y, p, **every) + case.entropy()
    if draw.random() < SLOW:
        found["decompose"] = lambda: decompose(y, p, **every, **PLAIN).cross_entropy
        found["from_predictions"] = lambda: mean_of(
            Evaluation.from_predictions(y, p, **every, **PLAIN)
        )
    return found


class Model:
    """A fitted classifier that returns what it is given."""

    def __init__(self, classes):
        self.classes_ = classes

    def predict_proba(self, X):
        return X


def model_doors(case, y, p, w, classes, draw):
    """Scorers and evaluations of an estimator, where targets are labels."""
    if case.soft is not None:
        return {}
    as_array = case.kind in OF_NUMPY and draw.random() < 0.5
    model = Model(np.array(classes) if as_array else list(classes))
    beside = {} if w is None else {"sample_weight": w}
    found = {"scorer": lambda: -scorers.neg_cross_entropy(model, p, y, **beside)}
    if draw.random() < SLOW:
        found["from_estimator"] = lambda: mean_of(
            Evaluation.from_estimator(model, p, y, **beside, **PLAIN)
        )
    return found


def mean_of(evaluation):
    """The cross-entropy of an evaluation."""
    return evaluation.decomposition.cross_entropy
