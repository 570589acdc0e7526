"""The terms of a decomposition: one entry for each, which all that list terms read.

A term is a sum of costs, each of which is known for every row. To add one, add its
entry here and its field to :class:`Decomposition`; a term that is no sum of costs also
needs its arithmetic in ``_decomposition/terms.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from ._pickling import public


@public
@dataclass(frozen=True, kw_only=True)
class Term:
    """A term of a mean cross-entropy.

    Attributes
    ----------
    name : str
        The attribute of :class:`Decomposition`, also in tables and metric keys.
    title : str
        The name as words.
    meaning : str
        What it says, in a few words.
    parts : mapping of str to float
        The costs that it is a sum of, with their signs: "cross_entropy", "entropy",
        "predictive_entropy", "uncertainty" and "refinement". Empty where it is no sum.
    has_unit : bool
        Whether it is in nats (or bits), rather than a ratio.
    needs_soft_labels : bool
        Whether it is undefined for hard labels.
    by_group : bool
        Whether tables of groups and classes have it.
    part_of : str or None
        The term that it is a part of: the parts of a term add up to it.
    better : {"lower", "higher"} or None
        Which values of it speak for a model; None where it describes the data, or
        tells no better from worse.

    Examples
    --------
    >>> from xent_metrics import TERMS
    >>> TERMS["resolution"].meaning
    'what the predictions tell about the label'
    >>> [name for name, term in TERMS.items() if not term.has_unit]
    ['skill']
    """

    name: str
    title: str
    meaning: str
    parts: Mapping[str, float] = field(default_factory=dict, hash=False)
    has_unit: bool = True
    needs_soft_labels: bool = False
    by_group: bool = True
    part_of: str | None = None
    better: Literal["lower", "higher"] | None = None

    @property
    def needs_map(self) -> bool:
        """Whether it depends on the recalibration map."""
        if self.part_of is not None:
            return TERMS[self.part_of].needs_map
        return "refinement" in self.parts

    @property
    def needs_frequencies(self) -> bool:
        """Whether it depends on the class frequencies."""
        return "uncertainty" in self.parts

    @property
    def has_floor(self) -> bool:
        """Whether its influence vanishes where the map has nothing to gain."""
        return self.needs_map and (len(self.parts) > 1 or self.part_of is not None)

    def of(self, costs: Mapping[str, Any]) -> Any:
        """Add the parts up.

        Parameters
        ----------
        costs : mapping of str to float or ndarray
            The costs by name: means, or one value for each row.

        Returns
        -------
        float or ndarray
            The term.

        Examples
        --------
        >>> from xent_metrics import TERMS
        >>> TERMS["kl_divergence"].of({"cross_entropy": 0.75, "entropy": 0.5})
        0.25
        """
        (first, sign), *others = self.parts.items()
        total = costs[first] if sign > 0 else -costs[first]
        for name, sign in others:
            total = total + costs[name] if sign > 0 else total - costs[name]
        return total


_ENTRIES = (
    Term(
        name="cross_entropy",
        title="cross-entropy",
        meaning="the log loss",
        parts={"cross_entropy": 1},
        better="lower",
    ),
    Term(
        name="entropy",
        title="entropy",
        meaning="of the targets themselves",
        by_group=False,
        parts={"entropy": 1},
    ),
    Term(
        name="kl_divergence",
        title="KL divergence",
        meaning="of the predictions from the targets",
        parts={"cross_entropy": 1, "entropy": -1},
        better="lower",
    ),
    Term(
        name="uncertainty",
        title="uncertainty",
        meaning="cost of predicting class frequencies",
        parts={"uncertainty": 1},
    ),
    Term(
        name="resolution",
        title="resolution",
        meaning="what the predictions tell about the label",
        parts={"uncertainty": 1, "refinement": -1},
        better="higher",
    ),
    Term(
        name="miscalibration",
        title="miscalibration",
        meaning="what recalibration alone would remove",
        parts={"cross_entropy": 1, "refinement": -1},
        better="lower",
    ),
    Term(
        name="overconfidence",
        title="overconfidence",
        meaning="part of rows whose confidence the map lowers",
        by_group=False,
        part_of="miscalibration",
        better="lower",
    ),
    Term(
        name="underconfidence",
        title="underconfidence",
        meaning="part of the other rows",
        by_group=False,
        part_of="miscalibration",
        better="lower",
    ),
    Term(
        name="refinement",
        title="refinement",
        meaning="what is left after recalibration",
        parts={"refinement": 1},
        better="lower",
    ),
    Term(
        name="irreducible",
        title="irreducible",
        meaning="what no model could remove",
        parts={"entropy": 1},
        needs_soft_labels=True,
    ),
    Term(
        name="grouping_loss",
        title="grouping loss",
        meaning="samples that the model cannot tell apart",
        parts={"refinement": 1, "entropy": -1},
        needs_soft_labels=True,
        better="lower",
    ),
    Term(
        name="skill",
        title="skill",
        meaning="1 - cross-entropy / uncertainty",
        by_group=False,
        has_unit=False,
        better="higher",
    ),
    Term(
        name="predictive_entropy",
        title="predictive entropy",
        meaning="cost that the model itself expects",
        by_group=False,
        parts={"predictive_entropy": 1},
    ),
    Term(
        name="calibration_gap",
        title="calibration gap",
        meaning="cross-entropy - predictive entropy",
        by_group=False,
        parts={"cross_entropy": 1, "predictive_entropy": -1},
    ),
)

TERMS: Mapping[str, Term] = MappingProxyType({term.name: term for term in _ENTRIES})
"""All terms by name, in the order in which they are shown."""

# Sums that give the cross-entropy, for all targets and for soft labels; what stands in
# neither is shown beside them.
IDENTITY = (("=", "uncertainty"), ("-", "resolution"), ("+", "miscalibration"))
SOFT_IDENTITY = (("=", "irreducible"), ("+", "grouping_loss"), ("+", "miscalibration"))
# The parts of the last term of the identities, shown below it.
PARTS = tuple(name for name, term in TERMS.items() if term.part_of is not None)
_SHOWN = {"cross_entropy", "entropy", "kl_divergence", *PARTS} | {
    name for _, name in (*IDENTITY, *SOFT_IDENTITY)
}
BESIDE = tuple(name for name in TERMS if name not in _SHOWN)


def title(name: str) -> str:
    """A term's name as words; other names are read as words too."""
    if name in TERMS:
        return TERMS[name].title
    words = name.replace("_", " ").replace("cross entropy", "cross-entropy")
    return words.replace("kl ", "KL ")
