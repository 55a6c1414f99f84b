"""Functions compiled once and cached on disk, in a user folder if the package is read-only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numba

# Allowed optimisations: products and sums may be fused and regrouped. Numbers may be infinite or
# NaN, because training that diverges must be detected.
ARITHMETIC = {"contract", "reassoc", "nsz"}


def compiled(signature: str, *, is_part: bool = False) -> Callable:
    """Compile a function for these types of arguments, without the GIL.

    With given types, it is compiled or read from disk when its module is imported, so errors of
    compilation occur before any training. ``is_part`` is for functions that only compiled functions
    call, which compile faster.
    """
    settings = {
        "nogil": True,
        "fastmath": ARITHMETIC,
        "error_model": "numpy",
        "no_cfunc_wrapper": True,
        "no_cpython_wrapper": is_part,
    }

    def decorate(function):
        # Numba raises an error if neither folder is writable.
        with contextlib.suppress(RuntimeError):
            return numba.njit(signature, cache=True, **settings)(function)
        return numba.njit(signature, **settings)(function)

    return decorate
