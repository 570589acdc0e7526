"""The commands and their options; all work is done in other rooms."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from . import compare as _compare
from . import drift as _drift
from . import evaluate as _evaluate
from . import options
from .errors import Once, OneLine, UsageError
from .request import Request
from .summary import Written

_OF_EVALUATE = """\
  xent-metrics evaluate preds.csv --target label --proba p_
  xent-metrics evaluate preds.parquet --target y --proba p_ --by site --base 2
  xent-metrics evaluate "day=*/part-*.parquet" --target y --proba p_ --by day
  xent-metrics evaluate preds.csv --target y --proba score --html report.html
  xent-metrics evaluate preds.csv --target y --proba p_ \\
      --fail-if "miscalibration.low>0.05" --fail-if "n_unseen>0"
"""
_OF_COMPARE = """\
  xent-metrics compare old.parquet new.parquet --target y --proba p_ --key id
  xent-metrics compare preds.csv --target y --proba old_ --proba new_
  xent-metrics compare preds.csv --target y --proba old_ --proba new_ \\
      --fail-if "cross_entropy.low>0"
"""
_OF_DRIFT = """\
  xent-metrics drift march.csv april.csv --target label --proba p_
  xent-metrics drift reference.json april.csv --target label --proba p_ --by site
  xent-metrics drift march.csv april.csv --target label --proba p_ \\
      --fail-if "concept.low>0"
"""
_OF_EXPECT = """\
  xent-metrics expect march.csv today.csv --target label --proba p_
  xent-metrics expect reference.json today.csv --proba p_ --of realised
  xent-metrics expect reference.json today.csv --proba p_ \\
      --fail-if "expected_loss.low>0.4" --fail-if "share_outside>0.05"
"""
_EXAMPLES = "\b\nExamples\n"
_CODES = """\b
Exit codes
  0  all is well
  1  a condition of --fail-if holds, or cannot be computed
  2  wrong usage or wrong input: one line on standard error says what
  3  with --three-way: the rows are too few to say whether a condition holds
"""

app = typer.Typer(
    cls=OneLine,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback
    if asked:
        typer.echo(f"xent-metrics {version('xent-metrics')}")
        raise typer.Exit


@app.callback(
    epilog=f"{_EXAMPLES}{_OF_EVALUATE}{_OF_COMPARE}{_OF_DRIFT}{_OF_EXPECT}\n{_CODES}"
)
def xent_metrics(
    *,
    _asked: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show it."),
    ] = False,
) -> None:
    """What a log loss is made of, from files of predictions."""


def _logits(*, from_logits: bool, from_log_proba: bool) -> bool | str:
    """What the library calls the two options."""
    if from_logits and from_log_proba:
        msg = (
            "--from-logits and --from-log-proba exclude each other: found both; leave "
            "one of them out."
        )
        raise UsageError(msg)
    return "log_proba" if from_log_proba else from_logits


@app.command(cls=Once, epilog=f"{_EXAMPLES}{_OF_EVALUATE}\n{_CODES}")
def evaluate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Predictions: a file, a folder, a glob in quotes, or an address such "
            "as s3://bucket/day=1, of .parquet, .csv, .tsv, .jsonl, .ndjson, .json "
            "(one object per line), .arrow or .feather; texts also as .gz; '-' is CSV "
            "on standard input.",
        ),
    ],
    *,
    target: options.Target,
    proba: options.Proba,
    by: options.By = None,
    weight: options.Weight = None,
    groups: options.Groups = None,
    key: options.Key = None,
    labels: options.Labels = None,
    target_type: options.TargetType = "auto",
    base: options.Base = None,
    clip: options.Clip = None,
    rescale: options.Rescale = False,
    from_logits: options.FromLogits = False,
    from_log_proba: options.FromLogProba = False,
    on_missing: options.OnMissing = "raise",
    recalibration: options.Recalibration = "auto",
    vote_correction: options.VoteCorrection = None,
    level: options.Level = 0.95,
    by_class: options.ByClass = False,
    n_worst: options.NWorst = 0,
    html: options.Html = None,
    metrics: options.Metrics = None,
    markdown: options.Markdown = None,
    json: options.Json = False,
    mlflow: options.Mlflow = False,
    split: options.Split = "test",
    fail_if: options.FailIf = None,
    three_way: options.ThreeWay = False,
) -> int:
    """Split the log loss of predictions into what it is made of.

    Labels in CSV are read as they are written, so 01 is not 1 and NA is a label; an
    empty cell is missing. Rows are counted from 0, below the line of names.
    """
    request = Request(
        target=target,
        probas=[proba],
        by=by or [],
        weight=weight,
        groups=groups,
        key=key,
        labels=labels,
        target_type=target_type,
        measure={
            "base": base,
            "clip": clip,
            "rescale": rescale,
            "from_logits": _logits(
                from_logits=from_logits, from_log_proba=from_log_proba
            ),
            "on_missing": on_missing,
            "recalibration": recalibration,
            "vote_correction": vote_correction,
        },
    )
    asked = _evaluate.Asked(
        level=level,
        by_class=by_class,
        n_worst=n_worst,
        json=json,
        mlflow=mlflow,
        split=split,
        fail_if=fail_if or [],
        three_way=three_way,
        written=Written(html=html, metrics=metrics, markdown=markdown),
    )
    return _evaluate.evaluate(file, request, asked)


@app.command(cls=Once, epilog=f"{_EXAMPLES}{_OF_COMPARE}\n{_CODES}")
def compare(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="One file with several models' columns (repeat --proba), or one file, "
            "folder or glob in quotes per model.",
        ),
    ],
    *,
    target: options.Target,
    proba: options.Probas,
    weight: options.Weight = None,
    groups: options.Groups = None,
    key: options.Key = None,
    labels: options.Labels = None,
    target_type: options.TargetType = "auto",
    base: options.Base = None,
    clip: options.Clip = None,
    rescale: options.Rescale = False,
    from_logits: options.FromLogits = False,
    from_log_proba: options.FromLogProba = False,
    recalibration: options.Recalibration = "auto",
    baseline: options.Baseline = None,
    level: options.Level = 0.95,
    metrics: options.Metrics = None,
    markdown: options.Markdown = None,
    json: options.Json = False,
    fail_if: options.FailIf = None,
    three_way: options.ThreeWay = False,
) -> int:
    """Compare models on the same rows, term by term.

    A model's name is that of its file, or what --proba says where one file has all.
    With --fail-if a term is the difference of a model from the baseline: one that must
    not be clearly worse is "cross_entropy.low>0". Rows of several files are taken in
    their order unless --key names them.
    """
    request = Request(
        target=target,
        probas=proba,
        weight=weight,
        groups=groups,
        key=key,
        labels=labels,
        target_type=target_type,
        measure={
            "base": base,
            "clip": clip,
            "rescale": rescale,
            "from_logits": _logits(
                from_logits=from_logits, from_log_proba=from_log_proba
            ),
            "recalibration": recalibration,
        },
    )
    asked = _compare.Asked(
        baseline=baseline,
        level=level,
        json=json,
        fail_if=fail_if or [],
        three_way=three_way,
        written=Written(metrics=metrics, markdown=markdown),
    )
    return _compare.compare(files, request, asked)


@app.command(cls=Once, epilog=f"{_EXAMPLES}{_OF_DRIFT}\n{_CODES}")
def drift(
    reference: options.Reference,
    current: Annotated[
        str,
        typer.Argument(
            metavar="CURRENT",
            help="Predictions and labels of now, as for evaluate.",
        ),
    ],
    *,
    target: options.Target,
    proba: options.Proba,
    by: options.By = None,
    weight: options.Weight = None,
    groups: options.Groups = None,
    labels: options.Labels = None,
    target_type: options.TargetType = "auto",
    base: options.Base = None,
    clip: options.Clip = None,
    rescale: options.Rescale = False,
    from_logits: options.FromLogits = False,
    from_log_proba: options.FromLogProba = False,
    on_missing: options.OnMissing = "raise",
    level: options.Level = 0.95,
    metrics: options.Metrics = None,
    markdown: options.Markdown = None,
    json: options.Json = False,
    fail_if: options.FailIf = None,
    three_way: options.ThreeWay = False,
) -> int:
    """Say what moved between two sets of different rows, and why.

    With --fail-if a term is its difference, current minus reference; "mix" and
    "concept" are the parts of that of the cross-entropy, and "share_outside" is the
    share of rows whose predictions the reference did not see.
    """
    request = Request(
        target=target,
        probas=[proba],
        by=by or [],
        weight=weight,
        groups=groups,
        labels=labels,
        target_type=target_type,
        measure={
            "base": base,
            "clip": clip,
            "rescale": rescale,
            "from_logits": _logits(
                from_logits=from_logits, from_log_proba=from_log_proba
            ),
            "on_missing": on_missing,
        },
    )
    asked = _drift.Asked(
        level=level,
        json=json,
        fail_if=fail_if or [],
        three_way=three_way,
        written=Written(metrics=metrics, markdown=markdown),
    )
    return _drift.drift(reference, current, request, asked)


@app.command(cls=Once, epilog=f"{_EXAMPLES}{_OF_EXPECT}\n{_CODES}")
def expect(
    reference: options.Reference,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Predictions without labels, as for evaluate."
        ),
    ],
    *,
    proba: options.Proba,
    target: options.ReferenceTarget = None,
    by: options.By = None,
    weight: options.Weight = None,
    groups: options.Groups = None,
    labels: options.Labels = None,
    base: options.Base = None,
    clip: options.Clip = None,
    rescale: options.Rescale = False,
    from_logits: options.FromLogits = False,
    from_log_proba: options.FromLogProba = False,
    of: options.Of = "population",
    level: options.Level = 0.95,
    metrics: options.Metrics = None,
    markdown: options.Markdown = None,
    json: options.Json = False,
    fail_if: options.FailIf = None,
    three_way: options.ThreeWay = False,
) -> int:
    """Estimate the log loss of predictions before their labels come.

    It is right where labels behave under a prediction as they did in the reference.
    With --fail-if there are "expected_loss", whose interval is that of --of, "mix" (its
    change from the reference) and "share_outside".
    """
    request = Request(
        target=target,
        probas=[proba],
        by=by or [],
        weight=weight,
        groups=groups,
        labels=labels,
        measure={
            "base": base,
            "clip": clip,
            "rescale": rescale,
            "from_logits": _logits(
                from_logits=from_logits, from_log_proba=from_log_proba
            ),
        },
    )
    asked = _drift.Asked(
        level=level,
        json=json,
        fail_if=fail_if or [],
        three_way=three_way,
        of=of,
        written=Written(metrics=metrics, markdown=markdown),
    )
    return _drift.expect(reference, file, request, asked)
