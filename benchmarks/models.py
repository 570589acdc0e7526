"""Laws of trained models, and laws that mirror what such models do wrong.

A model is trained once on a problem of two features whose class probabilities are
known. Where it is smooth, predictions tell both features, so the law of the label given
the prediction is that given the features. Where it predicts few distinct rows (trees,
neighbours), the population is finite: the law is the mean of the class probabilities
over all points that get the same prediction.

    python benchmarks/models.py    # the laws and what is true of them
"""

import warnings
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from laws import (
    Generator,
    Law,
    Table,
    calibrated,
    draw_labels,
    gaussian,
    linear,
    peaked,
    show,
    softmax,
)
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

POPULATION = 100_000  # points of a model that predicts few distinct rows

LEARNERS = {
    "logistic regression": partial(LogisticRegression),
    "naive Bayes": partial(GaussianNB),
    "network": partial(
        MLPClassifier,
        hidden_layer_sizes=(24,),
        activation="tanh",
        alpha=1e-5,
        max_iter=300,
        random_state=0,
    ),
    "boosting": partial(
        HistGradientBoostingClassifier,
        max_iter=40,
        max_leaf_nodes=8,
        early_stopping=False,
        random_state=0,
    ),
    "forest": partial(
        RandomForestClassifier, n_estimators=50, min_samples_leaf=5, random_state=0
    ),
    "neighbours": partial(KNeighborsClassifier, n_neighbors=25),
    "tree": partial(
        DecisionTreeClassifier, max_leaf_nodes=20, min_samples_leaf=15, random_state=0
    ),
}


# Problems: features, and the class probabilities given them


@dataclass(frozen=True)
class Blobs:
    """Classes are Gaussian blobs of correlated features."""

    n_classes: int
    seed: int
    distance: float = 2.0
    variety: float = 0.2

    def draw(self, rng: Generator, n: int) -> np.ndarray:
        """Features of n rows."""
        centres, roots, _ = self._shapes()
        classes = rng.integers(self.n_classes, size=n)
        noise = rng.standard_normal((n, 2))
        return centres[classes] + np.einsum("nij,nj->ni", roots[classes], noise)

    def probabilities(self, x: np.ndarray) -> Table:
        """The law of the label given the features."""
        centres, roots, logs = self._shapes()
        away = x[:, None, :] - centres
        whitened = np.einsum("kij,nkj->nki", np.linalg.inv(roots), away)
        return softmax(-0.5 * np.sum(whitened**2, axis=2) - logs)

    def _shapes(self) -> tuple[np.ndarray, ...]:
        """Centres, roots of covariances, and the logs of their determinants."""
        rng = np.random.default_rng(self.seed)
        centres = self.distance * rng.standard_normal((self.n_classes, 2))
        roots = rng.standard_normal((self.n_classes, 2, 2))
        roots = self.variety * roots + np.eye(2)
        return centres, roots, np.log(np.abs(np.linalg.det(roots)))


@dataclass(frozen=True)
class Waves:
    """Class scores are sums of waves over two Gaussian features."""

    n_classes: int
    seed: int
    frequency: float = 0.6
    height: float = 2.0
    n_waves: int = 12

    def draw(self, rng: Generator, n: int) -> np.ndarray:
        """Features of n rows."""
        return rng.standard_normal((n, 2))

    def probabilities(self, x: np.ndarray) -> Table:
        """The law of the label given the features."""
        rng = np.random.default_rng(self.seed)
        directions = self.frequency * rng.standard_normal((2, self.n_waves))
        phases = rng.uniform(0, 2 * np.pi, self.n_waves)
        weights = rng.standard_normal((self.n_waves, self.n_classes))
        scores = np.cos(x @ directions + phases) @ weights
        return softmax(self.height * scores / np.sqrt(self.n_waves / 2))


Problem = Blobs | Waves


class Cells(NamedTuple):
    """The distinct predictions of a finite population, and what is true of each."""

    q: Table
    c: Table
    shares: np.ndarray


# Models: trained at the first call, once a process


@cache
def trained(learner: str, problem: Problem, n_train: int) -> Any:
    rng = np.random.default_rng(problem.seed)
    x = problem.draw(rng, n_train)
    y = labels_with_all(rng, problem.probabilities(x))
    with warnings.catch_warnings(), threadpool_limits(1):
        # A network is stopped early, as is usual.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LEARNERS[learner]().fit(x, y)


def labels_with_all(rng: Generator, c: Table) -> np.ndarray:
    """One label per row from its law; the likeliest row of a class that lacks one."""
    y = draw_labels(rng, c)
    for missing in set(range(c.shape[1])) - set(y):
        y[c[:, missing].argmax()] = missing
    return y


@cache
def cells(learner: str, problem: Problem, n_train: int, floor: float) -> Cells:
    """The population's points with equal predictions, put together."""
    x = problem.draw(np.random.default_rng((problem.seed, 1)), POPULATION)
    q = predicted(x, learner=learner, problem=problem, n_train=n_train)
    distinct, place, sizes = np.unique(
        q.round(12), axis=0, return_inverse=True, return_counts=True
    )
    c = np.zeros_like(distinct)
    np.add.at(c, place.ravel(), problem.probabilities(x))
    distinct = (1 - floor) * distinct + floor / problem.n_classes
    distinct /= distinct.sum(axis=1, keepdims=True)
    return Cells(distinct, c / sizes[:, None], sizes / sizes.sum())


def features(rng: Generator, n: int, _k: int, *, problem: Problem) -> np.ndarray:
    return problem.draw(rng, n)


def truth(x: np.ndarray, *, problem: Problem) -> Table:
    return problem.probabilities(x)


def predicted(x: np.ndarray, *, learner: str, problem: Problem, n_train: int) -> Table:
    model = trained(learner, problem, n_train)
    with threadpool_limits(1):
        return model.predict_proba(x)


def cell_numbers(rng: Generator, n: int, _k: int, **key: Any) -> np.ndarray:
    shares = cells(**key).shares
    return rng.choice(len(shares), p=shares, size=n)


def cell_truth(numbers: np.ndarray, **key: Any) -> Table:
    return cells(**key).c[numbers]


def cell_predicted(numbers: np.ndarray, **key: Any) -> Table:
    return cells(**key).q[numbers]


def smooth(learner: str, problem: Problem, n_train: int) -> Law:
    """A model whose predictions tell both features."""
    return Law(
        f"trained: {learner}",
        problem.n_classes,
        partial(features, problem=problem),
        partial(truth, problem=problem),
        partial(predicted, learner=learner, problem=problem, n_train=n_train),
    )


def stepped(
    learner: str, problem: Problem, n_train: int, *, floor: float = 0.01, note: str = ""
) -> Law:
    """A model of few distinct predictions, mixed with a little of the uniform."""
    key = {"learner": learner, "problem": problem, "n_train": n_train, "floor": floor}
    return Law(
        f"trained: {learner}{note}",
        problem.n_classes,
        partial(cell_numbers, **key),
        partial(cell_truth, **key),
        partial(cell_predicted, **key),
    )


# Mirrors: predictions (rng, n, k) -> q and labels q -> c


def grouped(
    rng: Generator, n: int, k: int, *, n_groups: int, between: float, within: float
) -> Table:
    """In groups of equal size: one group stands out, then a class of each."""
    size = k // n_groups
    group = rng.standard_normal((n, n_groups))
    group[np.arange(n), rng.integers(n_groups, size=n)] += between
    members = rng.standard_normal((n, n_groups, size))
    chosen = rng.integers(size, size=(n, n_groups))
    np.put_along_axis(
        members,
        chosen[..., None],
        np.take_along_axis(members, chosen[..., None], 2) + within,
        2,
    )
    inside = softmax(members.reshape(-1, size)).reshape(n, n_groups, size)
    return (softmax(group)[..., None] * inside).reshape(n, k)


def two_slopes(q: Table, *, n_groups: int, between: float, within: float) -> Table:
    """One slope of the groups' log-probabilities, another inside each group."""
    parts = q.reshape(len(q), n_groups, -1)
    total = parts.sum(axis=2)
    members = (parts / total[..., None]).reshape(-1, parts.shape[2])
    inside = linear(members, slope=within)
    outside = linear(total, slope=between)
    return (outside[..., None] * inside.reshape(parts.shape)).reshape(q.shape)


def slope_of_the_top(q: Table, *, low: float, high: float) -> Table:
    """The slope is that of the class predicted."""
    slopes = np.linspace(low, high, q.shape[1])
    return linear(q, slope=slopes[q.argmax(axis=1), None])


def bold_and_flat(rng: Generator, n: int, k: int, *, flat: float, bold: float) -> Table:
    """Flat predictions in one half of the rows, bold ones in the other."""
    sd = np.where(rng.random(n) < 0.5, flat, bold)
    return softmax(sd[:, None] * rng.standard_normal((n, k)))


def bold_is_wrong(q: Table, *, flat: float, bold: float, slope: float) -> Table:
    """Calibrated where flat, over-confident where bold; Bayes says which."""
    z = np.log(q)
    z -= z.mean(axis=1, keepdims=True)
    square = np.sum(z**2, axis=1) / 2
    odds = (q.shape[1] - 1) * np.log(bold / flat) + square * (bold**-2 - flat**-2)
    share = 1 / (1 + np.exp(np.clip(odds, -700, 700)))[:, None]
    return share * linear(q, slope=slope) + (1 - share) * q


def sharpness_slope(q: Table, *, low: float, high: float) -> Table:
    """The slope falls from ``high`` to ``low`` as log-probabilities spread."""
    log_q = np.log(q)
    spread = log_q.max(axis=1) - log_q.mean(axis=1)
    return linear(q, slope=(low + (high - low) * np.exp(-spread / 4))[:, None])


def saturated(rng: Generator, n: int, k: int, *, top: float, sd: float) -> Table:
    """Single precision: the top class is 1 to rounding in many rows, others are 0."""
    logits = sd * rng.standard_normal((n, k))
    logits[np.arange(n), rng.integers(k, size=n)] += top * rng.gamma(2.0, size=n) / 2
    return softmax(logits.astype(np.float32))


def cut(
    rng: Generator, n: int, k: int, *, top: float, sd: float, least: float
) -> Table:
    """Probabilities below ``least`` are cut to an exact 0."""
    q = peaked(rng, n, k, top=top, sd=sd)
    q[q < least] = 0
    return q / q.sum(axis=1, keepdims=True)


def flatter(q: Table, *, slope: float, least: float, share: float = 0.0) -> Table:
    """A slope on predictions that have a floor, and a share of random labels."""
    flat = linear(np.maximum(q.astype(np.float64), least), slope=slope)
    return (1 - share) * flat + share / q.shape[1]


def long_tail(rng: Generator, n: int, k: int, *, fall: float, sd: float) -> Table:
    """Each class is rarer than the one before it."""
    return gaussian(rng, n, k, sd=sd, centre=-fall * np.arange(k))


def tail_biased(q: Table, *, slope: float, bias: float) -> Table:
    """The rarer a class, the more it is under-estimated."""
    return linear(q, slope=slope, bias=np.linspace(-bias, bias, q.shape[1]))


SMOOTH = [
    smooth("logistic regression", Blobs(5, seed=1, variety=0.25), 1000),
    smooth("logistic regression", Blobs(10, seed=2), 2000),
    smooth("logistic regression", Waves(4, seed=3, frequency=0.45), 2000),
    smooth("naive Bayes", Blobs(5, seed=4, variety=0.25), 1000),
    smooth("naive Bayes", Waves(20, seed=5), 4000),
    smooth("network", Waves(5, seed=6), 700),
    smooth("network", Waves(10, seed=7), 1500),
]
STEPPED = [
    stepped("boosting", Waves(3, seed=8), 1000),
    stepped("boosting", Waves(10, seed=9), 3000),
    stepped("forest", Waves(5, seed=10), 1500),
    stepped("neighbours", Waves(4, seed=11), 1500),
    stepped("neighbours", Waves(3, seed=12), 1500, floor=0.0, note=", zeros"),
    stepped("tree", Waves(5, seed=13), 1000),
    stepped("tree", Waves(10, seed=14), 3000),
]
MIRRORS = [
    Law("calibrated", 3, partial(gaussian, sd=2.0), calibrated),
    Law("calibrated, deep", 10, partial(saturated, top=12.0, sd=2.0), calibrated),
    Law("calibrated", 100, partial(peaked, top=9.0), calibrated),
    Law(
        "hierarchy, groups too sure",
        20,
        partial(grouped, n_groups=5, between=5.0, within=3.0),
        partial(two_slopes, n_groups=5, between=0.5, within=1.1),
    ),
    Law(
        "hierarchy, classes too sure",
        20,
        partial(grouped, n_groups=5, between=4.0, within=4.0),
        partial(two_slopes, n_groups=5, between=1.1, within=0.5),
    ),
    Law(
        "hierarchy, classes too sure",
        100,
        partial(grouped, n_groups=20, between=6.0, within=4.0),
        partial(two_slopes, n_groups=20, between=0.9, within=0.5),
    ),
    Law(
        "slope of the top class",
        5,
        partial(gaussian, sd=2.5),
        partial(slope_of_the_top, low=0.4, high=1.2),
    ),
    Law(
        "slope of the top class",
        10,
        partial(peaked, top=6.0),
        partial(slope_of_the_top, low=0.4, high=1.1),
    ),
    Law(
        "slope of the top class",
        50,
        partial(peaked, top=8.0),
        partial(slope_of_the_top, low=0.5, high=1.0),
    ),
    Law(
        "bold and flat",
        3,
        partial(bold_and_flat, flat=0.8, bold=4.0),
        partial(bold_is_wrong, flat=0.8, bold=4.0, slope=0.4),
    ),
    Law(
        "bold and flat",
        10,
        partial(bold_and_flat, flat=1.0, bold=4.0),
        partial(bold_is_wrong, flat=1.0, bold=4.0, slope=0.4),
    ),
    Law(
        "slope of sharpness",
        20,
        partial(bold_and_flat, flat=1.5, bold=5.0),
        partial(sharpness_slope, low=0.3, high=1.3),
    ),
    Law(
        "3 votes",
        5,
        partial(gaussian, sd=2.5),
        partial(linear, slope=0.7),
        votes=3,
    ),
    Law(
        "10 votes",
        10,
        partial(peaked, top=6.0),
        partial(slope_of_the_top, low=0.5, high=1.0),
        votes=10,
    ),
    Law(
        "50 votes",
        3,
        partial(gaussian, sd=2.0),
        partial(linear, slope=np.array([0.6, 0.8, 1.0]).tolist()),
        votes=50,
    ),
    Law(
        "saturated",
        10,
        partial(saturated, top=30.0, sd=3.0),
        partial(flatter, slope=0.3, least=1e-12, share=0.02),
    ),
    Law(
        "cut to zero",
        5,
        partial(cut, top=7.0, sd=2.0, least=1e-4),
        partial(flatter, slope=0.8, least=1e-5),
    ),
    Law(
        "long tail",
        20,
        partial(long_tail, fall=0.2, sd=2.0),
        partial(tail_biased, slope=0.8, bias=0.6),
    ),
    Law("over-confident", 50, partial(peaked, top=9.0), partial(linear, slope=0.6)),
    Law(
        "over-confident",
        100,
        partial(peaked, top=10.0),
        partial(tail_biased, slope=0.65, bias=0.3),
    ),
]
MODELS = SMOOTH + STEPPED + MIRRORS
TREE = stepped("tree", Waves(2, seed=15), 2000)


if __name__ == "__main__":
    show([*MODELS, TREE])
