"""The evaluation: predictions, the terms of their loss, and each row's part."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import pandas as pd
from numpy.typing import ArrayLike

from .._calls import form
from .._decomposition.folds import read_folds
from .._decomposition.recalibration import Recalibration
from .._decomposition.result import Decomposition
from .._decomposition.vote_entropy import VoteCorrection
from .._display.result import Result, json_text, plots, report
from .._inputs.columns import Selector
from .._inputs.containers import collected
from .._inputs.estimators import Classifier, in_class_order, probabilities
from .._inputs.frames import read_frame
from .._inputs.inputs import read
from .._inputs.read_options import (
    EPS,
    FrameTargetType,
    FromLogits,
    OnMissing,
    ReadOptions,
    TargetType,
)
from .._measures.per_sample import index_of
from .._pickling import public
from .cross_validation import predict_out_of_fold
from .evaluate import evaluate
from .kept_frame import KeptFrame, keep
from .listeners import tell
from .model_card import model_card
from .serialize import decode, document_schema, encode
from .tables import (
    probability_table,
    sizes,
    summary,
    target_table,
    terms_by,
    worst,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._features.reducible import Progress
    from .._features.result import ReducibleLoss
    from .._features.sliced import Slices

SlicedTerm = Literal["cross_entropy", "miscalibration"]
PlotKind = Literal[
    "waterfall", "reliability", "entropy", "by_class", "kl_contributions"
]


@public
@form("Evaluation.from_predictions(y_true, y_proba)")
@dataclass(frozen=True, kw_only=True, repr=False)
class Evaluation(Result):
    """Predictions evaluated: the decomposition of their loss, and each row's part.

    Made by :meth:`from_predictions`, :meth:`from_frame`, :meth:`from_estimator`,
    :meth:`from_cv_results`, or :meth:`from_json`.

    Attributes
    ----------
    decomposition : Decomposition
        The terms of the mean cross-entropy.
    per_sample : DataFrame or None
        The measures of each row, as :func:`per_sample` gives them, after its ``label``
        (where it has one) and the class ``predicted``; before these the ``fold`` that
        it was tested in, where folds have models of their own; last its ``weight`` and
        the number of its ``group``, where these were given. None where the evaluation
        was read back without its rows.
    by_class : DataFrame
        The terms of each true class, as :meth:`Decomposition.by_class` gives them.
    labels : tuple
        The classes, in column order.
    folds : DataFrame or None
        The terms of each fold under its own recalibration map: as
        :meth:`Decomposition.by` gives them, with the map's name and degrees of
        freedom. None where one model predicted all rows.
    by_group : DataFrame or None
        The counts and means of each group that the data was scanned ``by``, as
        :meth:`summary` gives them. None where it was not.

    See Also
    --------
    decompose : The terms alone.
    compare : Several evaluations of the same rows.
    scan : An evaluation of files of any size.
    """

    decomposition: Decomposition
    per_sample: pd.DataFrame | None = field(compare=False)
    by_class: pd.DataFrame = field(compare=False)
    labels: tuple[Any, ...]
    folds: pd.DataFrame | None = field(default=None, compare=False)
    by_group: pd.DataFrame | None = field(default=None, compare=False)
    _frame: KeptFrame | None = field(default=None, compare=False)

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_proba: Any,
        *,
        labels: Iterable[Any] | None = None,
        target_type: TargetType = "auto",
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        rescale: bool = False,
        from_logits: FromLogits = False,
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
        labels, target_type, sample_weight, groups, base, clip, rescale, from_logits
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
        SwappedColumnsWarning, UnseenLabelWarning
            As in :func:`decompose`; with folds, also if rows have a label that the
            model of their fold was not trained on.

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
        options = ReadOptions(
            labels=labels,
            target_type=target_type,
            sample_weight=sample_weight,
            groups=groups,
            base=base,
            clip=clip,
            rescale=rescale,
            from_logits=from_logits,
        )
        inputs = read(y_true, y_proba, options)
        evaluated = evaluate(
            inputs,
            read_folds(folds, inputs),
            options,
            recalibration=recalibration,
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
        target_type: FrameTargetType = "auto",
        sample_weight: Any = None,
        groups: Any = None,
        base: float | None = None,
        clip: float = EPS,
        rescale: bool = False,
        from_logits: FromLogits = False,
        on_missing: OnMissing = "raise",
        recalibration: Recalibration = "auto",
        vote_correction: VoteCorrection = None,
    ) -> Self:
        """Evaluate predictions in the columns of a frame.

        Parameters
        ----------
        frame : DataFrame of pandas, frame of polars, or table of pyarrow
            One row per sample. A LazyFrame is computed, with all of its columns; for
            more rows than memory holds see :func:`scan`.
        target, proba, labels, target_type, on_missing
            Which columns, as in :class:`XentAccessor`.
        sample_weight, groups : column name or array-like, optional
            As in :func:`decompose`.
        base, clip, rescale, from_logits, recalibration, vote_correction
            As in :func:`decompose`.

        Returns
        -------
        Evaluation
            The decomposition and the table of rows, with the frame's index. It holds
            the frame as it is now, so that :meth:`summary`, :meth:`worst`, :meth:`by`
            and :meth:`write_html` know its columns; pickles, copies and JSON do not
            hold it.

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
        SmallSampleWarning, SwappedColumnsWarning, UnseenLabelWarning
            As in :func:`decompose`.

        Examples
        --------
        >>> import pandas as pd
        >>> from xent_metrics import Evaluation
        >>> df = pd.DataFrame({"y": [0, 1, 1, 0] * 50, "p": [0.1, 0.8, 0.5, 0.3] * 50})
        >>> evaluation = Evaluation.from_frame(df, target="y", proba="p")
        >>> round(evaluation.decomposition.cross_entropy, 4)
        0.3446

        Groups by a column, and the costliest row with its features:

        >>> df["plan"] = ["basic", "plus"] * 100
        >>> evaluation = Evaluation.from_frame(df, target="y", proba="p")
        >>> evaluation.summary(by="plan")["cross_entropy"].round(4).to_dict()
        {'basic': 0.3992, 'plus': 0.2899}
        >>> evaluation.worst(1)[["label", "p_true", "plan"]]
           label  p_true   plan
        2      1     0.5  basic
        """
        options = ReadOptions(
            labels=labels,
            target_type=target_type,
            sample_weight=sample_weight,
            groups=groups,
            base=base,
            clip=clip,
            rescale=rescale,
            from_logits=from_logits,
            on_missing=on_missing,
        )
        frame = collected(frame)
        found = read_frame(frame, target=target, proba=proba, options=options)
        evaluated = evaluate(
            found.inputs,
            None,
            found.options,
            recalibration=recalibration,
            vote_correction=vote_correction,
            index=found.row_index,
            n_dropped=found.n_dropped,
        )
        return tell(cls(**evaluated._asdict(), _frame=keep(frame, found)))

    @classmethod
    def from_estimator(
        cls,
        estimator: Classifier,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        *,
        target_type: TargetType = "auto",
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        recalibration: Recalibration = "auto",
        vote_correction: VoteCorrection = None,
    ) -> Self:
        """Evaluate a fitted classifier on held-out data.

        Parameters
        ----------
        estimator : fitted classifier
            With ``predict_proba`` and ``classes_``; columns follow the latter.
        X : array-like or DataFrame of N rows
            What the classifier predicts from.
        y : array-like of shape (N,) or (N, K)
            Hard labels, or target distributions, or vote counts.
        target_type, sample_weight, groups, base, clip, recalibration, vote_correction
            As in :func:`decompose`.

        Returns
        -------
        Evaluation
            The decomposition and the table of rows, with the index of ``y`` or ``X``.

        Raises
        ------
        TypeError
            If the estimator has no ``predict_proba``.
        ValueError
            As in :func:`cross_entropy`.

        Warns
        -----
        SmallSampleWarning, SwappedColumnsWarning, UnseenLabelWarning
            As in :func:`decompose`.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from xent_metrics import Evaluation
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> model = GaussianNB().fit(X[:300], y[:300])
        >>> evaluation = Evaluation.from_estimator(model, X[300:], y[300:])
        >>> evaluation.decomposition.n
        269
        """
        proba, classes = in_class_order(estimator, probabilities(estimator, X))
        options = ReadOptions(
            labels=classes,
            target_type=target_type,
            sample_weight=sample_weight,
            groups=groups,
            base=base,
            clip=clip,
        )
        evaluated = evaluate(
            read(y, proba, options),
            None,
            options,
            recalibration=recalibration,
            vote_correction=vote_correction,
            index=index_of(y, X, proba),
        )
        return tell(cls(**evaluated._asdict()))

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        *,
        target_type: TargetType = "auto",
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
        recalibration: Recalibration = "auto",
        vote_correction: VoteCorrection = None,
    ) -> Self:
        """Evaluate the models of a cross-validation, each on the rows of its test fold.

        Parameters
        ----------
        cv_results : dict
            What ``cross_validate(..., return_estimator=True, return_indices=True)``
            returns.
        X : array-like or DataFrame of N rows
            What ``cross_validate`` was called with.
        y : array-like of shape (N,) or (N, K)
            The same; or target distributions, or vote counts, whose columns are the
            classes of all folds.
        target_type, base, clip, vote_correction
            As in :func:`decompose`.
        sample_weight, groups : array-like of shape (N,), optional
            As in :func:`decompose`, one value for each row of ``X``.
        recalibration : str or object, default "auto"
            The map of each fold, as in :func:`decompose`.

        Returns
        -------
        Evaluation
            The decomposition, the table of rows, and that of ``folds``.

        Raises
        ------
        TypeError
            If the estimators have no ``predict_proba``.
        ValueError
            If the estimators or their indices are missing, if an estimator was not
            fitted, if ``X`` and ``y`` are not what was cross-validated, or as in
            :func:`cross_entropy`.

        Warns
        -----
        SmallSampleWarning
            If the smallest fold has less than 200 rows (or groups), or else as in
            :func:`decompose`.
        SwappedColumnsWarning
            If the map of a fold is one of two classes that falls.
        UnseenLabelWarning
            If rows have a label that the model of their fold was not trained on.

        Notes
        -----
        What is estimated is the mean loss of these fitted models on new rows, averaged
        over the models: not the loss of the procedure that fitted them, over training
        sets that might have been drawn, whose errors would be wider (Bates, Hastie &
        Tibshirani, 2024), nor that of a model fitted to all rows.

        Models of several folds are not one model, so each fold has a recalibration map
        of its own, debiased there. Every term is the average over the folds by their
        weight, but for the skill, which is the ratio of averages; the class
        frequencies behind uncertainty and resolution are those of all rows. Standard
        errors are those of the rows, taken as independent given the models.

        ``per_sample`` is in the order of ``X`` and has the index of ``y`` or ``X``, or
        else the number of the row. In repeated cross-validation a row occurs once per
        repeat, in the order of the folds: copies of a row are a group, so repeats do
        not make standard errors smaller than the rows allow, and ``n_effective``
        counts each row once. A class that the model of a fold was not trained on is
        an unseen label in that fold.

        References
        ----------
        Bates, S., Hastie, T. & Tibshirani, R. (2024). Cross-validation: what does it
        estimate and how well does it do it? Journal of the American Statistical
        Association 119, 1434-1445. doi:10.1080/01621459.2023.2197686

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.model_selection import cross_validate
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from xent_metrics import Evaluation
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> results = cross_validate(
        ...     GaussianNB(), X, y, cv=2, return_estimator=True, return_indices=True
        ... )
        >>> options = {"recalibration": "temperature"}
        >>> evaluation = Evaluation.from_cv_results(results, X, y, **options)
        >>> round(evaluation.decomposition.miscalibration, 2)
        0.55
        >>> evaluation.folds[["n", "miscalibration"]].round(2)
                n  miscalibration
        fold
        0     285             0.9
        1     284             0.2
        """
        tested = predict_out_of_fold(cv_results, X, y)
        options = ReadOptions(
            labels=tested.labels,
            target_type=target_type,
            sample_weight=tested.take(sample_weight, "sample_weight"),
            groups=tested.take(groups, "groups"),
            base=base,
            clip=clip,
        )
        evaluated = evaluate(
            read(tested.take(y, "y"), tested.proba, options),
            tested.folds,
            options,
            recalibration=recalibration,
            vote_correction=vote_correction,
            index=tested.index_of_rows(index_of(y, X)),
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
            :meth:`Decomposition.by` or a recalibrator, says so. It can be the
            reference of :func:`drift` and :func:`expected_loss`.

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
        return cls(**decode(text)._asdict())

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """The JSON Schema of what :meth:`to_json` writes and :meth:`from_json` reads.

        Returns
        -------
        dict
            For other programs that read or check such documents. ``from_json`` checks
            more: that terms add up, and that labels and rows are as many as they say.

        See Also
        --------
        ScanState.json_schema : That of the state of a scan.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> schema = Evaluation.json_schema()
        >>> schema["title"], schema["properties"]["schema"]
        ('Evaluation', {'enum': [1, 2]})

        With ``pip install jsonschema``, ``jsonschema.validate(json.loads(text),
        schema)`` raises an error that names the part that is wrong.
        """
        return document_schema()

    def __getstate__(self) -> dict[str, Any]:
        """All but the frame, which is the user's data."""
        return {name: value for name, value in vars(self).items() if name != "_frame"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore; in older pickles the table of classes has its name of then."""
        renamed = {"per_class": "by_class"}
        vars(self).update({renamed.get(name, name): v for name, v in state.items()})

    def __repr__(self) -> str:
        """The decomposition, and what tables there are."""
        return "\n".join(
            [
                "Evaluation",
                "",
                repr(self.decomposition),
                *sizes(
                    per_sample=self.per_sample,
                    by_class=self.by_class,
                    folds=self.folds,
                    by_group=self.by_group,
                ),
            ]
        )

    @property
    def terms(self) -> dict[str, float]:
        """The terms by name, in the order in which they are shown.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> round(evaluation.terms["cross_entropy"], 4)
        0.2899
        """
        return self.decomposition.terms

    def ci(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Confidence intervals of the terms, by name.

        Parameters
        ----------
        level : float, default 0.95
            How often such an interval holds the true value, in (0, 1).

        Returns
        -------
        dict of str to (low, high)
            Value -+ z times the standard error. Near calibration, where terms of rows
            no longer vary, the standard error of miscalibration is that of the
            weighted chi-square of its estimate.

        Raises
        ------
        ValueError
            If ``level`` is not in (0, 1).

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> low, high = evaluation.ci(0.9)["uncertainty"]
        >>> low < evaluation.terms["uncertainty"] < high
        True
        """
        return self.decomposition.ci(level)

    def by(self, values: Any, *, refit: bool = False) -> pd.DataFrame:
        """The terms of groups of rows.

        Parameters
        ----------
        values : column name, index level, pd.Grouper, function, values, or list
            What the rows are grouped by, as in :meth:`summary`.
        refit : bool, default False
            False: one recalibration map for all rows; the groups' terms, averaged by
            ``weight``, are those of the whole. True: each group is decomposed alone.

        Returns
        -------
        DataFrame
            One row per distinct value: ``n``, ``weight`` (its share), the terms,
            ``<term>_se``, and a ``note``. Where independent rows are too few for terms
            of the map (10 under the map of all rows, 50 for one of their own), these
            are NaN and the note says so.

        Raises
        ------
        KeyError
            As in :meth:`summary`.
        ValueError
            If there is not one value per row, or if the evaluation was scanned, or read
            back without its data.

        Warns
        -----
        SmallSampleWarning
            As in :meth:`summary`.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> table = evaluation.by(["north", "south"] * 200)
        >>> table["cross_entropy"].round(4).to_dict()
        {'north': 0.2231, 'south': 0.3567}
        """
        return terms_by(
            self.decomposition, self.per_sample, values, self._frame, refit=refit
        )

    def summary(self, by: Any = None) -> pd.DataFrame:
        """Counts and means of the rows' measures, in all or by group.

        Parameters
        ----------
        by : column name, index level, pd.Grouper, function, values, or list, optional
            What the rows are grouped by, as in ``df.groupby(by, dropna=False,
            observed=True)``: a column of the frame that was evaluated, or of
            ``per_sample``, or a level of its index; a ``pd.Grouper``; a function of the
            index; one value per row; or several of these as a list, DataFrame or
            mapping. Names are those of the frame first. A missing value is a group of
            its own, and bins without rows are left out.

        Returns
        -------
        DataFrame
            One row per group: ``n``, ``weight`` (its share), the means of
            ``cross_entropy``, ``entropy``, ``kl_divergence``, ``predictive_entropy``
            and ``calibration_gap``, each with its standard error ``<name>_se``, and a
            ``note`` where there are none. For terms of the recalibration map by group
            see :meth:`Decomposition.by`.

        Raises
        ------
        KeyError
            If the frame has no such column or level.
        TypeError
            If values cannot be sorted or told apart, or if a ``pd.Grouper`` with a
            frequency groups what are no times.
        ValueError
            If there is not one value per row, if the evaluation holds no frame (as it
            was made of arrays or read back) and ``per_sample`` has no such column, or
            if it has no rows to group. Where it was scanned, ``by`` can be what it was
            scanned by.

        Warns
        -----
        SmallSampleWarning
            If there are more than 50 groups of fewer than two rows on average, as of a
            continuous column without bins.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> evaluation.summary("label")["cross_entropy"].round(4).to_dict()
        {0: 0.2231, 1: 0.3567}
        """
        return summary(
            self.per_sample,
            by,
            whole=self.decomposition,
            by_group=self.by_group,
            frame=self._frame,
        )

    def worst(
        self,
        n: int = 10,
        *,
        by: Any = None,
        columns: list[Any] | str | None = None,
    ) -> pd.DataFrame:
        """The rows of ``per_sample`` that cost most, the most costly first.

        Parameters
        ----------
        n : int, default 10
            How many rows, of each group if there are groups.
        by : column name, index level, pd.Grouper, function, values, or list, optional
            Groups, as in :meth:`summary`.
        columns : column name, or list of them, optional
            Which columns of the frame come after the measures, of an evaluation that
            :meth:`from_frame` made. Default: all but those of the target, the
            probabilities and the weight; ``[]`` for none.

        Returns
        -------
        DataFrame
            With the rows' index; the groups' names come first, then the columns of
            ``per_sample``, then those of the frame, of which one that is called like
            a column before it has the suffix "_frame". Rows of weight 0 are left out.

        Raises
        ------
        KeyError, TypeError
            As in :meth:`summary`, or if the frame has no such column.
        ValueError
            As in :meth:`summary`, if ``n`` is not a whole number above 0, or if
            ``columns`` are asked for and the evaluation holds no frame.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> evaluation.worst(1)[["label", "predicted", "p_true"]]
           label  predicted  p_true
        1      1          1     0.7
        """
        return worst(self.per_sample, n, by, columns=columns, frame=self._frame)

    def reducible(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        *,
        learner: Any = None,
        groups: ArrayLike | None = None,
        random_state: int = 0,
        progress: Progress = None,
    ) -> ReducibleLoss:
        """How much of the loss a better model of these features could win, at least.

        A learner that sees the features beside the predictions is compared, out of
        fold, with one that sees the predictions alone. What it gains is at most the
        grouping loss: so with hard labels, too, ignorance of the model is told from
        noise in the labels, as far as the learner finds it.

        The rows must not be those that the model was trained on. There the bound
        reads what the model has memorised, and says nothing; a cross-validation
        (:meth:`from_cv_results`) is out of fold and right.

        Parameters
        ----------
        X : array-like or DataFrame of N rows
            The features: numbers, text, categories, times and missing values, as they
            are. Rows as they were passed to the evaluation, before
            ``on_missing="drop"``, or as they were cross-validated; frames of pandas
            are aligned by their index where both have one.
        learner : classifier, optional
            One with ``predict_proba``, of which copies are fitted to the features and,
            as last columns, the log-probabilities; and once more to these with every
            feature held constant. Default: boosted trees
            (HistGradientBoostingClassifier) on one thread.
        groups : array-like of shape (N,), optional
            The group of each row, one value for each row of ``X``; folds keep groups
            whole. Default: those of the evaluation.
        random_state : int, default 0
            Which folds there are. The same call gives the same result.
        progress : bool or callable, optional
            True, False: whether a bar is shown. Default: in a terminal, after two
            seconds. A function is called with the number of fits done, and of all.

        Returns
        -------
        ReducibleLoss
            The bound, its standard error, and which features carry it.

        Raises
        ------
        TypeError
            If ``learner`` is no classifier, or a column of ``X`` cannot be read.
        ValueError
            If the rows of ``X`` are not those of the evaluation, if these are fewer
            than 50 (or 10 groups), if labels are not among the classes, or if the
            evaluation was scanned, or read back without its data.

        Notes
        -----
        For a predictor g of the label from features X and prediction Q, E CE(g) is at
        least H(Y | X, Q). With the best map of Q on one side and g stacked on it on
        the other, the difference of their debiased costs is a lower bound of the
        grouping loss H(Y | Q) - H(Y | X, Q) in expectation (Kull and Flach, 2015;
        Perez-Lebel et al., 2023). The coefficient of g is never below 0, and a
        learner of Q alone stands on both sides, so that miscalibration which the map
        missed is not called grouping loss. More rows, or a better learner, find more.

        References
        ----------
        M. Kull and P. Flach, "Novel decompositions of proper scoring rules for
        classification", ECML PKDD, 2015. DOI 10.1007/978-3-319-23528-8_5.
        A. Perez-Lebel, M. Le Morvan and G. Varoquaux, "Beyond calibration: estimating
        the grouping loss of modern neural networks", ICLR, 2023. arXiv:2210.16315.

        Examples
        --------
        A model that misses an interaction of two features:

        >>> import numpy as np
        >>> from sklearn.linear_model import LogisticRegression
        >>> from xent_metrics import Evaluation
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(2000, 3))
        >>> y = rng.random(2000) < 1 / (1 + np.exp(-2 * X[:, 0] * X[:, 1] - X[:, 2]))
        >>> model = LogisticRegression().fit(X[:1000], y[:1000])
        >>> evaluation = Evaluation.from_estimator(model, X[1000:], y[1000:])
        >>> found = evaluation.reducible(X[1000:])
        >>> found.lower(0.95) > 0.05
        True
        >>> int(found.importances.idxmin())
        2
        """
        from .features import reducible_loss  # noqa: PLC0415 - not with the package

        return reducible_loss(
            self.decomposition,
            self.per_sample,
            self._frame,
            X,
            learner=learner,
            groups=groups,
            random_state=random_state,
            progress=progress,
        )

    def slices(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        *,
        max_slices: int = 5,
        term: SlicedTerm = "cross_entropy",
    ) -> Slices:
        """Conditions on the features under which rows cost more than the others.

        Conditions are nodes of a shallow tree, grown on a fixed half of the rows and
        measured on the other half, groups whole; p-values are corrected for the number
        of conditions measured. That none is found is a valid answer.

        Parameters
        ----------
        X : array-like or DataFrame of N rows
            The features, as in :meth:`reducible`.
        max_slices : int, default 5
            How many conditions to look at, at most.
        term : {"cross_entropy", "miscalibration"}, default "cross_entropy"
            What rows are compared by: their cost, or what the recalibration map of all
            rows takes off it. For what features could win see
            :meth:`ReducibleLoss.slices`.

        Returns
        -------
        Slices
            The slices that exceed the rest beyond chance, which do not overlap: their
            share of the rows and of the loss, with standard errors.

        Raises
        ------
        TypeError
            If a column of ``X`` cannot be read.
        ValueError
            If the rows of ``X`` are not those of the evaluation, if a row's term is
            infinite, if ``term`` or ``max_slices`` is none that there is, or if the
            evaluation was scanned, or read back without its data.

        Examples
        --------
        >>> import pandas as pd
        >>> from xent_metrics import Evaluation
        >>> X = pd.DataFrame({"plan": ["basic", "plus"] * 200, "age": range(400)})
        >>> q = [0.2, 0.1] * 200
        >>> y = [row % 4 == 0 for row in range(400)]
        >>> evaluation = Evaluation.from_predictions(y, q)
        >>> evaluation.slices(X).table["weight"].round(2).to_dict()
        {"plan = 'basic'": 0.47}
        """
        from .features import slices_of  # noqa: PLC0415 - not with the package

        return slices_of(
            self.decomposition,
            self.per_sample,
            self._frame,
            X,
            max_slices=max_slices,
            term=term,
        )

    def probabilities(self) -> pd.DataFrame:
        """The predicted probabilities of each row.

        Returns
        -------
        DataFrame
            One row per row of :attr:`per_sample`, one column per class, in column
            order: as they were given, in their type; after the softmax of logits, or
            after the division by the sum of the row that ``rescale=True`` asks for.

        Raises
        ------
        ValueError
            If the evaluation was read back without its data.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.25, 0.75] * 200)
        >>> evaluation.probabilities().head(2)
              0     1
        0  0.75  0.25
        1  0.25  0.75
        """
        return probability_table(self.decomposition, self.labels, self.per_sample)

    def targets(self) -> pd.DataFrame | None:
        """The target distributions, or the vote counts, of each row.

        Returns
        -------
        DataFrame or None
            Like :meth:`probabilities`, as they were given. None where targets are hard
            labels, also those given as one-hot rows: see ``label`` of
            :attr:`per_sample`.

        Raises
        ------
        ValueError
            If the evaluation was read back without its data.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> votes, q = [[3, 1], [0, 4]] * 200, [[0.75, 0.25], [0.5, 0.5]] * 200
        >>> options = {"vote_correction": "jackknife"}
        >>> evaluation = Evaluation.from_predictions(votes, q, **options)
        >>> evaluation.targets().head(2)
           0  1
        0  3  1
        1  0  4
        """
        return target_table(self.decomposition, self.labels, self.per_sample)

    def to_frame(self) -> pd.DataFrame:
        """The terms as a table with one row per term; see ``per_sample`` for rows."""
        return self.decomposition.to_frame()

    def to_dict(self, *, per_sample: bool = False) -> dict[str, Any]:
        """All that is needed to read the evaluation back, in plain types.

        Parameters
        ----------
        per_sample : bool, default False
            Whether the rows come too.

        Returns
        -------
        dict
            ``schema`` (its version), ``decomposition``, ``base``, ``labels``,
            ``reference`` (the map that :func:`drift` and :func:`expected_loss` ask,
            with the covariance of its parameters), and the tables ``ladder``,
            ``per_class`` (the table of classes), ``folds``, ``by_group`` and
            ``per_sample``.
        """
        return encode(
            self.decomposition,
            self.labels,
            per_class=self.by_class,
            folds=self.folds,
            by_group=self.by_group,
            per_sample=self.per_sample if per_sample else None,
        )

    def to_json(self, *, per_sample: bool = False) -> str:
        """:meth:`to_dict` as strict JSON, for :meth:`Evaluation.from_json`.

        Parameters
        ----------
        per_sample : bool, default False
            Whether the rows come too: about 200 bytes each.

        Returns
        -------
        str
            What is not finite is text, such as "nan" and "inf".

        Raises
        ------
        TypeError
            If a label or the name of a row or group is not text, a number, a boolean,
            a time, bytes or missing, so that it could not be read back.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> Evaluation.from_json(evaluation.to_json()) == evaluation
        True
        """
        return json_text(self.to_dict(per_sample=per_sample))

    def to_model_card(
        self,
        *,
        model: str,
        dataset: str,
        split: str = "test",
        task: str = "tabular-classification",
    ) -> str:
        """A section of a model card, with the fields of a Hugging Face model index.

        Parameters
        ----------
        model, dataset : str
            The names of the model, and of the data that it was evaluated on.
        split : str, default "test"
            Which part of the data.
        task : str, default "tabular-classification"
            What the model does, by the name that the hub has for it.

        Returns
        -------
        str
            YAML between two lines of ``---``, with each term that is finite, then a
            heading and the terms as a table with standard errors, in Markdown.

        Raises
        ------
        TypeError
            If a name is not text.
        ValueError
            If a name is empty.

        Examples
        --------
        >>> from xent_metrics import Evaluation
        >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
        >>> card = evaluation.to_model_card(model="churn", dataset="march")
        >>> card.splitlines()[:3]
        ['---', 'model-index:', '- name: "churn"']
        """
        return model_card(
            self.decomposition, model=model, dataset=dataset, split=split, task=task
        )

    def to_html(
        self,
        *,
        by: Any = None,
        title: str | None = None,
        reducible: Any = None,
        slices: Any = None,
        against: Any = None,
    ) -> str:
        """One self-contained page: figures inline, no script, no outside request.

        Parameters
        ----------
        by : column name, index level, pd.Grouper, function, values, or list, optional
            Groups to show, as in :meth:`summary`.
        title : str, optional
            The page's title. Default: what was evaluated, in numbers.
        reducible : ReducibleLoss, optional
            What the features still hold, as ``evaluation.reducible(X)`` returns it:
            shown, and part of the advice at the top of the page.
        slices : Slices, optional
            Where the loss sits, as ``evaluation.slices(X)`` returns it: the same.
        against : Drift, optional
            What :func:`drift` says of these rows: a section against the reference.

        Returns
        -------
        str
            The page. Names of classes and all else from the data is escaped.

        Raises
        ------
        ImportError
            If jinja2 or matplotlib is not installed.
        TypeError
            If ``reducible``, ``slices`` or ``against`` is no such result.
        ValueError
            If ``reducible`` or ``against`` is of other rows.
        """
        page: str = report().render(
            self,
            by=by,
            title=title,
            reducible=reducible,
            slices=slices,
            against=against,
        )
        return page

    def write_html(
        self,
        path: str | os.PathLike[str],
        *,
        by: Any = None,
        title: str | None = None,
        reducible: Any = None,
        slices: Any = None,
        against: Any = None,
    ) -> None:
        """Write the page of :meth:`to_html` to a file, wholly or not at all.

        Parameters
        ----------
        path : path of a file
            Where to write. A file that is there is replaced and keeps its permissions,
            a link to it stays.
        by, title, reducible, slices, against
            As in :meth:`to_html`.

        Raises
        ------
        ImportError
            If jinja2 or matplotlib is not installed.
        OSError
            If the folder does not exist, if ``path`` is that of a folder, a device, a
            pipe or a socket, or if it cannot be written.
        TypeError, ValueError
            As in :meth:`to_html`.
        """
        page = self.to_html(
            by=by, title=title, reducible=reducible, slices=slices, against=against
        )
        report().write(path, page)

    def plot(
        self, kind: PlotKind = "waterfall", *, ax: Axes | None = None, **options: Any
    ) -> Axes:
        """Draw one of the plots of :mod:`xent_metrics.plotting`.

        Parameters
        ----------
        kind : str, default "waterfall"
            "waterfall" (what the cross-entropy is made of), "reliability" (predicted
            against observed), "entropy" (the cost of each row against the one that the
            model expects), "by_class", or, of target distributions and votes,
            "kl_contributions".
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.
        **options
            Those of the function of that name.

        Returns
        -------
        Axes
            With the plot.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no such kind, if it needs data that the evaluation was read back
            without, or if it says nothing of hard labels.
        """
        kinds = PlotKind.__args__  # type: ignore[attr-defined] # typing's own
        if kind not in kinds:
            msg = (
                f"kind must be one of {', '.join(map(repr, kinds))}: found {kind!r}; "
                "pass the name of a plot."
            )
            raise ValueError(msg)
        axes: Axes = getattr(plots(), kind)(self, ax=ax, **options)
        return axes

    def _headline(self) -> str:
        return repr(self.decomposition).partition("\n\n")[0]
