"""An alarm: when, on what, since when, and how sure."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from .._display.result import json_text, show_period
from .._pickling import public
from .._terms import title


@public
@dataclass(frozen=True, kw_only=True)
class Alarm:
    """What :class:`Monitor` has found to differ from its reference.

    Attributes
    ----------
    when : object
        The period in which the evidence sufficed: what :meth:`Monitor.update` was
        given, or its number.
    since : object
        About when the change began: the period from which on the evidence is largest.
    on : str
        What changed: a term, or the frequency of a class given the predictions.
    direction : {"higher", "lower"}
        Which way it lies from what the reference's map expects.
    change : float
        By how much, on average since then, in ``unit``.
    standard_error : float
        Of the change, from the rows since then; it does not hold the map's error.
    band : float
        How much of the change the map's error and the tolerance may account for.
    evidence : float
        What bets against the reference have won: the capital, from 1.
    threshold : float
        The evidence that is an alarm.
    period : int
        The number of the period in its year, from 1.
    year : int
        The number of the year, a run of ``periods`` periods, from 1.
    unit : str
        The unit of the change: "nats", "bits", "probability", or another.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import Evaluation, Monitor
    >>> rng = np.random.default_rng(0)
    >>> q = rng.uniform(0.05, 0.95, 4000)
    >>> y = rng.random(4000) < q
    >>> monitor = Monitor(Evaluation.from_predictions(y, q), periods=50)
    >>> late = rng.random(4000) < 0.5 * q
    >>> alarm = monitor.update(late, q, when="2026-03-02")
    >>> alarm.on, alarm.direction, alarm.when
    ('frequency of True', 'lower', '2026-03-02')
    """

    when: Any
    since: Any
    on: str
    direction: Literal["higher", "lower"]
    change: float
    standard_error: float
    band: float
    evidence: float
    threshold: float
    period: int
    year: int
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes by name."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """The same as :meth:`to_dict` in strict JSON: what is not finite is text."""
        return json_text(self.to_dict())

    def __repr__(self) -> str:
        """One sentence."""
        unit = "" if self.unit == "probability" else f" {self.unit}"
        error = ""
        if not math.isnan(self.standard_error):
            error = f" ± {self.standard_error:.4f}"
        when, since = show_period(self.when), show_period(self.since)
        return (
            f"Alarm at {when}: {title(self.on)} {self.direction} than expected since "
            f"about {since}, by {self.change:+.4f}{error}{unit}, of which "
            f"the reference's own error may be {self.band:.4f}; evidence "
            f"{_shown(self.evidence)}, alarm at {_shown(self.threshold)}"
        )


def _shown(evidence: float) -> str:
    """Evidence as text: large numbers as powers."""
    return f"{evidence:,.0f}" if evidence < 1e6 else f"{evidence:.1e}"  # noqa: PLR2004
