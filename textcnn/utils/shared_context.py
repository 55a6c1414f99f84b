"""A state of the whole process that several threads may need at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable


class SharedContext:
    """A context that the first thread inside begins, and that the last one ends.

    Parameters
    ----------
    begin : callable
        Sets the state; its result is passed to ``end``.
    end : callable
        Restores what was before.
    """

    def __init__(self, begin: Callable, end: Callable):
        self._begin, self._end = begin, end
        self._lock = threading.Lock()
        self._n_inside = 0
        self._before = None

    def __enter__(self) -> None:
        """Enter; the first thread begins."""
        with self._lock:
            if not self._n_inside:
                self._before = self._begin()
            self._n_inside += 1

    def __exit__(self, *error) -> None:
        """Leave; the last thread ends."""
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                before, self._before = self._before, None
                self._end(before)
