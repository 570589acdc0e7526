"""An evaluation as a section of a model card."""

from __future__ import annotations

import json
import math

from .._decomposition.result import Decomposition
from .._terms import TERMS


def model_card(
    result: Decomposition, *, model: str, dataset: str, split: str, task: str
) -> str:
    """The fields of a model index, and the terms as a table in Markdown."""
    names = {"model": model, "dataset": dataset, "split": split, "task": task}
    for option, name in names.items():
        if not isinstance(name, str):
            msg = (
                f"{option} must be text: found {name!r} of type "
                f"{type(name).__name__}; pass a name."
            )
            raise TypeError(msg)
        if not name.strip():
            msg = (
                f"{option} must be a name: found {name!r}; pass one that is not empty."
            )
            raise ValueError(msg)
    lines = [
        "---",
        "model-index:",
        f"- name: {_quoted(model)}",
        "  results:",
        "  - task:",
        f"      type: {_quoted(task)}",
        "    dataset:",
        f"      type: {_quoted(dataset)}",
        f"      name: {_quoted(dataset)}",
        f"      split: {_quoted(split)}",
        "    metrics:",
    ]
    for name, term in TERMS.items():
        value = float(result.terms[name])
        if math.isfinite(value):
            unit = f" ({result.unit})" if term.has_unit else ""
            lines += [
                f"    - type: {name}",
                f"      name: {_quoted(term.title + unit)}",
                f"      value: {_number(value)}",
            ]
    return "\n".join([*lines, "---", "", "## Evaluation", "", result.to_markdown(), ""])


def _quoted(text: str) -> str:
    """Text as YAML reads it: a string of JSON is one of YAML."""
    return json.dumps(text)


def _number(value: float) -> str:
    """A number as YAML 1.1 reads it too, for which 1e-05 is text."""
    shown = repr(value)
    mantissa, mark, exponent = shown.partition("e")
    if mark and "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}{mark}{exponent}"
