"""A year after deployment: what moved, and the loss before the labels come.

A credit model was accepted on 4,000 labelled applications. Then come twelve months of
2,000 each. From April to June, customers apply whom the model is less sure of; from
July to September, more of them default, but each kind of customer is as before; from
October on, what the model relied on says less. Labels come late, so the loss is
estimated first, and split when they are there. The figure needs matplotlib: pip install
"xent-metrics[plot]".
"""

import textwrap
import warnings

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from xent_metrics import Evaluation, OutsideReferenceWarning, drift, expected_loss

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
MONTHS += ["Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
LABELS = ["repaid", "default"]
SEASONS = {
    "Jan to Mar": ({}, "as before"),
    "Apr to Jun": ({"centre": 0.0, "sd": 0.8}, "other customers apply"),
    "Jul to Sep": ({"defaults": 0.9}, "more of them default"),
    "Oct to Dec": ({"slope": 0.35}, "what the model relied on says less"),
}


def main() -> None:
    rng = np.random.default_rng(8)
    y, q = applications(rng, 4000)
    reference = Evaluation.from_predictions(y, q, labels=LABELS)
    say(
        f"Accepted at a log loss of {reference.terms['cross_entropy']:.3f} nats, of "
        f"which {reference.terms['miscalibration']:.3f} are miscalibration."
    )

    rows, months = [], {}
    for place, month in enumerate(MONTHS):
        law, _ = list(SEASONS.values())[place // 3]
        y, q = applications(rng, 2000, **law)
        with warnings.catch_warnings():  # a few customers are unlike any of before
            warnings.simplefilter("ignore", OutsideReferenceWarning)
            ahead = expected_loss(reference, q)
        low, high = ahead.ci(of="realised")
        months[month] = Evaluation.from_predictions(y, q, labels=LABELS)
        loss = months[month].terms["cross_entropy"]
        rows.append(
            {
                "month": month,
                "model's entropy": ahead.predictive_entropy,
                "expected": ahead.expected_loss,
                "low": low,
                "high": high,
                "loss": loss,
                "held": low <= loss <= high,
            }
        )
    table = pd.DataFrame(rows).set_index("month")
    print("\nBefore the labels come, and after\n")
    print(table.round(3).to_string())
    say(
        f"Until June {table['held'][:6].sum()} of 6 intervals hold the loss, then "
        f"{table['held'][6:].sum()} of 6: only labels tell that they behave otherwise "
        "under the same prediction."
    )

    print("\nWhat moved, once the labels are there\n")
    for start, (season, (_, truth)) in zip(
        range(0, 12, 3), SEASONS.items(), strict=True
    ):
        parts = [months[month] for month in MONTHS[start : start + 3]]
        found = drift(reference, together(parts))
        print(f"{season} ({truth}): {found.cause}")
        say(found.conclusion)

    figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
    places = np.arange(12)
    ax.fill_between(places, table["low"], table["high"], alpha=0.25, label="expected")
    ax.plot(places, table["expected"], label="_")
    ax.plot(places, table["loss"], "o", color="#D55E00", label="observed")
    ax.axhline(reference.terms["cross_entropy"], color="grey", linestyle="--")
    ax.set_xticks(places, MONTHS)
    ax.set_ylabel("log loss (nats)")
    ax.legend()
    figure.savefig("08_after_deployment.png")
    print("The figure: 08_after_deployment.png")


def applications(
    rng: np.random.Generator,
    n: int,
    *,
    centre: float = -1.0,
    sd: float = 1.5,
    slope: float = 0.75,
    defaults: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether customers default, and what the model says, which is over-confident.

    ``defaults`` makes each who would default exp(defaults) times as frequent.
    """
    logit = centre + sd * rng.standard_normal(6 * n)
    risk = 1 / (1 + np.exp(-slope * logit))
    default = rng.random(6 * n) < risk
    odds = np.where(default, np.exp(defaults), 1.0)
    rows = np.flatnonzero(rng.random(6 * n) < odds / odds.max())[:n]
    return np.array(LABELS)[default[rows].astype(int)], 1 / (1 + np.exp(-logit[rows]))


def together(months: list[Evaluation]) -> Evaluation:
    """The rows of several months as one set."""
    q = np.concatenate([month.probabilities().to_numpy() for month in months])
    y = np.concatenate([month.per_sample["label"].to_numpy() for month in months])
    return Evaluation.from_predictions(y, q, labels=LABELS)


def say(text: str) -> None:
    print(textwrap.fill(text, 78), end="\n\n")


if __name__ == "__main__":
    main()
