"""Evaluations of predictions: arrays, columns of a frame, or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from numpy.typing import ArrayLike

from ._decomposition.decompose import Recalibration
from ._decomposition.folds import read_folds
from ._decomposition.vote_entropy import VoteCorrection
from ._evaluate import evaluate
from ._evaluation_data import EvaluationData
from ._inputs.columns import Selector
from ._inputs.frames import FrameTargets, OnMissing, read_frame
from ._inputs.inputs import EPS, read
from ._inputs.targets import Targets
from ._listeners import tell
from ._measures.per_sample import index_of
from ._read_back import read_back


@dataclass(frozen=True, kw_only=True, repr=False)
class PredictionsEvaluated(EvaluationData):
    """An evaluation made from predictions; :class:`Evaluation` is the whole."""

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_proba: Any,
        *,
        labels: Iterable[Any] | None = None,
        targets: Targets = "auto",
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        rescale: bool = False,
        from_logits: bool = False,
        recalibration: Recalibration = "auto",
        vote_correction: VoteCorrection = None,
        folds: ArrayLike | None = None,
    ) -> Self:
        """Evaluate predictions.

        Parameters
        ----------
        y_true : array-like of shape (N,) or (N, K)
            Hard labels, or target distributions, or vote counts.
        y_proba : array-like or DataFrame of shape (N, K) or (N,)
            Predicted probabilities.
        labels, targets, sample_weight, groups, base, clip, rescale, from_logits
            As in :func:`decompose`.
        recalibration, vote_correction
            As in :func:`decompose`.
        folds : array-like of shape (N,), optional
            The fold in which each row was tested, where each fold has a model of its
            own: terms are averages over folds as in :meth:`from_cv_results`. Default:
            one model predicted all rows.

        Returns
        -------
        Evaluation
            The decomposition and the table of rows.

        Raises
        ------
        ValueError
            As in :func:`cross_entropy`.

        Warns
        -----
        SmallSampleWarning
            As in :func:`decompose`; with folds, if the smallest has less than 200 rows.

        Notes
        -----
        ``cross_val_predict(..., method="predict_proba")`` has rows from several models:
        without ``folds`` one map is fitted to their mixture, which can be more, or
        less, calibrated than any of them. Its columns are the sorted classes of ``y``:
        pass ``labels=np.unique(y)``. A class that a fold's model was not trained on has
        a column of 0 in that fold, and with ``folds`` its labels count as unseen.
        With another ``method`` that column holds the least number of its type: use
        :meth:`from_cv_results`.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> y, q = ["a", "b"] * 200, [[0.8, 0.2], [0.4, 0.6]] * 200
        >>> evaluation = Evaluation.from_predictions(y, q)
        >>> round(evaluation.decomposition.cross_entropy, 4)
        0.367
        >>> evaluation.per_sample.shape
        (400, 9)

        Predictions of ``cross_val_predict``, with the fold of each row:

        >>> import numpy as np
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.model_selection import StratifiedKFold, cross_val_predict
        >>> from sklearn.naive_bayes import GaussianNB
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> cv, folds = StratifiedKFold(2), np.empty(len(y), dtype=int)
        >>> for fold, (_, test) in enumerate(cv.split(X, y)):
        ...     folds[test] = fold
        >>> q = cross_val_predict(GaussianNB(), X, y, cv=cv, method="predict_proba")
        >>> evaluation = Evaluation.from_predictions(y, q, folds=folds)
        >>> evaluation.folds["n"].to_list()
        [285, 284]
        """
        inputs = read(
            y_true,
            y_proba,
            labels=labels,
            targets=targets,
            sample_weight=sample_weight,
            rescale=rescale,
            from_logits=from_logits,
        )
        evaluated = evaluate(
            inputs,
            read_folds(folds, inputs),
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=groups,
            vote_correction=vote_correction,
            index=index_of(y_proba, y_true),
        )
        return tell(cls(**evaluated._asdict()))

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        target: Selector,
        proba: Selector,
        labels: Sequence[Any] | None = None,
        targets: FrameTargets = "auto",
        sample_weight: Any = None,
        groups: Any = None,
        base: float | None = None,
        clip: float = EPS,
        rescale: bool = False,
        from_logits: bool = False,
        on_missing: OnMissing = "raise",
        recalibration: Recalibration = "auto",
        vote_correction: VoteCorrection = None,
    ) -> Self:
        """Evaluate predictions in the columns of a frame.

        Parameters
        ----------
        frame : DataFrame of pandas or polars, or table of pyarrow
            One row a sample.
        target, proba, labels, targets, on_missing
            Which columns, as in :class:`XentAccessor`.
        sample_weight, groups : column name or array-like, optional
            As in :func:`decompose`.
        base, clip, rescale, from_logits, recalibration, vote_correction
            As in :func:`decompose`.

        Returns
        -------
        Evaluation
            The decomposition and the table of rows, with the frame's index.

        Raises
        ------
        KeyError
            If a column does not exist.
        TypeError
            If ``frame`` is no such frame.
        ValueError
            As in :func:`cross_entropy`.

        Warns
        -----
        SmallSampleWarning
            As in :func:`decompose`.

        Examples
        --------
        >>> import pandas as pd
        >>> from xent_metrics import Evaluation
        >>> df = pd.DataFrame({"y": [0, 1, 1, 0] * 50, "p": [0.1, 0.8, 0.5, 0.3] * 50})
        >>> evaluation = Evaluation.from_frame(df, target="y", proba="p")
        >>> round(evaluation.decomposition.cross_entropy, 4)
        0.3446
        """
        found = read_frame(
            frame,
            target=target,
            proba=proba,
            labels=labels,
            targets=targets,
            sample_weight=sample_weight,
            groups=groups,
            rescale=rescale,
            from_logits=from_logits,
            on_missing=on_missing,
        )
        evaluated = evaluate(
            found.inputs,
            None,
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=found.groups,
            vote_correction=vote_correction,
            index=found.row_index,
            n_dropped=found.n_dropped,
        )
        return tell(cls(**evaluated._asdict()))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read an evaluation back from what :meth:`to_json` gave.

        Parameters
        ----------
        text : str or bytes
            Strict JSON.

        Returns
        -------
        Evaluation
            Equal to the one written. It has no predictions: what needs them, such as
            :meth:`Decomposition.by` or a recalibrator, says so.

        Raises
        ------
        ValueError
            If the text is not the JSON of an evaluation.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> read = Evaluation.from_json(evaluation.to_json(per_sample=True))
        >>> read.per_sample.equals(evaluation.per_sample)
        True
        """
        return cls(**read_back(text)._asdict())
