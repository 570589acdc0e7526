"""Decompose a mean cross-entropy: from inputs to the result."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._inputs.groups import read_groups
from .._inputs.inputs import Inputs, read
from .._inputs.messages import warn
from .._inputs.read_options import EPS, nats_per_unit
from .._inputs.targets import Targets
from .._kernels.table import FloatArray, IntArray
from .._pickling import public
from .._recalibration.custom import RecalibrationMap
from .._recalibration.sample import from_inputs
from .._recalibration.select import NAMES, MapName, recalibrate
from .breakdown import FEW_ROWS
from .evidence import After, Data, maps_of
from .frequencies import count_classes, frequency_costs
from .ladder import ladder
from .result import Decomposition
from .row_terms import RowTerms
from .terms import Maps, assemble, note_undefined_entropy, reasons
from .vote_entropy import VoteCorrection, check_correction, entropy_of_votes, mean_votes

Recalibration = MapName | RecalibrationMap

Scalar = TypeVar("Scalar", bound=np.generic)

COLUMNS = ("cross_entropy", "entropy", "kl_divergence", "predictive_entropy")


def decompose_inputs(
    inputs: Inputs,
    *,
    base: float | None,
    clip: float,
    recalibration: Recalibration,
    groups: Any = None,
    vote_correction: VoteCorrection = None,
    columns: Iterable[str] = (),
) -> tuple[Decomposition, dict[str, FloatArray]]:
    """Decompose inputs that were read before.

    Also returns the columns of the pass, in nats: its own and those asked for.
    """
    check_recalibration(recalibration)
    check_correction(vote_correction, inputs)
    per_unit = nats_per_unit(base)
    clusters = read_groups(groups, inputs)
    inputs = with_scaled_weights(inputs)
    measured = inputs.measure([*COLUMNS, *columns], clip=clip)
    frequencies = count_classes(inputs, clusters)
    notes = reasons(
        len(inputs.labels),
        measured.at_zero,
        frequencies,
        clip,
        soft=inputs.target is not None,
    )
    after = None
    if "refinement" not in notes:
        after = _recalibrate(inputs, clusters, clip, recalibration)
        if not after.selection.chosen.converged:
            name = after.selection.chosen.name
            notes["refinement"] = f"the {name} map did not converge"
    of_row = {name: active(measured.columns[name], inputs) for name in COLUMNS}
    if vote_correction is not None:
        sample = None if after is None else after.sample
        chosen = None if after is None else after.selection.chosen.recalibrate
        of_row["entropy"] = entropy_of_votes(inputs, vote_correction, sample, chosen)
        note_undefined_entropy(notes, of_row["entropy"], vote_correction)
    n = len(of_row["cross_entropy"])
    rows = RowTerms(
        cross_entropy=of_row["cross_entropy"],
        recalibrated=np.full(n, np.nan) if after is None else after.costs,
        frequencies=active(frequency_costs(inputs, frequencies.shares), inputs),
        entropy=of_row["entropy"],
        predictive_entropy=of_row["predictive_entropy"],
        weights=np.ones(n)
        if inputs.weights is None
        else active(inputs.weights, inputs),
        clusters=None if clusters is None else active(clusters, inputs),
    )
    data = Data(
        inputs=inputs,
        rows=rows,
        clusters=clusters,
        recalibration=recalibration,
        vote_correction=vote_correction,
        after=after,
        correction=None if after is None else after.correction,
        again=functools.partial(
            _again,
            base=base,
            clip=clip,
            recalibration=recalibration,
            groups=groups,
            vote_correction=vote_correction,
        ),
    )
    result = assemble(
        data,
        frequencies,
        _maps(after, recalibration, rows.mean(rows.cross_entropy), per_unit),
        notes,
        base=base,
        clip=clip,
        at_zero=measured.at_zero,
        n_unseen=inputs.n_unseen,
    )
    return result, measured.columns


def with_scaled_weights(inputs: Inputs) -> Inputs:
    """Inputs with weights whose squares do not overflow.

    Scaled by a power of two they keep every bit.
    """
    if inputs.weights is None:
        return inputs
    exponent = math.frexp(float(inputs.weights.max()))[1]
    return inputs._replace(weights=np.ldexp(inputs.weights, -exponent))


def _again(inputs: Inputs, **options: Any) -> Decomposition:
    """The same decomposition of other inputs."""
    return decompose_inputs(inputs, **options)[0]


def check_recalibration(recalibration: Any) -> None:
    """A name, or an object that can be fitted."""
    if isinstance(recalibration, str):
        found = recalibration in NAMES
    else:
        found = isinstance(recalibration, RecalibrationMap) and not isinstance(
            recalibration, type
        )
    if not found:
        near: list[str] = []
        if isinstance(recalibration, str):
            near = difflib.get_close_matches(recalibration.lower(), NAMES, n=1)
        mend = f"did you mean {near[0]!r}?" if near else "pass the name of a map."
        msg = (
            f"recalibration must be one of {', '.join(map(repr, NAMES))}, or an object "
            f"with fit and predict: found {recalibration!r}; {mend}"
        )
        raise ValueError(msg)


def name_of(recalibration: Recalibration) -> str:
    """The name of a map that was asked for."""
    if isinstance(recalibration, str):
        return recalibration
    return type(recalibration).__name__


def _maps(
    after: After | None,
    recalibration: Recalibration,
    cross_entropy: float,
    per_unit: float,
) -> Maps:
    tried = ladder(after, cross_entropy, per_unit)
    if after is None:
        return Maps(name=name_of(recalibration), ladder=tried)
    chosen = after.selection.chosen
    return Maps(
        name=chosen.name,
        degrees_of_freedom=chosen.degrees_of_freedom,
        converged=chosen.converged,
        parameters=chosen.parameters,
        ladder=tried,
        fitted=maps_of(after.selection),
    )


def _recalibrate(
    inputs: Inputs,
    clusters: IntArray | None,
    clip: float,
    recalibration: Recalibration,
) -> After:
    """Fit the map, and say what each row costs after it.

    A label that the predictions do not know is recalibrated to its frequency, and
    the law of the others is scaled by what is left: a multinomial beside the map.
    """
    known = inputs.known_rows()
    sample = from_inputs(inputs, known, clip=clip, clusters=clusters)
    selection = recalibrate(sample, recalibration)
    chosen = selection.chosen
    if not inputs.unseen or inputs.codes is None or known is None:
        return After(sample, selection, chosen.losses, chosen.optimism, 1.0, 0.0)
    # All known classes as one, then the unseen ones.
    lumped = np.maximum(inputs.codes - len(inputs.labels) + 1, 0)
    beside = inputs._replace(labels=("known",), codes=lumped)
    frequencies = count_classes(beside, clusters)
    costs = frequency_costs(beside, frequencies.shares)
    costs[known] += chosen.losses
    share = float(frequencies.shares[0])
    shift = frequencies.entropy(debiased=selection.debiased)
    optimism = share * chosen.optimism
    if selection.debiased:
        optimism += frequencies.correction()
    return After(sample, selection, active(costs, inputs), optimism, share, shift)


def active(values: NDArray[Scalar], inputs: Inputs) -> NDArray[Scalar]:
    """The values of the rows that count."""
    return values if inputs.active is None else values[inputs.active]


_FEW_VOTES = 5


@public
class SmallSampleWarning(UserWarning):
    """The rows, or their votes, are too few for a decomposition to say much."""


@public
def decompose(
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
) -> Decomposition:
    """Split a mean cross-entropy into what it is made of.

    Parameters
    ----------
    y_true : array-like of shape (N,) or (N, K)
        Hard labels, or target distributions, or vote counts.
    y_proba : array-like or DataFrame of shape (N, K) or (N,)
        Predicted probabilities; (N,) holds those of the second of two classes.
    labels, targets, sample_weight, base, clip, rescale, from_logits
        As in :func:`cross_entropy`.
    groups : array-like of shape (N,), optional
        The group of each row, such as the patient or the user that rows share: rows
        of a group are not independent, and every standard error and correction says
        so. Default: rows stand alone.
    recalibration : str or object, default "auto"
        The map that estimates the law of the label given the prediction. "auto": a
        natural cubic spline ("spline") for two classes; for more, the one that would
        predict best of "temperature", "temperature-bias", "slope-bias",
        "shared-spline", "dirichlet", "dirichlet-spline" and "confusion". Each goes by
        name too. "isotonic" (two classes) is not debiased and equals the CORP
        decomposition; "none" takes the predictions as they are. An object has
        ``fit(log_q, p, sample_weight)`` and ``predict(log_q)``, on tables of shape
        (N, K), and is debiased by cross-validation of copies.
    vote_correction : {"jackknife", "miller-madow", "dirichlet"}, optional
        With votes: the correction of the entropy of a few votes, which is biased low.

    Returns
    -------
    Decomposition
        The terms, in nats or in units of ``base``, with their standard errors.

    Raises
    ------
    ValueError
        As in :func:`cross_entropy`, or if an option does not fit the data.

    Warns
    -----
    SmallSampleWarning
        Below 200 rows (or groups), or below 5 votes a row and no ``vote_correction``.

    Notes
    -----
    Mean CE = uncertainty - resolution + miscalibration (Bröcker, 2009). The map is
    fitted on the evaluated rows; its optimism is removed by Takeuchi's correction
    (1976), or by cross-validation where it has bounds or more than one parameter for
    100 rows, and that of the class frequencies by Miller and Madow's (1955). So a
    debiased term can be slightly negative, and is never set to 0. A label that is not
    among ``labels`` is recalibrated to its frequency. The result is deterministic.

    Examples
    --------
    >>> import numpy as np
    >>> from xent_metrics import decompose
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.05, 0.95, size=2000)
    >>> y = rng.uniform(size=2000) < p
    >>> sharpened = p**2 / (p**2 + (1 - p) ** 2)
    >>> result = decompose(y, sharpened)
    >>> low, high = result.ci()["miscalibration"]
    >>> round(result.miscalibration, 2), round(low, 2), round(high, 2)
    (0.08, 0.06, 0.11)
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
    result, _ = decompose_inputs(
        inputs,
        base=base,
        clip=clip,
        recalibration=recalibration,
        groups=groups,
        vote_correction=vote_correction,
    )
    warn_if_few(result)
    return result


def warn_if_few(
    result: Decomposition,
    folds: Mapping[Any, Decomposition] | None = None,
) -> None:
    """Warn that rows (of a fold) or votes are few."""
    found = [_rows_of(one, f" in fold {name!r}") for name, one in (folds or {}).items()]
    n, what, where = min(found or [_rows_of(result)], key=lambda few: few[0])
    what += " or more" + " in each fold" * bool(found)
    if n < FEW_ROWS:
        warn(
            f"a decomposition wants {FEW_ROWS} {what}: found {n}{where}; "
            "read its terms as rough.",
            SmallSampleWarning,
        )
    data = result.evidence.data
    target = None if data is None else data.inputs.target
    if data is None or target is None or target.kind != "proportions":
        return
    n_votes = mean_votes(target, data.inputs.active)
    if n_votes < _FEW_VOTES and result.vote_correction is None:
        warn(
            f"the entropy of {n_votes:.3g} votes a row is too low, and so is "
            "irreducible: pass vote_correction='jackknife', and read it as rough.",
            SmallSampleWarning,
        )


def _rows_of(result: Decomposition, where: str = "") -> tuple[int, str, str]:
    """How many rows are independent, and what they are."""
    if result.n_groups is not None and result.n_groups < result.n:
        return result.n_groups, "groups of rows", where
    return result.n, "rows", where
