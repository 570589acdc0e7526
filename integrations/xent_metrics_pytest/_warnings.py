"""What the plug-in warns of."""

from __future__ import annotations


class InsufficientEvidenceWarning(UserWarning):
    """The rows do not tell whether a check holds."""


class LuckierBaselineWarning(UserWarning):
    """A baseline was replaced by one that is better by chance, as far as is known."""


for _one in (InsufficientEvidenceWarning, LuckierBaselineWarning):
    _one.__module__ = "xent_metrics_pytest"
