"""What a decomposition tells of its data: groups, classes, maps, and a test."""

from __future__ import annotations

from abc import ABC
from typing import Any

import numpy as np
import pandas as pd

from ._breakdown import breakdown, breakdown_of_classes, refitted
from ._consistency import MiscalibrationTest, consistency_test
from ._display import Result
from ._evidence import Evidence
from ._inputs.groups import read_keys
from ._inputs.read_options import nats_per_unit
from ._recalibration.recalibrator import Recalibrator


class WithEvidence(Result, ABC):
    """A result that keeps what it was computed from."""

    evidence: Evidence
    uncertainty: float
    miscalibration: float
    n_folds: int | None
    recalibration: str
    clip: float

    def by(self, values: Any, *, refit: bool = False) -> pd.DataFrame:
        """The terms of groups of rows.

        Parameters
        ----------
        values : array-like of shape (N,), or DataFrame or mapping of such
            What the rows are grouped by: one key or several. A missing value is a
            group of its own.
        refit : bool, default False
            False: one recalibration map for all rows; the groups' terms, averaged by
            ``weight``, are those of the whole. True: each group is decomposed alone.

        Returns
        -------
        DataFrame
            One row a distinct value: ``n``, ``weight`` (its share), the terms,
            ``<term>_se``, and a ``note``. Where independent rows are too few for terms
            of the map (10 under the map of all rows, 50 for one of their own), these
            are NaN and the note says so.

        Raises
        ------
        ValueError
            If there is not one value a row, or if the result was read back without
            its data.

        Examples
        --------
        >>> from xent_metrics import decompose
        >>> result = decompose([0, 1] * 200, [0.2, 0.7] * 200)
        >>> result.by(["north", "south"] * 200)["cross_entropy"].round(4).to_dict()
        {'north': 0.2231, 'south': 0.3567}
        """
        data = self.evidence.need("by")
        keys = read_keys(values, data.inputs.proba.n_rows, "values")
        if refit:
            return refitted(data, keys)
        per_unit = nats_per_unit(self.evidence.base)
        uncertainty = self.uncertainty * per_unit
        return breakdown(data, keys, uncertainty=uncertainty, per_unit=per_unit)

    def by_class(self) -> pd.DataFrame:
        """The terms of each true class, under the one recalibration map.

        Returns
        -------
        DataFrame
            One row a class that occurs: as :meth:`by`, where a row counts by the
            target's probability of the class.

        Raises
        ------
        ValueError
            If the result was read back without its data.

        Examples
        --------
        >>> from xent_metrics import decompose
        >>> result = decompose(["a", "b"] * 200, [[0.8, 0.2], [0.3, 0.7]] * 200)
        >>> result.by_class()["cross_entropy"].round(4).to_dict()
        {'a': 0.2231, 'b': 0.3567}
        """
        data = self.evidence.need("by_class")
        per_unit = nats_per_unit(self.evidence.base)
        uncertainty = self.uncertainty * per_unit
        return breakdown_of_classes(data, uncertainty=uncertainty, per_unit=per_unit)

    def recalibrator(self, name: str | None = None) -> Recalibrator:
        """A fitted map, to apply to other predictions.

        For a calibrator in production, fit scikit-learn's ``CalibratedClassifierCV`` on
        data that is not evaluated.

        Parameters
        ----------
        name : str, optional
            A map of ``ladder``. Default: the chosen one.

        Returns
        -------
        Recalibrator
            An object with ``predict_proba(q)``.

        Raises
        ------
        ValueError
            If no such map was fitted, or if each fold has a map of its own.

        Examples
        --------
        >>> from xent_metrics import decompose
        >>> bold = [0.1, 0.1, 0.1, 0.9, 0.9, 0.9] * 40
        >>> result = decompose([0, 0, 1, 0, 1, 1] * 40, bold)
        >>> result.recalibrator().predict_proba([0.1, 0.9]).round(2)
        array([[0.67, 0.33],
               [0.33, 0.67]])
        """
        self._refuse_folds("recalibrator")
        if not self.evidence.maps:
            self.evidence.need("recalibrator")
        maps = self.evidence.maps
        name = self.recalibration if name is None else name
        if name not in maps:
            found = ", ".join(map(repr, maps)) or "none"
            msg = (
                f"name must be a map that was fitted: found {name!r}, fitted are "
                f"{found}; decompose with recalibration={name!r}."
            )
            raise ValueError(msg)
        return Recalibrator(
            name=name,
            labels=self.evidence.labels,
            recalibrate=maps[name],
            clip=self.clip,
        )

    def miscalibration_test(
        self,
        *,
        n_resamples: int = 199,
        random_state: int | np.random.Generator | None = None,
    ) -> MiscalibrationTest:
        """Test "no miscalibration" by consistency resampling.

        Labels (or votes) are drawn from the predictions and all is fitted again, the
        choice of the map included (Bröcker & Smith, 2007). Long work shows its
        progress on a terminal.

        Parameters
        ----------
        n_resamples : int, default 199
            Number of draws; the p-value is a multiple of 1 / (n_resamples + 1).
        random_state : int or numpy Generator, optional
            Source of the draws.

        Returns
        -------
        MiscalibrationTest
            ``statistic`` (the miscalibration), ``pvalue`` and
            ``null_distribution``, in the unit of the terms.

        Raises
        ------
        ValueError
            If miscalibration is undefined, if targets are distributions, which have no
            sampling law, if each fold has a map of its own, or if the result was
            read back without its data.

        Examples
        --------
        >>> from xent_metrics import decompose
        >>> bold = [0.1, 0.1, 0.1, 0.9, 0.9, 0.9] * 40
        >>> result = decompose([0, 0, 1, 0, 1, 1] * 40, bold)
        >>> result.miscalibration_test(n_resamples=99, random_state=0).pvalue
        0.01
        """
        self._refuse_folds("miscalibration_test")
        data = self.evidence.need("miscalibration_test")
        return consistency_test(
            data,
            self.miscalibration,
            per_unit=nats_per_unit(self.evidence.base),
            n_resamples=n_resamples,
            random_state=random_state,
        )

    def _refuse_folds(self, method: str) -> None:
        """One sentence where each fold has a map of its own."""
        if self.n_folds is not None:
            msg = (
                f"{method} needs one map of all rows: this result has one for each of "
                f"{self.n_folds} folds; decompose the rows of one fold."
            )
            raise ValueError(msg)
