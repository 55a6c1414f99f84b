"""Number of threads for computations of this package and of NumPy."""

from __future__ import annotations

import contextlib
import os
from functools import cache

from textcnn.utils.shared_context import SharedContext


def usable_threads() -> int:
    """Return the number of cores available to this process, limited by OMP_NUM_THREADS.

    joblib sets OMP_NUM_THREADS for its workers; numerical libraries use it too.
    """
    try:
        n_threads = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        n_threads = os.cpu_count() or 1
    limit = allotted_threads()
    return n_threads if limit is None else max(1, min(n_threads, limit))


def allotted_threads() -> int | None:
    """Return the number of threads set by OMP_NUM_THREADS, or None."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdecimal() else None


@contextlib.contextmanager
def one_thread():
    """Limit NumPy's matrix products to one thread; does nothing without threadpoolctl.

    Small products are slower with several threads, and much slower on busy machines. Several
    threads may be inside at the same time: the last one restores the limit.
    """
    with contextlib.nullcontext() if _pools() is None else _limited:
        yield


_limited = SharedContext(
    lambda: _pools().limit(limits=1, user_api="blas"),
    lambda limit: limit.restore_original_limits(),
)


@cache
def _pools():
    """Return the process's thread pools, cached because finding them takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
