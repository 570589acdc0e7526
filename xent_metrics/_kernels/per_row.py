"""One pass over blocks of rows: every column asked for, and the first violation.

The pass checks both tables; no array of N x K is ever made. There are no messages and
no policy here. Blocks do not depend on each other, so any number of threads gives the
same bits.
"""

from __future__ import annotations

import numbers
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .block import Block, LabelBlock
from .compiled.compiled_pass import Pass, compiled_pass
from .formulas import cost_of_label, sum_of_costs
from .reader import Reader, Violation, row_by_row
from .soft_block import SoftBlock
from .sums import exact_sum, total
from .table import BoolArray, FloatArray, IntArray, Table, block_rows

_COST = ("cross_entropy",)
_ELEMENTS_PER_THREAD = 500_000
_REFINED_AT_ONCE = 32_768  # values
_SUMMED_AT_ONCE = 32_768  # rows
_PASSED_AT_ONCE = 2**20  # values: what of them is odd is copied for numpy


Found = TypeVar("Found")


class Rows(NamedTuple):
    """What one pass leaves: a value per row and column, counts, the violation.

    ``at_zero`` counts the rows whose cost meets a probability below the clip.
    ``proba_violation`` and ``target_violation`` are None when the tables are sound; at
    most one is given, that of the first row.
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
    unseen: bool = False,
    active: BoolArray | None = None,
    n_jobs: int | None = 1,
) -> Rows:
    """Fill the named columns in one pass over ``proba`` (and ``target``).

    ``target`` is a table of distributions, an array of class codes, or None. With
    ``unseen``, a code of ``n_classes`` or more is a label unknown to the predictions.
    ``clip`` is the floor of probabilities inside logarithms. Rows where ``active``
    is false may break any rule; what breaks one is NaN in the result.
    """
    names = tuple(dict.fromkeys(columns))
    rule = _Rule(clip, unseen)
    zeros = "entropy" in names and isinstance(target, np.ndarray)
    needed = tuple(name for name in names if not (zeros and name == "entropy"))
    fast = compiled_pass(proba, target, needed, clip=clip, active=active)
    if fast is None:
        rows = _by_numpy(proba, target, needed, rule, active=active, n_jobs=n_jobs)
    else:
        rows = _compiled(fast, proba, target, needed, rule, active, n_jobs)
    if not zeros:
        return rows
    columns_with_zeros = rows.columns | {"entropy": np.zeros(proba.n_rows)}
    return rows._replace(columns={name: columns_with_zeros[name] for name in names})


class _Rule(NamedTuple):
    """What holds for the labels: the clip, and whether some are unknown."""

    clip: float
    unseen: bool


def _compiled(
    fast: Pass,
    proba: Table,
    target: Table | IntArray | None,
    names: tuple[str, ...],
    rule: _Rule,
    active: BoolArray | None,
    n_jobs: int | None,
) -> Rows:
    """Fill columns by the compiled kernels; rows that they leave out, by numpy."""
    out: dict[str, FloatArray] = {name: np.empty(proba.n_rows) for name in names}
    step = max(1, _PASSED_AT_ONCE // proba.n_classes)

    def run(start: int, stop: int) -> _Part:
        at_zero = 0
        for first in range(start, stop, step):
            last = min(first + step, stop)
            part = {name: column[first:last] for name, column in out.items()}
            odd, clipped = fast.run(first, last, part)
            at_zero += clipped
            if not odd.size:
                continue
            rest = _by_numpy(
                proba.take(odd),
                target if target is None else _rows_of(target, odd),
                names,
                rule,
                active=None if active is None else active[odd],
                n_jobs=1,
            )
            for name, column in rest.columns.items():
                out[name][odd] = column
            at_zero += rest.at_zero
            if rest.proba_violation or rest.target_violation:
                return _Part(
                    at_zero,
                    _moved(rest.proba_violation, odd),
                    _moved(rest.target_violation, odd),
                )
        return _Part(at_zero, None, None)

    return _collect(out, _in_parts(run, proba, n_jobs))


def _rows_of(target: Table | IntArray, rows: IntArray) -> Table | IntArray:
    return target.take(rows) if isinstance(target, Table) else target[rows]


def _moved(violation: Violation | None, rows: IntArray) -> Violation | None:
    """A violation among some rows, with its place among all."""
    if violation is None:
        return None
    return violation._replace(row=int(rows[violation.row]))


def _by_numpy(
    proba: Table,
    target: Table | IntArray | None,
    names: tuple[str, ...],
    rule: _Rule,
    *,
    active: BoolArray | None,
    n_jobs: int | None,
) -> Rows:
    """Fill columns block after block."""
    if isinstance(target, np.ndarray):
        return _by_numpy_of_labels(
            proba, target, names, rule, active=active, n_jobs=n_jobs
        )
    clip = rule.clip
    logits, row_major = proba.kind == "logits", row_by_row(proba, lookup=False)

    def make() -> Block:
        reader = Reader(proba, row_major=row_major, active=active)
        if target is None:
            return Block(reader, logits=logits)
        targets = Reader(target, row_major=row_major, active=active)
        return SoftBlock(reader, targets, logits=logits, clip=clip, active=active)

    return _fill(proba, names, make, n_jobs)


def _by_numpy_of_labels(
    proba: Table,
    codes: IntArray,
    names: tuple[str, ...],
    rule: _Rule,
    *,
    active: BoolArray | None,
    n_jobs: int | None,
) -> Rows:
    """Columns for hard labels: their entropy is 0, so their divergence is the cost."""
    looks_up = proba.kind != "logits"
    if looks_up and set(names) <= {"cross_entropy", "kl_divergence"}:
        rows = _cost_of_labels(proba, codes, rule, active=active, n_jobs=n_jobs)
        cost = rows.columns["cross_entropy"]
        columns = dict.fromkeys(names[:1], cost)
        columns |= {name: cost.copy() for name in names[1:]}
        return rows._replace(columns=columns)

    def make() -> Block:
        row_major = row_by_row(proba, lookup=False)
        return LabelBlock(
            Reader(proba, row_major=row_major, active=active),
            codes,
            unseen=rule.unseen,
            logs=looks_up and "predictive_entropy" in names,
            logits=not looks_up,
            clip=rule.clip,
            active=active,
        )

    return _fill(proba, names, make, n_jobs)


def _fill(
    proba: Table,
    names: tuple[str, ...],
    make: Callable[[], Block],
    n_jobs: int | None,
) -> Rows:
    """Fill a column for each name, block after block."""
    wide = {"kl_contributions": (proba.n_rows, proba.n_classes)}
    out: dict[str, FloatArray] = {
        name: np.empty(wide.get(name, proba.n_rows)) for name in names
    }

    def run(start: int, stop: int) -> _Part:
        """Fill rows ``start`` to ``stop``, until a rule is broken."""
        block = make()
        with np.errstate(all="ignore"):
            for first in range(start, stop, block.rows):
                last = min(first + block.rows, stop)
                if not block.load(first, last):
                    break
                for name in names:
                    out[name][first:last] = getattr(block, name)().T
                block.refine(out, at_least=1 + _REFINED_AT_ONCE // proba.n_classes)
                if block.ignored is not None:
                    for name in names:
                        out[name][first:last][block.ignored] = np.nan
            block.refine(out)
        return _Part(block.at_zero, *block.violations)

    return _collect(out, _in_parts(run, proba, n_jobs))


class _Part(NamedTuple):
    """What a run over a part of the rows found."""

    at_zero: int
    proba_violation: Violation | None
    target_violation: Violation | None


def _cost_of_labels(
    proba: Table,
    codes: IntArray,
    rule: _Rule,
    *,
    active: BoolArray | None,
    n_jobs: int | None,
) -> Rows:
    """Cross-entropy of hard labels: one probability per row is all that is read."""
    p = np.empty(proba.n_rows)
    row_major = row_by_row(proba, lookup=True)

    def run(start: int, stop: int) -> _Part:
        reader = Reader(proba, row_major=row_major, active=active, single=True)
        _look_up(reader, codes, start, p[start:stop], unseen=rule.unseen)
        return _Part(0, reader.violation, None)

    parts = _in_parts(run, proba, n_jobs)
    cost, at_zero = cost_of_label(p, rule.clip, active)
    return _collect({"cross_entropy": cost}, [*parts, _Part(at_zero, None, None)])


def sum_of_label_costs(
    proba: Table, codes: IntArray, *, clip: float, unseen: bool, n_jobs: int | None
) -> tuple[float, Violation | None]:
    """Sum of the cross-entropies of hard labels, which are not kept."""
    fast = compiled_pass(proba, codes, _COST, clip=clip)
    step = block_rows(proba.n_classes)
    step *= -(-_SUMMED_AT_ONCE // step)

    def run(start: int, stop: int) -> _Sums:
        """Add up rows ``start`` to ``stop``, part after part."""
        parts = range(start, stop, step)
        if fast is None:
            return _sums_by_numpy(proba, codes, parts, clip, unseen=unseen)
        return _sums_compiled(fast, proba, codes, parts, unseen=unseen)

    sums: list[float] = []
    violation = None
    for some, found in _in_parts(run, proba, n_jobs, step):
        sums += some
        violation = violation or found
    return exact_sum(sums), violation


# Of parts up to the first that breaks a rule, and the rule.
_Sums = tuple[list[float], Violation | None]


def _sums_by_numpy(
    proba: Table, codes: IntArray, parts: range, clip: float, *, unseen: bool
) -> _Sums:
    """Sums of the costs of rows, part after part."""
    reader = Reader(proba, row_major=row_by_row(proba, lookup=True), single=True)
    p = np.empty(min(parts.step, parts.stop - parts.start))
    sums = []
    for first in parts:
        part = p[: parts.stop - first]
        if not _look_up(reader, codes, first, part, unseen=unseen):
            break
        sums.append(sum_of_costs(part, clip))
    return sums, reader.violation


def _sums_compiled(
    fast: Pass, proba: Table, codes: IntArray, parts: range, *, unseen: bool
) -> _Sums:
    """The same by the compiled kernels; rows that they leave out, by numpy."""
    sums: list[float] = []
    for first in parts:
        odd, cost = fast.sum_of_costs(first, min(first + parts.step, parts.stop))
        sums.append(cost)
        if odd.size:
            rule = _Rule(fast.clip, unseen)
            rest = _by_numpy(
                proba.take(odd), codes[odd], _COST, rule, active=None, n_jobs=1
            )
            if rest.proba_violation:
                return sums, _moved(rest.proba_violation, odd)
            sums.append(total(rest.columns["cross_entropy"]))
    return sums, None


def _look_up(
    reader: Reader, codes: IntArray, start: int, p: FloatArray, *, unseen: bool
) -> bool:
    """Fill ``p`` with the probabilities of labels; False where a rule is broken."""
    for first in range(0, len(p), reader.rows):
        part = p[first : first + reader.rows]
        labels = codes[start + first : start + first + len(part)]
        block = reader.read(start + first, start + first + len(part))
        if block is None:
            return False
        reader.take_labels(block, labels, part)
        if unseen:
            part[labels >= len(block)] = 0.0
        if reader.ignored is not None:
            part[reader.ignored] = np.nan
    return True


def _in_parts(
    run: Callable[[int, int], Found], proba: Table, n_jobs: int | None, step: int = 0
) -> list[Found]:
    """Run over all rows, in as many threads as that is worth, in multiples of step."""
    n_threads = threads(n_jobs, proba.n_rows * proba.n_classes)
    if n_threads == 1:
        return [run(0, proba.n_rows)]
    step = step or block_rows(proba.n_classes)
    share = -(-proba.n_rows // (n_threads * step)) * step
    starts = range(0, proba.n_rows, share)
    stops = [min(start + share, proba.n_rows) for start in starts]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(run, starts, stops))


def _collect(columns: dict[str, FloatArray], parts: Sequence[_Part]) -> Rows:
    """The columns with the counts of all parts and the violation of the first row."""
    at_zero = sum(part.at_zero for part in parts)
    for _, of_proba, of_target in parts:
        if of_proba and not (of_target and of_target.row < of_proba.row):
            return Rows(columns, at_zero, of_proba, None)
        if of_target:
            return Rows(columns, at_zero, None, of_target)
    return Rows(columns, at_zero, None, None)


def check_n_jobs(n_jobs: Any) -> None:
    """Refuse what is no number of workers; None is."""
    whole = isinstance(n_jobs, numbers.Integral) and not isinstance(n_jobs, bool)
    if n_jobs is not None and (not whole or n_jobs == 0):
        msg = (
            "n_jobs must be a whole number and not 0: "
            f"found {n_jobs!r}; pass 1 for one thread, -1 for all processors."
        )
        raise ValueError(msg)


def threads(n_jobs: Any, n_elements: int) -> int:
    """How many threads to use: at most ``n_jobs``, -1 meaning all and None one.

    Bounded by the processors that this process may use, by OMP_NUM_THREADS, and by
    the work; 1 where the caller is a thread itself.
    """
    if n_jobs is None or (type(n_jobs) is int and n_jobs == 1):
        return 1
    check_n_jobs(n_jobs)
    if n_jobs == 1:
        return 1
    if threading.current_thread() is not threading.main_thread():
        return 1
    bounds = [_processors(), n_elements // _ELEMENTS_PER_THREAD]
    if n_jobs > 0:
        bounds.append(int(n_jobs))
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdigit():
        bounds.append(int(limit))
    return max(1, min(bounds))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
