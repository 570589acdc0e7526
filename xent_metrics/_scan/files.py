"""Scan files: tasks for workers, one pass after another."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from .._decomposition.evidence import evidence_of
from .._decomposition.recalibration import Recalibration
from .._evaluation.evaluation import Evaluation
from .._evaluation.listeners import tell
from .._inputs.columns import Selector
from .._inputs.messages import warn
from .._inputs.read_options import (
    EPS,
    FrameTargetType,
    FromLogits,
    OnMissing,
    nats_per_unit,
)
from .._inputs.weights import NoRowsError
from .._kernels.per_row import check_n_jobs
from .._pickling import public
from .._recalibration.one_thread import one_thread
from .accumulate import add
from .dataset import Task, columns_read, open_dataset, share_kept, tasks_of
from .earlier_pass import Under, first_pass
from .finish import evaluation_of, warn_about
from .frames import as_dataset
from .paths import UnreadableError
from .reading import Reading
from .sides import map_of, read_side
from .sources import check_map
from .state import ScanState
from .streams import Stream, StreamTask, reader_of, texts_of

Result = TypeVar("Result")
Progress = Callable[[int, int], Any] | bool | None
OnBad = Literal["raise", "skip"]
_PATIENCE = 2.0  # seconds before progress is shown
_CHUNK = 4  # works per worker, where a backend gives results all at once
_BLOCK = 1 << 24  # bytes, more than any column of a batch has


@public
class SkippedPartWarning(UserWarning):
    """Parts of a dataset could not be read and were left out.

    See Also
    --------
    scan : Warns of it.
    """


@public
def scan(
    dataset: Any,
    *,
    target: Selector,
    proba: Selector,
    by: Any = None,
    labels: Any = None,
    target_type: FrameTargetType = "auto",
    sample_weight: Any = None,
    base: float | None = None,
    clip: float = EPS,
    rescale: bool = False,
    from_logits: FromLogits = False,
    on_missing: OnMissing = "raise",
    recalibration: Recalibration = "auto",
    reference: Any = None,
    on_bad: OnBad = "raise",
    n_jobs: int | None = None,
    progress: Progress = None,
) -> Evaluation:
    """Evaluate the predictions in files, however many rows they hold.

    Parameters
    ----------
    dataset : path, list of paths, pyarrow dataset or frame of polars
        A file, a folder of them (also partitioned by folders such as ``site=north``),
        a glob such as ``"day=*/part-*.parquet"``, a list of files, a dataset of
        ``pyarrow.dataset`` without a filter, or a DataFrame or LazyFrame of polars.
        Files are Parquet, CSV, JSON Lines or Arrow IPC, as their names tell, and all of
        one format. A path may be an address, such as ``s3://bucket/day=1``. Links in a
        folder are followed, and each file counts once. What folders say is a whole
        number where all folders have one, written as in ``site=7``, else text, as in
        ``site=07``. Each file must have all columns that are read, or lie in a folder
        that says what they are; one that lacks a column of ``by``, which no folder
        says, has missing values there.
    target, proba, labels, target_type, rescale, from_logits, on_missing
        As in :class:`XentAccessor`.
    by : column name or list of names, optional
        Groups, for :meth:`Evaluation.summary`.
    sample_weight : column name, optional
        Weights of the rows.
    base, clip, recalibration
        As in :func:`decompose`, but for "learned", which requires all rows in memory.
        With ``recalibration="none"`` the data is read once,
        for two classes twice, else two to six times, as the map of all rows is found
        from that of a sample.
    reference : Evaluation, Decomposition, ScanState, or JSON of an evaluation, optional
        As in :func:`accumulate`: what :func:`drift` is to compare these rows with.
    on_bad : {"raise", "skip"}, default "raise"
        What to do about a file or row group that is missing or corrupt, also by the
        checksum of a page where the file has them. "skip" leaves it out, warns, and
        counts it in ``decomposition.n_skipped``.
    n_jobs : int, optional
        Number of workers: -1 for one per processor. Default: 1, or what
        ``joblib.parallel_config`` says. They are threads, unless that names
        another backend.
    progress : bool or callable, optional
        True: a bar on standard error, False: none; default: a bar on a terminal,
        where it takes long. A function is called with the numbers of tasks that are
        done, and of all, in this pass.

    Returns
    -------
    Evaluation
        Without rows, as :func:`finish` gives it: ``per_sample`` is None, and
        ``summary(by)`` has the groups.

    Raises
    ------
    FileNotFoundError
        If there is no such path, or one of a list is missing.
    ImportError
        If pyarrow is not installed, or what reads an address.
    KeyError
        If a column does not exist, or a file lacks it.
    OSError
        If a part cannot be read.
    TypeError
        If ``dataset`` is neither path nor dataset.
    ValueError
        As in :func:`cross_entropy`; the message names file and row group. Also if a
        file occurs twice, a folder holds no file, files have several formats, or a
        dataset has a filter.

    Warns
    -----
    SkippedPartWarning
        If parts were left out.
    SmallSampleWarning, SwappedColumnsWarning, UnseenLabelWarning
        As in :func:`finish`.

    See Also
    --------
    accumulate : The same for an engine that calls a function on each part.

    Notes
    -----
    A task is one row group, or several small ones of a file, or a file that is not
    Parquet, and leaves a state of moments. States are merged in the order of the data,
    so the result does not depend on how many workers there are or which of them is
    first. Means and standard errors are those of data in memory, to rounding; the
    terms of a map that is named differ from those in memory by less than a tenth of
    their standard errors. Where there are more rows than a sample holds,
    ``"confusion"`` and a map of the user's own stay fitted to the sample, and their
    standard errors are those of the sample.
    ``recalibration="auto"`` chooses on a random sample of rows here as there.

    Labels and keys in CSV are numbers where those of all files are written as Python
    writes numbers, so ``01`` is not ``1`` and ``NA`` is a label; an empty cell is
    missing. They are read once more for it. A LazyFrame is computed once, in batches,
    into a temporary file with the columns that are read.

    ``with joblib.parallel_config(backend="dask")``, "spark" or "ray" around the call
    moves it to a cluster whose workers can read the files.

    Examples
    --------
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from xent_metrics import scan
    >>> df = pd.DataFrame({"y": [0, 1] * 200, "p": [0.2, 0.7] * 200})
    >>> path = Path("predictions.parquet").absolute()
    >>> df.to_parquet(path)
    >>> round(scan(path, target="y", proba="p").decomposition.cross_entropy, 4)
    0.2899
    """
    check_map(recalibration)
    check_n_jobs(n_jobs)
    nats_per_unit(base)
    if on_bad not in ("raise", "skip"):
        msg = (
            f"on_bad must be 'raise' or 'skip': found {on_bad!r}; pass 'skip' to leave "
            "out what cannot be read."
        )
        raise ValueError(msg)
    reading = Reading.of(
        target,
        proba,
        by,
        labels=labels,
        target_type=target_type,
        sample_weight=sample_weight,
        clip=clip,
        rescale=rescale,
        from_logits=from_logits,
        on_missing=on_missing,
    )
    if reference is not None:
        reading = reading._replace(reference=map_of(read_side(reference, "reference")))
    with as_dataset(dataset, reading) as data:
        opened = open_dataset(data, skip=on_bad == "skip")
        chosen = columns_read(opened, reading)
        tasks, lost = tasks_of(opened, chosen.read, chosen.needed)
        if lost and on_bad == "raise":
            raise lost[0]
        if opened.is_csv:
            tasks = _with_readers(tasks, chosen.texts, n_jobs)
        reading = reading.with_labels(_labels(tasks, reading))
        reading = reading._replace(share_kept=share_kept(tasks, reading))

        skipped: list[UnreadableError] = []

        def one_pass(under: Evaluation | None) -> tuple[ScanState, Evaluation]:
            found = None if under is None else first_pass(under).under
            own = reading if under is None else reading._replace(reference=None)
            works = [
                (task, own._replace(part=place), found, on_bad)
                for place, task in enumerate(tasks)
            ]
            # Workers are let go at once where an error ends it, not when that is
            # forgotten.
            with contextlib.closing(run(_read_task, works, n_jobs)) as done:
                state, skipped[:] = _merged(
                    _with_progress(done, len(works), progress), lost
                )
            return state, evaluation_of(
                state, base=base, recalibration=recalibration, under=under
            )

        with one_thread():
            state, evaluation = one_pass(None)
            while _needs_another(state, evaluation):
                state, evaluation = one_pass(evaluation)
    warn_about(state, evaluation.decomposition)
    if skipped:
        n_parts = len(lost) + sum(len(task.pieces) for task in tasks)
        warn(
            f"{len(skipped)} of {n_parts} parts are left out: "
            f"{str(skipped[0]).rpartition('; mend it')[0]}.",
            SkippedPartWarning,
        )
    return tell(evaluation)


def _with_readers(
    tasks: Sequence[Task | StreamTask], names: Sequence[str], n_jobs: int | None
) -> list[Task | StreamTask]:
    """The tasks of CSV, which know which texts of all files are numbers."""
    of_csv = [task for task in tasks if isinstance(task, StreamTask)]
    found: dict[str, set[str]] = {name: set() for name in names}
    works = [(task.stream, names) for task in of_csv]
    with contextlib.closing(run(_texts_of, works, n_jobs)) as results:
        for result in results:
            for name, some in result.items():
                found[name] |= some
    readers = {name: reader_of(some) for name, some in found.items()}
    return [task._replace(readers=readers) for task in of_csv]


def _texts_of(stream: Stream, names: Sequence[str]) -> dict[str, set[str]]:
    """The texts of a file; what is wrong with it is told when its turn comes."""
    try:
        return texts_of(stream, names)
    except (KeyError, ValueError, OSError):
        return {}


def _labels(
    tasks: Sequence[Task | StreamTask], reading: Reading
) -> tuple[Any, ...] | None:
    """The classes, by the first rows that can be read: the same for all parts."""
    if reading.labels is not None:
        return reading.labels
    for task in tasks:
        for group in task.pieces:
            try:
                for table in task.tables(group):
                    with contextlib.suppress(NoRowsError):
                        return reading.read(table).inputs.labels
            except UnreadableError:
                continue
            except (KeyError, TypeError, ValueError) as error:
                raise _placed(error, task.place(group)) from None
    return None


def _merged(
    outcomes: Iterator[_Outcome], lost: list[UnreadableError]
) -> tuple[ScanState, list[UnreadableError]]:
    """The states in order, and what was left out."""
    skipped = list(lost)

    def states() -> Iterator[ScanState]:
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
            skipped.extend(outcome.skipped)
            if outcome.state is not None:
                yield outcome.state

    held = None
    for state in states():
        held = state if held is None else held + state
    if held is None:
        torn = f", and {len(skipped):,} parts could not be read" if skipped else ""
        msg = f"dataset must hold rows: none was found{torn}; check the path."
        raise ValueError(msg)
    counts = held.counts._replace(n_skipped=len(skipped))
    return dataclasses.replace(held, counts=counts), skipped


def _needs_another(state: ScanState, evaluation: Evaluation) -> bool:
    """Whether the rows are still to be measured under the map that was found."""
    passed = evidence_of(evaluation.decomposition).passed
    if passed is None or passed.name == "none":
        return False
    return bool(state.contract.under != passed.under.name)


class _Outcome(NamedTuple):
    """What a task leaves: a state, how many pieces it could not read, or an error.

    An error is a value, as engines lose the text of what a worker raises.
    """

    state: ScanState | None
    skipped: tuple[UnreadableError, ...] = ()
    error: Exception | None = None


def _read_task(
    task: Task | StreamTask, reading: Reading, under: Under | None, on_bad: OnBad
) -> _Outcome:
    """Read the row groups of a task: each wholly or not at all."""
    _keep_memory()
    if len(task.pieces) > 1:
        # Together, as small ones cost their overhead. Which of them is bad is then
        # looked for one by one.
        with contextlib.suppress(UnreadableError, KeyError, TypeError, ValueError):
            return _Outcome(read_rows(task.tables(*task.pieces), reading, under))
    state: ScanState | None = None
    skipped: list[UnreadableError] = []
    for piece in task.pieces:
        try:
            own = read_rows(task.tables(piece), reading, under)
        except UnreadableError as error:
            if on_bad == "raise":
                return _Outcome(None, error=error)
            skipped.append(error)
        except (KeyError, TypeError, ValueError) as error:
            return _Outcome(None, error=_placed(error, task.place(piece)))
        else:
            state = own if state is None or own is None else state + own
    return _Outcome(state, tuple(skipped))


def _keep_memory() -> None:
    """Let the columns of a batch have the memory of those of the batch before.

    The allocator of glibc returns free memory to the system beyond twice the largest
    block that was ever freed, and to get it again takes longer than to fill it. This
    block is never written to, so it takes no memory itself.
    """
    np.empty(_BLOCK, np.uint8)


def read_rows(
    tables: Iterator[Any], reading: Reading, under: Under | None
) -> ScanState | None:
    """The state of all rows of tables."""
    state, n_before = None, 0
    for table in tables:
        try:
            state = add(state, table, reading, under)
        except ValueError as error:
            if not n_before:
                raise
            msg = f"(counting from row {n_before:,}) {error}"
            raise type(error)(msg) from None
        n_before += len(table)
    return state


def _placed(error: Exception, place: str) -> Exception:
    """The error with the name of what was read."""
    return type(error)(f"in {place}: {error.args[0] if error.args else error}")


def run(
    function: Callable[..., Result],
    works: Sequence[tuple[Any, ...]],
    n_jobs: int | None,
) -> Generator[Result, None, None]:
    """Call a function with each of the works' arguments; it must not raise."""
    # Where nobody has loaded joblib, nobody has set a number of workers either.
    if n_jobs in (None, 1) and "joblib" not in sys.modules:
        yield from itertools.starmap(function, works)
        return
    from joblib import Parallel, delayed, effective_n_jobs  # noqa: PLC0415 - slow
    from joblib.parallel import get_active_backend  # noqa: PLC0415 - slow

    calls = [delayed(function)(*work) for work in works]
    backend, _ = get_active_backend(prefer="threads")
    if not getattr(backend, "supports_return_generator", False):
        size = _CHUNK * effective_n_jobs(n_jobs)
        with Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
            for start in range(0, len(calls), size):
                yield from parallel(calls[start : start + size])
        return
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    results = parallel(calls)
    try:
        for result in results:  # noqa: UP028 - yield from would close them, and warn
            yield result
    finally:
        with warnings.catch_warnings():
            # That works under way are given up, where a result ends them all.
            warnings.simplefilter("ignore", UserWarning)
            results.close()


def _with_progress(
    results: Iterator[Result], n_works: int, progress: Progress
) -> Iterator[Result]:
    """The results; the progress is shown, or passed to a function."""
    if callable(progress):
        for done, result in enumerate(results, start=1):
            progress(done, n_works)
            yield result
        return
    if progress is False:
        yield from results
        return
    from tqdm import tqdm  # noqa: PLC0415 - loaded when used

    yield from tqdm(
        results,
        total=n_works,
        desc="scanning",
        unit="task",
        delay=0.0 if progress else _PATIENCE,
        disable=None if progress is None else False,
        leave=False,
    )
