"""A warning that is given once, not once a fold."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from .._inputs.inputs import UnseenLabelWarning
from .._inputs.labels import show

_given: dict[tuple[str, frozenset[Any]], Any] = {}


def warn_unseen(scorer: str, unseen: Iterable[Any], classes: tuple[Any, ...]) -> None:
    """Warn of labels that an estimator does not know: once a scorer and label set.

    Python shows a warning once a place, but forgets that at every
    ``warnings.catch_warnings``, and scikit-learn enters one for each fold. Remembered
    here is who listens: a new listener, such as a test that records, is told anew.
    """
    labels = tuple(unseen)
    key = scorer, frozenset((*labels, *classes))
    listener = getattr(warnings, "_showwarnmsg_impl", None)
    if _given.get(key, _given) is listener:
        return
    warnings.warn(
        "some rows have a label that is not among the estimator's classes_ "
        f"({show(labels)} among {show(classes)}), as where a training fold lacks a "
        "class: its probability counts as 0; DecompositionScorer counts such rows "
        "where its terms hold 'n_unseen'.",
        UnseenLabelWarning,
        stacklevel=1,
    )
    _given[key] = listener
