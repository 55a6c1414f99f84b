"""Link functions from raw outputs to probabilities, with NumPy only, for serving."""

from __future__ import annotations

import numpy as np


def sigmoid(raw: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-raw)) without overflow; exactly 0.5 at 0."""
    small = np.exp(-np.abs(raw))
    return np.where(raw >= 0, 1, small) / (1 + small)


def softmax(raw: np.ndarray) -> np.ndarray:
    """Return the probabilities of each row, which add up to one."""
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
