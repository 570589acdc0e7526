"""What is left of rows once they were read: moments, cells and a few of the rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._inputs.groups import Keys
from .._kernels.table import FloatArray
from .._pickling import public
from . import _document
from ._contract import Contract, Counts, check_contracts
from ._covariance import Covariance
from ._groups import Groups, both, keyed
from ._logit_cells import SHAPE
from ._moments import Moments
from ._rows_kept import RowsKept


@public
@dataclass(frozen=True, kw_only=True, eq=False)
class ScanState:
    """What rows leave behind, to be merged with that of other rows.

    Made by :func:`accumulate`, joined by :func:`merge`, read by :func:`finish`. It
    holds no data but at most 500,000 probabilities (or 10,000 rows) drawn at random.

    Attributes
    ----------
    n : int
        Rows of positive weight.
    labels : tuple
        The classes, in column order.
    """

    contract: Contract
    counts: Counts
    unseen: tuple[Any, ...]
    whole: Moments
    classes: Moments
    groups: Groups | None
    covariance: Covariance | None
    cells: FloatArray | None
    kept: RowsKept
    shares: FloatArray
    gradient: FloatArray | None = None

    @property
    def n(self) -> int:
        """Rows of positive weight."""
        return int(self.whole.n[0])

    @property
    def labels(self) -> tuple[Any, ...]:
        """The classes, in column order."""
        return self.contract.labels

    def __repr__(self) -> str:
        """How many rows there are, and of what."""
        return f"ScanState of {self.n:,} rows and {len(self.labels)} classes"

    def to_json(self) -> str:
        """The state as strict JSON, for :meth:`from_json`.

        Returns
        -------
        str
            With the version of its schema; every number is exact.

        Examples
        --------
        >>> import pandas as pd
        >>> from xent_metrics import ScanState, accumulate
        >>> df = pd.DataFrame({"y": [0, 1] * 200, "p": [0.2, 0.7] * 200})
        >>> state = accumulate(df, target="y", proba="p")
        >>> ScanState.from_json(state.to_json())
        ScanState of 400 rows and 2 classes
        """
        return _document.to_json(_to_document(self))

    @staticmethod
    def from_json(text: str | bytes) -> ScanState:
        """Read a state back.

        Parameters
        ----------
        text : str or bytes
            What :meth:`to_json` gave.

        Returns
        -------
        ScanState
            The same. Labels and keys are texts, numbers, booleans or times again; of
            another type they are text.

        Raises
        ------
        ValueError
            If the text is not the JSON of a state of this version's schema.
        """
        return _document.whole(_document.from_json(text), _from_document)

    def to_arrow(self) -> Any:
        """The state as a batch of one row, for engines that move Arrow.

        Returns
        -------
        pyarrow.RecordBatch
            Of :meth:`arrow_schema`.

        Raises
        ------
        ImportError
            If pyarrow is not installed.
        """
        return _document.to_arrow(_to_document(self))

    @staticmethod
    def from_arrow(batch: Any) -> ScanState:
        """The merged states of the rows of a batch or table, in their order.

        Parameters
        ----------
        batch : pyarrow.RecordBatch or pyarrow.Table
            Rows that :meth:`to_arrow` gave.

        Returns
        -------
        ScanState
            As :func:`merge` of all.

        Raises
        ------
        ValueError
            If there are no rows, or rows that are no states of this version's schema.
        """
        return joined(
            _document.whole(found, _from_document)
            for found in _document.from_arrow(batch)
        )

    @staticmethod
    def arrow_schema() -> Any:
        """The schema of :meth:`to_arrow`: ``schema_version``, ``header``, ``numbers``.

        Returns
        -------
        pyarrow.Schema
            Of types that every engine knows: int32, string and binary.
        """
        return _document.arrow_schema()

    def __add__(self, other: Self) -> Self:
        """The state with the rows of another."""
        check_contracts(self.contract, other.contract)
        unseen = tuple(dict.fromkeys((*self.unseen, *other.unseen)))
        return dataclasses.replace(
            self,
            counts=Counts(*np.add(self.counts, other.counts).tolist()),
            unseen=unseen,
            whole=self.whole.plus(other.whole),
            classes=_classes(self, unseen).plus(_classes(other, unseen)),
            groups=both(self.groups, other.groups),
            covariance=_sum(self.covariance, other.covariance),
            cells=_sum(self.cells, other.cells),
            kept=self.kept.plus(other.kept),
            shares=self.shares + other.shares,
            gradient=_sum(self.gradient, other.gradient),
        )


# What of a state is a tuple of arrays.
_PARTS: Mapping[str, Any] = {
    "whole": Moments,
    "classes": Moments,
    "groups": Moments,
    "covariance": Covariance,
    "kept": RowsKept,
}


def _to_document(state: ScanState) -> _document.Document:
    """All of a state in plain types, and its numbers by name."""
    numbers: dict[str, FloatArray] = {"shares": state.shares}
    for name in ("cells", "gradient"):
        if getattr(state, name) is not None:
            numbers[name] = getattr(state, name)
    for name in _PARTS:
        part = getattr(state, name)
        part = part.moments if isinstance(part, Groups) else part
        if part is not None:
            numbers |= {f"{name}.{key}": v for key, v in part._asdict().items()}
    header = {
        **state.contract._asdict(),
        "counts": state.counts._asdict(),
        "unseen": state.unseen,
    }
    keys = None if state.groups is None else state.groups.keys
    return _document.Document(header, keys, numbers)


def _from_document(found: _document.Document) -> ScanState:
    """The state that was written."""
    header, keys, numbers = found
    parts: dict[str, Any] = {}
    for name, kind in _PARTS.items():
        own = [numbers.get(f"{name}.{key}") for key in kind._fields]
        parts[name] = None if own[0] is None else kind(*own)
    if keys is not None:
        parts["groups"] = Groups(keys, parts["groups"])
    return ScanState(
        contract=Contract(**{name: header[name] for name in Contract._fields}),
        counts=Counts(**header["counts"]),
        unseen=header["unseen"],
        cells=numbers.get("cells"),
        gradient=numbers.get("gradient"),
        shares=numbers["shares"],
        **parts,
    )


def no_rows(
    contract: Contract,
    counts: Counts,
    unseen: tuple[Any, ...] = (),
    keys: Keys | None = None,
) -> ScanState:
    """The state of no rows, and of groups that have none yet."""
    n_measures, n_classes = len(contract.measures), len(contract.labels)
    groups = None
    if keys is not None:
        groups = keyed(keys, Moments.empty(n_measures, len(keys.groups)))
    in_cells = n_classes == 2 and not contract.soft and not contract.under  # noqa: PLR2004
    return ScanState(
        contract=contract,
        counts=counts,
        unseen=unseen,
        whole=Moments.empty(n_measures, 1),
        classes=Moments.empty(n_measures, n_classes + len(unseen)),
        groups=groups,
        covariance=Covariance.empty(n_classes + 1) if contract.soft else None,
        cells=np.zeros(SHAPE) if in_cells else None,
        kept=RowsKept.empty(n_classes, soft=contract.soft),
        shares=np.zeros(n_classes),
    )


def joined(states: Iterable[ScanState]) -> ScanState:
    """The state of all rows, added in order."""
    found: ScanState | None = None
    for state in states:
        found = state if found is None else found + state
    if found is None:
        msg = "states must hold one state or more: there is none; accumulate a part."
        raise ValueError(msg)
    return found


def _classes(state: ScanState, unseen: tuple[Any, ...]) -> Moments:
    """Moments of the classes where the unseen ones are these."""
    if state.unseen == unseen:
        return state.classes
    known = len(state.labels)
    places = [known + unseen.index(label) for label in state.unseen]
    at = np.array([*range(known), *places], dtype=np.int64)
    return state.classes.placed(at, known + len(unseen))


def _sum(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return second if first is None else first
    return first.plus(second) if hasattr(first, "plus") else first + second
