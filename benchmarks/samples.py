"""Samples of the laws, decomposed in two processes."""

import zlib
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed, parallel_config
from laws import (
    SEVERAL_CLASSES,
    TWO_CLASSES,
    Facts,
    Law,
    draw_labels,
    facts,
    oracle,
)
from peers import Peer

from xent_metrics import Decomposition, decompose

LAWS = {"two classes": TWO_CLASSES, "several classes": SEVERAL_CLASSES}


class Replication(NamedTuple):
    """What one sample gave."""

    found: float
    oracle: float
    standard_error: float
    low: float
    high: float
    recalibration: str


def sample(law: Law, n: int, replication: int) -> tuple[np.ndarray, ...]:
    """Labels, predictions and laws of the labels; the same at every call."""
    seed = zlib.crc32(law.title.encode()), n, replication
    rng = np.random.default_rng(seed)
    q, c = law.draw(rng, n)
    return draw_labels(rng, c), q, c


def decomposition(y: np.ndarray, q: np.ndarray) -> Decomposition:
    """Decompose with the defaults; a rare class may be missing from the labels."""
    return decompose(y, q, labels=range(q.shape[1]))


def replicate(law: Law, n: int, replication: int) -> Replication:
    """Decompose one sample."""
    y, q, c = sample(law, n, replication)
    result = decomposition(y, q)
    low, high = result.ci(0.95)["miscalibration"]
    return Replication(
        result.miscalibration,
        oracle(y, q, c),
        result.standard_errors["miscalibration"],
        low,
        high,
        result.recalibration,
    )


def peer_error(peer: Peer, law: Law, n: int, replication: int) -> float:
    """A peer's miscalibration less that of the oracle."""
    y, q, c = sample(law, n, replication)
    return peer.measure(y, q) - oracle(y, q, c)


def pvalue(law: Law, n: int, replication: int) -> float:
    """Test one sample for miscalibration."""
    y, q, _ = sample(law, n, replication)
    return decomposition(y, q).miscalibration_test().pvalue


def spread(function: Callable[..., Any], calls: Iterable[tuple]) -> list[Any]:
    """Call in two processes of one thread each."""
    with parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        return Parallel()(delayed(function)(*call) for call in calls)


@cache
def replications(law: Law, n: int, count: int) -> list[Replication]:
    """Decompose many samples, once for all parts."""
    return spread(replicate, [(law, n, i) for i in range(count)])


@cache
def truths(group: str, draws: int) -> dict[Law, Facts]:
    """The facts of all laws of a group."""
    found = spread(facts, [(law, draws) for law in LAWS[group]])
    return dict(zip(LAWS[group], found, strict=True))
