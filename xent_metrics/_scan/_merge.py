"""Joining the states of parts of the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .._pickling import public
from ._state import ScanState, joined


@public
def merge(states: Iterable[ScanState]) -> ScanState:
    """Join the states of parts of the data, in their order.

    Parameters
    ----------
    states : iterable of ScanState
        At least one; made with the same options.

    Returns
    -------
    ScanState
        That of all rows. Means and standard errors do not depend on how the rows were
        split or ordered, but for rounding.

    Raises
    ------
    TypeError
        If one is no state.
    ValueError
        If there is none, or if they were made with different options.

    Examples
    --------
    >>> import pandas as pd
    >>> from xent_metrics import accumulate, merge
    >>> df = pd.DataFrame({"y": [0, 1] * 200, "p": [0.2, 0.7] * 200})
    >>> parts = (df[:100], df[100:])
    >>> merge(accumulate(part, target="y", proba="p") for part in parts)
    ScanState of 400 rows and 2 classes
    """
    return joined(_checked(states))


def _checked(states: Iterable[ScanState]) -> Iterator[ScanState]:
    for position, state in enumerate(states):
        if not isinstance(state, ScanState):
            msg = (
                "states must be those that accumulate returns: number "
                f"{position} is of type {type(state).__name__}; pass an iterable of "
                "ScanState."
            )
            raise TypeError(msg)
        yield state
