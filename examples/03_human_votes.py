"""Ask several people, and see how much of a loss is their own disagreement.

30 patients, whom six psychiatrists diagnosed each (Fleiss, 1971). Then CIFAR-10: a
network against the votes of about 51 people an image (Peterson et al., 2019). That data
is not part of this project: XENT_METRICS_DATA names the folder that has
cifar10_wideresnet.npz (ground_truth, predictions) and cifar10h_counts.npy.
"""

import os
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from xent_metrics import SmallSampleWarning, cross_entropy, decompose, per_sample

# Votes for depression, personality disorder, schizophrenia, neurosis and other.
PATIENTS = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050
02031 00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040
10500 00006
"""
CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"


def main() -> None:
    psychiatrists(np.array([[int(n) for n in row] for row in PATIENTS.split()]))
    folder = os.environ.get("XENT_METRICS_DATA")
    if not folder:
        say("The images are skipped: XENT_METRICS_DATA, the folder of them, is unset.")
        return
    data = np.load(Path(folder) / "cifar10_wideresnet.npz")
    classes = CLASSES.split()
    proba = pd.DataFrame(data["predictions"], columns=classes)
    votes = pd.DataFrame(np.load(Path(folder) / "cifar10h_counts.npy"), columns=classes)
    one_label(np.array(classes)[data["ground_truth"]], proba)
    many_votes(votes, proba)
    recalibrated(votes, proba)


def head(title: str) -> None:
    print(f"\n{title}\n{'=' * len(title)}\n")


def say(text: str) -> None:
    print("\n" + textwrap.fill(text, 88))


def show(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}:\n\n{table.rename_axis(None).round(3).to_string()}")


def psychiatrists(counts: np.ndarray) -> None:
    chance = ((counts.mean(axis=0) / 6) ** 2).sum()
    kappa = ((counts * (counts - 1)).sum(axis=1).mean() / 30 - chance) / (1 - chance)
    head(f"30 patients, 6 psychiatrists each, 5 diagnoses: Fleiss' kappa {kappa:.3f}")

    # A prediction must not have seen its target, so a row is a vote, not a patient: it
    # is predicted from the other five. A patient's six rows share votes: one group.
    diagnosis = np.repeat(np.tile(np.arange(5), 30), counts.ravel())
    patient = np.repeat(np.arange(30), 6)
    own = np.eye(5, dtype=int)[diagnosis]
    others = counts[patient] - own
    votes = {"target_type": "votes", "vote_correction": "jackknife"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SmallSampleWarning)
        five = decompose(diagnosis, (others + 1) / 10, groups=patient)
        # The other way round five votes are the target, and show their disagreement.
        one = decompose(others, (own + 1) / 6, groups=patient, **votes)
    print(five)
    say(
        "Each vote is predicted from the other five, plus one for every diagnosis. "
        f"That smooths too much: {five.parameters['temperature']:.2f}, the temperature "
        f"that mends it, is below 1. The library warns: {caught[0].message}"
    )
    print("\nWhat a vote costs, recalibrated, if of the patient we know\n")
    for known, result, term in (
        ("nothing", one, "uncertainty"),
        ("one colleague's vote", one, "refinement"),
        ("five colleagues' votes", five, "refinement"),
        ("how all would vote", one, "irreducible"),
    ):
        error = result.standard_errors[term]
        print(f"    {known:<24}{result.terms[term]:.2f} ± {error:.2f}  {term}")
    say(
        f"About {one.irreducible:.2f} nats (by the jackknife) are their disagreement: "
        "more colleagues predict the next one better, but never below it."
    )


def one_label(label: np.ndarray, proba: pd.DataFrame) -> None:
    head("10,000 images, a network, one label each")
    hard = decompose(label, proba)
    print(hard)
    columns = ["degrees_of_freedom", "miscalibration", "standard_error", "share"]
    show("What each recalibration map would remove", hard.ladder[columns])
    temperature, bias = hard.ladder["share"][["temperature", "temperature-bias"]]
    say(f"Too sure: a temperature mends {temperature:.0%}, with biases {bias:.0%}.")


def many_votes(votes: pd.DataFrame, proba: pd.DataFrame) -> None:
    head(f"The same images, the votes of {votes.sum(axis=1).mean():.0f} people each")
    plug_in = decompose(votes, proba, target_type="votes")
    soft = decompose(votes, proba, target_type="votes", vote_correction="jackknife")
    print(soft)
    terms = ["cross_entropy", "irreducible", "grouping_loss", "miscalibration"]
    both = pd.DataFrame({"plug-in": plug_in.terms, "jackknife": soft.terms}).T
    show("Without and with the correction for few votes", both[terms])
    say(
        "People's own doubt is the smallest part of the loss, and a little larger than "
        "their few votes show. The largest is the network's: it is too sure."
    )
    table = soft.by_class()[terms]
    table["excess"] = table["cross_entropy"] - table["irreducible"]
    table = table.sort_values("excess", ascending=False)
    show("By true class, an image counting by its share of votes for it", table)
    doubt = table["irreducible"].idxmax()
    say(f"People doubt most about {doubt}; the network is worst at {table.index[0]}.")

    rows = per_sample(votes, proba, target_type="votes")
    excess = rows["kl_divergence"].sort_values(ascending=False)
    table = rows.loc[excess.index[:5], ["cross_entropy", "entropy", "kl_divergence"]]
    people = votes.div(votes.sum(axis=1), axis=0)
    for who, law in {"people": people, "network": proba}.items():
        top = law.loc[table.index]
        table[who] = top.idxmax(axis=1) + top.max(axis=1).map(" {:.0%}".format)
    show("The images where the network is worst beside people's disagreement", table)
    part = excess[:500].sum() / excess.sum()
    say(f"People hardly doubt these. The worst 500 hold {part:.0%} of all excess.")


def recalibrated(votes: pd.DataFrame, proba: pd.DataFrame) -> None:
    head("Recalibrated to people: fitted on every other image, applied to the rest")
    fitted = decompose(votes[::2], proba[::2], target_type="votes")
    mended = fitted.recalibrator("temperature-bias").predict_proba(proba[1::2])
    laws = (proba[1::2], pd.DataFrame(mended, columns=proba.columns))
    before, after = (cross_entropy(votes[1::2], q, target_type="votes") for q in laws)
    print(f"Before {before:.3f} nats, after {after:.3f}: {before - after:.3f} removed.")
    promised = fitted.ladder.loc["temperature-bias", "miscalibration"]
    print(f"The decomposition of the other images promised {promised:.3f}.")


if __name__ == "__main__":
    main()
