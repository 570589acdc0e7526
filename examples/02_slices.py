"""Find the groups that a loss comes from, and whether recalibration mends each.

A classifier, trained on clean images of digits, reads those of four sites: one scans as
in training, one stores pixels three times too bright, one has a noisy camera, and one
has just opened. The figure needs matplotlib: pip install "xent-metrics[plot]".
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import xent_metrics  # noqa: F401 - it brings df.xent

SITES = {"central": 500, "harbour": 285, "airport": 285, "island": 9}
PARTS = {"refinement": "#0072B2", "miscalibration": "#D55E00"}


def main() -> None:
    images, df = predictions()
    view = df.xent(target="digit", proba="p_", recalibration="temperature")

    sites = view.summary(by="site")
    loss = sites["weight"] * sites["cross_entropy"]
    print(f"\n{len(df):,} digits, {len(sites)} sites, a loss of {loss.sum():.3f} nats")
    sites = sites.assign(share=loss / loss.sum()).sort_values("share", ascending=False)
    columns = ["n", "weight", "cross_entropy", "cross_entropy_se", "share"]
    show("Which sites the loss comes from", sites[columns])
    weight, share = sites[["weight", "share"]].iloc[0]
    say(f"{sites.index[0]} has {weight:.0%} of the images and {share:.0%} of the loss.")

    cells = view.summary(by=["site", "strokes"]).query("n >= 50")
    columns = ["n", "cross_entropy", "predictive_entropy", "calibration_gap"]
    show("By site and strokes: the cost, and what the model expects", cells[columns])
    where = ", ".join(cells["calibration_gap"].idxmax())
    say(f"A gap above 0 is over-confidence. The widest: {where} strokes.")

    one = view.decompose(by="site").loc[sites.index]
    own = view.decompose(by="site", refit=True).loc[sites.index]
    both = {
        "one temperature for all": one[[*PARTS]],
        "one for each site": own[[*PARTS]],
    }
    show("What is left after recalibration, what it removes", pd.concat(both, axis=1))
    verdicts(own, "central")
    known = own.index[own["note"] == ""]
    before, all_alike, each = (
        np.average(cost[known], weights=own["weight"][known])
        for cost in (own["cross_entropy"], one["refinement"], own["refinement"])
    )
    say(
        f"Recalibrating would take the loss of the {len(known)} larger sites from "
        f"{before:.3f} to {all_alike:.3f} nats with one temperature for all, to "
        f"{each:.3f} with one for each."
    )

    worst = view.worst(1, by="site")
    columns = ["site", "label", "predicted", "confidence", "cross_entropy"]
    show("The most costly image of each site, by its row", worst[columns])
    draw(own, worst, images)


def predictions() -> tuple[np.ndarray, pd.DataFrame]:
    """Images as the sites store them, and what the model makes of each."""
    X, y = load_digits(return_X_y=True)
    clean, images, y_clean, y = train_test_split(
        X / 16, y, train_size=0.4, stratify=y, random_state=0
    )
    model = LogisticRegression(C=10, max_iter=5000).fit(clean, y_clean)
    site = np.repeat(list(SITES), list(SITES.values()))
    heavy = images.mean(axis=1) > np.median(clean.mean(axis=1))
    noise = np.random.default_rng(0).normal(0, 0.3, images.shape)
    images[site == "harbour"] *= 3
    images[site == "airport"] = (images + noise)[site == "airport"].clip(0, 1)
    df = pd.DataFrame(model.predict_proba(images), columns=model.classes_)
    strokes = np.where(heavy, "heavy", "light")
    return images, df.add_prefix("p_").assign(digit=y, site=site, strokes=strokes)


def verdicts(own: pd.DataFrame, usual: str) -> None:
    """Say why each site costs more than the usual one, and what would help."""
    for site, row in own.drop(usual).iterrows():
        if row["note"]:
            say(f"{site}: {row['note']}.")
            continue
        more = row[[*PARTS]] - own.loc[usual, [*PARTS]]
        error = np.hypot(*own.loc[[site, usual], "cross_entropy_se"])
        share = max(more["miscalibration"] / more.sum(), 0)
        advice = "recalibrate it" if share > 0.5 else "it needs better images"
        say(
            f"{site} costs {more.sum():.3f} ± {error:.3f} more than {usual}; "
            f"miscalibration is {share:.0%} of that: {advice}."
        )


def draw(own: pd.DataFrame, worst: pd.DataFrame, images: np.ndarray) -> None:
    """Draw what the loss of each site is made of, beside its most costly image."""
    figure = plt.figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(5, 3))
    ax, places, end = left.subplots(), np.arange(len(own)), np.zeros(len(own))
    for shift, (part, colour) in zip((-0.12, 0.12), PARTS.items(), strict=True):
        ax.barh(places, own[part], 0.6, end, color=colour, label=part)
        end = end + own[part]
        reach = 1.96 * own[f"{part}_se"]
        ax.errorbar(end, places + shift, xerr=reach, fmt="k.", capsize=3, markersize=4)
    for place in np.flatnonzero(own["note"]):
        ax.text(0.01, place, f"{own['n'].iloc[place]} images: too few", va="center")
    ax.set_yticks(places, own.index)
    ax.set(ylim=(len(own) - 0.5, -0.5), xlabel="nats, with 95% intervals")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="lower right", frameon=False)
    ax.set_title("What each site's loss is made of")
    right.suptitle("Its most costly image")
    images = dict(zip(worst["site"], images[worst.index], strict=True))
    worst = worst.set_index("site").loc[own.index]
    for box, (site, row) in zip(
        right.subplots(2, 2).flat, worst.iterrows(), strict=True
    ):
        box.imshow(images[site].reshape(8, 8), cmap="gray_r")
        text = f"{site}: {row['label']:.0f}, read as {row['predicted']:.0f}"
        box.set_title(text, fontsize="small")
        box.axis("off")
    figure.savefig("02_slices.png", dpi=120)
    print("\nThe figure: 02_slices.png")


def say(text: str) -> None:
    print("\n" + textwrap.fill(text, 80))


def show(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}:\n\n{table.round(3).to_string()}")


if __name__ == "__main__":
    main()
