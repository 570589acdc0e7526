"""One pass over blocks of rows: every column asked for, and the first violation.

The pass checks both tables; no array of N x K is ever made. There are no messages and
no policy here. Blocks do not depend on each other, so any number of threads gives the
same bits.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ._arithmetic import Block
from ._blocks import (
    BoolArray,
    FloatArray,
    IntArray,
    Reader,
    Table,
    Violation,
    best_order,
    block_rows,
)

_LOOKED_UP = {"cross_entropy", "kl_divergence", "p_true"}
_SEARCHED = {"confidence", "correct"}
_ELEMENTS_PER_THREAD = 500_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """What one pass leaves: a value per row and column, counts, the violation.

    ``at_zero`` counts the rows whose cost meets a probability below the clip.
    ``proba_violation`` and ``target_violation`` are None when the tables are sound.
    """

    columns: dict[str, FloatArray]
    at_zero: int
    proba_violation: Violation | None
    target_violation: Violation | None


def per_row(
    proba: Table,
    target: Table | IntArray | None,
    columns: Iterable[str],
    *,
    clip: float,
    active: BoolArray | None = None,
    n_jobs: int = 1,
) -> Rows:
    """Fill the named columns in one pass over ``proba`` (and ``target``).

    ``target`` is a table of distributions, an array of class codes (a code of
    ``n_classes`` or more is a label that the predictions do not know), or None.
    ``clip`` is the floor of probabilities inside logarithms. Rows where ``active``
    is false may break any rule; what breaks one is NaN in the result.
    """
    names = tuple(dict.fromkeys(columns))
    out: dict[str, FloatArray] = {name: np.empty(proba.n_rows) for name in names}
    codes = target if isinstance(target, np.ndarray) else None
    laws = target if isinstance(target, Table) else None
    lookup = codes is not None and _LOOKED_UP.issuperset(names)
    row_major = best_order(
        *((proba, laws) if laws else (proba,)),
        single=lookup,
        search=not _SEARCHED.isdisjoint(names),
    )

    def run(start: int, stop: int) -> Rows:
        """Fill rows ``start`` to ``stop``, until a rule is broken."""
        reader = Reader(proba, row_major=row_major, active=active, single=lookup)
        other = Reader(laws, row_major=row_major, active=active) if laws else None
        block = Block(reader, other, clip=clip, logits=proba.kind == "logits")
        with np.errstate(all="ignore"):
            for first in range(start, stop, step):
                last = min(first + step, stop)
                if not block.load(first, last, codes, active):
                    break
                for name in names:
                    out[name][first:last] = getattr(block, name)()
                if block.ignored is not None:
                    for name in names:
                        out[name][first:last][block.ignored] = np.nan
        return Rows(
            columns=out,
            at_zero=block.at_zero,
            proba_violation=reader.violation,
            target_violation=other.violation if other else None,
        )

    step = block_rows(proba.n_classes)
    n_threads = threads(n_jobs, proba.n_rows * proba.n_classes)
    if n_threads == 1:
        return run(0, proba.n_rows)
    share = -(-proba.n_rows // (n_threads * step)) * step
    starts = range(0, proba.n_rows, share)
    stops = [min(start + share, proba.n_rows) for start in starts]
    with ThreadPoolExecutor(n_threads) as pool:
        parts = list(pool.map(run, starts, stops))
    return Rows(
        columns=out,
        at_zero=sum(part.at_zero for part in parts),
        proba_violation=_first(part.proba_violation for part in parts),
        target_violation=_first(part.target_violation for part in parts),
    )


def threads(n_jobs: int, n_elements: int) -> int:
    """How many threads to use: at most ``n_jobs``, -1 meaning all.

    Bounded by the processors that this process may use, by OMP_NUM_THREADS, and by
    the work; 1 where the caller is a thread itself.
    """
    if n_jobs == 0:
        msg = "n_jobs must not be 0: found 0; pass 1 for one thread, -1 for all."
        raise ValueError(msg)
    if n_jobs == 1 or threading.current_thread() is not threading.main_thread():
        return 1
    bounds = [_processors(), n_elements // _ELEMENTS_PER_THREAD]
    if n_jobs > 0:
        bounds.append(n_jobs)
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdigit():
        bounds.append(int(limit))
    return max(1, min(bounds))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first(violations: Iterable[Violation | None]) -> Violation | None:
    return next((violation for violation in violations if violation), None)
