"""Choose a model by what is left of its loss after recalibration, and test the choice.

A model that is too timid, or too bold, can be mended with one number, a temperature. So
the best model by log loss need not be the best to have. Five classifiers are compared
in cross-validation on one half of scikit-learn's digits, recalibrated there, and tested
on the other half. The figure needs matplotlib: pip install "xent-metrics[plot]".
"""

import textwrap

import pandas as pd
from matplotlib import pyplot as plt
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from xent_metrics import Comparison, Evaluation, compare, cross_entropy

MODELS = {
    "logit": make_pipeline(StandardScaler(), LogisticRegression()),
    "network": make_pipeline(
        StandardScaler(), MLPClassifier(random_state=0, max_iter=500)
    ),
    "LDA": LinearDiscriminantAnalysis(),
    "forest": RandomForestClassifier(100, random_state=0),
    "ET": ExtraTreesClassifier(100, random_state=0),
}


def main() -> None:
    X, y = load_digits(return_X_y=True)
    X_choose, X_test, y_choose, y_test = train_test_split(
        X, y, train_size=0.5, stratify=y, random_state=0
    )
    found = {}
    for name, model in MODELS.items():
        proba = cross_val_predict(model, X_choose, y_choose, method="predict_proba")
        # One map for all folds: it will be applied to one model.
        found[name] = Evaluation.from_predictions(
            y_choose, proba, recalibration="temperature"
        )
    cheapest = min(found, key=lambda name: found[name].decomposition.cross_entropy)
    choice = compare(found, baseline=cheapest, recalibration="temperature")
    print(choice)
    best = recommend(choice)

    tested = {}
    for name, model in MODELS.items():
        proba = model.fit(X_choose, y_choose).predict_proba(X_test)
        mended = choice.decompositions[name].recalibrator().predict_proba(proba)
        tested[name], tested[f"{name} + T"] = (y_test, proba), (y_test, mended)
    proof = compare(tested, baseline=f"{cheapest} + T", recalibration="temperature")
    prove(choice, proof, best, cheapest)

    # Since scikit-learn 1.8 there is method="temperature" too.
    sigmoid = CalibratedClassifierCV(MODELS[best], method="sigmoid", ensemble=False)
    cost = cross_entropy(y_test, sigmoid.fit(X_choose, y_choose).predict_proba(X_test))
    say(f"With the sigmoids of CalibratedClassifierCV {best} costs {cost:.3f} nats.")
    draw(choice, proof)


def recommend(choice: Comparison) -> str:
    """Say which model is the cheapest as it is, and which after recalibration."""
    best = min(choice.decompositions, key=lambda m: choice.decompositions[m].refinement)
    cheapest, result = choice.baseline, choice.decompositions[best]
    if best == cheapest:
        say(f"Take {best}: it costs least as it is, and after recalibration.")
        return best
    rank = list(choice.decompositions).index(best) + 1
    more, after = (choice.differences[best][t] for t in ("cross_entropy", "refinement"))
    verdict = (
        f"clear, so recalibrate {best}" if after.high < 0 else "not clear, so test both"
    )
    say(
        f"By log loss {cheapest} is first and {best} is number {rank}, "
        f"{more.difference:.3f} ± {more.standard_error:.3f} nats dearer. But "
        f"{result.miscalibration / result.cross_entropy:.0%} of its loss is "
        f"miscalibration. Recalibrated, {best} would be first, by "
        f"{-after.difference:.3f} ± {after.standard_error:.3f}: {verdict}."
    )
    return best


def prove(choice: Comparison, proof: Comparison, best: str, cheapest: str) -> None:
    """Compare what recalibration promised with what it wins on images of their own."""
    cost = {name: d.cross_entropy for name, d in proof.decompositions.items()}
    rows = {
        name: {
            "temperature": d.parameters["temperature"],
            "log loss": cost[name],
            "recalibrated": cost[f"{name} + T"],
            "removed": cost[name] - cost[f"{name} + T"],
            "promised": d.miscalibration,
            "promised_se": d.standard_errors["miscalibration"],
        }
        for name, d in choice.decompositions.items()
    }
    table = pd.DataFrame(rows).T.round(3)
    n = next(iter(proof.decompositions.values())).n
    print(f"\nTemperatures found so, applied to {n} other images:\n\n{table}")
    if best == cheapest:
        return
    gain = proof.differences[f"{best} + T"]["cross_entropy"]
    verdict = "confirmed" if gain.high < 0 else "refuted" if gain.low > 0 else "open"
    say(
        f"On these {best} costs {cost[best] - cost[cheapest]:+.3f} nats compared "
        f"with {cheapest}. With both recalibrated it is {gain.difference:+.3f}, the "
        f"{proof.level:.0%} interval from {gain.low:+.3f} to {gain.high:+.3f}: that "
        f"{best} is the better one is {verdict}."
    )


def draw(choice: Comparison, proof: Comparison) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    choice.plot(ax=left)
    for place, name in enumerate(choice.decompositions):
        before, after = (
            proof.decompositions[each].cross_entropy for each in (name, f"{name} + T")
        )
        right.plot([before, after], [place, place], color="0.6", zorder=1)
        before = right.scatter(before, place, color="#D55E00")
        after = right.scatter(after, place, color="#0072B2", marker="s")
    right.set_yticks(range(len(choice.decompositions)), choice.decompositions)
    right.set(xlabel="cross-entropy (nats)", xlim=0)
    right.set_title(
        "Other images, before and after recalibration", loc="left", fontsize="medium"
    )
    right.invert_yaxis()
    right.legend([before, after], ["as it is", "recalibrated"], frameon=False)
    figure.savefig("05_model_choice.png", dpi=120)
    print("\nThe figure: 05_model_choice.png")


def say(text: str) -> None:
    print("\n" + textwrap.fill(text, 80))


if __name__ == "__main__":
    with threadpool_limits(1):  # such small fits are slower on several threads
        main()
