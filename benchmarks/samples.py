"""Samples of the laws, decomposed in two processes."""

import time
import warnings
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
    facts,
    oracle,
)
from models import MODELS, TREE
from peers import Peer

from xent_metrics import Decomposition, SmallSampleWarning, decompose

LAWS = {
    "two classes": [*TWO_CLASSES, TREE],
    "several classes": SEVERAL_CLASSES + MODELS,
}


TERMS = ("miscalibration", "refinement", "resolution")


class Replication(NamedTuple):
    """What one sample gave; the intervals are those of TERMS.

    ``tried`` holds the miscalibration under each map that was tried.
    """

    found: float
    oracle: float
    standard_error: float
    intervals: tuple[tuple[float, float], ...]
    recalibration: str
    seconds: float
    tried: dict[str, float]


def sample(law: Law, n: int, replication: int) -> tuple[np.ndarray, ...]:
    """Targets, predictions and laws of the labels; the same at every call."""
    seed = zlib.crc32(law.title.encode()), n, replication
    rng = np.random.default_rng(seed)
    q, c = law.draw(rng, n)
    return law.targets(rng, c), q, c


def decomposition(
    y: np.ndarray, q: np.ndarray, recalibration: str = "auto"
) -> Decomposition:
    """Decompose; a rare class may be missing from the labels."""
    return decompose(
        y,
        q,
        labels=range(q.shape[1]),
        target_type="votes" if y.ndim > 1 else "labels",
        recalibration=recalibration,
    )


def replicate(
    law: Law, n: int, replication: int, recalibration: str = "auto"
) -> Replication:
    """Decompose one sample."""
    y, q, c = sample(law, n, replication)
    start = time.process_time()
    with warnings.catch_warnings():  # of few votes, whose entropy is not asked for
        warnings.simplefilter("ignore", SmallSampleWarning)
        result = decomposition(y, q, recalibration)
    seconds = time.process_time() - start
    intervals = result.ci(0.95)
    return Replication(
        result.miscalibration,
        oracle(y, q, c),
        result.standard_errors["miscalibration"],
        tuple(intervals[name] for name in TERMS),
        result.recalibration,
        seconds,
        result.ladder["miscalibration"].dropna().to_dict(),
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
def replications(
    law: Law, n: int, count: int, recalibration: str = "auto"
) -> list[Replication]:
    """Decompose many samples, once for all parts."""
    return spread(replicate, [(law, n, i, recalibration) for i in range(count)])


@cache
def truths(laws: tuple[Law, ...], draws: int) -> dict[Law, Facts]:
    """The facts of laws."""
    found = spread(facts, [(law, draws) for law in laws])
    return dict(zip(laws, found, strict=True))
