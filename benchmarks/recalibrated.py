"""Cross-entropy of recalibrated classifiers on fresh rows, ours beside scikit-learn's.

    python benchmarks/recalibrated.py           # the tables
    python benchmarks/recalibrated.py --quick   # three draws
    python benchmarks/recalibrated.py --model "random forest"   # of one model

Every draw has new training rows and 20,000 fresh ones of the same law. The map is
fitted out of fold on the training rows (five folds, CalibratedClassifierCV as it is and
with ensemble=False), or on half of them while a frozen model was trained on the other.
Differences are paired, with their standard error over the draws.
"""

import argparse
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from xent_metrics import RecalibratedClassifier, cross_entropy

N_FRESH, DRAWS = 20_000, 10
MODELS = {
    "naive Bayes": GaussianNB(),
    "random forest": RandomForestClassifier(30, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=40, random_state=0),
    "balanced logistic": LogisticRegression(class_weight="balanced"),
}
PEERS = ("sigmoid", "isotonic", "temperature")
OURS = ("temperature", "temperature-bias", "auto")
FLOOR = 0.01  # of a forest, which predicts 0 where no tree disagrees


def rows(n: int, n_classes: int, seed: int) -> tuple[np.ndarray, ...]:
    """Training and fresh rows of one law: unequal classes, some labels by chance."""
    X, y = make_classification(
        n + N_FRESH,
        12,
        n_informative=6,
        n_redundant=4,
        n_classes=n_classes,
        n_clusters_per_class=1,
        weights=np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum(),
        flip_y=0.1,
        class_sep=0.8,
        random_state=seed,
    )
    return X[:n], y[:n], X[n:], y[n:]


def ways(model: object, *, frozen: bool) -> dict[str, Callable[[], object]]:
    """How each way is made, by its name."""
    held = FrozenEstimator(model) if frozen else model
    found: dict[str, Callable[[], object]] = {}
    for method in PEERS:
        if not frozen:
            found[f"sklearn {method}, ensemble"] = lambda m=method: (
                CalibratedClassifierCV(clone(held), method=m)
            )
        found[f"sklearn {method}"] = lambda m=method: CalibratedClassifierCV(
            held, method=m, ensemble=False
        )
    for name in OURS:
        found[f"ours {name}"] = lambda n=name: RecalibratedClassifier(held, n)
        if isinstance(model, RandomForestClassifier):
            found[f"ours {name}, clip={FLOOR}"] = lambda n=name: RecalibratedClassifier(
                held, n, clip=FLOOR
            )
    return found


def costs(name: str, n: int, n_classes: int, seed: int, *, frozen: bool) -> dict:
    """The cost of each way on the fresh rows of one draw."""
    X, y, fresh, truth = rows(n, n_classes, seed)
    half = n // 2 if frozen else n
    model = clone(MODELS[name]).fit(X[:half], y[:half])
    found = {"as it is": cross_entropy(truth, model.predict_proba(fresh))}
    part = slice(half, None) if frozen else slice(None)
    for way, make in ways(model, frozen=frozen).items():
        fitted = make().fit(X[part], y[part])
        found[way] = cross_entropy(truth, fitted.predict_proba(fresh))
    return found


def table(
    n: int, n_classes: int, draws: int, models: list[str], *, frozen: bool
) -> None:
    """The means of each way, and how ours differ from the best peer's."""
    how = "half held out, frozen" if frozen else "out of fold"
    print(f"\n{n:,} rows, {n_classes} classes, {how}: nats on fresh rows\n")
    print("| model | way | mean | ± | less the best of scikit-learn | ± |")
    print("|---|---|---|---|---|---|")
    for name in models:
        each = [costs(name, n, n_classes, seed, frozen=frozen) for seed in range(draws)]
        means = {way: np.array([one[way] for one in each]) for way in each[0]}
        best = min(
            (way for way in means if way.startswith("sklearn")),
            key=lambda way: means[way].mean(),
        )
        for way, values in means.items():
            lost = values - means[best]
            cells = [f"{values.mean():.4f}", f"{values.std() / draws**0.5:.4f}"]
            if way.startswith("ours"):
                cells += [f"{lost.mean():+.4f}", f"{lost.std() / draws**0.5:.4f}"]
            else:
                cells += ["best" if way == best else "", ""]
            print(f"| {name} | {way} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--model", choices=MODELS)
    asked = parser.parse_args()
    models = [asked.model] if asked.model else list(MODELS)
    draws = 3 if asked.quick else DRAWS
    warnings.simplefilter("ignore")
    for n_classes in (2, 4):
        for frozen in (False, True):
            table(2000, n_classes, draws, models, frozen=frozen)


if __name__ == "__main__":
    main()
