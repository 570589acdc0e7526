"""The headline: what the loss is made of, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._decomposition.ladder import CLEAR, is_clear
from .._decomposition.zeros import KEY
from .._terms import PARTS, title
from .formatting import heading, listed, number, plural, with_error

if TYPE_CHECKING:
    from .._decomposition.result import Decomposition

_UNCLEAR = f"less than {CLEAR:.0f} standard errors"
_ONE_LABEL = "undefined: one label per row"
_KINDS = ("undefined", "infinite")  # of what a note says before its reason


def headline(result: Decomposition, digits: int, *, votes: bool) -> str:
    """One sentence, of the terms that are there and clear."""
    whole = f"a log loss of {number(result.cross_entropy, digits)} {result.unit}"
    if not math.isfinite(result.cross_entropy):
        return _without_a_mean(result, digits)
    if not math.isfinite(result.miscalibration):
        return f"How much of {whole} recalibration would remove is not known."
    if math.isfinite(result.irreducible):
        return f"Of {whole}, {_soft_parts(result, digits, votes=votes)}."
    return f"Of {whole}, {_hard_parts(result, digits)}."


def _without_a_mean(result: Decomposition, digits: int) -> str:
    """The cost is infinite, or not known; what is left after recalibration may be."""
    lead = "The predictions cost infinitely much"
    if math.isnan(result.cross_entropy):
        lead = "What the predictions cost is not known"
    if not math.isfinite(result.refinement):
        return f"{lead}."
    return (
        f"{lead}; {number(result.refinement, digits)} {result.unit} would be left "
        "after recalibration; always predicting the class frequencies would cost "
        f"{number(result.uncertainty, digits)}."
    )


def _hard_parts(result: Decomposition, digits: int) -> str:
    frequencies = (
        "always predicting the class frequencies would cost "
        f"{number(result.uncertainty, digits)}"
    )
    won, unclear = _part(result, "miscalibration", digits)
    removed = f"nothing clear ({won})" if unclear else won
    left = number(result.refinement, digits)
    return f"recalibration alone would remove {removed} and leave {left}; {frequencies}"


def _soft_parts(result: Decomposition, digits: int, *, votes: bool) -> str:
    own = "the annotators' own disagreement" if votes else "the targets' own entropy"
    irreducible = f"{number(result.irreducible, digits)} are {own}, which no model"
    parts = [f"{irreducible} removes"]
    apart, unclear = _part(result, "grouping_loss", digits)
    samples = "samples that the model cannot tell apart"
    parts.append(
        f"nothing clear lies in {samples} ({apart})"
        if unclear
        else f"{apart} lie in {samples}"
    )
    won, unclear = _part(result, "miscalibration", digits)
    removed = f"nothing clear ({won})" if unclear else won
    parts.append(f"recalibration alone would remove {removed}")
    return "; ".join(parts)


def _part(result: Decomposition, name: str, digits: int) -> tuple[str, bool]:
    """A term; with its error where it may be nothing."""
    value = float(getattr(result, name))
    if clear(result, name):
        return number(value, digits), False
    error = result.standard_errors.get(name, math.nan)
    why = _UNCLEAR if math.isfinite(error) else "of unknown standard error"
    return f"{with_error(value, error, digits)}, {why}", True


def clear(result: Decomposition, name: str) -> bool:
    """Whether a term is above 0 by more than chance explains."""
    error = result.standard_errors.get(name, math.nan)
    return is_clear(getattr(result, name), error, result.cross_entropy)


def remarks(result: Decomposition, digits: int) -> tuple[str, ...]:
    """What a reader must know beside the headline."""
    found = [f"{result.notes[KEY]}."] if KEY in result.notes else []
    skill = result.skill
    if skill < -CLEAR * result.standard_errors.get("skill", math.nan):
        found.append(
            "The predictions cost more than always predicting the class frequencies, "
            f"which costs {number(result.uncertainty, digits)} {result.unit}."
        )
    told, unclear = _part(result, "resolution", digits)
    if math.isfinite(result.resolution) and unclear:
        found.append(
            "The predictions tell nothing clear about the label: their resolution is "
            f"{told}."
        )
    if result.n_folds is not None:
        found.append(
            f"Terms are averages over {plural(result.n_folds, 'fold')}, each with a "
            "recalibration map of its own."
        )
    return (*found, *reasons(result.notes))


def reasons(notes: Mapping[str, str]) -> list[str]:
    """Why terms are missing: one sentence per reason; hard labels are no defect."""
    of_reason: dict[str, list[str]] = {}
    for name, reason in notes.items():
        if reason != _ONE_LABEL and name not in (*PARTS, KEY):
            of_reason.setdefault(reason, []).append(title(name))
    sentences = []
    for reason, names in of_reason.items():
        kind, colon, why = reason.partition(": ")
        verb = "is" if len(names) == 1 else "are"
        said = f"{verb} to be doubted: {reason}"
        if colon:
            said = f"{verb} not known: {kind}, {why}"
        if kind in _KINDS:
            said = f"{verb} {kind}: {why}"
        sentence = f"{listed(names)} {said}."
        if reason.endswith("of the loss"):  # which rows hold it: no defect of the term
            sentence = f"{reason}."
        sentences.append(heading(sentence))
    return sentences
