"""Tell noise in the labels from what a model does not know, with the features.

With one label per row a decomposition cannot say. The features can: what a learner wins
with them beyond the predictions is ignorance, and the rest is at most noise. Digits are
read as odd or even by a model that adds up pixels, and by one that sees them together.
Then a network's images: people's votes on them say how true such a bound is. That data
is not part of this project: XENT_METRICS_DATA names the folder that has
cifar10_wideresnet.npz (predictions) and cifar10h_counts.npy (Peterson et al., 2019).
"""

import os
import textwrap
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xent_metrics import Evaluation, ReducibleLoss, decompose


def main() -> None:
    digits()
    folder = os.environ.get("XENT_METRICS_DATA")
    if not folder:
        say("The images are skipped: XENT_METRICS_DATA, the folder of them, is unset.")
        return
    images(Path(folder))


def digits() -> None:
    X, digit = load_digits(return_X_y=True, as_frame=True)
    y = np.where(digit % 2, "odd", "even")
    logistic = {"C": 0.1, "max_iter": 2000}, {"C": 300.0, "max_iter": 3000}
    steps = StandardScaler(), Nystroem(gamma=1e-3, n_components=400, random_state=0)
    names = "that adds up pixels", "that sees them together"
    found = []
    for name, step, options in zip(names, steps, logistic, strict=True):
        head(f"Odd or even: a model {name}")
        model = make_pipeline(step, LogisticRegression(**options))
        # Out of fold: the bound of rows that a model was trained on reads its memory.
        cv = cross_validate(model, X, y, return_estimator=True, return_indices=True)
        evaluation = Evaluation.from_cv_results(cv, X, y)
        found.append(evaluation.reducible(X))
        print(found[-1])
        print(f"\n{found[-1].slices(max_slices=3)}")
    verdict(*found)


def verdict(sums: ReducibleLoss, together: ReducibleLoss) -> None:
    share = sums.grouping_loss_at_least / sums.cross_entropy
    say(
        f"At least {share:.0%} of the first model's loss is what it does not know of "
        f"the pixels, so at most {sums.entropy_at_most:.3f} nats of it are noise. The "
        f"second model costs {together.cross_entropy:.3f} nats, and the learner finds "
        f"only {together.grouping_loss_at_least:.3f} that the pixels would win."
    )


def images(folder: Path) -> None:
    proba = np.load(folder / "cifar10_wideresnet.npz")["predictions"]
    votes = np.load(folder / "cifar10h_counts.npy")
    # One vote is the label of an image, drawn at random. Pixels are not at hand: the
    # other votes stand for all that can be seen in it.
    rng = np.random.default_rng(0)
    below = votes.cumsum(axis=1) <= rng.integers(votes.sum(axis=1))[:, np.newaxis]
    label = below.sum(axis=1)
    others = votes - np.eye(votes.shape[1], dtype=votes.dtype)[label]
    head("10,000 images, one vote each as their label, the other votes as features")
    found = Evaluation.from_predictions(label, proba).reducible(
        others / others.sum(axis=1, keepdims=True)
    )
    print(found)
    truth = decompose(votes, proba, target_type="votes", vote_correction="jackknife")
    say(
        f"All votes know the truth: a grouping loss of {truth.grouping_loss:.3f} nats "
        f"beside the bound of {found.grouping_loss_at_least:.3f}, and an entropy of "
        f"{truth.irreducible:.3f} beside at most {found.entropy_at_most:.3f}."
    )


def head(title: str) -> None:
    print(f"\n{title}\n{'=' * len(title)}\n")


def say(text: str) -> None:
    print("\n" + textwrap.fill(text, 88))


if __name__ == "__main__":
    main()
