"""Files for what runs the command: numbers for DVC, a summary for a pipeline's page."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from .._decomposition.result import Decomposition
from .._report.render import write
from ..gates._numbers import COUNTS
from .gate import Outcome


def write_metrics(path: str, result: Decomposition) -> None:
    """Write one flat object of numbers, as ``dvc metrics`` reads them.

    Each term has its standard error beside it, ``<term>_se``. What is not finite, as a
    term that is undefined for hard labels, is no number of JSON and is left out.
    """
    errors = {f"{name}_se": one for name, one in result.standard_errors.items()}
    both = result.terms | errors
    found = {name: float(both[name]) for name in sorted(both)}
    numbers = {name: one for name, one in found.items() if math.isfinite(one)}
    counts = {name: getattr(result, name) for name in COUNTS}
    write(path, json.dumps(numbers | counts, indent=2, allow_nan=False) + "\n")


def add_markdown(path: str, result: Decomposition, outcomes: Sequence[Outcome]) -> None:
    """Add the terms and the conditions to the end of a file, as Markdown."""
    text = result.to_markdown() + "\n"
    if outcomes:
        lines = [f"- {_escaped(str(outcome))}" for outcome in outcomes]
        text += "\n" + "\n".join(lines) + "\n"
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def _escaped(text: str) -> str:
    """Text that is no markup, with its signs as they are."""
    marked = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{one}" if one in "\\`*_[]|" else one for one in marked)
