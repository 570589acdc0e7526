"""The decomposition of an ensemble: the result and its text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import ArrayLike

from .._calls import form
from .._display.result import Result, counted, plots
from .._inputs.read_options import EPS, TargetType
from .._pickling import public
from .._terms import title
from .averages import summarise_estimator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TABLES = ("per_sample", "members", "pairwise_kl")


@public
@form("decompose_ensemble(y_true, member_proba)")
@dataclass(frozen=True, kw_only=True)
class EnsembleDecomposition(Result):
    """The cross-entropy of an ensemble's members, and what their averages gain.

    Made by :func:`decompose_ensemble` or :meth:`from_estimator`. Three identities
    hold to rounding, for each row and for the means::

        member_cross_entropy = ensemble_cross_entropy + diversity
        member_cross_entropy = geometric_cross_entropy + geometric_diversity
        predictive_entropy   = member_entropy + mutual_information

    Attributes
    ----------
    member_cross_entropy : float
        Mean over the members of their cross-entropies.
    ensemble_cross_entropy : float
        Cross-entropy of the members' arithmetic mean, which ensembles predict.
    diversity : float
        Mean over the members of E_p log(mean / member).
    geometric_cross_entropy : float
        Cross-entropy of the members' geometric mean, normalised.
    geometric_diversity : float
        Mean over the members of KL(geometric mean || member).
    predictive_entropy : float
        Entropy of the arithmetic mean.
    member_entropy : float
        Mean over the members of their entropies.
    mutual_information : float
        Mean over the members of KL(member || arithmetic mean): what knowing the
        member tells about a label drawn from its prediction.
    standard_errors : mapping of str to float
        The standard error of each of these terms, for rows drawn independently and
        members as they are.
    n, n_members, n_classes : int
        Rows of positive weight, members of positive weight, columns.
    n_clipped : int
        Rows in which a member gives its target less than ``clip``.
    n_clipped_any : int
        Rows in which a member gives any class less than ``clip``: the geometric mean
        and ``pairwise_kl`` depend on the clip there.
    n_infinite, n_unseen : int
        Rows in which a member's cost is infinite, and rows whose label is not among
        the classes.
    unit : str
        Unit of all terms.
    clip : float
        Floor of probabilities inside the logarithm.
    notes : mapping of str to str
        Why a term is NaN or infinite, by the term's name.
    per_sample : DataFrame of N rows
        The terms of each row.
    members : DataFrame of M rows
        The ``weight``, ``cross_entropy`` and ``entropy`` of each member.
    pairwise_kl : DataFrame of shape (M, M)
        Mean over the rows of KL(a || b), members a in rows and b in columns.

    See Also
    --------
    decompose_ensemble : Makes one.
    """

    member_cross_entropy: float
    ensemble_cross_entropy: float
    diversity: float
    geometric_cross_entropy: float
    geometric_diversity: float
    predictive_entropy: float
    member_entropy: float
    mutual_information: float
    standard_errors: Mapping[str, float] = field(hash=False)
    n: int
    n_members: int
    n_classes: int
    n_clipped: int
    n_clipped_any: int
    n_infinite: int
    n_unseen: int
    unit: str
    clip: float
    notes: Mapping[str, str] = field(default_factory=dict, hash=False)
    per_sample: pd.DataFrame = field(repr=False, compare=False)
    members: pd.DataFrame = field(repr=False, compare=False)
    pairwise_kl: pd.DataFrame = field(repr=False, compare=False)

    @property
    def terms(self) -> dict[str, float]:
        """The terms by name, in the order in which they are shown."""
        return {name: getattr(self, name) for name in MEANINGS}

    def to_dict(self) -> dict[str, Any]:
        """All attributes by name but the tables."""
        names = [attribute.name for attribute in dataclasses.fields(self)]
        values = {name: getattr(self, name) for name in names if name not in _TABLES}
        return {k: dict(v) if isinstance(v, Mapping) else v for k, v in values.items()}

    def to_frame(self) -> pd.DataFrame:
        """The terms as a table with one row per term."""
        columns = {
            "value": self.terms,
            "standard_error": self.standard_errors,
            "meaning": MEANINGS,
        }
        return pd.DataFrame(columns, index=pd.Index(MEANINGS, name="term"))

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw what averaging the members gains, and where their entropy comes from.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.

        Returns
        -------
        Axes
            With the plot of :func:`plotting.ensemble`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        axes: Axes = plots().ensemble(self, ax=ax)
        return axes

    def __repr__(self) -> str:
        """The identities written out, one term per line."""
        return summary(self)

    def _remarks(self) -> list[str]:
        return remarks(self)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        *,
        target_type: TargetType = "auto",
        sample_weight: ArrayLike | None = None,
        base: float | None = None,
        clip: float = EPS,
    ) -> EnsembleDecomposition:
        """Decompose the cross-entropy of a fitted ensemble on held-out data.

        Parameters
        ----------
        estimator : fitted ensemble of scikit-learn
            A VotingClassifier with ``voting="soft"``, whose weights are respected, a
            BaggingClassifier, a RandomForestClassifier or an ExtraTreesClassifier.
        X : array-like or DataFrame of N rows
            What the ensemble predicts from.
        y : array-like of shape (N,) or (N, K)
            Hard labels, or target distributions, or vote counts.
        target_type, sample_weight, base, clip
            As in :func:`decompose_ensemble`.

        Returns
        -------
        EnsembleDecomposition
            The terms; the arithmetic mean is what the ensemble itself predicts. A
            class that a bagged member has not seen has probability 0 there, and a
            bagged member without probabilities votes.

        Raises
        ------
        TypeError
            If the estimator is not one of these.
        ValueError
            If it does not average probabilities of one output, or as in
            :func:`cross_entropy`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.ensemble import RandomForestClassifier
        >>> from xent_metrics import EnsembleDecomposition
        >>> X, y = load_iris(return_X_y=True)
        >>> forest = RandomForestClassifier(20, max_depth=3, random_state=0)
        >>> fitted = forest.fit(X[::2], y[::2])
        >>> result = EnsembleDecomposition.from_estimator(fitted, X[1::2], y[1::2])
        >>> result.n_members, result.n
        (20, 75)
        """
        fields = summarise_estimator(
            estimator,
            X,
            y,
            target_type=target_type,
            sample_weight=sample_weight,
            base=base,
            clip=clip,
        )
        return cls(**fields)


MEANINGS: Mapping[str, str] = {
    "member_cross_entropy": "mean log loss of the members",
    "ensemble_cross_entropy": "log loss of their arithmetic mean",
    "diversity": "what averaging the probabilities gains",
    "geometric_cross_entropy": "log loss of their geometric mean",
    "geometric_diversity": "mean divergence of the members from that mean",
    "predictive_entropy": "entropy of the arithmetic mean",
    "member_entropy": "mean entropy of the members",
    "mutual_information": "what the member tells about the predicted label",
}

_IDENTITIES = (
    ("member_cross_entropy", "ensemble_cross_entropy", "diversity"),
    ("member_cross_entropy", "geometric_cross_entropy", "geometric_diversity"),
    ("predictive_entropy", "member_entropy", "mutual_information"),
)


def summary(result: EnsembleDecomposition) -> str:
    """The whole text: the identities, one term per line, and the remarks."""
    head = (
        f"Decomposition of an ensemble of {counted(result.n_members, 'member')}, in "
        f"{result.unit} ({counted(result.n, 'row')}, "
        f"{counted(result.n_classes, 'class', 'classes')})"
    )
    sums = _identities(result.terms, result.notes)
    return "\n".join([head, "", *sums, *remarks(result)])


def remarks(result: EnsembleDecomposition) -> list[str]:
    """What the text says of the members, of the clip, and of what averaging gains."""
    costs, weights = result.members["cross_entropy"], result.members["weight"]
    lines = [f"cross-entropies of the members: {costs.min():.4f} to {costs.max():.4f}"]
    if weights.max() > weights.min() * (1 + 1e-12):
        lines.append(
            f"weights of the members: {weights.min():.4g} to {weights.max():.4g}"
        )
    below = f"below clip={result.clip:.2g}"
    for count, what in (
        (result.n_clipped, f"rows with a probability of the target {below}"),
        (result.n_clipped_any, f"rows with a probability of any class {below}"),
        (result.n_infinite, "rows whose cost is infinite for a member"),
        (result.n_unseen, "rows whose label is not among the classes"),
    ):
        if count:
            lines.append(f"{what}: {count:,}")
    share = result.diversity / result.member_cross_entropy if result.diversity else 0.0
    if 0 < share < 1:
        lines.append(f"averaging takes {share:.0%} off the members' loss")
    return lines


def _identities(terms: Mapping[str, float], notes: Mapping[str, str]) -> list[str]:
    """Three sums, one term per line, with an empty line after each."""
    lines = []
    for names in _IDENTITIES:
        for sign, name in zip(" =+", names, strict=True):
            meaning = notes.get(name, MEANINGS[name])
            lines.append(f"  {sign} {title(name):<23} {terms[name]:>9.4f}  {meaning}")
        lines.append("")
    return lines
