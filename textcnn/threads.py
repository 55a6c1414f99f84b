"""How many threads this process may use for arithmetic of our own."""

from __future__ import annotations

import os


def usable_threads() -> int:
    """Return the processor's cores that are open to this process, or fewer where told so.

    joblib tells its workers their share by OMP_NUM_THREADS, which numerical libraries read too.
    """
    try:
        n_threads = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        n_threads = os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(n_threads, int(told))) if told.isdigit() else n_threads
