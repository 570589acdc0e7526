"""The terms of an ensemble's decomposition, and their identities as text."""

from __future__ import annotations

from collections.abc import Mapping

from .._decomposition.text import title

MEANINGS: Mapping[str, str] = {
    "member_cross_entropy": "mean log loss of the members",
    "ensemble_cross_entropy": "log loss of their arithmetic mean",
    "diversity": "what averaging the probabilities gains",
    "geometric_cross_entropy": "log loss of their geometric mean",
    "geometric_diversity": "mean divergence of the members from that mean",
    "predictive_entropy": "entropy of the arithmetic mean",
    "member_entropy": "mean entropy of the members",
    "mutual_information": "what the member tells about the predicted label",
}

_IDENTITIES = (
    ("member_cross_entropy", "ensemble_cross_entropy", "diversity"),
    ("member_cross_entropy", "geometric_cross_entropy", "geometric_diversity"),
    ("predictive_entropy", "member_entropy", "mutual_information"),
)


def identities(terms: Mapping[str, float], notes: Mapping[str, str]) -> list[str]:
    """Three sums, one term a line, with an empty line after each."""
    lines = []
    for names in _IDENTITIES:
        for sign, name in zip(" =+", names, strict=True):
            meaning = notes.get(name, MEANINGS[name])
            lines.append(f"  {sign} {title(name):<23} {terms[name]:>9.4f}  {meaning}")
        lines.append("")
    return lines
