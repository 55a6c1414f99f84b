"""How many threads arithmetic may use: that of our own, and that of NumPy's products."""

from __future__ import annotations

import contextlib
import os
import threading
from functools import cache

_lock = threading.Lock()
_n_inside = 0
_limit = None


def usable_threads() -> int:
    """Return the processor's cores that are open to this process, or fewer where told so.

    joblib tells its workers their share by OMP_NUM_THREADS, which numerical libraries read too.
    """
    try:
        n_threads = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        n_threads = os.cpu_count() or 1
    told = allotted_threads()
    return n_threads if told is None else max(1, min(n_threads, told))


def allotted_threads() -> int | None:
    """Return the threads that OMP_NUM_THREADS allots to this process, None where it does not."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() else None


@contextlib.contextmanager
def one_thread():
    """Hold NumPy's products to one thread; without threadpoolctl, as in serving, let them be.

    Small products are slower on several threads, on busy machines many times slower. Several
    threads may be inside at once: the last one out puts back what the first one found.
    """
    global _n_inside, _limit
    pools = _pools()
    if pools is None:
        yield
        return
    with _lock:
        if _n_inside == 0:
            _limit = pools.limit(limits=1, user_api="blas")
        _n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if _n_inside == 0:
                _limit.restore_original_limits()


@cache
def _pools():
    """Return the process's thread pools; looking for them takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
