"""The arithmetic of terms, their standard errors and notes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from .._display.result import counted
from .._kernels.table import FloatArray
from .._terms import PARTS, TERMS, Term
from .breakdown import TOO_FEW, too_few
from .evidence import Data
from .frequencies import Frequencies
from .recalibration import Correction
from .row_terms import RowTerms


def _terms_where(condition: Callable[[Term], bool]) -> tuple[str, ...]:
    return tuple(name for name, term in TERMS.items() if condition(term))


# A term that is no sum is the skill, which needs a cost and class frequencies.
_OF_THE_COST = _terms_where(
    lambda term: "cross_entropy" in term.parts or not term.parts
)
OF_THE_MAP = _terms_where(
    lambda term: (term.needs_map or not term.parts) and not term.needs_soft_labels
)
_FOR_SOFT_LABELS = _terms_where(lambda term: term.needs_soft_labels)
_MOST, _FEW_ROWS, _MANY = 0.5, 0.005, 20  # of the loss, of the rows, rows
_FITTED = _terms_where(lambda term: term.needs_map)
_FLOORED = _terms_where(lambda term: term.has_floor)


def terms_of_rows(data: Data, frequencies: Frequencies) -> dict[str, float]:
    """The terms, in nats: sums and differences of means, so that they add up."""
    inputs, rows, correction = data.inputs, data.rows, data.correction
    soft = inputs.target is not None
    cross_entropy = rows.mean(rows.cross_entropy)
    entropy = rows.mean(rows.entropy)
    predictive_entropy = rows.mean(rows.predictive_entropy)
    debiased = correction is None or correction.debiased
    uncertainty = frequencies.entropy(debiased=debiased)
    refinement = math.nan
    parts = dict.fromkeys(PARTS, math.nan)
    if correction is not None:
        refinement = rows.mean(rows.recalibrated) + correction.optimism
        parts = parts_of_miscalibration(rows, correction)
    return terms(
        cross_entropy=cross_entropy,
        entropy=entropy,
        predictive_entropy=predictive_entropy,
        uncertainty=uncertainty,
        refinement=refinement,
        parts=parts,
        soft=soft,
        with_skill=not undefined(len(inputs.labels), frequencies),
    )


def terms(
    *,
    cross_entropy: float,
    entropy: float,
    predictive_entropy: float,
    uncertainty: float,
    refinement: float,
    parts: Mapping[str, float],
    soft: bool,
    with_skill: bool,
) -> dict[str, float]:
    """All terms, by what they are sums and differences of; ``parts`` are no sums."""
    costs = {
        "cross_entropy": cross_entropy,
        "entropy": entropy,
        "predictive_entropy": predictive_entropy,
        "uncertainty": uncertainty,
        "refinement": refinement,
    }
    skill = 1.0 - cross_entropy / uncertainty if with_skill else math.nan
    others = {"skill": skill, **parts}
    found = {
        name: term.of(costs) if term.parts else others[name]
        for name, term in TERMS.items()
    }
    if not soft:
        found |= dict.fromkeys(_FOR_SOFT_LABELS, math.nan)
    return found


def parts_of_miscalibration(rows: RowTerms, correction: Correction) -> dict[str, float]:
    """The parts of the miscalibration, each with its rows' share of the debiasing."""
    assert rows.lowered is not None, "known where a map is"
    share = rows.mean(rows.lowered.astype(np.float64))
    shares = {"overconfidence": share, "underconfidence": 1.0 - share}
    return {
        name: rows.mean(won) - shares[name] * correction.optimism
        for name, won in rows.parts_of_miscalibration().items()
    }


def errors_of_rows(
    rows: RowTerms,
    terms: dict[str, float],
    frequencies: Frequencies,
    correction: Correction | None,
    of_unseen: Mapping[str, float],
) -> dict[str, float]:
    """Standard errors in nats, with their floors where an influence vanishes.

    ``of_unseen`` are variances that are left by events that were hardly seen.
    Near calibration the debiased miscalibration is a weighted chi-square variable,
    whose variance does not fall with that of the rows' terms.
    """
    of_map = 0.0 if correction is None else correction.variance
    floors = least_variances(terms["uncertainty"], frequencies, of_map)
    errors = {}
    influences = rows.influences(terms["cross_entropy"], terms["uncertainty"])
    for name, influence in influences.items():
        if math.isnan(terms[name]):
            errors[name] = math.nan
            continue
        error = rows.standard_error(influence)
        floor = math.sqrt(max(floors.get(name, 0.0), of_unseen.get(name, 0.0)))
        errors[name] = error if error > floor or math.isnan(error) else floor
    return errors


def least_variances(
    uncertainty: float, frequencies: Frequencies, of_map: float
) -> dict[str, float]:
    """Variances that remain where an influence vanishes, by term."""
    least = dict.fromkeys(_FLOORED, of_map)
    least["uncertainty"] = frequencies.variance()
    if uncertainty:
        least["skill"] = frequencies.variance() / uncertainty**2
    return least


def note_undefined_entropy(
    notes: dict[str, str], entropy: FloatArray, correction: str
) -> None:
    """Say why the irreducible term is NaN.

    The jackknife requires two votes per row, and "dirichlet" a recalibration map.
    """
    n = int(np.count_nonzero(np.isnan(entropy)))
    if n:
        have, them = ("has", "it") if n == 1 else ("have", "them")
        reason = (
            f"undefined: {counted(n, 'row')} {have} one vote; leave {them} out by a "
            "weight of 0"
        )
        if correction == "dirichlet":
            reason = notes["refinement"]
        uses_it = _terms_where(lambda term: "entropy" in term.parts)
        notes.update(dict.fromkeys(uses_it, reason))


def reasons(
    n_labels: int,
    at_zero: int,
    frequencies: Frequencies,
    clip: float,
    *,
    n_independent: int,
    soft: bool,
) -> dict[str, str]:
    """Why terms are infinite or NaN, by the name of the term."""
    notes: dict[str, str] = {}
    if at_zero and not clip:
        rows = counted(at_zero, "row")
        infinite = f"infinite: a probability of 0 for the target in {rows}"
        notes.update(dict.fromkeys(_OF_THE_COST, infinite))
    if n_independent < TOO_FEW:
        notes.update(dict.fromkeys(_FITTED, too_few(n_independent)))
    if not soft:
        one_label = "undefined: one label per row"
        notes.update(dict.fromkeys(_FOR_SOFT_LABELS, one_label))
    reason = undefined(n_labels, frequencies)
    if reason:
        notes.update(dict.fromkeys(OF_THE_MAP, reason))
    return notes


def undefined(n_labels: int, frequencies: Frequencies) -> str:
    """Why no map can be fitted, and no skill be said; else nothing."""
    if np.count_nonzero(frequencies.mass) <= 1:
        return "undefined: y_true holds one class only"
    if not frequencies.mass[:n_labels].any():
        return "undefined: no label of y_true is among the classes"
    return ""


def note_concentrated(notes: dict[str, str], rows: RowTerms) -> None:
    """Say how few rows hold most of the loss."""
    loss = np.sort(rows.weights * rows.cross_entropy)[::-1]
    n, total = len(loss), float(loss.sum())
    if "cross_entropy" in notes or n < _MANY or not 0 < total < math.inf:
        return
    held = np.cumsum(loss) / total
    few = int(np.searchsorted(held, _MOST)) + 1
    if few <= max(_FEW_ROWS * n, 1):
        verb = "holds" if few == 1 else "hold"
        share = f"{few / n:.1%}".replace("0.0%", "below 0.1%")
        notes["cross_entropy"] = (
            f"{counted(few, 'row')} ({share}) {verb} {held[few - 1]:.0%} of the loss"
        )
