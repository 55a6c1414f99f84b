"""Keeps notices of TensorFlow, which its C++ code writes while it is imported, from users."""

from __future__ import annotations

import contextlib
import os
import random
import re
import sys
import tempfile
import threading

import numpy as np

# "I0000 00:00:1795850424.25 3592 cudart_stub.cc:31] ...", "2026-01-01 ...: I tensorflow/core/...".
_NOTICE = re.compile(
    rb"(WARNING: All log messages before absl::InitializeLog"
    rb"|[IWE]\d{4} \d\d:\d\d:[\d.]+ +\d+ "
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+: [IWE] )"
)
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def without_notices():
    """Drop notices that C++ code writes to standard error; write everything else afterwards.

    They speak of GPUs and processors that may be missing, and come before any setting of the log
    is read. With ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment all are shown.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _one_at_a_time, contextlib.ExitStack() as stack:
        try:
            kept = os.dup(2)
        except OSError:  # a process without standard error
            yield
            return
        stack.callback(os.close, kept)
        written = stack.enter_context(tempfile.TemporaryFile())
        _flush()
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 2)
            written.seek(0)
            for line in written:
                if not _NOTICE.match(line):
                    os.write(2, line)


@contextlib.contextmanager
def kept_random_state():
    """Restore the global random states of NumPy and Python, from which an import may draw."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


def _flush() -> None:
    with contextlib.suppress(Exception):  # whatever stands in for standard error
        sys.stderr.flush()
