"""Fits run on one thread of BLAS, and leave the process as it was."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from xent_metrics import decompose

Y, Q = [0, 1, 1, 0] * 100, [0.2, 0.7, 0.9, 0.4] * 100


def n_threads():
    """The distinct numbers of threads of all libraries that multiply matrices."""
    found = [one for one in threadpool_info() if one["user_api"] == "blas"]
    return {one["num_threads"] for one in found}


@pytest.fixture(autouse=True)
def two_threads():
    """A process of two threads, on a machine with one processor too."""
    if not n_threads():
        pytest.skip("threadpoolctl does not know what multiplies matrices here")
    with threadpool_limits(2, user_api="blas"):
        assert n_threads() == {2}
        yield


class Held:
    """A map that says when it is being fitted, and goes on when it may."""

    def __init__(self):
        self.inside, self.go_on = threading.Event(), threading.Event()

    def __deepcopy__(self, _):
        return self

    def fit(self, *_):
        self.inside.set()
        assert self.go_on.wait(60)

    def predict(self, log_q):
        return np.exp(log_q)


class Calling(Held):
    """A map that calls a function when it is first fitted."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def fit(self, *_):
        if not self.inside.is_set():
            self.inside.set()
            self.function()


def test_calls_that_overlap_leave_the_number_of_threads_as_it_was():
    first, second = Held(), Held()
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(decompose, Y, Q, recalibration=first)]
        assert first.inside.wait(60)
        calls.append(pool.submit(decompose, Y, Q, recalibration=second))
        assert second.inside.wait(60)
        assert n_threads() == {1}
        first.go_on.set()
        calls[0].result()
        assert n_threads() == {1}  # the other is still fitting
        second.go_on.set()
        calls[1].result()
    assert n_threads() == {2}


@pytest.mark.slow
def test_so_do_many_calls_at_once():
    barrier = threading.Barrier(8)

    def call():
        barrier.wait(60)
        for _ in range(10):
            decompose(Y, Q, recalibration=Calling(n_threads))

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(call) for _ in range(8)]:
            done.result()
    assert n_threads() == {2}


def test_an_error_within_leaves_it_too():
    def fail():
        msg = "no fit"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="no fit"):
        decompose(Y, Q, recalibration=Calling(fail))
    assert n_threads() == {2}


def test_a_call_within_a_call_does_not_end_the_limit():
    found = []

    def nested():
        decompose(Y, Q, recalibration="temperature")
        found.append(n_threads())

    decompose(Y, Q, recalibration=Calling(nested))
    assert found == [{1}]
    assert n_threads() == {2}


def leave(check):
    """End a forked process, whatever happens: with 0 if the check holds."""
    signal.alarm(60)  # a lock that nobody releases ends it too
    code = 1
    try:
        code = 0 if check() else 1
    finally:
        os._exit(code)


def exit_code(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_process_forked_while_another_thread_fits_is_not_limited():
    def free():
        before = n_threads()
        decompose(Y, Q, recalibration="temperature")
        return before == n_threads() == {2}

    held = Held()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(decompose, Y, Q, recalibration=held)
        assert held.inside.wait(60)
        pid = os.fork()
        if not pid:
            leave(free)
        assert exit_code(pid) == 0
        assert n_threads() == {1}
        held.go_on.set()
        call.result()
    assert n_threads() == {2}


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_process_forked_within_a_fit_is_limited_until_that_ends():
    found = []

    def fork():
        found.append(os.fork())
        found.append(n_threads())

    try:
        decompose(Y, Q, recalibration=Calling(fork))
    finally:
        if not found[0]:
            leave(lambda: found[1] == {1} and n_threads() == {2})
    assert exit_code(found[0]) == 0
    assert found[1] == {1}
    assert n_threads() == {2}
