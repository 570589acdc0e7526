"""What features still hold beyond predictions: the bound beside the true grouping loss.

    python benchmarks/reducible.py              # all tables: an hour on one core
    python benchmarks/reducible.py --draws 20   # fewer draws
    python benchmarks/reducible.py --only null --rows 300  # one table, one size

Laws know P(Y | X), and models P(Y | Q): the grouping loss H(Y | Q) - H(Y | X) is an
average over many rows, with P(Y | Q) from a fine partition of the prediction.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import expit, softmax
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from xent_metrics import Evaluation

try:
    from glest import GLEstimator
except ImportError:
    GLEstimator = None

Table = np.ndarray
Generator = np.random.Generator
MANY = 400_000  # rows of the true terms
MANY_ROWS = 20_000  # from here on, a tenth of the draws
PEER = {"interaction, logistic", "interaction, boosting"}  # it knows two classes only
Z = 1.6448536269514722  # one-sided, 95 %


class Law(NamedTuple):
    """Features, the true class probabilities, and a model's predictions."""

    name: str
    features: Callable[[Generator, int], Table]
    truth: Callable[[Table], Table]
    model: Callable[[Table], Table]
    clusters: int = 0  # rows of a cluster; 0: rows alone
    weighted: bool = False


class Draw(NamedTuple):
    """Rows of a law; ``groups`` and ``weights`` may be None."""

    x: Table
    p: Table
    q: Table
    y: Table
    groups: Table | None
    weights: Table | None


def both(p: Table) -> Table:
    """Two columns of the second class's probability."""
    return np.column_stack([1.0 - p, p])


def normal(columns: int) -> Callable[[Generator, int], Table]:
    """Independent standard normal features."""
    return lambda rng, n: rng.normal(size=(n, columns))


def interaction(x: Table) -> Table:
    """The truth that FORMULAS and the prototype of the bound use: two classes."""
    z = 1.2 * x[:, 0] - 0.8 * x[:, 1] + 1.5 * x[:, 2] * x[:, 3]
    return both(expit(z + 0.7 * np.sin(2 * x[:, 4])))


def four(x: Table) -> Table:
    """Four classes, with an interaction and a bend."""
    z = np.column_stack(
        [
            1.2 * x[:, 0],
            1.6 * x[:, 2] * x[:, 3],
            -0.8 * x[:, 1],
            0.7 * np.sin(2 * x[:, 4]),
        ]
    )
    return np.asarray(softmax(z, axis=1))


def cells(x: Table) -> Table:
    """Two features of three categories, which act together."""
    z = np.array([[1.5, -1.0, 0.2], [-1.5, 0.8, 0.4], [0.3, 0.5, -1.2]])
    return both(expit(z[x[:, 0].astype(int), x[:, 1].astype(int)]))


def first(x: Table) -> Table:
    """What is true of the first of two categories, all that a model knows."""
    second = [np.column_stack([x[:, 0], np.full(len(x), at)]) for at in range(3)]
    return np.asarray(np.mean([cells(each) for each in second], axis=0))


def thirds(rng: Generator, n: int) -> Table:
    """Two features of three categories."""
    return rng.integers(0, 3, (n, 2)).astype(float)


def three(x: Table) -> Table:
    """Three classes of which a third feature turns two."""
    z = np.column_stack([x[:, 0], x[:, 1] * np.sign(x[:, 2]), -x[:, 0]])
    return np.asarray(softmax(1.3 * z, axis=1))


def labels(rng: Generator, p: Table) -> Table:
    """One label per row."""
    return (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)


def trained(truth: Callable, features: Callable, model: object) -> Callable:
    """What a model predicts that was trained on 4000 other rows."""
    rng = np.random.default_rng(1)
    x = features(rng, 4000)
    fitted = model.fit(x, labels(rng, truth(x)))
    return lambda some: np.clip(fitted.predict_proba(some), 1e-12, 1.0)


def boosting() -> HistGradientBoostingClassifier:
    """Boosted trees as they are."""
    return HistGradientBoostingClassifier(max_iter=60, random_state=0)


def logit(p: Table) -> Table:
    """Of the second class of two."""
    return np.log(p[:, 1] / p[:, 0])


def bent(p: Table) -> Table:
    """A model whose only fault is a smooth bend of the logit."""
    z = logit(p)
    return both(expit(2.0 * z + 1.5 * np.sin(1.5 * z)))


def stepped(p: Table) -> Table:
    """A truth that is a step function of what the model predicts."""
    return both(np.where(p[:, 1] < 0.3, 0.1, np.where(p[:, 1] < 0.7, 0.45, 0.85)))


def sharpened(p: Table) -> Table:
    """Over-confident, several classes: one temperature of 1/2."""
    return p**2 / (p**2).sum(axis=1, keepdims=True)


def tilted(p: Table) -> Table:
    """Each class bent by itself: no map of the family holds it."""
    out = p ** np.linspace(0.5, 2.0, p.shape[1])
    return out / out.sum(axis=1, keepdims=True)


def linear(x: Table) -> Table:
    """A linear logit."""
    return both(expit(1.2 * x[:, 0] - 0.8 * x[:, 1]))


def laws_of_power() -> Iterator[Law]:
    """Models that miss something of the features."""
    for name, truth, features in (
        ("interaction", interaction, normal(8)),
        ("four classes", four, normal(8)),
        ("three classes", three, normal(5)),
    ):
        for title, model in (
            ("logistic", LogisticRegression(max_iter=1000)),
            ("boosting", boosting()),
        ):
            yield Law(
                f"{name}, {title}", features, truth, trained(truth, features, model)
            )
    yield Law("cells, the first feature alone", thirds, cells, first)
    yield Law(
        "interaction, logistic, clusters of 10",
        normal(8),
        interaction,
        trained(interaction, normal(8), LogisticRegression()),
        clusters=10,
    )
    yield Law(
        "interaction, logistic, weighted",
        normal(8),
        interaction,
        trained(interaction, normal(8), LogisticRegression()),
        weighted=True,
    )


def laws_of_null() -> Iterator[Law]:
    """Models that use all that the features tell: their grouping loss is 0."""
    laws = (
        ("the truth", interaction, interaction),
        ("bent logit", linear, lambda x: bent(linear(x))),
        ("steps", lambda x: stepped(linear(x)), linear),
        ("the truth, 4 classes", four, four),
        ("sharpened, 4 classes", four, lambda x: sharpened(four(x))),
        ("tilted, 4 classes", four, lambda x: tilted(four(x))),
    )
    for weighted in (False, True):
        mark = ", weighted" if weighted else ""
        for name, truth, model in laws:
            yield Law(f"{name}{mark}", normal(8), truth, model, weighted=weighted)
    for name, truth, model in laws[:2]:
        yield Law(f"{name}, clusters of 10", normal(8), truth, model, clusters=10)


def draw(law: Law, n: int, seed: int) -> Draw:
    """Rows of a law; those of a cluster share features but for noise, and labels."""
    rng = np.random.default_rng(seed)
    groups = None
    if law.clusters:
        n_groups = -(-n // law.clusters)
        groups = np.repeat(np.arange(n_groups), law.clusters)[:n]
        shared = law.features(rng, n_groups)[groups]
        own = law.features(rng, n)
        x = np.sqrt(0.6) * shared + np.sqrt(0.4) * own
        p = law.truth(x)
        # Labels of a cluster agree beyond their features: one uniform for two fifths.
        u = np.where(rng.random(n) < 0.4, rng.random(n_groups)[groups], rng.random(n))
        y = (p.cumsum(axis=1) < u[:, None]).sum(axis=1)
    else:
        x = law.features(rng, n)
        p = law.truth(x)
        y = labels(rng, p)
    weights = rng.exponential(size=n) if law.weighted else None
    return Draw(x, p, law.model(x), np.minimum(y, p.shape[1] - 1), groups, weights)


def grouping_loss(law: Law) -> float:
    """H(Y | Q) - H(Y | X), with P(Y | Q) by boosted regression on many rows."""
    rows = draw(law._replace(weighted=False), MANY, 99)
    entropy = -(rows.p * np.log(np.maximum(rows.p, 1e-300))).sum(axis=1).mean()
    return float(_refinement(rows) - entropy)


def _refinement(rows: Draw) -> float:
    """The cost of the best map of Q alone, from the true probabilities of half."""
    q = np.log(np.maximum(rows.q, 1e-12))
    if q.shape[1] == 2:
        # One number: means in fine bins.
        order = np.argsort(q[:, 1] - q[:, 0], kind="stable")
        return float(
            np.mean(
                [
                    -(m * np.log(np.maximum(m, 1e-300))).sum()
                    for m in (
                        rows.p[part].mean(axis=0)
                        for part in np.array_split(order, 1000)
                    )
                ]
            )
        )
    half = len(q) // 2
    trees = ExtraTreesRegressor(
        24, min_samples_leaf=20, max_features=None, random_state=0, n_jobs=1
    )
    trees.fit(q[:half:4], rows.p[:half:4])
    c = np.maximum(trees.predict(q[half:]), 1e-12)
    return float(
        -(rows.p[half:] * np.log(c / c.sum(axis=1, keepdims=True))).sum(1).mean()
    )


def measured(law: Law, n: int, seed: int) -> tuple[float, float, float]:
    """The bound, its standard error, and the seconds of CPU it took."""
    rows = draw(law, n, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluation = Evaluation.from_predictions(
            rows.y,
            rows.q,
            labels=range(rows.q.shape[1]),
            groups=rows.groups,
            sample_weight=rows.weights,
        )
        start = time.process_time()
        found = evaluation.reducible(rows.x)
    seconds = time.process_time() - start
    return found.grouping_loss_at_least, found.standard_error, seconds


def of_glest(law: Law, n: int, seed: int) -> float:
    """What glest finds of the log score, whose bias it knows no correction for."""
    rows = draw(law, n, seed)

    class Given:
        def predict_proba(self, x: Table) -> Table:
            return law.model(x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = GLEstimator(Given(), train_size=0.5, random_state=0)
        found.fit(rows.x, rows.y)
        parts = found.metrics("log")
    return float(parts["GL_uncorrected"] - parts["GL_induced"])


def power(draws: int, sizes: list[int], named: str) -> None:
    """How much of the grouping loss is found, and whether intervals hold."""
    print("| law | n | true | bound | sd | SE | covers | found | glest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for law in laws_of_power():
        if named not in law.name:
            continue
        true = grouping_loss(law)
        for n in sizes or (1000, 4000, 20_000):
            times = draws if n < MANY_ROWS else max(draws // 10, 2)
            rows = np.array([measured(law, n, 1000 + s) for s in range(times)])
            low = rows[:, 0] - Z * rows[:, 1]
            peer = ""
            if GLEstimator is not None and law.name in PEER:
                found = [of_glest(law, n, 1000 + s) for s in range(min(times, 10))]
                peer = f"{np.mean(found):.4f}"
            print(
                f"| {law.name} | {n:,} | {true:.4f} | {rows[:, 0].mean():.4f} | "
                f"{rows[:, 0].std():.4f} | {rows[:, 1].mean():.4f} | "
                f"{(low <= true).mean():.3f} | {(low > 0).mean():.2f} | {peer} |",
                flush=True,
            )


def null(draws: int, sizes: list[int], named: str) -> None:
    """How often a model is called reducible whose grouping loss is 0."""
    print("| law | n | bound | SE | called reducible |")
    print("|---|---|---|---|---|")
    for law in laws_of_null():
        if named not in law.name:
            continue
        for n in sizes or (300, 2000):
            rows = np.array([measured(law, n, 5000 + s) for s in range(draws)])
            called = (rows[:, 0] > Z * rows[:, 1]).mean()
            print(
                f"| {law.name} | {n:,} | {rows[:, 0].mean():.5f} | "
                f"{rows[:, 1].mean():.5f} | {called:.3f} |",
                flush=True,
            )


def speed(*_: object) -> None:
    """Seconds of CPU for 20,000 rows of 20 features."""
    print("| rows | features | classes | seconds |")
    print("|---|---|---|---|")
    for k in (2, 10):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(20_000, 20))
        z = 1.0 * x[:, :k]
        q = np.asarray(softmax(z, axis=1))
        z[:, 0] += x[:, 10] * x[:, 11]
        y = labels(rng, np.asarray(softmax(z, axis=1)))
        evaluation = Evaluation.from_predictions(y, q)
        start = time.process_time()
        evaluation.reducible(x)
        print(f"| 20,000 | 20 | {k} | {time.process_time() - start:.1f} |", flush=True)


TABLES = {"speed": speed, "null": null, "power": power}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--only", choices=TABLES)
    parser.add_argument("--rows", type=int, nargs="*", default=[])
    parser.add_argument("--laws", default="", help="those whose names hold this")
    given = parser.parse_args()
    with threadpool_limits(1):
        for name, table in TABLES.items():
            if given.only in (None, name):
                print(f"\n{name}\n")
                table(given.draws, given.rows, given.laws)


if __name__ == "__main__":
    main()
