"""A convolution over words and the maximum of each feature map, with a sparse gradient.

The maximum has a gradient for one window per document and filter. Backends also multiply the zeros
of all other windows, which takes most of the time of a training step on long texts.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from textcnn.neural import backend

# Non-decreasing functions, so that the maximum can be computed first.
MONOTONE = frozenset(
    {"elu", "leaky_relu", "linear", "relu", "relu6", "selu", "sigmoid", "softplus", "tanh"}
)
# For at least about this many words, gathering the maximum windows is faster.
LONG = 48
FAR_BELOW = 1e30


def max_convolution(
    convolutions: list, channels: list, mask, *, activation: str, frozen, is_long: bool, name: str
):
    """Convolve each input, add up, take the maximum over places, activate.

    Variables have the same paths as in separate calls of the convolutions.

    Parameters
    ----------
    convolutions : list of keras.layers.Conv1D
        Of equal sizes, with "same" padding; the first one has the bias.
    channels : list of tensors, shape (batch, length, n_channels)
        One for each convolution.
    mask : tensor, shape (batch, length, 1)
        1 at positions that are used, at least one in each row; 0 elsewhere.
    activation : str
        One of ``MONOTONE``.
    frozen : tuple of bool
        Which inputs need no gradient.
    is_long : bool
        Whether rows are so long that training with only the maximum windows is faster.
    name : str

    Returns
    -------
    tensor, shape (batch, n_filters)
    """
    for layer, part in zip(convolutions, channels, strict=True):
        layer.build(part.shape)  # here, because a layer that builds others prefixes their names
    return _layer_class()(convolutions, activation, frozen, is_long, name=name)(channels, mask)


def is_long(lengths: np.ndarray) -> bool:
    """Return whether rows of these lengths train faster with only their maximum windows.

    Rows are weighted by their length, like in the time of a convolution.
    """
    lengths = np.asarray(lengths, float)
    return bool((lengths**2).sum() >= LONG * max(lengths.sum(), 1))


@cache
def _layer_class():
    """Return the class (made once Keras is there)."""
    keras = backend.import_keras()
    ops = keras.ops

    class MaxConvolution1D(keras.layers.Layer):
        """Sum of convolutions, maximum over the used positions, activation."""

        def __init__(self, convolutions, activation, frozen, is_long, **names):
            super().__init__(**names)
            self.convolutions = convolutions
            self._activation = keras.activations.get(activation)
            self._frozen = frozen
            self._is_long = is_long
            self.built = True

        def call(self, channels, counts, training=False):
            lowered = (counts - 1.0) * FAR_BELOW
            if not training:
                parts = zip(self.convolutions, channels, strict=True)
                maps = _sum([layer(part) for layer, part in parts])
                return self._activation(ops.max(maps + lowered, axis=1))
            # Copies, because a function with a custom gradient must not use variables.
            kernels = [ops.copy(layer.kernel) for layer in self.convolutions]
            if self._is_long:
                largest = _winning(channels, kernels, lowered, self._frozen)
            else:
                largest = ops.max(_maps(channels, kernels, lowered), axis=1)
            # The bias is equal for all windows of a filter, so it can be added after the maximum.
            return self._activation(largest + self.convolutions[0].bias)

        def compute_output_shape(self, channels_shape, counts_shape):
            return (counts_shape[0], self.convolutions[0].filters)

    return MaxConvolution1D


def _sum(parts: list):
    return parts[0] if len(parts) == 1 else sum(parts[1:], parts[0])


def _maps(channels, kernels, lowered):
    """Return the feature maps before bias and activation, far below zero where padded."""
    ops = backend.import_keras().ops
    pairs = zip(channels, kernels, strict=True)
    return _sum([ops.conv(part, kernel, padding="same") for part, kernel in pairs]) + lowered


def _winning(channels, kernels, lowered, frozen: tuple[bool, ...]):
    """Return the largest value of each feature map, with a gradient for its window only.

    Of equal values the first one is used.
    """
    ops = backend.import_keras().ops

    @ops.custom_gradient
    def largest(lowered, *tensors):
        channels, kernels = tensors[: len(frozen)], tensors[len(frozen) :]
        maps = _maps(channels, kernels, lowered)

        def gradient(*args, upstream=None):
            slopes = ops.transpose(args[0] if upstream is None else upstream)
            places = _window_places(ops.argmax(maps, axis=1), maps, kernels[0].shape[0])
            return (
                ops.zeros_like(lowered),
                *_channel_gradients(channels, kernels, slopes, places, frozen),
                *_kernel_gradients(channels, kernels, slopes, places),
            )

        return ops.max(maps, axis=1), gradient

    return largest(lowered, *channels, *kernels)


def _window_places(winners, maps, width: int):
    """Return the positions of the maximum windows, (n_filters, batch, width).

    Positions are counted across the documents of a batch, each padded for windows at its ends.
    """
    ops = backend.import_keras().ops
    batch, length = ops.shape(maps)[0], ops.shape(maps)[1]
    starts = ops.transpose(ops.cast(winners, "int32"))
    starts = starts + ops.arange(batch, dtype="int32") * (length + width - 1)
    return starts[:, :, None] + ops.arange(width, dtype="int32")


def _kernel_gradients(channels, kernels, slopes, places) -> list:
    """Return the gradients of kernels: sums of the windows of filters, weighted by gradients."""
    ops = backend.import_keras().ops
    width, _, n_filters = kernels[0].shape
    sizes = [kernel.shape[1] for kernel in kernels]
    words = ops.concatenate(channels, axis=-1) if len(channels) > 1 else channels[0]
    left = (width - 1) // 2
    padded = ops.pad(words, ((0, 0), (left, width - 1 - left), (0, 0)))
    windows = ops.take(ops.reshape(padded, (-1, sum(sizes))), places, axis=0)
    windows = ops.reshape(windows, (n_filters, -1, width * sum(sizes)))
    learnt = ops.matmul(slopes[:, None, :], windows)
    learnt = ops.transpose(ops.reshape(learnt, (n_filters, width, sum(sizes))), (1, 2, 0))
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [learnt[:, end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _channel_gradients(channels, kernels, slopes, places, frozen) -> list:
    """Return the gradients of inputs: kernels times gradients, summed over windows."""
    ops = backend.import_keras().ops
    gradients = []
    for part, kernel, is_frozen in zip(channels, kernels, frozen, strict=True):
        if is_frozen:
            gradients.append(ops.zeros_like(part))
            continue
        width, size, _ = kernel.shape
        batch, length = ops.shape(part)[0], ops.shape(part)[1]
        moved = slopes[:, :, None, None] * ops.transpose(kernel, (2, 0, 1))[:, None]
        moved = ops.segment_sum(
            ops.reshape(moved, (-1, size)),
            ops.reshape(places, (-1,)),
            num_segments=batch * (length + width - 1),
        )
        left = (width - 1) // 2
        moved = ops.reshape(moved, (batch, length + width - 1, size))
        gradients.append(moved[:, left : left + length])
    return gradients
