"""Works on as many workers as joblib has, with results in order as they arrive."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")

Progress = Callable[[int, int], Any] | bool | None

_PATIENCE = 2.0  # seconds before progress is shown
_CHUNK = 4  # works a worker, where a backend gives results all at once


def run(
    function: Callable[..., Result],
    works: Sequence[tuple[Any, ...]],
    n_jobs: int | None,
) -> Generator[Result, None, None]:
    """Call a function with each of the works' arguments; it must not raise."""
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


def told(
    results: Iterator[Result], n_works: int, progress: Progress
) -> Iterator[Result]:
    """The results, with the progress shown or told."""
    if callable(progress):
        for done, result in enumerate(results, start=1):
            progress(done, n_works)
            yield result
        return
    from tqdm import tqdm  # noqa: PLC0415 - loaded when used

    yield from tqdm(
        results,
        total=n_works,
        desc="scanning",
        unit="task",
        delay=0.0 if progress else _PATIENCE,
        disable=None if progress is None else not progress,
        leave=False,
    )
