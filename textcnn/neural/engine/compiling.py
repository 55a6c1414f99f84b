"""Functions compiled once and kept on disk, in a folder of the user's where ours is read-only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numba

# What may be assumed of arithmetic: products and sums may be fused and regrouped. Not that numbers
# are finite, because training that diverges must be seen.
ARITHMETIC = {"contract", "reassoc", "nsz"}


def compiled(signature: str, *, is_part: bool = False) -> Callable:
    """Compile a function for these types of arguments, without the GIL.

    With the types given, it is compiled, or read from disk, when its module is imported: what
    cannot be compiled is known before any training. ``is_part`` says that only compiled functions
    call it, which compiles faster.
    """
    settings = {
        "nogil": True,
        "fastmath": ARITHMETIC,
        "error_model": "numpy",
        "no_cfunc_wrapper": True,
        "no_cpython_wrapper": is_part,
    }

    def decorate(function):
        # Numba refuses to keep anything where neither folder can be written to.
        with contextlib.suppress(RuntimeError):
            return numba.njit(signature, cache=True, **settings)(function)
        return numba.njit(signature, **settings)(function)

    return decorate
