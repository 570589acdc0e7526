"""What is compared: evaluations, states, or documents, and the map that they hold."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._decomposition.evidence import Data, Evidence, evidence_of
from .._decomposition.folds import refuse_folds
from .._decomposition.reference_map import ReferenceMap
from .._decomposition.result import Decomposition
from .._evaluation.evaluation import Evaluation
from .._evaluation.tables import keys_of
from .._inputs.groups import Keys, read_keys
from .finish import evaluation_of
from .state import ScanState


class Side(NamedTuple):
    """One of the sets; ``evaluation`` is None where only a decomposition was given.

    ``state`` is what a first pass left of rows that were scanned.
    """

    name: str
    decomposition: Decomposition
    evaluation: Evaluation | None
    state: ScanState | None = None

    @property
    def evidence(self) -> Evidence:
        """What the decomposition was computed from."""
        return evidence_of(self.decomposition)

    @property
    def data(self) -> Data | None:
        """The rows, where they are there."""
        return self.evidence.data

    def keys(self, by: Any) -> Keys | None:
        """The groups of the rows that ``by`` means; None where the rows are gone."""
        if self.data is None or by is None:
            return None
        rows = None if self.evaluation is None else self.evaluation.per_sample
        if rows is None or self.evaluation is None:
            return read_keys(by, self.data.inputs.proba.n_rows)
        return keys_of(rows, by, self.evaluation._frame)  # noqa: SLF001 - its column


def read_side(given: Any, name: str) -> Side:
    """An evaluation, a decomposition, a state, or the JSON of an evaluation."""
    if isinstance(given, (str, bytes)):
        given = Evaluation.from_json(given)
    if isinstance(given, Evaluation):
        side = Side(name, given.decomposition, given, _scanned(given.decomposition))
    elif isinstance(given, Decomposition):
        side = Side(name, given, None, _scanned(given))
    elif isinstance(given, ScanState):
        found = _evaluated(given, name)
        side = Side(name, found.decomposition, found, given)
    else:
        msg = (
            f"{name} must be an Evaluation, a Decomposition, a ScanState, or the JSON "
            f"of an evaluation: found {type(given).__name__}; pass "
            "Evaluation.from_predictions(y_true, y_proba)."
        )
        raise TypeError(msg)
    refuse_folds(side.decomposition.n_folds, name)
    return side


def _scanned(decomposition: Decomposition) -> ScanState | None:
    found = evidence_of(decomposition).scanned
    return found if isinstance(found, ScanState) else None


def _evaluated(state: ScanState, name: str) -> Evaluation:
    """What the state of a first pass says."""
    if state.contract.under:
        msg = (
            f"{name} must be the state of a first pass, which keeps rows: it was "
            f"accumulated under {state.contract.under}; pass the state of before."
        )
        raise ValueError(msg)
    return evaluation_of(state, base=None, recalibration="auto", under=None)


def map_of(side: Side) -> ReferenceMap:
    """What a set says of others."""
    found = side.evidence.reference_map
    if found is not None:
        return found
    why = side.decomposition.notes.get("refinement", "")
    if side.data is None:
        why = "it was read back without its map, or scanned"
    msg = (
        f"{side.name} must have a recalibration map: {why}; pass the evaluation of "
        "labelled rows of all classes."
    )
    raise ValueError(msg)
