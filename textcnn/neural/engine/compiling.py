"""Functions compiled once and kept on disk, in a folder of the user's where ours is read-only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numba

# What may be assumed of arithmetic: products and sums may be fused and regrouped. Not that numbers
# are finite, because training that diverges must be seen.
ARITHMETIC = {"contract", "reassoc", "nsz"}


def compiled(signature: str) -> Callable:
    """Compile a function for these types of arguments, without the GIL.

    With the types given, it is compiled, or read from disk, when its module is imported: what
    cannot be compiled is known before any training.
    """

    def decorate(function):
        settings = {"nogil": True, "fastmath": ARITHMETIC, "error_model": "numpy"}
        # Numba refuses to keep anything where neither folder can be written to.
        with contextlib.suppress(RuntimeError):
            return numba.njit(signature, cache=True, **settings)(function)
        return numba.njit(signature, **settings)(function)

    return decorate
