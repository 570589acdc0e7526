"""Files that commands write: numbers for DVC, a summary for a pipeline's page."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .._decomposition.result import Decomposition
from .._display.result import Result
from .._drift.expected_result import Estimand, ExpectedLoss
from .._drift.result import Drift
from .._evaluation.comparison import Comparison, Difference
from .._report.place import place_of
from .._report.render import write
from ..gates._numbers import COUNTS
from .errors import UsageError
from .files import STANDARD_INPUT
from .gate import Outcome

_STDIN = 0  # its descriptor


@dataclass(frozen=True, kw_only=True)
class Written:
    """The files that are written, where they are asked for."""

    html: str | None = None
    metrics: str | None = None
    markdown: str | None = None

    def check(self, *read: str) -> None:
        """Refuse what cannot be written, or is read, or is two: before work is done."""
        options = {
            "--html": self.html,
            "--metrics": self.metrics,
            "--markdown": self.markdown,
        }
        files = {option: path for option, path in options.items() if path is not None}
        for option, path in files.items():
            place_of(path, option)
            for file in read:
                _check_not_read(path, option, file)
        _check_apart(files)

    def write(
        self, result: Result, numbers: Mapping[str, float], outcomes: Sequence[Outcome]
    ) -> None:
        """Write the numbers, as ``dvc metrics`` reads them, and add the summary.

        What is not finite, as a term that is undefined for hard labels, is no number
        of JSON and is left out.
        """
        if self.metrics is not None:
            finite = {name: one for name, one in numbers.items() if math.isfinite(one)}
            text = json.dumps(finite, indent=2, allow_nan=False)
            write(self.metrics, f"{text}\n")
        if self.markdown is not None:
            text = result.to_markdown() + "\n"
            if outcomes:
                lines = [f"- {_escaped(str(outcome))}" for outcome in outcomes]
                text += "\n" + "\n".join(lines) + "\n"
            with Path(self.markdown).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")


def numbers_of(result: Decomposition) -> dict[str, float]:
    """The terms with their standard errors, ``<term>_se``, and the counts."""
    errors = {f"{name}_se": one for name, one in result.standard_errors.items()}
    both = result.terms | errors
    found = {name: float(both[name]) for name in sorted(both)}
    return found | {name: getattr(result, name) for name in COUNTS}


def numbers_of_comparison(result: Comparison) -> dict[str, float]:
    """The terms of each model, ``<model>.<term>``, and how they differ.

    The differences from the baseline are ``<model>.<term>_difference``.
    """
    found: dict[str, float] = {}
    for model, one in result.decompositions.items():
        found |= {f"{model}.{name}": float(term) for name, term in one.terms.items()}
        if model != result.baseline:
            pairs = result.differences[model].items()
            named = {f"{model}.{name}_difference": each for name, each in pairs}
            found |= _of_differences(named.items())
    return found


def numbers_of_drift(result: Drift) -> dict[str, float]:
    """What moved, by the names that gates have: current minus reference."""
    parts = {"mix": result.mix, "concept": result.concept, **result.differences}
    return _of_differences(parts.items()) | {"share_outside": result.share_outside}


def numbers_of_expected(result: ExpectedLoss, of: Estimand) -> dict[str, float]:
    """The loss that is expected, with the standard error that was asked for."""
    return {
        "expected_loss": result.expected_loss,
        "expected_loss_se": float(result.to_frame()["standard_error"][of]),
        "mix": result.mix,
        "mix_se": result.mix_error,
        "share_outside": result.share_outside,
        "n": result.n,
    }


def _of_differences(named: Iterable[tuple[str, Difference]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, one in named:
        found |= {name: one.difference, f"{name}_se": one.standard_error}
    return found


def _check_not_read(path: str, option: str, file: str) -> None:
    """Refuse to write over what is read."""
    with suppress(OSError):  # one that is not there is no input, or an error of its own
        read_from = os.fstat(_STDIN) if file == "-" else Path(file).stat()
        if os.path.samestat(Path(path).stat(), read_from):
            name = STANDARD_INPUT if file == "-" else repr(file)
            msg = (
                f"{option} must not be the file that is read: {path!r} is {name}; "
                "pass another name, such as report.html."
            )
            raise UsageError(msg)


def _check_apart(files: dict[str, str]) -> None:
    """Refuse one file for two options, of which the second would replace the first."""
    taken: dict[str, str] = {}
    for option, path in files.items():
        first = taken.setdefault(os.path.realpath(path), option)
        if first != option:
            msg = (
                f"{first} and {option} must be different files: both are {path!r}; "
                "pass another name for one of them."
            )
            raise UsageError(msg)


def _escaped(text: str) -> str:
    """Text that is no markup, with its signs as they are."""
    marked = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{one}" if one in "\\`*_[]|" else one for one in marked)
