"""States of parts, and states merged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from .._calls import form
from .._inputs.columns import Selector
from .._inputs.frames import FrameTable
from .._inputs.read_options import EPS, FrameTargetType, FromLogits, OnMissing
from .._inputs.weights import NoRowsError
from .._pickling import public
from .earlier_pass import Under, first_pass
from .measure import measured, with_rows
from .reading import Reading
from .sides import map_of, read_side
from .state import Counts, ScanState, joined, no_rows


@public
def accumulate(
    frame: Any,
    *,
    target: Selector,
    proba: Selector,
    by: Any = None,
    labels: Any = None,
    target_type: FrameTargetType = "auto",
    sample_weight: Any = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
    on_missing: OnMissing = "raise",
    under: Any = None,
    reference: Any = None,
) -> ScanState:
    """Read a part of the data into a state that merges with those of other parts.

    With :func:`merge` and :func:`finish` this is :func:`scan` for any engine that can
    call a function on each part: Spark's ``mapInArrow``, ``map_partitions`` of Dask,
    ``map_batches`` of Ray, or jobs that leave files.

    Parameters
    ----------
    frame : DataFrame of pandas or polars, or table of pyarrow
        The rows of the part.
    target, proba, target_type, rescale, from_logits, on_missing
        As in :class:`XentAccessor`.
    by : column name or list of names, optional
        The columns that groups are formed by.
    labels : sequence, optional
        The classes in the order of the columns. Needed where ``proba`` is one column
        and labels are neither 0 and 1 nor booleans, as a part may hold one class only.
    sample_weight : column name, optional
        Weights of the rows, on one scale in all parts.
    clip : float, default 2.2e-16
        Floor of probabilities inside the logarithm.
    under : Evaluation, optional
        What :func:`finish` made of a first pass over all parts: this is then a part of
        a second pass, which adds exact costs after the map it has found.
    reference : Evaluation, Decomposition, ScanState, or JSON of an evaluation, optional
        Labelled rows of before: the state then says of all rows, and of each group,
        what the reference's map expects them to cost, so that :func:`drift` splits
        the change without sampling. To many parts pass an evaluation or its JSON: the
        map of a state is fitted anew for each.

    Returns
    -------
    ScanState
        The part's state.

    Raises
    ------
    KeyError
        If a column does not exist.
    TypeError
        If ``frame`` is no such frame.
    ValueError
        As in :func:`cross_entropy`, if ``by`` holds values instead of names, if
        ``under`` is no evaluation that :func:`finish` returned, or if ``reference``
        has no recalibration map, other classes, another ``clip``, or comes with
        ``under``.

    See Also
    --------
    scan : All of it in one call, for files.

    Examples
    --------
    >>> import pandas as pd
    >>> from xent_metrics import accumulate, finish, merge
    >>> df = pd.DataFrame({"y": [0, 1] * 200, "p": [0.2, 0.7] * 200})
    >>> parts = (df[:99], df[99:])
    >>> states = [accumulate(part, target="y", proba="p") for part in parts]
    >>> round(finish(merge(states)).decomposition.cross_entropy, 4)
    0.2899
    """
    reading = Reading.of(
        target,
        proba,
        by,
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
        on_missing=on_missing,
    )
    if reference is not None:
        if under is not None:
            msg = (
                "reference must be left to the first pass: found it with under=; pass "
                "it where under is not."
            )
            raise ValueError(msg)
        side = read_side(reference, "reference")
        reading = reading._replace(reference=map_of(side))
    return add(None, frame, reading, None if under is None else first_pass(under).under)


@public
@form("merge([first, second])")
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

    See Also
    --------
    accumulate : Makes a state of rows.
    finish : Makes an evaluation of a state.
    rolling : Sums of states over windows.

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


def add(
    state: ScanState | None, frame: Any, reading: Reading, under: Under | None
) -> ScanState:
    """A state with the rows of a frame."""
    table = FrameTable(frame)
    try:
        part = reading.read(table)
    except NoRowsError as error:
        contract = reading.contract(reading.classes(table), table, under)
        found = no_rows(contract, Counts(n_dropped=error.n_missing))
        return found if state is None else state + found
    contract = reading.contract(part.inputs.labels, table, under)
    before = None if state is None else state.groups
    found, inputs = measured(part, contract, under, reading.reference, before)
    if state is not None:
        found = dataclasses.replace(state + found, kept=state.kept)
    if under is not None:
        return found
    kept = with_rows(
        found.kept, inputs, contract.clip, share=reading.share_kept, part=reading.part
    )
    return dataclasses.replace(found, kept=kept)


def _checked(states: Iterable[ScanState]) -> Iterator[ScanState]:
    if not isinstance(states, Iterable):
        msg = (
            "states must be an iterable of states: found "
            f"{type(states).__name__}; pass merge([first, second])."
        )
        raise TypeError(msg)
    for position, state in enumerate(states):
        if not isinstance(state, ScanState):
            msg = (
                "states must be those that accumulate returns: number "
                f"{position} is of type {type(state).__name__}; pass an iterable of "
                "ScanState."
            )
            raise TypeError(msg)
        yield state
