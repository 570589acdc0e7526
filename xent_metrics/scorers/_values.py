"""Scores by name: which term each is, and how the terms of one output are found."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from .._decomposition.breakdown import SmallSampleWarning, too_few
from .._decomposition.decompose import decompose_inputs
from .._inputs.inputs import Inputs
from .._inputs.messages import warn
from .._inputs.read_options import nats_per_unit
from .._kernels.sums import weighted_mean
from .._terms import TERMS
from ._options import Options
from ._outputs import Output

# Greater is better: costs are negated, terms that describe keep their sign.
_OF_TERMS = {
    ("neg_" if term.better == "lower" else "") + name: name
    for name, term in TERMS.items()
    if not term.needs_soft_labels and term.part_of is None
}
_FIRST = (
    *("neg_cross_entropy", "neg_kl_divergence", "neg_refinement"),
    *("neg_miscalibration", "uncertainty", "resolution", "skill"),
)
TERM_OF: Mapping[str, str] = MappingProxyType(
    {
        **{name: _OF_TERMS[name] for name in (*_FIRST, *_OF_TERMS)},
        "neg_abs_calibration_gap": "calibration_gap",
        "neg_perplexity": "perplexity",
    }
)
COUNTS = ("n", "n_clipped", "n_infinite", "n_unseen")

DEFAULT = tuple(TERM_OF)[: len(_OF_TERMS)]

# What one pass over the rows tells, without a recalibration map.
_COLUMNS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cross_entropy": ("cross_entropy",),
        "perplexity": ("cross_entropy",),
        "kl_divergence": ("kl_divergence",),
        "entropy": ("entropy",),
        "predictive_entropy": ("predictive_entropy",),
        "calibration_gap": ("cross_entropy", "predictive_entropy"),
    }
    | dict.fromkeys(COUNTS, ("cross_entropy",))
)


def check_name(name: Any, *, counts: bool = False) -> None:
    """Refuse what cannot be scored."""
    known = sorted({*TERM_OF, *COUNTS} if counts else TERM_OF)
    if not isinstance(name, str) or name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        mend = f"did you mean {near[0]!r}?" if near else "pass one of these names."
        msg = f"a scorer must be one of {', '.join(known)}: found {name!r}; {mend}"
        raise ValueError(msg)


def need_a_map(names: Iterable[str]) -> bool:
    """Whether a map is fitted for one of the scores."""
    return not {TERM_OF.get(name, name) for name in names} <= _COLUMNS_OF.keys()


def scores(output: Output, names: Iterable[str], options: Options) -> dict[str, float]:
    """A value for each name; a map is fitted only where one of them needs it."""
    names = tuple(names)
    wanted = {TERM_OF.get(name, name) for name in names}
    if need_a_map(names):
        terms = _decomposed(output.inputs, wanted, options)
    else:
        terms = _measured(output.inputs, wanted, options)
    terms["n_unseen"] = output.n_unseen
    return {name: _oriented(name, terms) for name in names}


def _oriented(name: str, terms: Mapping[str, float]) -> float:
    value = terms[TERM_OF.get(name, name)]
    if name == "neg_abs_calibration_gap":
        return -abs(value)
    return -value if name.startswith("neg_") else value


def _measured(inputs: Inputs, wanted: set[str], options: Options) -> dict[str, float]:
    """Means of columns, with the arithmetic of the functions of the same names."""
    columns = dict.fromkeys(each for term in wanted for each in _COLUMNS_OF[term])
    rows = inputs.measure(columns, clip=options.clip)
    weights = inputs.weights
    weights = None if weights is None else inputs.counted(weights)
    terms: dict[str, float] = {
        name: weighted_mean(inputs.counted(values), weights)
        for name, values in rows.columns.items()
    }
    if "perplexity" in wanted:
        terms["perplexity"] = _exponential(terms["cross_entropy"])
    if "calibration_gap" in wanted:
        terms["calibration_gap"] = terms["cross_entropy"] - terms["predictive_entropy"]
    per_unit = nats_per_unit(options.base)
    terms = {
        name: value if name == "perplexity" else value / per_unit
        for name, value in terms.items()
    }
    at_zero = rows.at_zero
    clipped, infinite = (at_zero, 0) if options.clip else (0, at_zero)
    return terms | {"n": inputs.n, "n_clipped": clipped, "n_infinite": infinite}


def _decomposed(inputs: Inputs, wanted: set[str], options: Options) -> dict[str, float]:
    result, _ = decompose_inputs(
        inputs, options.reading(), recalibration=options.recalibration
    )
    few = too_few(result.n)
    if all(result.notes.get(name) == few for name in wanted):
        warn(
            f"{', '.join(sorted(wanted))} must be scored on more rows: found {few}, so "
            "that the score is NaN, which error_score does not replace; use fewer "
            "folds.",
            SmallSampleWarning,
        )
    nats = result.cross_entropy * nats_per_unit(options.base)
    counts = {name: getattr(result, name) for name in COUNTS}
    return {**result.terms, **counts, "perplexity": _exponential(nats)}


def _exponential(nats: float) -> float:
    """Perplexity; infinite where no float is as large."""
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf
