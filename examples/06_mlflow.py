"""See what the losses of MLflow's runs are made of, and whether the best run is better.

An ordinary training script of four classifiers on scikit-learn's digits. Five added
lines, numbered below, log the decomposition of each model's test loss to a run of its
own (the file mlflow.db in the current folder). The runs are then read back: as one
table, and the two best compared row by row, though their models are gone.
"""

import logging
import textwrap

import mlflow  # added: 1
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xent_metrics import Comparison, Evaluation  # added: 2
from xent_metrics_mlflow import (
    compare_runs,
    log_comparison,
    log_evaluation,  # added: 3
    runs_frame,
)

MODELS = {
    "logit": make_pipeline(StandardScaler(), LogisticRegression()),
    "LDA": LinearDiscriminantAnalysis(),
    "forest": RandomForestClassifier(100, random_state=0),
    "Bayes": GaussianNB(var_smoothing=1e-3),
}
SHOWN = {
    "name": "run",
    "cross_entropy": "log loss",
    "cross_entropy_se": "se",
    "uncertainty": "uncertainty",
    "resolution": "resolution",
    "miscalibration": "miscalibration",
}


def train() -> None:
    """Fit and log the models: this is the script that was there before."""
    X, y = load_digits(return_X_y=True, as_frame=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=0
    )
    for name, model in MODELS.items():
        model.fit(X_train, y_train)
        with mlflow.start_run(run_name=name):  # added: 4
            log_evaluation(Evaluation.from_estimator(model, X_test, y_test))  # added: 5


def main() -> None:
    logging.getLogger("alembic").setLevel(logging.ERROR)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("xent-metrics runs")
    train()

    runs = runs_frame("xent-metrics runs").sort_values("cross_entropy")
    print("What the runs have, in nats: log loss")
    print("= uncertainty - resolution + miscalibration\n")
    print(table(runs))
    same = len(set(runs["data"])) == 1
    say(
        "All were tested on the same rows: they share one digest of row ids, labels "
        "and weights, in the column data."
        if same
        else "They were not all tested on the same rows: see the column data."
    )
    say(
        "Each has the recalibration map that fits it best, in the column recalibration "
        f"({', '.join(runs['recalibration'])}). To compare runs takes one map for "
        "both: the richest of theirs."
    )

    best, second = runs["run_id"].iloc[:2]
    comparison = compare_runs(second, best)
    print(f"\nThe two best, row by row:\n\n{comparison}")
    conclude(comparison)
    with mlflow.start_run(run_name="the two best"):
        log_comparison(comparison)

    print("\nTo look at the runs:")
    print("    mlflow ui --backend-store-uri sqlite:///mlflow.db")
    say(
        "and open http://127.0.0.1:5000 in a browser. In the list of runs choose the "
        "columns xent/test/...; in a run, Model metrics has the terms, also by class, "
        "and Artifacts the page xent/test/report.html and the most costly rows, "
        "xent/test/per_sample.json."
    )


def table(runs: pd.DataFrame) -> str:
    return runs[list(SHOWN)].rename(columns=SHOWN).round(3).to_string(index=False)


def conclude(comparison: Comparison) -> None:
    """Say whether the best is better, and what would be left after recalibration."""
    second = comparison.baseline
    [best] = set(comparison.decompositions) - {second}
    found = comparison.differences[best]
    loss, after = found["cross_entropy"], found["refinement"]
    better = loss.high < 0
    verdict = "better" if better else "not clearly better"
    say(
        f"{best} is {verdict} than {second}: {loss.difference:+.3f} ± "
        f"{loss.standard_error:.3f} nats, p = {loss.pvalue:.2g}. With both "
        f"recalibrated it would be {after.difference:+.3f} ± "
        f"{after.standard_error:.3f}."
    )


def say(text: str) -> None:
    print("\n" + textwrap.fill(text, 80))


if __name__ == "__main__":
    main()
