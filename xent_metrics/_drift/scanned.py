"""Rows that were scanned under the reference's map: what their moments say of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._decomposition.reference_map import ReferenceMap
from .._inputs.groups import Keys, read_keys
from .._kernels.table import FloatArray
from .._scan.against import name_of_map
from .._scan.moments import Moments
from .._scan.state import ScanState


class Means(NamedTuple):
    """Means over all rows, with their gradients, and the covariance that rows make."""

    means: FloatArray
    gradients: FloatArray
    of_rows: FloatArray

    def covariance(self, of_reference: FloatArray) -> FloatArray:
        """Their covariance, where the sets are independent."""
        moved: FloatArray = self.gradients @ of_reference @ self.gradients.T
        return moved + self.of_rows


class Scanned:
    """Expected loss and cost of some of the rows, from the moments of a state.

    ``whole`` are the moments of all rows, ``some`` those of these, as one cell each,
    and ``slopes`` the sum of what moves their expected loss in the map's parameters.
    """

    def __init__(
        self,
        reference: ReferenceMap,
        measures: Sequence[str],
        whole: Moments,
        some: Moments,
        slopes: FloatArray,
    ) -> None:
        self._reference, self._whole, self._some = reference, whole, some
        self._slopes = slopes
        places = [measures.index(name) for name in ("expected_loss", "cross_entropy")]
        self._mean, self._mean2 = some.mean[places, 0], some.mean2[places, 0]
        # Both scatters, and that of the difference, give the product.
        e, cost = some.scatter[places, 0]
        both = (e + cost - some.scatter[measures.index("excess"), 0]) / 2.0
        self._scatter = np.array([[e, both], [both, cost]])
        self.n = int(some.n[0])
        self.weight = float(some.weight[0] / whole.weight[0])
        self.cross_entropy = float(self._mean[1]) if self.n else np.nan
        self.outside = float(some.mean[measures.index("share_outside"), 0])

    def under(self, reference: ReferenceMap) -> Scanned:
        """The same rows under the same map, with other means beside it."""
        found = copy.copy(self)
        found._reference = reference  # noqa: SLF001 - its own
        return found

    def parts(self) -> Means:
        """What these rows add to mix, concept and expected loss of all rows.

        The mix counts each row's cost from the mean cost of the reference.
        """
        reference = self._reference
        share = float(reference.frequencies.sum())
        of_unseen = reference.of_unseen if share < 1.0 else 0.0
        constant = (1.0 - share) * of_unseen
        turn = np.array([[share, 0.0], [-share, 1.0], [share, 0.0]])
        shift = np.array([constant - reference.cross_entropy, -constant, constant])
        gradient = reference.gradient(
            share * self._slopes / float(self._whole.weight[0]),
            of_frequencies=self.weight * (float(self._mean[0]) - of_unseen),
        )
        mix = gradient - reference.gradient(of_cost=self.weight)
        with np.errstate(invalid="ignore"):
            means = self.weight * (turn @ self._mean + shift)
            of_rows = self._of_rows(turn, shift, means)
        return Means(means, np.stack([mix, -gradient, gradient]), of_rows)

    def _of_rows(
        self, turn: FloatArray, shift: FloatArray, means: FloatArray
    ) -> FloatArray:
        """The covariance of means over all rows of what is 0 in the others."""
        whole = self._whole
        n, total = float(whole.n[0]), float(whole.weight[0])
        if n < 2:  # noqa: PLR2004
            return np.full((len(means),) * 2, np.nan)
        away = turn @ self._mean2 + shift - means
        weight2 = float(self._some.weight2[0])
        others = max(float(whole.weight2[0]) - weight2, 0.0)
        found = turn @ self._scatter @ turn.T + weight2 * np.outer(away, away)
        found += others * np.outer(means, means)
        return np.asarray(found * (n / (n - 1.0) / total**2))


def is_under(reference: ReferenceMap, state: ScanState | None) -> bool:
    """Whether a state was accumulated with this reference."""
    if state is None or not state.contract.reference:
        return False
    return state.contract.reference == name_of_map(reference)


def all_rows(reference: ReferenceMap, state: ScanState) -> Scanned:
    """All rows of a state."""
    slopes = state.slopes
    assert slopes is not None, "there are rows"
    measures = state.contract.measures
    return Scanned(reference, measures, state.whole, state.whole, slopes)


def rows_of_groups(
    reference: ReferenceMap, state: ScanState, keys: Keys
) -> list[Scanned]:
    """The rows of each group; ``keys`` number the groups of the state."""
    assert state.groups is not None, "they have keys"
    slopes = state.groups.slopes
    assert slopes is not None, "there are rows"
    moments = state.groups.moments.together(keys.codes, len(keys.groups))
    summed = np.zeros((len(keys.groups), slopes.shape[1]))
    np.add.at(summed, keys.codes, slopes)
    return [
        Scanned(
            reference,
            state.contract.measures,
            state.whole,
            Moments(*(one[..., [place]] for one in moments)),
            summed[place],
        )
        for place in range(len(keys.groups))
    ]


def keys_of_state(state: ScanState, by: Any) -> Keys:
    """The groups that a state holds, joined to those of the columns in ``by``."""
    names = list(by) if isinstance(by, (list, tuple)) else [by]
    held = state.contract.by
    if state.groups is None or not all(name in held for name in names):
        found = f"{by!r}, and it has groups by {', '.join(map(repr, held)) or 'none'}"
        msg = (
            "by must be columns that the current state was accumulated by: found "
            f"{found}; pass by= to accumulate or scan."
        )
        raise ValueError(msg)
    keys = state.groups.keys
    return read_keys(keys[names[0]] if len(names) == 1 else keys[names], len(keys))
