"""The default network's forward pass in NumPy: a few rows in milliseconds, without a backend.

A Keras call costs about as much for one row as for hundreds, and a process that serves single rows
need not load TensorFlow at all. Equal to the Keras network up to rounding (tests compare them).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache

import numpy as np

from textcnn.links import sigmoid
from textcnn.text.documents import TextSource
from textcnn.text.network import TextNetworkSettings

# Above this many tokens a backend's threads and fused convolutions are faster.
MOST_TOKENS = 4096

_ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "leaky_relu": lambda x: np.where(x > 0, x, np.float32(0.2) * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
}


def has_plain_form(settings: TextNetworkSettings) -> bool:
    """Tell whether :func:`plain_outputs` knows this network."""
    return (
        settings.network is None and settings.n_blocks == 1 and settings.activation in _ACTIVATIONS
    )


def plain_outputs(
    settings: TextNetworkSettings,
    source: TextSource,
    weights: dict[str, np.ndarray],
    view: dict[str, np.ndarray],
) -> np.ndarray:
    """Return a fitted model's raw outputs for all rows, without its level.

    Parameters
    ----------
    settings : TextNetworkSettings
    source : TextSource
        The rows, few enough that all their tokens fit in memory several times over.
    weights : dict of str to ndarray
        The model's variables by their Keras paths.
    view : dict of str to ndarray
        What the model knows.

    Returns
    -------
    ndarray of float32, shape (n_rows, n_outputs)
    """
    activation = _ACTIVATIONS[settings.activation]
    # Products this small are slower on several threads, on busy machines many times slower.
    with _one_thread():
        features = np.hstack(
            [
                feature
                for number, (vectors, starts) in enumerate(_word_vectors(source, weights, view))
                for feature in _pooled(settings, number, vectors, starts, weights, activation)
            ]
        )
        for layer in range(len(settings.dense_units)):
            features = activation(
                features @ weights[f"dense_{layer}/kernel"] + weights[f"dense_{layer}/bias"]
            )
        return features @ weights["raw_output/kernel"]


def _one_thread():
    """Hold NumPy's products to one thread; without threadpoolctl, as in serving, let them be."""
    threads = _threads()
    return nullcontext() if threads is None else threads.limit(limits=1, user_api="blas")


@cache
def _threads():
    """Return the process's thread pools; looking for them takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


def _word_vectors(source: TextSource, weights, view):
    """Yield per column the vectors of all words, one below the other, and where rows start.

    An empty document is one zero word, as in the Keras network.
    """
    tables = list(source.tables().values())
    for number, (lengths, given, learned) in enumerate(source.flat(view)):
        parts = []
        if given is not None:
            # Trained vectors belong to the model; frozen ones are shared.
            table = weights.get(f"given_{number}/embeddings")
            parts.append((tables[number] if table is None else table)[given])
        if learned is not None:
            parts.append(weights[f"learned_{number}/embeddings"][learned])
        vectors = np.hstack(parts)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        empty = np.flatnonzero(lengths == 0)
        if len(empty):
            vectors = np.insert(vectors, starts[empty], 0, axis=0)
            starts = np.concatenate([[0], np.cumsum(np.maximum(lengths, 1))[:-1]])
        yield vectors, starts


def _pooled(settings, number, vectors, starts, weights, activation) -> Sequence[np.ndarray]:
    """Return one column's pooled feature maps, a block per kernel size and pooling."""
    n_words = len(vectors)
    lengths = np.diff(np.append(starts, n_words))
    # Zeros between documents, so that no window reaches into a neighbour.
    gap = max(settings.kernel_sizes) - 1
    places = np.arange(n_words) + gap * (1 + np.repeat(np.arange(len(starts)), lengths))
    spaced = np.zeros((n_words + gap * (len(starts) + 1), vectors.shape[1]), np.float32)
    spaced[places] = vectors
    pooled = []
    for branch, width in enumerate(settings.kernel_sizes):
        kernel, bias = _kernel_and_bias(weights, number, branch)
        windows = spaced[places[:, None] + np.arange(width) - (width - 1) // 2]
        flat = kernel.reshape(-1, kernel.shape[-1])
        maps = activation(windows.reshape(n_words, -1) @ flat + bias)
        if settings.pooling in ("max", "both"):
            pooled.append(np.maximum.reduceat(maps, starts))
        if settings.pooling in ("average", "both"):
            pooled.append(np.add.reduceat(maps, starts) / lengths[:, None].astype(np.float32))
    return pooled


def _kernel_and_bias(weights, number: int, branch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a branch's weights; of channels that are convolved apart as of one convolution."""
    name = f"convolution_{number}_{branch}_0"
    kernel = weights[f"{name}_0/kernel"]
    if f"{name}_1/kernel" in weights:
        kernel = np.concatenate([kernel, weights[f"{name}_1/kernel"]], axis=1)
    return kernel, weights[f"{name}_0/bias"]
