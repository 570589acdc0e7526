"""What a pass leaves of some rows: the state, its contract and its groups."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from .._calls import form
from .._display.checks import COUNT, MalformedError, check
from .._display.result import counted
from .._inputs.groups import Keys, read_keys
from .._inputs.labels import show
from .._kernels.table import FloatArray
from .._pickling import pickled, public
from .._terms import TERMS, Term
from . import serialize
from .keys import settled, together
from .logit_cells import SHAPE
from .moments import Covariance, Moments
from .sample import RowsKept

# What a row is expected to cost under the map of a reference, what it costs beyond
# that, and whether its prediction lies outside the reference's range.
AGAINST = ("expected_loss", "excess", "share_outside")


@pickled
class Contract(NamedTuple):
    """What states that merge have in common.

    ``labels`` are the classes in column order; ``soft`` says that targets are
    distributions or votes, ``under`` the map that a second pass is made with,
    ``reference`` that of the rows which these are compared with.
    """

    labels: tuple[Any, ...]
    soft: bool
    clip: float
    by: tuple[str, ...] = ()
    under: str = ""
    reference: str = ""

    @property
    def measures(self) -> tuple[str, ...]:
        """What moments are kept of."""
        names = _measures(soft=self.soft, of_all=bool(self.under))
        return names + AGAINST if self.reference else names


@functools.cache
def _measures(*, soft: bool, of_all: bool) -> tuple[str, ...]:
    """The terms that are means over rows; those known once ``of_all`` were seen too."""
    sums = [term for term in TERMS.values() if term.parts]
    of_rows = [term for term in sums if not _of_all_rows(term)]
    kept = [term for term in of_rows if "entropy" not in term.parts]
    if soft:
        with_entropy = [term for term in of_rows if "entropy" in term.parts]
        kept += [term for term in with_entropy if not term.needs_soft_labels]
    if of_all:
        under = [term for term in sums if _of_all_rows(term)]
        kept += [term for term in under if soft or not term.needs_soft_labels]
    return tuple(term.name for term in kept)


def _of_all_rows(term: Term) -> bool:
    """Whether a row's part of the term is known only once all rows were seen."""
    return term.needs_map or term.needs_frequencies


@pickled
class Counts(NamedTuple):
    """Rows that met the clip or have an unseen label, and what was left out."""

    at_zero: int = 0
    n_unseen: int = 0
    n_dropped: int = 0
    n_skipped: int = 0


@pickled
class Groups(NamedTuple):
    """Distinct keys, one row each, and the moments of their rows.

    ``slopes``, one row per key, are sums of weights times derivatives of the expected
    loss in the parameters of the reference's map.
    """

    keys: pd.DataFrame
    moments: Moments
    slopes: FloatArray | None = None


@public
@form("accumulate(frame, target=..., proba=...)")
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

    See Also
    --------
    accumulate : Makes one.
    merge : Makes one of several.
    finish : Makes an evaluation of it.
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
    slopes: FloatArray | None = None

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
        classes = counted(len(self.labels), "class", "classes")
        return f"ScanState of {counted(self.n, 'row')} and {classes}"

    def to_json(self) -> str:
        """The state as strict JSON, for :meth:`from_json`.

        Returns
        -------
        str
            With the version of its schema; every number is exact.

        Raises
        ------
        TypeError
            If a label or key is not text, a number, a boolean, a time, bytes or
            missing, so that it could not be read back.

        Examples
        --------
        >>> import pandas as pd
        >>> from xent_metrics import ScanState, accumulate
        >>> df = pd.DataFrame({"y": [0, 1] * 200, "p": [0.2, 0.7] * 200})
        >>> state = accumulate(df, target="y", proba="p")
        >>> ScanState.from_json(state.to_json())
        ScanState of 400 rows and 2 classes
        """
        return serialize.to_json(_to_document(self))

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
            The same: labels and keys have their values and types, and those that are
            missing are missing.

        Raises
        ------
        ValueError
            If the text is not the JSON of a state of this version's schema.
        """
        return serialize.from_json(text, _from_document)

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """The JSON Schema of what :meth:`to_json` writes and :meth:`from_json` reads.

        Returns
        -------
        dict
            For other programs that read or check such documents. ``from_json`` checks
            more: that the numbers are those of the header.

        See Also
        --------
        Evaluation.json_schema : That of an evaluation.

        Examples
        --------
        >>> from xent_metrics import ScanState
        >>> ScanState.json_schema()["title"]
        'Scan state'
        """
        return serialize.document_schema()

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
        TypeError
            As in :meth:`to_json`.
        """
        return serialize.to_arrow(_to_document(self))

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
        TypeError
            If ``batch`` is neither.
        ValueError
            If there are no rows, or rows that are no states of this version's schema.
        """
        return joined(serialize.from_arrow(batch, _from_document))

    @staticmethod
    def arrow_schema() -> Any:
        """The schema of :meth:`to_arrow`: ``schema_version``, ``header``, ``numbers``.

        Returns
        -------
        pyarrow.Schema
            Of types that every engine knows: int32, string and binary.
        """
        return serialize.arrow_schema()

    def __add__(self, other: Self) -> Self:
        """The state with the rows of another."""
        _check_contracts(self.contract, other.contract)
        unseen = tuple(dict.fromkeys((*self.unseen, *other.unseen)))
        return dataclasses.replace(
            self,
            counts=Counts(*np.add(self.counts, other.counts).tolist()),
            unseen=unseen,
            whole=self.whole.plus(other.whole),
            classes=_classes(self, unseen).plus(_classes(other, unseen)),
            groups=_groups_of_both(self.groups, other.groups),
            covariance=_sum(self.covariance, other.covariance),
            cells=_sum(self.cells, other.cells),
            kept=self.kept.plus(other.kept),
            shares=self.shares + other.shares,
            gradient=_sum(self.gradient, other.gradient),
            slopes=_sum(self.slopes, other.slopes),
        )


def no_rows(
    contract: Contract,
    counts: Counts,
    unseen: tuple[Any, ...] = (),
    keys: Keys | None = None,
    before: Groups | None = None,
) -> ScanState:
    """The state of no rows, and of groups that have none yet.

    Where they have the keys of groups ``before``, the table is the same one.
    """
    n_measures, n_classes = len(contract.measures), len(contract.labels)
    groups = None
    if keys is not None:
        none = Moments.empty(n_measures, len(keys.groups))
        if before is not None and _has_keys(before.keys, keys.groups):
            groups = Groups(before.keys, none)
        else:
            groups = _keyed(keys, none)
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


def _check_contracts(first: Contract, second: Contract) -> None:
    """Refuse to merge what was not measured alike."""
    for name, ours, theirs in zip(Contract._fields, first, second, strict=True):
        if ours == theirs:
            continue
        found = f"{ours} and {theirs}"
        if name == "labels":
            found = f"{show(first.labels)} and {show(second.labels)}"
        if name in ("under", "reference"):
            found = f"{ours or 'none'} and {theirs or 'none'}"
        what = {"soft": "kind of targets", "under": "map"}.get(name, name)
        msg = (
            f"states that are merged must have the same {what}: found {found}; pass "
            "the same options, and labels=, to each accumulate."
        )
        raise ValueError(msg)


def _has_keys(table: pd.DataFrame, keys: pd.Index[Any]) -> bool:
    """Whether a table holds these keys; a table of several columns is not looked at."""
    if keys.nlevels > 1 or len(table) != len(keys):
        return False
    column = table.iloc[:, 0]
    return bool(column.dtype == keys.dtype and keys.equals(pd.Index(column)))


def _keyed(keys: Keys, moments: Moments) -> Groups:
    """Groups of numbered keys."""
    names = [f"by_{i}" if n is None else n for i, n in enumerate(keys.groups.names)]
    columns = map(keys.groups.get_level_values, range(len(names)))
    table = pd.DataFrame(dict(zip(names, columns, strict=True)))
    return Groups(settled(table), moments)


def _groups_of_both(first: Groups | None, second: Groups | None) -> Groups | None:
    if first is None or second is None:  # of no rows, and so of no keys
        return first or second
    if first.keys is second.keys or first.keys.equals(second.keys):
        slopes = _sum(first.slopes, second.slopes)
        return Groups(first.keys, first.moments.plus(second.moments), slopes)
    both = together(first.keys, second.keys)
    keys = read_keys(both, len(both))
    n = len(first.keys)
    one = first.moments.placed(keys.codes[:n], len(keys.groups))
    two = second.moments.placed(keys.codes[n:], len(keys.groups))
    slopes = None
    for own, codes in ((first.slopes, keys.codes[:n]), (second.slopes, keys.codes[n:])):
        if own is not None:
            if slopes is None:
                slopes = np.zeros((len(keys.groups), own.shape[1]))
            slopes[codes] += own
    return _keyed(keys, one.plus(two))._replace(slopes=slopes)


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


# What of a state is a tuple of arrays.
_PARTS: Mapping[str, Any] = {
    "whole": Moments,
    "classes": Moments,
    "groups": Moments,
    "covariance": Covariance,
    "kept": RowsKept,
}


def _to_document(state: ScanState) -> serialize.Document:
    """All of a state in plain types, and its numbers by name."""
    numbers: dict[str, FloatArray] = {"shares": state.shares}
    for name in ("cells", "gradient", "slopes"):
        if getattr(state, name) is not None:
            numbers[name] = getattr(state, name)
    if state.groups is not None and state.groups.slopes is not None:
        numbers["groups.slopes"] = state.groups.slopes
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
    return serialize.Document(header, keys, numbers)


def _from_document(found: serialize.Document) -> ScanState:
    """The state that was written."""
    header, keys, numbers = found
    contract = Contract(
        **{name: header[name] for name in Contract._fields if name in header}
    )
    check(header["counts"], dict.fromkeys(Counts._fields, COUNT), "'counts'")
    _check_header(contract, header["unseen"], keys)
    empty = no_rows(contract, Counts(**header["counts"]), header["unseen"])
    if keys is not None:
        moments = Moments.empty(len(contract.measures), len(keys))
        empty = dataclasses.replace(empty, groups=Groups(keys, moments))
    _check_numbers(_to_document(empty).numbers, contract, numbers)
    parts: dict[str, Any] = {}
    for name, kind in _PARTS.items():
        own = [numbers.get(f"{name}.{key}") for key in kind._fields]
        parts[name] = None if own[0] is None else kind(*own)
    if keys is not None:
        parts["groups"] = Groups(keys, parts["groups"], numbers.get("groups.slopes"))
    return dataclasses.replace(
        empty,
        cells=numbers.get("cells"),
        gradient=numbers.get("gradient"),
        slopes=numbers.get("slopes"),
        shares=numbers["shares"],
        **parts,
    )


def _check_header(
    contract: Contract, unseen: tuple[Any, ...], keys: pd.DataFrame | None
) -> None:
    """Refuse labels and keys that no state has."""
    labels = (*contract.labels, *unseen)
    names = [] if keys is None else keys.columns.tolist()
    if not contract.labels or len(set(labels)) < len(labels):
        why = f"its labels must be distinct, found {show(labels)}"
    elif not 0.0 <= contract.clip < 1.0:
        why = f"its clip must be in [0, 1), found {contract.clip:g}"
    elif keys is not None and names != list(contract.by):
        why = f"its keys must be those of {contract.by}, found {show(names)}"
    elif keys is not None and (
        not len(keys) or len(read_keys(keys, len(keys)).groups) < len(keys)
    ):
        why = "its groups must be distinct, and one or more"
    else:
        return
    raise MalformedError(why)


def _check_numbers(
    empty: Mapping[str, FloatArray],
    contract: Contract,
    numbers: Mapping[str, FloatArray],
) -> None:
    """Refuse numbers that no rows leave: ``empty`` are those of none."""
    n_kept = numbers["kept.weights"].size if "kept.weights" in numbers else 0
    amiss = sorted(set(empty) ^ (set(numbers) - _NOT_OF_HEADER))
    if amiss:
        why = (
            f"its numbers must be those of its header: {', '.join(amiss)} are missing, "
            "or too many"
        )
        raise MalformedError(why)
    _check_slopes(contract, numbers)
    for name, of_none in empty.items():
        values, shape = numbers[name], of_none.shape
        if shape[-1] == 0:  # one per row that is kept
            shape = (*shape[:-1], n_kept)
        if values.shape != shape:
            why = f"{name!r} must be of shape {shape}, found {values.shape}"
            raise MalformedError(why)
        leaf = name.rpartition(".")[2]
        if leaf in _NOT_NEGATIVE and not ((values >= 0) & np.isfinite(values)).all():
            why = f"{name!r} must hold finite numbers of 0 or more"
            raise MalformedError(why)
        most = _MOST.get(leaf, _LARGEST)
        if (np.isfinite(values) & (np.abs(values) > most)).any():
            why = f"{name!r} must hold numbers of at most {most:g}"
            raise MalformedError(why)
        whole = leaf in ("n", "n_seen") or (name == "kept.target" and not contract.soft)
        if whole and (values != np.floor(values)).any():
            why = f"{name!r} must hold whole numbers"
            raise MalformedError(why)
        if name == "kept.target" and whole and (values >= len(contract.labels)).any():
            why = f"{name!r} must hold numbers of classes"
            raise MalformedError(why)
        if leaf == "log_q" and not (values <= _ROUNDING).all():
            why = f"{name!r} must hold logarithms of probabilities"
            raise MalformedError(why)


def _check_slopes(contract: Contract, numbers: Mapping[str, FloatArray]) -> None:
    """Refuse slopes that are no sums over rows that were measured."""
    whole, of_groups = numbers.get("slopes"), numbers.get("groups.slopes")
    has_rows = bool(contract.reference) and bool(numbers["whole.n"].any())
    fits = (whole is not None) == has_rows
    if whole is not None:
        fits = fits and whole.ndim == 1
        has_groups = "groups.n" in numbers
        fits = fits and (of_groups is not None) == has_groups
        if of_groups is not None and has_groups:
            fits = fits and of_groups.shape == (numbers["groups.n"].size, whole.size)
    elif of_groups is not None:
        fits = False
    if not fits:
        why = "'slopes' must be those of its reference's map, of all rows and by group"
        raise MalformedError(why)


_ROUNDING = 1e-6
_NOT_OF_HEADER = {"gradient", "slopes", "groups.slopes"}
_SQUARES = ("weight2", "scatter", "products")
_LARGEST = 1e154  # of what is squared
_MOST = {
    **dict.fromkeys(("n", "n_seen"), 2.0**53),
    **dict.fromkeys(_SQUARES, np.inf),
}
# Numbers of a state that are counts, weights or probabilities.
_NOT_NEGATIVE = (
    *("n", "weight", "weight2", "n_seen", "below", "keys", "target", "weights"),
    "shares",
)
