"""Loops of average pooling, in a separate file because few networks need them compiled.

Lines and numbers are those of :mod:`textcnn.neural.engine.kernels`.
"""

from __future__ import annotations

from textcnn.neural.engine.compiling import compiled


@compiled("void(float32[::1], float32[::1])", is_part=True)
def _add(total, a):
    for f in range(total.shape[0]):
        total[f] += a[f]


@compiled("void(float32[:, ::1], int32[::1], int32[::1], int64, float32[:, ::1])")
def window_sums(products, line, starts, width, sums):
    """Add the products of each window to its sum; ``starts`` contains the starts of windows."""
    for t in range(starts.shape[0]):
        for j in range(width):
            _add(sums[t], products[line[starts[t] + j] * width + j])


@compiled("void(float32[:, ::1], int32[::1], int32[::1], int64, float32[:, ::1])")
def scatter_window_slopes(window_slopes, line, starts, width, product_slopes):
    """Sum the gradients of each product of word and kernel over the windows that contain it."""
    for t in range(starts.shape[0]):
        for j in range(width):
            _add(product_slopes[line[starts[t] + j] * width + j], window_slopes[t])
