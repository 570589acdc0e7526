"""Choose between two models, and see what their losses are made of.

Two classifiers on two data sets that scikit-learn ships. Each is scored in
cross-validation, its held-out predictions are looked at as a DataFrame, and its
decomposition is logged to MLflow (the file mlflow.db in the current folder).
"""

import logging

import mlflow
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xent_metrics import Decomposition, Evaluation
from xent_metrics.scorers import DecompositionScorer
from xent_metrics_mlflow import log_evaluation

MODELS = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "naive Bayes": GaussianNB(),
}
TERMS = ["neg_cross_entropy", "resolution", "neg_miscalibration", "skill"]


def main() -> None:
    logging.getLogger("alembic").setLevel(logging.ERROR)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("xent-metrics quickstart")
    for name, load in {"digits": load_digits, "cancer": load_breast_cancer}.items():
        data = load(as_frame=True)
        study(name, data.data, data.target)
    print("\nBoth runs of each data set are in MLflow. To look at them:")
    print("    mlflow ui --backend-store-uri sqlite:///mlflow.db")
    print("and open http://127.0.0.1:5000 in a browser.")


def study(data_name: str, X: pd.DataFrame, y: pd.Series) -> None:
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.4, stratify=y, random_state=0
    )
    title = f"{data_name}: {len(X)} rows, {y.nunique()} classes"
    print(f"\n{title}\n{'=' * len(title)}")

    print("\nMeans over 5 folds of the training rows, in nats (the skill has no unit):")
    folds = {
        name: cross_validate(
            model, X_train, y_train, scoring=DecompositionScorer(TERMS)
        )
        for name, model in MODELS.items()
    }
    means = {
        name: {term: scores[f"test_{term}"].mean() for term in TERMS}
        for name, scores in folds.items()
    }
    print(pd.DataFrame(means).T.round(3).to_string())

    found: dict[str, Decomposition] = {}
    for name, model in MODELS.items():
        model.fit(X_train, y_train)
        evaluation = Evaluation.from_estimator(model, X_test, y_test)
        with mlflow.start_run(run_name=f"{data_name}, {name}"):
            log_evaluation(evaluation, split="test")
        found[name] = evaluation.decomposition

    best = min(found, key=lambda name: found[name].cross_entropy)
    print(f"\nHeld-out rows, {best}:\n")
    print(found[best])

    print("\nIts five most costly rows:\n")
    model = MODELS[best]
    proba = pd.DataFrame(model.predict_proba(X_test), index=X_test.index)
    table = proba.add_prefix("proba_").assign(
        label=y_test, predicted=model.predict(X_test)
    )
    rows = table.xent.per_sample("label", "proba_")
    shown = ["cross_entropy", "predictive_entropy", "confidence", "p_true"]
    worst = table[["label", "predicted"]].join(rows[shown].round(3))
    print(worst.nlargest(5, "cross_entropy").to_string())

    print("\n" + answer(found, best))


def answer(found: dict[str, Decomposition], best: str) -> str:
    """Say which model, and what its loss is: noise, ignorance or miscalibration."""
    d = found[best]
    others = ", ".join(
        f"{name} {other.cross_entropy:.3f}, of which recalibration would remove "
        f"{other.miscalibration:.3f}"
        for name, other in found.items()
        if name != best
    )
    share = d.miscalibration / d.cross_entropy
    kind = "miscalibration" if share > 0.5 else "ignorance and noise"
    return (
        f"Which model? {best}, {d.cross_entropy:.3f} nats ({others}).\n"
        f"Is its loss noise, ignorance or miscalibration? Mostly {kind}: "
        f"miscalibration is {d.miscalibration:.3f} ± "
        f"{d.standard_errors['miscalibration']:.3f} of {d.cross_entropy:.3f} nats,\n"
        f"and {d.refinement:.3f} would be left after recalibration. With one label per "
        "row, noise in the labels\nand ignorance of the model cannot be told apart: "
        "that takes several annotators per row,\nor the features: "
        "Evaluation.reducible."
    )


if __name__ == "__main__":
    main()
