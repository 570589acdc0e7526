"""Functions that are called with each evaluation that is finished."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from .._pickling import public

Told = TypeVar("Told")


class Listener(Protocol):
    """A function that is called with each :class:`Evaluation`."""

    def __call__(self, evaluation: Any, /) -> Any:
        """Take note of an evaluation; what is returned is ignored."""


_paused = ContextVar("_paused", default=False)
_lock = threading.Lock()
_listeners: tuple[Listener, ...] = ()


@public
def add_listener(listener: Listener) -> None:
    """Have a function called with each evaluation as soon as it is finished.

    Parameters
    ----------
    listener : callable
        Called with the :class:`Evaluation`, in the thread that made it, before it is
        returned. What the listener returns is ignored; what it raises is raised where
        the evaluation was made. One that is there already is not added again.

    Raises
    ------
    TypeError
        If it cannot be called.

    See Also
    --------
    remove_listener : Stop calling it.
    without_listeners : Evaluate without calling listeners.

    Notes
    -----
    An evaluation is finished when a ``from_...`` of :class:`Evaluation` or
    ``df.xent.evaluate`` returns it; one that ``from_json`` reads back is not new. A
    scorer that is called with a fitted estimator gives one too, made from the same
    predictions, of each output where there are several. Listeners are not called inside
    a function of scikit-learn: cross-validation and searches evaluate every fold.

    Examples
    --------
    >>> from xent_metrics import Evaluation, add_listener, remove_listener
    >>> heard = []
    >>> add_listener(heard.append)
    >>> evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
    >>> remove_listener(heard.append)
    >>> heard == [evaluation]
    True
    """
    global _listeners  # noqa: PLW0603 - one list for the process, replaced as a whole
    if not callable(listener):
        msg = (
            f"listener must be callable: found {type(listener).__name__}; pass a "
            "function of an evaluation."
        )
        raise TypeError(msg)
    with _lock:
        if listener not in _listeners:
            _listeners = (*_listeners, listener)


@public
def remove_listener(listener: Listener) -> None:
    """Stop calling a listener; one that was never added is not an error.

    Parameters
    ----------
    listener : callable
        What was given to :func:`add_listener`.

    See Also
    --------
    add_listener : The opposite.
    """
    global _listeners  # noqa: PLW0603 - one list for the process, replaced as a whole
    with _lock:
        _listeners = tuple(one for one in _listeners if one != listener)


@public
@contextmanager
def without_listeners() -> Iterator[None]:
    """Call no listener within the block, such as in a loop over folds.

    This holds for the thread or task that enters it.

    See Also
    --------
    add_listener : Adds one.

    Examples
    --------
    >>> from xent_metrics import Evaluation, add_listener, remove_listener
    >>> from xent_metrics import without_listeners
    >>> heard = []
    >>> add_listener(heard.append)
    >>> with without_listeners():
    ...     evaluation = Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)
    >>> remove_listener(heard.append)
    >>> heard
    []
    """
    token = _paused.set(True)
    try:
        yield
    finally:
        _paused.reset(token)


def anyone_listens() -> bool:
    """Whether a listener would be called with an evaluation that is finished now."""
    return bool(_listeners) and not _paused.get() and not _within_scikit_learn()


def tell(evaluation: Told) -> Told:
    """Call the listeners with an evaluation; return it."""
    if anyone_listens():
        for listener in _listeners:
            listener(evaluation)
    return evaluation


def _within_scikit_learn() -> bool:
    frame = inspect.currentframe()
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if name == "sklearn" or name.startswith("sklearn."):
            return True
        frame = frame.f_back
    return False
