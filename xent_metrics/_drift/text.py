"""What moved as text: the change written out, and its cause in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from .._decomposition.result import Decomposition
from .._display.result import counted
from .._evaluation.comparison import Difference
from .._terms import BESIDE, IDENTITY, SOFT_IDENTITY, title

_FAR = 0.01  # of the rows: so many outside the reference's range are worth a line
_REFUTED = 0.01  # p-value
_FEW = 300  # independent rows: with fewer, tests find too much
_MEANINGS = {
    "mix": "other predictions are made",
    "concept": "labels behave otherwise under the same prediction",
}


class Drifted(Protocol):
    """What the text tells of a drift; :class:`Drift` has it all."""

    @property
    def cause(self) -> str: ...
    @property
    def mix(self) -> Difference: ...
    @property
    def concept(self) -> Difference: ...
    @property
    def differences(self) -> Mapping[str, Difference]: ...
    @property
    def reference(self) -> Decomposition: ...
    @property
    def current(self) -> Decomposition: ...
    @property
    def pvalues(self) -> Mapping[str, float]: ...
    @property
    def share_explained(self) -> float: ...
    @property
    def share_outside(self) -> float: ...
    @property
    def n_sampled(self) -> int | None: ...
    @property
    def recalibration(self) -> str: ...
    @property
    def unit(self) -> str: ...


def text_of(found: Drifted) -> str:
    """The change written out, one term per line."""
    lines = [_headline(found), "", _head(), _of_term(found, "cross_entropy")]
    lines += [
        f"    {name:<20} {'':>9}  {'':>9}  {_signed(getattr(found, name))}  {meaning}"
        for name, meaning in _MEANINGS.items()
    ]
    identity: tuple[tuple[str, str], ...] = IDENTITY
    if not math.isnan(found.current.irreducible):
        identity = (*SOFT_IDENTITY[:-1], *IDENTITY)
    names = [name for _, name in identity]
    lines += [_of_term(found, name) for name in names]
    lines += ["", *(_of_term(found, name) for name in BESIDE if name not in names)]
    return "\n".join([*lines, "", *remarks(found)])


def remarks(found: Drifted) -> list[str]:
    """The lines below the table."""
    lines = [conclusion(found)]
    now = found.current
    n, unit = (now.n, "row") if now.n_groups is None else (now.n_groups, "group")
    if n < _FEW and found.cause != "nothing clear":
        lines.append(
            f"only {counted(n, f'current {unit}')}: with fewer than about {_FEW} a "
            "cause is named too often where there is none"
        )
    lines.append(f"map of the reference: {found.recalibration}")
    if found.share_outside > _FAR:
        lines.append(
            f"outside the range of the reference's predictions: "
            f"{found.share_outside:.0%} of the rows, where the split into mix and "
            "concept is a guess"
        )
    if found.n_sampled is not None:
        lines.append(
            "mix and concept are told apart by a random sample of "
            f"{counted(found.n_sampled, 'current row')}"
        )
    maps = found.reference.recalibration, found.current.recalibration
    has_both = not math.isnan(found.differences["refinement"].difference)
    if has_both and maps[0] != maps[1]:
        lines.append(
            f"terms of the map are under two maps, {maps[0]} and {maps[1]}: part of "
            "their differences may be that of the maps"
        )
    return lines


def conclusion(found: Drifted) -> str:
    """The cause in one sentence."""
    change = found.differences["cross_entropy"]
    moved = f"the loss {'rose' if change.difference > 0 else 'fell'} by"
    whole = f"{moved} {abs(change.difference):.4f} ± {change.standard_error:.4f}"
    if not math.isfinite(change.difference):
        return "the loss is infinite: pass clip= to see what moved"
    mix, concept = (f"{one.difference:+.4f}" for one in (found.mix, found.concept))
    shifted = "a constant shift of the logits"
    if math.isfinite(found.share_explained):
        shifted += f", which explains {found.share_explained:.0%} of the concept"
    if found.pvalues["prior shift"] < _REFUTED:
        shifted += "; no prior shift, as class frequencies changed otherwise"
    else:
        shifted += "; whether it is a prior shift cannot be told"
    return {
        "nothing clear": f"nothing is clear: {whole}",
        "mix": f"{whole}: other predictions are made (mix {mix}), and labels behave "
        "as the reference says",
        "concept change": f"{whole}: labels behave otherwise under the same "
        f"prediction (concept {concept})",
        "constant shift": f"{whole}: labels behave otherwise by {shifted}",
        "prior shift": f"{whole}: a prior shift, as the class frequencies changed and "
        f"each class is as before (mix {mix}, concept {concept})",
        "mix and concept change": f"{whole}: other predictions are made (mix {mix}), "
        f"and labels behave otherwise under the same prediction (concept {concept})",
        "mix and constant shift": f"{whole}: other predictions are made (mix {mix}), "
        f"and labels behave otherwise by {shifted}",
    }[found.cause]


def _headline(found: Drifted) -> str:
    values = [one.cross_entropy for one in (found.reference, found.current)]
    rows = [f"{one.n:,}" for one in (found.reference, found.current)]
    classes = counted(found.current.n_classes, "class", "classes")
    return (
        f"Drift of a cross-entropy from {values[0]:.4f} to {values[1]:.4f} "
        f"{found.unit} ({rows[0]} and {rows[1]} rows, {classes})"
    )


def _head() -> str:
    return f"  {'':<22} {'reference':>9}  {'current':>9}  {'difference':<18}  p-value"


def _of_term(found: Drifted, name: str) -> str:
    values = [one.terms[name] for one in (found.reference, found.current)]
    before, now = (f"{round(value, 4) + 0.0:>9.4f}" for value in values)
    change = found.differences[name]
    line = f"  {title(name):<22} {before}  {now}  {_signed(change)}"
    return f"{line}  {_pvalue(change.pvalue)}".rstrip()


def _signed(change: Difference) -> str:
    value = f"{change.difference:+.4f} ± {change.standard_error:.4f}"
    return f"{'' if math.isnan(change.difference) else value:<18}"


def _pvalue(value: float) -> str:
    if math.isnan(value):
        return ""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"  # noqa: PLR2004
