"""The default network's predictions in NumPy, by look-up: without a backend, and with less work.

A convolution over words is a sum of products of words and kernels, and each distinct word is
multiplied only once. For each occurrence only rows of tables are added: two to three times as fast
as the convolution of a backend, which is not loaded for predictions. Equal to the Keras network up
to rounding (tests compare them).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np

from textcnn.text.documents import TextSource
from textcnn.text.network import TextNetworkSettings
from textcnn.utils.links import sigmoid
from textcnn.utils.threads import one_thread, usable_threads

# Words per block, which limits memory to about half a gigabyte.
BLOCK_TOKENS = 2**19
# Words whose feature maps fit into the processor's cache.
CHUNK_TOKENS = 2048
# Below this number most words occur once, and threads would slow down the small products.
FEW_TOKENS = 4096

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "leaky_relu": lambda x: np.where(x > 0, x, np.float32(0.2) * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
}


def has_plain_form(settings: TextNetworkSettings) -> bool:
    """Return whether :func:`plain_outputs` supports this network."""
    return (
        settings.network is None and settings.n_blocks == 1 and settings.activation in ACTIVATIONS
    )


def plain_outputs(
    settings: TextNetworkSettings,
    source: TextSource,
    weights: dict[str, np.ndarray],
    view: dict[str, np.ndarray],
) -> np.ndarray:
    """Return a fitted model's raw outputs for all rows, without the base rate.

    Parameters
    ----------
    settings : TextNetworkSettings
    source : TextSource
        The rows. They are processed in blocks, so that only the outputs need memory.
    weights : dict of str to ndarray
        The model's variables by their Keras paths.
    view : dict of str to ndarray
        The known words of the model.

    Returns
    -------
    ndarray of float32, shape (n_rows, n_outputs)
    """
    n_tokens = np.maximum(source.lengths, 1)
    with one_thread() if n_tokens.sum() <= FEW_TOKENS else nullcontext():
        outputs = [
            _block_outputs(settings, source, weights, view, rows)
            for rows in _parts_of_tokens(n_tokens, BLOCK_TOKENS)
        ]
    if not outputs:
        return np.empty((0, weights["raw_output/kernel"].shape[-1]), np.float32)
    return np.concatenate(outputs)


def _block_outputs(settings, source, weights, view, rows: slice) -> np.ndarray:
    activation = ACTIVATIONS[settings.activation]
    maps = source.maps(view)
    gap = max(settings.kernel_sizes) - 1
    features = np.hstack(
        [
            feature
            for number, documents in enumerate(source.columns)
            for feature in _pooled(
                settings,
                number,
                _read_words(documents, maps[number], _tables(source, weights, number), rows, gap),
                weights,
                activation,
            )
        ]
    )
    for layer in range(len(settings.dense_units)):
        kernel, bias = weights[f"dense_{layer}/kernel"], weights[f"dense_{layer}/bias"]
        features = activation(features @ kernel + bias)
    return features @ weights["raw_output/kernel"]


def _tables(source: TextSource, weights, number: int) -> list[np.ndarray | None]:
    """Return the pretrained and the trainable vectors of a column, None if there are none."""
    given = source.vocabularies[number].given if source.vocabularies[number].dim else None
    # Trained vectors are the model's own; frozen ones are shared.
    return [
        weights.get(f"given_{number}/embeddings", given),
        weights.get(f"learned_{number}/embeddings"),
    ]


def word_vectors(source: TextSource, weights, view) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield per column the vectors of all words, and the start of each row.

    An empty document is one zero word.
    """
    for number, (documents, ids) in enumerate(zip(source.columns, source.maps(view), strict=True)):
        rows = slice(0, len(source))
        words = _read_words(documents, ids, _tables(source, weights, number), rows, gap=0)
        yield words.vectors[words.line], words.offsets[:-1]


@dataclass
class _Words:
    """The words of some rows of a column: distinct vectors, and their positions.

    Rows are concatenated with zero words between them, so that windows do not overlap two rows.
    """

    vectors: np.ndarray  # float32 (n_distinct, n_channels); the first is zero
    line: np.ndarray  # int (n_words plus zero words,), rows of ``vectors``
    places: np.ndarray  # int (n_words,), positions of the words in ``line``
    offsets: np.ndarray  # int (n_rows + 1,), start and stop of rows in ``places``; no row is empty


def _read_words(documents, ids, tables, rows: slice, gap: int) -> _Words:
    """Return the words of some rows; an empty document is one zero word, as in the Keras network.

    Forms with the same vectors, for example all unknown words, are one word.
    """
    offsets = documents.offsets[rows.start : rows.stop + 1]
    forms = documents.forms[offsets[0] : offsets[-1]]
    is_used = np.zeros(len(documents.learned_ids), bool)
    is_used[forms] = True
    used = np.flatnonzero(is_used)
    kinds = [
        (table, of_form[used])
        for table, of_form in zip(tables, ids, strict=True)
        if table is not None
    ]
    keys = np.zeros(len(used), np.int64)
    for table, kind in kinds:
        keys = keys * len(table) + kind
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    vectors = np.hstack([table[kind[first]] for table, kind in kinds])
    number_of_form = np.zeros(len(is_used), np.intp)
    number_of_form[used] = number + 1

    lengths = np.diff(offsets)
    filled = np.maximum(lengths, 1)
    words = np.zeros(filled.sum(), np.intp)
    words[np.repeat(lengths > 0, filled)] = number_of_form[forms]
    places = np.arange(len(words)) + gap * (1 + np.repeat(np.arange(len(filled)), filled))
    line = np.zeros(len(words) + gap * (len(filled) + 1), np.intp)
    line[places] = words
    ends = np.cumsum(np.concatenate([[0], filled]))
    return _Words(np.pad(vectors, ((1, 0), (0, 0))), line, places, ends)


def _pooled(settings, number, words: _Words, weights, activation) -> Iterator[np.ndarray]:
    """Yield one column's pooled features, a block per kernel size and pooling."""
    for branch in range(len(settings.kernel_sizes)):
        kernel, bias = kernel_and_bias(weights, number, branch)
        pool = partial(_pool, settings.pooling, activation, bias)
        if len(words.places) <= FEW_TOKENS:
            yield from pool(_maps_by_windows(words, kernel), words.offsets)
        else:
            yield from _pooled_by_look_up(words, kernel, pool)


def _pooled_by_look_up(words: _Words, kernel, pool) -> list[np.ndarray]:
    """Return pooled features for many words; each distinct word is multiplied once."""
    width, n_channels, n_filters = kernel.shape
    by_word = kernel.transpose(1, 0, 2).reshape(n_channels, width * n_filters)
    products = (words.vectors @ by_word).reshape(-1, n_filters)

    def pool_rows(rows: slice):
        offsets = words.offsets[rows.start : rows.stop + 1]
        places = words.places[offsets[0] : offsets[-1]]
        return pool(_maps_by_products(words, products, width, places), offsets - offsets[0])

    parts = _parts_of_tokens(np.diff(words.offsets), CHUNK_TOKENS)
    with ThreadPoolExecutor(usable_threads()) as threads:
        pooled = list(threads.map(pool_rows, parts))
    return list(map(np.concatenate, zip(*pooled, strict=True)))


def _maps_by_products(words: _Words, products, width: int, places) -> np.ndarray:
    """Return feature maps before bias and activation, (n_words, n_filters).

    ``products`` has, for each distinct word, a row for each position in a window.
    """
    first = places - (width - 1) // 2
    maps = np.take(products, words.line[first] * width, axis=0)
    added = np.empty_like(maps)
    for step in range(1, width):
        # mode="clip" avoids a copy in NumPy; all numbers are in range.
        lines = words.line[first + step] * width + step
        maps += np.take(products, lines, axis=0, out=added, mode="clip")
    return maps


def _maps_by_windows(words: _Words, kernel) -> np.ndarray:
    """Return the same for a few words, most of which occur once."""
    width, n_channels, n_filters = kernel.shape
    first = words.places - (width - 1) // 2
    windows = words.vectors[words.line[first[:, None] + np.arange(width)]]
    return windows.reshape(len(first), -1) @ kernel.reshape(-1, n_filters)


def _pool(pooling: str, activation, bias, maps, offsets) -> list[np.ndarray]:
    """Return the pooled features of rows with these offsets."""
    starts = offsets[:-1]
    pooled = []
    if pooling in ("max", "both"):
        # Activations are monotonic, so the maximum can be computed first.
        pooled.append(activation(np.maximum.reduceat(maps, starts) + bias))
    if pooling in ("average", "both"):
        sums = np.add.reduceat(activation(maps + bias), starts)
        pooled.append(sums / np.diff(offsets)[:, None].astype(np.float32))
    return pooled


def _parts_of_tokens(lengths: np.ndarray, n_tokens: int) -> list[slice]:
    """Split rows into parts of about ``n_tokens`` tokens, at least one row each."""
    if not len(lengths):
        return []
    parts = np.cumsum(lengths) // n_tokens
    starts = np.flatnonzero(np.diff(parts, prepend=-1))
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(lengths)], strict=True)]


def kernel_and_bias(weights, number: int, branch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a branch's weights; separate convolutions of channels are merged."""
    name = f"convolution_{number}_{branch}_0"
    kernel = weights[f"{name}_0/kernel"]
    if f"{name}_1/kernel" in weights:
        kernel = np.concatenate([kernel, weights[f"{name}_1/kernel"]], axis=1)
    return kernel, weights[f"{name}_0/bias"]
