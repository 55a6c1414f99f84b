"""Non-decreasing activations, and their derivatives as functions of their output."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from textcnn.utils.links import sigmoid

LEAK = np.float32(0.2)


def _elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


# Name → function, and product of its derivative, computed from the result, with gradients.
ACTIVATIONS: dict[str, tuple[Callable, Callable]] = {
    "linear": (lambda x: x, lambda a, s: s),
    "relu": (lambda x: np.maximum(x, 0), lambda a, s: s * (a > 0)),
    "tanh": (np.tanh, lambda a, s: s * (1 - a * a)),
    "sigmoid": (sigmoid, lambda a, s: s * a * (1 - a)),
    "leaky_relu": (
        lambda x: np.where(x > 0, x, LEAK * x),
        lambda a, s: np.where(a > 0, s, LEAK * s),
    ),
    "elu": (_elu, lambda a, s: np.where(a > 0, s, s * (a + 1))),
}
