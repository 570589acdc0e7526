"""What the checks of a session found, gathered from all its processes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PREFIX = "xent."
UPDATED = "xent-update"
_NUMBERS = ("value", "error")
STATUSES = ("passed", "failed", "insufficient", "updated")
_PER_TEST = 10  # checks that a test is taken to make of which nothing is known


@dataclass(frozen=True, kw_only=True)
class Record:
    """What came of one check, as it travels between processes and into JUnit files."""

    test: str = ""
    of: str
    term: str
    value: float
    error: float
    outcome: str
    pvalue: float | None = None
    why: str = ""

    def as_property(self) -> tuple[str, str]:
        """A property of the test, which its report carries."""
        found = {name: one for name, one in asdict(self).items() if name != "test"}
        for name in _NUMBERS:
            if not math.isfinite(found[name]):  # which strict JSON has as text only
                found[name] = str(found[name])
        return f"{PREFIX}{self.term}", json.dumps(found)


def records_of(test: str, properties: Iterable[tuple[str, Any]]) -> list[Record]:
    """The checks among the properties of a test."""
    read = [json.loads(text) for name, text in properties if name.startswith(PREFIX)]
    return [
        Record(**one | {name: float(one[name]) for name in _NUMBERS} | {"test": test})
        for one in read
    ]


@dataclass
class Ledger:
    """The options of a session, and the checks that it made.

    Attributes
    ----------
    alpha : float
        How often a session may fail where no model is worse.
    insufficient : {"fail", "warn", "skip"}
        What becomes of a test whose rows do not tell.
    update : bool
        Whether baselines are written.
    declared : int or None
        How many checks against baselines the session makes, where that was said.
    known : mapping of str to int
        How many each test made when it was last run.
    planned : int
        How many checks to allow for.
    records : list of Record
        What was found.
    written : mapping of Path to str
        The test that wrote each baseline.
    """

    alpha: float
    insufficient: str
    update: bool
    declared: int | None
    known: Mapping[str, int]
    planned: int = 1
    records: list[Record] = field(default_factory=list)
    written: dict[Path, str] = field(default_factory=dict)

    def plan(self, tests: Iterable[str]) -> None:
        """Allow for the checks of these tests."""
        if self.declared is not None:
            self.planned = self.declared
        else:
            counts = [self.known.get(test, _PER_TEST) for test in tests]
            self.planned = max(sum(counts), 1)

    def claim(self, path: Path, test: str) -> None:
        """Let a test write a baseline, which no other test then may.

        Raises
        ------
        ValueError
            If another test wrote it in this session.
        """
        other = self.written.setdefault(path, test)
        if other != test:
            msg = (
                f"a baseline must belong to one test: {path.stem!r} was written by "
                f"{other}; give it another name, such as f'{path.stem}-{{site}}'."
            )
            raise ValueError(msg)

    @property
    def at_once(self) -> float:
        """The p-value at which a check fails before the others are known."""
        return self.alpha / self.planned

    @property
    def compared(self) -> list[Record]:
        """The checks against baselines."""
        return [one for one in self.records if one.pvalue is not None]

    def counts(self) -> dict[str, int]:
        """How many checks against baselines each test made."""
        found: dict[str, int] = dict.fromkeys((one.test for one in self.records), 0)
        for one in self.compared:
            found[one.test] += 1
        return found

    def late(self) -> list[Record]:
        """Checks that fail now that all are known, and did not at once."""
        compared = self.compared
        pvalues = [one.pvalue for one in compared if one.pvalue is not None]
        rejected = holm(pvalues, self.alpha, self.declared)
        return [
            one
            for one, fails in zip(compared, rejected, strict=True)
            if fails and one.outcome != "failed"
        ]


def holm(
    pvalues: Sequence[float], alpha: float, n_declared: int | None = None
) -> list[bool]:
    """Which hypotheses are rejected at a familywise error of alpha (Holm, 1979).

    ``n_declared`` is how many there are, where that is more than were tested.
    """
    n = max(len(pvalues), n_declared or 0)
    rejected = [False] * len(pvalues)
    for rank, place in enumerate(sorted(range(len(pvalues)), key=pvalues.__getitem__)):
        if not pvalues[place] <= alpha / (n - rank):
            break
        rejected[place] = True
    return rejected
