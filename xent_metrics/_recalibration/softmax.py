"""Maps c = softmax(Z) whose Z is linear in the parameters: one Newton solver for all.

The cost is convex, so the fit is unique; a ridge centred on the parameters that
change nothing keeps it finite where classes are separated.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from .._kernels.softmax import softmax
from .._kernels.table import FloatArray
from .._pickling import pickled
from .cross_validation import cross_validated
from .fitted_map import FittedMap
from .sample import Features, Sample

_MOST_PARAMETERS = 20_000  # more would have a Hessian of over 3 GB
_MAX_STEPS = 60
_HALVINGS = 30
_DECREMENT = 1e-14  # nats per row: the error is then below rounding
_MANY, _DECREMENT_OF_MANY = 1000, 1e-11  # parameters, and nats per row that will do
_DECREMENT_OF_FOLDS = 1e-9  # of a fold's fit to many parameters
_FAR = 0.7  # of a constant, in nats
_NEARER, _BESIDE = 1e-3, 0.1  # nats per row from there; and rows beside each class's
_DEAR = 100  # parameters: a Hessian is then dearer than several steps
_NEAR, _WELL = 1e-2, 0.1  # nats per row from the optimum; and a step that goes well
_NEAR_ENOUGH = 1e-18  # nats per row: the optimum to nine digits, however it is reached
_FEW = 0.01  # parameters per row: up to here Takeuchi's correction holds
_CLASSES_AT_ONCE = 64  # whose features stay in the cache
_CROWDED = 0.1  # parameters per row: beyond, its variance is too small
_KEPT = 1 << 24  # features of a sample
_MOST_IN_BAND = 300  # parameters: beyond, their covariance is not worth its memory


class LinearSoftmax:
    """A family of maps: Z_k sums features shared by the classes and its own ones.

    Parameters are the shared ones, then those of each class in turn. ``identity``
    changes nothing; ``ridge`` is the precision with which they are drawn to it.
    """

    name: ClassVar[str]
    # How much of what folds tell is optimism, beside a fit that no ridge holds.
    of_folds: ClassVar[float] = 1.0

    def __init__(
        self,
        n_classes: int,
        shared: FloatArray,
        ridge: FloatArray,
        own_ridge: FloatArray | None = None,
    ) -> None:
        own = np.zeros(0) if own_ridge is None else np.tile(own_ridge, n_classes)
        self.n_classes = n_classes
        self.n_shared = len(shared)
        n = len(shared) + len(own)
        if n > _MOST_PARAMETERS:
            msg = (
                f"recalibration={self.name!r} must have at most {_MOST_PARAMETERS:,} "
                f"parameters: {n_classes} classes make {n:,}; pass 'auto' or "
                "'temperature-bias'."
            )
            raise ValueError(msg)
        self.identity = np.concatenate([shared, np.zeros(len(own))])
        self.ridge = np.diag(np.concatenate([np.zeros(len(shared)), own]))
        self.ridge[: len(shared), : len(shared)] = ridge

    def shared(self, log_q: FloatArray) -> FloatArray:
        """Features with parameters for all classes: (classes, features, rows)."""
        return log_q[:, np.newaxis]

    def own(self, log_q: FloatArray) -> FloatArray | None:
        """Features with parameters of each class; one class may stand for all."""
        del log_q
        return None

    def named(self, parameters: FloatArray) -> dict[str, float]:
        """Parameters that mean something alone: none, unless a family says so."""
        del parameters
        return {}

    def logits(
        self, parameters: FloatArray, shared: FloatArray, own: FloatArray | None
    ) -> FloatArray:
        """Z of a block, of shape (classes, rows)."""
        z: FloatArray = parameters[: self.n_shared] @ shared
        if own is not None:
            each = parameters[self.n_shared :].reshape(self.n_classes, -1)
            if len(own) == 1:
                z += each @ own[0]
            else:
                z += (each[:, np.newaxis] @ own)[:, 0]
        return z

    def probabilities(self, parameters: FloatArray, log_q: FloatArray) -> FloatArray:
        """The class probabilities of each row."""
        return softmax(self.logits(parameters, self.shared(log_q), self.own(log_q)))[1]


@pickled
@dataclass(frozen=True, eq=False)
class SoftmaxMap:
    """A fitted family as a function of log q; many parameters have no covariance."""

    family: LinearSoftmax
    parameters: FloatArray
    covariance: FloatArray | None = None

    def __call__(self, log_q: FloatArray) -> FloatArray:
        """The class probabilities of each row."""
        return self.family.probabilities(self.parameters, log_q)


class Sweep(NamedTuple):
    """What one pass over a sample finds at given parameters."""

    losses: FloatArray
    objective: float
    gradient: FloatArray
    hessian: FloatArray


class Optimum(NamedTuple):
    """Where Newton's method stopped, with the last pass."""

    parameters: FloatArray
    sweep: Sweep
    converged: bool


def fit(
    family: LinearSoftmax,
    sample: Sample,
    start: FloatArray | None = None,
    near: FittedMap | None = None,
) -> FittedMap:
    """Fit a family to a sample and debias it.

    Where rows are few for the parameters, scores at the fit are too small for
    Takeuchi's correction, above all where classes are nearly separated: there folds
    tell the optimism, once the map is :meth:`~FittedMap.settled`. Of many parameters
    they tell it of a map ``near`` that has the same ones for each class, where it is
    given, also one of a part of the rows: what Takeuchi's correction misses is due to
    classes of few rows.
    """
    prepared = _prepared(family, sample)
    optimum = minimise(family, prepared, start)
    parameters, total = optimum.parameters, float(sample.weights.sum())
    fitted = debiased(
        family,
        optimum,
        losses=optimum.sweep.losses,
        scatter=variability(family, prepared, parameters),
        total=total,
        n_independent=sample.n_independent,
    )
    if len(parameters) <= max(_FEW * sample.n_independent, 1):
        return fitted

    if near is not None and near.by_folds is not None and _alike(near, family):
        of_near, takeuchis = near.by_folds, near.optimism
        # What is missed shrinks with the square of the number of rows.
        fewer = (len(near.losses) / sample.n) ** 2

        def as_of_near() -> float:
            return fitted.optimism + fewer * (of_near() - takeuchis)

        return dataclasses.replace(fitted, by_folds=as_of_near)

    @functools.cache
    def by_folds() -> float:
        many = len(parameters) >= _MANY
        inverse = _inverse(optimum.sweep.hessian) if many else None

        def fit_some(rows: Sample) -> SoftmaxMap:
            share = float(rows.weights.sum()) / total
            if inverse is None:
                return SoftmaxMap(family, refit(family, rows, optimum, share))
            change = _change_of_classes(family, sample, rows)
            scale = change**-0.5
            found = _approach(
                family,
                rows,
                parameters + _own_constants(family) * np.log(change / share),
                inverse * scale * scale[:, np.newaxis],
                _DECREMENT_OF_FOLDS,
            )
            return SoftmaxMap(family, found)

        found = cross_validated(sample, fit_some, fitted.losses, stratified=False)
        return family.of_folds * found

    return dataclasses.replace(fitted, by_folds=by_folds)


def _own_constants(family: LinearSoftmax) -> FloatArray:
    """1 for the parameters that are a constant of each class alone, 0 for others."""
    found = np.zeros(len(family.identity))
    if len(found) - family.n_shared == family.n_classes:
        found[family.n_shared :] = 1.0
    return found


def _change_of_classes(
    family: LinearSoftmax, sample: Sample, rows: Sample
) -> FloatArray:
    """Roughly, what share of the curvature in each parameter some rows have.

    The curvature in the constant of a class goes with the weight of the class.
    """
    before, after = (one.of_classes() + _BESIDE for one in (sample, rows))
    share = float(rows.weights.sum()) / float(sample.weights.sum())
    found = np.full(len(family.identity), share)
    constants = _own_constants(family) > 0
    if constants.any():
        found[constants] = after / before
    return found


def _alike(near: FittedMap, family: LinearSoftmax) -> bool:
    """Whether a family has many parameters, and for each class those of another map."""
    assert isinstance(near.recalibrate, SoftmaxMap), "the linear maps are such"
    own = [
        len(one.identity) - one.n_shared for one in (near.recalibrate.family, family)
    ]
    return len(family.identity) >= _MANY and own[0] == own[1]


def debiased(
    family: LinearSoftmax,
    optimum: Optimum,
    *,
    losses: FloatArray,
    scatter: FloatArray,
    total: float,
    n_independent: float,
) -> FittedMap:
    """A fit with Takeuchi's correction of its mean cost, tr(H^-1 J) / (2 W).

    H is the Hessian of the weighted cost with its ridge, J, here ``scatter``, the sum
    of outer products of the scores (Takeuchi, 1976). ``total`` is the sum W of the
    weights, as they count beside the ridge.
    """
    parameters, hessian = optimum.parameters, optimum.sweep.hessian
    spread = _solve(hessian, scatter)
    held = _solve(hessian, family.ridge)
    n_parameters = len(parameters)
    if n_parameters > _CROWDED * n_independent:
        spread *= n_independent / max(n_independent - n_parameters, 1.0)
    return FittedMap(
        name=family.name,
        losses=losses,
        recalibrate=SoftmaxMap(family, parameters, _covariance(hessian, spread, held)),
        optimism=float(np.trace(spread)) / (2.0 * total),
        variance=float((spread * spread.T).sum()) / (2.0 * total**2),
        slack=_slack(held) / (2.0 * total),
        degrees_of_freedom=n_parameters,
        parameters=family.named(parameters),
        converged=optimum.converged,
    )


def _slack(held: FloatArray) -> float:
    """tr(S - S^2), where S = 1 - H^-1 Lambda is what the ridge leaves of a fit.

    ``held`` is H^-1 Lambda.

    Where there is nothing to win, a fit lowers its own mean cost by
    tr(2 S - S^2) / (2 W), not by tr(S) / (2 W), which is right on the average over the
    prior that the ridge is.
    """
    return float(np.trace(held)) - float((held * held.T).sum())


def _covariance(
    hessian: FloatArray, spread: FloatArray, held: FloatArray
) -> FloatArray | None:
    """H^-1 (J + Lambda) H^-1, where ``spread`` is H^-1 J and ``held`` H^-1 Lambda.

    The part of J is the sandwich (Huber, 1967). The ridge Lambda moves the fit by
    H^-1 Lambda times the distance of the best map from the identity, whose covariance
    is Lambda^-1 under the prior that the ridge is: the other part (Nychka, 1988).
    """
    if len(hessian) > _MOST_IN_BAND:
        return None
    return _solve(hessian, (spread + held).T)


def minimise(
    family: LinearSoftmax,
    sample: Sample,
    start: FloatArray | None = None,
    tilt: FloatArray | None = None,
) -> Optimum:
    """Minimise the weighted cost plus the ridge by Newton's method.

    A ``tilt`` adds a linear function of the parameters, with these slopes. A Hessian
    of many parameters serves for several steps, as long as these go well.
    """
    sample = _prepared(family, sample)
    parameters = family.identity if start is None else start
    if len(parameters) >= _MANY:
        parameters = _near_optimum(family, sample, parameters, tilt)
    state = sweep(family, sample, parameters, tilt)
    scale, last, stale = float(sample.weights.sum()), np.inf, False
    enough = _DECREMENT if len(parameters) < _MANY else _DECREMENT_OF_MANY
    for _ in range(_MAX_STEPS):
        step = _solve(state.hessian, state.gradient)
        decrement = float(step @ state.gradient)
        done = decrement <= enough * scale
        if stale and (done or decrement > _WELL * last):
            state, last = sweep(family, sample, parameters, tilt), np.inf
            stale = False
            continue
        if done:
            return Optimum(parameters, state, converged=True)
        keep = len(parameters) >= _DEAR and decrement < _NEAR * scale
        proposed = _descend(family, sample, parameters, step, tilt, state, keep=keep)
        if proposed is None and stale:
            state, stale = sweep(family, sample, parameters, tilt), False
        elif proposed is None:
            # No step improves: at rounding, or the fit has failed.
            return Optimum(parameters, state, converged=decrement < 1e-9 * scale)
        else:
            parameters, state = proposed
            last, stale = decrement, keep
    return Optimum(parameters, state, converged=False)


def _near_optimum(
    family: LinearSoftmax,
    sample: Sample,
    parameters: FloatArray,
    tilt: FloatArray | None,
) -> FloatArray:
    """Newton's method until it is near; then the last Hessian is enough."""
    scale = float(sample.weights.sum())
    state = sweep(family, sample, parameters, tilt)
    frequent = parameters + _rarer(family, sample, state)
    if np.abs(frequent - parameters).max() > _FAR:
        better = sweep(family, sample, frequent, tilt)
        if better.objective < state.objective:
            parameters, state = frequent, better
    for _ in range(_MAX_STEPS):
        step = _solve(state.hessian, state.gradient)
        if float(step @ state.gradient) < _NEARER * scale:
            break
        found = _descend(family, sample, parameters, step, tilt, state, keep=False)
        if found is None:
            return parameters
        parameters, state = found
    enough = _DECREMENT_OF_MANY / 10.0
    return _approach(
        family, sample, parameters, _inverse(state.hessian), enough, state, tilt
    )


def _rarer(family: LinearSoftmax, sample: Sample, state: Sweep) -> FloatArray:
    """Log of how much rarer each class is predicted than it is, for its parameters.

    To add it to constants is a step of generalised iterative scaling, which improves
    the fit where Newton's would be far too long: where classes are new.
    """
    found = np.zeros(len(family.identity))
    if len(found) - family.n_shared == family.n_classes:
        counts = sample.of_classes()
        predicted = np.maximum(counts + state.gradient[family.n_shared :], 0.0)
        found[family.n_shared :] = np.log((counts + _BESIDE) / (predicted + _BESIDE))
    return found


def _approach(
    family: LinearSoftmax,
    sample: Sample,
    parameters: FloatArray,
    inverse: FloatArray,
    enough: float,
    state: Sweep | None = None,
    tilt: FloatArray | None = None,
) -> FloatArray:
    """The optimum by gradients alone, from the inverse of a Hessian near it.

    That is BFGS of limited memory (Nocedal, 1980): what steps find of the curvature
    mends the inverse. Less than ``enough``, in nats per row, is left to gain.
    """
    if state is None:
        state = sweep(family, sample, parameters, tilt, family.ridge)
    enough *= float(sample.weights.sum())
    pairs: list[tuple[FloatArray, FloatArray]] = []
    for _ in range(_MAX_STEPS):
        step = _mended(state.gradient, inverse, pairs)
        if float(step @ state.gradient) <= enough:
            break
        found = _descend(family, sample, parameters, step, tilt, state, keep=True)
        if found is None:
            break
        moved, turned = found[0] - parameters, found[1].gradient - state.gradient
        if float(moved @ turned) > 0:
            pairs.append((moved, turned))
        parameters, state = found
    return parameters


def _mended(
    gradient: FloatArray,
    inverse: FloatArray,
    pairs: list[tuple[FloatArray, FloatArray]],
) -> FloatArray:
    """The inverse, mended by pairs of steps and changes of gradients, times one."""
    out, shares = gradient.copy(), []
    for moved, turned in reversed(pairs):
        shares.append(float(moved @ out) / float(moved @ turned))
        out -= shares[-1] * turned
    out = inverse @ out
    for (moved, turned), share in zip(pairs, reversed(shares), strict=True):
        out += moved * (share - float(turned @ out) / float(moved @ turned))
    return out


def _descend(
    family: LinearSoftmax,
    sample: Sample,
    parameters: FloatArray,
    step: FloatArray,
    tilt: FloatArray | None,
    state: Sweep,
    *,
    keep: bool,
) -> tuple[FloatArray, Sweep] | None:
    """The step, halved until it improves, and where it leads; None where none does."""
    known = state.hessian if keep else None
    for _ in range(_HALVINGS):
        proposed = sweep(family, sample, parameters - step, tilt, known)
        if proposed.objective <= state.objective:
            return parameters - step, proposed
        step = step / 2.0
    return None


def refit(
    family: LinearSoftmax, sample: Sample, optimum: Optimum, share: float
) -> FloatArray:
    """Parameters of a share of the rows, by steps along the Hessian of all.

    That of fewer rows is nearly as much smaller, but for the ridge.
    """
    if len(optimum.parameters) < _DEAR:
        return minimise(family, sample, optimum.parameters).parameters
    sample = _prepared(family, sample)
    hessian = family.ridge + share * (optimum.sweep.hessian - family.ridge)
    inverse = np.linalg.pinv(hessian, hermitian=True)
    parameters = optimum.parameters
    state = sweep(family, sample, parameters, None, hessian)
    scale, last = float(sample.weights.sum()), np.inf
    for _ in range(_MAX_STEPS):
        step = inverse @ state.gradient
        decrement = float(step @ state.gradient)
        if decrement <= _NEAR_ENOUGH * scale:
            break
        proposed = sweep(family, sample, parameters - step, None, hessian)
        worse = proposed.objective > state.objective
        if decrement > _WELL * last or worse:
            return minimise(family, sample, parameters).parameters
        parameters, state, last = parameters - step, proposed, decrement
    return parameters


def sweep(
    family: LinearSoftmax,
    sample: Sample,
    parameters: FloatArray,
    tilt: FloatArray | None = None,
    known: FloatArray | None = None,
) -> Sweep:
    """Losses of all rows, and the objective with its derivatives.

    A Hessian that is ``known``, from elsewhere, is not computed.
    """
    losses = np.empty(sample.n)
    away = parameters - family.identity
    gradient = family.ridge @ away
    more = 0.5 * float(gradient @ away)
    if tilt is not None:
        gradient += tilt
        more += float(tilt @ parameters)
    hessian = family.ridge.copy() if known is None else known
    for (rows, _, target), shared, own in _features(family, sample):
        w = sample.weights[rows]
        z = family.logits(parameters, shared, own)
        log_sum, c = softmax(z)
        losses[rows] = log_sum - (target * z).sum(axis=0)
        gradient += _total(shared, own, (c - target) * w)
        if known is not None:
            continue
        add_curvature(hessian, shared, own, c, w)
    objective = float(sample.weights @ losses) + more
    return Sweep(losses, objective, gradient, hessian)


def add_curvature(
    hessian: FloatArray,
    shared: FloatArray,
    own: FloatArray | None,
    c: FloatArray,
    w: FloatArray,
) -> None:
    """Add the second derivatives of the costs of some rows, which are predicted c."""
    mean = expected(shared, own, c)
    mean *= np.sqrt(w)
    hessian -= mean @ mean.T  # of one array and itself: half of the work
    _add_second_moments(hessian, shared, own, c * w)


def _prepared(family: LinearSoftmax, sample: Sample) -> Sample:
    """The sample with the features of a family, where they are few.

    A fit passes over them many times; they are let go with it.
    """
    one = next(iter(sample.blocks()), None)
    if one is None or sample.features_of(family) is not None:
        return sample
    log_q = one.log_q[:, :1]
    own = family.own(log_q)
    n_values = family.shared(log_q).size + (0 if own is None else own.size)
    if n_values * sample.n > _KEPT:
        return sample
    return sample.with_features(family, list(_features(family, sample)))


def _features(family: LinearSoftmax, sample: Sample) -> Iterable[Features]:
    """The blocks of a sample with their features."""
    kept = sample.features_of(family)
    if kept is not None:
        return kept
    return (
        (block, family.shared(block.log_q), family.own(block.log_q))
        for block in sample.blocks()
    )


def losses_and_gradient(
    family: LinearSoftmax, sample: Sample, weights: FloatArray, parameters: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Losses of all rows, and the slopes of their weighted sum, without the ridge."""
    losses, gradient = np.empty(sample.n), np.zeros(len(parameters))
    for (rows, _, target), shared, own in _features(family, sample):
        z = family.logits(parameters, shared, own)
        log_sum, c = softmax(z)
        losses[rows] = log_sum - (target * z).sum(axis=0)
        gradient += _total(shared, own, (c - target) * weights[rows])
    return losses, gradient


def variability(
    family: LinearSoftmax, sample: Sample, parameters: FloatArray
) -> FloatArray:
    """J: the sum over clusters of outer products of their weighted scores."""
    shape = (len(parameters),) * 2
    out, sums, clusters = np.zeros(shape), None, sample.clusters
    if clusters is not None:
        sums = np.zeros((int(clusters.max()) + 1, len(parameters)))
    for rows, scores in scores_of_blocks(family, sample, parameters):
        if sums is None or clusters is None:
            out += scores @ scores.T
        else:
            np.add.at(sums, clusters[rows], scores.T)
    return out if sums is None else sums.T @ sums


def scores_of_blocks(
    family: LinearSoftmax, sample: Sample, parameters: FloatArray
) -> Iterator[tuple[slice, FloatArray]]:
    """Rows and their weighted scores, of shape (parameters, rows)."""
    for (rows, _, target), shared, own in _features(family, sample):
        c = softmax(family.logits(parameters, shared, own))[1]
        yield rows, expected(shared, own, c - target) * sample.weights[rows]


def slopes(family: LinearSoftmax, log_q: FloatArray, weights: FloatArray) -> FloatArray:
    """Derivatives in the parameters of the sum of w_k Z_k: (parameters, rows)."""
    return expected(family.shared(log_q), family.own(log_q), weights)


def summed_slopes(
    shared: FloatArray, own: FloatArray | None, weights: FloatArray
) -> FloatArray:
    """Derivatives in the parameters of the sum over rows of sum_k w_k Z_k."""
    found: FloatArray = np.tensordot(shared, weights, axes=([0, 2], [0, 1]))
    if own is None:
        return found
    across = np.swapaxes(own, 1, 2)
    each = (weights[:, np.newaxis] @ across)[:, 0]
    return np.concatenate([found, each.ravel()])


def expected(shared: FloatArray, own: FloatArray | None, c: FloatArray) -> FloatArray:
    """Features weighted by c over the classes: (parameters, rows)."""
    mean: FloatArray = np.einsum("ksm,km->sm", shared, c)
    if own is None:
        return mean
    return np.concatenate([mean, (own * c[:, np.newaxis]).reshape(-1, c.shape[1])])


def _total(shared: FloatArray, own: FloatArray | None, c: FloatArray) -> FloatArray:
    """Features weighted by c, over classes and rows: (parameters,)."""
    of_shared: FloatArray = np.einsum("ksm,km->s", shared, c)
    if own is None:
        return of_shared
    of_own = c @ own[0].T if len(own) == 1 else (own @ c[:, :, np.newaxis])[..., 0]
    return np.concatenate([of_shared, of_own.ravel()])


def _add_second_moments(
    hessian: FloatArray, shared: FloatArray, own: FloatArray | None, wc: FloatArray
) -> None:
    """Add the sum over rows and classes of w c x x'."""
    n_classes, n_shared, _ = shared.shape
    cross = []
    for first in range(0, n_classes, _CLASSES_AT_ONCE):
        part = shared[first : first + _CLASSES_AT_ONCE]
        weighted = part * wc[first : first + _CLASSES_AT_ONCE, np.newaxis]
        moments = weighted @ np.swapaxes(part, 1, 2)
        hessian[:n_shared, :n_shared] += moments.sum(axis=0)
        if own is not None:
            of_part = own if len(own) == 1 else own[first : first + _CLASSES_AT_ONCE]
            cross.append(weighted @ np.swapaxes(of_part, 1, 2))
    if own is None:
        return
    of_own = (own * wc[:, np.newaxis]) @ np.swapaxes(own, 1, 2)
    n_own = own.shape[1]
    place = n_shared + np.arange(n_classes * n_own).reshape(n_classes, n_own)
    hessian[place[:, :, np.newaxis], place[:, np.newaxis]] += of_own
    beside = np.swapaxes(np.concatenate(cross), 0, 1).reshape(n_shared, -1)
    hessian[:n_shared, n_shared:] += beside
    hessian[n_shared:, :n_shared] += beside.T


def _inverse(hessian: FloatArray) -> FloatArray:
    """The inverse of a symmetric matrix, also of one that is singular."""
    try:
        return np.asarray(np.linalg.inv(hessian))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(hessian, hermitian=True))


def _solve(hessian: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a symmetric system, also one that is singular."""
    try:
        return np.asarray(np.linalg.solve(hessian, right))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(hessian, right)[0])
