"""Equality of float32 numbers that are computed in two ways."""

from __future__ import annotations

import numpy as np

_RELATIVE = 2e-6


def equals_rounded(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return where numbers differ by no more than float32 rounding; below 1, by that of 1."""
    return np.abs(values - others) <= _RELATIVE * np.maximum(np.abs(others), 1)
