"""Windows of states: those of days as those of weeks."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, overload

from .._calls import form
from .._pickling import public
from .accumulate import merge
from .state import ScanState


@overload
def rolling(
    states: Mapping[Any, ScanState], *, window: int
) -> dict[Any, ScanState]: ...


@overload
def rolling(states: Iterable[ScanState], *, window: int) -> list[ScanState]: ...


@public
@form("rolling(states, window=7)")
def rolling(
    states: Mapping[Any, ScanState] | Iterable[ScanState], *, window: int
) -> dict[Any, ScanState] | list[ScanState]:
    """Join each run of so many states, such as those of seven days.

    Parameters
    ----------
    states : iterable of ScanState, or mapping of label to ScanState
        One for each period, in the order of time; made with the same options.
    window : int
        How many of them a window holds.

    Returns
    -------
    list of ScanState, or dict of label to ScanState
        The state of each whole window, for :func:`finish`; of a mapping by the label
        of its last period. There are ``window - 1`` fewer than states.

    Raises
    ------
    TypeError
        If one is no state.
    ValueError
        If ``window`` is not a whole number from 1, if there are fewer states than a
        window holds, or if they were made with different options.

    See Also
    --------
    merge : The state of all rows.

    Notes
    -----
    A state is added to others about three times, however long the window is. Each
    result holds a random sample of its own rows, as all states do: of many windows,
    finish one at a time.

    Examples
    --------
    >>> import pandas as pd
    >>> from xent_metrics import accumulate, finish, rolling
    >>> df = pd.DataFrame({"y": [0, 1] * 200, "p": [0.2, 0.7] * 200})
    >>> df["day"] = df.index // 100
    >>> states = {
    ...     day: accumulate(rows, target="y", proba="p")
    ...     for day, rows in df.groupby("day")
    ... }
    >>> windows = rolling(states, window=2)
    >>> {day: state.n for day, state in windows.items()}
    {1: 200, 2: 200, 3: 200}
    >>> round(finish(windows[3]).decomposition.cross_entropy, 4)
    0.2899
    """
    whole = isinstance(window, numbers.Integral) and not isinstance(window, bool)
    if not (whole and window >= 1):
        msg = f"window must be a whole number from 1: found {window!r}; pass 7."
        raise ValueError(msg)
    given = list(states.values()) if isinstance(states, Mapping) else states
    found = list(_windows(_each(given), int(window)))
    if not found:
        msg = (
            f"states must be as many as a window holds: found fewer than {window}; "
            "pass a smaller window, or merge(states)."
        )
        raise ValueError(msg)
    if isinstance(states, Mapping):
        return dict(zip(list(states)[-len(found) :], found, strict=True))
    return found


def _each(states: Any) -> Iterator[ScanState]:
    """The states; one sentence where one of them is none."""
    if not isinstance(states, Iterable):
        merge(states)  # which says so
    for state in states:
        yield merge([state])


def _windows(states: Iterable[ScanState], window: int) -> Iterator[ScanState]:
    """Sums of runs of states.

    Of each block of as many states as a window holds, sums from each state to the
    block's end are kept: a window is one of these and the sum of the states since.
    """
    block: list[ScanState] = []
    ends: list[ScanState] = []
    since: ScanState | None = None
    for state in states:
        block.append(state)
        since = state if since is None else since + state
        place = len(block)
        if place == window:
            yield since
            ends = block[:]
            for k in range(window - 2, -1, -1):
                ends[k] = ends[k] + ends[k + 1]
            block, since = [], None
        elif ends:
            yield ends[place] + since
