"""What a decomposition says: its terms, its ladder, and what was counted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import starmap
from typing import TYPE_CHECKING, Any

from pandas.api.types import is_numeric_dtype

from .._decomposition.advice import map_to_use, share_of
from .._decomposition.clips import TERMS_OF_CLIP, terms_by_clip
from .._decomposition.text import at_least, kept_as_they_are, parts_shown
from .._terms import BESIDE, IDENTITY, SOFT_IDENTITY, TERMS, title
from .formatting import (
    MINUS,
    NOTHING,
    count,
    heading,
    interval,
    name,
    number,
    plural,
    probability,
    share,
    with_error,
)
from .headline import clear
from .tables import Column, Row, Section, Table, table
from .todo import no_slice

if TYPE_CHECKING:
    import pandas as pd

    from .._decomposition.result import Decomposition
    from .todo import Reducible, Sliced


def terms(result: Decomposition, digits: int) -> Section:
    """The identities, one term per row, with intervals, and the terms beside them."""
    digits += 1
    bounds = result.ci()

    def row(sign: str, term: str) -> Row:
        value = getattr(result, term)
        meaning = result.notes.get(term, TERMS[term].meaning)
        if not TERMS[term].has_unit and term not in result.notes:
            meaning += ", without unit"
        shown = number(value, digits)
        shown_sign = f"{MINUS if sign == '-' else sign} " if sign else ""
        cells = (
            shown_sign + title(term),
            shown,
            interval(*bounds[term], digits),
            meaning,
        )
        return Row(cells=cells, strong=term == "cross_entropy")

    columns = (
        Column(title="Term", kind="head"),
        Column(title=f"Value ({result.unit})"),
        Column(title="95% interval"),
        Column(title="Meaning", kind="text"),
    )
    soft = not math.isnan(result.irreducible)
    beside = ("kl_divergence", *BESIDE) if soft else BESIDE
    identities = (SOFT_IDENTITY, IDENTITY) if soft else (IDENTITY,)
    captions = ("The loss as a sum", "The same loss, seen from the class frequencies")
    parts = [row("", part) for part in parts_shown(result)]
    tables = [
        table(
            caption,
            columns,
            [row("", "cross_entropy"), *starmap(row, identity), *parts],
        )
        for caption, identity in zip(captions, identities, strict=False)
    ]
    others = table("Other terms", columns, [row("", term) for term in beside])
    return Section(
        ident="terms",
        heading="What the loss is made of",
        tables=(*tables, others),
    )


def ladder(result: Decomposition, digits: int) -> Section:
    """What each recalibration map would remove: a sentence, and the table."""
    sentences = tuple(_of_the_map(result, digits))
    what = "What recalibration would remove"
    if not len(result.ladder):
        return Section(ident="ladder", heading=what, sentences=sentences)
    rows = []
    for label, tried in result.ladder.iterrows():
        won, error = tried["miscalibration"], tried["standard_error"]
        notes = [str(tried["note"])] if tried["note"] else []
        if tried["chosen"]:
            notes.insert(0, "the chosen map")
        if 0 < tried["n"] < result.n:
            notes.append(f"tried on {plural(int(tried['n']), 'row')}")
        cells = (
            name(label),
            count(tried["degrees_of_freedom"]) if tried["n"] else NOTHING,
            with_error(won, error, digits + 1),
            share(tried["share"]),
            number(tried["refinement"], digits + 1),
            "; ".join(notes),
        )
        rows.append(Row(cells=cells, strong=bool(tried["chosen"])))
    columns = (
        Column(title="Map", kind="name"),
        Column(title="Degrees of freedom"),
        Column(title=f"Removed ({result.unit})"),
        Column(title="Share of the chosen map's"),
        Column(title="Left after it"),
        Column(title="Note", kind="text"),
    )
    caption = "The ladder of recalibration maps, ± one standard error"
    tables = (table(caption, columns, rows),)
    return Section(ident="ladder", heading=what, sentences=sentences, tables=tables)


def _of_the_map(result: Decomposition, digits: int) -> Iterator[str]:
    """Sentences on the chosen map, and on a simpler one that does nearly as well."""
    chosen = name(result.recalibration)
    if not math.isfinite(result.miscalibration):
        known = "infinite" if math.isinf(result.miscalibration) else "not known"
        yield f"What recalibration would remove is {known}; the notes above say why."
        return
    error = result.standard_errors.get("miscalibration", math.nan)
    won = f"{with_error(result.miscalibration, error, digits)} {result.unit}"
    freedom = plural(
        result.degrees_of_freedom, "degree of freedom", "degrees of freedom"
    )
    if clear(result, "miscalibration"):
        part = share(result.miscalibration / result.cross_entropy)
        yield (
            f"Recalibration alone would remove {won}, {part} of the loss, by the map "
            f"“{chosen}” with {freedom}."
        )
        yield from _simpler(result)
    elif kept_as_they_are(result):
        yield (
            "No clear miscalibration: a test of calibration does not reject the "
            "predictions."
        )
    else:
        yield (
            f"No clear miscalibration: the map “{chosen}” with {freedom} would remove "
            f"{won}, less than 2 standard errors."
        )
    if not result.converged:
        yield "Its fit did not converge: the terms of the map are unreliable."
    for why in at_least(result):
        yield f"{why[0].upper()}{why[1:]}."


def _simpler(result: Decomposition) -> Iterator[str]:
    """The map of fewest degrees of freedom that wins most of it."""
    chosen, simple = name(result.recalibration), map_to_use(result)
    if simple != result.recalibration:
        freedom = plural(
            int(result.ladder["degrees_of_freedom"].to_dict()[simple]),
            "degree of freedom",
            "degrees of freedom",
        )
        words = f"The simpler map “{name(simple)}”, with {freedom},"
    elif "temperature" in result.ladder.index and simple != "temperature":
        simple, words = "temperature", "A single temperature"
    else:
        return
    part = share(share_of(result, simple))
    yield f"{words} would remove {part} of what “{chosen}” removes."


def clips(result: Decomposition, digits: int) -> Iterator[Section]:
    """How terms depend on the clip, where the cost of rows met it."""
    found = terms_by_clip(result)
    if not found:
        return
    rows = [
        Row(
            cells=(
                f"{clip:.2g}" if clip else "0: none",
                *(number(tried[term], digits) for term in TERMS_OF_CLIP),
            ),
            strong=clip == result.clip,
        )
        for clip, tried in found.items()
    ]
    columns = (
        Column(title="Clip", kind="head"),
        *(Column(title=heading(title(term))) for term in TERMS_OF_CLIP),
    )
    caption = f"The terms under other clips, in {result.unit}"
    sentence = (
        "A probability below the clip counts as the clip. The recalibration map was "
        "fitted again under each."
    )
    yield Section(
        ident="clip",
        heading="How the terms depend on the clip",
        sentences=(sentence,),
        tables=(table(caption, columns, rows),),
    )


def of_features(
    reducible: Reducible | None, slices: Sliced | None, digits: int
) -> Iterator[Section]:
    """What the features still hold, and where, as far as that was handed in."""
    parts = []
    if reducible is not None:
        caption = f"Bounds from the features, in {reducible.unit}"
        parts.append(_as_table(caption, reducible.to_frame(), digits + 1))
    sentences = []
    if slices is not None:
        found = slices.to_frame()
        if len(found):
            parts.append(_as_table("Slices of the features", found, digits + 1))
        else:
            sentences = [no_slice(slices)]
    if parts or sentences:
        yield Section(
            ident="features",
            heading="What the features still hold",
            sentences=tuple(sentences),
            tables=tuple(parts),
        )


_TITLES = {
    "n": "rows",
    "weight": "part of the rows",
    "mean_se": "± of the mean",
    "share": "part of the term",
    "excess_se": "± of the excess",
    "pvalue": "p-value",
}


def _as_table(caption: str, frame: pd.DataFrame, digits: int) -> Table:
    """A frame as it is: its index, numbers, and texts."""
    numeric = [is_numeric_dtype(values) for _, values in frame.items()]
    columns = (
        *(
            Column(title=heading(name(key or "row")), kind="name")
            for key in frame.index.names
        ),
        *(
            Column(
                title=heading(_TITLES.get(str(key), title(str(key)))),
                kind="number" if as_number else "text",
            )
            for key, as_number in zip(frame.columns, numeric, strict=True)
        ),
    )
    of_terms = frame.index.names == ["term"]
    rows = []
    for key, values in zip(frame.index, frame.itertuples(index=False), strict=True):
        keys = key if isinstance(key, tuple) else (key,)
        cells = (
            *(title(one) if of_terms else name(one) for one in keys),
            *(
                count(value)
                if isinstance(value, int)
                else probability(value, digits)
                if as_number
                else name(value)
                for value, as_number in zip(values, numeric, strict=True)
            ),
        )
        rows.append(Row(cells=cells))
    return table(caption, columns, rows)


def counted(result: Decomposition, *, version: str, labels: tuple[Any, ...]) -> Section:
    """What the numbers stand on: rows, what was left out or clipped, and the method."""
    rows = [Row(cells=cells) for cells in _facts(result, labels)]
    rows.append(Row(cells=("Made with", f"xent-metrics {version}")))
    columns = (
        Column(title="What", kind="head"),
        Column(title="Found", kind="text"),
    )
    caption = "Rows, what was clipped or left out, and the method"
    return Section(
        ident="counted",
        heading="What was counted",
        tables=(table(caption, columns, rows),),
    )


def _facts(result: Decomposition, labels: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    yield "Rows", count(result.n)
    yield "Effective number of rows, under the weights", count(result.n_effective)
    groups = result.n_groups
    dependent = "none: rows are independent" if groups is None else count(groups)
    yield "Groups of dependent rows", dependent
    few = ", ".join(map(name, labels[:20]))
    more = f", and {len(labels) - 20:,} more" if len(labels) > 20 else ""  # noqa: PLR2004
    yield "Classes", f"{count(result.n_classes)}: {few}{more}"
    for what, n in (
        (f"Rows with a probability below the clip, {result.clip:.2g}", "n_clipped"),
        ("Rows whose cost is infinite", "n_infinite"),
        ("Rows whose label is not among the classes", "n_unseen"),
        ("Rows left out, as a label or probability was missing", "n_dropped"),
    ):
        yield what, count(getattr(result, n)) if getattr(result, n) else "none"
    if result.n_skipped:
        yield "Parts left out, as they cannot be read", count(result.n_skipped)
    yield "Unit", result.unit
    yield (
        "Clip",
        f"{result.clip:.2g}" if result.clip else "0: no probability is bounded",
    )
    values = ", ".join(
        f"{name(key)} {value:.4g}" for key, value in result.parameters.items()
    )
    of_map = f" ({values})" * bool(values)
    yield "Recalibration map", name(result.recalibration) + of_map
    yield "Its degrees of freedom", count(result.degrees_of_freedom)
    yield "Correction for few votes", result.vote_correction or "none"
    folds = result.n_folds
    one = "none: one model predicted all rows"
    yield "Folds", one if folds is None else count(folds)
