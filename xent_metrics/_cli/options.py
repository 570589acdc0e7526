"""The options that commands share, as typer reads them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Target: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--target",
        metavar="COL",
        help="Column of labels; several (repeated, with commas, or a prefix) hold "
        "distributions, votes or annotators.",
    ),
]
Proba: TypeAlias = Annotated[
    str,
    typer.Option(
        "--proba",
        metavar="PREFIX|COL,...",
        help="Probability columns: a prefix (the rest of each name is the class), "
        "names, names by class, or one column: the second of two classes.",
    ),
]
Probas: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--proba",
        metavar="PREFIX|COL,...",
        help="Probability columns of a model, as for evaluate; repeat it for several "
        "models in one file.",
    ),
]
By: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        metavar="COL",
        help="Also show the terms of each group; repeat it to group by several.",
    ),
]
Weight: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--weight",
        metavar="COL",
        help="Weights of the rows.",
    ),
]
Groups: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--groups",
        metavar="COL",
        help="Rows of one value depend on each other, as those of one patient: "
        "standard errors allow for it.",
    ),
]
Key: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="COL",
        help="Names each row; aligns the rows of several files.",
    ),
]
Labels: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="A,B,C",
        help="The class of each probability column, in their order.",
    ),
]
TargetType: TypeAlias = Annotated[
    str,
    typer.Option(
        "--target-type",
        metavar="KIND",
        help="What the target is: auto, labels, distribution, votes or annotators.",
    ),
]
Base: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--base",
        help="Base of the logarithm: 2 for bits. Default: nats.",
        show_default=False,
    ),
]
Clip: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--clip",
        help="Floor of probabilities inside the logarithm; 0 gives exact, possibly "
        "infinite costs. Default: 2.2e-16.",
        show_default=False,
    ),
]
Rescale: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--rescale",
        help="Divide each row of probabilities by its sum.",
    ),
]
FromLogits: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--from-logits",
        help="The columns hold logits, whose softmax is taken.",
    ),
]
FromLogProba: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--from-log-proba",
        help="The columns hold logarithms of probabilities, which sum to 1.",
    ),
]
OnMissing: TypeAlias = Annotated[
    str,
    typer.Option(
        "--on-missing",
        metavar="raise|drop",
        help="Rows without a label or a probability: refuse them, or leave them out "
        "and count them.",
    ),
]
Recalibration: TypeAlias = Annotated[
    str,
    typer.Option(
        "--recalibration",
        metavar="NAME",
        help="The recalibration map, such as temperature or spline.",
    ),
]
VoteCorrection: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--vote-correction",
        metavar="NAME",
        help="Correction of the entropy of a few votes, such as jackknife.",
    ),
]
Level: TypeAlias = Annotated[
    float,
    typer.Option("--level", help="Level of the intervals."),
]
ByClass: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--by-class",
        help="Also show the terms of each class.",
    ),
]
NWorst: TypeAlias = Annotated[
    int,
    typer.Option(
        "--n-worst",
        metavar="N",
        min=0,
        help="Also show the N most costly rows.",
    ),
]
Html: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--html",
        metavar="OUT",
        help="Write a page of the evaluation.",
    ),
]
Metrics: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--metrics",
        metavar="OUT",
        help="Write the terms, their standard errors and the counts (of drift what "
        "moved) as one flat JSON object of numbers, as DVC reads them; what is not "
        "finite is left out.",
    ),
]
Markdown: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--markdown",
        metavar="OUT",
        help="Add the terms and what came of --fail-if to a file, in Markdown, as to "
        '"$GITHUB_STEP_SUMMARY".',
    ),
]
Json: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON document and nothing else; what is not finite is a "
        "string.",
    ),
]
Mlflow: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--mlflow",
        help="Log to the MLflow run that MLFLOW_RUN_ID names, or to a new one.",
    ),
]
Split: TypeAlias = Annotated[
    str,
    typer.Option(
        "--split",
        metavar="NAME",
        help="The data's name in the keys of MLflow: xent/NAME/miscalibration.",
    ),
]
Baseline: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="NAME",
        help="The model that the others are compared with. Default: the first.",
    ),
]
FailIf: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-if",
        metavar='"TERM>NUMBER"',
        help="Exit with 1 where this holds, or cannot be computed: a term or a count, "
        "> >= < or <=, a number; TERM.low and TERM.high are the ends of its "
        "interval, TERM[COL=VALUE] is that of some rows (of evaluate), 'and' joins "
        "conditions that must all hold. May be repeated: any suffices.",
    ),
]
ThreeWay: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--three-way",
        help="Judge terms of --fail-if by their whole interval, and exit with 3 where "
        "that does not tell.",
    ),
]
Reference: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="REFERENCE",
        help="Predictions and labels of before, as for evaluate; or a .json file that "
        "holds what Evaluation.to_json gave.",
    ),
]
ReferenceTarget: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="COL",
        help="Column of labels of REFERENCE, unless that is a .json file.",
    ),
]
Of: TypeAlias = Annotated[
    str,
    typer.Option(
        "--of",
        metavar="population|rows|realised",
        help="What the interval is of: the loss of all rows like these, the mean cost "
        "of these over their possible labels, or the loss that these will have.",
    ),
]
