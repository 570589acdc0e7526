"""See what averaging several models gains, and where they disagree.

32 small networks learn the digits 0 to 7, each from a bootstrap sample. What does their
average cost beside each of them, how many are enough, arithmetic or geometric mean, and
do they disagree about images unlike those they learned from: the digits 8 and 9, and
images with scrambled pixels? The figure needs matplotlib:
pip install "xent-metrics[plot]".
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from xent_metrics import EnsembleDecomposition, decompose_ensemble, plotting

ENTROPIES = ["predictive_entropy", "member_entropy", "mutual_information"]
LEARNED = "0 to 7, learned"


def main() -> None:
    X, y = load_digits(return_X_y=True)
    learned = y < 8
    X_train, X_test, y_train, y_test = train_test_split(
        X[learned] / 16, y[learned], train_size=0.3, stratify=y[learned], random_state=0
    )
    network = MLPClassifier((32,), solver="lbfgs", alpha=0.01, max_iter=1000)
    ensemble = BaggingClassifier(network, n_estimators=32, random_state=0)
    ensemble.fit(X_train, y_train)
    result = EnsembleDecomposition.from_estimator(ensemble, X_test, y_test)
    print(result)
    sums(result)

    members = [member.predict_proba(X_test) for member in ensemble.estimators_]
    sizes = by_size(y_test, members)

    unlike = {
        LEARNED: X_test,
        "8 and 9, never seen": X[~learned] / 16,
        "scrambled pixels": np.random.default_rng(0).permuted(X_test, axis=1),
    }
    # Entropies need no labels, but the call does; the predicted ones will do.
    rows = {
        kind: EnsembleDecomposition.from_estimator(
            ensemble, images, ensemble.predict(images)
        ).per_sample[ENTROPIES]
        for kind, images in unlike.items()
    }
    disagreement(rows)
    draw(result, sizes, rows)


def sums(result: EnsembleDecomposition) -> None:
    """Say what averaging does to confidence, and which mean is better."""
    members = result.member_cross_entropy / result.member_entropy
    average = result.ensemble_cross_entropy / result.predictive_entropy
    say(
        f"A network pays {members:.1f} times what it expects (its entropy), their "
        f"average {average:.1f} times"
        + (": averaging makes it less over-confident." if average < members else ".")
    )
    change = result.per_sample["geometric_cross_entropy"]
    change = change - result.per_sample["ensemble_cross_entropy"]
    better = "arithmetic" if change.mean() > 0 else "geometric"
    clear = abs(change.mean()) > 2 * change.sem()
    say(
        f"The {better} mean is {'' if clear else 'not clearly '}better, by "
        f"{abs(change.mean()):.4f} ± {change.sem():.4f}."
    )


def by_size(y: np.ndarray, members: list[np.ndarray]) -> pd.DataFrame:
    """The terms of ensembles of 1, 2, 4, ... members, over all members in turn."""
    terms = {}
    for size in (1, 2, 4, 8, 16, 32):
        parts = [members[i : i + size] for i in range(0, len(members), size)]
        found = [decompose_ensemble(y, part).terms for part in parts]
        terms[size] = pd.DataFrame(found).mean()
    table = pd.DataFrame(terms).T.rename_axis("members")
    columns = ["ensemble_cross_entropy", "diversity", "mutual_information"]
    show("The more members", table[columns])
    gained = table["diversity"] / table["diversity"].iloc[-1]
    enough = gained.index[gained > 0.9][0]
    say(f"{enough} members have {gained[enough]:.0%} of what {len(members)} gain.")
    return table


def disagreement(rows: dict[str, pd.DataFrame]) -> None:
    """Compare entropies of images like and unlike those that were learned."""
    means = pd.DataFrame({kind: table.mean() for kind, table in rows.items()}).T
    show("Mean entropies, the first the sum of the others", means)
    ranks = {}
    for kind in list(rows)[1:]:
        both = pd.concat([rows[LEARNED], rows[kind]])
        new = np.repeat([0, 1], [len(rows[LEARNED]), len(rows[kind])])
        ranks[kind] = {name: roc_auc_score(new, both[name]) for name in ENTROPIES}
    table = pd.DataFrame(ranks).T
    show("How well each tells them from images it learned (area under ROC)", table)
    rise = means["mutual_information"] / means["mutual_information"][LEARNED]
    gain = table["mutual_information"] - table["predictive_entropy"]
    say(
        f"Unlike images raise the mutual information {rise.iloc[1:].min():.0f} to "
        f"{rise.iloc[1:].max():.0f} times. To find them it is "
        + ("better than" if gain.min() > 0.01 else "about as good as")
        + " the predictive entropy here."
    )


def draw(
    result: EnsembleDecomposition, sizes: pd.DataFrame, rows: dict[str, pd.DataFrame]
) -> None:
    figure, axes = plt.subplot_mosaic("ss;ne", figsize=(9, 7.5), layout="constrained")
    plotting.ensemble(result, ax=axes["s"])
    for term, label, style in (
        ("member", "members alone", ":"),
        ("geometric", "geometric mean", "s--"),
        ("ensemble", "arithmetic mean", "o-"),
    ):
        axes["n"].plot(sizes[f"{term}_cross_entropy"], style, label=label)
    axes["n"].set_xscale("log", base=2)
    axes["n"].set_xticks(sizes.index, sizes.index)
    axes["n"].set(xlabel="members", ylabel="cross-entropy (nats)")
    axes["n"].set_ylim(0, 1.1 * result.member_cross_entropy)
    axes["n"].set_title("What a mean of so many costs", loc="left", fontsize="medium")
    axes["n"].legend(frameon=False)
    for kind, table in rows.items():
        axes["e"].ecdf(table["mutual_information"], label=kind)
    axes["e"].set(xlabel="mutual information (nats)", ylabel="share of images below")
    axes["e"].set_title("How much the members disagree", loc="left", fontsize="medium")
    axes["e"].legend(frameon=False)
    figure.savefig("04_ensembles.png", dpi=120)
    print("\nThe figure: 04_ensembles.png")


def say(text: str) -> None:
    print("\n" + textwrap.fill(text, 80))


def show(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}:\n\n{table.round(3).to_string()}")


if __name__ == "__main__":
    with threadpool_limits(1):  # such small fits are slower on several threads
        main()
